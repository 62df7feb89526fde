"""What the classifier learns with: a network, its batches, and the best of its epochs. SPDX-License-Identifier: MIT"""
from __future__ import annotations

import collections
import contextlib
from typing import Any, Iterator, Optional

import numpy

from . import _abi, _data
from ._data import Array, Rows
from ._library import MonoforwardError, blas_threads, set_blas_threads
from ._network import Network, Workspace
from ._optimizer import Optimizer
from ._pipeline import Pipeline
from ._pool import Pool

PREDICT_ROWS = 256

ONE_LINE = dict.fromkeys(map(ord, "\n\r\0"), " ")  # what would end a line, or the text


class Model:
    """All that answers need. A fit makes another one, so that threads which predict meanwhile see one or the other."""

    def __init__(self, network: Network, optimizer: Optimizer, classes: Array, names: Optional[Array],
                 random: numpy.random.Generator, workers: Optional[int]) -> None:
        self.network, self.optimizer, self.classes, self.names = network, optimizer, classes, names
        self.random = random
        _name_classes(network, classes)  # now, since saving must not change what other threads predict with
        self.losses: list[float] = []
        self.scores: list[float] = []
        pool = None if workers in (0, 1) else Pool(int(workers or 0))
        self.pool = pool if pool and pool.threads() > 1 else None
        self._idle: collections.deque[Workspace] = collections.deque()

    @contextlib.contextmanager
    def _workspace(self) -> Iterator[Workspace]:
        """One that no other thread has: an idle one, or another."""
        try:
            workspace = self._idle.pop()
        except IndexError:
            workspace = Workspace(self.network, PREDICT_ROWS, purpose="inference", convert=True, pool=self.pool)
        yield workspace
        self._idle.append(workspace)

    def answers(self, X: Array, mode: str, probabilities: bool) -> Array:
        """The number of every row's class, or the probabilities of all."""
        infer = self.network.probabilities if probabilities else self.network.predict
        out = (numpy.empty((len(X), len(self.classes)), numpy.float32) if probabilities
               else numpy.empty(len(X), numpy.int32))
        with self._workspace() as workspace:
            for first in range(0, len(X), PREDICT_ROWS):
                part = slice(first, first + PREDICT_ROWS)
                infer(workspace, X[part], mode, out[part], scale=_scale(X.dtype))
        return out

    def batches(self, rows: Rows, size: int, least: int) -> Iterator[tuple[Array, Array, Optional[Array]]]:
        """Shuffled batches, gathered into the same arrays. A rest of fewer than `least` rows is left out."""
        count = len(rows.x)
        order, size = self.random.permutation(count), min(size, count)
        parts = [part for part in rows if part is not None]
        places = [numpy.empty((size, *part.shape[1:]), part.dtype) for part in parts]
        for first in range(0, count, size):
            chosen = order[first:first + size]
            if len(chosen) < min(least, count):
                continue
            for part, place in zip(parts, places):
                # mode: any other than "raise" writes into `out` without a buffer in between.
                numpy.take(part, chosen, axis=0, out=place[:len(chosen)], mode="clip")
            x, y, *weights = (place[:len(chosen)] for place in places)
            yield x, y, weights[0] if weights else None


class Steps:
    """Learns batch by batch: with the network, or with a pipeline, which is done when the block ends. While there are
    several threads, the BLAS library has one."""

    def __init__(self, model: Model, rows: int, dtype: Any) -> None:
        self._network, self._scale = model.network, _scale(dtype)
        self._last, self._piped = len(model.network) - 1, model.pool is not None
        self._sum = self._rows = 0.0
        self._trainer: Any = (Pipeline(model.network, rows, pool=model.pool, on_report=self._hear) if self._piped
                              else Workspace(model.network, rows, convert=dtype == numpy.uint8))

    def __enter__(self) -> Steps:
        self._blas = _blas_threads() if self._piped else None
        if self._blas:
            set_blas_threads(1)
        return self

    def learn(self, x: Array, y: Array, weights: Optional[Array]) -> None:
        """A step of every layer."""
        if self._piped:
            self._trainer.submit(x, y, weights=weights, scale=self._scale)
        else:
            self._network.step(self._trainer, x, y, weights=weights, scale=self._scale)
            self._hear(self._trainer.report(self._last), self._last)

    def _hear(self, report: Any, position: Optional[int] = None) -> None:
        if (report.position if position is None else position) == self._last:
            self._sum += report.loss * report.rows
            self._rows += report.rows

    def loss(self) -> float:
        """The mean loss of the last layer since the last call. Afterwards no thread is at work."""
        if self._piped:
            self._trainer.flush()
        mean = self._sum / max(self._rows, 1)
        self._sum = self._rows = 0.0
        return mean

    def __exit__(self, *_: object) -> None:
        self._trainer.close()
        if self._blas:
            set_blas_threads(self._blas)


class Best:
    """Rows that are held out, and the parameters that answer for them best so far."""

    def __init__(self, model: Model, held: Rows, mode: str, patience: int, tolerance: float) -> None:
        self._model, self._held, self._mode = model, held, mode
        self._patience, self._tolerance = patience, tolerance
        self._parameters = model.network.clone()
        self.score = self._wanted = -1.0
        self._waited = 0

    def look(self) -> bool:
        """Judges the network as it is; whether there was nothing better for too long."""
        right = self._model.answers(self._held.x, self._mode, False) == self._held.y
        score = float(numpy.average(right, weights=self._held.weights))
        self._model.scores.append(score)
        if score > self.score:
            self.score = score
            self._parameters.copy_parameters(self._model.network)
        self._waited += 1
        if score > self._wanted + self._tolerance:
            self._wanted, self._waited = score, 0
        return self._waited >= self._patience

    def restore(self) -> None:
        """Back to the best parameters."""
        self._model.network.copy_parameters(self._parameters)


def hold_out(rows: Rows, share: float, random: numpy.random.Generator) -> tuple[Rows, Rows]:
    """The rows to learn from, and a share of every class that is held out."""
    held = []
    for number in numpy.unique(rows.y):
        own = random.permutation(numpy.flatnonzero(rows.y == number))
        held.append(own[:min(round(share * len(own)), len(own) - 1)])
    chosen = numpy.sort(numpy.concatenate(held))
    if len(chosen) == 0:
        raise ValueError(f"validation_fraction={share} of {len(rows.y)} rows leaves none to validate with")
    return rows.take(numpy.setdiff1d(numpy.arange(len(rows.y)), chosen)), rows.take(chosen)


def _blas_threads() -> Optional[int]:
    try:
        return blas_threads()
    except MonoforwardError:  # it has none
        return None


def _name_classes(network: Network, classes: Array) -> None:
    """Tells other programs what the classes are, one a line. What no metadata can hold is left out: the labels are
    saved beside the network as well."""
    lines = (label.translate(ONE_LINE).encode(errors="replace").decode() for label in _data.texts(classes))
    try:
        network.metadata["class_names"] = "\n".join(lines)
    except MonoforwardError as error:
        if error.status != _abi.MF_STATUS_CAPACITY:
            raise


def _scale(dtype: Any) -> float:
    """A byte is the number that it is, as in floats."""
    return 1.0 if dtype == numpy.uint8 else 0.0
