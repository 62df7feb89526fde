#!/bin/sh
# Training speed and memory against PyTorch: backpropagation and Mono-Forward there, ours here, in turns.
#
#     sh tests/bench/compare_pytorch.sh [--quick] [BUILD_FOLDER]
#
# PyTorch gets its best settings: the BLAS library's threads from the environment, its own threads 1 or as
# many, whichever a trial shows to be faster; idle threads sleep (OMP_WAIT_POLICY=passive).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
rounds=5
if [ "${1:-}" = --quick ]; then
    rounds=1
    shift
fi
build=${1:-$here/../../build}
worker=$build/tests/bench/bench_worker
[ -x "$worker" ] || { echo "$worker is missing: build first (cmake -S . -B build && cmake --build build)" >&2; exit 1; }

python=
for candidate in python3 /usr/bin/python3; do
    if "$candidate" -c 'import torch' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || { echo "PyTorch is missing; on Debian: apt-get install python3-torch" >&2; exit 1; }

echo "# $("$python" -c 'import torch; print("PyTorch", torch.__version__)')"
for threads in 1 2; do
    for optimizer in adam sgd; do
        "$python" "$here/compare.py" pytorch "$worker" 784-1000-1000 128 $optimizer $threads 60 $rounds
        "$python" "$here/compare.py" pytorch "$worker" 3072-2000-2000-2000 128 $optimizer $threads 20 $rounds
    done
done
# One sample at a time.
for optimizer in sgd adam; do
    "$python" "$here/compare.py" pytorch "$worker" 64-32-32 1 $optimizer 1 2000 $rounds
    "$python" "$here/compare.py" pytorch "$worker" 784-1000-1000 1 $optimizer 1 100 $rounds
done
