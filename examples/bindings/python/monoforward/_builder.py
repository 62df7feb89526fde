"""Layers of several units. SPDX-License-Identifier: MIT"""
from __future__ import annotations

import ctypes
from typing import Any, Optional, Sequence, Union

from . import _abi
from ._handles import (BLOCKS, HEADS, LAYERS, OPTIMIZERS, UNITS, Allocator, Handle, Kind, make_spec, result_struct,
                       set_field, use_allocator, workspace_purpose)
from ._library import check, holding, library
from ._matrix import Matrix
from ._network import Layer

Sizes = Union[int, Sequence[int]]  # height and width, or one number for both


class Builder(Handle):
    """Builder((16, 32, 32), seed=1, ...): makes layers whose rows have this shape: (values,), (positions, values) or
    (maps, height, width).
    Options are the fields of mf_builder_spec: precision="bf16".

    Each call adds a unit and returns the builder, so that calls can be chained:

        block = (mf.Builder((16, 32, 32)).conv2d(16).batch_norm().relu()
                 .conv2d(16).batch_norm().add(0).relu().head(10).build())

    More options of a unit, a block or the head are the fields of mf_unit_spec, mf_block_spec and mf_head_spec:
    conv2d(16, bias=0).
    """

    _name = "mf_builder"

    def __init__(self, shape: Sequence[int], *, allocator: Optional[Allocator] = None, **options: Any) -> None:
        row = _shape(shape)
        spec = make_spec("mf_builder_spec", options)
        spec.input = ctypes.pointer(row)
        use_allocator(spec, allocator)
        self._own(self._create(spec))
        self._node, self._next = 0, _abi.MF_NODE_PREVIOUS

    @classmethod
    def from_spec(cls, *, kind: Kind = "dense", allocator: Optional[Allocator] = None, **options: Any) -> Builder:
        """A builder of what Layer() makes of these options, such as for network_memory(). It takes no more units."""
        spec = make_spec("mf_layer_spec", {"kind": kind, **options}, LAYERS)
        use_allocator(spec, allocator)
        pointer = ctypes.POINTER(_abi.mf_builder)()
        check(library.mf_builder_from_spec(ctypes.byref(spec), ctypes.byref(pointer)))
        builder = cls.__new__(cls)
        builder._own(pointer)
        builder._node, builder._next = 0, _abi.MF_NODE_PREVIOUS
        return builder

    def unit(self, kind: Kind, **options: Any) -> Builder:
        """Adds any unit: unit("conv2d", outputs=16)."""
        inputs = list(options.pop("inputs", (_abi.MF_NODE_PREVIOUS, 0)))
        if self._next != _abi.MF_NODE_PREVIOUS:
            inputs[0], self._next = self._next, _abi.MF_NODE_PREVIOUS
        spec = make_spec("mf_unit_spec", {"kind": kind, "inputs": inputs, **options}, UNITS)
        node = ctypes.c_int32()
        check(library.mf_builder_unit(self, ctypes.byref(spec), ctypes.byref(node)))
        self._node = node.value
        return self

    def dense(self, outputs: int, **options: Any) -> Builder:
        return self.unit("dense", outputs=outputs, **options)

    def conv2d(self, filters: int, kernel: Sizes = 3, padding: Optional[Sizes] = None, stride: Sizes = 1,
               **options: Any) -> Builder:
        """Without a padding it is kernel // 2: an odd kernel then keeps the size of the maps."""
        if padding is None:
            padding = kernel // 2 if isinstance(kernel, int) else [each // 2 for each in kernel]
        return self.unit("conv2d", outputs=filters, kernel=kernel, padding=padding, stride=stride, **options)

    def batch_norm(self, **options: Any) -> Builder:
        return self.unit("batch_norm", **options)

    def activation(self, activation: Kind, **options: Any) -> Builder:
        return self.unit("activation", activation=activation, **options)

    def relu(self) -> Builder:
        return self.activation("relu")

    def leaky_relu(self, leak: float = 0.01) -> Builder:
        return self.activation("leaky_relu", leak=leak)

    def tanh(self) -> Builder:
        return self.activation("tanh")

    def gelu(self) -> Builder:
        return self.activation("gelu")

    def silu(self) -> Builder:
        return self.activation("silu")

    def max_pool(self, size: Sizes = 2, stride: Sizes = 0, padding: Sizes = 0) -> Builder:
        """A stride of 0 is the size of the window."""
        return self.unit("pool", pool="max", kernel=size, stride=stride, padding=padding)

    def average_pool(self, size: Sizes = 2, stride: Sizes = 0, padding: Sizes = 0) -> Builder:
        """Padding counts as zeros; with unit("pool", pool="average_inside", ...) it does not count."""
        return self.unit("pool", pool="average", kernel=size, stride=stride, padding=padding)

    def dropout(self, rate: float, maps: bool = False) -> Builder:
        return self.unit("dropout", dropout=rate, dropout_maps=int(maps))

    def layer_norm(self, **options: Any) -> Builder:
        """Layer normalisation: of the values of a row, or of each position of a sequence."""
        return self.unit("layer_norm", **options)

    def global_pool(self, **options: Any) -> Builder:
        """The mean of each map, or of the positions of a sequence."""
        return self.unit("global_pool", **options)

    def transpose(self, **options: Any) -> Builder:
        """A sequence [T, d] turned into [d, T], so that what follows works along the positions."""
        return self.unit("transpose", **options)

    def tokens(self, **options: Any) -> Builder:
        """Maps [d, height, width] as a sequence [height width, d]."""
        return self.unit("tokens", **options)

    def flatten(self, **options: Any) -> Builder:
        """A sequence or maps as a row of all their values, which takes no time."""
        return self.unit("flatten", **options)

    def positions(self, **options: Any) -> Builder:
        """Adds learned positions to a sequence."""
        return self.unit("positions", **options)

    def embedding(self, vocabulary: int, outputs: int, **options: Any) -> Builder:
        """`outputs` learned values for each token: of a row of T tokens, the layer's input, the sequence [T, outputs]."""
        return self.unit("embedding", inputs=(0, 0), vocabulary=vocabulary, outputs=outputs, **options)

    def attention(self, heads: int, causal: bool = False) -> Builder:
        """Multi-head attention: of [T, 3 d], queries, keys and values behind each other, it makes [T, d]."""
        return self.unit("attention", heads=heads, causal=int(causal))

    def add(self, node: int) -> Builder:
        """Adds a node to the one before; 0 is the layer's input."""
        return self.unit("add", inputs=(_abi.MF_NODE_PREVIOUS, node))

    def concat(self, node: int) -> Builder:
        """Puts the values of a node behind those of the one before."""
        return self.unit("concat", inputs=(_abi.MF_NODE_PREVIOUS, node))

    def block(self, kind: Kind, **options: Any) -> Builder:
        """Adds the units of a ready-made block: block("residual", outputs=32, stride=2)."""
        spec = make_spec("mf_block_spec", {"kind": kind, **options}, BLOCKS)
        set_field(spec, "input", self._next)
        self._next = _abi.MF_NODE_PREVIOUS
        node = ctypes.c_int32()
        check(library.mf_builder_block(self, ctypes.byref(spec), ctypes.byref(node)))
        self._node = node.value
        return self

    def residual(self, outputs: int = 0, stride: Sizes = 1, **options: Any) -> Builder:
        """Two convolutions and a skip; 0: as many maps as its input has."""
        return self.block("residual", outputs=outputs, stride=stride, **options)

    def bottleneck(self, outputs: int = 0, stride: Sizes = 1, **options: Any) -> Builder:
        """A convolution of fewer maps, hidden=outputs // 4, between two of 1 x 1, and a skip."""
        return self.block("bottleneck", outputs=outputs, stride=stride, **options)

    def mixer(self, **options: Any) -> Builder:
        """Products along the positions and along the values of a sequence: token_hidden, hidden."""
        return self.block("mixer", **options)

    def transformer(self, heads: int, causal: bool = False, **options: Any) -> Builder:
        """Attention and two products behind it."""
        return self.block("transformer", heads=heads, causal=int(causal), **options)

    def branch(self, node: int) -> Builder:
        """The next unit or block reads this node instead of the one before."""
        self._next = node
        return self

    def head(self, classes: int, pool_size: int = 0, *, shared: Optional[Matrix] = None, **options: Any) -> Builder:
        """With kind="positions" a goodness for each position of a sequence."""
        if not isinstance(shared, (Matrix, type(None))):
            raise TypeError(f"shared is a {type(shared).__name__}, expected a Matrix")
        spec = make_spec("mf_head_spec", {"classes": classes, "pool_size": pool_size, **options}, HEADS)

        def add(matrix):
            spec.shared = matrix
            return library.mf_builder_head(self, ctypes.byref(spec))

        check(holding(add)(shared))
        return self

    def node(self) -> int:
        """The number of the node that was added last; 0 if there is none."""
        return self._node

    def shape(self, node: int = _abi.MF_NODE_PREVIOUS) -> tuple[int, ...]:
        """The shape of a row of a node."""
        shape = result_struct("mf_shape")
        check(library.mf_builder_shape(self, node, ctypes.byref(shape)))
        return tuple(shape.dims[:shape.rank])

    def build(self) -> Layer:
        """Makes a Layer, and another one each time."""
        pointer = ctypes.POINTER(_abi.mf_layer)()
        check(library.mf_layer_build(self, ctypes.byref(pointer)))
        layer = Layer.__new__(Layer)
        layer._own(pointer)
        return layer


def network_memory(builders: Sequence[Builder], max_batch: int, *, optimizer: Optional[Kind] = None,
                   purpose: str = "training", convert: bool = False, threads: int = 1,
                   **options: Any) -> _abi.mf_memory:
    """What a network of the layers of these builders will take, with a workspace of that kind, before anything is
    built: a mf_memory. With an `optimizer` such as "adam", options are the fields of mf_optimizer_spec. `threads` is
    what Pool.threads() says of the workspace's pool."""
    memory = result_struct("mf_memory")
    spec = make_spec("mf_memory_spec", {"purpose": workspace_purpose(purpose, convert), "count": len(builders),
                                        "max_batch": max_batch, "threads": threads})
    if optimizer is not None:
        spec.optimizer = ctypes.pointer(make_spec("mf_optimizer_spec", {"kind": optimizer, **options}, OPTIMIZERS))

    def ask(*pointers):
        spec.builders = (ctypes.POINTER(_abi.mf_builder) * len(pointers))(*pointers)
        return library.mf_memory_query(ctypes.byref(spec), ctypes.byref(memory))

    check(holding(ask)(*builders))
    return memory


def _shape(sizes):
    shape = _abi.mf_shape()
    check(library.mf_shape_init(ctypes.byref(shape), ctypes.sizeof(shape)))
    set_field(shape, "rank", len(sizes))
    set_field(shape, "dims", [*sizes, *shape.dims][:len(shape.dims)])
    return shape
