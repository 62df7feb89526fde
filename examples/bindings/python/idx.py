"""Images and labels in the format of MNIST, or drawn ones where there are none. SPDX-License-Identifier: MIT"""
import gzip
import os
import pathlib

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[3]
SIDE, CLASSES = 28, 10


def find(folder):
    """The folder that was named, or that of MNIST in $MONOFORWARD_DATA or a usual place; None if there is no data."""
    if folder:
        return folder
    named = os.environ.get("MONOFORWARD_DATA")
    for place in (*([pathlib.Path(named)] if named else []), ROOT / "data", ROOT.parent / "shared" / "data"):
        for below in ("", "mnist"):
            if _holds(place / below):
                return str(place / below)
    return None


def _holds(place):
    return any((place / f"train-images-idx3-ubyte{ending}").exists() for ending in ("", ".gz"))


def load(folder, part):
    """Images [count, pixels] and labels [count], both uint8."""
    images = _read(folder, f"{part}-images-idx3-ubyte", 3)
    labels = _read(folder, f"{part}-labels-idx1-ubyte", 1)
    if len(images) != len(labels):
        raise ValueError(f"{folder} has {len(images)} images and {len(labels)} labels for {part}")
    if labels.max(initial=0) >= CLASSES:
        raise ValueError(f"{folder} has the label {labels.max()}, but {CLASSES} classes are expected")
    return images.reshape(len(images), -1), labels


def _read(folder, name, rank):
    path = os.path.join(folder, name)
    if os.path.exists(path):
        with open(path, "rb") as file:
            data = file.read()
    else:
        with gzip.open(path + ".gz", "rb") as file:
            data = file.read()
    head = 4 + 4 * rank
    if len(data) < head or data[:4] != bytes((0, 0, 8, rank)):
        raise ValueError(f"{path} is no IDX file of {rank} dimensions of bytes")
    shape = tuple(int(size) for size in numpy.frombuffer(data, ">u4", rank, 4))
    if len(data) != head + numpy.prod(shape, dtype=object) or shape[0] == 0:
        raise ValueError(f"{path} has {len(data)} bytes, which do not hold {' x '.join(map(str, shape))} values")
    return numpy.frombuffer(data, numpy.uint8, offset=head).reshape(shape)


def draw(count, seed):
    """Blots of ink that stand for digits: for each class three of its own, moved and noisy in every image."""
    places = numpy.random.default_rng(7).uniform(6, SIDE - 6, (CLASSES, 3, 2))
    random = numpy.random.default_rng(seed)
    labels = random.integers(0, CLASSES, count, numpy.uint8)
    centers = places[labels] + random.normal(0, 1.5, (count, 3, 2))
    grid = numpy.arange(SIDE)
    # Each blot is a bell curve: a product of one down and one across.
    down, across = (numpy.exp(-((grid - centers[:, :, axis, None]) ** 2) / 8) for axis in (0, 1))
    ink = numpy.einsum("nbi,nbj->nij", down, across) + random.normal(0, 0.15, (count, SIDE, SIDE))
    return (255 * ink.clip(0, 1)).astype(numpy.uint8).reshape(count, -1), labels
