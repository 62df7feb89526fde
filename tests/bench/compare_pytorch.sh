#!/bin/sh
# Training speed and memory against PyTorch: backpropagation and Mono-Forward there, ours here, in turns.
#
#     sh tests/bench/compare_pytorch.sh [--quick] [--bf16] [BUILD_FOLDER]
#
# PyTorch gets its best settings: the BLAS library's threads from the environment, its own threads 1 or as
# many, whichever a trial shows to be faster; idle threads sleep (OMP_WAIT_POLICY=passive). With convolutions a
# trial also chooses the order of maps in memory, and freed memory stays with the process. With --bf16 both sides
# take part a second time, in bf16: PyTorch with autocast (torch=bf16), ours with that precision of its layers
# (precision=bf16): a line for each of the four pairs, from the same rounds.
# SPDX-License-Identifier: MIT
set -eu
here=$(cd "$(dirname "$0")" && pwd)
rounds=5
precisions=float32
bf16=
while :; do
    case "${1:-}" in
    --quick) rounds=1 ;;
    --bf16) precisions=float32,bf16 bf16=--bf16 ;;
    *) break ;;
    esac
    shift
done
build=${1:-$here/../../build}
worker=$build/tests/bench/bench_worker
conv=$build/tests/bench/bench_conv
for program in "$worker" "$conv"; do
    [ -x "$program" ] || { echo "$program is missing: build first (cmake -S . -B build && cmake --build build)" >&2; exit 1; }
done

python=
for candidate in python3 /usr/bin/python3; do
    if "$candidate" -c 'import torch' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || { echo "PyTorch is missing; on Debian: apt-get install python3-torch" >&2; exit 1; }

echo "# $("$python" -c 'import torch; print("PyTorch", torch.__version__)')"
compare() { # ARCH BATCH OPTIMIZER THREADS STEPS RUN
    "$python" "$here/compare.py" pytorch "$worker" "$1" "$2" "$3" "$4" "$5" $rounds "$6" $precisions
}

# RUN is steps: threads work together on one layer after the other, as in PyTorch; pipeline: the layers train at the
# same time, and a thread that is free helps another.
for run in "1 steps" "2 steps" "2 pipeline"; do
    for optimizer in adam sgd; do
        compare 784-1000-1000 128 $optimizer "${run% *}" 60 "${run#* }"
        compare 3072-2000-2000-2000 128 $optimizer "${run% *}" 20 "${run#* }"
    done
done
compare 1000-1000-1000-1000-1000 128 sgd 2 40 pipeline
# One sample at a time.
for optimizer in sgd adam; do
    compare 64-32-32 1 $optimizer 1 2000 steps
    compare 784-1000-1000 1 $optimizer 1 100 steps
done
# Convolutions: the paper's network, SGD and Adam, without and with batch normalisation. These runs also measure
# the BLAS library's rate, in the same rounds.
# shellcheck disable=SC2086 # --bf16 or nothing
"$conv" --rounds=$rounds --python="$python" $bf16
