"""PyTorch's side of bench_groups: one convolution in groups.

    torch_groups.py step|conv MAPS SIZE GROUPS STRIDE BATCH THREADS

step: ReLU, the convolution, the mean of every map, 10 classes; forward, back to the input, update by SGD.
conv: the convolution alone, forward and with both gradients. Commands are "run N", answered with the seconds.
SPDX-License-Identifier: MIT
"""
import sys
import time

import torch
from torch import nn

from torch_worker import keep_memory


def main():
    how, (maps, size, groups, stride, batch, threads) = sys.argv[1], map(int, sys.argv[2:8])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    keep_memory()
    x = torch.randn(batch, maps, size, size, requires_grad=True)
    y = torch.randint(10, (batch,))
    conv = nn.Conv2d(maps, maps, 3, stride, 1, groups=groups)
    head = nn.Linear(maps, 10, bias=False)
    optimizer = torch.optim.SGD([*conv.parameters(), *head.parameters()], lr=1e-3)
    dy = torch.randn_like(conv(x))

    def step():
        x.grad = None
        optimizer.zero_grad(set_to_none=True)
        u = conv(torch.relu(x) if how == "step" else x)
        if how == "conv":
            u.backward(dy)
            return
        nn.functional.cross_entropy(head(u.mean((2, 3))), y).backward()
        optimizer.step()

    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line.split()[1])):
            step()
        print(f"{time.perf_counter() - start:.6f}", flush=True)


main()
