"""PyTorch's side of bench_classes: two layers, all classes scored.

    torch_classes.py mf|bp WIDTH CLASSES BATCH OPTIMIZER THREADS

mf: each layer has a head and learns from it; bp: one classifier on top. Commands are "run N", answered with the
seconds, and "rss", with the peak resident bytes beyond those of a process without a network.
SPDX-License-Identifier: MIT
"""
import sys
import time

import torch
from torch import nn

from torch_worker import keep_memory, resident_peak

BATCHES = 16


def main():
    how, (width, classes, batch, threads) = sys.argv[1], (int(sys.argv[i]) for i in (2, 3, 4, 6))
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    keep_memory()
    x = torch.randn(BATCHES, batch, width)
    y = (1 / torch.rand(BATCHES, batch).clamp(min=1 / classes)).long().clamp(max=classes - 1)
    before = resident_peak()
    layers = nn.ModuleList(nn.Sequential(nn.Linear(width, width), nn.ReLU()) for _ in range(2))
    heads = nn.ModuleList(nn.Linear(width, classes, bias=False) for _ in range(2 if how == "mf" else 1))
    parameters = [*layers.parameters(), *heads.parameters()]
    make = {"adam": torch.optim.Adam, "rmsprop": torch.optim.RMSprop, "sgd": torch.optim.SGD,
            "momentum": lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9)}[sys.argv[5]]
    optimizer = make(parameters, lr=1e-3)

    def step(t):
        a = x[t % BATCHES]
        optimizer.zero_grad(set_to_none=True)
        for i, layer in enumerate(layers):
            a = layer(a)
            if how == "mf":
                nn.functional.cross_entropy(heads[i](a), y[t % BATCHES]).backward()
                a = a.detach()
        if how == "bp":
            nn.functional.cross_entropy(heads[0](a), y[t % BATCHES]).backward()
        optimizer.step()

    done = 0
    for line in sys.stdin:
        command, steps = line.split()
        if command == "rss":
            print(resident_peak() - before, flush=True)
            continue
        start = time.perf_counter()
        for _ in range(int(steps)):
            step(done)
            done += 1
        print(f"{time.perf_counter() - start:.6f}", flush=True)


main()
