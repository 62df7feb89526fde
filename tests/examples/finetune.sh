#!/bin/sh
# 13_finetune with a model and files in the format of CIFAR-10: it learns behind the model, and refuses one for other
# inputs. Arguments: the program, make_cifar, make_models. SPDX-License-Identifier: MIT
program=$1 make_cifar=$2 make_models=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. "$(dirname "$0")/common.sh"
cd "$work" || exit 1
"$make_cifar" . 400 200 && "$make_models" . || exit 1

succeeds "a model for these images" "$program" small.onnx data_batch_1.bin test_batch.bin
[ "$(result data)" = cifar10 ] || fail "the data are said to be $(result data)"
at_least "a model for these images" accuracy 60
complains "a model for larger images" "30000 inputs, the data have 3072" "$program" large.onnx data_batch_1.bin \
    test_batch.bin
complains "a model alone" "usage" "$program" small.onnx
complains "a word too many" "usage" "$program" small.onnx data_batch_1.bin test_batch.bin more
exit "$status"
