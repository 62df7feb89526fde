"""Objects for the handles of the library. SPDX-License-Identifier: MIT

An object owns its handle: the garbage collector frees it, or close() at once. A network keeps its layers, a layer its
optimizer, whatever becomes of the objects. One object is used by one thread at a time; calls give up the interpreter's
lock, so that threads with objects of their own run side by side.
"""
import ctypes
import functools
import math
import os
import weakref
from collections import namedtuple

import numpy as np

from . import _abi, arrays
from ._library import check, library

Report = namedtuple("Report", "rows correct loss gradient_norm applied")
ParameterInfo = namedtuple("ParameterInfo", "name shape trainable")
PipelineReport = namedtuple("PipelineReport", "status batch position rows correct loss gradient_norm applied")


def _spec(kind, options):
    """A spec with the library's defaults and the caller's options."""
    struct = getattr(_abi, f"mf_{kind}_spec")
    spec = struct()
    check(getattr(library, f"mf_{kind}_spec_init")(spec, ctypes.sizeof(struct)))
    fields = dict(struct._fields_)
    for name, value in options.items():
        if name not in fields:
            raise TypeError(f"there is no option {name!r}")
        pair = getattr(fields[name], "_length_", 0) == 2
        setattr(spec, name, (value if isinstance(value, tuple) else (value, value)) if pair else value)
    return spec


def _report(struct, kind):
    return kind(*(getattr(struct, name) for name in kind._fields))


def _sized(struct):
    return struct(struct_size=ctypes.sizeof(struct))


def _values(shape):
    return math.prod(shape.dims)


class Handle:
    """What owns a handle, or borrows it from `owner`, which it keeps alive."""

    def __init__(self, kind, pointer, owner=None, keep=()):
        self.pointer = pointer
        self._owner = owner
        free = getattr(library, f"mf_{kind}_free")
        self._finalizer = weakref.finalize(self, lambda *_: free(pointer), keep) if owner is None else None

    def close(self):
        """Gives the handle up now. The object cannot be used any more."""
        if self._finalizer is not None:
            self._finalizer()
        self.pointer = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _create(kind, spec):
    pointer = ctypes.POINTER(getattr(_abi, f"mf_{kind}"))()
    check(getattr(library, f"mf_{kind}_create")(spec, pointer))
    return pointer


class Optimizer(Handle):
    """mf_optimizer: Optimizer(kind=MF_OPTIMIZER_SGD, learning_rate=0.1). Adam, unless told otherwise."""

    def __init__(self, **options):
        super().__init__("optimizer", _create("optimizer", _spec("optimizer", options)))

    def set(self, key, value):
        """mf_optimizer_set(): key is MF_OPTIMIZER_LEARNING_RATE, ..."""
        check(library.mf_optimizer_set(self.pointer, key, value))

    def get(self, key):
        value = ctypes.c_double()
        check(library.mf_optimizer_get(self.pointer, key, value))
        return value.value

    @classmethod
    def _borrowed(cls, pointer, owner):
        optimizer = cls.__new__(cls)
        Handle.__init__(optimizer, "optimizer", pointer, owner=owner)
        return optimizer


class Layer(Handle):
    """mf_layer: Layer(inputs=784, outputs=1000, classes=10). Pairs such as kernel may be one number."""

    def __init__(self, **options):
        super().__init__("layer", _create("layer", _spec("layer", options)))

    @classmethod
    def _borrowed(cls, pointer, network):
        layer = cls.__new__(cls)
        Handle.__init__(layer, "layer", pointer, owner=network)
        return layer

    @property
    def spec(self):
        """What the layer is now, as an mf_layer_spec."""
        spec = _sized(_abi.mf_layer_spec)
        check(library.mf_layer_describe(self.pointer, spec))
        return spec

    @functools.cached_property
    def widths(self):
        """(values in a row of input, of activation)"""
        before, behind = _sized(_abi.mf_shape), _sized(_abi.mf_shape)
        check(library.mf_layer_shape(self.pointer, before, behind))
        return _values(before), _values(behind)

    def set_optimizer(self, optimizer):
        check(library.mf_layer_set_optimizer(self.pointer, optimizer and optimizer.pointer))

    def optimizer(self):
        """The optimizer that is attached, or None."""
        pointer = ctypes.POINTER(_abi.mf_optimizer)()
        check(library.mf_layer_optimizer(self.pointer, pointer))
        return Optimizer._borrowed(pointer, self) if pointer else None

    def step(self, workspace, x, y, a=None):
        """mf_layer_step(): learns from a batch. `a` receives the activation, if it is given."""
        inputs, outputs = self.widths
        rows, x_at, y_at = arrays.batch(x, y, inputs)
        a_at = None if a is None else arrays.floats(a, "a", (rows, outputs), writable=True)
        check(library.mf_layer_step(self.pointer, workspace.pointer, rows, x_at, y_at, a_at))

    def forward(self, workspace, x, out=None):
        """mf_layer_forward(): the activation, in `out` or a new array."""
        inputs, outputs = self.widths
        rows = arrays.rows_of(x, inputs)
        out, out_at = arrays.receiver(out, "out", (rows, outputs))
        check(library.mf_layer_forward(self.pointer, workspace.pointer, rows, arrays.floats(x, "x", (rows, ...)), out_at))
        return out

    def goodness(self, workspace, a, out=None):
        """mf_layer_goodness(): scores from an activation."""
        rows = arrays.rows_of(a, self.widths[1], "a")
        out, out_at = arrays.receiver(out, "out", (rows, self.spec.classes))
        check(library.mf_layer_goodness(self.pointer, workspace.pointer, rows, arrays.floats(a, "a", (rows, ...)), out_at))
        return out

    def parameters(self):
        """Name, shape and whether it is trained, of every parameter."""
        count = ctypes.c_size_t()
        check(library.mf_layer_parameter_count(self.pointer, count))
        infos = []
        for index in range(count.value):
            info = _sized(_abi.mf_parameter_info)
            check(library.mf_layer_parameter_info(self.pointer, index, info))
            infos.append(ParameterInfo(info.name.decode(), tuple(info.dims[:info.rank]), bool(info.trainable)))
        return infos

    def get_parameter(self, name):
        """A copy of a parameter: "weight", "bias", "projection", ..."""
        shapes = {info.name: info.shape for info in self.parameters()}
        values = np.empty(shapes.get(name, (0,)), np.float32)
        check(library.mf_layer_get_parameter(self.pointer, name.encode(), values.ctypes.data, values.size))
        return values

    def set_parameter(self, name, values):
        shapes = {info.name: info.shape for info in self.parameters()}
        address = arrays.floats(values, "values", shapes.get(name, values.shape))
        check(library.mf_layer_set_parameter(self.pointer, name.encode(), address, values.size))

    def set_trainable(self, name, trainable):
        check(library.mf_layer_set_trainable(self.pointer, name.encode(), int(trainable)))


class Network(Handle):
    """mf_network: Network([Layer(...), Layer(...)], Optimizer())."""

    def __init__(self, layers=(), optimizer=None):
        super().__init__("network", _create("network", None))
        for layer in layers:
            self.append(layer)
        if optimizer is not None:
            self.set_optimizer(optimizer)

    @classmethod
    def load(cls, path, contents=_abi.MF_CONTENTS_MODEL):
        """mf_network_load(): with MF_CONTENTS_TRAINING, training goes on where it was."""
        pointer = ctypes.POINTER(_abi.mf_network)()
        check(library.mf_network_load(_spec("load", {"contents": contents}), os.fsencode(path), pointer))
        return cls._owning(pointer)

    @classmethod
    def from_bytes(cls, data, contents=_abi.MF_CONTENTS_MODEL):
        """mf_network_load_buffer(): from what to_bytes() gave, or a file held."""
        pointer = ctypes.POINTER(_abi.mf_network)()
        check(library.mf_network_load_buffer(_spec("load", {"contents": contents}), data, len(data), pointer))
        return cls._owning(pointer)

    @classmethod
    def _owning(cls, pointer):
        network = cls.__new__(cls)
        Handle.__init__(network, "network", pointer)
        return network

    def to_bytes(self, contents=_abi.MF_CONTENTS_MODEL):
        """mf_network_save_buffer(): what save() would write, as bytes."""
        size = ctypes.c_size_t()
        check(library.mf_network_save_size(self.pointer, contents, size))
        data = ctypes.create_string_buffer(size.value)
        check(library.mf_network_save_buffer(self.pointer, contents, data, size.value, size))
        return data.raw[:size.value]

    def save(self, path, contents=_abi.MF_CONTENTS_MODEL):
        """mf_network_save(): replaces the file as a whole, or leaves it."""
        check(library.mf_network_save(self.pointer, contents, os.fsencode(path)))

    def export_onnx(self, path):
        check(library.mf_network_export_onnx(self.pointer, os.fsencode(path)))

    def __len__(self):
        size = ctypes.c_size_t()
        check(library.mf_network_size(self.pointer, size))
        return size.value

    def __getitem__(self, position):
        """The layer at a position: the network's, to read and change."""
        size = len(self)
        if not -size <= position < size:
            raise IndexError(f"position {position} in a network of {size} layers")
        pointer = ctypes.POINTER(_abi.mf_layer)()
        check(library.mf_network_layer(self.pointer, position % size, pointer, None))
        return Layer._borrowed(pointer, self)

    def append(self, layer):
        """Returns the id of the layer's place."""
        place = ctypes.c_uint64()
        check(library.mf_network_append(self.pointer, layer.pointer, place))
        return place.value

    def insert(self, position, layer):
        place = ctypes.c_uint64()
        check(library.mf_network_insert(self.pointer, position, layer.pointer, place))
        return place.value

    def remove(self, place):
        check(library.mf_network_remove(self.pointer, place))

    def set_optimizer(self, optimizer):
        check(library.mf_network_set_optimizer(self.pointer, optimizer and optimizer.pointer))

    @property
    def inputs(self):
        """Values in a row of input; of an empty network 0."""
        return self[0].widths[0] if len(self) else 0

    @property
    def classes(self):
        return self[0].spec.classes if len(self) else 0

    def step(self, workspace, x, y):
        """mf_network_step(): every layer learns from the batch."""
        check(library.mf_network_step(self.pointer, workspace.pointer, *arrays.batch(x, y, workspace.inputs)))

    def step_layer(self, workspace, position, x, y):
        """mf_network_step_layer(): one layer learns from the batch, on what those before it make of it."""
        batch = arrays.batch(x, y, workspace.inputs)
        check(library.mf_network_step_layer(self.pointer, workspace.pointer, position, *batch))

    def evaluate(self, workspace, x, y):
        """Loss and correct rows of every layer, and of their sum: (list of reports, report)."""
        check(library.mf_network_evaluate(self.pointer, workspace.pointer, *arrays.batch(x, y, workspace.inputs)))
        return [workspace.report(position) for position in range(len(self))], workspace.report_sum()

    def predict(self, workspace, x, mode=_abi.MF_PREDICT_LAST, out=None):
        """The class of every row."""
        rows = arrays.rows_of(x, workspace.inputs)
        out, out_at = arrays.receiver(out, "out", (rows,), np.int32)
        x_at = arrays.floats(x, "x", (rows, ...))
        check(library.mf_network_predict(self.pointer, workspace.pointer, mode, rows, x_at, out_at))
        return out

    def goodness(self, workspace, x, mode=_abi.MF_PREDICT_LAST, out=None):
        """The scores of every row."""
        return self._scores(library.mf_network_goodness, workspace, x, mode, out)

    def probabilities(self, workspace, x, mode=_abi.MF_PREDICT_LAST, out=None):
        """The softmax of the scores."""
        return self._scores(library.mf_network_probabilities, workspace, x, mode, out)

    def _scores(self, call, workspace, x, mode, out):
        rows = arrays.rows_of(x, workspace.inputs)
        out, out_at = arrays.receiver(out, "out", (rows, self.classes))
        check(call(self.pointer, workspace.pointer, mode, rows, arrays.floats(x, "x", (rows, ...)), out_at))
        return out


class Workspace(Handle):
    """mf_workspace: Workspace(network_or_layer, 128), the scratch memory of one thread. It keeps what it is for."""

    def __init__(self, target, max_batch, purpose=_abi.MF_WORKSPACE_TRAINING):
        kind = "network" if isinstance(target, Network) else "layer"
        spec = _spec("workspace", {kind: target.pointer, "max_batch": max_batch, "purpose": purpose})
        super().__init__("workspace", _create("workspace", spec))
        self.target = target
        self.inputs = target.inputs if kind == "network" else target.widths[0]

    def report(self, position=0):
        """What a layer did in the last step or evaluation."""
        report = _sized(_abi.mf_report)
        check(library.mf_workspace_report(self.pointer, position, report))
        return _report(report, Report)

    def report_sum(self):
        report = _sized(_abi.mf_report)
        check(library.mf_workspace_report_sum(self.pointer, report))
        return _report(report, Report)


class Pipeline(Handle):
    """mf_pipeline: layers that learn at the same time, on threads of the library.

    on_report(PipelineReport) is called for every layer of every batch, on the thread that calls submit(), flush() or
    poll(), during the call. What it raises stops the pipeline and comes out of that call. Without on_report, reports()
    gives what is there.
    """

    def __init__(self, network, max_batch, on_report=None, **options):
        options.update(network=network.pointer, max_batch=max_batch)
        self._raised = []
        callback = _abi.mf_pipeline_spec_on_report(_reporter(on_report, self._raised)) if on_report else None
        if callback is not None:
            options["on_report"] = callback
        pointer = _create("pipeline", _spec("pipeline", options))
        super().__init__("pipeline", pointer, keep=(callback, network))
        self.network = network
        self.inputs = network.inputs

    def submit(self, x, y):
        """Hands a batch over; waits while too many are in the works. The arrays are free afterwards."""
        self._check(library.mf_pipeline_submit(self.pointer, *arrays.batch(x, y, self.inputs)))

    def flush(self):
        """Waits until all batches are through."""
        self._check(library.mf_pipeline_flush(self.pointer))

    def reports(self):
        """The reports that are there and have not been read, in the order of a sequential run."""
        report = _sized(_abi.mf_pipeline_report)
        while True:
            status = library.mf_pipeline_poll(self.pointer, report)
            if status in (_abi.MF_STATUS_BUSY, _abi.MF_STATUS_NOT_FOUND):
                return
            self._check(status)
            yield _report(report, PipelineReport)

    def _check(self, status):
        if self._raised:
            raise self._raised.pop()
        check(status)


def _reporter(on_report, raised):
    """A function of C around one of Python: nothing may be raised through the library."""

    def call(_user, report):
        try:
            on_report(_report(report.contents, PipelineReport))
        except BaseException as error:  # whatever it is, it belongs to the caller of submit() or flush()
            raised.append(error)
        return len(raised)

    return call
