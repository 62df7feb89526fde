"""Trains neural networks with libmonoforward, without backpropagation: every layer learns from its own loss.

    import numpy as np
    from monoforward import MonoForwardClassifier

    model = MonoForwardClassifier(hidden=(100, 100), epochs=20, seed=1)
    model.fit(x, labels)
    print(model.score(x_test, labels_test))

Below the classifier there are Layer, Network, Optimizer, Workspace and Pipeline, which hand numpy arrays over to the
library without a copy; and below these `library`, with every function of monoforward.h by its C name. Options are
the fields of the specs in monoforward.h and constants have their names there: monoforward.MF_ACTIVATION_TANH.

SPDX-License-Identifier: MIT
"""
from . import _abi
from ._library import MonoForwardError, check, library, version
from .classifier import MonoForwardClassifier
from .handles import Layer, Network, Optimizer, Pipeline, Report, Workspace

globals().update({name: value for name, value in vars(_abi).items() if name.startswith("MF_")})

__all__ = ["Layer", "MonoForwardClassifier", "MonoForwardError", "Network", "Optimizer", "Pipeline", "Report",
           "Workspace", "check", "library", "version", *(name for name in vars(_abi) if name.startswith("MF_"))]
