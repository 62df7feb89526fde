#!/bin/sh
# A program of the tutorial does what it says, and the same again. Arguments: the program, then pairs of a key in its
# result line and the least value (a number), or the value (a word).
# SPDX-License-Identifier: MIT
program=$1
shift
name=$(basename "$program")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. "$(dirname "$0")/common.sh"
cd "$work" || exit 1

succeeds "$name" "$program"
[ "$(result example)" = "$name" ] || fail "$name: no result line at the end"
while [ $# -ge 2 ]; do
    case $2 in
    *[!0-9.]*) [ "$(result "$1")" = "$2" ] || fail "$name: $1 is '$(result "$1")', expected $2" ;;
    *) at_least "$name" "$1" "$2" ;;
    esac
    shift 2
done
cp "$work/out" "$work/first"
succeeds "$name again" "$program"
cmp -s "$work/out" "$work/first" || fail "$name: another run prints something else"
[ "$(echo *)" = "err first out" ] || fail "$name: leaves files behind: $(echo *)"
exit "$status"
