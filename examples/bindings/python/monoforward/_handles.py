"""What all handles share: specs, ownership, and an allocator. SPDX-License-Identifier: MIT"""
from __future__ import annotations

import ctypes
import operator
import threading
import weakref
from typing import Any, Callable, Optional, TypeVar, Union

from . import _abi
from ._library import MonoforwardError, check, holding, library

# A constant: its number, or the last part of its name.
Kind = Union[str, int]

Self = TypeVar("Self", bound="Handle")

# Fields that are no options.
HIDDEN = {"struct_size", "reserved", "reserved2", "allocator", "input"}


def _names(prefix, *names):
    """Constants by the last parts of their names: all that begin so, or these where others begin alike and mean
    something else."""
    names = names or [name[len(prefix):].lower() for name in vars(_abi) if name.startswith(prefix)]
    return {name: getattr(_abi, prefix + name.upper()) for name in names}


OPTIMIZERS = _names("MF_OPTIMIZER_", "sgd", "adam", "adamw", "rmsprop")
OPTIMIZER_KEYS = _names("MF_OPTIMIZER_", "learning_rate", "momentum", "nesterov", "beta1", "beta2", "epsilon",
                        "weight_decay", "clip_norm", "checked")
LAYERS = _names("MF_LAYER_", "dense", "conv2d", "units")
LAYER_KEYS = _names("MF_LAYER_", "dropout", "label_smoothing")
UNITS = _names("MF_UNIT_")
BLOCKS = _names("MF_BLOCK_")
HEADS = _names("MF_HEAD_")
MODES = _names("MF_PREDICT_")
PURPOSES = _names("MF_WORKSPACE_", "training", "inference")
_INITS = _names("MF_INIT_")

# Fields that take a constant also take its name: activation="relu" is MF_ACTIVATION_RELU.
FIELDS = {"activation": _names("MF_ACTIVATION_"), "precision": _names("MF_PRECISION_"), "weight_init": _INITS,
          "projection_init": _INITS, "normalization": _names("MF_NORMALIZATION_"), "pool": _names("MF_POOL_"),
          "sampling": _names("MF_SAMPLING_")}


def constant(names, value, option=None):
    """The number of a constant, given itself or by the last part of its name."""
    if not isinstance(value, str):
        return value
    if value.lower() not in names:
        raise ValueError(f"{option + ': ' if option else ''}'{value}' is none of {', '.join(names)}")
    return names[value.lower()]


def workspace_purpose(purpose, convert):
    """The purpose of a workspace's spec."""
    return constant(PURPOSES, purpose) | (_abi.MF_WORKSPACE_CONVERT if convert else 0)


def make_spec(name, options, kinds=None):
    """A spec with the library's defaults and these fields of it."""
    kind = getattr(_abi, name)
    spec = kind()
    check(getattr(library, name + "_init")(ctypes.byref(spec), ctypes.sizeof(spec)))
    fields = dict(kind._fields_)
    for field, value in options.items():
        if field not in fields or field in HIDDEN:
            raise TypeError(f"{name} has no option '{field}'")
        names = kinds if field == "kind" else FIELDS.get(field)
        set_field(spec, field, constant(names, value, field) if names else value)
    return spec


def set_field(struct, field, value):
    """Sets a field of a struct, or refuses what does not fit into it."""
    try:
        setattr(struct, field, _fitting(field, dict(struct._fields_)[field], value))
    except TypeError as error:
        raise TypeError(f"{field}: {error}") from None


def _fitting(field, kind, value):
    """ctypes itself cuts integers off that do not fit."""
    if hasattr(kind, "_length_"):
        values = (value,) * kind._length_ if isinstance(value, int) else tuple(value)
        if len(values) != kind._length_:
            raise ValueError(f"{field} takes {kind._length_} values, not {len(values)}")
        return kind(*(_fitting(field, kind._type_, each) for each in values))
    if kind in (ctypes.c_float, ctypes.c_double):
        return value
    value = operator.index(value)
    if kind(value).value != value:
        raise ValueError(f"{field} is {value}, which does not fit")
    return value


def result_struct(name):
    """A struct for results, ready to be filled."""
    kind = getattr(_abi, name)
    return kind(struct_size=ctypes.sizeof(kind))


# Allocators that have blocks out. A network may hold a layer, or a layer an optimizer, longer than any object here
# refers to it, and the library calls the allocator as long as there is memory to give back.
_in_use: set[Allocator] = set()

# Guards it and the blocks; reentrant, since the garbage collector may free a handle at any moment.
_lending = threading.RLock()


class Allocator:
    """Memory from two Python functions: alloc(bytes, alignment) returns an address or None, free(address,
    bytes) takes it back. It lives as long as memory of it is in use. An exception in alloc counts as None."""

    def __init__(self, alloc: Callable[[int, int], Optional[int]], free: Callable[[int, int], None]) -> None:
        blocks: set[int] = set()

        def give(_, size, alignment):
            try:
                address = alloc(size, alignment)
            except Exception:
                return None
            if address:
                with _lending:
                    blocks.add(address)
                    _in_use.add(self)
            return address

        # The last block may leave this reference the only one. As `self` is in a cycle with its functions, they are
        # not gone before the collector runs, when they have returned.
        def take(_, address, size):
            with _lending:
                blocks.discard(address)
                if not blocks:
                    _in_use.discard(self)
            free(address, size)

        self._struct = _abi.mf_allocator(alloc=_abi.mf_allocator_alloc(give), free=_abi.mf_allocator_free(take))


def same(one, other):
    """Whether two pointers lead to the same place; one may be None."""
    return bool(one) and ctypes.addressof(one.contents) == ctypes.addressof(other.contents)


def use_allocator(spec, allocator):
    """Puts it into a spec."""
    if allocator is not None:
        spec.allocator = ctypes.pointer(allocator._struct)


# Guards the counts of all handles. A handler of signals, or the end of an object, may come in between and make calls.
_counting = threading.RLock()


class Handle:
    """Owns one handle of the library, which is freed with this object, or by close(), in any order."""

    _name = ""
    _alone = False  # whether only one call at a time may use it
    _owner: Optional[Handle] = None
    _calls = 0  # that use it, or what was borrowed from it

    def _own(self, pointer, *alive):
        """`alive` is what the library needs as long as the handle, such as a callback."""
        self._pointer = pointer
        self._finalizer = weakref.finalize(self, _free, getattr(library, f"{self._name}_free"), pointer, alive)

    @classmethod
    def _borrow(cls, pointer, owner):
        """A handle that belongs to `owner`, which stays alive with this object."""
        handle = cls.__new__(cls)
        handle._pointer, handle._owner, handle._finalizer = pointer, owner, lambda: None
        return handle

    def close(self) -> None:
        """Frees the handle now. What else refers to it in the library goes on using it. While a call uses it, in
        another thread or around a callback, this is MF_STATUS_BUSY."""
        self._retire("closed", [self])
        self._finalizer()

    def _retire(self, done, handles):
        """Takes the pointers from this handle or from some that were borrowed from it, unless a call uses any of
        them. Every later call with them fails with MF_STATUS_HANDLE."""
        with _counting:
            if self._calls:
                raise MonoforwardError(_abi.MF_STATUS_BUSY,
                                       f"the {type(self).__name__} cannot be {done} while another call uses it")
            for handle in handles:
                handle._pointer = None

    def _root(self):
        """The handle that is freed: this one, or that which it was borrowed from."""
        return self if self._owner is None else self._owner._root()

    def _usable(self):
        """The pointer, or None once this handle or one that it was borrowed from is gone."""
        return self._pointer if self._owner is None or self._owner._usable() else None

    def _hold(self):
        """The pointer for a call: it stays what it is until _release()."""
        root = self._root()
        with _counting:
            if root._alone and root._calls:
                raise MonoforwardError(_abi.MF_STATUS_BUSY, f"another thread uses the {type(root).__name__}: each "
                                                            "needs one of its own")
            root._calls += 1
            try:
                return self._usable()
            except BaseException:
                root._calls -= 1
                raise

    def _release(self):
        with _counting:
            self._root()._calls -= 1

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Two objects would free one handle."""
        raise TypeError(f"a {type(self).__name__} can be neither copied nor pickled")

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @classmethod
    def _create(cls, spec, **fields):
        """Makes one from a spec and other handles, which are fields of the spec; None leaves a field alone."""
        fields = {name: handle for name, handle in fields.items() if handle is not None}
        made = ctypes.POINTER(getattr(_abi, cls._name))()

        def create(*pointers):
            for name, pointer in zip(fields, pointers):
                setattr(spec, name, pointer)
            return getattr(library, f"{cls._name}_create")(ctypes.byref(spec), ctypes.byref(made))

        check(holding(create)(*fields.values()))
        return made


def _free(function, pointer, _alive):
    function(pointer)
