#!/bin/sh
# examples/10_where_to_cut: every cut learns, backpropagation holds more than Mono-Forward, and one cut says what the run
# of all of them says. Argument: the program. SPDX-License-Identifier: MIT
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. "$(dirname "$0")/common.sh"

succeeds "all cuts" "$program"
cp "$work/out" "$work/all"
[ "$(wc -l <"$work/all")" -eq 3 ] || fail "not a line for each cut: $(cat "$work/all")"
for cut in 1 2 3; do
    sed -n "${cut}p" "$work/all" >"$work/out"
    [ "$(result example)" = 10_where_to_cut ] && [ "$(result cut)" = $cut ] || fail "line $cut: $(cat "$work/out")"
    at_least "cut $cut" accuracy 80
    eval "workspace_$cut=$(result workspace_bytes)"
done
[ "$workspace_1" -gt "$workspace_3" ] || fail "workspaces: $workspace_1 in one layer, $workspace_3 in three"
# Everything but the time.
succeeds "two layers" "$program" 2
[ "$(sed 's/ seconds=.*//' "$work/out")" = "$(sed -n '2s/ seconds=.*//p' "$work/all")" ] ||
    fail "two layers alone: $(cat "$work/out"); among the others: $(sed -n 2p "$work/all")"
complains "no layers" "usage" "$program" 0
complains "layers and letters" "usage" "$program" 2abc
complains "no number" "usage" "$program" ""
complains "four layers" "usage" "$program" 4
exit "$status"
