#!/bin/sh
# Trains the same network in the same browser by this library and by TensorFlow.js:
#
#     sh tests/bench/compare_tfjs.sh [ROUNDS]
#
# Needs emcc, python3, chromium and node, and npm, which brings TensorFlow.js into build/tfjs. Prints a result line for
# batches of 32 and 128 rows; `ratio` is their time by ours. Exit code 77 where something is missing.
# SPDX-License-Identifier: MIT
set -eu

cd "$(dirname "$0")/../.."
skip() {
    echo "skip: compare_tfjs: $*"
    exit 77
}
for tool in emcc python3 chromium node npm; do
    command -v $tool >/dev/null || skip "there is no $tool"
done
mkdir -p build/tfjs
[ -d build/tfjs/node_modules/@tensorflow/tfjs-backend-wasm ] ||
    npm install --prefix build/tfjs --ignore-scripts --no-package-lock --no-save --no-audit --no-fund --silent \
        @tensorflow/tfjs@4 @tensorflow/tfjs-backend-wasm@4 || skip "npm cannot bring @tensorflow/tfjs"
sh examples/bindings/browser/build.sh build/tfjs/monoforward
cp tests/bench/tfjs/index.html tests/bench/tfjs/bench.js build/tfjs
for rows in 32 128; do
    node tests/bench/tfjs/run.mjs build/tfjs $rows "${1:-7}"
done
