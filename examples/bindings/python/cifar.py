"""CIFAR-10's binary files, packed by xz or not, or drawn pictures where there are none. SPDX-License-Identifier: MIT"""
import lzma
import os
import pathlib

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[3]
CHANNELS, SIDE, CLASSES = 3, 32, 10
PIXELS = CHANNELS * SIDE * SIDE
TRAIN = [f"data_batch_{number}.bin" for number in range(1, 6)]
TEST = ["test_batch.bin"]


def find(folder):
    """The folder that was named, or that of CIFAR-10 in $MONOFORWARD_DATA or a usual place; None if there is no data."""
    if folder:
        return folder
    named = os.environ.get("MONOFORWARD_DATA")
    for place in (*([pathlib.Path(named)] if named else []), ROOT / "data", ROOT.parent / "shared" / "data"):
        for below in ("cifar-10", "cifar-10-batches-bin", ""):
            if any((place / below / (TEST[0] + ending)).exists() for ending in ("", ".xz")):
                return str(place / below)
    return None


def load(folder, names):
    """Pixels [count, 3072] and labels [count], both uint8."""
    records = numpy.concatenate([_read(os.path.join(folder, name)) for name in names])
    if records[:, 0].max(initial=0) >= CLASSES:
        raise ValueError(f"{folder} has the label {records[:, 0].max()}, but {CLASSES} classes are expected")
    return records[:, 1:], records[:, 0]


def _read(path):
    if os.path.exists(path):
        with open(path, "rb") as file:
            data = file.read()
    else:
        with lzma.open(path + ".xz") as file:
            data = file.read()
    if not data or len(data) % (1 + PIXELS) != 0:
        raise ValueError(f"{path} has {len(data)} bytes, which are no records of {1 + PIXELS}")
    return numpy.frombuffer(data, numpy.uint8).reshape(-1, 1 + PIXELS)


def draw(count, seed):
    """Noise with a bar, which lies or stands at one of five places."""
    random = numpy.random.default_rng(seed)
    labels = random.integers(0, CLASSES, count, numpy.uint8)
    pixels = random.integers(0, 128, (count, CHANNELS, SIDE, SIDE), numpy.uint8)
    for picture, label in zip(pixels, labels):
        place = slice(6 * (label // 2) + 1, 6 * (label // 2) + 6)
        (picture if label % 2 else picture.swapaxes(1, 2))[random.integers(CHANNELS), place] += 100
    return pixels.reshape(count, PIXELS), labels


class Data:
    """Pictures as the network reads them, each colour of mean 0 and deviation 1 over the training set, and labels."""

    def __init__(self, folder, limit, drawn=(10000, 2000)):
        self.drawn = folder is None
        if self.drawn:
            train, test = draw(limit or drawn[0], 1), draw(drawn[1], 2)
        else:
            train, test = load(folder, TRAIN), load(folder, TEST)
        if limit:
            train = train[0][:limit], train[1][:limit]
        self._tables = [self._table(train[0].reshape(-1, CHANNELS, SIDE * SIDE)[:, channel])
                        for channel in range(CHANNELS)]
        self.train, self.test = train, test

    @staticmethod
    def _table(pixels):
        """What each of the 256 values becomes."""
        counts, values = numpy.bincount(pixels.ravel(), minlength=256), numpy.arange(256)
        mean = (values * counts).sum() / counts.sum()
        variance = (values * values * counts).sum() / counts.sum() - mean * mean
        return ((values - mean) / (numpy.sqrt(variance) if variance > 0 else 1)).astype(numpy.float32)

    def batch(self, part, rows):
        """Inputs [rows, 3072] and labels, as the library reads them."""
        pixels = part[0][rows].reshape(-1, CHANNELS, SIDE * SIDE)
        inputs = numpy.stack([table[pixels[:, channel]] for channel, table in enumerate(self._tables)], axis=1)
        return inputs.reshape(-1, PIXELS), part[1][rows].astype(numpy.int32)
