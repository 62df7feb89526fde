"""Units against PyTorch on random shapes: attention, layer normalisation and products along positions, in a transformer
block and a Mixer block; convolutions in groups; embeddings of tokens. Outputs, losses and the gradients of all parameters. SPDX-License-Identifier: MIT"""
import ctypes
import sys

import numpy as np
import torch
from torch import nn

import monoforward as mf
from monoforward._library import check, library

ROUNDS, CLASSES, EPSILON = 30, 5, 0.01


class Attention(nn.Module):
    """nn.MultiheadAttention of a sequence with itself."""

    def __init__(self, width, heads, causal):
        super().__init__()
        self.whole = nn.MultiheadAttention(width, heads, batch_first=True)
        self.causal = causal

    def forward(self, x):
        mask = torch.full((x.shape[1], x.shape[1]), -torch.inf, dtype=x.dtype).triu(1) if self.causal else None
        return self.whole(x, x, x, need_weights=False, attn_mask=mask)[0]

    def tensors(self):
        return [self.whole.in_proj_weight, self.whole.in_proj_bias, self.whole.out_proj.weight, self.whole.out_proj.bias]


def linear(module):
    return [module.weight, module.bias]


def norm(module):
    return [module.bias, module.weight]  # the library's order: bias, scale


class Transformer(nn.Module):
    def __init__(self, positions, width, heads, hidden, causal):
        super().__init__()
        self.first, self.attention = nn.LayerNorm(width, EPSILON), Attention(width, heads, causal)
        self.second, self.up, self.down = nn.LayerNorm(width, EPSILON), nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.heads, self.hidden, self.causal = heads, hidden, causal

    def forward(self, x):
        x = x + self.attention(self.first(x))
        return x + self.down(nn.functional.gelu(self.up(self.second(x))))

    def tensors(self):
        return (norm(self.first) + self.attention.tensors() + norm(self.second) + linear(self.up) + linear(self.down))

    def build(self, positions, width):
        return (mf.Builder((positions, width), seed=1).layer_norm(normalization_epsilon=EPSILON).dense(3 * width)
                .attention(self.heads, causal=int(self.causal)).dense(width).add(0)
                .layer_norm(normalization_epsilon=EPSILON).dense(self.hidden).gelu().dense(width).add(5))


class Mixer(nn.Module):
    def __init__(self, positions, width, heads, hidden, causal):
        super().__init__()
        self.first, self.second = nn.LayerNorm(width, EPSILON), nn.LayerNorm(width, EPSILON)
        self.along = [nn.Linear(positions, hidden), nn.Linear(hidden, positions)]
        self.across = [nn.Linear(width, hidden), nn.Linear(hidden, width)]
        self.all, self.hidden = nn.ModuleList(self.along + self.across), hidden

    def forward(self, x):
        gelu = nn.functional.gelu
        x = x + self.along[1](gelu(self.along[0](self.first(x).transpose(1, 2)))).transpose(1, 2)
        return x + self.across[1](gelu(self.across[0](self.second(x))))

    def tensors(self):
        return (norm(self.first) + linear(self.along[0]) + linear(self.along[1]) + norm(self.second) +
                linear(self.across[0]) + linear(self.across[1]))

    def build(self, positions, width):
        return (mf.Builder((positions, width), seed=1)
                .layer_norm(normalization_epsilon=EPSILON).transpose().dense(self.hidden).gelu().dense(positions).transpose().add(0)
                .layer_norm(normalization_epsilon=EPSILON).dense(self.hidden).gelu().dense(width).add(7))


class Grouped(nn.Module):
    """A convolution in groups, and a depthwise one behind it."""

    def __init__(self, random):
        super().__init__()
        draw = lambda low, high: int(random.integers(low, high))
        groups, self.input = draw(1, 7), (0, draw(3, 12), draw(3, 12))
        self.input = (groups * draw(1, 5), *self.input[1:])
        filters, kernel = groups * draw(1, 5), (draw(1, 4), draw(1, 4))
        self.options = {"kernel_size": kernel, "stride": (draw(1, 3), draw(1, 3)),
                        "padding": tuple(draw(0, size) for size in kernel), "groups": groups}
        self.first = nn.Conv2d(self.input[0], filters, **self.options)
        self.second = nn.Conv2d(filters, filters, 3, padding=1, groups=filters)

    def forward(self, x):
        return self.second(nn.functional.gelu(self.first(x)))

    def tensors(self):
        return linear(self.first) + linear(self.second)

    def build(self):
        options, filters = self.options, self.first.out_channels
        return (mf.Builder(self.input, seed=1)
                .conv2d(filters, options["kernel_size"], options["padding"], options["stride"], groups=options["groups"])
                .gelu().conv2d(filters, groups=filters))

    def draw(self, random, rows):
        return random.standard_normal((rows, *self.input)).astype(np.float32)


class Tokens(nn.Module):
    """An embedding of tokens, some of which come several times."""

    def __init__(self, random):
        super().__init__()
        draw = lambda low, high: int(random.integers(low, high))
        self.positions = draw(1, 30)
        self.embedding = nn.Embedding(draw(1, 40), draw(1, 20))
        self.where = nn.Parameter(torch.randn(self.positions, self.embedding.embedding_dim))

    def forward(self, x):
        return self.embedding(x.long()) + self.where

    def tensors(self):
        return [self.embedding.weight, self.where]

    def build(self):
        return (mf.Builder((self.positions,), seed=1)
                .embedding(self.embedding.num_embeddings, self.embedding.embedding_dim).positions())

    def draw(self, random, rows):
        return random.integers(0, self.embedding.num_embeddings, (rows, self.positions)).astype(np.float32)


def gradients_of(layer, workspace, x, y):
    """The output, and the gradients of all parameters by name."""
    batch = mf.abi.mf_batch()
    check(library.mf_batch_init(ctypes.byref(batch), ctypes.sizeof(batch)))
    batch.rows, batch.inputs, batch.targets = len(x), x.ctypes.data, y.ctypes.data
    shapes = {name: values.shape for name, values in layer.parameters().items()}
    whole = np.empty(sum(int(np.prod(shape)) for shape in shapes.values()), np.float32)
    a = np.empty((len(x), *layer.shape()[1]), np.float32)
    floats = lambda array: array.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
    check(library.mf_layer_gradients(layer, workspace, ctypes.byref(batch), floats(a), floats(whole),
                                     len(whole)))
    parts, first = {}, 0
    for name, shape in shapes.items():
        count = int(np.prod(shape))
        parts[name] = whole[first:first + count].reshape(shape)
        first += count
    return a, parts


def compare(what, got, expected):
    slack = 2e-5 * max(float(np.abs(expected).max()), 1e-3)
    off = float(np.abs(got - expected).max())
    if not off <= slack:
        sys.exit(f"failed: {what} is {off:.3g} away from PyTorch's, {slack:.3g} are allowed")
    return off / slack


def run(random, block):
    heads = int(random.integers(1, 5))
    positions, width, rows = int(random.integers(1, 90)), heads * int(random.integers(4, 9)), int(random.integers(1, 6))
    causal = bool(random.integers(2))
    torch.manual_seed(int(random.integers(1 << 30)))
    module = block(positions, width, heads, int(random.integers(1, 40)), causal).double()
    what = f"{block.__name__} of {rows} rows, {positions} positions, {width} values, {heads} heads"
    what += ", causal" if causal else ""
    x = random.standard_normal((rows, positions, width)).astype(np.float32)
    return agree(what, random, module, module.build(positions, width).head(CLASSES).build(), x)


def run_drawn(random, block):
    torch.manual_seed(int(random.integers(1 << 30)))
    module, rows = block(random).double(), int(random.integers(1, 6))
    return agree(f"{block.__name__} of {rows} rows", random, module, module.build().head(CLASSES).build(),
                 module.draw(random, rows))


def agree(what, random, module, layer, x):
    rows, values = len(x), int(np.prod(layer.shape()[1]))
    projection = torch.randn(CLASSES, values, dtype=torch.float64) / np.sqrt(values)
    tensors = module.tensors() + [projection]
    for (name, values), tensor in zip(layer.parameters().items(), tensors, strict=True):
        tensor.data = (tensor.data + 0.1 * torch.randn_like(tensor)).float().double()
        layer.set_parameter(name, np.ascontiguousarray(tensor.detach().numpy(), np.float32).reshape(values.shape))
        tensor.requires_grad_(True)
    y = random.integers(0, CLASSES, rows).astype(np.int32)
    out = module(torch.from_numpy(x).double())
    loss = nn.functional.cross_entropy(out.flatten(1) @ projection.T, torch.from_numpy(y).long())
    loss.backward()
    workspace = mf.Workspace(layer, rows)
    a, gradients = gradients_of(layer, workspace, x, y)
    worst = compare(f"{what}: the output", a, out.detach().numpy())
    worst = max(worst, compare(f"{what}: the loss", np.array(workspace.report().loss), np.array(loss.item())))
    for (name, got), tensor in zip(gradients.items(), tensors):
        # A key's bias has no gradient but rounding: what all keys have in common changes no share.
        worst = max(worst, compare(f"{what}: the gradient of {name}", got, tensor.grad.numpy()))
    return worst


torch.set_num_threads(1)
random = np.random.default_rng(2026)
worst = max(run(random, block) for _ in range(ROUNDS) for block in (Transformer, Mixer))
worst = max(worst, *(run_drawn(random, block) for _ in range(ROUNDS) for block in (Grouped, Tokens)))
print(f"PyTorch {torch.__version__}: {4 * ROUNDS} random blocks agree; the worst value is off by {worst:.2f} of what is allowed")
