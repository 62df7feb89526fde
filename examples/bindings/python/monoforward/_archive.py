"""The file of a classifier: a zip archive. SPDX-License-Identifier: MIT"""
from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import stat
import zipfile
import zlib
from typing import Any, Iterator, Union

from . import _abi
from ._library import MonoforwardError

Path = Union[str, os.PathLike[str]]

# What zipfile, json, numpy and Python raise where a file is not what save() writes: NotImplementedError, a RuntimeError, for
# a zip that is packed otherwise, OverflowError for a number, SyntaxError for the name of a type.
UNREADABLE = (zipfile.BadZipFile, KeyError, ValueError, EOFError, RuntimeError, TypeError, AttributeError, zlib.error,
              ArithmeticError, SyntaxError)

# A small file cannot ask for more memory than this.
FREE_BYTES = 64 << 20


def write_archive(path: Path, members: dict[str, Union[str, bytes]]) -> None:
    """The file is there as a whole, and on the disk, or not at all; a link stays one. Errors name the file, not the one
    that is on its way there, which no other process writes to."""
    path = os.fsdecode(path)
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    part = os.path.join(folder, f"monoforward-{secrets.token_hex(8)}.tmp")
    try:
        before = os.stat(target) if os.path.exists(target) else None
        if before is not None and not stat.S_ISREG(before.st_mode) and not stat.S_ISDIR(before.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        with open(part, "xb") as file:
            if before is not None:
                with contextlib.suppress(PermissionError):
                    os.chmod(part, stat.S_IMODE(before.st_mode))
            with zipfile.ZipFile(file, "w") as archive:
                for name, content in members.items():
                    archive.writestr(name, content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
        _sync(folder)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(part)
        if not isinstance(error, OSError):
            raise
        raise OSError(error.errno, error.strerror or str(error), path) from None


def _sync(folder: str) -> None:
    """A name is on the disk when its folder is. Some folders cannot be opened, or written out."""
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:
        return
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EROFS, errno.EBADF):
            raise
    finally:
        os.close(opened)


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """What is wrong with the file that is read within is a MonoforwardError that names it."""
    try:
        yield
    except MonoforwardError:
        raise
    except UNREADABLE as error:
        raise MonoforwardError(_abi.MF_STATUS_FORMAT,
                               f"'{os.fsdecode(path)}' is no file of MonoforwardClassifier.save(), or is damaged "
                               f"({error}). Network.load() reads model files such as .safetensors") from None


def read_archive(path: Path) -> tuple[dict[str, Any], bytes]:
    """What save() has written of a classifier, and the network."""
    with zipfile.ZipFile(path) as archive:
        rest, network = json.loads(_member(archive, "classifier.json")), _member(archive, "model.safetensors")
    if not isinstance(rest, dict) or not {"params", "classes", "dtype", "random"} <= set(rest):
        raise ValueError("classifier.json lacks what it should have")
    return rest, network


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """As save() writes them, not packed: what is unpacked may have any size."""
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is packed")
    return archive.read(name)
