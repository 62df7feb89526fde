#!/bin/sh
# Small models that PyTorch has written, and what it answers: torch_models.py made them. Argument: onnx_imported.
# SPDX-License-Identifier: MIT
program=$1
golden=$(dirname "$0")/golden
status=0

check() { # model data cut...
    model=$1 data=$2
    shift 2
    "$program" "$golden/$model.onnx" "$golden/$data.x" "$golden/$data.y" "$@" >"$work/out" 2>&1 || {
        echo "failed: $model $*"
        cat "$work/out"
        status=1
    }
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
for file in "$golden"/*.onnx; do
    model=$(basename "$file" .onnx)
    check "$model" "${model%%_[0-9]*}"
done
check resnet_9_apart resnet /layers/layers.0/layers.0.0/relu_1/Relu
check vit_17_apart vit /Add_1 /norm/LayerNormalization_output_0
check lenet_17_apart lenet /5/MaxPool
exit $status
