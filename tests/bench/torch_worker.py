"""PyTorch's side of a comparison: the twin of bench_worker.c, for backpropagation or Mono-Forward.

    torch_worker.py bp|mf ARCH BATCH OPTIMIZER THREADS
"""
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


def make_optimizer(name, parameters):
    if name == "adam":
        return torch.optim.Adam(parameters, lr=1e-3)
    return torch.optim.SGD(parameters, lr=1e-3, momentum=0.9 if name == "momentum" else 0.0)


class Backprop:
    def __init__(self, widths, optimizer):
        stages = []
        for inputs, outputs in zip(widths, widths[1:]):
            stages += [nn.Linear(inputs, outputs), nn.ReLU()]
        self.net = nn.Sequential(*stages, nn.Linear(widths[-1], CLASSES))
        self.optimizer = make_optimizer(optimizer, self.net.parameters())

    def step(self, x, y):
        self.optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(self.net(x), y).backward()
        self.optimizer.step()


class MonoForward:
    """Every layer with a projection of its own; detached from the layer before."""

    def __init__(self, widths, optimizer):
        self.layers = []
        for inputs, outputs in zip(widths, widths[1:]):
            layer = nn.Linear(inputs, outputs)
            projection = nn.Linear(outputs, CLASSES, bias=False)
            parameters = [*layer.parameters(), *projection.parameters()]
            self.layers.append((layer, projection, make_optimizer(optimizer, parameters)))

    def step(self, x, y):
        for layer, projection, optimizer in self.layers:
            optimizer.zero_grad(set_to_none=True)
            a = torch.relu(layer(x))
            nn.functional.cross_entropy(projection(a), y).backward()
            optimizer.step()
            x = a.detach()


def main():
    algorithm, arch, batch, optimizer, threads = sys.argv[1:]
    widths, batch, threads = [int(w) for w in arch.split("-")], int(batch), int(threads)
    torch.manual_seed(1)
    torch.set_num_threads(1)
    x = torch.randn(BATCHES, batch, widths[0])
    y = torch.randint(0, CLASSES, (BATCHES, batch))
    reset_resident_peak()
    before = resident_peak()
    model = (Backprop if algorithm == "bp" else MonoForward)(widths, optimizer)
    position = 0

    def run(steps):
        nonlocal position
        start = time.perf_counter()
        for _ in range(steps):
            model.step(x[position], y[position])
            position = (position + 1) % BATCHES
        return time.perf_counter() - start

    for line in sys.stdin:
        words = line.split()
        if words[0] == "run":
            print("%.9f" % run(int(words[1])), flush=True)
        elif words[0] == "rss":
            data = x.numel() * x.element_size() + y.numel() * y.element_size()
            print(resident_peak() - data, resident_peak() - before, flush=True)
        elif words[0] == "tune":
            # The BLAS library's threads come from the environment; PyTorch's own may help or hinder.
            torch.set_num_threads(1)
            run(2)
            best, best_time = 1, run(int(words[1]))
            if threads > 1:
                torch.set_num_threads(threads)
                run(2)
                if run(int(words[1])) < best_time:
                    best = threads
                torch.set_num_threads(best)
            print(best, flush=True)


main()
