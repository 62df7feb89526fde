"""Arrays on their way to the library: looked at, never copied or converted. SPDX-License-Identifier: MIT"""
import numpy


def address(array, dtype, shape, name, writable=False):
    """Where the array's values are, if it is just what the library will read or write there.

    `shape` has None where any size will do.
    """
    if not isinstance(array, numpy.ndarray):
        raise TypeError(f"{name} is a {type(array).__name__}, not a numpy array")
    if array.dtype != dtype:  # also another order of bytes
        raise TypeError(f"{name} has the type {array.dtype}, not {numpy.dtype(dtype)}")
    if array.ndim != len(shape) or any(wanted not in (None, size) for wanted, size in zip(shape, array.shape)):
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise ValueError(f"{name} has the shape {array.shape}, not ({wanted})")
    if not array.flags.c_contiguous:
        raise ValueError(f"{name} has strides {array.strides}: numpy.ascontiguousarray() makes a dense copy")
    if not array.flags.aligned:
        raise ValueError(f"the values of {name} are not aligned")
    if writable and not array.flags.writeable:
        raise ValueError(f"{name} is read-only")
    return array.ctypes.data


def batch(x, y, inputs, positions=()):
    """Rows and addresses of a batch with labels, one for each row or each of its positions. Rows of x may be of any shape
    with as many values."""
    x_address = rows_of(x, inputs)
    return len(x), x_address, address(y, numpy.int32, (len(x), *positions), "y")


def rows_of(x, inputs):
    if isinstance(x, numpy.ndarray) and x.ndim > 2 and x[:1].size == inputs:
        return address(x, numpy.float32, (None,) * x.ndim, "x")
    return address(x, numpy.float32, (None, inputs), "x")


def result(out, dtype, shape, name="out"):
    """The array that takes a result: the caller's, or a new one."""
    if out is None:
        out = numpy.empty(shape, dtype)
    return out, address(out, dtype, shape, name, writable=True)
