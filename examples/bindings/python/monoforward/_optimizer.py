"""Optimizers. SPDX-License-Identifier: MIT"""
from __future__ import annotations

import ctypes
from typing import Any, Optional

from . import _abi
from ._handles import OPTIMIZER_KEYS, OPTIMIZERS, Allocator, Handle, Kind, constant, make_spec, same, use_allocator
from ._library import check, library


class Optimizer(Handle):
    """Optimizer("adam", learning_rate=0.001, ...): options are the fields of mf_optimizer_spec."""

    _name = "mf_optimizer"

    def __init__(self, kind: Kind = "adam", *, allocator: Optional[Allocator] = None, **options: Any) -> None:
        spec = make_spec("mf_optimizer_spec", {"kind": kind, **options}, OPTIMIZERS)
        use_allocator(spec, allocator)
        self._own(self._create(spec))

    def _usable(self):
        """What a layer lent is gone once the layer has another one, too: then the library may have freed it."""
        pointer = super()._usable()
        if pointer is None or self._owner is None:
            return pointer
        attached = ctypes.POINTER(_abi.mf_optimizer)()
        check(library.mf_layer_optimizer(self._owner._usable(), ctypes.byref(attached)))
        return pointer if same(attached, pointer) else None

    def set(self, key: Kind, value: float) -> None:
        """Changes a hyper-parameter: set("learning_rate", 0.01)."""
        check(library.mf_optimizer_set(self, constant(OPTIMIZER_KEYS, key), value))

    def get(self, key: Kind) -> float:
        """Reads a hyper-parameter."""
        value = ctypes.c_double()
        check(library.mf_optimizer_get(self, constant(OPTIMIZER_KEYS, key), ctypes.byref(value)))
        return value.value
