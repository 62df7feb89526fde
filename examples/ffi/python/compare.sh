#!/bin/sh
# Python beside C: mnist.py and build/examples/mnist by turns, on the same data with the same options.
#
#     sh examples/ffi/python/compare.sh [ROUNDS] [OPTIONS OF BOTH...]
#
# ROUNDS is 5; the options are --epochs 2 --threads 1. Prints samples per second of each run, and the ratio of the
# medians. $PYTHON is the interpreter, $BUILD the folder of the build. SPDX-License-Identifier: MIT
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
build=${BUILD:-$here/../../../build}
rounds=${1:-5}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- --epochs 2 --threads 1
python=${PYTHON:-python3}
if ! "$python" -c 'import numpy' 2>/dev/null; then
    python=/usr/bin/python3
fi
data=${MONOFORWARD_DATA:-$here/../../../../shared/data/mnist}
[ -d "$data" ] || {
    echo "compare.sh: name the folder of MNIST in MONOFORWARD_DATA" >&2
    exit 2
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# speed NAME COMMAND...: its samples per second, added to a file of its own
speed() {
    name=$1
    shift
    "$@" >"$work/out" 2>"$work/errors" || {
        cat "$work/errors" >&2
        exit 1
    }
    tail -1 "$work/out" >"$work/$name.result"
    sed 's/.*samples_per_second=\([0-9]*\).*/\1/' "$work/$name.result" >>"$work/$name"
    printf '%8s %s samples/s\n' "$name" "$(tail -1 "$work/$name")"
}

median() {
    sort -n "$work/$1" | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'
}

accuracy() {
    sed 's/.* last=\([0-9.]*\).*/\1/' "$work/$1.result"
}

MONOFORWARD_LIBRARY=${MONOFORWARD_LIBRARY:-$build/lib/libmonoforward.so.0}
export MONOFORWARD_LIBRARY
round=0
while [ "$round" -lt "$rounds" ]; do
    speed c "$build/examples/mnist" --data "$data" "$@"
    speed python "$python" "$here/mnist.py" --data "$data" "$@"
    round=$((round + 1))
done
awk -v c="$(median c)" -v python="$(median python)" -v rounds="$rounds" -v c_last="$(accuracy c)" \
    -v python_last="$(accuracy python)" 'BEGIN {
    printf "result compare=python rounds=%d c=%d python=%d of_c=%.3f c_last=%s python_last=%s\n", rounds, c, python,
        python / c, c_last, python_last }'
