"""A classifier in the manner of scikit-learn, which it does not need. SPDX-License-Identifier: MIT"""
import inspect
import json
import os
import zipfile

import numpy

from ._library import MonoforwardError, blas_threads, library, set_blas_threads
from ._network import Layer, Network, Optimizer, Workspace
from ._pipeline import Pipeline
from ._pool import Pool

PREDICT_ROWS = 256


class MonoforwardClassifier:
    """A network of dense layers that learns with Mono-Forward.

    hidden         neurons of each layer
    activation     identity, relu, leaky_relu, tanh or gelu
    normalization  none or batch
    precision      of the products with the weights: float32 or bf16
    dropout        share of neurons hidden from the next layer in training
    optimizer      sgd, adam, adamw or rmsprop
    learning_rate  of fit, which lets it fall along a cosine, and of partial_fit
    weight_decay   of weights and projections
    batch_size     rows of a step
    epochs         passes of fit over the data
    mode           last: the last layer answers; sum: all layers together
    workers        threads that share the work, None: one for each processor. The result is the same
    random_state   equal seeds give equal results
    """

    _estimator_type = "classifier"

    def __init__(self, hidden=(100, 100), *, activation="relu", normalization="none", precision="float32",
                 dropout=0.0, optimizer="adam", learning_rate=0.001, weight_decay=0.0, batch_size=128, epochs=20,
                 mode="sum", workers=None, random_state=0):
        self.hidden, self.activation, self.normalization = hidden, activation, normalization
        self.precision, self.dropout = precision, dropout
        self.optimizer, self.learning_rate, self.weight_decay = optimizer, learning_rate, weight_decay
        self.batch_size, self.epochs, self.mode = batch_size, epochs, mode
        self.workers, self.random_state = workers, random_state

    # -- parameters --

    @classmethod
    def _names(cls):
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep=True):
        """The arguments of the constructor."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **params):
        """Changes some; they count from the next fit on."""
        for name, value in params.items():
            if name not in self._names():
                raise ValueError(f"MonoforwardClassifier has no parameter '{name}'")
            setattr(self, name, value)
        return self

    def __repr__(self):
        return f"MonoforwardClassifier({', '.join(f'{name}={value!r}' for name, value in self.get_params().items())})"

    def _validate(self):
        """What the library would find only in the middle of fit, or not at all."""
        if len(self.hidden) == 0:
            raise ValueError("hidden is empty: a network needs a layer")
        for name, least in (("batch_size", 1), ("epochs", 1), ("workers", 0), ("random_state", 0)):
            value = getattr(self, name)
            if name == "workers" and value is None:
                continue
            if not isinstance(value, (int, numpy.integer)) or value < least:
                raise ValueError(f"{name} is {value!r}, not a whole number from {least} on")
        if self.mode not in ("last", "sum"):
            raise ValueError(f"mode is {self.mode!r}, not 'last' or 'sum'")
        if self.normalization == "batch" and self.batch_size == 1:
            raise ValueError("normalization='batch' needs a batch_size of more than 1")

    def _pool(self):
        """Threads for the work, None if one does all."""
        pool = None if self.workers in (0, 1) else Pool(int(self.workers or 0))
        return pool if pool and pool.threads() > 1 else None

    # -- learning --

    def fit(self, X, y):
        """Learns from X [rows, features] and y [rows], labels of any type that can be sorted, from scratch."""
        self._validate()
        X, y = self._inputs(X), _labels(y)
        classes, numbers = numpy.unique(y, return_inverse=True)
        self._start(X.shape[1], classes)
        _same_length(X, y)
        total, step = self.epochs * -(-len(X) // self.batch_size), 0
        with _Steps(self, X.dtype) as learn:
            for _ in range(self.epochs):
                for x_batch, y_batch in self._batches(X, numbers.astype(numpy.int32)):
                    rate = self.learning_rate * library.mf_schedule_cosine(step, total, 0.0)
                    self._optimizer.set("learning_rate", rate)
                    learn(x_batch, y_batch)
                    step += 1
        self._optimizer.set("learning_rate", self.learning_rate)
        return self

    def partial_fit(self, X, y, classes=None):
        """Learns from more rows, once. The first call has to name all classes."""
        self._validate()
        X, y = self._inputs(X), _labels(y)
        _same_length(X, y)
        if not hasattr(self, "classes_"):
            if classes is None:
                raise ValueError("the first call of partial_fit has to name all classes")
            self._start(X.shape[1], numpy.unique(classes))
        elif classes is not None and not numpy.array_equal(numpy.unique(classes), self.classes_):
            raise ValueError("the classes are not those of the first call")
        self._same_features(X)
        numbers = numpy.searchsorted(self.classes_, y).clip(0, len(self.classes_) - 1)
        unknown = self.classes_[numbers] != y
        if unknown.any():
            raise ValueError(f"the label {y[unknown][:1].tolist()[0]!r} is none of the classes")
        with _Steps(self, X.dtype) as learn:
            for x_batch, y_batch in self._batches(X, numbers.astype(numpy.int32)):
                learn(x_batch, y_batch)
        return self

    def _start(self, features, classes):
        if len(classes) < 2:
            raise ValueError(f"there is {len(classes)} class in y; it takes two")
        sizes = [features, *self.hidden]
        layers = [Layer(inputs=int(before), outputs=int(size), classes=len(classes), activation=self.activation,
                        normalization=self.normalization, precision=self.precision, dropout=self.dropout,
                        seed=1 + (int(self.random_state) << 16) + index)
                  for index, (before, size) in enumerate(zip(sizes, sizes[1:]))]
        optimizer = Optimizer(self.optimizer, learning_rate=self.learning_rate, weight_decay=self.weight_decay)
        network = Network(layers)
        network.set_optimizer(optimizer)
        self.classes_, self.n_features_in_ = classes, features
        self._network, self._optimizer = network, optimizer
        self._random = numpy.random.default_rng(self.random_state)
        self._inference = None

    def _batches(self, X, numbers):
        """Shuffled batches, gathered into the same two arrays."""
        order = self._random.permutation(len(X))
        rows = min(self.batch_size, len(X))
        x, y = numpy.empty((rows, X.shape[1]), X.dtype), numpy.empty(rows, numpy.int32)
        for first in range(0, len(X), rows):
            chosen = order[first:first + rows]
            if len(chosen) == 1 and len(X) > 1 and self.normalization == "batch":
                continue  # a single row has no mean and variance to be normalised by
            # mode: any other than "raise" writes into `out` without a buffer in between.
            numpy.take(X, chosen, axis=0, out=x[:len(chosen)], mode="clip")
            numpy.take(numbers, chosen, out=y[:len(chosen)], mode="clip")
            yield x[:len(chosen)], y[:len(chosen)]

    # -- answers --

    def predict(self, X):
        """The label of every row."""
        numbers = self._answers(X, "predict", numpy.int32, ())
        return self.classes_[numbers]

    def predict_proba(self, X):
        """The probability of every class, in the order of classes_."""
        self._fitted()
        return self._answers(X, "probabilities", numpy.float32, (len(self.classes_),))

    def score(self, X, y):
        """The share of rows whose label is predicted."""
        labels = _labels(y)
        answers = self.predict(X)
        _same_length(answers, labels)
        return float(numpy.mean(answers == labels))

    def _answers(self, X, what, dtype, row):
        self._fitted()
        X = self._inputs(X)
        self._same_features(X)
        if self._inference is None:
            self._inference = Workspace(self._network, PREDICT_ROWS, purpose="inference", convert=True,
                                        pool=self._pool())
        out = numpy.empty((len(X), *row), dtype)
        for first in range(0, len(X), PREDICT_ROWS):
            part = slice(first, first + PREDICT_ROWS)
            getattr(self._network, what)(self._inference, X[part], self.mode, out[part], scale=_scale(X.dtype))
        return out

    def _fitted(self):
        if not hasattr(self, "classes_"):
            raise ValueError("this classifier has not learned yet: call fit first")

    @staticmethod
    def _inputs(X):
        """As float32; bytes, such as images, stay what they are, with a quarter of the memory."""
        X = numpy.asarray(X)
        X = numpy.ascontiguousarray(X, X.dtype if X.dtype == numpy.uint8 else numpy.float32)
        if X.ndim != 2 or X.size == 0:
            raise ValueError(f"X has the shape {X.shape}: it takes rows of features")
        if not numpy.isfinite(X).all():
            raise ValueError("X holds a NaN or an infinity")
        return X

    def _same_features(self, X):
        if X.shape[1] != self.n_features_in_:
            raise ValueError(f"X has {X.shape[1]} features, the classifier has learned from {self.n_features_in_}")

    # -- files --

    def save(self, path):
        """Saves to a file: a zip archive of the network, which other programs read as well, and the rest."""
        state = self._to_state()
        with zipfile.ZipFile(f"{os.fspath(path)}.part", "w") as archive:
            archive.writestr("classifier.json", json.dumps(state["rest"]))
            archive.writestr("model.safetensors", state["network"])
        os.replace(f"{os.fspath(path)}.part", path)

    @classmethod
    def load(cls, path):
        """A classifier as it was saved; partial_fit goes on where it was."""
        with zipfile.ZipFile(path) as archive:
            rest, network = json.loads(archive.read("classifier.json")), archive.read("model.safetensors")
        classifier = cls(**rest["params"])
        classifier._from_state({"rest": rest, "network": network})
        return classifier

    def _to_state(self):
        self._fitted()
        if self.classes_.dtype.kind not in "biufUS":
            raise ValueError(f"labels of the type {self.classes_.dtype} cannot be saved")
        classes = self.classes_.astype("U") if self.classes_.dtype.kind == "S" else self.classes_
        params = {name: value.item() if isinstance(value, numpy.generic) else value
                  for name, value in self.get_params().items()}
        params["hidden"] = [int(size) for size in self.hidden]
        return {"rest": {"params": params, "classes": classes.tolist(), "dtype": self.classes_.dtype.str,
                         "random": self._random.bit_generator.state},
                "network": self._network.to_bytes(training=True)}

    def _from_state(self, state):
        rest = state["rest"]
        dtype = numpy.dtype(rest["dtype"])
        if dtype.kind not in "biufUS":
            raise ValueError(f"labels of the type {dtype} cannot be loaded")
        network = Network.from_bytes(state["network"], training=True)
        classes = numpy.array(rest["classes"]).astype(dtype)
        if len(classes) != network.classes:
            raise ValueError(f"{len(classes)} labels, but a network of {network.classes} classes")
        self.classes_, self.n_features_in_, self._network = classes, network.inputs, network
        self._optimizer = network.layer(0).optimizer()
        self._random = numpy.random.default_rng()
        self._random.bit_generator.state = rest["random"]
        self._inference = None

    def __getstate__(self):
        fitted = hasattr(self, "classes_")
        return {"params": self.get_params(), "state": self._to_state() if fitted else None}

    def __setstate__(self, saved):
        self.__init__(**saved["params"])
        if saved["state"]:
            self._from_state(saved["state"])


class _Steps:
    """Calls itself a step: of the network, or of a pipeline, which is done when the block ends. While there are
    several threads, the BLAS library has one."""

    def __init__(self, classifier, dtype):
        network, rows = classifier._network, int(classifier.batch_size)
        pool = classifier._pool()
        self._piped = pool is not None
        self._trainer = (Pipeline(network, rows, pool=pool) if self._piped
                         else Workspace(network, rows, convert=dtype == numpy.uint8))
        self._network, self._scale = network, _scale(dtype)

    def __enter__(self):
        self._blas = _blas_threads() if self._piped else None
        if self._blas:
            set_blas_threads(1)
        return self._learn

    def _learn(self, x, y):
        if self._piped:
            self._trainer.submit(x, y, scale=self._scale)
        else:
            self._network.step(self._trainer, x, y, scale=self._scale)

    def __exit__(self, failure, *_):
        try:
            if self._piped and failure is None:
                self._trainer.flush()
        finally:
            self._trainer.close()
            if self._blas:
                set_blas_threads(self._blas)


def _blas_threads():
    try:
        return blas_threads()
    except MonoforwardError:  # it has none
        return None


def _scale(dtype):
    """A byte is the number that it is, as in floats."""
    return 1.0 if dtype == numpy.uint8 else 0.0


def _labels(y):
    y = numpy.asarray(y)
    if y.ndim != 1:
        raise ValueError(f"y has the shape {y.shape}: it takes one label for each row")
    if y.dtype.kind == "f" and not numpy.isfinite(y).all():
        raise ValueError("y holds a NaN or an infinity")
    return y


def _same_length(X, y):
    if len(X) != len(y):
        raise ValueError(f"there are {len(X)} rows and {len(y)} labels")
