#!/bin/sh
# One epoch on the real MNIST, where it is at hand. Arguments: mnist, the source folder.
# SPDX-License-Identifier: MIT
mnist=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. "$(dirname "$0")/common.sh"

found=
for folder in "${MONOFORWARD_DATA:-}" "${MONOFORWARD_DATA:+$MONOFORWARD_DATA/mnist}" "$source/../shared/data/mnist" "$source/data/mnist"; do
    if [ -n "$folder" ] && { [ -f "$folder/train-images-idx3-ubyte" ] ||
        [ -f "$folder/train-images-idx3-ubyte.gz" ]; }; then
        found=$folder
        break
    fi
done
if [ -z "$found" ]; then
    echo "skip: real data: no MNIST in \$MONOFORWARD_DATA, ../shared/data/mnist or data/mnist"
    exit 77
fi
"$mnist" --data "$found" --hidden 200,200 --epochs 1 --seed 1 >"$work/out" 2>"$work/err" ||
    fail "exit code $?: $(cat "$work/err")"
# No linear classifier comes near 94; one epoch of this network passes it well.
at_least "one epoch of MNIST" last 94
at_least "one epoch of MNIST" sum 94
tail -1 "$work/out"
exit "$status"
