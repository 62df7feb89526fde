#!/bin/sh
# Builds the library as WebAssembly: an npm package, and the page beside it.
#
#     sh examples/bindings/browser/build.sh build/browser
#     python3 -m http.server --directory build/browser      # then open http://localhost:8000/page/
#
# Needs emcc (Debian: emscripten) 3.1 or later, and python3. The WebAssembly has the functions that monoforward.js
# calls and no others. SPDX-License-Identifier: MIT
set -eu

[ $# -eq 1 ] || {
    echo "usage: sh build.sh FOLDER" >&2
    exit 2
}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
mkdir -p "$1"
cp -R "$here/package.json" "$here/abi.js" "$here/monoforward.js" "$here/page" "$here/../../../LICENSE" "$1"
# What Node requires, modules import.
sed -e "s|^const {constants} = require('./abi.js');|import {constants} from './abi.js';|" \
    -e "s/^module.exports = /export /" -e "/^'use strict';$/d" "$here/../node/shared.js" >"$1/shared.js"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

python3 "$here/../../../cmake/amalgamate.py" "$work"
functions=$(grep -oE '\bC\.(mf_\w+|malloc|free)\b' "$here/monoforward.js" | sort -u | sed 's/^C\./_/' | paste -sd, -)
# Products and sums may not fuse: there is no such instruction, and results are those of plain C on any machine.
emcc -std=gnu11 -O3 -msimd128 -ffp-contract=off -fno-math-errno -fno-trapping-math "$work/monoforward_all.c" \
    --no-entry -sSTANDALONE_WASM -sWASM_BIGINT -sALLOW_MEMORY_GROWTH -sINITIAL_MEMORY=4MB -sTOTAL_STACK=1MB \
    "-sEXPORTED_FUNCTIONS=$functions" -o "$1/monoforward.wasm"
echo "$1/monoforward.wasm: $(wc -c <"$1/monoforward.wasm") bytes, gzipped $(gzip -9 <"$1/monoforward.wasm" | wc -c)"
