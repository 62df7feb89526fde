"""Checks the ONNX models of a folder: valid, with the promised inputs and outputs. Argument: the folder.

SPDX-License-Identifier: MIT
"""
import pathlib
import sys

import onnx
from onnx import TensorProto, checker, shape_inference

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def shape_of(value):
    tensor = value.type.tensor_type
    return [dim.dim_param or dim.dim_value for dim in tensor.shape.dim], tensor.elem_type


def check(path, image, classes, positions):
    model = onnx.load(path)
    checker.check_model(model, full_check=True)
    assert model.ir_version == 7 and model.producer_name == "libmonoforward"
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 13)]
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert metadata == {"name": pathlib.Path(path).stem, "ä \"quoted\"": "\n\\ 🙂"}, metadata
    expected = {}
    for mode in "last", "sum":
        row = ["N", positions] if positions else ["N"]
        expected[f"goodness_{mode}"] = ([*row, classes], FLOAT)
        expected[f"probabilities_{mode}"] = ([*row, classes], FLOAT)
        expected[f"label_{mode}"] = (row, INT64)
    assert {o.name: shape_of(o) for o in model.graph.output} == expected
    assert {i.name: shape_of(i) for i in model.graph.input} == {"input": (["N", *image], FLOAT)}
    # What inference finds by itself, without being told the outputs' shapes.
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    inferred = shape_inference.infer_shapes(model, strict_mode=True)
    found = {o.name: shape_of(o) for o in inferred.graph.output}
    for name, (shape, kind) in expected.items():
        assert found[name][1] == kind and found[name][0][1:] == shape[1:], (name, found[name])
        assert len(found[name][0]) == len(shape), (name, found[name])
    names = [n.name for n in model.graph.node] + [t.name for t in model.graph.initializer]
    assert len(names) == len(set(names))
    used = {name for node in model.graph.node for name in node.input}
    assert {t.name for t in model.graph.initializer} <= used
    return len(model.graph.node)


folder = pathlib.Path(sys.argv[1])
lines = (folder / "networks.txt").read_text().splitlines()
nodes = 0
for line in lines:
    name, _, _, classes, positions, *image = line.split()
    try:
        nodes += check(str(folder / f"{name}.onnx"), [int(size) for size in image], int(classes), int(positions))
    except Exception as problem:
        print(f"failed: {name}: {problem!r}")
        sys.exit(1)
assert lines
print(f"onnx {onnx.__version__}: {len(lines)} models with {nodes} nodes are valid")
