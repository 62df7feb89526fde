"""Random networks: each layer as the library makes it and as a LayerPlan for the oracle. SPDX-License-Identifier: MIT"""
import numpy as np

import monoforward as mf
from monoforward._library import check, library

from oracle import LayerPlan

SMOOTH = ("identity", "tanh", "gelu", "silu")
ACTIVATIONS = SMOOTH + ("relu", "leaky_relu")


class Source:
    """A random generator with the words that the functions below use."""

    def __init__(self, *seed):
        self.random, self.seed = np.random.default_rng(seed), seed

    def beside(self):
        """Another one, whose draws leave those of this one as they are."""
        return Source(*self.seed, 1)

    def whole(self, low, high):
        """From low to high, both included."""
        return int(self.random.integers(low, high + 1))

    def chance(self, share):
        return self.random.random() < share

    def of(self, *choices):
        return choices[self.whole(0, len(choices) - 1)]

    def real(self, low, high):
        """What the library keeps as a float."""
        return float(np.float32(self.random.uniform(low, high)))


class Style:
    """What the layers of a network have in common."""

    def __init__(self, s):
        self.bf16 = s.chance(0.15)
        # Where operands are rounded to 8 bits, near-ties are everywhere: no kinks behind them.
        self.activations = SMOOTH if self.bf16 else ACTIVATIONS
        self.pools = ("average",) if self.bf16 else ("average", "max")
        self.rows = s.whole(2, 24)
        self.classes = s.whole(2, 12) if s.chance(0.8) else s.whole(33, 60)
        self.shape = s.of((s.whole(1, 30),), (s.of(1, 3, 8, 12), s.whole(3, 13), s.whole(3, 13)),
                          (s.whole(2, 70 if s.chance(0.2) else 12), 2 * s.whole(1, 8)))
        self.positions = len(self.shape) == 2 and s.chance(0.4)
        self.sampled = s.chance(0.12)
        self.choose_more(s.beside())

    def choose_more(self, s):
        """What only some networks have, so that the others stay as they are without it."""
        self.vocabulary, self.matrix = 0, None
        if s.chance(0.2):  # rows of tokens
            self.vocabulary, self.shape = s.of(s.whole(1, 6), s.whole(7, 150)), (s.whole(1, 9),)
            self.positions = s.chance(0.4)
        if s.chance(0.2):  # of which M reads all rows, one for each class
            self.matrix = s.random.normal(0, 0.5, (self.classes, s.whole(1, 6))).astype(np.float32)
            self.shared = mf.Matrix(self.matrix)
        self.similarity = not self.positions and s.chance(0.2)
        self.auxiliary = s.chance(0.2)
        self.empty_rows = s.chance(0.4)  # where similarities compare


def window(s, size, most):
    """Kernel, stride and padding of one direction that fit a map."""
    kernel = s.whole(1, min(most, size))
    return kernel, s.whole(1, 2), s.whole(0, kernel - 1)


def start_or_seed(s):
    return {"seed": s.whole(1, 1 << 40), "projection_init": s.of("kaiming_uniform", "normal", "orthogonal", "normal")}


def flat_layer(s, style, shape):
    """A layer as mf_layer_create() makes it: one product, with what may follow it."""
    maps, normalized = len(shape) == 3 and s.chance(0.75), s.chance(0.35)
    plan = LayerPlan(shape if maps else (int(np.prod(shape)),), [], style.classes, 0, bf16=style.bf16)
    options = start_or_seed(s) | {"classes": style.classes, "bias": s.whole(0, 1), "precision": int(style.bf16),
                                  "weight_init": s.of("kaiming_uniform", "normal", "orthogonal"),
                                  "activation": s.of(*style.activations), "leak": s.real(0, 0.5)}
    layer_options(s, plan, options, maps)
    add = lambda kind, **of_unit: plan.units.append({"kind": kind, "inputs": (len(plan.units),), **of_unit})
    if maps:
        windows = [window(s, size, 5) for size in shape[1:]]
        if s.chance(0.5) and min(shape[1:]) >= 3:
            windows = [(3, 1, s.whole(0, 2))] * 2  # Winograd's method, where there are channels enough
        kernel, stride, padding = (list(each) for each in zip(*windows))
        options |= {"kind": "conv2d", "channels": shape[0], "height": shape[1], "width": shape[2],
                    "filters": s.of(1, 4, 8, 16), "kernel": kernel, "stride": stride, "padding": padding}
        add("conv2d", stride=stride, padding=padding)
    else:
        options |= {"inputs": plan.shape[0], "outputs": s.whole(1, 40)}
        add("dense")
    node = 1
    if normalized:
        more = {"normalization_rate": s.real(0, 1), "normalization_epsilon": s.real(1e-3, 0.1)}
        options |= {"normalization": "batch", **more}
        add("batch_norm", **more)
        node = 2
    plan.names = {"units.1.weight": "weight", f"units.{node}.bias": "bias", "head.projection": "projection"}
    plan.names |= {f"units.2.{name}": name for name in ("scale", "mean", "variance")}
    add("activation", activation=options["activation"], leak=options["leak"])
    if maps:
        pooled_maps(s, style, plan, options, shape, add)
    layer = mf.Layer(**options)
    freeze(s, plan, layer)
    return plan, layer


def pooled_maps(s, style, plan, options, shape, add):
    """The pooling of a flat convolution, and that in front of its head."""
    sides = [(size + 2 * p - k) // t + 1
             for size, k, t, p in zip(shape[1:], options["kernel"], options["stride"], options["padding"])]
    if s.chance(0.6):
        size = [s.whole(1, min(3, side)) for side in sides]
        stride = [s.whole(1, 3) for _ in size]
        options |= {"pool": s.of(*style.pools), "pool_size": size, "pool_stride": stride}
        add("pool", pool=options["pool"], kernel=size, stride=stride)
        sides = [(side - k) // t + 1 for side, k, t in zip(sides, size, stride)]
    if s.chance(0.4):
        options["head_size"] = plan.head["pool_size"] = s.whole(1, min(sides))


def layer_options(s, plan, options, maps):
    """Those of the whole layer: what it drops on the way to the next one, and how its labels are smoothed."""
    plan.seed = options["seed"]
    if s.chance(0.3):
        plan.dropout = options["dropout"] = s.real(0.05, 0.6)
        plan.dropout_maps = maps and s.chance(0.5)
        options["dropout_maps"] = int(plan.dropout_maps)
    if s.chance(0.3) and not plan.head.get("sampling"):
        plan.smoothing = options["label_smoothing"] = s.real(0, 0.5)


class Chain:
    """Units one after the other for a builder, and the same for the oracle."""

    def __init__(self, s, style, shape, plan, builder):
        self.s, self.style, self.plan, self.builder = s, style, plan, builder
        self.shapes, self.first = [shape], 0  # first: the first node that units join

    def add(self, kind, inputs=None, **options):
        inputs = (len(self.plan.units),) if inputs is None else inputs
        self.builder.unit(kind, inputs=(*inputs, 0)[:2], **options)
        self.plan.units.append({"kind": kind, "inputs": inputs, **options})
        self.shapes.append(self.builder.shape())

    def product(self, outputs=None, inputs=None, bias=None):
        """A convolution or a dense unit, as the shape has it."""
        s, shape = self.s, self.shapes[-1 if inputs is None else inputs[0]]
        if len(shape) == 3 and s.chance(0.85):
            kernel, stride, padding = (list(each) for each in zip(*(window(s, size, 3) for size in shape[1:])))
            if s.chance(0.5) and min(shape[1:]) >= 3:
                kernel, stride, padding = [3, 3], [1, 1], [1, 1]
            outputs = outputs or s.of(2, 4, 8)
            groups = s.of(1, *(each for each in range(2, outputs + 1) if outputs % each == shape[0] % each == 0))
            # Products of groups are those of floats.
            several = {"groups": groups} if groups > 1 and not self.style.bf16 else {}
            self.add("conv2d", inputs, outputs=outputs, kernel=kernel, stride=stride, padding=padding,
                     bias=s.whole(0, 1) if bias is None else bias, **several)
        else:
            self.add("dense", inputs, outputs=outputs or s.whole(1, 20), bias=s.whole(0, 1) if bias is None else bias)

    def embedding(self):
        """Of tokens; now and then of a larger vocabulary, too, of which the batches have the first tokens alone."""
        s, vocabulary = self.s, self.style.vocabulary
        self.add("embedding", (0,), outputs=s.whole(1, 8), vocabulary=vocabulary)
        self.first = 1  # the numbers of tokens are no values
        if s.chance(0.3):
            width = s.of(self.shapes[1][1], s.whole(1, 8))
            self.add("embedding", (0,), outputs=width, vocabulary=vocabulary + s.whole(0, 4))
            self.add("add" if width == self.shapes[1][1] else "concat", (1, 2))

    def activation(self):
        self.add("activation", activation=self.s.of(*self.style.activations), leak=self.s.real(0, 0.5))

    def normalization(self):
        kind = "batch_norm" if len(self.shapes[-1]) == 3 or (len(self.shapes[-1]) == 1 and self.s.chance(0.5)) \
            else "layer_norm"
        epsilon = {"normalization_epsilon": self.s.real(1e-3, 0.1)}
        rate = {"normalization_rate": self.s.real(0, 1)} if kind == "batch_norm" else {}
        self.add(kind, bias=self.s.whole(0, 1), **epsilon, **rate)

    def pool(self):
        sides = self.shapes[-1][1:]
        self.add("pool", pool=self.s.of(*self.style.pools), kernel=[self.s.whole(1, min(3, side)) for side in sides],
                 stride=[self.s.whole(1, 2) for _ in sides])

    def join(self):
        """The sum with an earlier node of the same shape, or both values behind each other."""
        shape = self.shapes[-1]
        earlier = list(enumerate(self.shapes[:-1]))[self.first:]
        same = [node for node, other in earlier if other == shape]
        axis = 1 if len(shape) == 2 else 0
        near = [node for node, other in earlier if len(other) == len(shape) and
                all(a == b for i, (a, b) in enumerate(zip(other, shape)) if i != axis)]
        if same and self.s.chance(0.7):
            self.add("add", (len(self.plan.units), self.s.of(*same)))
        elif near:
            self.add("concat", (len(self.plan.units), self.s.of(*near)))

    def branch(self):
        """A second way from an earlier node, which meets the first one."""
        last, start = len(self.plan.units), self.s.whole(0, len(self.plan.units) - 1)
        if start >= self.first and len(self.shapes[last]) == 1 and len(self.shapes[start]) != 2:
            self.add("dense", (start,), outputs=self.s.whole(1, 12), bias=self.s.whole(0, 1))
            same = self.shapes[-1] == self.shapes[last]
            self.add("add" if same else "concat", (len(self.plan.units), last))

    def attention(self):
        heads, width = self.s.whole(1, 3), self.s.whole(1, 5)
        self.add("dense", outputs=3 * heads * width)
        self.add("attention", heads=heads, causal=self.s.whole(0, 1))

    def block(self, kind, **options):
        """The library's own units of a block, which it tells: that they are the right ones is tested elsewhere."""
        alone, start = mf.Builder(self.shapes[-1], seed=1).block(kind, **options).head(2).build(), len(self.plan.units)
        self.builder.block(kind, **options)
        for unit in alone.units():
            self.plan.units.append(told(unit, start))
            self.shapes.append(self.builder.shape(len(self.plan.units)))

    def random(self, count):
        s = self.s
        if not self.plan.units:
            self.product()
        for _ in range(count):
            kinds = [self.activation, self.product, self.normalization, self.join, self.join, self.branch]
            if len(self.shapes[-1]) == 3:
                kinds += [self.pool]
                kinds += [lambda: self.add("tokens"), lambda: self.add("global_pool")] if s.chance(0.3) else []
            if len(self.shapes[-1]) > 1 and not self.style.positions and s.chance(0.3):
                kinds += [lambda: self.add("flatten")] * 2
            if len(self.shapes[-1]) == 2:
                kinds += [self.attention, self.attention, lambda: self.add("positions")]
                if not self.style.positions:  # whose sequences keep their positions
                    kinds += [lambda: self.add("transpose")] + [lambda: self.add("global_pool")] * s.whole(0, 1)
            if s.chance(0.2):
                kinds = [lambda: self.add("dropout", dropout=s.real(0.05, 0.5),
                                          dropout_maps=int(len(self.shapes[-1]) > 1 and s.chance(0.5)))]
            s.of(*kinds)()


def built_layer(s, style, shape, of_tokens=False):
    """A layer of several units, with a head of any kind."""
    plan = LayerPlan(shape, [], style.classes, s.whole(1, 1 << 40), bf16=style.bf16)
    if style.sampled and s.chance(0.7):
        plan.head |= {"sampling": s.of("uniform", "log_uniform", "counts"), "candidates": s.whole(1, style.classes)}
    options = {"seed": plan.seed, "precision": int(style.bf16)}
    layer_options(s, plan, options, len(shape) > 1 or of_tokens)
    smoothing = {"label_smoothing": options.pop("label_smoothing", 0.0)}
    builder = mf.Builder(shape, **options)
    chain = Chain(s, style, shape, plan, builder)
    if of_tokens:
        chain.embedding()
    ready = len(chain.shapes[-1]) > 1 and s.chance(0.3)
    if ready:
        ready_block(s, chain, chain.shapes[-1])
    else:
        chain.random(s.whole(0, 7))
    head = start_or_seed(s) | smoothing | plan.head
    del head["seed"]
    head_of_its_own(s, style, chain, head, ready)
    if style.matrix is not None and s.chance(0.8):
        read_matrix(s, style, chain, head)
    if style.auxiliary and s.chance(0.7):
        auxiliary_heads(s, style, chain, head)
    if style.similarity and s.chance(0.7):
        map_for_similarities(s, style, chain, head)
    layer = builder.head(style.classes, **head).build()
    freeze(s, plan, layer)
    return plan, layer


def ready_block(s, chain, shape):
    if len(shape) == 3:
        chain.block(s.of("residual", "bottleneck"), outputs=s.of(0, 4, 8), stride=s.whole(1, 2),
                    activation=s.of(*chain.style.activations))
    elif s.chance(0.5):
        chain.block("mixer", hidden=s.whole(1, 12), token_hidden=s.whole(1, 12))
    else:
        chain.block("transformer", heads=s.of(1, 2 - shape[1] % 2), causal=s.whole(0, 1), hidden=s.whole(1, 12))


def head_of_its_own(s, style, chain, head, ready):
    """Goodness at positions, pooled maps, or units that only the head reads."""
    builder, plan = chain.builder, chain.plan
    if style.positions:
        head["kind"], plan.head["positions"] = "positions", True
    elif not ready and s.chance(0.3):
        head["output_node"] = plan.head["output_node"] = builder.node()
        if len(builder.shape()) == 3 and s.chance(0.5):
            chain.product()
            chain.normalization()
            chain.activation()
        else:  # low rank
            chain.add("dense", outputs=s.whole(1, 6), bias=0)
    if len(builder.shape()) == 3 and s.chance(0.5):
        head["pool_size"] = plan.head["pool_size"] = s.whole(1, min(builder.shape()[1:]))


def read_matrix(s, style, chain, head):
    """M begins with columns that no layer learns, for what it reads anyway or behind a dense unit for them."""
    columns, plan, pooled = style.matrix.shape[1], chain.plan, chain.plan.head.get("pool_size")
    if not pooled and s.chance(0.7):
        if "output_node" not in head:
            head["output_node"] = plan.head["output_node"] = len(plan.units)
        chain.add("dense", outputs=columns + s.whole(0, 4), bias=0)
    shape = chain.shapes[-1]
    features = shape[0] * pooled**2 if pooled else shape[1] if style.positions else int(np.prod(shape))
    if columns <= features:
        head["shared"], plan.shared = style.shared, style.matrix


def end_of_head(chain, head):
    """The node that M reads is the last one so far: where the output is, and where it is."""
    plan = chain.plan
    read = head.setdefault("input_node", len(plan.units))
    plan.head["input_node"] = read
    plan.head.setdefault("output_node", read)
    return plan.head["output_node"], read


def row_from(s, style, chain, node):
    """A node that a dense unit makes a row of, or, for a head for positions, a sequence: this one, or one behind it."""
    if len(chain.shapes[node]) != 2 or style.positions:
        return node
    chain.add(s.of("flatten", "global_pool"), (node,))
    return len(chain.plan.units)


def auxiliary_heads(s, style, chain, head):
    """Behind the output or a unit of the head, some with units of their own, of which another one may read the last."""
    output, read = end_of_head(chain, head)
    nodes = list(range(output, read + 1))
    for _ in range(s.whole(1, 3)):
        start = s.of(*nodes)
        if s.chance(0.6):
            chain.product(inputs=(start,))
            s.of(chain.activation, chain.normalization, lambda: chain.add("dropout", dropout=s.real(0.05, 0.5)))()
            start = len(chain.plan.units)
            nodes.append(start)
        chain.add("dense", (row_from(s, style, chain, start),), outputs=style.classes, bias=s.whole(0, 1),
                  loss_weight=s.of(s.real(0.05, 1), s.real(1, 4)))


def map_for_similarities(s, style, chain, head):
    """Behind the output or a unit of the head. Where nothing else is behind these, the library knows what M reads."""
    last = len(chain.plan.units)
    start = s.whole(head.get("output_node", head.get("input_node", last)), head.get("input_node", last))
    if len(chain.shapes[start]) == 2 or style.empty_rows or s.chance(0.5):
        end_of_head(chain, head)
    start = row_from(s, style, chain, start)
    if style.empty_rows:  # two or three values or maps, of which some rows lose all
        chain.product(s.whole(2, 3), (start,))
        chain.add("dropout", dropout=s.real(0.3, 0.6), dropout_maps=int(len(chain.shapes[-1]) == 3))
        start = len(chain.plan.units)
    chain.product(s.whole(3, 9), (start,), 0 if style.empty_rows else None)
    head["similarity"] = chain.plan.head["similarity"] = s.of(s.real(0.99, 0.99), s.real(0.05, 0.95))


def told(unit, start):
    """A unit of a block, from what the library tells of it. start: the node that the block reads."""
    kinds = {getattr(mf.abi, name): name[8:].lower() for name in vars(mf.abi) if name.startswith("MF_UNIT_")}
    phis = {getattr(mf.abi, name): name[14:].lower() for name in vars(mf.abi) if name.startswith("MF_ACTIVATION_")}
    kind = kinds[unit.kind]
    options = {name: getattr(unit, name) for name in ("heads", "causal", "normalization_rate",
                                                      "normalization_epsilon", "leak")}
    options |= {name: list(getattr(unit, name)) for name in ("kernel", "stride", "padding")}
    inputs = tuple(each + start for each in unit.inputs)[:2 if kind in ("add", "concat") else 1]
    return {"kind": kind, "inputs": inputs, "activation": phis[unit.activation], **options}


def freeze(s, plan, layer):
    """Other parameters than those at the start, and now and then some that do not learn."""
    own = {library: name for name, library in plan.names.items()}
    for name, values in layer.parameters().items():
        last = name.split(".")[-1]
        if last in ("scale", "variance"):
            values = s.random.uniform(0.5, 1.5, values.shape)
        elif last in ("bias", "mean"):
            values = s.random.normal(0, 0.3, values.shape)
        elif last == "counts":
            values = s.random.integers(0, 9, values.shape) + 1.0 * (np.arange(values.size) == 0)
        layer.set_parameter(name, np.ascontiguousarray(values, np.float32))
        if s.chance(0.06) and last != "counts":
            check(library.mf_layer_set_trainable(layer, name.encode(), 0))
            plan.frozen += (own.get(name, name),)
            if last in ("mean", "variance"):  # freeze together
                plan.frozen += (own.get(name, name).replace(last, "variance" if last == "mean" else "mean"),)


def random_network(s):
    style = Style(s)
    layers, shape = [], style.shape
    for _ in range(s.whole(1, 4)):
        of_tokens = style.vocabulary > 0 and not layers
        make = built_layer if style.positions or s.chance(0.6) else flat_layer
        layers.append(built_layer(s, style, shape, True) if of_tokens else make(s, style, shape))
        shape = layers[-1][1].shape()[1]
    return style, [plan for plan, _ in layers], [layer for _, layer in layers]
