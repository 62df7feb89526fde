#!/usr/bin/env python3
"""What the golden files must predict, computed from their bytes in double precision with numpy and no code of the
library: python3 expected.py FOLDER prints the tables for api/files_golden.c. SPDX-License-Identifier: MIT"""
import json
import math
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


def goodness(network, tensors, x):
    scores = []
    for i, layer in enumerate(network["layers"]):
        x, _ = forward(layer, lambda name: tensors[f"layers.{i}.{name}"], x)
        scores.append(features(layer, x) @ tensors[f"layers.{i}.projection"].T)
    return scores[-1], sum(scores)


def step(network, tensors, training, x, y):
    """One more step by AdamW of dense ReLU layers; the first row of every weight after it."""
    first_rows = []
    for i, layer in enumerate(network["layers"]):
        get = lambda name: tensors[f"layers.{i}.{name}"]
        how = training["optimizers"][training["layers"][i]["optimizer"]]
        assert how["kind"] == "adamw" and layer["activation"] == "relu"
        rate, decay = float(how["learning_rate"]), float(how["weight_decay"])
        betas = float(how["beta1"]), float(how["beta2"])
        a, z = forward(layer, get, x)
        score = a @ get("projection").T
        softmax = np.exp(score - score.max(1, keepdims=True))
        softmax /= softmax.sum(1, keepdims=True)
        delta = (softmax - np.eye(CLASSES)[y]) / len(x)
        dz = (delta @ get("projection")) * (z > 0)
        gradients = {"weight": dz.T @ x, "bias": dz.sum(0), "projection": delta.T @ a}
        for name, gradient in gradients.items():
            state = f"training.layers.{i}.{name}."
            t = int(training["layers"][i]["steps"][name]) + 1
            m = betas[0] * tensors[state + "first_moment"] + (1 - betas[0]) * gradient
            v = betas[1] * tensors[state + "second_moment"] + (1 - betas[1]) * gradient**2
            update = m / (1 - betas[0] ** t) / (np.sqrt(v / (1 - betas[1] ** t)) + float(how["epsilon"]))
            kept = 1 - rate * decay * (name != "bias")
            tensors[f"layers.{i}.{name}"] = kept * get(name) - rate * update
        first_rows.append(get("weight")[0])
        x = a
    return first_rows


def table(name, values):
    numbers = ", ".join(f"{value:.9g}f" if "." in f"{value:.9g}" else f"{value:.9g}.0f" for value in np.ravel(values))
    print(f"static const float {name}[] = {{{numbers}}};")


for model, inputs in ("dense", 6), ("maps", 60), ("training", 6):
    network, tensors, training = read(f"{sys.argv[1]}/{model}.safetensors")
    x, y = batch(inputs)
    last, total = goodness(network, tensors, x)
    table(f"{model}_last", last)
    table(f"{model}_sum", total)
    if training:
        for i, row in enumerate(step(network, tensors, training, x, y)):
            table(f"trained_weight_{i}", row)
