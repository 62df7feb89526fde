"""What is to be imported from ONNX. SPDX-License-Identifier: MIT"""
from __future__ import annotations

import ctypes
import os
from typing import Any, Iterable, Union

from . import _abi
from ._handles import make_spec
from ._library import check, library
from ._texts import c_path, c_text

Source = Union[str, os.PathLike, bytes]  # a path, or the model itself


def onnx_spec(source: Source, cuts: Iterable[str], last: Union[str, None], options: dict[str, Any]) -> _abi.mf_onnx_spec:
    """The spec, which keeps alive what it points to."""
    spec = make_spec("mf_onnx_spec", options)
    if isinstance(source, bytes):
        spec.buffer, spec.bytes = ctypes.cast(ctypes.c_char_p(source), ctypes.c_void_p), len(source)
    else:
        source = spec.path = c_path(source)
    if isinstance(cuts, str):
        raise TypeError(f"cuts is a list of names, not the text {cuts!r}")
    names = [c_text(name) for name in cuts]
    spec.cuts, spec.cut_count = (ctypes.c_char_p * len(names))(*names), len(names)
    spec.last = None if last is None else c_text(last)
    spec.kept = source, names
    return spec


def onnx_plan(source: Source, *, cuts: Iterable[str] = (), last: Union[str, None] = None, **options: Any) -> str:
    """What Network.import_onnx() would make of a model, as lines for people, with the names that cuts may have."""
    spec, needed = onnx_spec(source, cuts, last, options), ctypes.c_size_t()
    status = library.mf_onnx_plan(ctypes.byref(spec), None, 0, ctypes.byref(needed))
    if status != _abi.MF_STATUS_CAPACITY or needed.value == 0:
        check(status)
    text = ctypes.create_string_buffer(needed.value)
    check(library.mf_onnx_plan(ctypes.byref(spec), text, needed, None))
    return text.value.decode()
