"""Models of scikit-learn other than trees, and what stands before and behind them (ai.onnx.ml)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from edgeq.errors import ModelError
from edgeq.importers.onnx.choice import along, indices_of
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.node import Activation, Constant, OnnxNode
from edgeq.importers.onnx.trees import DOMAIN, class_labels, transformed
from edgeq.ir.tensor import Array, DType
from edgeq.ops.abs import Abs
from edgeq.ops.arg_max import ArgMax
from edgeq.ops.compare import Compare
from edgeq.ops.div import Div
from edgeq.ops.exp import Exp
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.l2_norm import L2Norm
from edgeq.ops.mul import Mul
from edgeq.ops.pow import Pow
from edgeq.ops.reduce_max import ReduceMax
from edgeq.ops.relabel import Relabel
from edgeq.ops.reshape import Reshape
from edgeq.ops.select import Select
from edgeq.ops.squared_difference import SquaredDifference
from edgeq.ops.sub import Sub
from edgeq.ops.sum import Sum
from edgeq.ops.tanh import Tanh
from edgeq.warnings import warn

_DAMAGED = "the file is damaged or unusual; convert the model again"
MOST_LABELS = 65536
"""Entries of a table from whole numbers to others."""


def _numbers(node: OnnxNode, name: str) -> Array:
    return np.asarray(node.attr_floats(name) or (), np.float32)


def _rows(node: OnnxNode) -> tuple[str, int]:
    """The features, which are real, and how many there are."""
    operand, shape = node.operand(0), node.shape(0)
    if len(shape) != 2 or (isinstance(operand, Activation) and operand.integers not in (None, DType.BOOL)):
        raise ModelError(f"features of shape {shape} are not real rows", hint="convert with an input (1, features)")
    return node.value(0), shape[1]


def weighed(node: OnnxNode, x: str, weights: npt.ArrayLike, bias: npt.ArrayLike, suffix: str = "scores") -> str:
    """Add x · weightsᵀ + bias for weights (outputs, features)."""
    stored = node.store(f"{suffix}_weights", np.asarray(weights, np.float32))
    return node.emit(FullyConnected(), [x, stored, node.store(f"{suffix}_bias", np.asarray(bias, np.float32))], suffix)


@handles("Scaler", domain=DOMAIN)
def scaler(node: OnnxNode) -> None:
    """(x − offset) · scale, for each feature its own."""
    x, _ = _rows(node)
    offset, scale = _numbers(node, "offset"), _numbers(node, "scale")
    if offset.any():
        x = node.emit(Sub(), [x, node.store("offset", offset)], "moved")
    node.result(node.emit(Mul(), [x, node.store("scale", scale)]) if scale.size else x)


@handles("Normalizer", domain=DOMAIN)
def normalizer(node: OnnxNode) -> None:
    """A row divided by its length (L2), the sum of its magnitudes (L1) or the greatest of them (MAX)."""
    x, _ = _rows(node)
    norm = node.attr_str("norm", "MAX")
    if norm == "L2":
        node.result(node.emit(L2Norm(axis=1, epsilon=1e-30), [x]))
        return
    if norm not in ("L1", "MAX"):
        raise ModelError(f"norm {norm!r} is unknown", hint=_DAMAGED)
    op = Sum(axes=(1,), keepdims=True) if norm == "L1" else ReduceMax(axes=(1,), keepdims=True)
    length = node.emit(op, [node.emit(Abs(), [x], "magnitudes")], "length")
    node.result(node.emit(Div(), [x, length]))


def _replaced(node: OnnxNode) -> float:
    """The number that is replaced; `attr_float` refuses NaN, which it mostly is."""
    return next((a.f for a in node.message.attribute if a.name == "replaced_value_float"), 0.0)


@handles("Imputer", domain=DOMAIN)
def imputer(node: OnnxNode) -> None:
    """One number replaced by others; NaN is left to the caller, since integers have none."""
    x, count = _rows(node)
    values, replaced = _numbers(node, "imputed_value_floats"), np.float32(_replaced(node))
    if values.size not in (1, count):
        raise ModelError(f"{values.size} values do not fit {count} features", hint=_DAMAGED)
    if np.isnan(replaced):
        shown = ", ".join(f"{v:g}" for v in values[:4].tolist())
        more = "" if values.size < 5 else ", …"
        warn(
            "integers have no NaN that could be replaced",
            hint=f"put in the model's own values ({shown}{more}) where a feature is missing",
            where=f"{node.name} ({node.kind})",
        )
        node.result(x)
        return
    missing = node.emit(Compare("equal"), [x, node.store("replaced", replaced.reshape(1))], "missing")
    node.result(node.emit(Select(), [missing, node.store("values", values), x]))


@handles("Binarizer", domain=DOMAIN)
def binarizer(node: OnnxNode) -> None:
    """1 where x is greater than a threshold, else 0."""
    threshold = node.store("threshold", np.array([node.attr_float("threshold", 0.0)], np.float32))
    node.result(node.emit(Compare("greater"), [node.value(0), threshold]))


@handles("ArrayFeatureExtractor", domain=DOMAIN, integers=True)
def extractor(node: OnnxNode) -> None:
    """Features by constant indices; or the labels of classes, from a constant list of them."""
    if not isinstance(node.operand(1), Constant):
        labels = node.needed(0, "the list of labels").data.ravel()
        node.result(looked_up(node, node.value(1), labels, (1, -1)), integers=DType.INT64)
        return
    shape = node.shape(0)
    places = indices_of(node, 1, shape[-1] if shape else 1).ravel()
    y = along(node, node.value(0), len(shape) - 1, places)
    node.result(y if len(shape) > 1 else node.emit(Reshape((1, len(places))), [y], "row", keep_q=True))


def looked_up(node: OnnxNode, x: str, labels: Array, shape: Sequence[int] = ()) -> str:
    """Add labels of whole numbers 0, 1, …: whole numbers themselves, or names, which stay as they are."""
    if labels.dtype.kind not in "iu" or labels.size > MOST_LABELS:
        raise ModelError("labels that are no whole numbers are not supported", hint="give the classes whole numbers")
    numbers = tuple(int(v) for v in labels)
    if not -(2**31) <= min(numbers) <= max(numbers) < 2**31:
        raise ModelError("numbers of classes do not fit 32 bits", hint="give the classes other labels")
    size = node.type(x).size
    x = x if not shape or node.type(x).shape == (1, size) else node.emit(Reshape((1, size)), [x], "row", keep_q=True)
    return node.emit(Relabel(numbers), [x])


@handles("LabelEncoder", domain=DOMAIN, integers=True)
def encoder(node: OnnxNode) -> None:
    """Whole numbers from whole numbers, or their names, which the generated header has."""
    operand = node.operand(0)
    keys = node.attr_ints("keys_int64s") or ()
    if not isinstance(operand, Activation) or not node.type(operand.value).is_whole or not keys:
        raise ModelError("only whole numbers are encoded", hint="encode texts before the model")
    values, names = node.attr_ints("values_int64s"), node.attr_strings("values_strings")
    low, high = min(keys), max(keys)
    if high - low >= MOST_LABELS or len(values or names or ()) != len(keys):
        raise ModelError("its keys are too far apart, or its values are no whole numbers", hint=_DAMAGED)
    if names is not None and sorted(keys) != list(range(len(keys))):
        raise ModelError("its keys are not 0, 1, …", hint="give the classes such numbers")
    other = node.attr_int("default_int64", -1) if names is None else 0
    table = dict(zip(keys, values or keys, strict=True))
    called = tuple(name for _, name in sorted(zip(keys, names or (), strict=False)))
    edges = 0 if names is not None else 1  # what is beyond gets the entry at the end
    labels = tuple(table.get(k, other) for k in range(low - edges, high + 1 + edges))
    node.result(node.emit(Relabel(labels, low - edges, called), [operand.value]), integers=DType.INT64)


@handles("LinearRegressor", domain=DOMAIN)
def regressor(node: OnnxNode) -> None:
    """Products and sums."""
    x, count = _rows(node)
    targets = node.attr_int("targets", 1)
    weights, bias = _numbers(node, "coefficients"), _numbers(node, "intercepts")
    if weights.size != targets * count or bias.size not in (0, targets):
        raise ModelError(f"{weights.size} coefficients do not fit {count} features", hint=_DAMAGED)
    y = weighed(node, x, weights.reshape(targets, count), bias if bias.size else np.zeros(targets))
    node.result(transformed(node, y, node.attr_str("post_transform", "NONE")))


@handles("LinearClassifier", domain=DOMAIN)
def classifier(node: OnnxNode) -> None:
    """The class with the greatest score, and scores or probabilities."""
    x, count = _rows(node)
    numbers, names = class_labels(node)
    weights, bias = _numbers(node, "coefficients"), _numbers(node, "intercepts")
    rows, classes = weights.size // count, max(len(numbers), len(names))
    if rows * count != weights.size or bias.size not in (0, rows) or classes != max(rows, 2):
        raise ModelError(
            f"{weights.size} coefficients do not fit {count} features and {classes} classes", hint=_DAMAGED
        )
    weights, bias = weights.reshape(rows, count), bias if bias.size else np.zeros(rows, np.float32)
    if rows == 1:
        weights, bias = np.concatenate([-weights, weights]), np.concatenate([-bias, bias])
    scores = weighed(node, x, weights, bias)
    found = _label(node, scores, numbers, names)
    node.result(transformed(node, scores, node.attr_str("post_transform", "NONE")), 1)
    node.result(found, integers=DType.INT64)


def _label(node: OnnxNode, scores: str, numbers: tuple[int, ...], names: tuple[str, ...]) -> str:
    """Add the label of the greatest score."""
    found = node.emit(ArgMax(1), [scores], "class")
    if names or numbers != tuple(range(len(numbers))):
        found = node.emit(Relabel(numbers or tuple(range(len(names))), names=names), [found])
    return found


def _kernels(node: OnnxNode, x: str, vectors: Array) -> str:
    """Add the likeness of rows to support vectors (vectors, features): (rows, vectors)."""
    kind = node.attr_str("kernel_type", "LINEAR")
    gamma, coef, degree = (*(node.attr_floats("kernel_params") or ()), 0.0, 0.0, 0.0)[:3]
    if kind == "LINEAR":
        return weighed(node, x, vectors, np.zeros(len(vectors)), "likeness")
    if kind == "RBF":
        rows, features = node.type(x).shape
        spread = node.emit(Reshape((rows, 1, features)), [x], "spread", keep_q=True)
        apart = node.emit(SquaredDifference(), [spread, node.store("vectors", vectors[None])], "apart")
        distance = node.emit(Sum(axes=(2,)), [apart], "distance")
        scaled = node.emit(Mul(), [distance, node.store("gamma", np.array([-gamma], np.float32))], "scaled")
        return node.emit(Exp(), [scaled], "likeness")
    products = weighed(node, x, vectors * np.float32(gamma), np.full(len(vectors), coef), "products")
    if kind == "SIGMOID":
        return node.emit(Tanh(), [products], "likeness")
    if kind == "POLY":
        return node.emit(Pow(float(int(degree))), [products], "likeness")
    raise ModelError(f"kernel {kind!r} is unknown", hint=_DAMAGED)


def _vectors(node: OnnxNode, count: int, vectors: int) -> Array:
    stored = _numbers(node, "support_vectors")
    if vectors < 1 or stored.size != vectors * count:
        raise ModelError(
            "there are no support vectors that fit the features", hint="convert linear models as LinearClassifier"
        )
    return stored.reshape(vectors, count)


@handles("SVMRegressor", domain=DOMAIN)
def support_regressor(node: OnnxNode) -> None:
    """Likenesses to support vectors, weighed and added."""
    x, count = _rows(node)
    vectors = _vectors(node, count, node.attr_int("n_supports", 0))
    weights, rho = _numbers(node, "coefficients"), _numbers(node, "rho")
    if weights.size != len(vectors) or rho.size != 1 or node.attr_int("one_class", 0):
        raise ModelError("its coefficients do not fit, or it tells only outliers", hint=_DAMAGED)
    y = weighed(node, _kernels(node, x, vectors), weights[None], rho)
    node.result(transformed(node, y, node.attr_str("post_transform", "NONE")))


@handles("SVMClassifier", domain=DOMAIN)
def support_classifier(node: OnnxNode) -> None:
    """The class that wins most comparisons of two, and the scores of these; no probabilities of Platt's."""
    x, count = _rows(node)
    numbers, names = class_labels(node)
    per_class = node.attr_ints("vectors_per_class") or ()
    classes, vectors = len(per_class), _vectors(node, count, sum(per_class))
    pairs = list(combinations(range(classes), 2))
    weights, rho = _numbers(node, "coefficients"), _numbers(node, "rho")
    if max(len(numbers), len(names)) != classes or rho.size != len(pairs) or classes < 2:
        raise ModelError("its classes do not fit its support vectors", hint=_DAMAGED)
    if weights.size != (classes - 1) * len(vectors):
        raise ModelError("its coefficients do not fit its support vectors", hint=_DAMAGED)
    weights, ends = weights.reshape(classes - 1, -1), np.cumsum((0, *per_class))
    duels, votes = np.zeros((len(pairs), len(vectors)), np.float32), np.zeros((classes, len(pairs)), np.float32)
    for k, (i, j) in enumerate(pairs):
        duels[k, ends[i] : ends[i + 1]] = weights[j - 1, ends[i] : ends[i + 1]]
        duels[k, ends[j] : ends[j + 1]] = weights[i, ends[j] : ends[j + 1]]
        votes[i, k], votes[j, k] = 1, -1
    scores = weighed(node, _kernels(node, x, vectors), duels, rho)
    won = node.emit(Compare("greater"), [scores, node.store("zero", np.zeros(1, np.float32))], "won")
    counted = weighed(node, won, votes, (votes < 0).sum(axis=1), "votes")
    found = _label(node, counted, numbers, names)
    if not _numbers(node, "prob_a").size:
        shown = scores
        if classes == 2:
            shown = node.emit(Mul(), [scores, node.store("both", np.array([[-1, 1]], np.float32))], "both")
        node.result(transformed(node, shown, node.attr_str("post_transform", "NONE")), 1)
    node.result(found, integers=DType.INT64)
