"""Optimizers, layers, networks and workspaces. SPDX-License-Identifier: MIT"""
from __future__ import annotations

import ctypes
import errno
import io
import os
from collections.abc import MutableMapping
from typing import Any, BinaryIO, Iterable, Iterator, Optional, Tuple, Union

import numpy

from . import _abi
from ._arrays import Array, address, batch, result
from ._handles import (LAYERS, MODES, OPTIMIZER_KEYS, OPTIMIZERS, Allocator, Handle, Kind, constant, make_spec,
                       result_struct, use_allocator, workspace_purpose)
from ._library import check, library
from ._onnx import Source, onnx_spec
from ._pool import Pool

Path = Union[str, os.PathLike]


class Optimizer(Handle):
    """Optimizer("adam", learning_rate=0.001, ...): options are the fields of mf_optimizer_spec."""

    _name = "mf_optimizer"

    def __init__(self, kind: Kind = "adam", *, allocator: Optional[Allocator] = None, **options: Any) -> None:
        spec = make_spec("mf_optimizer_spec", {"kind": kind, **options}, OPTIMIZERS)
        use_allocator(spec, allocator)
        self._own(self._create(spec))

    def set(self, key: Kind, value: float) -> None:
        """Changes a hyper-parameter: set("learning_rate", 0.01)."""
        check(library.mf_optimizer_set(self, constant(OPTIMIZER_KEYS, key), value))

    def get(self, key: Kind) -> float:
        """Reads a hyper-parameter."""
        value = ctypes.c_double()
        check(library.mf_optimizer_get(self, constant(OPTIMIZER_KEYS, key), ctypes.byref(value)))
        return value.value


class Layer(Handle):
    """Layer(inputs=784, outputs=100, classes=10, ...): options are the fields of mf_layer_spec. A convolution
    has kind="conv2d" and channels, height, width and filters instead of inputs and outputs."""

    _name = "mf_layer"

    def __init__(self, *, kind: Kind = "dense", allocator: Optional[Allocator] = None, **options: Any) -> None:
        spec = make_spec("mf_layer_spec", {"kind": kind, **options}, LAYERS)
        use_allocator(spec, allocator)
        self._own(self._create(spec))

    def optimizer(self) -> Optional[Optimizer]:
        """The optimizer that is attached, or None. It lives as long as the layer holds it."""
        pointer = ctypes.POINTER(_abi.mf_optimizer)()
        check(library.mf_layer_optimizer(self, ctypes.byref(pointer)))
        return Optimizer._borrow(pointer, self) if pointer else None

    def describe(self) -> _abi.mf_layer_spec:
        """What the layer is: a mf_layer_spec."""
        spec = result_struct("mf_layer_spec")
        check(library.mf_layer_describe(self, ctypes.byref(spec)))
        return spec

    def shape(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The shapes of a row of input and of activation, (values,) or (maps, height, width)."""
        shapes = result_struct("mf_shape"), result_struct("mf_shape")
        check(library.mf_layer_shape(self, *(ctypes.byref(shape) for shape in shapes)))
        before, after = (tuple(shape.dims[:shape.rank]) for shape in shapes)
        return before, after

    def goodness_shape(self) -> tuple[int, ...]:
        """The shape of a row of goodness: (classes,), or (positions, classes)."""
        shape = result_struct("mf_shape")
        check(library.mf_layer_goodness_shape(self, ctypes.byref(shape)))
        return tuple(shape.dims[:shape.rank])

    def units(self) -> list[_abi.mf_unit_spec]:
        """What the layer's units were made from: a mf_unit_spec for each."""
        count = ctypes.c_size_t()
        check(library.mf_layer_unit_count(self, ctypes.byref(count)))
        specs = [result_struct("mf_unit_spec") for _ in range(count.value)]
        for node, spec in enumerate(specs, 1):
            check(library.mf_layer_unit(self, node, ctypes.byref(spec), None))
        return specs

    def head(self) -> _abi.mf_head_spec:
        """What the layer's head is: a mf_head_spec."""
        spec = result_struct("mf_head_spec")
        check(library.mf_layer_head(self, ctypes.byref(spec)))
        return spec

    def set_optimizer(self, optimizer: Optional[Optimizer]) -> None:
        """Attaches an optimizer; None detaches."""
        check(library.mf_layer_set_optimizer(self, optimizer))

    def parameters(self) -> dict[str, Array]:
        """Copies of all parameters, by name."""
        count = ctypes.c_size_t()
        check(library.mf_layer_parameter_count(self, ctypes.byref(count)))
        values = {}
        for index in range(count.value):
            info = result_struct("mf_parameter_info")
            check(library.mf_layer_parameter_info(self, index, ctypes.byref(info)))
            array = numpy.empty(info.dims[:info.rank], numpy.float32)
            check(library.mf_layer_get_parameter(self, info.name, array.ctypes.data, array.size))
            values[info.name.decode()] = array
        return values

    def set_parameter(self, name: str, values: Array) -> None:
        """Copies a parameter's values in."""
        where = address(values, numpy.float32, (None,) * numpy.ndim(values), name)
        check(library.mf_layer_set_parameter(self, name.encode(), where, values.size))

    def step(self, workspace: Workspace, x: Array, y: Array, a: Optional[Array] = None, **inputs: Any) -> None:
        """One training step of this layer alone; `a` receives its activation. For x see Network.step()."""
        spec = self.describe()
        rows = batch(x, y, spec.inputs, self.goodness_shape()[:-1], **inputs)
        a_address = a if a is None else address(a, numpy.float32, (len(x), spec.outputs), "a", writable=True)
        check(library.mf_layer_step_batch(self, workspace, rows, a_address))


class Network(Handle):
    """Network([layer, layer, ...]): an ordered list of layers."""

    _name = "mf_network"

    def __init__(self, layers: Iterable[Layer] = (), *, allocator: Optional[Allocator] = None) -> None:
        spec = make_spec("mf_network_spec", {})
        use_allocator(spec, allocator)
        self._own(self._create(spec))
        self.inputs = self.classes = None
        self._positions = ()
        for layer in layers:
            self.append(layer)

    def append(self, layer: Layer) -> None:
        """Puts a layer behind the last one."""
        check(library.mf_network_append(self, layer, None))
        self._learn_shape()

    def _learn_shape(self):
        """Of what arrays have to be: asked once, not at every step."""
        layer = self.layer(0)
        self.inputs, (*self._positions, self.classes) = layer.describe().inputs, layer.goodness_shape()

    def __len__(self) -> int:
        size = ctypes.c_size_t()
        check(library.mf_network_size(self, ctypes.byref(size)))
        return size.value

    def layer(self, position: int) -> Layer:
        """The layer at a position, which lives as long as the network holds it."""
        pointer = ctypes.POINTER(_abi.mf_layer)()
        check(library.mf_network_layer(self, position, ctypes.byref(pointer), None))
        return Layer._borrow(pointer, self)

    def summary(self, max_batch: int) -> str:
        """What the network is, as lines for people, with the memory that training on such batches takes."""
        needed = ctypes.c_size_t()
        status = library.mf_network_summary(self, max_batch, None, 0, ctypes.byref(needed))
        if status != _abi.MF_STATUS_CAPACITY:
            check(status)
        text = ctypes.create_string_buffer(needed.value)
        check(library.mf_network_summary(self, max_batch, text, needed, None))
        return text.value.decode()

    def set_optimizer(self, optimizer: Optional[Optimizer]) -> None:
        """Attaches an optimizer to every layer; None detaches."""
        check(library.mf_network_set_optimizer(self, optimizer))

    def step(self, workspace: Workspace, x: Array, y: Array, **inputs: Any) -> None:
        """One training step of every layer. x: float32 [rows, inputs], y: int32 [rows], or
        [rows, positions] for goodness at positions.

        x may be int32; uint8: the inputs are (x + shift) * scale, or x / 255 without these two options; or,
        with bf16=True, uint16. The workspace is then one with convert=True."""
        check(library.mf_network_step_batch(self, workspace,
                                            batch(x, y, self.inputs, self._positions, **inputs)))

    def evaluate(self, workspace: Workspace, x: Array, y: Array, **inputs: Any) -> None:
        """Losses and correct rows, without learning: see Workspace.report() and report_sum()."""
        check(library.mf_network_evaluate_batch(self, workspace,
                                                batch(x, y, self.inputs, self._positions, **inputs)))

    def predict(self, workspace: Workspace, x: Array, mode: Kind = "last", out: Optional[Array] = None,
                **inputs: Any) -> Array:
        """The class of every row. x is as in step()."""
        return self._infer(0, workspace, x, mode, out, numpy.int32, (), inputs)

    def goodness(self, workspace: Workspace, x: Array, mode: Kind = "last", out: Optional[Array] = None,
                 **inputs: Any) -> Array:
        """The raw scores, [rows, classes]."""
        return self._infer(1, workspace, x, mode, out, numpy.float32, (self.classes,), inputs)

    def probabilities(self, workspace: Workspace, x: Array, mode: Kind = "last", out: Optional[Array] = None,
                      **inputs: Any) -> Array:
        """The softmax of the scores, [rows, classes]."""
        return self._infer(2, workspace, x, mode, out, numpy.float32, (self.classes,), inputs)

    def top(self, workspace: Workspace, x: Array, count: int, mode: Kind = "last",
            **inputs: Any) -> Tuple[Array, Array, Array]:
        """The `count` best classes of every row, best first, their scores and their probabilities: each
        [rows, count]. Of more than 4096 classes, the scores of all are never in memory together."""
        rows = batch(x, None, self.inputs, **inputs)
        shape = (len(x), *self._positions, count)
        labels, label_pointer = result(None, numpy.int32, shape)
        goodness, goodness_pointer = result(None, numpy.float32, shape)
        chances, chance_pointer = result(None, numpy.float32, shape)
        check(library.mf_network_top(self, workspace, constant(MODES, mode), rows, count,
                                     label_pointer, goodness_pointer, chance_pointer))
        return labels, goodness, chances

    def _infer(self, which, workspace, x, mode, out, dtype, row, inputs):
        rows = batch(x, None, self.inputs, **inputs)
        answers = [None, None, None]  # labels, goodness, probabilities
        out, answers[which] = result(out, dtype, (len(x), *self._positions, *row))
        check(library.mf_network_infer(self, workspace, constant(MODES, mode), rows, *answers))
        return out

    def clone(self, training: bool = False) -> Network:
        """A network of its own with the same layers; with `training` it goes on learning like this one."""
        pointer = ctypes.POINTER(_abi.mf_network)()
        check(library.mf_network_clone(self, int(training), None, ctypes.byref(pointer)))
        return self._made(pointer)

    @classmethod
    def _made(cls, pointer):
        network = cls.__new__(cls)
        network._own(pointer)
        network._learn_shape()
        return network

    def copy_parameters(self, source: Network) -> None:
        """Takes over all parameters of a network with the same layers."""
        check(library.mf_network_copy_parameters(self, source))

    def blend_parameters(self, source: Network, share: float) -> None:
        """Parameters += share * (those of `source` - parameters): a step of a moving average, or an average."""
        check(library.mf_network_blend_parameters(self, source, share))

    @property
    def metadata(self) -> Metadata:
        """Texts that go with the network into its files: network.metadata["class_names"] = "cat\\ndog"."""
        return Metadata(self)

    def save(self, path: Path, training: bool = False) -> None:
        """Saves to a file; with `training` also what training remembers between steps."""
        check(library.mf_network_save(self, int(training), os.fsencode(path)))

    def save_to(self, file: BinaryIO, training: bool = False) -> None:
        """Writes what save() would to an open binary file, a socket's or a pipe's, without memory for all of it. One
        that does not block is a BlockingIOError once it is full."""
        _write_to(file, lambda output: library.mf_network_save_to(self, int(training), output))

    def export_onnx_to(self, file: BinaryIO) -> None:
        """Writes what export_onnx() would to an open binary file."""
        _write_to(file, lambda output: library.mf_network_export_onnx_to(self, output))

    def to_bytes(self, training: bool = False) -> bytes:
        """What save() would write."""
        size = ctypes.c_size_t()
        check(library.mf_network_save_size(self, int(training), ctypes.byref(size)))
        buffer = ctypes.create_string_buffer(size.value)
        check(library.mf_network_save_buffer(self, int(training), ctypes.byref(buffer), size, None))
        return buffer.raw

    @classmethod
    def load(cls, path: Path, training: bool = False) -> Network:
        """Loads what save() wrote."""
        return cls._load("mf_network_load", training, os.fsencode(path))

    @classmethod
    def from_bytes(cls, data: bytes, training: bool = False) -> Network:
        """Loads what to_bytes() gave."""
        return cls._load("mf_network_load_buffer", training, data, len(data))

    @classmethod
    def _load(cls, function, training, *source):
        spec = make_spec("mf_load_spec", {"contents": int(training)})
        pointer = ctypes.POINTER(_abi.mf_network)()
        check(getattr(library, function)(ctypes.byref(spec), *source, ctypes.byref(pointer)))
        return cls._made(pointer)

    @classmethod
    def import_onnx(cls, source: Source, *, cuts: Iterable[str] = (), last: Optional[str] = None,
                    **options: Any) -> Network:
        """Makes a network of an ONNX model, a path or bytes: import_onnx("resnet.onnx", classes=10, features=1,
        frozen=1) is a frozen backbone with a head for 10 classes. Options are the fields of mf_onnx_spec; cuts
        are names of nodes, behind each of which a layer ends. onnx_plan() tells the names."""
        spec, pointer = onnx_spec(source, cuts, last, options), ctypes.POINTER(_abi.mf_network)()
        check(library.mf_network_import_onnx(ctypes.byref(spec), ctypes.byref(pointer)))
        return cls._made(pointer)

    def export_onnx(self, path: Path) -> None:
        """Writes the network as an ONNX model."""
        check(library.mf_network_export_onnx(self, os.fsencode(path)))


def _write_to(file, save):
    raised = []

    def write(_, address, count):
        try:
            rest = memoryview(ctypes.string_at(address, count))
            while rest:
                rest = rest[_written(file, rest):]
            return 0
        except BaseException as error:  # it must not pass through the library
            raised.append(error)
            return 1

    output = result_struct("mf_output")
    output.write = _abi.mf_output_write(write)
    status = save(ctypes.byref(output))
    if raised:
        raise raised[0]
    check(status)


def _written(file, data):
    """Writes to a file, and tells how many bytes it took: some at least, or there would be no end."""
    count = file.write(data)
    if count is None:
        if isinstance(file, io.RawIOBase):  # which took nothing; other objects tell nothing and take all
            raise BlockingIOError(errno.EAGAIN, "the file takes no more bytes now: set it to blocking")
        return len(data)
    if not 0 < count <= len(data):
        raise OSError(f"write() of {len(data)} bytes returned {count}")
    return count


class Metadata(MutableMapping[str, str]):
    """A network's metadata as a mapping of str to str, in the order of the names' bytes."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def __getitem__(self, name: str) -> str:
        value = ctypes.c_char_p()
        status = library.mf_network_metadata_get(self._network, _text(name), ctypes.byref(value))
        if status == _abi.MF_STATUS_NOT_FOUND:
            raise KeyError(name)
        check(status)
        return _words(value)

    def __setitem__(self, name: str, value: str) -> None:
        check(library.mf_network_metadata_set(self._network, _text(name), _text(value)))

    def __delitem__(self, name: str) -> None:
        status = library.mf_network_metadata_remove(self._network, _text(name))
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


def _text(value):
    """UTF-8 for the library, which ends a text at its first 0."""
    if "\0" in value:
        raise ValueError("a text of the metadata cannot contain the character 0")
    return value.encode()


class Workspace(Handle):
    """Scratch memory and reports, for a network or a layer and batches up to max_batch rows; with `convert`, x may
    be int32, uint8 or bf16. The threads of a `pool` share the work of what uses it. A call that uses a workspace which is at
    work in another thread is MF_STATUS_BUSY."""

    _name = "mf_workspace"
    _alone = True

    def __init__(self, what: Union[Network, Layer], max_batch: int, *, purpose: str = "training",
                 convert: bool = False, pool: Optional[Pool] = None, allocator: Optional[Allocator] = None) -> None:
        spec = make_spec("mf_workspace_spec", {"purpose": workspace_purpose(purpose, convert),
                                               "max_batch": max_batch})
        use_allocator(spec, allocator)
        kind = "layer" if isinstance(what, Layer) else "network"
        self._own(self._create(spec, pool=pool, **{kind: what}))

    def report(self, position: int = 0) -> _abi.mf_report:
        """What the layer at a position did in the last call: a mf_report."""
        report = result_struct("mf_report")
        check(library.mf_workspace_report(self, position, ctypes.byref(report)))
        return report

    def report_sum(self) -> _abi.mf_report:
        """The same for the sum of all layers, after an evaluation."""
        report = result_struct("mf_report")
        check(library.mf_workspace_report_sum(self, ctypes.byref(report)))
        return report
