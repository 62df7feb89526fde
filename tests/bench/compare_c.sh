#!/bin/sh
# Training speed against FANN, a C library for neural networks, in turns.
#
#     sh tests/bench/compare_c.sh [--quick] [BUILD_FOLDER]
# SPDX-License-Identifier: MIT
set -eu
here=$(cd "$(dirname "$0")" && pwd)
rounds=5
if [ "${1:-}" = --quick ]; then
    rounds=1
    shift
fi
build=${1:-$here/../../build}
worker=$build/tests/bench/bench_worker
peer=$build/tests/bench/fann_worker
[ -x "$worker" ] || { echo "$worker is missing: build first (cmake -S . -B build && cmake --build build)" >&2; exit 1; }
[ -x "$peer" ] || { echo "$peer is missing: FANN was not found when cmake ran; on Debian: apt-get install libfann-dev" >&2; exit 1; }
python3 "$here/compare.py" fann "$worker" "$peer" 784-1000-1000 128 2 $rounds
