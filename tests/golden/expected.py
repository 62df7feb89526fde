#!/usr/bin/env python3
"""What the golden files must predict, computed from their bytes in double precision with numpy and no code of the
library: python3 expected.py FOLDER prints the tables for api/files_golden.c. SPDX-License-Identifier: MIT"""
import json
import math
import os
import struct
import sys

import numpy as np

ROWS, CLASSES = 3, 3


def read(path):
    data = open(path, "rb").read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(data[begin:end], "<f4").reshape(entry["shape"]).astype(np.float64)
    training = json.loads(metadata["training"]) if "training" in metadata else None
    return json.loads(metadata["network"]), tensors, training


def batch(inputs):
    x = np.array([[((7 * b + 3 * i + i // 11) % 11 - 5) / 4 for i in range(inputs)] for b in range(ROWS)])
    return x, np.arange(ROWS) % CLASSES


def activate(layer, z):
    kind = layer["activation"]
    if kind == "relu":
        return np.maximum(z, 0)
    if kind == "leaky_relu":
        return np.where(z > 0, z, float(layer["leak"]) * z)
    if kind == "tanh":
        return np.tanh(z)
    if kind == "silu":
        return z / (1 + np.exp(-z))
    if kind == "gelu":
        return z * (1 + np.vectorize(math.erf)(z / math.sqrt(2))) / 2
    return z


def convolve(layer, x, weight):
    (kh, kw), (sh, sw), (ph, pw) = layer["kernel"], layer["stride"], layer["padding"]
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    height, width = (x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1
    u = np.empty((len(x), len(weight), height, width))
    for r in range(height):
        for c in range(width):
            window = x[:, :, r * sh : r * sh + kh, c * sw : c * sw + kw]
            u[:, :, r, c] = np.einsum("bcij,fcij->bf", window, weight)
    return u


def pool(layer, a):
    if layer["pool"] == "none":
        return a
    size = layer["pool_size"]
    stride = [layer["pool_stride"][d] or size[d] for d in range(2)]
    height, width = ((a.shape[2 + d] - size[d]) // stride[d] + 1 for d in range(2))
    out = np.empty(a.shape[:2] + (height, width))
    for r in range(height):
        for c in range(width):
            window = a[:, :, r * stride[0] : r * stride[0] + size[0], c * stride[1] : c * stride[1] + size[1]]
            out[:, :, r, c] = window.max((2, 3)) if layer["pool"] == "max" else window.mean((2, 3))
    return out


def features(layer, a):
    size = layer.get("head_size", 0)
    if not size:
        return a.reshape(len(a), -1)
    out = np.empty(a.shape[:2] + (size, size))
    edges = [[(i * n // size, -(-(i + 1) * n // size)) for i in range(size)] for n in a.shape[2:]]
    for r, (top, bottom) in enumerate(edges[0]):
        for c, (left, right) in enumerate(edges[1]):
            out[:, :, r, c] = a[:, :, top:bottom, left:right].mean((2, 3))
    return out.reshape(len(a), -1)


def forward(layer, get, x):
    conv = layer["kind"] == "conv2d"
    if conv:
        x = x.reshape(len(x), layer["channels"], layer["height"], layer["width"])
        u = convolve(layer, x, get("weight"))
    else:
        u = x.reshape(len(x), -1) @ get("weight").T
    along = (1, -1, 1, 1) if conv else (1, -1)
    if layer["normalization"] == "batch":
        root = np.sqrt(get("variance") + float(layer["normalization_epsilon"]))
        u = (u - get("mean").reshape(along)) * (get("scale") / root).reshape(along)
    z = u + get("bias").reshape(along) if layer["bias"] else u
    a = activate(layer, z)
    return (pool(layer, a) if conv else a), z


def convolve_groups(unit, x, weight):
    groups = unit.get("groups", 1)
    parts = zip(np.split(x, groups, 1), np.split(weight, groups))
    return np.concatenate([convolve(unit, maps, filters) for maps, filters in parts], 1)


def attend(unit, x):
    """Of [B, T, 3 d]; a causal one head by head and position by position, as it is said."""
    out = np.empty(x.shape[:2] + (x.shape[2] // 3,))
    width = out.shape[2] // unit["heads"]
    query, key, value = np.split(x, 3, 2)
    for head in range(unit["heads"]):
        of_head = slice(head * width, (head + 1) * width)
        for t in range(x.shape[1]):
            seen = t + 1 if unit["causal"] else x.shape[1]
            score = np.einsum("bi,bsi->bs", query[:, t, of_head], key[:, :seen, of_head]) / math.sqrt(width)
            share = np.exp(score - score.max(1, keepdims=True))
            share /= share.sum(1, keepdims=True)
            out[:, t, of_head] = np.einsum("bs,bsi->bi", share, value[:, :seen, of_head])
    return out


def normalize_layer(unit, get, x):
    off = x - x.mean(-1, keepdims=True)
    y = off / np.sqrt((off**2).mean(-1, keepdims=True) + float(unit["normalization_epsilon"])) * get("scale")
    return y + get("bias") if unit["bias"] else y


def normalize(unit, get, x):
    along = (1, -1, 1, 1) if x.ndim == 4 else (1, -1)
    root = np.sqrt(get("variance") + float(unit["normalization_epsilon"]))
    x = (x - get("mean").reshape(along)) * (get("scale") / root).reshape(along)
    return x + get("bias").reshape(along) if unit["bias"] else x


def run_unit(unit, get, x, other):
    kind = unit["kind"]
    if kind == "dense":
        y = (x if x.ndim == 3 else x.reshape(len(x), -1)) @ get("weight").T
        return y + get("bias") if unit["bias"] else y
    if kind == "conv2d":
        y = convolve_groups(unit, x if x.ndim == 4 else x[:, :, None, None], get("weight"))
        return y + get("bias").reshape(1, -1, 1, 1) if unit["bias"] else y
    if kind == "batch_norm":
        return normalize(unit, get, x)
    if kind == "activation":
        return activate(unit, x)
    if kind == "pool":
        return pool({"pool": unit["pool"], "pool_size": unit["kernel"], "pool_stride": unit["stride"]}, x)
    if kind == "add":
        return x + other
    if kind == "concat":
        return np.concatenate((x, other), 2 if x.ndim == 3 else 1)
    if kind == "layer_norm":
        return normalize_layer(unit, get, x)
    if kind == "global_pool":
        return x.mean(1) if x.ndim == 3 else x.mean((2, 3))
    if kind == "transpose":
        return x.transpose(0, 2, 1)
    if kind == "tokens":
        return x.reshape(*x.shape[:2], -1).transpose(0, 2, 1)
    if kind == "flatten":
        return x.reshape(len(x), -1)
    if kind == "positions":
        return x + get("weight")
    if kind == "attention":
        return attend(unit, x)
    if kind == "embedding":
        assert (x == x.astype(int)).all()
        return get("weight")[x.astype(int)]
    assert kind == "dropout"
    return x


def run_units(layer, get, x):
    """The values of all nodes, the input first."""
    nodes = [x.reshape(len(x), *layer["input"])]
    for number, unit in enumerate(layer["units"], 1):
        of_unit = lambda name: get(f"units.{number}.{name}")
        nodes.append(run_unit(unit, of_unit, nodes[unit["input"]], nodes[unit.get("other", 0)]))
    return nodes


def projection(layer, get, tensors):
    """M: what the head learns, behind a matrix that belongs to the first layer whose head reads it."""
    parts = [tensors[f"layers.{layer['head']['shared']}.head.shared"]] if "shared" in layer["head"] else []
    try:
        parts.append(get("head.projection"))
    except KeyError:
        assert parts
    return np.concatenate(parts, 1)


def goodness(network, tensors, x):
    scores = []
    for i, layer in enumerate(network["layers"]):
        get = lambda name: tensors[f"layers.{i}.{name}"]
        if layer["kind"] == "units":
            head, nodes = layer["head"], run_units(layer, get, x)
            last = head.get("input", -1)
            x = nodes[head.get("output", last)]
            if head["kind"] == "positions":
                scores.append(nodes[last] @ projection(layer, get, tensors).T)
                continue
            read = features({"head_size": head["pool_size"]}, nodes[last])
            scores.append(read @ projection(layer, get, tensors).T)
        else:
            x, _ = forward(layer, get, x)
            scores.append(features(layer, x) @ get("projection").T)
    return scores[-1], sum(scores)


def softmax_error(score, y):
    softmax = np.exp(score - score.max(1, keepdims=True))
    softmax /= softmax.sum(1, keepdims=True)
    return (softmax - np.eye(CLASSES)[y]) / len(score)


def gradients_of_spec(layer, get, x, y):
    """Of a dense ReLU layer; its output."""
    assert layer["activation"] == "relu"
    a, z = forward(layer, get, x)
    delta = softmax_error(a @ get("projection").T, y)
    dz = (delta @ get("projection")) * (z > 0)
    return {"weight": dz.T @ x, "bias": dz.sum(0), "projection": delta.T @ a}, a


def gradients_of_units(layer, get, x, y, m):
    """Of dense units, auxiliary heads among them, ReLU and sums, and of an embedding with positions; the output."""
    nodes, last = run_units(layer, get, x), layer["head"].get("input", -1)
    read = nodes[last].reshape(len(x), -1)
    delta = softmax_error(read @ m.T, y)
    back = [np.zeros_like(node) for node in nodes]
    back[last] = (delta @ m).reshape(nodes[last].shape)
    for number, unit in enumerate(layer["units"], 1):
        if "loss_weight" in unit:
            back[number] = float(unit["loss_weight"]) * softmax_error(nodes[number], y)
    try:
        learned = get("head.projection").shape[1]
        gradients = {"head.projection": delta.T @ read[:, read.shape[1] - learned:]}
    except KeyError:
        gradients = {}
    for number, unit in reversed(list(enumerate(layer["units"], 1))):
        dy, read = back[number], unit["input"]
        if unit["kind"] == "dense":
            gradients[f"units.{number}.weight"] = dy.T @ nodes[read]
            if unit["bias"]:
                gradients[f"units.{number}.bias"] = dy.sum(0)
            back[read] = back[read] + dy @ get(f"units.{number}.weight")
        elif unit["kind"] == "positions":
            gradients[f"units.{number}.weight"] = dy.sum(0)
            back[read] = back[read] + dy
        elif unit["kind"] == "embedding":
            gradients[f"units.{number}.weight"] = np.zeros_like(get(f"units.{number}.weight"))
            np.add.at(gradients[f"units.{number}.weight"], nodes[read].astype(int), dy)
        elif unit["kind"] == "add":
            back[read] = back[read] + dy
            back[unit["other"]] = back[unit["other"]] + dy
        else:
            assert unit["activation"] == "relu"
            back[read] = back[read] + dy * (nodes[read] > 0)
    return gradients, nodes[layer["head"].get("output", last)]


def step(network, tensors, training, x, y):
    """One more step by AdamW; the first row of the first weight of every layer after it."""
    first_rows = []
    for i, layer in enumerate(network["layers"]):
        get = lambda name: tensors[f"layers.{i}.{name}"]
        how = training["optimizers"][training["layers"][i]["optimizer"]]
        assert how["kind"] == "adamw"
        rate, decay = float(how["learning_rate"]), float(how["weight_decay"])
        betas = float(how["beta1"]), float(how["beta2"])
        if layer["kind"] == "units":
            gradients, a = gradients_of_units(layer, get, x, y, projection(layer, get, tensors))
        else:
            gradients, a = gradients_of_spec(layer, get, x, y)
        for name, gradient in gradients.items():
            state = f"training.layers.{i}.{name}."
            t = int(training["layers"][i]["steps"][name]) + 1
            m = betas[0] * tensors[state + "first_moment"] + (1 - betas[0]) * gradient
            v = betas[1] * tensors[state + "second_moment"] + (1 - betas[1]) * gradient**2
            update = m / (1 - betas[0] ** t) / (np.sqrt(v / (1 - betas[1] ** t)) + float(how["epsilon"]))
            kept = 1 - rate * decay * (not name.endswith("bias"))
            changed = kept * get(name) - rate * update
            if layer["kind"] == "units" and name == "units.1.weight" and layer["units"][0]["kind"] == "embedding":
                rows = np.isin(np.arange(len(changed)), x)  # those of other tokens stand still
                changed[~rows] = get(name)[~rows]
            tensors[f"layers.{i}.{name}"] = changed
        first_rows.append(get("units.1.weight" if layer["kind"] == "units" else "weight")[0])
        x = a
    return first_rows


def table(name, values):
    numbers = ", ".join(f"{value:.9g}f" if "." in f"{value:.9g}" else f"{value:.9g}.0f" for value in np.ravel(values))
    print(f"static const float {name}[] = {{{numbers}}};")


def scale(tensors, x):
    if "input.scaling" not in tensors:
        return x
    shift, factor = tensors["input.scaling"]
    return (x + shift) * factor


models = {"dense": 6, "maps": 60, "training": 6, "units": 60, "units_training": 6, "sequences": 60, "positions": 60, "rows": 60,
          "tokens_training": 6, "shared_training": 6, "auxiliary_training": 6}
for model, inputs in models.items():
    path = f"{sys.argv[1]}/{model}.safetensors"
    if not os.path.exists(path):
        continue
    network, tensors, training = read(path)
    x, y = batch(inputs)
    x = scale(tensors, x)
    last, total = goodness(network, tensors, x)
    table(f"{model}_last", last)
    table(f"{model}_sum", total)
    if training:
        for i, row in enumerate(step(network, tensors, training, x, y)):
            table(f"{model}_weight_{i}", row)
    if model == "tokens_training":
        table("tokens_training_unused", tensors["layers.0.units.1.weight"][12])
