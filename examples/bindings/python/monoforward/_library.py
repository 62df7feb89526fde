"""Finds and opens libmonoforward, and turns its statuses into exceptions. SPDX-License-Identifier: MIT"""
import ctypes
import os
import pathlib

from . import _abi


class MonoforwardError(RuntimeError):
    """A call of the library that failed.

    status       the number, such as MF_STATUS_SHAPE
    status_name  its name
    message      what went wrong, in the library's words
    """

    def __init__(self, status, message):
        self.status = status
        self.status_name = library.mf_status_name(status).decode()
        self.message = message
        super().__init__(f"{self.status_name}: {message}")

    def __reduce__(self):
        return MonoforwardError, (self.status, self.message)


def _open():
    """$MONOFORWARD_LIBRARY, or the build folder of the sources this file lies in, or what the system finds."""
    named = os.environ.get("MONOFORWARD_LIBRARY")
    if named:
        return ctypes.CDLL(named)
    built = pathlib.Path(__file__).resolve().parents[4] / "build" / "lib" / _abi.SONAME
    if built.is_file():
        return ctypes.CDLL(str(built))
    try:
        return ctypes.CDLL(_abi.SONAME)
    except OSError as error:
        raise ImportError(f"{error}; $MONOFORWARD_LIBRARY may name the file of the library") from None


class _Library:
    """The library's functions, each told its types when it is first used."""

    def __init__(self):
        self._opened = _open()

    def __getattr__(self, name):
        result, arguments = _abi.FUNCTIONS[name]
        function = getattr(self._opened, name)
        function.restype, function.argtypes = result, arguments
        setattr(self, name, function)
        return function


library = _Library()


def check(status):
    """Raises a MonoforwardError unless the status is MF_STATUS_OK. To be called right after the call."""
    if status:
        raise MonoforwardError(status, library.mf_last_message().decode(errors="replace"))


def version():
    """Version of the library that runs."""
    return library.mf_version().decode()


def products_name():
    """Which products new layers use: an instruction set, or "blas" for those of the BLAS library."""
    return library.mf_products_name().decode()


def blas_name():
    """Name of the BLAS library."""
    return library.mf_blas_name().decode()


def set_blas_threads(threads):
    """How many threads the products use, in the whole process."""
    check(library.mf_blas_set_threads(threads))


def blas_threads():
    """How many threads the products use."""
    threads = ctypes.c_int32()
    check(library.mf_blas_get_threads(ctypes.byref(threads)))
    return threads.value
