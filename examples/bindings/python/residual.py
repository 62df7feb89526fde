#!/usr/bin/env python3
"""examples/11_residual.c in Python: residual blocks, each one layer of two convolutions and a skip, learn CIFAR-10, or
pictures that are drawn where there is none. With the same build of the library and one BLAS thread the parameters are
those of the program in C, bit for bit. See --help.

SPDX-License-Identifier: MIT
"""
import argparse
import lzma
import sys

try:
    import numpy

    import cifar
    import monoforward as mf
    import randomness
except ImportError as error:  # no numpy (Debian: python3-numpy), or no library
    sys.exit(f"residual.py: {error}")

BATCH = 64


def block(shape, filters, stride, seed):
    """relu(convolutions of the input + the input). Where the block changes the shape, a 1 x 1 convolution takes the
    input along. The projection reads 4 x 4 means of each map."""
    return mf.Builder(shape, seed=seed).residual(filters, stride).head(cifar.CLASSES, 4).build()


def create_network():
    layers = [mf.Builder((cifar.CHANNELS, cifar.SIDE, cifar.SIDE), seed=1).conv2d(16, bias=0).batch_norm().relu()
              .max_pool().head(cifar.CLASSES, 4).build()]
    for filters, stride, seed in ((16, 1, 2), (32, 2, 3), (32, 1, 4)):
        layers.append(block(layers[-1].shape()[1], filters, stride, seed))
    return mf.Network(layers)


def train(network, workspace, data, epochs):
    stream, order = randomness.Stream(1), numpy.arange(len(data.train[1]))
    for _ in range(epochs):
        stream.shuffle(order)
        for first in range(0, len(order), BATCH):
            network.step(workspace, *data.batch(data.train, order[first:first + BATCH]))


def evaluate(network, workspace, data):
    """Percent right and loss of the last layer."""
    right, loss, count = 0, 0, len(data.test[1])
    for first in range(0, count, BATCH):
        x, y = data.batch(data.test, slice(first, first + BATCH))
        network.evaluate(workspace, x, y)
        report = workspace.report(len(network) - 1)
        right += report.correct
        loss += report.loss * len(y) / count
    return 100 * right / count, loss


def main():
    parser = argparse.ArgumentParser(description="Residual blocks, each one layer, from Python.")
    parser.add_argument("--data", metavar="DIR", help="folder of CIFAR-10's binary files")
    parser.add_argument("--epochs", type=int, default=1, help="times to go through the pictures (1)")
    parser.add_argument("--images", type=int, default=0, help="pictures to learn from; 0: all (0)")
    parser.add_argument("--summary", action="store_true", help="print the units of the network")
    options = parser.parse_args()
    data = cifar.Data(cifar.find(options.data), options.images)
    if data.drawn:
        print("no CIFAR-10 was found: PICTURES ARE DRAWN instead")
    network = create_network()
    if options.summary:
        print(network.summary(BATCH), end="")
    network.set_optimizer(mf.Optimizer("adam", learning_rate=0.002))
    workspace = mf.Workspace(network, BATCH)
    train(network, workspace, data, options.epochs)
    accuracy, loss = evaluate(network, workspace, data)
    print(f"result example=python_residual data={'drawn' if data.drawn else 'cifar10'} images={len(data.train[1])} "
          f"epochs={options.epochs} accuracy={accuracy:.2f} loss={loss:.4f}")


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError, lzma.LZMAError, mf.MonoforwardError) as error:
        sys.exit(f"residual.py: {error}")
