"""What the classifier is given, as arrays for the library. SPDX-License-Identifier: MIT"""
from __future__ import annotations

import sys
import warnings
from typing import Any, NamedTuple, Optional

import numpy
from numpy.typing import ArrayLike

from ._arrays import Array


class NotFittedError(ValueError, AttributeError):
    """A classifier that has not learned yet is asked for answers."""


class DataConversionWarning(UserWarning):
    """y is a column, where a plain list of labels was expected."""


def like_sklearn(kind: type) -> type:
    """The class, or where a program uses scikit-learn one that is also its class of this name: so both are caught."""
    theirs = getattr(sys.modules.get("sklearn.exceptions"), kind.__name__, None)
    return type(kind.__name__, (kind, theirs), {}) if theirs else kind


class Rows(NamedTuple):
    """Inputs [rows, features], the number of each row's class, and weights or None."""

    x: Array
    y: Array
    weights: Optional[Array]

    def take(self, chosen: Array) -> Rows:
        """Some of the rows."""
        return Rows(self.x[chosen], self.y[chosen], None if self.weights is None else self.weights[chosen])


def feature_names(X: Any) -> Optional[Array]:
    """The names of a data frame's columns, if all are texts."""
    columns = getattr(X, "columns", None)
    if columns is None or not all(isinstance(name, str) for name in columns):
        return None
    return numpy.asarray(columns, dtype=object)


def inputs(X: ArrayLike) -> Array:
    """As float32; bytes, such as images, stay what they are, with a quarter of the memory."""
    if hasattr(X, "toarray"):
        raise TypeError("X is sparse, which is not supported: X.toarray() makes a dense array")
    X = numpy.asarray(X)
    if X.dtype.kind == "c":
        raise ValueError("Complex data not supported: X holds complex numbers")
    if X.ndim != 2:
        raise ValueError(f"X has the shape {X.shape}: it takes rows of features. Reshape your data: "
                         "X.reshape(1, -1) is one row, X.reshape(-1, 1) one feature")
    for count, unit in zip(X.shape, ("sample(s)", "feature(s)")):
        if count == 0:
            raise ValueError(f"X has 0 {unit} (shape={X.shape}) while a minimum of 1 is required.")
    with numpy.errstate(over="ignore"):
        X = numpy.ascontiguousarray(X, X.dtype if X.dtype == numpy.uint8 else numpy.float32)
    if not numpy.isfinite(X).all():
        raise ValueError("X holds a NaN, an infinity or a value too large for float32")
    return X


def labels(y: ArrayLike) -> Array:
    """One label for each row, of a type that can be sorted; a column is taken with a warning."""
    if y is None:
        raise ValueError("the classifier requires y to be passed, but the target y is None")
    y = numpy.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        warnings.warn("A column-vector y was passed when a 1d array was expected: y.ravel() makes one",
                      like_sklearn(DataConversionWarning), stacklevel=3)
        y = y.ravel()
    if y.ndim != 1:
        raise ValueError(f"y has the shape {y.shape}: y should be a 1d array, with one label for each row")
    if y.dtype.kind == "c":
        raise ValueError("Complex data not supported: y holds complex numbers")
    _refuse_missing(y)
    _refuse_continuous(y)
    return y


def _refuse_missing(y: Array) -> None:
    if y.dtype.kind == "f" and not numpy.isfinite(y).all():
        raise ValueError("Input y contains NaN or infinity")
    if y.dtype.kind == "O":
        for label in y:
            if label is None or type(label).__name__ == "NAType" or _is_float(label) and not numpy.isfinite(label):
                raise ValueError(f"Input y contains NaN or infinity: {label!r} is no label")


def _refuse_continuous(y: Array) -> None:
    """Whole numbers may be labels, whatever their type."""
    if y.dtype.kind not in "fO":
        return
    floats = y if y.dtype.kind == "f" else numpy.array([label for label in y if _is_float(label)], numpy.float64)
    broken = floats[floats != numpy.floor(floats)]
    if len(broken):
        raise ValueError(f"Unknown label type: continuous: y holds {float(broken[0])!r}, as a regression would "
                         "learn from. A classifier needs classes: whole numbers or names")


def _is_float(label: Any) -> bool:
    return isinstance(label, (float, numpy.floating))


def numbered(y: Array) -> tuple[Array, Array]:
    """The classes in order, and the number of each row's."""
    try:
        classes, numbers = numpy.unique(y, return_inverse=True)
    except TypeError as error:
        raise ValueError(f"the labels in y cannot be sorted: {error}") from None
    return classes, numbers.astype(numpy.int32)


def texts(classes: Array) -> list[str]:
    """The labels as people read them."""
    return [label.decode(errors="replace") if isinstance(label, bytes) else str(label) for label in classes.tolist()]


def sample_weights(weights: Optional[ArrayLike], rows: int) -> Optional[Array]:
    """Checked: finite, 0 or more, not all 0."""
    if weights is None:
        return None
    weights = numpy.asarray(weights, numpy.float64)
    if weights.shape != (rows,):
        raise ValueError(f"sample_weight has the shape {weights.shape}, not ({rows},)")
    if not numpy.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("sample_weight holds a weight that is negative or not finite")
    if not weights.any():
        raise ValueError("sample_weight is 0 for all rows: nothing is left to learn from")
    return weights


def class_weights(wanted: Any, classes: Array, numbers: Array) -> Optional[Array]:
    """The weight of each class: given as a dict by label, 1 where it has none, or "balanced"."""
    if wanted is None:
        return None
    if isinstance(wanted, str):
        if wanted != "balanced":
            raise ValueError(f"class_weight is {wanted!r}, not 'balanced', None or a dict")
        counts = numpy.bincount(numbers, minlength=len(classes))
        return len(numbers) / (len(classes) * numpy.maximum(counts, 1))
    known = classes.tolist()
    unknown = [label for label in wanted if label not in known]
    if unknown:
        raise ValueError(f"class_weight has the label {unknown[0]!r}, which y does not have")
    weights = numpy.array([wanted.get(label, 1.0) for label in known], numpy.float64)
    if not numpy.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise ValueError("class_weight holds a weight that is negative or not finite, or nothing but 0")
    return weights


def weighted(x: Array, numbers: Array, samples: Optional[Array], by_class: Optional[Array]) -> Rows:
    """Rows with both kinds of weights; those of weight 0 are left out."""
    if samples is None and by_class is None:
        return Rows(x, numbers, None)
    weights = numpy.ones(len(numbers)) if samples is None else samples
    if by_class is not None:
        weights = weights * by_class[numbers]
    largest = weights.max()
    if largest > 0:  # the loss is divided by their sum: only the ratios count
        weights = (weights / largest).astype(numpy.float32)
    if not weights.any():
        raise ValueError("the product of sample_weight and class_weight is 0 for all rows")
    rows = Rows(x, numbers, weights)
    return rows if weights.all() else rows.take(numpy.flatnonzero(weights))


def same_length(X: Array, y: Array) -> None:
    """Refuses rows without labels and labels without rows."""
    if len(X) != len(y):
        raise ValueError(f"there are {len(X)} rows and {len(y)} labels")
