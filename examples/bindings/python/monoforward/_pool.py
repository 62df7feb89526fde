"""Threads that share the work of calls. SPDX-License-Identifier: MIT"""
from __future__ import annotations

import ctypes
from typing import Optional

from ._handles import Allocator, Handle, make_spec, use_allocator
from ._library import check, library


class Pool(Handle):
    """Pool(threads): threads for Workspace(..., pool=pool) and Pipeline(..., pool=pool); 0: as many as there are
    processors. Results do not depend on how many there are."""

    _name = "mf_pool"

    def __init__(self, threads: int = 0, *, allocator: Optional[Allocator] = None) -> None:
        spec = make_spec("mf_pool_spec", {"threads": threads})
        use_allocator(spec, allocator)
        self._own(self._create(spec))

    def threads(self) -> int:
        """How many work on a call: the caller's, and those that have started."""
        threads = ctypes.c_uint32()
        check(library.mf_pool_threads(self, ctypes.byref(threads)))
        return threads.value
