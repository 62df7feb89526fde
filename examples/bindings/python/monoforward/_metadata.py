"""Texts that go with a network. SPDX-License-Identifier: MIT"""
from __future__ import annotations

import ctypes
from collections.abc import MutableMapping
from typing import Iterator

from . import _abi
from ._handles import Handle
from ._library import check, library
from ._texts import c_text


class Metadata(MutableMapping[str, str]):
    """A network's metadata as a mapping of str to str, in the order of the names' bytes."""

    def __init__(self, network: Handle) -> None:
        self._network = network

    def __getitem__(self, name: str) -> str:
        value = ctypes.c_char_p()
        status = library.mf_network_metadata_get(self._network, c_text(name), ctypes.byref(value))
        if status == _abi.MF_STATUS_NOT_FOUND:
            raise KeyError(name)
        check(status)
        return _words(value)

    def __setitem__(self, name: str, value: str) -> None:
        check(library.mf_network_metadata_set(self._network, c_text(name), c_text(value)))

    def __delitem__(self, name: str) -> None:
        status = library.mf_network_metadata_remove(self._network, c_text(name))
        if status == _abi.MF_STATUS_NOT_FOUND:
            raise KeyError(name)
        check(status)

    def __len__(self) -> int:
        count = ctypes.c_size_t()
        check(library.mf_network_metadata_count(self._network, ctypes.byref(count)))
        return count.value

    def __iter__(self) -> Iterator[str]:
        name = ctypes.c_char_p()
        for index in range(len(self)):
            check(library.mf_network_metadata_at(self._network, index, ctypes.byref(name), None))
            yield _words(name)

    def __repr__(self) -> str:
        return f"Metadata({dict(self)!r})"


def _words(value: ctypes.c_char_p) -> str:
    return (value.value or b"").decode()
