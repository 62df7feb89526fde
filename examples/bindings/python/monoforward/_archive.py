"""The file of a classifier: a zip archive. SPDX-License-Identifier: MIT"""
from __future__ import annotations

import contextlib
import json
import os
import zipfile
import zlib
from typing import Any, Union

from . import _abi
from ._library import MonoforwardError

Path = Union[str, os.PathLike[str]]

# What zipfile and json raise where a file is not what save() writes: NotImplementedError, a RuntimeError, for a zip
# that is packed otherwise.
UNREADABLE = (zipfile.BadZipFile, KeyError, ValueError, EOFError, RuntimeError, zlib.error)


def write_archive(path: Path, members: dict[str, Union[str, bytes]]) -> None:
    """The file is there as a whole or not at all. Errors name it, not the file that is on its way there."""
    path = os.fsdecode(path)
    part = f"{path}.part"
    try:
        with zipfile.ZipFile(part, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise OSError(error.errno, error.strerror or str(error), path) from None


def read_archive(path: Path) -> tuple[dict[str, Any], bytes]:
    """What save() has written of a classifier, and the network."""
    try:
        with zipfile.ZipFile(path) as archive:
            rest, network = json.loads(archive.read("classifier.json")), archive.read("model.safetensors")
        if not isinstance(rest, dict) or not {"params", "classes", "dtype", "random"} <= set(rest):
            raise ValueError("classifier.json lacks what it should have")
    except UNREADABLE as error:
        raise MonoforwardError(_abi.MF_STATUS_FORMAT,
                               f"'{os.fsdecode(path)}' is no file of MonoforwardClassifier.save(), or is damaged "
                               f"({error}). Network.load() reads model files such as .safetensors") from None
    return rest, network
