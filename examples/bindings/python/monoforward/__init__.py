"""Trains neural networks without backpropagation: libmonoforward for Python.

Arrays go to the library without copies. So they have to be what it reads: C-contiguous float32 inputs, int32
labels. MonoforwardClassifier takes everything that numpy can convert.

SPDX-License-Identifier: MIT
"""
from . import _abi as abi
from ._abi import MF_LABEL_IGNORED as LABEL_IGNORED
from ._builder import Builder, network_memory
from ._data import DataConversionWarning, NotFittedError
from ._handles import Allocator
from ._library import (MonoforwardError, blas_name, blas_threads, check, library, products_name, set_blas_threads,
                       version)
from ._matrix import Matrix
from ._network import Layer, Network, Workspace
from ._onnx import onnx_plan
from ._optimizer import Optimizer
from ._pipeline import Pipeline
from ._pool import Pool
from .classifier import MonoforwardClassifier

__version__ = version()
__all__ = ["Allocator", "Builder", "DataConversionWarning", "LABEL_IGNORED", "Layer", "Matrix",
           "MonoforwardClassifier", "MonoforwardError", "Network", "NotFittedError", "Optimizer", "Pipeline", "Pool",
           "Workspace", "abi", "blas_name", "blas_threads", "check", "library", "network_memory", "onnx_plan",
           "products_name", "set_blas_threads", "version"]
