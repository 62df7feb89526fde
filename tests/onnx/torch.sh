#!/bin/sh
# Models of usual sizes, exported by PyTorch now, with cuts in a ResNet-18 that learns frozen and as a whole.
# Argument: onnx_imported. SPDX-License-Identifier: MIT
program=$1
here=$(dirname "$0")
. "$here/../python.sh"
find_python torch || {
    echo "skip: onnx.torch: there is no python3 with the module torch (Debian: python3-torch)"
    exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
"$python" "$here/torch_models.py" "$work" >"$work/log" 2>&1 || {
    cat "$work/log"
    exit 1
}
status=0
for file in "$work"/*.onnx; do
    model=$(basename "$file" .onnx)
    data=${model%%_[0-9]*}
    printf '%s: ' "$model"
    "$program" "$file" "$work/$data.x" "$work/$data.y" >"$work/out" 2>&1 || status=1
    tail -1 "$work/out"
done
block=/layers/layers.2/layers.2.1/relu_1/Relu
"$program" "$work/resnet18_13_apart.onnx" "$work/resnet18.x" "$work/resnet18.y" $block || status=1
exit $status
