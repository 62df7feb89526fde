"""The loop of a host program: passes over arrays in shuffled batches. SPDX-License-Identifier: MIT"""
import time
from collections import namedtuple

import numpy as np

from . import _abi
from ._library import library
from .handles import Pipeline, Workspace

Epoch = namedtuple("Epoch", "losses seconds rows")

SCHEDULES = {"cosine": lambda step, total: library.mf_schedule_cosine(step, total, 0.0), "constant": lambda *_: 1.0}


def train(network, optimizer, x, y, *, epochs, batch, learning_rate, schedule="cosine", generator=None, workers=0,
          lone_rows=True):
    """Trains all layers jointly, and yields an Epoch after each pass: the mean loss of every layer, and its seconds.

    x is float32, y int32. Batches are gathered into one array; nothing is allocated for them. `generator` shuffles the
    rows (numpy.random.Generator; None: they come in order). With workers, layers learn at the same time, with equal
    results. lone_rows=False leaves out a last batch of one row, which batch normalisation cannot take.
    """
    with _learner(network, batch, workers) as learn:
        order = np.arange(len(x))
        rows_in = np.empty((batch, *x.shape[1:]), np.float32), np.empty(batch, np.int32)
        rows = len(x) - (not lone_rows and len(x) > 1 and len(x) % batch == 1)
        total = epochs * -(-rows // batch)
        step = 0
        for _ in range(epochs):
            started = time.perf_counter()
            if generator is not None:
                generator.shuffle(order)
            for first in range(0, rows, batch):
                chosen = order[first:min(first + batch, rows)]
                # mode="clip" lets numpy write straight into the array; the indices are all in range.
                batch_x, batch_y = (np.take(values, chosen, axis=0, out=place[:len(chosen)], mode="clip")
                                    for values, place in zip((x, y), rows_in))
                optimizer.set(_abi.MF_OPTIMIZER_LEARNING_RATE, learning_rate * SCHEDULES[schedule](step, total))
                learn.step(batch_x, batch_y)
                step += 1
            yield Epoch(learn.losses(rows), time.perf_counter() - started, rows)


def _learner(network, batch, workers):
    return _Together(network, batch, workers) if workers else _OneByOne(network, batch)


class _OneByOne:
    """Layer after layer, on this thread."""

    def __init__(self, network, batch):
        self.network = network
        self.workspace = Workspace(network, batch)
        self.sums = np.zeros(len(network))

    def step(self, x, y):
        self.network.step(self.workspace, x, y)
        for position in range(len(self.sums)):
            self.sums[position] += self.workspace.report(position).loss * len(x)

    def losses(self, rows):
        means, self.sums = self.sums / rows, np.zeros_like(self.sums)
        return means

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.workspace.close()


class _Together:
    """Layers at the same time, on threads of the library."""

    def __init__(self, network, batch, workers):
        self.pipeline = Pipeline(network, batch, workers=workers)
        self.sums = np.zeros(len(network))

    def step(self, x, y):
        self.pipeline.submit(x, y)
        self._add_reports()

    def _add_reports(self):
        for report in self.pipeline.reports():
            self.sums[report.position] += report.loss * report.rows

    def losses(self, rows):
        self.pipeline.flush()
        self._add_reports()
        means, self.sums = self.sums / rows, np.zeros_like(self.sums)
        return means

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pipeline.close()
