"""Finds the shared library, and turns statuses into exceptions. SPDX-License-Identifier: MIT"""
import ctypes
import os

from . import _abi

# Where a checkout has it when it is built as its README says.
BUILD_TREE = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../../build/lib"))


class MonoForwardError(RuntimeError):
    """A call that failed. `status` is its number, `name` such as "MF_STATUS_SHAPE"; the text is the library's."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status
        self.name = library.mf_status_name(status).decode()

    def __reduce__(self):
        return type(self), (self.status, str(self))


def check(status):
    """Raises MonoForwardError unless the status is MF_STATUS_OK: for calls of `library`, right behind them."""
    if status != _abi.MF_STATUS_OK:
        raise MonoForwardError(status, library.mf_last_message().decode("utf-8", "replace"))


def version():
    """Version of the library that runs."""
    return library.mf_version().decode()


def _load():
    named = os.environ.get("MONOFORWARD_LIBRARY")
    built = os.path.join(BUILD_TREE, _abi.SONAME)
    places = [named] if named else [path for path in [built] if os.path.exists(path)] + [_abi.SONAME]
    failures = []
    for place in places:
        try:
            loaded = ctypes.CDLL(place)
            _abi.declare(loaded)
            return loaded
        except (OSError, AttributeError) as error:
            failures.append(str(error))
    raise ImportError("libmonoforward was not found; $MONOFORWARD_LIBRARY may name it: " + "; ".join(failures))


library = _load()
