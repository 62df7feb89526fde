#!/bin/sh
# ONNX Runtime predicts from exported networks what the library predicts. Arguments: onnx_networks, the source
# folder, the build folder. SPDX-License-Identifier: MIT
program=$1 source=$2 build=$3
here=$(dirname "$0")
. "$here/common.sh"

command -v node >/dev/null || skip "there is no node"
package=
for folder in "${MONOFORWARD_NODE_MODULES:-}" "$build/node/node_modules" "$source/build/node/node_modules"; do
    if [ -z "$package" ] && [ -n "$folder" ] && [ -d "$folder/onnxruntime-node" ]; then
        package=$folder/onnxruntime-node
    fi
done
[ -n "$package" ] || skip "the package onnxruntime-node is not installed (sh tests/run.sh --all installs it)"
node -e 'require(process.argv[1])' "$package" 2>"$work/complaint" ||
    skip "onnxruntime-node does not run here: $(grep -m 1 Error "$work/complaint")"
make_networks
node "$here/runtime.js" "$package" "$work/out"
