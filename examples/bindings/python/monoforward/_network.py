"""Layers, networks and workspaces. SPDX-License-Identifier: MIT"""
from __future__ import annotations

import ctypes
import os
import weakref
from typing import Any, BinaryIO, Iterable, Iterator, Optional, Tuple, Union

import numpy

from . import _abi
from ._arrays import Array, address, batch, result
from ._handles import (LAYER_KEYS, LAYERS, MODES, Allocator, Handle, Kind, constant, make_spec, result_struct, same,
                       use_allocator, workspace_purpose)
from ._library import MonoforwardError, check, library
from ._metadata import Metadata
from ._onnx import Source, onnx_spec
from ._optimizer import Optimizer
from ._output import write_to
from ._pool import Pool
from ._texts import c_path, c_text

Path = Union[str, os.PathLike]
Snapshot = Union[Array, bytes, bytearray]
Factors = Union[None, float, Array]  # one for all inputs, or several


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

    def __repr__(self) -> str:
        try:
            before, after = (_size(shape) for shape in self.shape())
            (*positions, classes), kind = self.goodness_shape(), self.describe().kind
        except MonoforwardError:
            return "Layer(closed)"
        name = next((name for name, number in LAYERS.items() if number == kind), kind)
        where = f" at {positions[0]} positions" if positions else ""
        return f"Layer({name}, {before} -> {after}, {classes} classes{where})"

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

    def set(self, key: Kind, value: float) -> None:
        """Changes an option from the next step on: set("dropout", 0.5), or "label_smoothing"."""
        check(library.mf_layer_set(self, constant(LAYER_KEYS, key), value))

    def get(self, key: Kind) -> float:
        """Reads such an option."""
        value = ctypes.c_double()
        check(library.mf_layer_get(self, constant(LAYER_KEYS, key), ctypes.byref(value)))
        return value.value

    def set_classes(self, classes: int) -> None:
        """Changes the number of classes: the projection starts anew, and workspaces made before are
        MF_STATUS_STALE. Of a network, whose layers must agree: Network.set_classes()."""
        check(library.mf_layer_set_classes(self, classes))

    def _infos(self):
        count = ctypes.c_size_t()
        check(library.mf_layer_parameter_count(self, ctypes.byref(count)))
        for index in range(count.value):
            info = result_struct("mf_parameter_info")
            check(library.mf_layer_parameter_info(self, index, ctypes.byref(info)))
            yield info

    def parameters(self) -> dict[str, Array]:
        """Copies of all parameters, by name."""
        values = {}
        for info in self._infos():
            array = numpy.empty(info.dims[:info.rank], numpy.float32)
            check(library.mf_layer_get_parameter(self, info.name, array.ctypes.data, array.size))
            values[info.name.decode()] = array
        return values

    def trainable(self) -> dict[str, bool]:
        """Which parameters learn, by name; the others are frozen."""
        return {info.name.decode(): bool(info.trainable) for info in self._infos()}

    def set_trainable(self, name: str, trainable: bool) -> None:
        """Lets a parameter learn, or freezes it."""
        check(library.mf_layer_set_trainable(self, c_text(name), int(trainable)))

    def set_parameter(self, name: str, values: Array) -> None:
        """Copies a parameter's values in."""
        where = address(values, numpy.float32, (None,) * numpy.ndim(values), name)
        check(library.mf_layer_set_parameter(self, c_text(name), where, values.size))

    def step(self, workspace: Workspace, x: Array, y: Array, a: Optional[Array] = None, **inputs: Any) -> None:
        """One training step of this layer alone; `a` receives its activation. For x see Network.step()."""
        rows = self._labelled(x, y, inputs)
        check(library.mf_layer_step_batch(self, workspace, rows, self._activation(x, a)))

    def _labelled(self, x, y, inputs):
        return batch(x, y, self.describe().inputs, self.goodness_shape()[:-1], **inputs)

    def _activation(self, x, a):
        """Where it goes, if anywhere."""
        return a if a is None else address(a, numpy.float32, (len(x), self.describe().outputs), "a", writable=True)

    def gradients(self, workspace: Workspace, x: Array, y: Array, out: Optional[Array] = None,
                  a: Optional[Array] = None, **inputs: Any) -> Array:
        """The first half of a step, for gradients that are averaged over machines or an optimizer of one's own:
        float32 [values], those of all parameters one behind the other. For x and `a` see step()."""
        rows = self._labelled(x, y, inputs)
        values, where = result(out, numpy.float32, (sum(info.count for info in self._infos()),))
        check(library.mf_layer_gradients(self, workspace, rows, self._activation(x, a), where, values.size))
        return values

    def apply(self, gradients: Array) -> None:
        """The second half: an update by the layer's optimizer, of gradients as gradients() gives them."""
        where = address(gradients, numpy.float32, (None,), "gradients")
        check(library.mf_layer_apply(self, where, gradients.size))

    def split(self, gradients: Array) -> dict[str, Array]:
        """What gradients() gave, by the names of the parameters: views in their shapes."""
        parts, first = {}, 0
        address(gradients, numpy.float32, (sum(info.count for info in self._infos()),), "gradients")
        for info in self._infos():
            parts[info.name.decode()] = gradients[first:first + info.count].reshape(info.dims[:info.rank])
            first += info.count
        return parts

    def forward(self, workspace: Workspace, x: Array, out: Optional[Array] = None, **inputs: Any) -> Array:
        """The activation, float32 [rows, outputs], as in predictions: without dropout. For x see Network.step()."""
        return self._pass(library.mf_layer_forward_batch, workspace, x, out, inputs)

    def pass_on(self, workspace: Workspace, x: Array, out: Optional[Array] = None, **inputs: Any) -> Array:
        """What the layer hands to the next one while that learns and this one does not: the activation with
        dropout."""
        return self._pass(library.mf_layer_pass_batch, workspace, x, out, inputs)

    def _pass(self, function, workspace, x, out, inputs):
        spec = self.describe()
        rows = batch(x, None, spec.inputs, **inputs)
        out, where = result(out, numpy.float32, (len(x), spec.outputs))
        check(function(self, workspace, rows, where))
        return out

    def goodness(self, workspace: Workspace, a: Array, out: Optional[Array] = None) -> Array:
        """The scores that follow from an activation of forward(), [rows, outputs]: float32 [rows, classes], or
        [rows, positions, classes]."""
        activation = address(a, numpy.float32, (None, self.describe().outputs), "a")
        scores, where = result(out, numpy.float32, (len(a), *self.goodness_shape()))
        check(library.mf_layer_goodness(self, workspace, len(a), activation, where))
        return scores


def _size(shape):
    return "x".join(map(str, shape))


class Network(Handle):
    """Network([layer, layer, ...]): an ordered list of layers. They are named by their positions, 0 for the first,
    which change when others come and go; the id of a place does not."""

    _name = "mf_network"

    def __init__(self, layers: Iterable[Layer] = (), *, allocator: Optional[Allocator] = None) -> None:
        spec = make_spec("mf_network_spec", {})
        use_allocator(spec, allocator)
        self._own(self._create(spec))
        self._learn_shape()
        for layer in layers:
            self.append(layer)

    def _own(self, pointer, *alive):
        super()._own(pointer, *alive)
        self._lent = weakref.WeakSet()  # the layers that layer() gave

    def __repr__(self) -> str:
        try:
            layers = [self.layer(position) for position in range(len(self))]
            if not layers:
                return "Network(no layers)"
            sizes = [layers[0].shape()[0], *(layer.shape()[1] for layer in layers)]
            (*_, classes), many = layers[-1].goodness_shape(), "" if len(layers) == 1 else "s"
        except MonoforwardError:
            return "Network(closed)"
        return f"Network({len(layers)} layer{many}, {' -> '.join(map(_size, sizes))}, {classes} classes)"

    def append(self, layer: Layer) -> int:
        """Puts a layer behind the last one, and returns the id of its place."""
        number = ctypes.c_uint64()
        check(library.mf_network_append(self, layer, ctypes.byref(number)))
        self._learn_shape()
        return number.value

    def insert(self, position: int, layer: Layer) -> int:
        """Puts a layer at a position, from which on the others move up, and returns the id of its place. As with
        remove() and replace(), workspaces made before are MF_STATUS_STALE."""
        number = ctypes.c_uint64()
        check(library.mf_network_insert(self, position, layer, ctypes.byref(number)))
        self._learn_shape()
        return number.value

    def remove(self, position: int) -> None:
        """Takes a layer out. What layer() gave of it is closed; the Layer that it was made as goes on."""
        self._take_out(position, library.mf_network_remove)

    def replace(self, position: int, layer: Layer) -> None:
        """Puts another layer at a position, whose id stays. What layer() gave of the old one is closed."""
        self._take_out(position, library.mf_network_replace, layer)

    def _take_out(self, position, function, *layer):
        """The library may free the layer that goes, so what was lent of it must not be used again. Nothing is lost
        when the library refuses."""
        pointer, number = self._at(position)
        lent = [each for each in self._lent if same(each._pointer, pointer)]
        self._retire("changed", lent)
        try:
            check(function(self, number, *layer))
        except BaseException:
            for each in lent:
                each._pointer = pointer
            raise
        self._learn_shape()

    def id(self, position: int) -> int:
        """The id of the place at a position."""
        return self._at(position)[1]

    def position(self, id: int) -> int:
        """Where the place of that id is now."""
        position = ctypes.c_size_t()
        check(library.mf_network_position(self, id, ctypes.byref(position)))
        return position.value

    def _at(self, position):
        pointer, number = ctypes.POINTER(_abi.mf_layer)(), ctypes.c_uint64()
        check(library.mf_network_layer(self, position, ctypes.byref(pointer), ctypes.byref(number)))
        return pointer, number.value

    def _learn_shape(self):
        """Of what arrays have to be: not asked at every step. What changes it makes workspaces stale, and a new one
        asks again, perhaps while other threads predict: for them nothing changes."""
        inputs, positions, classes = None, [], None
        if len(self):
            layer = self.layer(0)
            inputs, (*positions, classes) = layer.describe().inputs, layer.goodness_shape()
        self.inputs, self._positions, self.classes = inputs, positions, classes

    def __len__(self) -> int:
        size = ctypes.c_size_t()
        check(library.mf_network_size(self, ctypes.byref(size)))
        return size.value

    def layer(self, position: int) -> Layer:
        """The layer at a position, which lives as long as the network holds it."""
        layer = Layer._borrow(self._at(position)[0], self)
        self._lent.add(layer)
        return layer

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

    def set_classes(self, classes: int) -> None:
        """Changes the number of classes of every layer: their projections start anew, and workspaces made before are
        MF_STATUS_STALE."""
        check(library.mf_network_set_classes(self, classes))
        self._learn_shape()

    def set_input_scaling(self, shift: Factors, scale: Factors) -> None:
        """From then on the first layer reads (x + shift) * scale, also in model files. Both are numbers, or float32
        [count]: one for each map or value. None for both: x as it is. Workspaces made before are MF_STATUS_STALE."""
        shifts, scales = _factors(shift, scale)
        check(library.mf_network_set_input_scaling(self, address(shifts, numpy.float32, (None,), "shift"),
                                                   address(scales, numpy.float32, (len(shifts),), "scale"),
                                                   len(shifts)))

    def input_scaling(self) -> Optional[Tuple[Array, Array]]:
        """Shift and scale, float32 [count] each, or None where x is read as it is."""
        count = ctypes.c_size_t()
        status = library.mf_network_input_scaling(self, None, None, 0, ctypes.byref(count))
        if status != _abi.MF_STATUS_CAPACITY:
            check(status)
        shift, scale = numpy.empty((2, count.value), numpy.float32)
        check(library.mf_network_input_scaling(self, shift.ctypes.data, scale.ctypes.data, count, ctypes.byref(count)))
        return (shift, scale) if count.value else None

    def step(self, workspace: Workspace, x: Array, y: Array, **inputs: Any) -> None:
        """One training step of every layer. x: float32 [rows, inputs], y: int32 [rows], or
        [rows, positions] for goodness at positions.

        x may be int32; uint8: the inputs are (x + shift) * scale, or x / 255 without these two options; or,
        with bf16=True, uint16. The workspace is then one with convert=True."""
        check(library.mf_network_step_batch(self, workspace,
                                            batch(x, y, self.inputs, self._positions, **inputs)))

    def step_layer(self, workspace: Workspace, position: int, x: Array, y: Array, **inputs: Any) -> None:
        """One greedy training step: the layer at the position learns, those before it hand the batch on, those behind
        do nothing. x and y are as in step()."""
        check(library.mf_network_step_layer_batch(self, workspace, position,
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

    def infer(self, workspace: Workspace, x: Array, mode: Kind = "last",
              **inputs: Any) -> Tuple[Array, Array, Array]:
        """What predict(), goodness() and probabilities() give, [rows] and twice [rows, classes], from one pass."""
        rows, shape = batch(x, None, self.inputs, **inputs), (len(x), *self._positions)
        labels, label_pointer = result(None, numpy.int32, shape)
        goodness, goodness_pointer = result(None, numpy.float32, (*shape, self.classes))
        chances, chance_pointer = result(None, numpy.float32, (*shape, self.classes))
        check(library.mf_network_infer(self, workspace, constant(MODES, mode), rows,
                                       label_pointer, goodness_pointer, chance_pointer))
        return labels, goodness, chances

    def top(self, workspace: Workspace, x: Array, count: int, mode: Kind = "last",
            **inputs: Any) -> Tuple[Array, Array, Array]:
        """The `count` best classes of every row, best first, their scores and their probabilities: each
        [rows, count]. Of more than 4096 classes, the scores of all are never in memory together."""
        rows = batch(x, None, self.inputs, **inputs)
        shape = (len(x), *self._positions, max(0, min(count, self.classes)))  # the library refuses more
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

    def snapshot(self, out: Optional[Array] = None) -> Array:
        """All that training changes, uint8 [bytes]: a way back that takes no file. See docs/files.md for what is in
        it; `out` has the size of an earlier one."""
        size = ctypes.c_size_t()
        check(library.mf_network_snapshot_size(self, ctypes.byref(size)))
        taken, where = result(out, numpy.uint8, (size.value,))
        check(library.mf_network_snapshot_save(self, where, taken.size))
        return taken

    def restore(self, snapshot: Snapshot) -> None:
        """Goes back to a snapshot of this network, or of one of the same shapes. Nothing changes unless it fits."""
        if isinstance(snapshot, (bytes, bytearray)):
            snapshot = numpy.frombuffer(snapshot, numpy.uint8)
        where = address(snapshot, numpy.uint8, (None,), "the snapshot")
        check(library.mf_network_snapshot_load(self, where, snapshot.size))

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
        check(library.mf_network_save(self, int(training), c_path(path)))

    def save_to(self, file: BinaryIO, training: bool = False) -> None:
        """Writes what save() would to an open binary file, a socket's or a pipe's, without memory for all of it. One
        that does not block is a BlockingIOError once it is full."""
        write_to(file, lambda output: library.mf_network_save_to(self, int(training), output))

    def export_onnx_to(self, file: BinaryIO) -> None:
        """Writes what export_onnx() would to an open binary file."""
        write_to(file, lambda output: library.mf_network_export_onnx_to(self, output))

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
        return cls._load("mf_network_load", training, c_path(path))

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
        check(library.mf_network_export_onnx(self, c_path(path)))


def _factors(shift, scale):
    """Arrays of equal length, of which one may be given as a number."""
    if shift is None and scale is None:
        return numpy.empty((2, 0), numpy.float32)
    count = next((len(each) for each in (shift, scale) if isinstance(each, numpy.ndarray) and each.ndim), 1)
    return [numpy.full(count, each, numpy.float32) if isinstance(each, (int, float, numpy.number)) else each
            for each in (shift, scale)]


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
        if isinstance(what, Network):
            what._learn_shape()

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
