"""Texts on their way to the library, which would end them at their first 0. SPDX-License-Identifier: MIT"""
from __future__ import annotations

import os


def c_text(value: str) -> bytes:
    """A text as UTF-8."""
    return _whole(str.encode(value))


def c_path(value: str | os.PathLike) -> bytes:
    """A path as the system has it."""
    return _whole(os.fsencode(value))


def _whole(encoded):
    if b"\0" in encoded:
        raise ValueError("a character 0 within a text")
    return encoded
