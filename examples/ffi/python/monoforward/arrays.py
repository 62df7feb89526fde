"""What the library may read and write: numpy arrays of the right type and size, as they lie. SPDX-License-Identifier: MIT

Nothing here copies. An array of another type would be read as if it were of this one, one with gaps across its gaps:
both are refused with a TypeError that says what to do, and sizes that do not fit with a ValueError.
"""
import math

import numpy as np


def floats(array, what, shape, writable=False):
    """The address of a float32 array of this shape; None in a shape is any number."""
    return _address(array, what, np.float32, shape, writable)


def labels(array, what, rows, writable=False):
    """The address of an int32 array of so many rows."""
    return _address(array, what, np.int32, (rows,), writable)


def rows_of(x, width, what="x"):
    """Rows of a batch whose rows have `width` values; maps may come with an axis each."""
    if not isinstance(x, np.ndarray) or x.ndim < 1:
        raise TypeError(f"{what} is no numpy array of rows")
    values = math.prod(x.shape[1:])
    if values != width:
        raise ValueError(f"{what} has rows of {values} values, expected {width}")
    return x.shape[0]


def batch(x, y, width):
    """(rows, address of x, address of y) of a labelled batch."""
    rows = rows_of(x, width)
    return rows, floats(x, "x", (rows, ...)), labels(y, "y", rows)


def receiver(out, what, shape, kind=np.float32):
    """(array, address) of what a call writes to: `out`, or a new array where it is None."""
    if out is None:
        out = np.empty(shape, kind)
    return out, _address(out, what, kind, shape, True)


def _address(array, what, kind, shape, writable):
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{what} is no numpy array")
    if array.dtype != kind:
        raise TypeError(f"{what} is of {array.dtype}, expected {np.dtype(kind)}: {what}.astype(numpy.{np.dtype(kind)})")
    if not array.flags.c_contiguous:
        raise TypeError(f"{what} has gaps or another order in memory: numpy.ascontiguousarray({what})")
    if writable and not array.flags.writeable:
        raise TypeError(f"{what} cannot be written to")
    fits = array.shape[:1] == shape[:1] if shape[-1] is ... else array.shape == shape
    if not fits:
        wanted = " x ".join("..." if size is ... else str(size) for size in shape)
        raise ValueError(f"{what} is {' x '.join(map(str, array.shape))}, expected {wanted}")
    return array.ctypes.data
