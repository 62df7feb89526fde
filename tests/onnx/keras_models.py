#!/usr/bin/env python3
"""Writes small models as Keras' exporter lays them out, with channels last around everything, and what numpy answers:

    python3 keras_models.py FOLDER

Inputs are written with channels first, as the imported network reads them. SPDX-License-Identifier: MIT"""
import os
import sys

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

ROWS, SIDE, CLASSES = 8, 8, 5


def convolve(x, kernel, stride):
    """SAME_UPPER: out = ceil(side / stride), and the odd place lies below and on the right."""
    side, size = x.shape[2], kernel.shape[2]
    out = -(-side // stride)
    missing = max((out - 1) * stride + size - side, 0)
    pads = (missing // 2, missing - missing // 2)
    x = np.pad(x, ((0, 0), (0, 0), pads, pads))
    y = np.zeros((x.shape[0], kernel.shape[0], out, out))
    for i in range(out):
        for j in range(out):
            window = x[:, :, i * stride:i * stride + size, j * stride:j * stride + size]
            y[:, :, i, j] = np.einsum("nchw,fchw->nf", window, kernel)
    return y


def model(random, mean):
    """Convolutions of stride 1 and 2, a pool, and a classifier on all places or on their mean."""
    def draw(*shape):
        return random.normal(0, 0.4, shape).astype(np.float32)

    side = SIDE // 4
    values = {"k1": draw(4, 3, 3, 3), "b1": draw(4), "k2": draw(6, 4, 3, 3), "b2": draw(6),
              "w": draw(6 if mean else 6 * side * side, CLASSES), "b": draw(CLASSES),
              "scale": np.float32(1 / 127.5).reshape(()), "offset": np.float32(-1).reshape(())}
    flat = np.array([-1, values["w"].shape[0]], np.int64)
    node = helper.make_node
    nodes = [node("Mul", ["input", "scale"], ["scaled"]), node("Add", ["scaled", "offset"], ["shifted"]),
             node("Transpose", ["shifted"], ["first"], perm=[0, 3, 1, 2]),
             node("Conv", ["first", "k1", "b1"], ["c1"], auto_pad="SAME_UPPER"), node("Relu", ["c1"], ["r1"]),
             node("MaxPool", ["r1"], ["p1"], kernel_shape=[2, 2], strides=[2, 2], auto_pad="VALID"),
             node("Conv", ["p1", "k2", "b2"], ["c2"], auto_pad="SAME_UPPER", strides=[2, 2]),
             node("Relu", ["c2"], ["r2"]), node("Transpose", ["r2"], ["last"], perm=[0, 2, 3, 1])]
    if mean:
        nodes += [node("ReduceMean", ["last"], ["mean"], axes=[1, 2], keepdims=1),
                  node("Squeeze", ["mean", "places"], ["flat"])]
        constants = [numpy_helper.from_array(np.array([1, 2], np.int64), "places")]
    else:
        nodes += [node("Reshape", ["last", "row"], ["flat"])]
        constants = [numpy_helper.from_array(flat, "row")]
    nodes += [node("MatMul", ["flat", "w"], ["product"]), node("Add", ["product", "b"], ["scores"]),
              node("Softmax", ["scores"], ["output"], axis=-1)]
    for i, each in enumerate(nodes):
        each.name = f"{each.op_type}_{i}"
    constants += [numpy_helper.from_array(value, name) for name, value in values.items()]
    graph = helper.make_graph(nodes, "keras", [helper.make_tensor_value_info("input", TensorProto.FLOAT,
                                                                             ["n", SIDE, SIDE, 3])],
                              [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["n", CLASSES])], constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="tests")
    made.ir_version = 7
    checker.check_model(made, full_check=True)
    x = random.integers(0, 256, (ROWS, 3, SIDE, SIDE)).astype(np.float32)
    y = np.maximum(convolve(x / 127.5 - 1, values["k1"], 1) + values["b1"][:, None, None], 0)
    y = y.reshape(ROWS, 4, SIDE // 2, 2, SIDE // 2, 2).max(axis=(3, 5))
    y = np.maximum(convolve(y, values["k2"], 2) + values["b2"][:, None, None], 0).transpose(0, 2, 3, 1)
    y = (y.mean(axis=(1, 2)) if mean else y.reshape(ROWS, -1)) @ values["w"] + values["b"]
    return made, x, y


def main():
    for name, mean in (("keras_flat", False), ("keras_mean", True)):
        made, x, y = model(np.random.default_rng(4), mean)
        save(made, os.path.join(sys.argv[1], name + "_13.onnx"))
        x.astype("<f4").tofile(os.path.join(sys.argv[1], name + ".x"))
        y.astype("<f4").tofile(os.path.join(sys.argv[1], name + ".y"))


if __name__ == "__main__":
    main()
