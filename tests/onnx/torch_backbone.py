#!/usr/bin/env python3
"""Trains the ResNet-18 of torch_models.py on CIFAR-100 and exports it, as a backbone for examples/13_finetune.c:

    python3 torch_backbone.py CIFAR100.bin MODEL.onnx [WIDTH] [EPOCHS] [THREADS]

WIDTH maps come first (64 in ResNet-18 as published, 16 by default). Pixels are byte / 127.5 - 1. What was learned is
kept in MODEL.onnx.state every 100 batches, so that a run that was killed goes on from there. In the end it answers
the last tenth of the file, of which it has seen nothing.

SPDX-License-Identifier: MIT"""
import os
import sys
import time

import numpy
import torch
from torch import nn
from torch_models import ResNet

BATCH, RECORD, CLASSES = 128, 3074, 100


def load(path):
    """Pixels as bytes and the fine labels of CIFAR-100's binary file, the last tenth apart."""
    records = numpy.fromfile(path, numpy.uint8).reshape(-1, RECORD)
    x = torch.from_numpy(records[:, 2:].reshape(-1, 3, 32, 32))
    y = torch.from_numpy(records[:, 1].astype(numpy.int64))
    seen = len(x) * 9 // 10
    return (x[:seen], y[:seen]), (x[seen:], y[seen:])


def pixels(x):
    return x.float() / 127.5 - 1


def batches(x, y, epoch):
    """The rows in another order for each epoch, every other image mirrored, moved by up to 4 pixels."""
    random = numpy.random.RandomState(epoch)
    order = random.permutation(len(x))
    for first in range(0, len(x) - BATCH + 1, BATCH):
        rows = torch.from_numpy(order[first:first + BATCH])
        images = nn.functional.pad(pixels(x[rows]), (4, 4, 4, 4))
        down, right = random.randint(0, 9, 2)
        images = images[:, :, down:down + 32, right:right + 32]
        yield (images.flip(3) if random.rand() < 0.5 else images).contiguous(), y[rows]


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        right = sum((model(pixels(x[i:i + 500])).argmax(1) == y[i:i + 500]).sum().item()
                    for i in range(0, len(x), 500))
    model.train()
    return 100 * right / len(x)


def learn(model, x, y, epochs, path):
    steps = len(x) // BATCH
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9, weight_decay=5e-4, nesterov=True)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.05, total_steps=epochs * steps)
    done, parts, began = 0, (model, optimizer, rate), time.time()
    if os.path.exists(path):
        done, *states = torch.load(path)
        for part, state in zip(parts, states):
            part.load_state_dict(state)
    for epoch in range(done // steps, epochs):
        for step, (images, labels) in enumerate(batches(x, y, epoch)):
            if epoch * steps + step < done:
                continue
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rate.step()
            done += 1
            if done % 100 == 0:
                torch.save([done] + [part.state_dict() for part in parts], path + ".part")
                os.replace(path + ".part", path)
                print(f"step {done} of {epochs * steps}, loss {loss.item():.3f}, {time.time() - began:.0f} s",
                      flush=True)


def main():
    data, model_path = sys.argv[1:3]
    width, epochs, threads = (int(a) for a in (sys.argv[3:] + ["16", "3", "1"][len(sys.argv) - 3:]))
    torch.manual_seed(1)
    torch.set_num_threads(threads)
    model = ResNet((width, 2 * width, 4 * width, 8 * width), 2, CLASSES)
    seen, apart = load(data)
    learn(model, *seen, epochs, model_path + ".state")
    print(f"result model=resnet18 width={width} epochs={epochs} accuracy={accuracy(model, *apart):.2f}")
    model.eval()
    x = pixels(apart[0][:8])
    with torch.no_grad():
        model(x).numpy().astype("<f4").tofile(model_path + ".y")
    x.numpy().astype("<f4").tofile(model_path + ".x")
    torch.onnx.export(model, x[:1], model_path, opset_version=13)


main()
