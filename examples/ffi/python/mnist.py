#!/usr/bin/env python3
"""Trains a network on MNIST with Mono-Forward, as build/examples/mnist does: python3 mnist.py --help

Needs numpy, and the library: built in this checkout, installed, or named by $MONOFORWARD_LIBRARY.
SPDX-License-Identifier: MIT
"""
import argparse
import gzip
import os
import sys

import numpy as np

import monoforward as mf
from monoforward.training import train

HERE = os.path.dirname(os.path.abspath(__file__))
CHECKOUT = os.path.normpath(os.path.join(HERE, "../../.."))
PLACES = [os.path.join(CHECKOUT, "../shared/data/mnist"), os.path.join(CHECKOUT, "data/mnist"),
          os.path.join(CHECKOUT, "build/mnist")]
EVALUATION_ROWS = 1000


def options():
    parser = argparse.ArgumentParser(description="Trains a network on MNIST; without the data set, on drawn patterns.")
    parser.add_argument("--data", default=os.environ.get("MONOFORWARD_DATA"),
                        help="folder of the IDX files, gzipped or not ($MONOFORWARD_DATA, or a usual place)")
    parser.add_argument("--hidden", default="1000,1000", help="neurons of each layer (1000,1000)")
    parser.add_argument("--epochs", type=int, default=10, help="passes over the training set (10)")
    parser.add_argument("--batch", type=int, default=128, help="rows of a step (128)")
    parser.add_argument("--learning-rate", type=float, default=0.001, help="of Adam, with cosine decay (0.001)")
    parser.add_argument("--seed", type=int, default=1, help="equal seeds repeat a run, bit for bit (1)")
    parser.add_argument("--workers", type=int, default=0, help="layers learn at the same time, on N threads (0)")
    parser.add_argument("--threads", type=int, help="threads of the BLAS library (its own choice)")
    parser.add_argument("--limit", type=int, help="learn from the first N images only")
    return parser.parse_args()


# ---- data ----

def read_idx(folder, name):
    """The array of an IDX file of bytes."""
    path = os.path.join(folder, name)
    opener = open
    if not os.path.exists(path):
        path, opener = path + ".gz", gzip.open
    with opener(path, "rb") as file:
        data = file.read()
    rank = data[3] if len(data) >= 4 and data[:3] == b"\0\0\x08" else 0
    shape = np.frombuffer(data, ">u4", rank, 4).astype(int) if rank and len(data) >= 4 + 4 * rank else None
    if shape is None or len(data) != 4 + 4 * rank + shape.prod():
        raise ValueError(f"{path} is no whole IDX file of bytes")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def read_set(folder, part):
    images, labels = (read_idx(folder, f"{part}-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1"))
    if len(images) != len(labels) or labels.max() > 9:
        raise ValueError(f"{folder}: {len(images)} images and {len(labels)} labels from 0 to {labels.max()}")
    return images.reshape(len(images), -1), labels.astype(np.int32)


def draw_set(generator, rows):
    """Ten patterns, moved and under noise: something to learn where there is no data set."""
    patterns = np.random.default_rng(0).uniform(0, 255, (10, 7, 7)).repeat(4, 1).repeat(4, 2)
    labels = generator.integers(0, 10, rows)
    moved = np.stack([np.roll(patterns[label], generator.integers(-2, 3, 2), (0, 1)) for label in labels])
    noisy = moved + generator.normal(0, 60, moved.shape)
    return noisy.clip(0, 255).astype(np.uint8).reshape(rows, -1), labels.astype(np.int32)


def load(folder, seed):
    """(training images, labels), (test images, labels), name of the data"""
    folder = folder or next((place for place in PLACES if os.path.isdir(place)), None)
    if folder is None:
        print("There is no MNIST here (--data DIR): learning from drawn patterns instead.")
        generator = np.random.default_rng(seed)
        return draw_set(generator, 10000), draw_set(generator, 2000), "drawn"
    return read_set(folder, "train"), read_set(folder, "t10k"), "idx"


def standardise(train_images, test_images):
    mean, deviation = np.float32(train_images.mean()), np.float32(train_images.std())
    return ((images - mean) / deviation for images in (train_images.astype(np.float32), test_images.astype(np.float32)))


# ---- training ----

def accuracies(network, workspace, x, y):
    """Percent right, of every layer and of their sum."""
    right = np.zeros(len(network) + 1)
    for first in range(0, len(x), EVALUATION_ROWS):
        layers, together = network.evaluate(workspace, x[first:first + EVALUATION_ROWS], y[first:first + EVALUATION_ROWS])
        right += [report.correct for report in [*layers, together]]
    return 100 * right / len(x)


def make_network(inputs, hidden, seed):
    layers = []
    for position, outputs in enumerate(hidden):
        layers.append(mf.Layer(inputs=inputs, outputs=outputs, classes=10, seed=seed * 1000 + position + 1))
        inputs = outputs
    optimizer = mf.Optimizer()
    return mf.Network(layers, optimizer), optimizer


def run(settings):
    (images, y), (test_images, test_y), source = load(settings.data, settings.seed)
    images, y = images[:settings.limit], y[:settings.limit]
    x, test_x = standardise(images, test_images)
    hidden = [int(width) for width in settings.hidden.split(",")]
    if settings.threads:
        mf.check(mf.library.mf_blas_set_threads(settings.threads))
    network, optimizer = make_network(x.shape[1], hidden, settings.seed)
    print(f"libmonoforward {mf.version()}, products by {mf.library.mf_blas_name().decode()}; "
          f"{len(x)} images to learn from, {len(test_x)} to test with\n")
    print("epoch  " + "".join(f"{f'layer {i + 1}':>10}" for i in range(len(hidden))) + "      LAST       SUM   seconds  samples/s")
    seconds = rows = 0
    with mf.Workspace(network, EVALUATION_ROWS, mf.MF_WORKSPACE_INFERENCE) as workspace:
        epochs = train(network, optimizer, x, y, epochs=settings.epochs, batch=settings.batch,
                       learning_rate=settings.learning_rate, generator=np.random.default_rng(settings.seed),
                       workers=settings.workers)
        for number, epoch in enumerate(epochs, 1):
            *layers, together = accuracies(network, workspace, test_x, test_y)
            seconds, rows = seconds + epoch.seconds, rows + epoch.rows
            percents = "".join(f"{value:10.2f}" for value in [*layers, layers[-1], together])
            print(f"{number:5}  {percents}{epoch.seconds:10.2f}{epoch.rows / epoch.seconds:11.0f}", flush=True)
    print(f"\nresult example=mnist.py data={source} epochs={settings.epochs} seed={settings.seed} "
          f"hidden={settings.hidden} batch={settings.batch} workers={settings.workers} "
          f"layer1={layers[0]:.2f} last={layers[-1]:.2f} sum={together:.2f} loss={epoch.losses[-1]:.4f} "
          f"seconds={seconds:.2f} samples_per_second={rows / seconds:.0f}")


if __name__ == "__main__":
    try:
        run(options())
    except (mf.MonoForwardError, OSError, ValueError) as error:
        sys.exit(f"mnist.py: {error}")
