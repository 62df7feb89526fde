#!/usr/bin/env python3
"""Trains on MNIST as examples/studies/mnist does by default: the same network, order of images and numbers, so that the
same build of the library gives the same parameters, bit for bit. See --help.

SPDX-License-Identifier: MIT
"""
import argparse
import sys
import time

try:
    import numpy

    import idx
    import monoforward as mf
    import randomness
except ImportError as error:  # no numpy (Debian: python3-numpy), or no library
    sys.exit(f"mnist.py: {error}")

PURPOSE_SHUFFLING, PURPOSE_FIRST_LAYER = 100, 1000  # as in examples/studies/mnist
EVALUATION_BATCH = 100
DRAWN_TRAIN, DRAWN_TEST = 20000, 4000


def read_options():
    parser = argparse.ArgumentParser(description="Trains a dense network on MNIST with Mono-Forward, from Python.")

    def count(least):
        def convert(text):
            if int(text) < least:
                raise argparse.ArgumentTypeError(f"{text} is not a whole number from {least} on")
            return int(text)
        return convert

    parser.add_argument("--data", metavar="DIR", help="folder of the IDX files, gzipped or not ($MONOFORWARD_DATA, "
                        "then data/mnist here; without any, drawn images)")
    parser.add_argument("--hidden", default="1000,1000", help="neurons of each layer (1000,1000)",
                        type=lambda text: [count(1)(each) for each in text.split(",")])
    parser.add_argument("--epochs", type=count(1), default=10, help="passes over the training set (10)")
    parser.add_argument("--batch", type=count(1), default=128, help="samples of a step (128)")
    parser.add_argument("--learning-rate", type=float, default=0.001, help="step size of Adam (0.001)")
    parser.add_argument("--seed", type=count(0), default=1, help="equal seeds repeat a run (1)")
    parser.add_argument("--workers", type=count(0), help="threads that share the work, 0: none but one (one per processor)")
    parser.add_argument("--threads", type=count(1),
                        help="threads of the BLAS library (1 with workers, else its own choice)")
    return parser.parse_args()


class Data:
    """Images, the bytes of the files, and labels; and what makes the bytes inputs of mean 0 and deviation 1 over the
    training set. The library converts them, batch by batch: there is no copy of them as floats."""

    def __init__(self, folder, seed):
        self.drawn = folder is None
        if self.drawn:
            train, test = idx.draw(DRAWN_TRAIN, seed), idx.draw(DRAWN_TEST, seed + 1)
        else:
            train, test = idx.load(folder, "train"), idx.load(folder, "t10k")
        if train[0].shape[1] != test[0].shape[1]:
            raise ValueError(f"{folder}: the images of both sets differ in size")
        # There are only 256 values of pixels. The deviation is that of exact sums. bincount() makes numbers of 8 bytes
        # of what it counts, so it gets a part at a time.
        parts = numpy.array_split(train[0], 64)
        counts = sum(numpy.bincount(part.ravel(), minlength=256) for part in parts).tolist()
        total = float(sum(counts))
        mean = sum(value * count for value, count in enumerate(counts)) / total
        variance = sum(value * value * count for value, count in enumerate(counts)) / total - mean * mean
        scale = numpy.float32(1) / numpy.float32(variance ** 0.5 if variance > 0 else 1)
        self.inputs = {"shift": -mean, "scale": float(scale)}
        self.train, self.test = ((images, labels.astype(numpy.int32)) for images, labels in (train, test))


class Trainer:
    """The network with its optimizer and the two arrays that every batch is gathered into."""

    def __init__(self, options, data):
        inputs = data.train[0].shape[1]
        sizes = [inputs, *options.hidden]
        self.layers = [mf.Layer(inputs=before, outputs=size, classes=idx.CLASSES,
                                seed=randomness.derive(options.seed, PURPOSE_FIRST_LAYER + index))
                       for index, (before, size) in enumerate(zip(sizes, sizes[1:]))]
        self.options, self.data = options, data
        self.optimizer = mf.Optimizer("adam", learning_rate=options.learning_rate)
        self.network = mf.Network(self.layers)
        self.network.set_optimizer(self.optimizer)
        self.pipeline = self.training = pool = None
        if options.workers:
            pool = mf.Pool(options.workers)
            self.pipeline = mf.Pipeline(self.network, options.batch, pool=pool, on_report=self._add)
        else:
            self.training = mf.Workspace(self.network, options.batch, convert=True)
        self.evaluation = mf.Workspace(self.network, EVALUATION_BATCH, purpose="inference", convert=True, pool=pool)
        self.x = numpy.empty((options.batch, inputs), numpy.uint8)
        self.y = numpy.empty(options.batch, numpy.int32)
        self.order = numpy.arange(len(data.train[0]))
        self.shuffling = randomness.Stream(randomness.derive(options.seed, PURPOSE_SHUFFLING))
        self.step = 0
        self.losses = [0.0] * len(self.layers)

    def _add(self, report):
        self.losses[report.position] += report.loss * report.rows

    def run_epoch(self, progress):
        """One pass over the training set; the seconds that it took."""
        started = time.perf_counter()
        images, labels = self.data.train
        count, batch = len(images), self.options.batch
        total = -(-count // batch) * self.options.epochs
        self.losses[:] = [0.0] * len(self.layers)
        self.shuffling.shuffle(self.order)
        for first in range(0, count, batch):
            progress(first, count, started)
            chosen = self.order[first:first + batch]
            # mode: any other than "raise" writes into `out` without a buffer in between.
            x = numpy.take(images, chosen, axis=0, out=self.x[:len(chosen)], mode="clip")
            y = numpy.take(labels, chosen, out=self.y[:len(chosen)], mode="clip")
            rate = self.options.learning_rate * mf.library.mf_schedule_cosine(self.step, total, 0.0)
            self.optimizer.set("learning_rate", rate)
            self.step += 1
            self._learn(x, y)
        if self.pipeline:
            self.pipeline.flush()
        return time.perf_counter() - started

    def _learn(self, x, y):
        if self.pipeline:
            self.pipeline.submit(x, y, **self.data.inputs)
            return
        self.network.step(self.training, x, y, **self.data.inputs)
        for position in range(len(self.layers)):
            report = self.training.report(position)
            self.losses[position] += report.loss * report.rows

    def evaluate(self):
        """Percent of the test images that each layer gets right, and all together."""
        images, labels = self.data.test
        correct = [0] * (len(self.layers) + 1)
        for first in range(0, len(images), EVALUATION_BATCH):
            part = slice(first, first + EVALUATION_BATCH)
            self.network.evaluate(self.evaluation, images[part], labels[part], **self.data.inputs)
            for position in range(len(self.layers)):
                correct[position] += self.evaluation.report(position).correct
            correct[-1] += self.evaluation.report_sum().correct
        return [100 * each / len(images) for each in correct]

    def hash_parameters(self):
        """FNV-1a of all parameters, as the examples in C print it."""
        value = 0xCBF29CE484222325
        for layer in self.layers:
            for parameter in layer.parameters().values():
                for byte in parameter.tobytes():
                    value = (value ^ byte) * 0x100000001B3 & randomness.MASK
        return value


def make_progress(name):
    """A bar on a terminal, at most ten times a second."""
    shown = [time.perf_counter()]

    def show(done, total, started):
        now = time.perf_counter()
        if now - shown[0] < 0.1 or done == 0:
            return
        shown[0] = now
        full, rate = done * 30 // total, done / (now - started)
        print(f"\r{name} [{'#' * full}{'.' * (30 - full)}] {done * 100 // total:3}%  {rate:.0f} samples/s \033[K",
              end="", file=sys.stderr, flush=True)
    return show if sys.stderr.isatty() else lambda *_: None


def print_header(options, folder, data):
    if data.drawn:
        print("data      no MNIST found (--data or $MONOFORWARD_DATA): IMAGES DRAWN BY THIS PROGRAM, not MNIST")
    else:
        print(f"data      {folder}")
    print(f"          {len(data.train[0])} images to learn from, {len(data.test[0])} to test with")
    print(f"training  Adam, learning rate {options.learning_rate:g} cosine, batch {options.batch}, "
          f"seed {options.seed}, hidden {','.join(map(str, options.hidden))}")
    print(f"library   libmonoforward {mf.version()}, products by {mf.products_name()}, {options.workers} workers\n")
    print("epoch     loss   LAST %    SUM %  seconds  samples/s", flush=True)


def set_blas_threads(threads):
    """A BLAS library without threads of its own has one, which is all right."""
    try:
        mf.set_blas_threads(threads)
    except mf.MonoforwardError:
        if threads > 1:
            raise


def main():
    options = read_options()
    folder = idx.find(options.data)
    if options.workers is None:
        processors = mf.Pool().threads()
        options.workers = processors if processors > 1 else 0
    if options.workers and not options.threads:
        options.threads = 1
    if options.threads:
        set_blas_threads(options.threads)
    data = Data(folder, options.seed)
    print_header(options, folder, data)
    trainer, count, total = Trainer(options, data), len(data.train[0]), 0.0
    for epoch in range(1, options.epochs + 1):
        seconds = trainer.run_epoch(make_progress(f"epoch {epoch} of {options.epochs}"))
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        total += seconds
        accuracy = trainer.evaluate()
        loss = trainer.losses[-1] / count
        print(f"{epoch:5} {loss:8.4f} {accuracy[-2]:8.2f} {accuracy[-1]:8.2f} {seconds:8.2f} {count / seconds:10.0f}",
              flush=True)
    layers = " ".join(f"layer{index + 1}={each:.2f}" for index, each in enumerate(accuracy[:-1]))
    print(f"\nresult example=mnist.py data={'drawn' if data.drawn else 'idx'} epochs={options.epochs} "
          f"seed={options.seed} hidden={','.join(map(str, options.hidden))} optimizer=adam "
          f"learning_rate={options.learning_rate:g} batch={options.batch} workers={options.workers} {layers} "
          f"last={accuracy[-2]:.2f} sum={accuracy[-1]:.2f} loss={loss:.4f} seconds={total:.2f} "
          f"samples_per_second={count * options.epochs / total:.0f} "
          f"params_hash={trainer.hash_parameters():016x}")


if __name__ == "__main__":
    try:
        main()
    except (mf.MonoforwardError, OSError, ValueError, EOFError) as error:
        sys.exit(f"mnist.py: {error}")
