"""Arrays on their way to the library: looked at, never copied or converted. SPDX-License-Identifier: MIT"""
from __future__ import annotations

import ctypes

import numpy

from . import _abi

Array = numpy.ndarray


def address(array, dtype, shape, name, writable=False):
    """Where the array's values are, if it is just what the library will read or write there.

    `shape` has None where any size will do.
    """
    if not isinstance(array, numpy.ndarray):
        raise TypeError(f"{name} is a {type(array).__name__}, not a numpy array")
    if array.dtype != dtype:  # also another order of bytes
        raise TypeError(f"{name} has the type {array.dtype}, not {numpy.dtype(dtype)}")
    if array.ndim != len(shape) or any(wanted not in (None, size) for wanted, size in zip(shape, array.shape)):
        raise ValueError(f"{name} has the shape {array.shape}, not {_written(shape)}")
    if not array.flags.c_contiguous:
        raise ValueError(f"{name} has strides {array.strides}: numpy.ascontiguousarray() makes a dense copy")
    if not array.flags.aligned:
        raise ValueError(f"the values of {name} are not aligned")
    if writable and not array.flags.writeable:
        raise ValueError(f"{name} is read-only")
    return array.ctypes.data


def _written(shape):
    """A shape as Python writes it, (4,) with its comma, where None is any size."""
    sizes = ["any" if size is None else str(size) for size in shape]
    return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"


def batch(x, y, inputs, positions=(), *, weights=None, scale=0.0, shift=0.0, bf16=False):
    """A mf_batch of rows of float32; of int32; of uint8, which is (x + shift) * scale, or (x + shift) / 255 with a scale
    of 0; or, with `bf16`, of uint16 that are the upper halves of float32. Rows may be of any shape with as many values. `y`:
    a label for each row, or for each of its positions; None: without labels. `weights`: float32, one for each row."""
    kind, dtype = _abi.MF_TYPE_FLOAT32, numpy.float32
    if bf16:
        kind, dtype = _abi.MF_TYPE_BF16, numpy.uint16
    elif getattr(x, "dtype", None) == numpy.uint8:
        kind, dtype = _abi.MF_TYPE_UINT8, numpy.uint8
    elif getattr(x, "dtype", None) == numpy.int32:
        kind, dtype = _abi.MF_TYPE_INT32, numpy.int32
    shaped = isinstance(x, numpy.ndarray) and x.ndim > 2 and x[:1].size == inputs
    where = address(x, dtype, (None,) * x.ndim if shaped else (None, inputs), "x")
    labels = y if y is None else address(y, numpy.int32, (len(x), *positions), "y")
    weighed = weights if weights is None else address(weights, numpy.float32, (len(x),), "weights")
    return _abi.mf_batch(struct_size=ctypes.sizeof(_abi.mf_batch), input_type=kind, target_type=_abi.MF_TYPE_INT32,
                         rows=len(x), inputs=where, targets=labels, sample_weights=weighed, input_scale=scale,
                         input_shift=shift)


def result(out, dtype, shape, name="out"):
    """The array that takes a result: the caller's, or a new one."""
    if out is None:
        out = numpy.empty(shape, dtype)
    return out, address(out, dtype, shape, name, writable=True)
