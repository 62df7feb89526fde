"""Layers that train at the same time. SPDX-License-Identifier: MIT"""
from __future__ import annotations

import ctypes
from typing import Any, Callable, Optional

import numpy

from . import _abi
from ._arrays import Array, batch
from ._handles import Handle, make_spec, result_struct
from ._library import MonoforwardError, check, library
from ._network import Network
from ._pool import Pool

OnReport = Callable[[_abi.mf_pipeline_report], Optional[bool]]


class Pipeline(Handle):
    """Pipeline(network, max_batch, workers=2): the layers learn on threads of their own, or of a pool.

    on_report(report) is called with every mf_pipeline_report, on the thread that calls submit, flush, stop or
    poll. If it returns True, the pipeline stops as by stop(); None and False go on, and anything else is a
    TypeError. An exception stops the pipeline and comes out of that call; reports that follow are dropped.
    """

    _name = "mf_pipeline"

    def __init__(self, network: Network, max_batch: int, *, workers: int = 2, depth: int = 0,
                 pool: Optional[Pool] = None, on_report: Optional[OnReport] = None) -> None:
        spec = make_spec("mf_pipeline_spec", {"max_batch": max_batch, "workers": workers, "depth": depth})
        self._raised: list[BaseException] = []  # not `self`: a callback that held it would keep it alive
        callback = None
        if on_report is not None:
            callback = spec.on_report = _abi.mf_pipeline_spec_on_report(_guard(on_report, self._raised))
        self._own(self._create(spec, network=network, pool=pool), callback)
        network._learn_shape()
        self._inputs, self._positions = network.inputs, network._positions

    def submit(self, x: Array, y: Array, **inputs: Any) -> None:
        """Gives the next batch to the workers, who get a copy. Waits while the queue is full. For x see
        Network.step()."""
        self._done(library.mf_pipeline_submit_batch(self, batch(x, y, self._inputs, self._positions, **inputs)))

    def try_submit(self, x: Array, y: Array, **inputs: Any) -> bool:
        """submit() that does not wait; whether the batch was taken. It was not while the queue is full, or another
        pipeline trains the layers."""
        status = library.mf_pipeline_try_submit_batch(self, batch(x, y, self._inputs, self._positions, **inputs))
        busy = status == _abi.MF_STATUS_BUSY
        self._done(_abi.MF_STATUS_OK if busy else status)
        return not busy

    def progress(self) -> _abi.mf_pipeline_progress_info:
        """Where the pipeline stands: a mf_pipeline_progress_info. on_report may ask, too."""
        progress = result_struct("mf_pipeline_progress_info")
        check(library.mf_pipeline_progress(self, ctypes.byref(progress)))
        return progress

    def flush(self) -> None:
        """Waits until every batch has been through all layers."""
        self._done(library.mf_pipeline_flush(self))

    def stop(self) -> None:
        """Drops what is queued, and takes no more batches."""
        self._done(library.mf_pipeline_stop(self))

    def poll(self) -> Optional[_abi.mf_pipeline_report]:
        """The next report, a mf_pipeline_report, or None if there is none yet or no more."""
        report = result_struct("mf_pipeline_report")
        status = library.mf_pipeline_poll(self, ctypes.byref(report))
        if status in (_abi.MF_STATUS_BUSY, _abi.MF_STATUS_NOT_FOUND):
            return None
        self._done(status)
        return report

    def _done(self, status):
        failure = None
        try:
            check(status)
        except MonoforwardError as error:
            failure = error
        if self._raised:
            raise self._raised.pop() from failure
        if failure:
            raise failure


def _guard(on_report, raised):
    stopped = False

    def report(_, pointer):
        nonlocal stopped
        if stopped:
            return 0
        try:
            return _stops(on_report(_abi.mf_pipeline_report.from_buffer_copy(pointer.contents)))
        except BaseException as error:  # it must not pass through the library
            raised.append(error)
            stopped = True
            return 1
    return report


def _stops(answer):
    """The answer for the library: other than 0 stops. A number may be a mistake, such as that of list.index."""
    if answer is not None and not isinstance(answer, (bool, numpy.bool_)):
        raise TypeError(f"on_report returned {answer!r}: it returns True to stop, and None or False to go on")
    return int(bool(answer))
