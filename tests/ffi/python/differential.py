"""Random networks against PyTorch's autograd: several steps with all options, and what the network answers then. Each
network follows from its number:

    differential.py --first 17 --count 1

A value may be as far from the oracle's, in double, as rounding can take it. How far that is, samples tell: the same
network in float32, with values and gradients that move by some units in the last place (oracle.Layer), over the same
steps. With S the largest distance of four samples from the oracle, within a tensor, and A the largest value of the
oracle's, the library's may be K S + 4 units of A away, K = 16. If the library were one more sample, of a tensor of one
value it would be beyond that once in 50,000 times; of larger ones more seldom. The distance of a norm is at most the
norm of the distance, and that of a mean of losses the largest of one loss: for these two, S is that. So what is allowed
follows from how badly a value is conditioned, and nothing is guessed for a kind of unit or optimizer.

Where a derivative jumps (ReLU at 0, equal values in a maximum), no bound holds. If a value of the oracle is nearer to such
a place than 32 S, or a label's class as near to another one, the network's numbers are drawn anew: that is counted, and
must be rare. SPDX-License-Identifier: MIT"""
import argparse
import collections
import ctypes
import sys

import numpy as np
import torch

import monoforward as mf
from monoforward._library import check, library

import networks
import oracle

SAMPLES, K, NEAR, ULPS = 4, 16.0, 32.0, 4 * 2.0**-24
STEPS = 4


class NearTie(Exception):
    """A derivative jumps within what rounding does."""


class Deviation(Exception):
    """A value that no rounding explains."""


class Judge:
    """Holds the library's values against the oracle's, and counts."""

    def __init__(self):
        self.values = self.loose = 0
        self.worst = 0.0, ""

    def look(self, what, got, exact, samples):
        """Arrays of one shape."""
        got, exact = np.asarray(got, float), np.asarray(exact, float)
        if got.shape != exact.shape:
            raise Deviation(f"{what} has the shape {got.shape}, not {exact.shape}")
        if exact.size > 0:
            spread = max(np.abs(np.asarray(sample, float) - exact).max() for sample in samples)
            self.look_within(what, got, exact, spread)

    def look_within(self, what, got, exact, spread):
        scale = np.abs(exact).max()
        bound, off = K * spread + ULPS * scale + 1e-37, np.abs(got - exact).max()
        if not off <= bound:
            raise Deviation(f"{what} is {off:.3g} away, {bound:.3g} are allowed, where the largest value is {scale:.3g}")
        self.values += np.size(exact)
        self.loose += np.size(exact) * (bound > 0.01 * scale and bound > 1e-6)
        self.worst = max(self.worst, (off / bound, what))


class Run:
    """One network, in the library and in the oracles."""

    def __init__(self, number, attempt, judge):
        self.s, self.judge = networks.Source(2026, number, attempt), judge
        self.style, self.plans, self.layers = networks.random_network(self.s)
        self.choose_training()
        dtypes = [torch.float64] + [torch.float32] * SAMPLES
        shaking = [None] + [torch.Generator().manual_seed(each) for each in range(SAMPLES)]
        values = [layer.parameters() for layer in self.layers]
        self.oracles = [[oracle.Layer(plan, own, dtype, shaken) for plan, own in zip(self.plans, values)]
                        for dtype, shaken in zip(dtypes, shaking)]
        for layers in self.oracles:
            for layer in layers:
                layer.set_optimizer(self.kind, self.options)
        self.network = mf.Network(self.layers)
        self.scale_inputs()
        self.twin = self.network.clone(training=True)
        self.workspaces = [mf.Workspace(layer, self.style.rows) for layer in self.layers]

    def choose_training(self):
        s = self.s
        self.kind = s.of("sgd", "sgd", "adam", "adamw", "rmsprop")
        self.rate = s.real(0.01, 0.2) if self.kind == "sgd" else s.real(1e-3, 0.02)
        self.options = {"learning_rate": self.rate, "weight_decay": s.of(0.0, s.real(0, 0.3)),
                        "clip_norm": s.of(0.0, s.real(0.01, 2))}
        if self.kind in ("sgd", "rmsprop"):
            self.options["momentum"] = s.of(0.0, s.real(0.1, 0.95))
        if self.kind == "sgd" and self.options["momentum"] > 0:
            self.options["nesterov"] = s.whole(0, 1)
        if self.kind != "sgd":
            self.options |= {"beta2": s.real(0.5, 0.999), "epsilon": s.of(s.real(1e-8, 1e-7), s.real(1e-4, 0.1))}
        if self.kind.startswith("adam"):
            self.options["beta1"] = s.real(0, 0.95)
        self.optimizer = mf.Optimizer(self.kind, **self.options)
        self.optimizer.set("checked", s.whole(0, 1))
        for layer in self.layers:
            layer.set_optimizer(self.optimizer)
        # Step by step as layers, beside it the twin: a call for all layers, a pool, or a pipeline. Or in two halves.
        self.schedule = s.of("joint", "joint", "greedy")
        self.halves = s.chance(0.25)
        self.twin_by = s.of("network", "pool", "pipeline", "pipeline with a pool") if self.schedule == "joint" else \
            s.of("network", "pool")
        self.warmup, self.total = s.whole(0, 3), s.whole(1, 8)
        self.type = s.of("floats", "ints" if self.style.vocabulary else "floats", "bytes", "bf16")
        self.weighted = s.chance(0.4)

    def words(self):
        """The network, for whoever has to look into it."""
        lines = [f"{self.style.rows} rows of {self.type}, {self.style.classes} classes, {self.kind} {self.options}, "
                 f"{self.schedule}, {'in halves' if self.halves else 'beside: ' + self.twin_by}"
                 f"{', sample weights' if self.weighted else ''}{', scaled inputs' if self.scaling else ''}"]
        for plan in self.plans:
            columns = 0 if plan.shared is None else plan.shared.shape[1]
            lines.append(f"  layer of {plan.shape}: head {plan.head}, columns shared {columns}, dropout {plan.dropout:.3g}, "
                         f"smoothing {plan.smoothing:.3g}, bf16 {plan.bf16}, frozen {plan.frozen}, seed {plan.seed}")
            lines += [f"    {node}: {unit}" for node, unit in enumerate(plan.units, 1)]
        return "\n".join(lines)

    # Batches

    def scale_inputs(self):
        """The network's own scaling, which a layer by itself does not know."""
        self.scaling = None
        if self.s.chance(0.25) and not self.style.vocabulary:  # tokens stay what they are
            channels = self.plans[0].shape[0 if len(self.plans[0].shape) == 3 else -1]
            count = self.s.of(1, channels)
            shift, scale = (self.s.random.uniform(low, high, count).astype(np.float32) for low, high in ((-1, 1), (.5, 2)))
            floats = lambda array: array.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
            check(library.mf_network_set_input_scaling(self.network, floats(shift), floats(scale), count))
            shape = (-1, 1, 1) if len(self.plans[0].shape) == 3 else (-1,)
            self.scaling = shift.reshape(shape), scale.reshape(shape)

    def draw_batch(self):
        """Inputs as the network gets them, their values as floats, labels, and weights."""
        s, rows, shape = self.s, self.s.whole(2, self.style.rows), self.plans[0].shape
        inputs = {}
        if self.style.vocabulary:
            given, x, inputs = self.draw_tokens((rows, *shape))
        elif self.type == "bytes":
            given = s.random.integers(0, 256, (rows, *shape), np.uint8)
            scale, shift = s.real(1e-3, 1e-2), s.real(-200, 0)
            inputs = {"scale": scale, "shift": shift}
            x = (given.astype(np.float32) + np.float32(shift)) * np.float32(scale)
        else:
            given = x = s.random.standard_normal((rows, *shape)).astype(np.float32)
            if self.type == "bf16":
                given = (x.view(np.uint32) >> 16).astype(np.uint16)
                x, inputs = (given.astype(np.uint32) << 16).view(np.float32), {"bf16": True}
        if self.scaling:
            x = (x + self.scaling[0]) * self.scaling[1]
        y = s.random.integers(0, self.style.classes, (rows, *self.layers[0].goodness_shape()[:-1])).astype(np.int32)
        if self.style.positions:
            y[s.random.random(y.shape) < 0.2] = oracle.IGNORED
            y[0, 0] = 0
        if self.weighted:
            weights = s.random.uniform(0, 2, rows).astype(np.float32)
            weights[1:][s.random.random(rows - 1) < 0.2] = 0
            inputs["weights"] = weights
        return given.reshape(rows, -1), np.ascontiguousarray(x.reshape(rows, -1)), y, inputs

    def draw_tokens(self, shape):
        """Tokens as the network gets them, as floats, and what makes tokens of bytes."""
        tokens = self.s.random.integers(0, self.style.vocabulary, shape)
        x, inputs = tokens.astype(np.float32), {}
        given = {"floats": x, "ints": tokens.astype(np.int32), "bf16": (x.view(np.uint32) >> 16).astype(np.uint16)}
        if self.type == "bytes":
            above = self.s.whole(0, 99)
            return (tokens + above).astype(np.uint8), x, {"scale": 1.0, "shift": -above}
        return given[self.type], x, {"bf16": True} if self.type == "bf16" else {}

    # Steps

    def look(self, what, got, of_layers):
        """One value of the library; of_layers: that of a list of oracle layers."""
        values = [np.asarray(of_layers(layers)) for layers in self.oracles]
        self.judge.look(what, got, values[0], values[1:])

    def look_at_kinks(self, position):
        """Whether rounding may have taken a value past a place where a derivative jumps."""
        exact, *samples = (layers[position].kinks for layers in self.oracles)
        for kink, (values, margins) in enumerate(exact):
            spread = max((sample[kink][0].double() - values).abs().max().item() for sample in samples)
            apart = margins[margins > 0]  # what is exactly 0 is so in the library: nothing is added up there
            if len(apart) and apart.min().item() < NEAR * spread:
                raise NearTie

    def step(self, number):
        given, x, y, inputs = self.draw_batch()
        rate = self.rate * min(1, (number + 1) / self.warmup if self.warmup else 1)
        rate *= 0.1 + 0.9 * (1 + np.cos(np.pi * number / self.total)) / 2 if number < self.total else 0.1
        base = self.rate * library.mf_schedule_warmup(number, self.warmup)
        learns = self.s.whole(0, len(self.layers) - 1) if self.schedule == "greedy" else None
        self.optimizer.set("learning_rate", base * library.mf_schedule_cosine(number, self.total, 0.1))
        weights = inputs.get("weights")
        passed = [torch.from_numpy(x.astype(np.float64)).to(layers[0].dtype) for layers in self.oracles]
        for position, layer in enumerate(self.layers[:None if learns is None else learns + 1]):
            a = np.empty((len(x), layer.describe().outputs), np.float32)
            steps = learns is None or position == learns
            what = f"step {number}, layer {position}: "
            if steps:
                passed = self.learn(what, position, x, y, weights, a, passed, float(np.float32(rate)))
            else:
                check(library.mf_layer_pass_batch(layer, self.workspaces[position], self.batch(position, x, None, None),
                                                  self.floats(a)))
                passed = [layers[position].pass_on(p) for layers, p in zip(self.oracles, passed)]
            flat = [p.flatten(1).numpy() for p in passed]
            self.judge.look(what + "what it passes on", a, flat[0], flat[1:])
            x = a
        if not self.halves:
            self.step_twin(given, y, inputs, learns)

    def learn(self, what, position, x, y, weights, a, passed, rate):
        """A step of one layer, in the library and the oracles; what these pass on."""
        layer, workspace = self.layers[position], self.workspaces[position]
        gradients = None
        if self.halves:
            gradients = self.gradients(layer, workspace, self.batch(position, x, y, weights), a)
        else:
            check(library.mf_layer_step_batch(layer, workspace, self.batch(position, x, y, weights), self.floats(a)))
        done = [layers[position].gradients(p, y, weights) for layers, p in zip(self.oracles, passed)]
        self.look_at_kinks(position)
        self.look_at_report(what, position, workspace.report(), done)
        if gradients is not None:
            self.look_at_gradients(what, position, gradients)
        for layers in self.oracles:
            layers[position].apply(rate, self.halves)
        self.look_at_parameters(what, position)
        return [each[0] for each in done]

    def look_at_report(self, what, position, report, done):
        (_, parts, right, gap), *samples = done
        loss = sum(factor * (each * share).sum().item() for factor, each, share in parts)
        spread = max(sum(factor * (other[1].double() - each).abs().max().item()
                         for (factor, each, _), other in zip(parts, sample[1])) for sample in samples)
        self.judge.look_within(what + "the loss", report.loss, loss, spread)
        if self.options["clip_norm"] > 0 and not self.halves:
            exact_gradient, *others = (layers[position].gradient() for layers in self.oracles)
            spread = max((other - exact_gradient).norm().item() for other in others)
            self.judge.look_within(what + "the norm of the gradient", report.gradient_norm, exact_gradient.norm().item(),
                                   spread)
        # How many are right, unless a class is as good as another within rounding.
        spread = max(abs(sample[3] - gap) for sample in samples)
        if gap > max(NEAR * spread, 1e-3) and report.correct != right:
            raise Deviation(f"{what}{report.correct} are right, {right} are for PyTorch")

    def look_at_gradients(self, what, position, gradients):
        for name, got in gradients.items():
            def own(layers, name=name):
                names = {library_name: own for own, library_name in layers[position].plan.names.items()}
                tensor = layers[position].values[names.get(name, name)]
                return torch.zeros_like(tensor) if tensor.grad is None else tensor.grad.clone()
            self.look(f"{what}the gradient of {name}", got, own)

    def look_at_parameters(self, what, position):
        got = self.layers[position].parameters()
        for own in self.oracles[0][position].values:
            name = self.plans[position].name(own)
            self.look(what + name, got[name], lambda layers: layers[position].values[own].detach())

    @staticmethod
    def floats(array):
        return array.ctypes.data_as(ctypes.POINTER(ctypes.c_float))

    def batch(self, position, x, y, weights):
        """A mf_batch, some of whose rows are further apart than they are long."""
        apart = self.s.whole(0, 3)
        self.kept = rows = np.full((len(x), x.shape[1] + apart), np.nan, np.float32), y, weights
        rows[0][:, :x.shape[1]] = x
        batch = mf.abi.mf_batch()
        check(library.mf_batch_init(ctypes.byref(batch), ctypes.sizeof(batch)))
        batch.rows, batch.inputs, batch.input_stride = len(x), rows[0].ctypes.data, rows[0].shape[1]
        batch.targets = None if y is None else y.ctypes.data
        batch.sample_weights = None if weights is None else weights.ctypes.data
        return ctypes.byref(batch)

    def gradients(self, layer, workspace, batch, a):
        """The first half of a step, and the second; the gradients by name."""
        shapes = {name: values.shape for name, values in layer.parameters().items()}
        whole = np.empty(sum(int(np.prod(shape)) for shape in shapes.values()), np.float32)
        check(library.mf_layer_gradients(layer, workspace, batch, self.floats(a), self.floats(whole), len(whole)))
        check(library.mf_layer_apply(layer, self.floats(whole), len(whole)))
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])[:-1]
        return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), np.split(whole, ends))}

    # The twin: the same bits by other calls

    def step_twin(self, given, y, inputs, learns):
        twin = self.twin
        for position in range(len(twin)):
            twin.layer(position).optimizer().set("learning_rate", self.optimizer.get("learning_rate"))
        pool = mf.Pool(3) if "pool" in self.twin_by else None
        if self.twin_by.startswith("pipeline"):
            with mf.Pipeline(twin, self.style.rows, workers=0 if pool else 2, pool=pool) as pipeline:
                pipeline.submit(given, y, **inputs)
                pipeline.flush()
        else:
            workspace = mf.Workspace(twin, self.style.rows, convert=True, pool=pool)
            if learns is None:
                twin.step(workspace, given, y, **inputs)
            else:
                rows = mf._network.batch(given, y, twin.inputs, twin._positions, **inputs)
                check(library.mf_network_step_layer_batch(twin, workspace, learns, ctypes.byref(rows)))
        for position, layer in enumerate(self.layers):
            other = twin.layer(position).parameters()
            for name, values in layer.parameters().items():
                if values.tobytes() != other[name].tobytes():
                    raise Deviation(f"layer {position}: {name} has other bits by {self.twin_by} than layer by layer")

    # Answers

    def answer(self):
        """What the network says in the end: losses, scores, probabilities."""
        given, x, y, inputs = self.draw_batch()
        workspace = mf.Workspace(self.network, self.style.rows, convert=True)
        self.network.evaluate(workspace, given, y, **inputs)
        reports = [workspace.report(i) for i in range(len(self.layers))] + [workspace.report_sum()]
        weights = inputs.pop("weights", None)
        told = []  # by each oracle: goodness of the last layer, of the sum, and the losses of all rows and layers
        for layers in self.oracles:
            a, scores, losses = torch.from_numpy(x.astype(np.float64)).to(layers[0].dtype), [], []
            for layer in layers:
                a, goodness = layer.evaluate(a)
                scores.append(goodness)
            for goodness in scores + [sum(scores)]:
                each, share, _, _ = layers[0].losses(goodness, y, weights, 0.0)
                losses.append(each.double())
            told.append((scores[-1], sum(scores), torch.stack(losses), share))
        for mode, of in (("last", 0), ("sum", 1)):
            for what, got, exact in (
                    ("goodness", self.network.goodness, lambda t: t),
                    ("probabilities", self.network.probabilities, lambda t: t.softmax(-1))):
                values = [exact(each[of]).numpy() for each in told]
                self.judge.look(f"{what} by {mode}", got(workspace, given, mode, **inputs), values[0], values[1:])
        spread = max((each[2] - told[0][2]).abs().max().item() for each in told[1:])
        self.judge.look_within("the losses of an evaluation", np.array([each.loss for each in reports]),
                               (told[0][2] * told[0][3]).sum(1).numpy(), spread)


def heads_of(plan):
    """What a layer learns from and reads beside its own, in words."""
    has = {"sampled": "sampling" in plan.head, "similarity": "similarity" in plan.head,
           "shared matrix": plan.shared is not None,
           "auxiliary head": any("loss_weight" in unit for unit in plan.units)}
    found = [what for what in has if has[what]]
    return found + [f"{what} in bf16" for what in found if plan.bf16] + ["bf16"] * plan.bf16


def run(number, judge):
    """One network; how often it was drawn anew."""
    for attempt in range(20):
        one = Run(number, attempt, judge)
        try:
            for step in range(STEPS):
                one.step(step)
            one.answer()
            return attempt, one
        except NearTie:
            continue
        except (Deviation, mf.MonoforwardError) as failure:
            sys.exit(f"failed: network {number}, drawn {attempt + 1} times (--first {number} --count 1): {failure}\n"
                     f"{one.words()}")
    sys.exit(f"failed: network {number} has a near-tie however it is drawn\n{one.words()}")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--first", type=int, default=0)
    arguments.add_argument("--count", type=int, default=500)
    chosen = arguments.parse_args()
    torch.set_num_threads(1)
    judge, again, kinds = Judge(), 0, collections.Counter()
    for number in range(chosen.first, chosen.first + chosen.count):
        attempts, one = run(number, judge)
        again += attempts
        kinds.update({unit["kind"] for plan in one.plans for unit in plan.units})
        kinds.update({what for plan in one.plans for what in heads_of(plan)})
    if again > chosen.count // 4 + 2:
        sys.exit(f"failed: {again} near-ties in {chosen.count} networks: the test looks away too often")
    if judge.loose > judge.values // 4:
        sys.exit(f"failed: {judge.loose} of {judge.values} values are known to 1% at most: the bounds say too little")
    print("networks with each kind of unit and head: " +
          ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())))
    print(f"PyTorch {torch.__version__}: {chosen.count} random networks agree in {judge.values} values ({judge.loose} of them "
          f"are known to 1% at most); {again} were drawn anew; the worst value is off by {judge.worst[0]:.2f} of what is allowed ({judge.worst[1]})")


main()
