"""Finds and opens libmonoforward, and turns its statuses into exceptions. SPDX-License-Identifier: MIT"""
from __future__ import annotations

import ctypes
import operator
import os
import pathlib
import sys
import sysconfig

from . import _abi


class MonoforwardError(RuntimeError):
    """A call of the library that failed.

    status       the number, such as MF_STATUS_SHAPE
    status_name  its name
    message      what went wrong, in the library's words
    """

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.status_name = library.mf_status_name(status).decode()
        self.message = message
        super().__init__(f"{self.status_name}: {message}")

    def __reduce__(self) -> tuple[type, tuple[int, str]]:
        return MonoforwardError, (self.status, self.message)


def _candidates():
    """Where the library may be, best first: (place in words, what the system's loader is asked for)."""
    here = pathlib.Path(__file__).resolve().parent
    yield "beside the package", here / _abi.SONAME
    for folder in here.parents:
        if (folder / "include" / "monoforward.h").is_file():
            yield "in the build folder of the sources around the package", folder / "build" / "lib" / _abi.SONAME
        if folder.name in ("lib", "lib64"):
            yield from _libraries("in the prefix that the package is installed in", folder.parent)
            if folder.parent.name == "local":  # below which Debian's pip puts packages
                yield from _libraries("in the prefix that the package is installed in", folder.parents[1])
    yield "by the system's loader (LD_LIBRARY_PATH, ldconfig)", _abi.SONAME
    yield from _libraries("in the prefix of this Python", pathlib.Path(sys.prefix))
    yield from _libraries("in the usual place", pathlib.Path("/usr/local"))


def _libraries(place, prefix):
    """Where CMake installs it: in lib or a folder within, as on Debian, or in lib64, though packages lie in lib. Of both,
    lib may be for programs of 32 bits."""
    machine = sysconfig.get_config_var("MULTIARCH")
    folders = ["lib64"] if sys.maxsize > 2**32 else []
    folders += ["lib", f"lib/{machine}"] if machine else ["lib"]
    for folder in folders:
        yield place, prefix / folder / _abi.SONAME


def _open():
    """What $MONOFORWARD_LIBRARY names, or the first of the candidates that there is."""
    named = os.environ.get("MONOFORWARD_LIBRARY")
    if named:
        return _load(named, "which $MONOFORWARD_LIBRARY names")
    looked = {}
    for place, file in _candidates():
        if isinstance(file, str):
            try:
                return ctypes.CDLL(file)
            except OSError:
                pass
        elif file.is_file():
            return _load(str(file), place)
        looked.setdefault(place, []).append(str(file))
    lines = "".join(f"\n    {place}: {', '.join(files)}" for place, files in looked.items())
    raise ImportError(f"{_abi.SONAME} was not found. Looked for:{lines}\nInstall the library (cmake --install build), "
                      "or name its file in $MONOFORWARD_LIBRARY.")


def _load(file, place):
    try:
        return ctypes.CDLL(file)
    except OSError as error:
        raise ImportError(f"the library {place} cannot be loaded: {error}") from None


def _exact(kind):
    """The integer of C for an argument that must fit: ctypes itself cuts off what does not."""
    class Exact(kind):
        @classmethod
        def from_param(cls, value):
            if not isinstance(value, kind):
                value, whole = kind(operator.index(value)), value
                if value.value != whole:
                    raise ValueError(f"{whole} does not fit into {kind.__name__}")
            return value

    return Exact


_EXACT = {kind: _exact(kind) for kind in (ctypes.c_int32, ctypes.c_uint32, ctypes.c_size_t, ctypes.c_uint64)}


class _Library:
    """The library's functions, each told its types when it is first used."""

    def __init__(self):
        self._opened = _open()

    def __getattr__(self, name):
        result, arguments = _abi.FUNCTIONS[name]
        try:
            function = getattr(self._opened, name)
        except AttributeError:
            raise AttributeError(f"{self._opened._name} has no function {name}: it is older than this package, which "
                                 f"is of version {_abi.VERSION}") from None
        function.restype, function.argtypes = result, [_EXACT.get(kind, kind) for kind in arguments]
        function = holding(function)
        setattr(self, name, function)
        return function


def holding(function):
    """The function with handles for pointers to them, which nobody can close while it runs."""
    def call(*arguments):
        held = []
        try:
            return function(*[_pointer(each, held) if hasattr(each, "_hold") else each for each in arguments])
        finally:
            for handle in held:
                handle._release()
    return call


def _pointer(handle, held):
    pointer = handle._hold()
    held.append(handle)
    if pointer is None:  # NULL, which to some calls is no mistake, as to set_optimizer()
        raise MonoforwardError(_abi.MF_STATUS_HANDLE, f"the {type(handle).__name__} is closed")
    return pointer


library = _Library()


def check(status: int) -> None:
    """Raises a MonoforwardError unless the status is MF_STATUS_OK. To be called right after the call."""
    if status:
        raise MonoforwardError(status, library.mf_last_message().decode(errors="replace"))


def version() -> str:
    """Version of the library that runs."""
    return library.mf_version().decode()


def products_name() -> str:
    """Which products new layers use: an instruction set, or "blas" for those of the BLAS library."""
    return library.mf_products_name().decode()


def blas_name() -> str:
    """Name of the BLAS library."""
    return library.mf_blas_name().decode()


def set_blas_threads(threads: int) -> None:
    """How many threads the BLAS library's products use, in the whole process."""
    check(library.mf_blas_set_threads(threads))


def blas_threads() -> int:
    """How many threads the BLAS library's products use."""
    threads = ctypes.c_int32()
    check(library.mf_blas_get_threads(ctypes.byref(threads)))
    return threads.value
