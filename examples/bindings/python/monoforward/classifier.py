"""A classifier in the manner of scikit-learn, which it does not need. SPDX-License-Identifier: MIT"""
from __future__ import annotations

import inspect
import json
import os
from typing import Any, Optional, Sequence, Union

import numpy
from numpy.typing import ArrayLike

from . import _data
from ._archive import FREE_BYTES, naming, read_archive, write_archive
from ._data import Array, NotFittedError, Rows
from ._library import library
from ._network import Layer, Network
from ._optimizer import Optimizer
from ._training import Best, Model, Steps, hold_out

# What fit does unless it is told how many passes to make: so many over large sets, so many steps on small ones.
EPOCHS, STEPS = 20, 2000

PLAIN_LABELS = "biufUS"


class MonoforwardClassifier:
    """A network of dense layers that learns with Mono-Forward.

    hidden         neurons of each layer; a number: of the only one
    activation     identity, relu, leaky_relu, tanh, gelu or silu
    normalization  none or batch
    precision      of the products with the weights: float32 or bf16
    dropout        share of neurons hidden from the next layer in training
    optimizer      sgd, adam, adamw or rmsprop
    learning_rate  of fit, which lets it fall along a cosine unless it stops early, and of partial_fit
    weight_decay   of weights and projections
    batch_size     rows of a step
    epochs         passes of fit over the data; None: 20, or as many as make 2000 steps if those are more
    mode           last: the last layer answers; sum: all layers together
    workers        threads that share the work, None: one for each processor. The result is the same
    early_stopping whether fit holds out a share of each class, stops when that is not answered better for
                   n_iter_no_change passes, and keeps the best parameters
    validation_fraction, n_iter_no_change, tol
                   that share; those passes; and by how much a share of right answers has to grow to count as better
    class_weight   None; a dict of weights by label, 1 for others; balanced: the rarer, the heavier
    verbose        whether fit prints a line for each pass
    random_state   equal numbers give equal results; None: others each time. Also a generator of numpy's

    After fit: classes_, n_features_in_, feature_names_in_ (of a data frame), loss_curve_ (the last layer's mean loss
    in each pass), n_iter_ (passes), and with early_stopping validation_scores_ and best_validation_score_.

    Any number of threads may predict at the same time, also while another one fits: they get answers of the network
    before or after. partial_fit changes the network that answers, so nobody may predict meanwhile.
    """

    _estimator_type = "classifier"

    def __init__(self, hidden: Union[int, Sequence[int]] = (100, 100), *, activation: str = "relu",
                 normalization: str = "none", precision: str = "float32", dropout: float = 0.0,
                 optimizer: str = "adam", learning_rate: float = 0.001, weight_decay: float = 0.0,
                 batch_size: int = 128, epochs: Optional[int] = None, mode: str = "sum", workers: Optional[int] = None,
                 early_stopping: bool = False, validation_fraction: float = 0.1, n_iter_no_change: int = 10,
                 tol: float = 1e-4, class_weight: Any = None, verbose: bool = False, random_state: Any = 0) -> None:
        self.hidden, self.activation, self.normalization = hidden, activation, normalization
        self.precision, self.dropout = precision, dropout
        self.optimizer, self.learning_rate, self.weight_decay = optimizer, learning_rate, weight_decay
        self.batch_size, self.epochs, self.mode, self.workers = batch_size, epochs, mode, workers
        self.early_stopping, self.validation_fraction = early_stopping, validation_fraction
        self.n_iter_no_change, self.tol = n_iter_no_change, tol
        self.class_weight, self.verbose, self.random_state = class_weight, verbose, random_state

    # -- parameters --

    @classmethod
    def _names(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **params: Any) -> MonoforwardClassifier:
        """Changes some; they count from the next fit on."""
        for name, value in params.items():
            if name not in self._names():
                raise ValueError(f"MonoforwardClassifier has no parameter '{name}'")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        return f"MonoforwardClassifier({', '.join(f'{name}={value!r}' for name, value in self.get_params().items())})"

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn asks from version 1.6 on."""
        from sklearn.utils import ClassifierTags, Tags, TargetTags  # type: ignore
        return Tags(estimator_type="classifier", target_tags=TargetTags(required=True),
                    classifier_tags=ClassifierTags())

    def _more_tags(self) -> dict[str, Any]:
        """The same until then."""
        return {"requires_y": True}

    def _sizes(self) -> list[int]:
        return [self.hidden] if isinstance(self.hidden, (int, numpy.integer)) else list(self.hidden)

    def _validate(self) -> None:
        """What the library would find only in the middle of fit, or not at all."""
        if not self._sizes():
            raise ValueError("hidden is empty: a network needs a layer")
        for name, least in (("batch_size", 1), ("epochs", 1), ("workers", 0), ("n_iter_no_change", 1)):
            value = getattr(self, name)
            if name in ("workers", "epochs") and value is None:
                continue
            if not isinstance(value, (int, numpy.integer)) or value < least:
                raise ValueError(f"{name} is {value!r}, not a whole number from {least} on")
        if self.mode not in ("last", "sum"):
            raise ValueError(f"mode is {self.mode!r}, not 'last' or 'sum'")
        if not 0 < self.validation_fraction < 1:
            raise ValueError(f"validation_fraction is {self.validation_fraction!r}, not between 0 and 1")
        if self.normalization == "batch" and self.batch_size == 1:
            raise ValueError("normalization='batch' needs a batch_size of more than 1")

    # -- learning --

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: Optional[ArrayLike] = None) -> MonoforwardClassifier:
        """Learns from X [rows, features] and y [rows], labels of any type that can be sorted, from scratch. The loss
        of a batch is the mean by the rows' weights; those of weight 0 are as if they were not there."""
        self._validate()
        names, X, y = _data.feature_names(X), _data.inputs(X), _data.labels(y)
        _data.same_length(X, y)
        classes, numbers = _data.numbered(y)
        by_class = _data.class_weights(self.class_weight, classes, numbers)
        rows = _data.weighted(X, numbers, _data.sample_weights(sample_weight, len(y)), by_class)
        model = self._start(X.shape[1], classes, names)
        self._learn(model, rows)
        model.optimizer.set("learning_rate", self.learning_rate)
        self._adopt(model)
        return self

    def _learn(self, model: Model, rows: Rows) -> None:
        best = None
        if self.early_stopping:
            rows, held = hold_out(rows, self.validation_fraction, model.random)
            best = Best(model, held, self.mode, self.n_iter_no_change, self.tol)
        steps = -(-len(rows.x) // self.batch_size)
        epochs, step = self.epochs or max(EPOCHS, -(-STEPS // steps)), 0
        with Steps(model, int(self.batch_size), rows.x.dtype) as trainer:
            for epoch in range(epochs):
                for batch in self._batches(model, rows):
                    if not best:  # else nobody knows when the end comes
                        rate = self.learning_rate * library.mf_schedule_cosine(step, epochs * steps, 0.0)
                        model.optimizer.set("learning_rate", rate)
                    trainer.learn(*batch)
                    step += 1
                model.losses.append(trainer.loss())
                enough = best is not None and best.look()
                self._tell(model, epoch, epochs)
                if enough:
                    break
        if best:
            best.restore()

    def _batches(self, model: Model, rows: Rows) -> Any:
        """A single row has no mean and variance to be normalised by."""
        return model.batches(rows, int(self.batch_size), 2 if self.normalization == "batch" else 1)

    def _tell(self, model: Model, epoch: int, epochs: int) -> None:
        if self.verbose:
            score = f", validation {model.scores[-1]:.4f}" if model.scores else ""
            print(f"epoch {epoch + 1} of {epochs}: loss {model.losses[-1]:.4f}{score}", flush=True)

    def partial_fit(self, X: ArrayLike, y: ArrayLike, classes: Optional[ArrayLike] = None,
                    sample_weight: Optional[ArrayLike] = None) -> MonoforwardClassifier:
        """Learns from more rows, once. The first call has to name all classes."""
        self._validate()
        names, X, y = _data.feature_names(X), _data.inputs(X), _data.labels(y)
        _data.same_length(X, y)
        first = not hasattr(self, "_model")
        if first and classes is None:
            raise ValueError("the first call of partial_fit has to name all classes")
        if classes is not None:
            classes = _data.numbered(_data.labels(classes))[0]
        if first:
            model = self._start(X.shape[1], classes, names)
        else:
            model = self._fitted()
            _same_features(model, X, names)
            if classes is not None and not numpy.array_equal(classes, model.classes):
                raise ValueError("the classes are not those of the first call")
        rows = self._more_rows(model, X, y, sample_weight)
        with Steps(model, int(self.batch_size), X.dtype) as trainer:
            for batch in self._batches(model, rows):
                trainer.learn(*batch)
            model.losses.append(trainer.loss())
        self._adopt(model)
        return self

    def _more_rows(self, model: Model, X: Array, y: Array, sample_weight: Optional[ArrayLike]) -> Rows:
        if self.class_weight == "balanced":
            raise ValueError("class_weight='balanced' needs all rows at once, which partial_fit does not have: it "
                             "takes a dict of weights")
        try:
            numbers = numpy.searchsorted(model.classes, y).clip(0, len(model.classes) - 1)
        except TypeError as error:
            raise ValueError(f"the labels are not of the classes' type: {error}") from None
        unknown = model.classes[numbers] != y
        if unknown.any():
            raise ValueError(f"the label {y[unknown][:1].tolist()[0]!r} is none of the classes")
        numbers = numbers.astype(numpy.int32)
        by_class = _data.class_weights(self.class_weight, model.classes, numbers)
        return _data.weighted(X, numbers, _data.sample_weights(sample_weight, len(y)), by_class)

    def _start(self, features: int, classes: Any, names: Optional[Array]) -> Model:
        if len(classes) < 2:
            raise ValueError(f"there is {len(classes)} class in y; it takes two")
        seed, sizes = _seed(self.random_state), [features, *self._sizes()]
        layers = [Layer(inputs=int(before), outputs=int(size), classes=len(classes), activation=self.activation,
                        normalization=self.normalization, precision=self.precision, dropout=self.dropout,
                        seed=1 + (seed << 16) + index)
                  for index, (before, size) in enumerate(zip(sizes, sizes[1:]))]
        optimizer = Optimizer(self.optimizer, learning_rate=self.learning_rate, weight_decay=self.weight_decay)
        network = Network(layers)
        network.set_optimizer(optimizer)
        return Model(network, optimizer, classes, names, numpy.random.default_rng(seed), self.workers)

    def _adopt(self, model: Model) -> None:
        """From here on this model answers."""
        self._model = model
        self.classes_, self.n_features_in_ = model.classes, model.network.inputs
        self.loss_curve_, self.n_iter_ = model.losses, len(model.losses)
        for name, value in (("feature_names_in_", model.names), ("validation_scores_", model.scores or None),
                            ("best_validation_score_", max(model.scores, default=None))):
            if value is not None:
                setattr(self, name, value)
            elif hasattr(self, name):
                delattr(self, name)

    # -- answers --

    def predict(self, X: ArrayLike) -> Array:
        """The label of every row."""
        model, X = self._asked(X)
        return model.classes[model.answers(X, self.mode, False)]

    def predict_proba(self, X: ArrayLike) -> Array:
        """The probability of every class, in the order of classes_."""
        model, X = self._asked(X)
        return model.answers(X, self.mode, True)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: Optional[ArrayLike] = None) -> float:
        """The share of rows whose label is predicted, by their weights."""
        answers, labels = self.predict(X), _data.labels(y)
        _data.same_length(answers, labels)
        return float(numpy.average(answers == labels, weights=_data.sample_weights(sample_weight, len(labels))))

    def _asked(self, X: ArrayLike) -> tuple[Model, Array]:
        model = self._fitted()
        names, X = _data.feature_names(X), _data.inputs(X)
        _same_features(model, X, names)
        return model, X

    def _fitted(self) -> Model:
        if not hasattr(self, "_model"):
            raise _data.like_sklearn(NotFittedError)("this MonoforwardClassifier has not learned yet: call fit first")
        return self._model

    # -- files --

    def save(self, path: Union[str, os.PathLike[str]]) -> None:
        """Saves to a file: a zip archive of the network, which other programs read as well, with the labels as
        "class_names" in its metadata, and of the rest. A generator as random_state is not saved; what partial_fit draws
        from is."""
        model = self._fitted()
        rest = {"params": self._plain_params(), "classes": _plain_labels(model.classes),
                "dtype": model.classes.dtype.str, "losses": model.losses,
                "names": None if model.names is None else model.names.tolist(), "scores": model.scores,
                "random": model.random.bit_generator.state}
        write_archive(path, {"classifier.json": json.dumps(rest),
                             "model.safetensors": model.network.to_bytes(training=True)})

    @classmethod
    def load(cls, path: Union[str, os.PathLike[str]]) -> MonoforwardClassifier:
        """A classifier as it was saved; partial_fit goes on where it was. A file that is none is a MonoforwardError
        with MF_STATUS_FORMAT."""
        with naming(path):
            rest, network = read_archive(path)
            params = rest["params"]
            if isinstance(params.get("class_weight"), list):
                params["class_weight"] = dict(params["class_weight"])
            classifier = cls(**params)
            classifier._restore({**rest, "classes": _labels_from_file(rest), "network": network})
        return classifier

    def _plain_params(self) -> dict[str, Any]:
        params = {name: value.item() if isinstance(value, numpy.generic) else value
                  for name, value in self.get_params().items()}
        params["hidden"] = [int(size) for size in self._sizes()]
        if not isinstance(params["random_state"], int):
            params["random_state"] = None
        if isinstance(self.class_weight, dict):  # an object of JSON has texts for keys
            params["class_weight"] = [[_plain(label), float(weight)] for label, weight in self.class_weight.items()]
        return params

    def _restore(self, state: dict[str, Any]) -> None:
        network = Network.from_bytes(state["network"], training=True)
        classes = state["classes"]
        if len(classes) != network.classes:
            raise ValueError(f"{len(classes)} labels, but a network of {network.classes} classes")
        random = numpy.random.default_rng()
        random.bit_generator.state = state["random"]
        names = state.get("names")
        names = None if names is None else numpy.array(names, object)
        optimizer = network.layer(0).optimizer()
        if optimizer is None:
            raise ValueError("the network has no optimizer to go on learning with")
        model = Model(network, optimizer, classes, names, random, self.workers)
        model.losses, model.scores = state.get("losses", []), state.get("scores", [])
        self._adopt(model)

    def __getstate__(self) -> dict[str, Any]:
        model, state = getattr(self, "_model", None), None
        if model:
            state = {"network": model.network.to_bytes(training=True), "classes": model.classes, "names": model.names,
                     "losses": list(model.losses), "scores": list(model.scores),
                     "random": model.random.bit_generator.state}
        return {"params": self.get_params(), "state": state}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        vars(self).update(saved["params"])
        if saved["state"]:
            self._restore(saved["state"])


def _seed(random_state: Any) -> int:
    if random_state is None:
        return int(numpy.random.default_rng().integers(1 << 31))
    if isinstance(random_state, numpy.random.Generator):
        return int(random_state.integers(1 << 31))
    if isinstance(random_state, numpy.random.RandomState):
        return int(random_state.randint(1 << 31))
    if not isinstance(random_state, (int, numpy.integer)) or random_state < 0:
        raise ValueError(f"random_state is {random_state!r}, not None, a generator or a whole number from 0 on")
    return int(random_state)


def _same_features(model: Model, X: Array, names: Optional[Array]) -> None:
    """Refuses rows of another kind than the model has learned from."""
    if names is not None and model.names is not None:
        _same_names(names.tolist(), model.names.tolist())
    if X.shape[1] != model.network.inputs:
        raise ValueError(f"X has {X.shape[1]} features, but MonoforwardClassifier is expecting {model.network.inputs} "
                         "features as input")


def _same_names(names: list[str], expected: list[str]) -> None:
    """Says what is wrong with a data frame's columns in the words of scikit-learn."""
    if names == expected:
        return
    lines = ["The feature names should match those that were passed during fit."]
    for title, found in (("unseen at fit time", set(names) - set(expected)),
                         ("seen at fit time, yet now missing", set(expected) - set(names))):
        if found:
            lines += [f"Feature names {title}:", *(f"- {name}" for name in sorted(found))]
    if len(lines) == 1:
        lines.append("Feature names must be in the same order as they were in fit.")
    raise ValueError("\n".join(lines) + "\n")


def _plain(label: Any) -> Any:
    """As JSON keeps it."""
    label = label.item() if isinstance(label, numpy.generic) else label
    if not isinstance(label, (str, int, float)):
        raise ValueError(f"the label {label!r} cannot be saved: its type is {type(label).__name__}. pickle can")
    return label


def _labels_from_file(rest: dict[str, Any]) -> Array:
    dtype, classes = numpy.dtype(rest["dtype"]), list(rest["classes"])
    if dtype.kind not in PLAIN_LABELS + "O":
        raise ValueError(f"labels of the type {dtype} cannot be loaded")
    if not all(isinstance(label, (str, int, float)) for label in classes):
        raise ValueError("labels are texts or numbers")
    _check_size(dtype, classes)
    return numpy.array(classes, object).astype(dtype)


def _check_size(dtype: Any, classes: list[Any]) -> None:
    """An array has room for its longest text in each place, so that a single one could make it as large as it likes."""
    letters = sum(len(label) for label in classes if isinstance(label, str))
    if dtype.itemsize == 0 or dtype.itemsize * len(classes) > max(16 * letters, FREE_BYTES):
        raise ValueError(f"{len(classes)} labels of the type {dtype} are much larger than their texts: astype(object) keeps "
                         "them as they are")


def _plain_labels(classes: Array) -> list[Any]:
    if classes.dtype.kind not in PLAIN_LABELS + "O":
        raise ValueError(f"labels of the type {classes.dtype} cannot be saved")
    plain = [_plain(label) for label in (classes.astype("U") if classes.dtype.kind == "S" else classes)]
    _check_size(classes.dtype, plain)
    return plain
