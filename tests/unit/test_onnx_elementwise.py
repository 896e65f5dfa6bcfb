"""Arithmetic, matrix products, activations, reductions from ONNX, against onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx_models import Case, check, imported, ints, kinds, single, weights

X = (2, 3, 4, 5)
ONE = np.full((), 0.5, np.float32)


def scalar(value: float) -> np.ndarray:
    return np.asarray(value, np.float32)


EVERY_OTHER = np.arange(3 * 4 * 5).reshape(3, 4, 5) % 2 == 0
BINARY = [
    *(Case("both", op, [X, X], opset=7, low=0.5) for op in ("Add", "Sub", "Mul", "Div")),
    *(Case("broadcast", op, [X, (3, 1, 1)], low=0.5) for op in ("Add", "Sub", "Mul", "Div")),
    *(Case("constant", op, [X, weights(3, 1, 1, low=0.5, high=2)], opset=14) for op in ("Add", "Sub", "Mul", "Div")),
    *(Case("constant_first", op, [weights(5), X], low=0.5) for op in ("Add", "Sub", "Mul", "Div")),
    *(Case("scalar", op, [X, ONE]) for op in ("Add", "Sub", "Mul", "Div")),
    *(Case("two", op, [X, X]) for op in ("Min", "Max", "Sum", "Mean")),
    *(Case("one", op, [X], opset=8) for op in ("Min", "Max", "Sum", "Mean")),
    *(Case("three", op, [X, (5,), weights(3, 1, 5)]) for op in ("Min", "Max", "Sum", "Mean")),
    *(Case("bound", op, [ONE, X]) for op in ("Min", "Max")),
    *(Case("no_bound", op, [X, scalar(s * np.inf)]) for op, s in (("Min", 1), ("Max", -1))),
    *(
        Case("bounds", op, [X, np.array([0.5, s * np.inf, 0, -1, 1], np.float32)])
        for op, s in (("Min", 1), ("Max", -1))
    ),
    Case("two", "Where", [EVERY_OTHER, X, X]),
    Case("broadcast", "Where", [EVERY_OTHER[:, :, :1], (4, 1), X], opset=9),
    Case("first", "Where", [EVERY_OTHER, weights(5), X]),
    Case("second", "Where", [EVERY_OTHER[0, 0], X, scalar(-3e4)]),
    Case("zero", "Where", [EVERY_OTHER, X, scalar(0.0)]),
    Case("infinite", "Where", [EVERY_OTHER, scalar(-np.inf), X]),
    *(Case("infinite", op, [X, np.asarray([0, -np.inf, 1, 0, 0], np.float32)]) for op in ("Add", "Sub")),
]
UNARY = [
    *(Case("", op, [X]) for op in ("Relu", "Sigmoid", "Tanh", "Exp", "Abs", "Neg", "Erf")),
    *(Case("", op, [X], low=0.1, high=3.0) for op in ("Sqrt", "Log", "Reciprocal")),
    *(Case("opset7", op, [X], opset=7) for op in ("Relu", "Sigmoid", "Tanh")),
    *(Case(str(p), "Pow", [X, scalar(p)], low=0.1, high=3.0) for p in (2.0, 0.5, -0.5, -1.0, 1.0, 3.0, 0.3)),
    Case("many_same", "Pow", [X, np.full((5,), 2.0, np.float32)]),
    Case("attributes", "Clip", [X], {"min": -0.5, "max": 0.75}, opset=7),
    Case("attribute", "Clip", [X], {"max": 0.75}, opset=10),
    Case("inputs", "Clip", [X, scalar(0.0), scalar(1.5)], opset=11),
    Case("high", "Clip", [X, None, scalar(0.25)]),
    Case("low", "Clip", [X, scalar(0.25)]),
    Case("none", "Clip", [X, scalar(np.finfo(np.float32).min), scalar(np.finfo(np.float32).max)]),
    Case("default", "LeakyRelu", [X]),
    Case("alpha", "LeakyRelu", [X], {"alpha": 0.3}, opset=16),
    Case("per_channel", "PRelu", [X, weights(3, 1, 1)], opset=16),
    Case("scalar", "PRelu", [X, weights(1)]),
    Case("full", "PRelu", [X, weights(4, 5)], opset=9),
    Case("", "HardSwish", [X], opset=14, low=-5.0, high=5.0),
    Case("default", "HardSigmoid", [X], low=-5.0, high=5.0),
    Case("sixth", "HardSigmoid", [X], {"alpha": 1 / 6, "beta": 0.5}, low=-5.0, high=5.0),
    Case("", "Elu", [X], {"alpha": 0.7}),
    Case("exact", "Gelu", [X], opset=20),
    Case("tanh", "Gelu", [X], {"approximate": "tanh"}, opset=20),
    Case("last", "Softmax", [X], {"axis": -1}),
    Case("channels", "Softmax", [X], {"axis": 1}),
    Case("first", "Softmax", [(3, 4)], {"axis": 0}),
    Case("default", "Softmax", [X]),
    Case("flattened", "Softmax", [X], opset=11),
    Case("flattened_2", "Softmax", [X], {"axis": 2}, opset=7),
    Case("flattened_ones", "Softmax", [(2, 5, 1, 1)], opset=12),
    Case("last", "LogSoftmax", [X], {"axis": 3}),
    Case("channels", "LogSoftmax", [X], {"axis": 1}),
    Case("flattened", "LogSoftmax", [X], {"axis": 1}, opset=11),
]
NORM = [weights(3, low=0.5), weights(3), weights(3), weights(3, low=0.2, high=2.0)]
PRODUCTS = [
    Case("", "BatchNormalization", [X, *NORM], {"epsilon": 1e-3}, opset=9),
    Case("new", "BatchNormalization", [(2, 3), *NORM], opset=15),
    Case("3d", "BatchNormalization", [(1, 3, 6), *NORM], opset=7),
    Case("plain", "Gemm", [(3, 4), weights(4, 5), weights(5)]),
    Case("turned", "Gemm", [(3, 4), weights(5, 4), weights(5)], {"transB": 1}, opset=7),
    Case("no_c", "Gemm", [(3, 4), weights(4, 5)], opset=11),
    Case("scaled", "Gemm", [(4, 3), weights(4, 5), weights(1, 5)], {"transA": 1, "alpha": 0.5, "beta": -2.0}),
    Case("scalar_c", "Gemm", [(3, 4), weights(4, 5), weights(1)], {"beta": 0.5}),
    Case("column_c", "Gemm", [(3, 4), weights(4, 5), weights(3, 1)], {"beta": 0.5}),
    Case("full_c", "Gemm", [(3, 4), weights(4, 5), weights(3, 5)]),
    Case("computed_c", "Gemm", [(3, 4), weights(4, 5), (3, 5)], {"beta": 0.5}),
    Case("computed_b", "Gemm", [(3, 4), (5, 4), (5,)], {"transB": 1, "alpha": 2.0}),
    Case("weights", "MatMul", [(3, 4), weights(4, 5)]),
    Case("batch_weights", "MatMul", [(2, 1, 3, 4), weights(4, 5)]),
    Case("vector_weights", "MatMul", [(2, 3, 4), weights(4)]),
    Case("vector_input", "MatMul", [(4,), weights(4, 5)]),
    Case("constant_left", "MatMul", [weights(3, 4), (2, 4, 5)]),
    Case("constant_batch", "MatMul", [(2, 3, 4), weights(2, 4, 5)]),
    Case("computed", "MatMul", [(2, 3, 4), (2, 4, 5)]),
    Case("broadcast", "MatMul", [(3, 4), (2, 4, 5)]),
    Case("computed_vectors", "MatMul", [(3, 4), (4,)]),
]
REDUCTIONS = [
    Case("axes", "ReduceMean", [X], {"axes": [2, 3]}),
    Case("flat", "ReduceMean", [X], {"axes": [-1, 1], "keepdims": 0}, opset=7),
    Case("all", "ReduceMean", [X]),
    Case("input", "ReduceMean", [X, ints(3, 2)], {"keepdims": 0}, opset=18),
    Case("input", "ReduceSum", [X, ints(1)], {"keepdims": 0}),
    Case("noop", "ReduceSum", [X], {"noop_with_empty_axes": 1}),
    Case("all", "ReduceSum", [X], {"keepdims": 0}),
    Case("old", "ReduceSum", [X], {"axes": [1]}, opset=11),
    Case("axes", "ReduceL2", [X], {"axes": [1, 3]}),
    Case("input", "ReduceL2", [X, ints(-1)], {"keepdims": 0}, opset=18),
    Case("all", "ReduceSumSquare", [X], opset=11),
    Case("axes", "ReduceMax", [X], {"axes": [2, 3]}, opset=12),
    Case("input", "ReduceMax", [X, ints(-1)], opset=20),
]


@pytest.mark.parametrize("case", [*BINARY, *UNARY, *PRODUCTS, *REDUCTIONS], ids=lambda c: f"{c.op}-{c.name}")
def test_equals_onnxruntime(case: Case, tmp_path: Path) -> None:
    check(single(case), tmp_path, case.low, case.high)


def test_constant_weights_make_a_fully_connected_layer(tmp_path: Path) -> None:
    graph = imported(single(Case("", "Gemm", [(3, 4), weights(4, 5), weights(5)])), tmp_path)
    assert kinds(graph) == ["FullyConnected"]
    np.testing.assert_array_equal(graph.values["x1"].data, weights(4, 5).T)


def test_a_bound_given_as_min_or_max_is_a_clip(tmp_path: Path) -> None:
    (node,) = imported(single(Case("", "Max", [X, scalar(0.0)])), tmp_path).nodes
    assert (node.op.kind, node.op.low, node.op.high) == ("Clip", 0.0, float("inf"))


def test_division_by_a_constant_multiplies(tmp_path: Path) -> None:
    assert kinds(imported(single(Case("", "Div", [X, scalar(4.0)])), tmp_path)) == ["Mul"]


def test_batch_normalization_becomes_two_operators_with_constants(tmp_path: Path) -> None:
    graph = imported(single(PRODUCTS[0]), tmp_path)
    assert kinds(graph) == ["Mul", "Add"]
    assert [graph.data(n.inputs[1]).shape for n in graph.nodes] == [(1, 3, 1, 1)] * 2


FUNCTIONS = [
    *(Case("", op, [X]) for op in ("Sin", "Cos", "Atan", "Floor", "Ceil", "Round", "Sign", "Sinh", "Cosh", "Asinh")),
    *(Case("", op, [X], low=-0.95, high=0.95) for op in ("Tan", "Asin", "Acos", "Atanh")),
    Case("", "Acosh", [X], low=1.05, high=4.0),
    *(Case("", op, [X], opset=o) for op, o in (("Softplus", 11), ("Softsign", 11), ("Mish", 18), ("Celu", 12))),
    Case("far", "Softplus", [X], low=-300.0, high=300.0),
    Case("alpha", "Celu", [X], {"alpha": 0.3}),
    Case("", "Selu", [X]),
    Case("parameters", "Selu", [X], {"alpha": 2.0, "gamma": 0.5}),
    Case("", "ThresholdedRelu", [X]),
    Case("negative", "ThresholdedRelu", [X], {"alpha": -0.3}),
    Case("soft", "Shrink", [X], {"bias": 0.7, "lambd": 0.7}),
    Case("hard", "Shrink", [X], {"lambd": 0.7}),
]


@pytest.mark.parametrize("case", FUNCTIONS, ids=lambda c: f"{c.op}_{c.name}")
def test_functions_of_one_element_are_one_node(case: Case, tmp_path: Path) -> None:
    assert len(check(single(case), tmp_path, case.low, case.high).nodes) == 1


SUMS = [
    *(Case("axis", op, [X], {"axes": [1]}, opset=13) for op in ("ReduceMin", "ReduceL1", "ReduceLogSumExp")),
    *(Case("all", op, [X], {"keepdims": 0}, opset=18) for op in ("ReduceMin", "ReduceL1", "ReduceLogSumExp")),
    Case("far", "ReduceLogSumExp", [X], {"axes": [3], "keepdims": 0}, low=-300.0, high=300.0),
    Case("axis", "ReduceLogSum", [X], {"axes": [2]}, low=0.1, high=2.0),
    *(Case(f"{a}{e}{r}", "CumSum", [X, ints(a)], {"exclusive": e, "reverse": r}, opset=14)
      for a, e, r in ((3, 0, 0), (1, 1, 0), (-2, 0, 1), (0, 1, 1))),
]  # fmt: skip


@pytest.mark.parametrize("case", SUMS, ids=lambda c: f"{c.op}_{c.name}")
def test_sums_and_extremes(case: Case, tmp_path: Path) -> None:
    check(single(case), tmp_path, case.low, case.high)
