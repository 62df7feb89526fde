#!/bin/sh
# Builds the fuzz targets as OSS-Fuzz and ClusterFuzzLite ask for: by $CC, $CFLAGS, $CXX, $CXXFLAGS and
# $LIB_FUZZING_ENGINE, into $OUT, each with its seeds as NAME_seed_corpus.zip, its words and its options. $WORK, or else
# build-oss-fuzz, is for the rest. As a build.sh for OSS-Fuzz:
#
#     exec sh "$SRC/monoforward/tests/fuzz/oss_fuzz.sh"
#
# Needs CMake, a make and python3. Here, with clang:
#
#     CC=clang CXX=clang++ CFLAGS="-g -O1 -fsanitize=address,fuzzer-no-link" CXXFLAGS="$CFLAGS" \
#         LIB_FUZZING_ENGINE=-fsanitize=fuzzer OUT=/tmp/fuzzers sh tests/fuzz/oss_fuzz.sh
# SPDX-License-Identifier: MIT
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
: "${OUT:?is the folder for the fuzz targets}" "${LIB_FUZZING_ENGINE:?is the flag or library of the engine}"
build=${WORK:-$root/build-oss-fuzz}/monoforward
jobs=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

# Debug: no flag for optimisation beside those of CFLAGS.
cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Debug -DMF_BLAS=builtin -DMF_MPI=off -DMF_REFERENCE=off \
    -DMF_BUILD_EXAMPLES=OFF -DMF_BUILD_TESTS=OFF -DMF_BUILD_FUZZERS=ON -DMF_FUZZING_ENGINE="$LIB_FUZZING_ENGINE"
cmake --build "$build" -j "$jobs" --target fuzz_model fuzz_onnx fuzz_calls
mkdir -p "$OUT"

# target NAME SEEDS...
target() {
    name=$1
    shift
    cp "$build/tests/fuzz/$name" "$OUT/"
    rm -f "$OUT/${name}_seed_corpus.zip"
    python3 -m zipfile -c "$OUT/${name}_seed_corpus.zip" "$@"
}
target fuzz_model "$root"/tests/fuzz/corpus/*
target fuzz_onnx "$root"/tests/onnx/golden/*.onnx
target fuzz_calls "$root"/tests/fuzz/corpus_calls/*
cp "$root/tests/fuzz/model.dict" "$OUT/fuzz_model.dict"
printf '[libfuzzer]\nmax_len = 800\nlen_control = 0\n' >"$OUT/fuzz_calls.options"
