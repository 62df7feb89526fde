#!/bin/sh
# A little of the real CIFAR-10, where it is at hand. Arguments: cifar10, the source folder.
# SPDX-License-Identifier: MIT
cifar10=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. "$(dirname "$0")/common.sh"

found=
endings=".bin"
"$cifar10" --help | grep -q 'with .xz' && endings=".bin .bin.xz"
for folder in "${MONOFORWARD_DATA:-}" "${MONOFORWARD_DATA:+$MONOFORWARD_DATA/cifar-10}" "$source/../shared/data/cifar-10" "$source/data/cifar-10" \
    "$source/data/cifar-10-batches-bin"; do
    for ending in $endings; do
        if [ -n "$folder" ] && [ -f "$folder/test_batch$ending" ]; then
            found=$folder
            break 2
        fi
    done
done
if [ -z "$found" ]; then
    echo "skip: cifar10: no files that can be read in cifar-10 of \$MONOFORWARD_DATA, ../shared/data/cifar-10 or data"
    exit 77
fi
"$cifar10" --data "$found" --width 0.25 --limit 5000 --epochs 2 --evaluate-every 2 --seed 1 \
    >"$work/out" 2>"$work/err" ||
    fail "exit code $?: $(cat "$work/err")"
grep -q '5000 images to learn from, 10000 to test with' "$work/out" || fail "not the real CIFAR-10: $found"
# Guessing gets 10.
at_least "two epochs with a tenth of CIFAR-10" last 33
at_least "two epochs with a tenth of CIFAR-10" sum 33
tail -1 "$work/out"
exit "$status"
