"""A classifier with the methods that scikit-learn gave their names, which it does not need. SPDX-License-Identifier: MIT"""
import inspect
import json

import numpy as np

from . import _abi
from .handles import Layer, Network, Optimizer, Workspace
from .training import SCHEDULES, train

ACTIVATIONS = {"identity": _abi.MF_ACTIVATION_IDENTITY, "relu": _abi.MF_ACTIVATION_RELU,
               "leaky-relu": _abi.MF_ACTIVATION_LEAKY_RELU, "tanh": _abi.MF_ACTIVATION_TANH,
               "gelu": _abi.MF_ACTIVATION_GELU}
OPTIMIZERS = {"sgd": _abi.MF_OPTIMIZER_SGD, "adam": _abi.MF_OPTIMIZER_ADAM, "adamw": _abi.MF_OPTIMIZER_ADAMW,
              "rmsprop": _abi.MF_OPTIMIZER_RMSPROP}
NORMALIZATIONS = {"none": _abi.MF_NORMALIZATION_NONE, "batch": _abi.MF_NORMALIZATION_BATCH}
MODES = {"last": _abi.MF_PREDICT_LAST, "sum": _abi.MF_PREDICT_SUM}
PREDICTION_ROWS = 1024


class MonoForwardClassifier:
    """Dense layers that learn one by one from the labels.

    hidden         neurons of each layer
    activation     relu, leaky-relu, tanh, gelu, identity
    optimizer      adam, adamw, rmsprop, sgd, with learning_rate and weight_decay
    schedule       course of the learning rate in fit(): cosine or constant; partial_fit() keeps it as it is
    epochs, batch  passes over the rows in fit(), and rows of a step
    normalization  none or batch
    dropout, label_smoothing
    prediction     last: by the last layer; sum: by all layers together
    seed           equal seeds repeat a run, bit for bit; None: another one each time
    workers        threads on which layers learn at the same time (0: none), with equal results

    After fit(): classes_, n_features_in_, network_ (the trained Network; network_.save() writes a file for programs in C) and
    loss_curve_ (the last layer's mean loss of each epoch).
    """

    def __init__(self, hidden=(100, 100), *, activation="relu", optimizer="adam", learning_rate=0.001, weight_decay=0.0,
                 schedule="cosine", epochs=20, batch=128, normalization="none", dropout=0.0, label_smoothing=0.0,
                 prediction="last", seed=None, workers=0):
        for name, value in locals().copy().items():
            if name != "self":
                setattr(self, name, value)

    # ---- parameters ----

    @classmethod
    def _names(cls):
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep=True):
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **params):
        for name, value in params.items():
            if name not in self._names():
                raise ValueError(f"there is no parameter {name!r}")
            setattr(self, name, value)
        return self

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.get_params().items())})"

    # ---- learning ----

    def fit(self, x, y):
        """Learns from rows and their labels, of any type that sorts; forgets what it knew."""
        x, y = _rows(x), _labels(y)
        if len(x) != len(y):
            raise ValueError(f"{len(x)} rows and {len(y)} labels")
        self._begin(x.shape[1], np.unique(y))
        for epoch in train(self.network_, self._optimizer, x, self._numbers(y), epochs=self.epochs, batch=self.batch,
                           learning_rate=self.learning_rate, schedule=self.schedule, generator=self._generator,
                           workers=self.workers, lone_rows=self.normalization == "none"):
            self.loss_curve_.append(float(epoch.losses[-1]))
        return self

    def partial_fit(self, x, y, classes=None):
        """Learns from these rows once, in their order. The first call has to name all classes."""
        x, y = _rows(x), _labels(y)
        if len(x) != len(y):
            raise ValueError(f"{len(x)} rows and {len(y)} labels")
        if not hasattr(self, "network_"):
            if classes is None:
                raise ValueError("the first call of partial_fit() needs all classes")
            self._begin(x.shape[1], np.unique(_labels(classes)))
        elif classes is not None and not np.array_equal(np.unique(_labels(classes)), self.classes_):
            raise ValueError("these are other classes than before")
        self._require_width(x)
        for epoch in train(self.network_, self._optimizer, x, self._numbers(y), epochs=1, batch=self.batch,
                           learning_rate=self.learning_rate, schedule="constant", workers=self.workers,
                           lone_rows=self.normalization == "none"):
            self.loss_curve_.append(float(epoch.losses[-1]))
        return self

    def _begin(self, features, classes):
        if len(classes) < 2:
            raise ValueError(f"{len(classes)} class to learn: there must be two or more")
        options = {"activation": _choice("activation", self.activation, ACTIVATIONS),
                   "normalization": _choice("normalization", self.normalization, NORMALIZATIONS),
                   "dropout": self.dropout, "label_smoothing": self.label_smoothing, "classes": len(classes)}
        _choice("schedule", self.schedule, SCHEDULES)
        _choice("prediction", self.prediction, MODES)
        if self.epochs < 1 or self.batch < 1:
            raise ValueError(f"epochs={self.epochs}, batch={self.batch}: both must be 1 or more")
        seeds = np.random.SeedSequence(self.seed)
        self._generator = np.random.default_rng(seeds)
        # 0 would be MF_SEED_AUTO.
        drawn = seeds.generate_state(len(self.hidden), np.uint64) | np.uint64(1)
        layers, before = [], features
        for outputs, seed in zip(self.hidden, drawn):
            layers.append(Layer(inputs=before, outputs=outputs, seed=int(seed), **options))
            before = outputs
        if not layers:
            raise ValueError("hidden=(): a network needs a layer")
        optimizer = Optimizer(kind=_choice("optimizer", self.optimizer, OPTIMIZERS), learning_rate=self.learning_rate,
                              weight_decay=self.weight_decay)
        # Nothing is changed before all is made.
        self.network_, self._optimizer = Network(layers, optimizer), optimizer
        self.classes_, self.n_features_in_, self.loss_curve_ = classes, features, []

    def _numbers(self, y):
        known = np.isin(y, self.classes_)
        if not known.all():
            raise ValueError(f"label {y[~known][0]!r} is none of the classes")
        return np.searchsorted(self.classes_, y).astype(np.int32)

    # ---- answers ----

    def predict(self, x):
        network = self._trained()
        return self.classes_[self._in_parts(x, network.predict, np.int32, ())]

    def predict_proba(self, x):
        """Probabilities, a column for each of classes_."""
        network = self._trained()
        return self._in_parts(x, network.probabilities, np.float32, (len(self.classes_),))

    def score(self, x, y):
        """Share of the rows that it is right about."""
        return float(np.mean(self.predict(x) == _labels(y)))

    def _trained(self):
        if not hasattr(self, "network_"):
            raise ValueError("nothing has been learned yet: call fit() first")
        return self.network_

    def _require_width(self, x):
        if x.shape[1] != self.n_features_in_:
            raise ValueError(f"rows of {x.shape[1]} values, expected {self.n_features_in_}")

    def _in_parts(self, x, call, kind, shape):
        x = _rows(x)
        self._require_width(x)
        answers = np.empty((len(x), *shape), kind)
        rows = min(PREDICTION_ROWS, len(x))
        with Workspace(self.network_, rows, _abi.MF_WORKSPACE_INFERENCE) as workspace:
            for first in range(0, len(x), rows):
                part = slice(first, first + rows)
                call(workspace, x[part], _choice("prediction", self.prediction, MODES), out=answers[part])
        return answers

    # ---- files ----

    def save(self, path):
        """Writes all that predict() and partial_fit() need into one file. Labels may be numbers or texts."""
        if self.classes_.dtype == object:
            raise TypeError("labels of mixed or other types cannot be saved")
        model = np.frombuffer(self._trained().to_bytes(_abi.MF_CONTENTS_TRAINING), np.uint8)
        with open(path, "wb") as file:
            np.savez(file, model=model, classes=self.classes_, params=json.dumps(self.get_params()))

    @classmethod
    def load(cls, path):
        with np.load(path, allow_pickle=False) as file:
            params = json.loads(str(file["params"]))
            model, classes = file["model"].tobytes(), file["classes"]
        self = cls(**{**params, "hidden": tuple(params["hidden"])})
        self.network_ = Network.from_bytes(model, _abi.MF_CONTENTS_TRAINING)
        self._optimizer = self.network_[0].optimizer()
        self.classes_, self.n_features_in_, self.loss_curve_ = classes, self.network_.inputs, []
        return self


def _rows(x):
    x = np.ascontiguousarray(x, np.float32)
    if x.ndim != 2 or x.size == 0:
        raise ValueError(f"x is {' x '.join(map(str, x.shape))}, expected rows x values")
    return x


def _labels(y):
    y = np.asarray(y)
    if y.ndim != 1:
        raise ValueError(f"labels have {y.ndim} axes, expected one")
    return y


def _choice(name, value, choices):
    if value not in choices:
        raise ValueError(f"{name}={value!r}: choose one of {', '.join(choices)}")
    return choices[value]
