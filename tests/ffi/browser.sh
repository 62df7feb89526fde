#!/bin/sh
# The WebAssembly: it learns to the bits of the library's own kernels for any processor, answers as networks ask for it,
# and its page works in Chromium.
# Arguments: see languages.sh. SPDX-License-Identifier: MIT
here=$(dirname "$0")
. "$here/languages.sh"

for tool in emcc python3 node chromium; do
    command -v $tool >/dev/null || skip "there is no $tool (sh tests/run.sh --all installs what the browser needs)"
done
sh "$source/examples/bindings/browser/build.sh" "$work/browser" || exit 1
# Elsewhere these kernels fuse products and sums.
if [ "$(uname -m)" = x86_64 ]; then
    "${CC:-cc}" -I"$source/include" "$here/browser/bits.c" "$library" -o "$work/bits" || exit 1
    natively=$(MF_PRODUCTS=generic "$work/bits") && here_too=$(node "$here/browser/bits.mjs" "$work/browser") || exit 1
    echo "trained natively: $natively; as WebAssembly: $here_too"
    [ "$natively" = "$here_too" ] || {
        echo "failed: the models differ"
        exit 1
    }
    MF_PRODUCTS=generic builds ffi-node-residual node "$here/browser/residual.mjs" "$work/browser" \
        "$source/examples/bindings/node/residual.js"
fi
"${CC:-cc}" -I"$source/include" "$source/tests/examples/make_models.c" "$library" -o "$work/make_models" &&
    "$work/make_models" "$work" && node "$here/browser/answers.mjs" "$work/browser" "$work" || exit 1
node "$here/browser/page.mjs" "$work/browser"
