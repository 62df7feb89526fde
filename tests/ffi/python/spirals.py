"""What several tests learn from. SPDX-License-Identifier: MIT"""
import numpy

import monoforward as mf

ARMS = 3


def make(count=600, seed=0):
    """Points on the arms of a spiral: no line parts them, a small network does."""
    random = numpy.random.default_rng(seed)
    labels = (numpy.arange(count) % ARMS).astype(numpy.int32)
    radius = random.uniform(0.1, 1, count)
    angle = 2 * numpy.pi * labels / ARMS + 4 * radius + random.normal(0, 0.1, count)
    return numpy.stack([radius * numpy.cos(angle), radius * numpy.sin(angle)], axis=1).astype(numpy.float32), labels


def network(widths=(64, 64), seed=1, **options):
    """A network for them, with its optimizer."""
    sizes = [2, *widths]
    layers = [mf.Layer(inputs=before, outputs=after, classes=ARMS, seed=seed + index, **options)
              for index, (before, after) in enumerate(zip(sizes, sizes[1:]))]
    made = mf.Network(layers)
    made.set_optimizer(mf.Optimizer("adam", learning_rate=0.01))
    return made


def train(made, step, epochs=60, batch=50):
    """Hands batches to `step`."""
    x, y = make()
    for _ in range(epochs):
        for first in range(0, len(x), batch):
            step(x[first:first + batch], y[first:first + batch])


def parameters(made):
    """Bytes of all parameters."""
    return b"".join(values.tobytes() for index in range(len(made))
                    for values in made.layer(index).parameters().values())
