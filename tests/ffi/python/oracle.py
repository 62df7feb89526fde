"""The library's arithmetic once more, by PyTorch's autograd: layers of units, their heads, losses and optimizers. What a
layer does follows from a LayerPlan alone, and its parameters from the library. SPDX-License-Identifier: MIT"""
import dataclasses

import numpy as np
import torch
from torch.nn import functional as F

IGNORED = -100  # the label of a position without one
DROPOUT, UNIT_DROPOUT, CANDIDATES, PURPOSES = 3, 4, 5, 8  # streams of a layer, as docs/algorithm.md has them


@dataclasses.dataclass
class LayerPlan:
    """A layer in words: the shape of its input, its units as dictionaries, its head, and its options."""
    shape: tuple
    units: list  # {"kind": "dense", "inputs": (nodes), and options}
    classes: int
    seed: int
    head: dict = dataclasses.field(default_factory=dict)  # as mf_head_spec has it, with positions for its kind
    shared: np.ndarray = None  # the matrix that M begins with
    dropout: float = 0.0
    dropout_maps: bool = False
    smoothing: float = 0.0
    bf16: bool = False
    names: dict = dataclasses.field(default_factory=dict)  # of the library, for those of a built layer
    frozen: tuple = ()  # names of a built layer

    def name(self, own):
        return self.names.get(own, own)


def random_bits(seed, purpose, draw, count):
    """Philox4x32-10: `count` numbers of 32 bits, of a layer's stream for a purpose, in its draw-th use."""
    blocks, low = (count + 3) // 4, np.uint64(0xFFFFFFFF)
    c = [np.arange(blocks, dtype=np.uint64)] + [np.full(blocks, v & 0xFFFFFFFF, np.uint64)
                                                 for v in (draw, draw >> 32, purpose)]
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p0, p1 = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [(p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k0), p1 & low,
             (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k1), p0 & low]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack(c, 1).ravel()[:count].astype(np.uint32)


def drop(x, plan, purpose, draw, rate, maps):
    """Dropout with the library's mask: of values, or of all but the first dimension of a row together."""
    area = int(np.prod(x.shape[2:])) if maps else 1
    bits = random_bits(plan.seed, purpose, draw, x.numel() // area)
    kept = ((bits >> 9).astype(np.float32) + np.float32(0.5)) / np.float32(8388608) >= np.float32(rate)
    mask = torch.from_numpy(np.repeat(kept, area)).reshape(x.shape)
    return torch.where(mask, x / (1 - float(np.float32(rate))), torch.zeros((), dtype=x.dtype))


def candidates(head, classes, counts, seed, draw, labels):
    """The classes that a step of a sampled head scores, those of labels first, and what is added to their scores."""
    columns = list(dict.fromkeys(int(label) for label in labels if label != IGNORED))
    law = {"uniform": np.ones(classes), "counts": counts,
           "log_uniform": np.log1p(1 / (np.arange(classes) + 1.0))}[head["sampling"]].astype(float)
    law, draws = law / law.sum(), head["candidates"]
    points = (np.arange(draws) + (random_bits(seed, CANDIDATES, draw, draws) + 0.5) / 2**32) / draws
    drawn = np.minimum(np.searchsorted(np.cumsum(law), points, side="right"), classes - 1)
    others = [(c, k) for c, k in zip(*np.unique(drawn, return_counts=True)) if c not in columns]
    offsets = [0.0] * len(columns) + [float(np.log(k / (draws * law[c]))) for c, k in others]
    return columns + [int(c) for c, _ in others], offsets


class Shake(torch.autograd.Function):
    """Moves values and their gradients at random by parts of the largest of them; what is 0 stays 0."""

    @staticmethod
    def forward(ctx, y, oracle):
        ctx.oracle = oracle
        return oracle.moved(y, 2)

    @staticmethod
    def backward(ctx, dy):
        return ctx.oracle.moved(dy, 2), None


class Round(torch.autograd.Function):
    """To bfloat16, on the way forward."""

    @staticmethod
    def forward(_, x, oracle):
        return oracle.rounded(x)

    @staticmethod
    def backward(_, dx):
        return dx, None


class RoundGradient(torch.autograd.Function):
    """To bfloat16, on the way back."""

    @staticmethod
    def forward(ctx, y, oracle):
        ctx.oracle = oracle
        return y.clone()

    @staticmethod
    def backward(ctx, dy):
        return ctx.oracle.rounded(dy), None


class Layer:
    """One layer of the oracle. In double it is the oracle itself; in float32, with `shaken` (a torch.Generator), a sample
    of what rounding may do: PyTorch's own, and that of other orders and methods, for which the output and the gradient
    of every unit move by up to two units in the last place of their largest value. Operands of bf16 move by so many
    that some are rounded to the other side in every sample."""

    def __init__(self, plan, values, dtype, shaken=None):
        self.plan, self.dtype, self.shaken = plan, dtype, shaken
        self.values = {own: self.exact(values[plan.name(own)]) for own in self.own_names(values)}
        self.shared = None if plan.shared is None else self.exact(plan.shared)
        for own, tensor in self.values.items():
            tensor.requires_grad_(own not in plan.frozen and not own.endswith((".mean", ".variance", ".counts")))
        self.dropped = self.applied = 0
        self.kinks = []  # (values, how far each is from where a derivative jumps) of the last step
        self.optimizer = None

    def exact(self, values):
        """What numpy has, as a tensor of this layer's numbers."""
        return torch.from_numpy(np.asarray(values, np.float64)).to(self.dtype)

    def own_names(self, values):
        own = {library: name for name, library in self.plan.names.items()}
        return [own.get(name, name) for name in values]

    def moved(self, y, units):
        if self.shaken is None:
            return y.clone()
        noise = torch.rand(y.shape, generator=self.shaken, dtype=y.dtype) * 2 - 1
        return y + (y != 0) * noise * (units * 2.0**-24 * y.abs().max())

    def rounded(self, x):
        return self.moved(x, min(max(64, 2**18 / x.numel()), 2**13)).to(torch.bfloat16).to(x.dtype)

    def product(self, of, x, weight):
        if not self.plan.bf16:
            return of(x, weight)
        return RoundGradient.apply(of(Round.apply(x, self), Round.apply(weight, self)), self)

    # Units: each gets its node, its options and its inputs.

    def parameter(self, node, name):
        return self.values.get(f"units.{node}.{name}")

    def dense(self, node, unit, x):
        x = x.flatten(1) if x.dim() == 4 else x
        y, bias = self.product(F.linear, x, self.parameter(node, "weight")), self.parameter(node, "bias")
        return y if bias is None else y + bias

    def conv2d(self, node, unit, x):
        x = x if x.dim() == 4 else x[:, :, None, None]
        y = self.product(lambda a, w: F.conv2d(a, w, stride=unit["stride"], padding=unit["padding"],
                                                      groups=unit.get("groups", 1)), x,
                         self.parameter(node, "weight"))
        bias = self.parameter(node, "bias")
        return y if bias is None else y + bias[:, None, None]

    def normalized(self, node, unit, x, mean, variance, dims):
        """Gradients come by three ways that may cancel each other, with rounding of their own: so one is shaken."""
        centred = Shake.apply(x, self) - mean
        deviation = (variance + unit.get("normalization_epsilon", 1e-5)).sqrt()
        scale, bias = (self.parameter(node, name) for name in ("scale", "bias"))
        y = centred / deviation * scale.reshape(dims)
        return y if bias is None else y + bias.reshape(dims)

    def batch_norm(self, node, unit, x):
        dims, over = ((-1, 1, 1), (0, 2, 3)) if x.dim() == 4 else ((-1,), (0,))
        running = [self.parameter(node, name) for name in ("mean", "variance")]
        if not self.learning or f"units.{node}.mean" in self.plan.frozen:
            return self.normalized(node, unit, x, *(each.reshape(dims) for each in running), dims)
        mean = x.mean(over, keepdim=True)
        variance = ((x - mean)**2).mean(over, keepdim=True)
        count = x.numel() // x.shape[1]
        rate = unit.get("normalization_rate", 0.1)
        with torch.no_grad():
            running[0] += rate * (mean.flatten() - running[0])
            running[1] += rate * (variance.flatten() * count / (count - 1) - running[1])
        return self.normalized(node, unit, x, mean, variance, dims)

    def layer_norm(self, node, unit, x):
        mean = x.mean(-1, keepdim=True)
        return self.normalized(node, unit, x, mean, ((x - mean)**2).mean(-1, keepdim=True), (-1,))

    def activation(self, node, unit, x):
        if unit["activation"] in ("relu", "leaky_relu"):
            self.kinks.append((x.detach(), x.detach().abs()))
        return {"identity": lambda z: z.clone(), "relu": torch.relu, "tanh": torch.tanh, "gelu": F.gelu, "silu": F.silu,
                "leaky_relu": lambda z: F.leaky_relu(z, unit.get("leak", 0.01))}[unit["activation"]](x)

    def pool(self, node, unit, x):
        if unit["pool"] == "average":
            return F.avg_pool2d(x, unit["kernel"], unit["stride"])
        windows = F.unfold(x.detach().flatten(0, 1)[:, None], unit["kernel"], stride=unit["stride"])
        if windows.shape[1] > 1:
            first, second = windows.topk(2, 1).values.unbind(1)
            self.kinks.append((x.detach(), (first - second) / 2))
        return F.max_pool2d(x, unit["kernel"], unit["stride"])

    def dropout(self, node, unit, x):
        if not self.learning:
            return x.clone()
        return drop(x, self.plan, UNIT_DROPOUT + PURPOSES * (node - 1), self.dropped, unit["dropout"],
                    unit.get("dropout_maps", 0))

    def add(self, node, unit, x, other):
        return x + other

    def concat(self, node, unit, x, other):
        return torch.cat([x, other], -1 if x.dim() == 3 else 1)

    def global_pool(self, node, unit, x):
        return x.mean(1) if x.dim() == 3 else x.mean((2, 3))

    def flatten(self, node, unit, x):
        return x.flatten(1)

    def transpose(self, node, unit, x):
        return x.transpose(1, 2)

    def tokens(self, node, unit, x):
        return x.flatten(2).transpose(1, 2)

    def embedding(self, node, unit, x):
        weight = self.parameter(node, "weight")
        self.touched[f"units.{node}.weight"] = x.long().unique()
        return F.embedding(x.long(), weight)

    def positions(self, node, unit, x):
        return x + self.parameter(node, "weight")

    def attention(self, node, unit, x):
        rows, count, width = x.shape[0], x.shape[1], x.shape[2] // 3 // unit["heads"]
        q, k, v = x.reshape(rows, count, 3, unit["heads"], width).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(2, 3) / width**0.5
        if unit.get("causal"):
            scores = scores + torch.full((count, count), -torch.inf, dtype=x.dtype).triu(1)
        return (scores.softmax(3) @ v).transpose(1, 2).flatten(2)

    def units(self, x, learning):
        """The outputs of all units, and the goodness."""
        self.learning, self.kinks, self.touched, head = learning, [], {}, self.plan.head
        nodes = [x.reshape(len(x), *self.plan.shape)]
        for node, unit in enumerate(self.plan.units, 1):
            y = getattr(self, unit["kind"])(node, unit, *(nodes[each] for each in unit["inputs"]))
            nodes.append(Shake.apply(y, self))
        f = nodes[self.read_node()]
        if head.get("pool_size"):
            f = F.adaptive_avg_pool2d(f, head["pool_size"])
        f = f if head.get("positions") else f.flatten(1)
        return nodes, Shake.apply(f @ self.projection().T, self)

    def projection(self):
        """M: what is shared, and what is the layer's own; either may be lacking."""
        return torch.cat([m for m in (self.shared, self.values.get("head.projection")) if m is not None], 1)

    def read_node(self):
        """The node that M reads: the last one, but for the map for similarities."""
        return self.plan.head.get("input_node", len(self.plan.units) - ("similarity" in self.plan.head))

    def passed(self, nodes):
        """What the next layer reads, before dropout."""
        return nodes[self.plan.head.get("output_node", self.read_node())].detach()

    def passed_dropped(self, a):
        if self.plan.dropout > 0:
            a = drop(a, self.plan, DROPOUT, self.dropped, self.plan.dropout, self.plan.dropout_maps)
        if self.plan.dropout > 0 or any(unit["kind"] == "dropout" for unit in self.plan.units):
            self.dropped += 1
        return a

    def losses(self, goodness, y, weights, smoothing):
        """Of each row or position with its share of the mean; how many are right; how far the best classes are apart."""
        goodness, y = goodness.reshape(-1, goodness.shape[-1]), torch.from_numpy(y.astype(np.int64)).flatten()
        share = torch.ones(len(y), dtype=self.dtype)
        if weights is not None:
            share = self.exact(weights).repeat_interleave(len(y) // len(weights))
        share = share * (y != IGNORED)
        best = goodness.detach().topk(2, 1).values
        right = ((goodness.argmax(1) == y) & (share > 0)).sum().item()
        each = F.cross_entropy(goodness, y.clamp(min=0), reduction="none", label_smoothing=smoothing)
        gap = (best[:, 0] - best[:, 1])[y != IGNORED].min().item()
        return each[share > 0], (share / share.sum())[share > 0], right, gap

    # Similarity matching

    def deviations(self, maps):
        """Of each map over its places. A map that is the same everywhere has 0, and no gradient."""
        centred = maps - maps.mean((2, 3), keepdim=True)
        variance = (centred**2).mean((2, 3))
        deviation = torch.where(variance > 0, variance, torch.ones_like(variance)).sqrt() * (variance > 0)
        # Only zeros are the same number to each method; of others rounding makes a deviation.
        even = (variance == 0) & (maps != 0).any(3).any(2)
        self.kinks.append((deviation.detach(), deviation.detach() + even * 1e-30))
        return deviation

    def directions(self, s):
        """Less its mean, each row has the length 1, or 0 where all of its numbers are the same."""
        centred = s - s.mean(1, keepdim=True)
        squares = (centred**2).sum(1, keepdim=True)
        some = squares > 1e-16
        length = torch.where(some, squares, torch.ones_like(squares)).sqrt()
        even = ~some & (s != 0).any(1, keepdim=True)
        self.kinks.append((centred.detach(), (length * some + even * 1e-30).detach()))
        return centred / length * some

    def dissimilarities(self, made, y, weights):
        """Of each pair of rows, with its share of the mean."""
        s = self.deviations(made) if made.dim() == 4 and made[0, 0].numel() > 1 else made.flatten(1)
        v = Shake.apply(self.directions(Shake.apply(s, self)), self)
        y = torch.from_numpy(y)
        same = (y[:, None] == y).to(self.dtype)
        alike = same - (1 - same) / (self.plan.classes - 1)
        share = torch.ones(len(y), dtype=self.dtype) if weights is None else self.exact(weights)
        share = share / share.sum()
        return ((Shake.apply(v @ v.T, self) - alike)**2).flatten(), (share[:, None] * share).flatten()

    # A step

    def scored(self, goodness, y):
        """The scores of the classes that a sampled head has drawn, and the labels among these."""
        counts = self.values.get("head.counts")
        columns, offsets = candidates(self.plan.head, self.plan.classes, counts if counts is None else counts.numpy(),
                                      self.plan.seed, self.applied, y.ravel())
        self.touched["head.projection"] = torch.tensor(columns)
        y = np.array([IGNORED if each == IGNORED else columns.index(each) for each in y.ravel()])
        return goodness[..., columns] + torch.tensor(offsets, dtype=self.dtype), y

    def gradients(self, x, y, weights):
        """What a step computes before its update. Returns what it passes on; the parts of its loss, each a factor, losses
        and their shares of a mean; and how many rows are right, and how far the best classes are apart."""
        for tensor in self.values.values():
            tensor.grad = None
        plan, (nodes, goodness) = self.plan, self.units(x, True)
        among = self.scored(goodness, y) if plan.head.get("sampling") else (goodness, y)
        *losses, right, gap = self.losses(*among, weights, plan.smoothing)
        similarity = plan.head.get("similarity", 0.0)
        parts = [(1 - similarity, *losses)]
        if similarity > 0:
            parts.append((similarity, *self.dissimilarities(nodes[-1], y, weights)))
        for made, unit in zip(nodes[1:], plan.units):
            if unit.get("loss_weight"):
                parts.append((unit["loss_weight"], *self.losses(made, y, weights, plan.smoothing)[:2]))
        loss = sum(factor * (each * share).sum() for factor, each, share in parts)
        if loss.requires_grad:  # not if all is frozen
            loss.backward()
        self.applied += 1
        parts = [(factor, each.detach(), share) for factor, each, share in parts]
        return self.passed_dropped(self.passed(nodes)), parts, right, gap

    def pass_on(self, x):
        """What a layer hands on that does not learn."""
        with torch.no_grad():
            return self.passed_dropped(self.passed(self.units(x, False)[0]))

    def evaluate(self, x):
        with torch.no_grad():
            nodes, goodness = self.units(x, False)
            return self.passed(nodes), goodness

    # The optimizer

    def set_optimizer(self, kind, options):
        """One of PyTorch's; weights and projections decay."""
        options = dict(options)
        self.clip, decay = options.pop("clip_norm", 0.0), options.pop("weight_decay", 0.0)
        decaying = [t for n, t in self.values.items() if t.requires_grad and n.endswith((".weight", ".projection"))]
        others = [t for n, t in self.values.items() if t.requires_grad and not n.endswith((".weight", ".projection"))]
        groups = [{"params": decaying, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
        lr, eps = options["learning_rate"], options.get("epsilon", float(np.float32(1e-8)))
        beta1, beta2 = (options.get(name, float(np.float32(default))) for name, default in
                        (("beta1", 0.9), ("beta2", 0.999)))
        momentum = options.get("momentum", 0.0)
        make = {"sgd": lambda: torch.optim.SGD(groups, lr, momentum, nesterov=bool(options.get("nesterov"))),
                "adam": lambda: torch.optim.Adam(groups, lr, (beta1, beta2), eps),
                "adamw": lambda: torch.optim.AdamW(groups, lr, (beta1, beta2), eps),
                "rmsprop": lambda: torch.optim.RMSprop(groups, lr, beta2, eps, momentum=momentum)}
        self.optimizer = make[kind]()

    def gradient(self):
        """All of it, one value after the other."""
        parts = [t.grad.flatten().double() for t in self.values.values() if t.grad is not None]
        return torch.cat(parts) if parts else torch.zeros(1).double()

    def apply(self, learning_rate, whole):
        """An update; `whole` for one from gradients that the host has held, which reaches all rows of a sampled M and
        of embeddings."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        norm = self.gradient().norm().item()
        for tensor in self.values.values():
            if self.clip > 0 and norm > self.clip and tensor.grad is not None:
                tensor.grad *= self.clip / norm
        kept = [] if whole else [self.rows_kept(name, rows) for name, rows in self.touched.items()
                                 if name in self.values and self.values[name].requires_grad]
        self.optimizer.step()
        for put_back in kept:
            put_back()

    def rows_kept(self, name, touched):
        """Rows of a parameter that a step does not touch, and what the optimizer has of them: a function that puts them
        back."""
        tensor = self.values[name]
        kept = torch.ones(len(tensor), dtype=torch.bool)
        kept[touched] = False
        of_rows = lambda: {key: value for key, value in self.optimizer.state[tensor].items()
                           if torch.is_tensor(value) and value.shape == tensor.shape}
        before = tensor.detach().clone(), {key: value.clone() for key, value in of_rows().items()}

        def put_back():
            with torch.no_grad():
                tensor[kept] = before[0][kept]
                for key, value in of_rows().items():
                    value[kept] = before[1][key][kept] if key in before[1] else 0.0

        return put_back
