#!/bin/sh
# Is Python as fast as C? Runs examples/studies/mnist and mnist.py in turn, on the same data with the same options, and
# compares the medians of their samples per second, and their parameters, which must be equal bit for bit.
#
#     sh compare.sh [BUILD [ROUNDS [OPTIONS...]]]
#
# BUILD is the build folder (build), ROUNDS how often each of them runs (5); OPTIONS are for both of them, by
# default --epochs 1. Reads PYTHON and MONOFORWARD_DATA. SPDX-License-Identifier: MIT
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 1
root=$here/../../..
build=${1:-$root/build}
rounds=${2:-5}
[ $# -ge 1 ] && shift
[ $# -ge 1 ] && shift
[ $# -ge 1 ] || set -- --epochs 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

fail() {
    echo "compare.sh: $*" >&2
    exit 1
}

case $rounds in
'' | *[!0-9]* | 0) fail "'$rounds' is no number of rounds" ;;
esac
[ -x "$build/examples/mnist" ] || fail "there is no $build/examples/mnist: build the examples first"
python=${PYTHON:-}
for candidate in python3 /usr/bin/python3; do
    if [ -z "$python" ] && "$candidate" -c 'import numpy' 2>"$work/complaint"; then
        python=$candidate
    fi
done
[ -n "$python" ] || fail "there is no python3 with numpy"

data=
for folder in "${MONOFORWARD_DATA:+$MONOFORWARD_DATA/mnist}" "${MONOFORWARD_DATA:-}" "$root/data/mnist" "$root/../shared/data/mnist"; do
    if [ -z "$data" ] && [ -n "$folder" ] && [ -n "$(ls "$folder/train-images-idx3-ubyte"* 2>"$work/complaint")" ]; then
        data=$folder
    fi
done
[ -n "$data" ] || fail "there is no MNIST: \$MONOFORWARD_DATA names its folder, or the one above"
for library in "$build/lib/libmonoforward.so.0" "$build/lib/libmonoforward.dylib"; do
    [ ! -f "$library" ] || MONOFORWARD_LIBRARY=$library
done
PYTHONDONTWRITEBYTECODE=1
export MONOFORWARD_LIBRARY PYTHONDONTWRITEBYTECODE

value() { # FILE KEY
    tail -1 "$1" | tr ' ' '\n' | sed -n "s/^$2=//p"
}

median() { # FILE
    sort -n "$1" | awk '{ value[NR] = $1 }
        END { print NR % 2 ? value[(NR + 1) / 2] : (value[NR / 2] + value[NR / 2 + 1]) / 2 }'
}

# run NAME COMMAND...
run() {
    name=$1
    shift
    "$@" >"$work/out" || fail "exit code $? from: $*"
    value "$work/out" samples_per_second >>"$work/$name"
    value "$work/out" params_hash >>"$work/hashes"
    echo "$name: $(tail -1 "$work/$name") samples/s, last=$(value "$work/out" last)% sum=$(value "$work/out" sum)%"
    last=$(value "$work/out" last)
}

round=0
while [ $round -lt "$rounds" ]; do
    run c "$build/examples/mnist" --data "$data" "$@"
    run python "$python" "$here/mnist.py" --data "$data" "$@"
    round=$((round + 1))
done
equal=no
[ "$(sort -u "$work/hashes" | wc -l)" -eq 1 ] && equal=yes
c=$(median "$work/c")
python_speed=$(median "$work/python")
ratio=$(awk -v a="$python_speed" -v b="$c" 'BEGIN { printf "%.3f", a / b }')
echo "result example=ffi-python-compare rounds=$rounds c=$c python=$python_speed ratio=$ratio" \
    "same_parameters=$equal last=$last"
[ $equal = yes ] && awk -v ratio="$ratio" 'BEGIN { exit !(ratio >= 0.95) }'
