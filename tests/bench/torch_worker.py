"""PyTorch's side of a comparison: the twin of bench_worker.c, for backpropagation or Mono-Forward.

    torch_worker.py bp|mf ARCH BATCH OPTIMIZER THREADS [float32|bf16]

ARCH is read as in shape.h. With bf16, PyTorch's autocast computes forward and backward products in bf16;
parameters, their updates and the loss stay float32. Commands are those of bench_worker.c and "tune N", which tries settings for N
steps, twice each, keeps the fastest, and answers with it.
SPDX-License-Identifier: MIT
"""
import ctypes
import math
import re
import sys
import time

import torch
from torch import nn

BATCHES = 16
CLASSES = 10


def resident_peak():
    with open("/proc/self/status") as status:
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1))


def reset_resident_peak():
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


def keep_memory():
    """Large blocks that are freed stay with the process. Otherwise every activation of a convolution is new
    memory, whose pages the system has to clear first; that makes PyTorch a seventh slower."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        trim_threshold, mmap_max = -1, -4
        mallopt(mmap_max, 0)
        mallopt(trim_threshold, -1)


def flatten(x):
    return x.flatten(1)


def make_layer(word, shape, normalize):
    """One layer as a list of what to apply, and the shape of its activation."""
    convolution = re.fullmatch(r"c(\d+)([pm]?)", word)
    if not convolution:
        outputs = int(word)
        parts = [flatten] if len(shape) > 1 else []
        parts.append(nn.Linear(math.prod(shape), outputs, bias=not normalize))
        return parts + [nn.BatchNorm1d(outputs)] * normalize + [torch.relu], (outputs,)
    channels, height, width = shape
    filters, pool = int(convolution[1]), convolution[2]
    parts = [nn.Conv2d(channels, filters, 3, padding=1, bias=not normalize)]
    parts += [nn.BatchNorm2d(filters)] * normalize + [torch.relu_]
    if pool:
        parts.append((nn.AvgPool2d if pool == "p" else nn.MaxPool2d)(2))
        height, width = height // 2, width // 2
    return parts, (filters, height, width)


def make_head(shape, bias):
    return ([flatten] if len(shape) > 1 else []) + [nn.Linear(math.prod(shape), CLASSES, bias=bias)]


class Arch:
    def __init__(self, text):
        layers, _, normalization = text.partition("+")
        first, layers = re.split("[:-]", layers, maxsplit=1)
        self.words = layers.split("-")
        self.input = tuple(int(size) for size in first.split("x"))
        self.normalize = normalization == "batch"

    def layers(self):
        shape = self.input
        for word in self.words:
            parts, shape = make_layer(word, shape, self.normalize)
            yield parts, shape


def make_optimizer(name, parts):
    parameters = [p for part in parts if isinstance(part, nn.Module) for p in part.parameters()]
    if name == "adam":
        return torch.optim.Adam(parameters, lr=1e-3)
    return torch.optim.SGD(parameters, lr=1e-3, momentum=0.9 if name == "momentum" else 0.0)


def run_through(parts, x):
    for part in parts:
        x = part(x)
    return x


def arrange(parts, memory):
    """Puts the modules' parameters in this order."""
    for part in parts:
        if isinstance(part, nn.Module):
            part.to(memory_format=memory)


def loss_of(parts, x, y, bf16):
    """The cross-entropy of what the last part gives."""
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
        scores = run_through(parts, x)
    return nn.functional.cross_entropy(scores.float(), y)


class Backprop:
    """All layers, and one linear layer that reads the last activation."""

    def __init__(self, arch, optimizer, memory, bf16):
        self.bf16 = bf16
        self.parts = []
        for parts, shape in arch.layers():
            self.parts += parts
        self.parts += make_head(shape, True)
        arrange(self.parts, memory)
        self.optimizer = make_optimizer(optimizer, self.parts)

    def step(self, x, y):
        self.optimizer.zero_grad(set_to_none=True)
        loss_of(self.parts, x, y, self.bf16).backward()
        self.optimizer.step()


class MonoForward:
    """Every layer with a projection of its own; detached from the layer before."""

    def __init__(self, arch, optimizer, memory, bf16):
        self.bf16 = bf16
        self.layers = []
        for parts, shape in arch.layers():
            projection = make_head(shape, False)
            arrange(parts, memory)
            self.layers.append((parts, projection, make_optimizer(optimizer, parts + projection)))

    def step(self, x, y):
        for parts, projection, optimizer in self.layers:
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bf16):
                a = run_through(parts, x)
            loss_of(projection, a, y, self.bf16).backward()
            optimizer.step()
            x = a.detach()


class Trainer:
    def __init__(self, algorithm, arch, batch, optimizer, bf16):
        model = Backprop if algorithm == "bp" else MonoForward
        self.make = lambda memory: model(arch, optimizer, memory, bf16)
        self.maps = len(arch.input) > 1
        self.x = [torch.randn(batch, *arch.input) for _ in range(BATCHES)]
        self.y = torch.randint(0, CLASSES, (BATCHES, batch))
        self.position = 0

    def build(self, memory):
        self.memory = memory
        self.model = None
        self.model = self.make(memory)
        if self.maps:
            self.x = [x.contiguous(memory_format=memory) for x in self.x]

    def data_bytes(self):
        return sum(x.numel() * x.element_size() for x in [*self.x, self.y])

    def run(self, steps):
        start = time.perf_counter()
        for _ in range(steps):
            self.model.step(self.x[self.position], self.y[self.position])
            self.position = (self.position + 1) % BATCHES
        return time.perf_counter() - start

    def apply(self, setting):
        threads, memory = setting
        torch.set_num_threads(threads)
        if memory != self.memory:
            self.build(memory)

    def tune(self, steps, threads):
        """The BLAS library's threads come from the environment; PyTorch's own may help or hinder."""
        orders = [torch.contiguous_format] + [torch.channels_last] * self.maps
        settings = [(own, memory) for memory in orders for own in ([1, threads] if threads > 1 else [1])]
        times = [math.inf] * len(settings)
        for _ in range(2):
            for i, setting in enumerate(settings):
                self.apply(setting)
                self.run(1)
                times[i] = min(times[i], self.run(steps))
        best = settings[times.index(min(times))]
        self.apply(best)
        return str(best[0]) + ",channels_last" * (best[1] == torch.channels_last)


def main():
    algorithm, arch, batch, optimizer, threads = sys.argv[1:6]
    bf16 = sys.argv[6:] == ["bf16"]
    arch, threads = Arch(arch), int(threads)
    if len(arch.input) > 1:
        keep_memory()
    torch.manual_seed(1)
    torch.set_num_threads(1)
    trainer = Trainer(algorithm, arch, int(batch), optimizer, bf16)
    reset_resident_peak()
    before = resident_peak()
    trainer.build(torch.contiguous_format)
    for line in sys.stdin:
        words = line.split()
        if words[0] == "run":
            print("%.9f" % trainer.run(int(words[1])), flush=True)
        elif words[0] == "rss":
            print(resident_peak() - trainer.data_bytes(), resident_peak() - before, flush=True)
        elif words[0] == "tune":
            print(trainer.tune(int(words[1]), threads), flush=True)


if __name__ == "__main__":
    main()
