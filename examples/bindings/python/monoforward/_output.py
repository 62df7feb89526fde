"""Models on their way to files of Python's. SPDX-License-Identifier: MIT"""
from __future__ import annotations

import ctypes
import errno
import io

from . import _abi
from ._handles import result_struct
from ._library import check


def write_to(file, save):
    """Calls save(output) with an output that writes to the file."""
    raised = []

    def write(_, address, count):
        try:
            rest = memoryview(ctypes.string_at(address, count))
            while rest:
                rest = rest[_written(file, rest):]
            return 0
        except BaseException as error:  # it must not pass through the library
            raised.append(error)
            return 1

    output = result_struct("mf_output")
    output.write = _abi.mf_output_write(write)
    status = save(ctypes.byref(output))
    if raised:
        raise raised[0]
    check(status)


def _written(file, data):
    """Writes to a file, and tells how many bytes it took: some at least, or there would be no end."""
    count = file.write(data)
    if count is None:
        if isinstance(file, io.RawIOBase):  # which took nothing; other objects tell nothing and take all
            raise BlockingIOError(errno.EAGAIN, "the file takes no more bytes now: set it to blocking")
        return len(data)
    if not 0 < count <= len(data):
        raise OSError(f"write() of {len(data)} bytes returned {count}")
    return count
