"""The TFLite importer: borders, constants, shapes and names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tflite_file import Operator, Tensor, build

from edgeq.errors import ModelError, UsageError
from edgeq.importers.tflite import import_bytes
from edgeq.importers.tflite.axes import resolve_shape, same_padding, strided_slice
from edgeq.importers.tflite.raw import Problem
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import DType, QParams
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.function import Function
from edgeq.passes.pipeline import optimize_float, optimize_integer
from edgeq.quantize import quantize
from edgeq.simulator import run_float, run_int
from edgeq.warnings import EdgeqWarning

RNG = np.random.default_rng(7)
CONV = {"Padding": 0, "StrideH": 1, "StrideW": 1, "DilationHFactor": 1, "DilationWFactor": 1}


def model(tensors: list[Tensor], ops: list[Operator], inputs: list[int], outputs: list[int], **shapes: Any) -> Graph:
    """Build a file and import it."""
    return import_bytes(build(tensors, ops, inputs, outputs), "net", shapes)


def kinds(graph: Graph) -> list[str]:
    """Operators in order."""
    return [node.op.kind for node in graph.nodes]


def relu_net(x: Tensor, y: Tensor, before: Operator, after: Operator, inner: tuple[Tensor, Tensor]) -> Graph:
    """input → `before` → RELU → `after` → output."""
    return model([x, *inner, y], [before, Operator("RELU", [1], [2]), after], [0], [3])


def test_float_borders_vanish() -> None:
    graph = relu_net(
        Tensor("in", (1, 4)),
        Tensor("out", (1, 4)),
        Operator("QUANTIZE", [0], [1]),
        Operator("DEQUANTIZE", [2], [3]),
        (Tensor("a", (1, 4), "INT8", scale=0.5, zero=3), Tensor("b", (1, 4), "INT8", scale=0.25, zero=-128)),
    )
    assert kinds(graph) == ["Clip"]
    assert graph.inputs == ("in",) and graph.outputs == ("out",)
    assert graph.type("in").q == QParams.per_tensor(0.5, 3) and graph.type("in").dtype is DType.FLOAT32
    assert graph.type("out").q == QParams.per_tensor(0.25, -128)
    assert graph.ports == {} and graph.preferred is Numerics.TFLITE and graph.numerics is None


def test_uint8_borders_vanish_and_stay_ports() -> None:
    graph = relu_net(
        Tensor("in", (1, 4), "UINT8", scale=0.5, zero=131),
        Tensor("out", (1, 4), "UINT8", scale=0.25, zero=0),
        Operator("QUANTIZE", [0], [1]),
        Operator("QUANTIZE", [2], [3]),
        (Tensor("a", (1, 4), "INT8", scale=0.5, zero=3), Tensor("b", (1, 4), "INT8", scale=0.25, zero=-128)),
    )
    assert kinds(graph) == ["Clip"]
    assert graph.ports == {"in": DType.UINT8, "out": DType.UINT8}
    whole = quantize(graph, None, numerics=Numerics.TFLITE)
    found = run_int(whole, {"in": np.array([[0, 131, 133, 255]], np.uint8)})["out"]
    np.testing.assert_array_equal(found, np.array([[0, 0, 4, 248]], np.uint8))


def test_another_scale_is_a_requantize() -> None:
    graph = relu_net(
        Tensor("in", (1, 4), "INT8", scale=0.5, zero=3),
        Tensor("out", (1, 4), "INT8", scale=0.125, zero=5),
        Operator("QUANTIZE", [0], [1]),
        Operator("QUANTIZE", [2], [3]),
        (Tensor("a", (1, 4), "INT8", scale=0.75, zero=3), Tensor("b", (1, 4), "INT8", scale=0.25, zero=-128)),
    )
    assert kinds(graph) == ["Requantize", "Clip", "Requantize"]


def test_only_int8_tensors_are_negated_as_stored() -> None:
    tensors = [
        Tensor("x", (1, 256), "INT8", scale=0.004, zero=-128),
        Tensor("a", (1, 256)),
        Tensor("b", (1, 256)),
        Tensor("y", (1, 256), "INT8", scale=0.004, zero=127),
    ]
    ops = [Operator("DEQUANTIZE", [0], [1]), Operator("NEG", [1], [2], "NegOptions"), Operator("QUANTIZE", [2], [3])]
    x = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
    island = quantize(model(tensors, ops, [0], [3]), None, numerics=Numerics.TFLITE)
    np.testing.assert_array_equal(run_int(island, {"x": x})["y"], -1 - x)
    stored = model([tensors[0], tensors[3]], [Operator("NEG", [0], [1], "NegOptions")], [0], [1])
    found = run_int(quantize(stored, None, numerics=Numerics.TFLITE), {"x": x})["y"]
    np.testing.assert_array_equal(found, (-x.astype(int)).astype(np.int8))


def island(ops: list[Operator], outputs: list[int]) -> Graph:
    """int8 x → real a, functions of one element through b and c, → int8 y."""
    tensors = [
        Tensor("x", (2, 3), "INT8", scale=0.5, zero=3),
        Tensor("a", (2, 3)),
        Tensor("b", (2, 3)),
        Tensor("c", (2, 3)),
        Tensor("y", (2, 3), "INT8", scale=0.25, zero=-8),
        Tensor("number", (1,), data=[2.5]),
        Tensor("row", (3,), data=[1.0, 2.0, 3.0]),
    ]
    return model(tensors, [Operator("DEQUANTIZE", [0], [1]), *ops, Operator("QUANTIZE", [3], [4])], [0], outputs)


def test_functions_between_integers_become_one() -> None:
    ops = [Operator("MUL", [1, 5], [2], "MulOptions", {"FusedActivationFunction": 1}), Operator("LOGISTIC", [2], [3])]
    graph = island(ops, [4])
    expression = "Sigmoid(Mul(x, 2.5, clamp=(0.0, inf)))"
    assert [node.op for node in graph.nodes] == [Function(expression, dequantized=True)]
    assert graph.type("y").q == QParams.per_tensor(0.25, -8) and graph.nodes[0].inputs == ("x",)
    x = np.array([[-8, -1, 0], [1, 2, 8]], np.float32)
    np.testing.assert_allclose(run_float(graph, {"x": x})["y"], 1 / (1 + np.exp(-np.maximum(2.5 * x, 0))), rtol=1e-6)


def test_both_operands_may_be_functions_of_the_element() -> None:
    ops = [
        Operator("LOGISTIC", [1], [2]),
        Operator("MUL", [1, 2], [3], "MulOptions", {"FusedActivationFunction": 0}),
    ]
    assert [node.op for node in island(ops, [4]).nodes] == [Function("Mul(x, Sigmoid(x))", dequantized=True)]


def test_what_else_reads_real_numbers_keeps_them() -> None:
    ops = [Operator("NEG", [1], [2], "NegOptions"), Operator("ABS", [2], [3])]
    both = island(ops, [4, 2])
    assert [(n.op.gives_real, n.inputs) for n in both.nodes] == [(None, ("x",)), (True, ("x",))]
    by_row = Operator("MUL", [1, 6], [2], "MulOptions", {"FusedActivationFunction": 0})
    assert kinds(island([by_row, ops[1]], [4])) == ["Dequantize", "Mul", "Abs", "Quantize"]


def test_passes_leave_real_numbers_as_they_are() -> None:
    """Factors and addends of rows would be folded, and functions joined, if they were to be quantized."""
    tensors = [
        Tensor("x", (2, 3), "INT8", scale=0.5, zero=3),
        *(Tensor(name, (2, 3)) for name in "abcde"),
        Tensor("y", (2, 3), "INT8", scale=0.25, zero=-8),
        Tensor("row", (3,), data=[1.0, 2.0, 3.0]),
    ]
    ops = [
        Operator("DEQUANTIZE", [0], [1]),
        Operator("MUL", [1, 7], [2], "MulOptions"),
        Operator("ADD", [2, 7], [3], "AddOptions"),
        Operator("LOGISTIC", [3], [4]),
        Operator("MUL", [3, 4], [5], "MulOptions"),
        Operator("QUANTIZE", [5], [6]),
    ]
    graph = model(tensors, ops, [0], [6])
    assert kinds(graph) == ["Dequantize", "Mul", "Add", "Sigmoid", "Mul", "Quantize"]
    assert kinds(optimize_float(graph)) == kinds(graph)
    whole = optimize_integer(quantize(optimize_float(graph), None, numerics=Numerics.FAST))
    assert kinds(whole) == kinds(graph)
    real = {name for name, value in whole.values.items() if value.data is None and value.type.dtype is DType.FLOAT32}
    assert real == {"a", "b", "c", "d", "e"}


def test_what_moves_elements_is_moved_in_8_bits() -> None:
    tensors = [
        Tensor("x", (2, 3), "INT8", scale=0.5, zero=3),
        Tensor("a", (2, 3)),
        Tensor("b", (3, 2)),
        Tensor("w", (2,), data=[1.0, 2.5]),
        Tensor("c", (3, 2)),
        Tensor("d", (6, 2)),
        Tensor("y", (6, 2), "INT8", scale=0.25, zero=-8),
        Tensor("order", (2,), "INT32", [1, 0]),
    ]
    ops = [
        Operator("DEQUANTIZE", [0], [1]),
        Operator("TRANSPOSE", [1, 7], [2]),
        Operator("MUL", [2, 3], [4], "MulOptions"),
        Operator("CONCATENATION", [4, 2], [5], "ConcatenationOptions", {"Axis": 0}),
        Operator("QUANTIZE", [5], [6]),
    ]
    graph = model(tensors, ops, [0], [6])
    assert kinds(graph) == ["Transpose", "Dequantize", "Mul", "Quantize", "Function", "Concat"]
    x = np.array([[-4, 3, 127], [-128, 0, 9]], np.int8)
    found = run_int(quantize(graph, None, numerics=Numerics.TFLITE), {"x": x})["y"]
    reals = ((x.astype(np.float64) - 3) * 0.5).T
    expected = np.concatenate([reals * [1.0, 2.5], reals]) / 0.25
    whole = np.trunc(np.abs(expected) + 0.5) * np.sign(expected) - 8
    np.testing.assert_array_equal(found, np.clip(whole, -128, 127))


def test_a_real_tail_stays_real() -> None:
    tensors = [Tensor("x", (2, 3), "INT8", scale=0.5, zero=3), Tensor("a", (2, 3)), Tensor("y", (2, 3))]
    dequantize = Operator("DEQUANTIZE", [0], [1])
    x = np.array([[-4, 3, 127], [-128, 0, 9]], np.int8)
    reals = (x.astype(np.float64) - 3) * 0.5
    for numerics in Numerics:
        graph = quantize(
            model(tensors, [dequantize, Operator("LOG_SOFTMAX", [1], [2])], [0], [2]), None, numerics=numerics
        )
        found = run_int(graph, {"x": x})["y"]
        assert found.dtype == np.float32
        exact = reals - reals.max(1, keepdims=True)
        np.testing.assert_allclose(found, exact - np.log(np.exp(exact).sum(1, keepdims=True)), rtol=1e-6)
    graph = model(tensors[:2], [dequantize], [0], [1])
    assert kinds(graph) == ["Reshape"] and graph.type(graph.outputs[0]).q == QParams.per_tensor(0.5, 3)


def test_an_island_with_an_operator_that_is_never_real_is_quantized_with_a_warning() -> None:
    tensors = [
        Tensor("x", (2, 3), "INT8", scale=0.5, zero=3),
        Tensor("a", (2, 3)),
        Tensor("row", (3,), data=[1.0, 2.0, 3.0]),
        Tensor("b", (2, 3)),
        Tensor("c", (2, 3)),
        Tensor("y", (2, 3), "INT8", scale=0.25, zero=-8),
        Tensor("exponent", (), data=1.5),
    ]
    ops = [
        Operator("DEQUANTIZE", [0], [1]),
        Operator("ADD", [1, 2], [3], "AddOptions"),
        Operator("POW", [3, 6], [4], "PowOptions"),
        Operator("QUANTIZE", [4], [5]),
    ]
    with pytest.warns(EdgeqWarning, match="4 operators in real numbers, among them Pow"):
        graph = model(tensors, ops, [0], [5])
    assert kinds(graph) == ["Add", "Pow"] and graph.type("y").q == QParams.per_tensor(0.25, -8)


def test_a_cell_whose_state_was_always_zero() -> None:
    """Converters give tensors that held nothing but zeros scales such as 1e-35."""
    tiny = 1e-35
    tensors = [
        Tensor("gate", (1, 256), "INT8", scale=1 / 256, zero=-128),
        Tensor("before", (1, 256), "INT8", np.full((1, 256), 3), tiny, 3),
        Tensor("kept", (1, 256), "INT8", scale=tiny, zero=0),
        Tensor("after", (1, 256), "INT8", scale=1 / 256, zero=-128),
        Tensor("squeezed", (1, 256), "INT8", scale=tiny, zero=-5),
        Tensor("w", (3, 256), "INT8", np.ones((3, 256)), 1e-12, 0),
        Tensor("b", (3,), "INT32", [100, -100, 0], 0.0 + tiny * 1e-12),
        Tensor("y", (1, 3), "INT8", scale=tiny, zero=7),
    ]
    ops = [
        Operator("MUL", [0, 1], [2], "MulOptions", {"FusedActivationFunction": 0}),
        Operator("ADD", [2, 0], [3], "AddOptions", {"FusedActivationFunction": 0}),
        Operator("QUANTIZE", [3], [4]),
        Operator("FULLY_CONNECTED", [2, 5, 6], [7], "FullyConnectedOptions", {"FusedActivationFunction": 0}),
    ]
    x = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
    for numerics in Numerics:
        graph = quantize(model(tensors, ops, [0], [3, 4, 2, 7]), None, numerics=numerics)
        found = run_int(graph, {"gate": x})
        np.testing.assert_array_equal(found["after"], x)
        np.testing.assert_array_equal(found["kept"], np.zeros((1, 256)))
        np.testing.assert_array_equal(found["squeezed"], np.where(x == -128, -5, 127))
        np.testing.assert_array_equal(found["y"], [[7, 7, 7]])


def test_sparse_constants_become_dense() -> None:
    matrix = np.zeros((4, 6), np.float32)
    matrix[0:2, 2:4], matrix[2:4, 0:2] = [[1, 2], [3, 4]], [[5, 0], [0, 6]]
    blocks = [1, 2, 3, 4, 5, 0, 0, 6]
    rows = (0, 1), (), [4, ([0, 1, 2, 3, 4], [2, 2, 0, 1])]
    tiles = (0, 1, 2, 3), (0, 1), [2, ([0, 1, 2], [1, 0]), 2, 2]
    columns = (1, 0), (), [6, ([0, 1, 2, 3, 4, 4, 4], [2, 3, 0, 0])]
    for sparse, data, expected in [
        (tiles, blocks, matrix),
        (rows, [1, 3, 5, 6], matrix * np.isin(matrix, [1, 3, 5, 6])),
        (columns, [5, 6, 1, 2], matrix * np.isin(matrix, [5, 6, 1, 2])),
    ]:
        tensors = [
            Tensor("x", (4, 6)),
            Tensor("s", (4, 6), data=data, sparse=sparse),
            Tensor("d", (4, 6)),
            Tensor("y", (4, 6)),
        ]
        add = Operator("ADD", [0, 2], [3], "AddOptions", {"FusedActivationFunction": 0})
        content = build(tensors, [Operator("DENSIFY", [1], [2]), add], [0], [3])
        found = run_float(import_bytes(content, "net"), {"x": np.zeros((4, 6), np.float32)})["y"]
        np.testing.assert_array_equal(found, expected)


def test_the_axis_of_a_bias_is_ignored() -> None:
    tensors = [
        Tensor("x", (1, 4), "INT8", scale=0.5, zero=0),
        Tensor("w", (2, 4), "INT8", np.ones((2, 4)), [0.25, 0.5], 0, 0),
        Tensor("b", (2,), "INT32", [8, 8], [0.125, 0.25], 0, 3),
        Tensor("c", (2,), "INT32", [8, 8], [0.125, 0.25, 1.0], 0, 3),
        Tensor("y", (1, 2), "INT8", scale=0.25, zero=0),
        Tensor("z", (1, 2), "INT8", scale=0.25, zero=0),
    ]
    options = "FullyConnectedOptions", {"FusedActivationFunction": 0}
    ops = [Operator("FULLY_CONNECTED", [0, 1, k], [k + 2], *options) for k in (2, 3)]
    graph = quantize(model(tensors, ops, [0], [4, 5]), None, numerics=Numerics.TFLITE)
    found = run_int(graph, {"x": np.zeros((1, 4), np.int8)})
    np.testing.assert_array_equal([found["y"], found["z"]], [[[4, 8]]] * 2)


def test_constant_outputs_are_kept() -> None:
    tensors = [
        Tensor("x", (1, 4)),
        Tensor("y", (1, 4)),
        Tensor("anchors", (2, 2), data=[[1, 2], [3, 4]]),
        Tensor("q", (2,), "INT8", [-3, 5], 0.5, 1),
    ]
    graph = model(tensors, [Operator("RELU", [0], [1])], [0], [1, 2, 3, 2])
    assert graph.outputs[:3] == ("y", "anchors", "q") and len(set(graph.outputs)) == 4
    data = [graph.values[name].data for name in graph.outputs[1:]]
    np.testing.assert_array_equal(data[0], [[1, 2], [3, 4]])
    np.testing.assert_array_equal(data[1], [-3, 5])
    np.testing.assert_array_equal(data[2], data[0])


def test_float16_and_int8_weights_become_float() -> None:
    w = RNG.normal(size=(3, 4)).astype(np.float16)
    integers = RNG.integers(-127, 128, (2, 3))
    tensors = [
        Tensor("x", (1, 4)),
        Tensor("w16", (3, 4), "FLOAT16", w),
        Tensor("w", (3, 4)),
        Tensor("h", (1, 3)),
        Tensor("w8", (2, 3), "INT8", integers, [0.1, 0.2], 0, 0),
        Tensor("y", (1, 2)),
    ]
    dense = ("FullyConnectedOptions", {"FusedActivationFunction": 0})
    ops = [
        Operator("DEQUANTIZE", [1], [2]),
        Operator("FULLY_CONNECTED", [0, 2, -1], [3], *dense),
        Operator("FULLY_CONNECTED", [3, 4, -1], [5], *dense),
    ]
    graph = model(tensors, ops, [0], [5])
    assert graph.preferred is Numerics.FAST
    assert all(v.type.dtype is DType.FLOAT32 and v.type.q is None for v in graph.values.values())
    x = RNG.normal(size=(1, 4)).astype(np.float32)
    expected = x @ w.astype(np.float32).T @ (integers * np.array([[0.1], [0.2]])).T
    np.testing.assert_allclose(run_float(graph, {"x": x})["y"], expected, rtol=1e-5)


def test_shape_chain_is_folded() -> None:
    tensors = [
        Tensor("x", (1, 3, 4), signature=(-1, 3, 4)),
        Tensor("shape", (3,), "INT32"),
        Tensor("zero", (1,), "INT32", [0]),
        Tensor("one", (1,), "INT32", [1]),
        Tensor("batch", (), "INT32"),
        Tensor("rest", (), "INT32", np.array(12)),
        Tensor("target", (2,), "INT32"),
        Tensor("y", (1, 12), signature=(-1, 12)),
    ]
    masks = {"BeginMask": 0, "EndMask": 0, "ShrinkAxisMask": 1}
    ops = [
        Operator("SHAPE", [0], [1], "ShapeOptions"),
        Operator("STRIDED_SLICE", [1, 2, 3, 3], [4], "StridedSliceOptions", masks),
        Operator("PACK", [4, 5], [6], "PackOptions", {"ValuesCount": 2, "Axis": 0}),
        Operator("RESHAPE", [0, 6], [7]),
    ]
    graph = model(tensors, ops, [0], [7])
    assert kinds(graph) == ["Reshape"] and graph.type("y").shape == (1, 12)
    assert import_bytes(build(tensors, ops, [0], [7]), "net", {"x": (5, 3, 4)}).type("y").shape == (5, 12)


def test_shapes_of_unknown_batches() -> None:
    """What the converter makes of a normalization of groups where the batch is open: zeros and shapes of its shape."""
    tensors = [
        Tensor("x", (1, 2, 3)),
        Tensor("zeros", (1, 2, 3)),
        Tensor("shape", (3,), "INT64"),
        Tensor("target", (3,), "INT64", [4, 1, 1]),
        Tensor("wanted", (3,), "INT64"),
        Tensor("one", (), data=np.float32(1)),
        Tensor("ones", (4, 2, 3)),
        Tensor("sum", (4, 2, 3)),
        Tensor("scalar", (0,), "INT64", []),
        Tensor("y", (4, 2, 3)),
    ]
    ops = [
        Operator("ZEROS_LIKE", [0], [1]),
        Operator("SHAPE", [0], [2], "ShapeOptions"),
        Operator("BROADCAST_ARGS", [2, 3], [4]),
        Operator("BROADCAST_TO", [5, 4], [6]),
        Operator("ADD", [6, 0], [7], "AddOptions"),
        Operator("BROADCAST_TO", [7, 8], [9]),
    ]
    x = RNG.normal(size=(1, 2, 3)).astype(np.float32)
    found = run_float(model(tensors, ops, [0], [9, 1]), {"x": x})
    np.testing.assert_allclose(found["y"], np.broadcast_to(x + 1, (4, 2, 3)), rtol=1e-6)
    assert found["zeros"].shape == x.shape and not found["zeros"].any()


def test_zeros_of_integers_are_the_zero_point() -> None:
    for dtype, zero in (("INT8", -5), ("UINT8", 123)):
        tensors = [Tensor("x", (1, 4), dtype, scale=0.5, zero=zero), Tensor("y", (1, 4), dtype, scale=0.25, zero=zero)]
        tensors += [Tensor("s", (1, 4), dtype, scale=0.5, zero=zero)]
        ops = [Operator("ZEROS_LIKE", [0], [1]), Operator("ADD", [0, 1], [2], "AddOptions")]
        graph = quantize(model(tensors, ops, [0], [2]), None, numerics=Numerics.TFLITE)
        x = np.array([[3, 4, 5, 6]], np.int8 if dtype == "INT8" else np.uint8)
        np.testing.assert_array_equal(run_int(graph, {"x": x})["s"], x)


def test_open_dimensions_need_a_shape() -> None:
    tensors = [Tensor("img", (1, 1, 1, 3), signature=(-1, -1, -1, 3)), Tensor("y", (1, 1, 1, 3))]
    ops = [Operator("RELU", [0], [1])]
    with pytest.raises(UsageError, match="open dimensions") as caught:
        model(tensors, ops, [0], [1])
    assert caught.value.hint == "give them with --input-shape img=1x?x?x3"
    assert model(tensors, ops, [0], [1], img=(1, 8, 9, 3)).type("y").shape == (1, 8, 9, 3)
    with pytest.raises(UsageError, match="does not fit") as caught:
        model(tensors, ops, [0], [1], img=(1, 8, 9))
    assert "4 dimensions" in caught.value.hint and caught.value.hint.endswith("img=1x?x?x3")
    with pytest.raises(UsageError, match="does not fit"):
        model(tensors, ops, [0], [1], img=(1, 8, 9, 4))
    with pytest.raises(UsageError, match="has no input 'other'"):
        model(tensors, ops, [0], [1], other=(1, 8, 9, 3))


def test_several_inputs_and_outputs() -> None:
    tensors = [
        Tensor("a", (1, 4)),
        Tensor("b", (4,)),
        Tensor("sum", (1, 4)),
        Tensor("neg", (1, 4)),
        Tensor("same", (1, 4)),
    ]
    ops = [
        Operator("ADD", [0, 1], [2], "AddOptions", {"FusedActivationFunction": 1}),
        Operator("NEG", [2], [3], "NegOptions"),
        Operator("CAST", [2], [4]),
    ]
    graph = model(tensors, ops, [0, 1], [3, 2, 4, 0])
    assert graph.inputs == ("a", "b") and graph.outputs[:3] == ("neg", "sum", "same")
    a, b = RNG.normal(size=(1, 4)).astype(np.float32), RNG.normal(size=4).astype(np.float32)
    found = run_float(graph, {"a": a, "b": b})
    np.testing.assert_allclose(found["sum"], np.maximum(a + b, 0))
    np.testing.assert_allclose(found["neg"], -found["sum"])
    np.testing.assert_allclose(found["same"], found["sum"])
    np.testing.assert_allclose(found[graph.outputs[3]], a)


def test_equal_names_are_told_apart() -> None:
    tensors = [Tensor("x", (1, 4)), Tensor("x", (1, 4)), Tensor("", (1, 4))]
    graph = model(tensors, [Operator("ABS", [0], [1]), Operator("NEG", [1], [2])], [0], [2])
    assert graph.inputs == ("x",) and graph.outputs == ("tensor_2",)
    assert kinds(graph) == ["Abs", "Neg"]


def test_an_output_keeps_its_name() -> None:
    tensors = [Tensor("x", (1, 4)), Tensor("y;inner", (1, 4)), Tensor("y", (1, 4))]
    graph = model(tensors, [Operator("ABS", [0], [1]), Operator("NEG", [1], [2])], [0], [2])
    assert graph.outputs == ("y",) and graph.producers["y"].op.kind == "Neg"


@pytest.mark.parametrize(("groups", "act", "low"), [(1, 0, -np.inf), (2, 1, 0.0), (1, 3, 0.0)])
def test_conv_with_groups_and_fused_activation(groups: int, act: int, low: float) -> None:
    w = RNG.normal(size=(4, 3, 3, 4 // groups)).astype(np.float32)
    tensors = [Tensor("x", (1, 5, 5, 4)), Tensor("w", w.shape, data=w), Tensor("y", (1, 5, 5, 4))]
    ops = [Operator("CONV_2D", [0, 1], [2], "Conv2DOptions", {**CONV, "FusedActivationFunction": act})]
    graph = model(tensors, ops, [0], [2])
    op = graph.nodes[0].op
    assert op.groups == groups and op.padding == (1, 1, 1, 1) and op.clamp[0] == low  # type: ignore[attr-defined]


def test_softmax_with_beta() -> None:
    tensors = [Tensor("x", (1, 6)), Tensor("y", (1, 6))]
    graph = model(tensors, [Operator("SOFTMAX", [0], [1], "SoftmaxOptions", {"Beta": 2.5})], [0], [1])
    x = RNG.normal(size=(1, 6)).astype(np.float32)
    weights = np.exp(2.5 * x)
    np.testing.assert_allclose(run_float(graph, {"x": x})["y"], weights / weights.sum(), rtol=1e-5)


def test_squared_difference_in_float() -> None:
    tensors = [Tensor("a", (2, 3)), Tensor("b", (3,)), Tensor("y", (2, 3))]
    graph = model(tensors, [Operator("SQUARED_DIFFERENCE", [0, 1], [2])], [0, 1], [2])
    a, b = RNG.normal(size=(2, 3)).astype(np.float32), RNG.normal(size=3).astype(np.float32)
    np.testing.assert_allclose(run_float(graph, {"a": a, "b": b})["y"], (a - b) ** 2, rtol=1e-5)


def test_l2_normalization_in_float() -> None:
    tensors = [Tensor("a", (2, 3)), Tensor("y", (2, 3))]
    options = {"FusedActivationFunction": 1}
    graph = model(tensors, [Operator("L2_NORMALIZATION", [0], [1], "L2NormOptions", options)], [0], [1])
    a = np.array([[3.0, -4.0, 0.0], [3e-7, 4e-7, 0.0]], np.float32)
    expected = np.array([[0.6, 0.0, 0.0], [0.3, 0.4, 0.0]])  # by 1e-6 at least
    np.testing.assert_allclose(run_float(graph, {"a": a})["y"], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("kind", "operand", "table", "shape", "expected"),
    [
        ("REDUCE_MIN", [1], "ReducerOptions", (2,), lambda x: x.min(axis=1)),
        ("BROADCAST_TO", [3, 2, 4], "BroadcastToOptions", (3, 2, 4), lambda x: np.broadcast_to(x, (3, 2, 4))),
    ],
)
def test_reductions_and_broadcasts(kind: str, operand: Any, table: str, shape: Any, expected: Any) -> None:
    tensors = [Tensor("x", (2, 4)), Tensor("y", shape), Tensor("operand", (len(operand),), "INT32", operand)]
    graph = model(tensors, [Operator(kind, [0, 2], [1], table)], [0], [1])
    x = RNG.normal(size=(2, 4)).astype(np.float32)
    np.testing.assert_allclose(run_float(graph, {"x": x})["y"], expected(x), rtol=1e-6)


def test_same_padding_puts_the_odd_row_below() -> None:
    assert same_padding((8, 7), (3, 3), (2, 2), (1, 1), 0) == (0, 1, 1, 1)
    assert same_padding((5, 5), (3, 3), (1, 1), (2, 2), 0) == (2, 2, 2, 2)
    assert same_padding((5, 5), (1, 1), (3, 3), (1, 1), 0) == (0, 0, 0, 0)
    assert same_padding((5, 5), (3, 3), (1, 1), (1, 1), 1) == (0, 0, 0, 0)
    with pytest.raises(Problem, match="stride is 0"):
        same_padding((5, 5), (3, 3), (0, 1), (1, 1), 0)


def test_strided_slice_equals_numpy() -> None:
    x = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    cases: list[tuple[Any, Any, Any, tuple[int, int, int, int, int], Any]] = [
        ((0, 1), (2, 3), (1, 1), (0, 0, 0, 0, 0), np.s_[0:2, 1:3]),
        ((0, 1, 1), (0, 3, 3), (1, 1, 1), (1, 1, 0, 0, 0), np.s_[:, 1:3, 1:3]),
        ((0, -1), (0, -5), (1, -2), (0, 0, 1, 0, 0), np.s_[..., -1:-5:-2]),
        ((1, 0, 0), (2, 0, 9), (1, 1, 2), (0, 0, 0, 2, 1), np.s_[1, None, 0:9:2]),
        ((0, 3, 0, -2), (0, -9, 0, 0), (1, -1, 1, 1), (1, 3, 4, 0, 8), np.s_[:, 3::-1, ..., -2]),
    ]
    for begin, end, strides, masks, expected in cases:
        first, last, step, shape = strided_slice(x.shape, begin, end, strides, masks)
        spans = tuple(slice(f, None if e < 0 else e, s) for f, e, s in zip(first, last, step, strict=True))
        np.testing.assert_array_equal(x[spans].reshape(shape), x[expected])


def test_resolve_shape() -> None:
    assert resolve_shape((2, -1, 3), 12) == (2, 2, 3)
    assert resolve_shape((), 1) == ()
    for target in [(5, -1), (-1, -1), (3, 3), (-2, -6)]:
        with pytest.raises(Problem, match="cannot take the shape"):
            resolve_shape(target, 12)


def test_legacy_weights_keep_their_zero_point() -> None:
    w = RNG.integers(0, 256, (3, 4))
    tensors = [
        Tensor("x", (1, 4), "UINT8", scale=0.1, zero=100),
        Tensor("w", (3, 4), "UINT8", w, 0.02, 140),
        Tensor("b", (3,), "INT32", [1, -2, 3], 0.1 * 0.02),
        Tensor("y", (1, 3), "UINT8", scale=0.5, zero=128),
    ]
    options = {"FusedActivationFunction": 0}
    graph = model(tensors, [Operator("FULLY_CONNECTED", [0, 1, 2], [3], "FullyConnectedOptions", options)], [0], [3])
    weights = graph.values["w"]
    assert weights.data is not None
    np.testing.assert_array_equal(weights.data, w - 128)
    assert weights.type.qp.zp == 12 and graph.type("x").qp.zp == -28
    assert graph.type("b").dtype is DType.INT32


def test_damaged_buffers_are_refused() -> None:
    tensors = [Tensor("x", (1, 4)), Tensor("w", (3, 4), data=RNG.normal(size=(3, 3))), Tensor("y", (1, 3))]
    options = {"FusedActivationFunction": 0}
    with pytest.raises(ModelError, match="tensor 'w', FLOAT32 \\(3, 4\\), has 36 bytes"):
        model(tensors, [Operator("FULLY_CONNECTED", [0, 1, -1], [2], "FullyConnectedOptions", options)], [0], [2])


CHOICE = np.array([[True, False, False, True]])


@pytest.mark.parametrize("kind", ["SELECT", "SELECT_V2"])
@pytest.mark.parametrize("fill", [-np.inf, -3e38, 0.25])
def test_a_constant_choice(kind: str, fill: float) -> None:
    tensors = [
        Tensor("c", (1, 4), "BOOL", data=CHOICE),
        Tensor("v", (1, 4), data=np.full((1, 4), fill)),
        Tensor("x", (1, 4)),
        Tensor("y", (1, 4)),
    ]
    x = np.array([[1.0, -2.0, 3.0, 4.0]], np.float32)
    for inputs, chosen in (([0, 1, 2], CHOICE), ([0, 2, 1], ~CHOICE)):
        graph = model(tensors, [Operator(kind, inputs, [3])], [2], [3])
        np.testing.assert_array_equal(run_float(graph, {"x": x})["y"], np.where(chosen, np.float32(fill), x))


def test_a_constant_choice_between_computed_integers() -> None:
    def byte(name: str) -> Tensor:
        return Tensor(name, (1, 4), "INT8", scale=0.5, zero=-3)

    tensors = [Tensor("c", (1, 4), "BOOL", data=CHOICE), byte("a"), byte("b"), byte("y")]
    graph = model(tensors, [Operator("SELECT_V2", [0, 1, 2], [3])], [1, 2], [3])
    whole = quantize(graph, None, numerics=Numerics.TFLITE)
    a, b = np.array([[-128, 127, 3, -128]], np.int8), np.array([[127, -128, 127, 5]], np.int8)
    np.testing.assert_array_equal(run_int(whole, {"a": a, "b": b})["y"], np.where(CHOICE, a, b))


def test_an_infinite_mask_and_padding() -> None:
    tensors = [
        Tensor("x", (1, 4)),
        Tensor("m", (4,), data=np.array([0.0, -np.inf, 0.0, 0.0])),
        Tensor("s", (1, 4)),
        Tensor("y", (1, 4)),
    ]
    ops = [Operator("ADD", [0, 1], [2], "AddOptions"), Operator("SOFTMAX", [2], [3], "SoftmaxOptions", {"Beta": 1.0})]
    found = run_float(model(tensors, ops, [0], [3]), {"x": np.zeros((1, 4), np.float32)})["y"]
    np.testing.assert_allclose(found, [[1 / 3, 0, 1 / 3, 1 / 3]], rtol=1e-6)
    tensors = [
        Tensor("x", (1, 2)),
        Tensor("p", (2, 2), "INT32", data=np.array([[0, 0], [1, 0]])),
        Tensor("v", (), data=np.float32(-np.inf)),
        Tensor("y", (1, 3)),
    ]
    graph = model(tensors, [Operator("PADV2", [0, 1, 2], [3], "PadV2Options")], [0], [3])
    assert run_float(graph, {"x": np.ones((1, 2), np.float32)})["y"].tolist() == [[-np.inf, 1.0, 1.0]]
