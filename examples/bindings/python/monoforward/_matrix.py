"""Matrices that heads share. SPDX-License-Identifier: MIT"""
from __future__ import annotations

import ctypes
from typing import Optional

import numpy

from . import _abi
from ._arrays import Array, address
from ._handles import Allocator, Handle, make_spec, use_allocator
from ._library import check, library
from ._network import Layer
from ._texts import c_text


class Matrix(Handle):
    """Matrix(values): float32 [classes, columns], copied; for Builder.head(classes, shared=matrix) of as many layers
    as read it. No layer learns it."""

    _name = "mf_matrix"

    def __init__(self, values: Array, *, allocator: Optional[Allocator] = None) -> None:
        where = address(values, numpy.float32, (None, None), "values")
        spec = make_spec("mf_matrix_spec", {"rows": len(values), "columns": values.shape[1]})
        spec.values = where
        use_allocator(spec, allocator)
        self._own(self._create(spec))

    @classmethod
    def from_parameter(cls, layer: Layer, name: str) -> Matrix:
        """With the values that a layer's parameter has now, such as those of an embedding."""
        pointer = ctypes.POINTER(_abi.mf_matrix)()
        check(library.mf_matrix_from_parameter(layer, c_text(name), None, ctypes.byref(pointer)))
        matrix = cls.__new__(cls)
        matrix._own(pointer)
        return matrix

    @property
    def shape(self) -> tuple[int, int]:
        """Classes, columns."""
        rows, columns = ctypes.c_size_t(), ctypes.c_size_t()
        check(library.mf_matrix_size(self, ctypes.byref(rows), ctypes.byref(columns)))
        return rows.value, columns.value

    def values(self) -> Array:
        """A copy of the values."""
        values = numpy.empty(self.shape, numpy.float32)
        check(library.mf_matrix_values(self, values.ctypes.data, values.size))
        return values
