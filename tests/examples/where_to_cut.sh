#!/bin/sh
# examples/10_where_to_cut: every cut learns, backpropagation holds more than Mono-Forward, and one cut says what the run
# of all of them says. Argument: the program. SPDX-License-Identifier: MIT
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$(dirname "$0")/common.sh"

# Everything but the time.
steady() {
    sed 's/ seconds=.*//' "$work/out"
}
succeeds "all cuts" "$program"
steady >"$work/all"
for cut in 1 2 3; do
    succeeds "cut $cut" "$program" $cut
    at_least "cut $cut" accuracy 80
    steady
    eval "workspace_$cut=$(result workspace_bytes)"
done >"$work/each"
cmp -s "$work/all" "$work/each" || fail "one cut says something else than all of them: $(cat "$work/all" "$work/each")"
[ "$workspace_1" -gt "$workspace_3" ] || fail "workspaces: $workspace_1 in one layer, $workspace_3 in three"
complains "no layers" "usage" "$program" 0
complains "four layers" "usage" "$program" 4
exit "$status"
