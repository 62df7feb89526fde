#!/bin/sh
# ONNX's own checker, with shape inference, on exported networks. Arguments: onnx_networks, the source folder.
# SPDX-License-Identifier: MIT
program=$1 source=$2
here=$(dirname "$0")
. "$here/common.sh"
. "$here/../python.sh"

find_python onnx || skip "there is no python3 with the module onnx (Debian: python3-onnx)"
make_networks
"$python" "$here/checker.py" "$work/out"
