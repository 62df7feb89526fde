"""PyTorch's side of bench_lenet: LeNet-5, trained by backpropagation with Adam.

    torch_lenet.py DATA TRAIN TEST MEAN DEVIATION BATCH RATE THREADS

DATA holds TRAIN and then TEST images of 28 x 28 bytes, and their labels as 32-bit numbers. Reads lines: "tune N"
tries settings for N steps, twice each, begins anew with the fastest, and answers with it; "run N": N epochs,
answers with the seconds; "accuracy": answers with the share of the test images that are recognised.
SPDX-License-Identifier: MIT
"""
import math
import sys
import time

import torch
from torch import nn

from torch_worker import keep_memory

SIDE = 28
TEST_ROWS = 1000


def read_data(path, train, test, mean, deviation):
    """Training and test images, standardised, and their labels."""
    with open(path, "rb") as file:
        images = torch.frombuffer(bytearray(file.read((train + test) * SIDE * SIDE)), dtype=torch.uint8)
        labels = torch.frombuffer(bytearray(file.read()), dtype=torch.int32).long()
    x = (images.reshape(-1, 1, SIDE, SIDE).float() - mean) / deviation
    return x[:train], labels[:train], x[train:], labels[train:]


def make_lenet():
    return nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(256, 120), nn.ReLU(),
                         nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


class Trainer:
    def __init__(self, data, batch, rate):
        self.x, self.y, self.test_x, self.test_y = data
        self.batch, self.rate = batch, rate

    def build(self, threads, memory):
        """A network that has learned nothing yet."""
        torch.set_num_threads(threads)
        torch.manual_seed(1)
        self.memory = memory
        self.model = make_lenet().to(memory_format=memory)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=self.rate)

    def step(self, rows):
        x = self.x[rows].contiguous(memory_format=self.memory)
        self.optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(self.model(x), self.y[rows]).backward()
        self.optimizer.step()

    def steps(self, most):
        """An epoch, or its first steps; returns the seconds."""
        start = time.perf_counter()
        order = torch.randperm(len(self.x))
        for rows in order.split(self.batch)[:most]:
            self.step(rows)
        return time.perf_counter() - start

    def tune(self, steps, threads):
        settings = [(own, memory) for memory in (torch.contiguous_format, torch.channels_last)
                    for own in ([1, threads] if threads > 1 else [1])]
        times = [math.inf] * len(settings)
        for _ in range(2):
            for i, setting in enumerate(settings):
                self.build(*setting)
                self.steps(1)
                times[i] = min(times[i], self.steps(steps))
        best = settings[times.index(min(times))]
        self.build(*best)
        return str(best[0]) + ",channels_last" * (best[1] == torch.channels_last)

    def accuracy(self):
        with torch.no_grad():
            scores = torch.cat([self.model(x) for x in self.test_x.split(TEST_ROWS)])
        return (scores.argmax(1) == self.test_y).double().mean().item()


def main():
    path, train, test, mean, deviation, batch, rate, threads = sys.argv[1:]
    keep_memory()
    trainer = Trainer(read_data(path, int(train), int(test), float(mean), float(deviation)), int(batch), float(rate))
    for line in sys.stdin:
        words = line.split()
        if words[0] == "tune":
            print(trainer.tune(int(words[1]), int(threads)), flush=True)
        elif words[0] == "run":
            print("%.9f" % sum(trainer.steps(None) for _ in range(int(words[1]))), flush=True)
        elif words[0] == "accuracy":
            print("%.6f" % trainer.accuracy(), flush=True)


main()
