"""Arithmetic of whole numbers at run time, against onnx's own reference and C."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from onnx_models import imported, model_of

from edgeq.errors import ModelError
from edgeq.ir.graph import Graph
from edgeq.simulator import run_float, run_int

RNG = np.random.default_rng(9)
TYPES = {
    np.int8: TensorProto.INT8,
    np.uint8: TensorProto.UINT8,
    np.int16: TensorProto.INT16,
    np.uint16: TensorProto.UINT16,
    np.int32: TensorProto.INT32,
    np.int64: TensorProto.INT64,
}
NODES: dict[str, tuple[str, dict[str, Any]]] = {
    **{kind.lower(): (kind, {}) for kind in ("Add", "Sub", "Mul", "Min", "Max", "BitwiseAnd", "BitwiseOr")},
    **{kind.lower(): (kind, {}) for kind in ("BitwiseXor", "Less", "LessOrEqual", "Equal", "Greater", "Div", "Mod")},
    "fmod": ("Mod", {"fmod": 1}),
    "greater_equal": ("GreaterOrEqual", {}),
}


def reference(model: onnx.ModelProto, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    names = [o.name for o in model.graph.output]
    return dict(zip(names, ReferenceEvaluator(model).run(names, given), strict=True))


def same(graph: Graph, model: onnx.ModelProto, given: dict[str, np.ndarray]) -> None:
    found = run_float(graph, given)
    for name, expected in reference(model, given).items():
        assert found[name].shape == expected.shape
        np.testing.assert_array_equal(found[name].astype(np.int64), expected.astype(np.int64), err_msg=name)


@pytest.mark.parametrize("type", TYPES)
def test_two_numbers(type: Any, tmp_path: Path) -> None:
    """Results wrap as those of NumPy do, which onnx's reference computes with."""
    info, code = np.iinfo(type), TYPES[type]
    nodes = [helper.make_node(kind, ["a", "b"], [name], **attributes) for name, (kind, attributes) in NODES.items()]
    outputs = {name: TensorProto.BOOL if kind[:2] in ("Le", "Eq", "Gr") else code for name, (kind, _) in NODES.items()}
    model = model_of(
        nodes, {"a": [3, 1, 5], "b": [4, 1]}, list(NODES), opset=18, dtypes={"a": code, "b": code} | outputs
    )
    low, high = max(info.min, -(2**31)), min(info.max, 2**31 - 1)
    narrow = 40 if type is np.int64 else high  # 64 bits are 32 here
    a = RNG.integers(max(low, -narrow - 1), narrow, (3, 1, 5), endpoint=True).astype(type)
    b = RNG.integers(1, min(narrow, 50), (4, 1)).astype(type)
    if info.min < 0:
        b[1] = -3
    same(imported(model, tmp_path), model, {"a": a, "b": b})


def test_one_number_and_lines_of_numbers(tmp_path: Path) -> None:
    code = TensorProto.INT32
    nodes = [
        *(helper.make_node(kind, ["x"], [kind]) for kind in ("Neg", "Abs", "Sign", "BitwiseNot")),
        helper.make_node("Clip", ["x", "low", "high"], ["clip"]),
        helper.make_node("ReduceSum", ["x", "axes"], ["sum"], keepdims=0),
        helper.make_node("ReduceMax", ["x", "axes"], ["greatest"]),
        helper.make_node("ReduceProd", ["x", "axes"], ["product"]),
        helper.make_node("CumSum", ["x", "axis"], ["cumulated"], exclusive=1, reverse=1),
        helper.make_node("Trilu", ["x"], ["triangle"], upper=0),
        helper.make_node("Less", ["x", "low"], ["less"]),
        helper.make_node("Where", ["less", "low", "x"], ["where"]),
        helper.make_node("Pow", ["x", "two"], ["power"]),
        helper.make_node("Cast", ["x"], ["byte"], to=TensorProto.UINT8),
    ]
    outputs = [o for n in nodes for o in n.output if o != "less"]
    constants = {"low": np.array(-5, np.int32), "high": np.array(9, np.int32), "two": np.array([2], np.int32)}
    constants |= {"axes": np.array([1], np.int64), "axis": np.array(1, np.int64)}
    dtypes = dict.fromkeys([*outputs, "x"], code) | {"byte": TensorProto.UINT8}
    model = model_of(nodes, {"x": [2, 5, 3]}, outputs, constants, opset=18, dtypes=dtypes)
    same(imported(model, tmp_path), model, {"x": RNG.integers(-400, 400, (2, 5, 3)).astype(np.int32)})


def test_shifts_as_opset_28_has_them(tmp_path: Path) -> None:
    nodes = [helper.make_node("BitShift", ["a", "b"], [d], direction=d) for d in ("LEFT", "RIGHT")]
    types = dict.fromkeys(("a", "b", "LEFT", "RIGHT"), TensorProto.INT8)
    graph = imported(model_of(nodes, {"a": [5], "b": [5]}, ["LEFT", "RIGHT"], opset=28, dtypes=types), tmp_path)
    found = run_float(graph, {"a": np.array([64, 1, -8, -1, 4]), "b": np.array([1, 7, 8, -1, 1])})
    assert found["LEFT"].tolist() == [-128, -128, 0, 0, 8]
    assert found["RIGHT"].tolist() == [32, 0, -1, -1, 2]


def test_casts_of_real_numbers(tmp_path: Path) -> None:
    kinds = {"i": TensorProto.INT32, "u": TensorProto.UINT8, "n": TensorProto.INT4}
    nodes = [helper.make_node("Cast", ["x"], [name], to=kind) for name, kind in kinds.items()]
    graph = imported(model_of(nodes, {"x": [5]}, list(kinds), opset=21, dtypes=kinds), tmp_path)
    found = run_float(graph, {"x": np.array([-1.9, 0.99, 9.2, 300.0, -3e9])})
    assert found["i"].tolist() == [-1, 0, 9, 300, -(2**31)]
    assert found["u"].tolist() == [0, 0, 9, 255, 0]
    assert found["n"].tolist() == [-1, 0, -7, -4, 0]


def test_powers_of_real_numbers(tmp_path: Path) -> None:
    nodes = [helper.make_node("Pow", ["x", "e"], ["y"])]
    e = np.array([0, 1, 2, 3], np.float32)
    model = model_of(nodes, {"x": [2, 4]}, ["y"], {"e": e})
    x = RNG.normal(size=(2, 4)).astype(np.float32)
    np.testing.assert_allclose(run_float(imported(model, tmp_path), {"x": x})["y"], x**e, rtol=1e-6)
    with pytest.raises(ModelError, match="the exponents differ"):
        imported(model_of(nodes, {"x": [2, 4]}, ["y"], {"e": e + 0.5}), tmp_path)


def test_bytes_stay_quantized_where_something_dequantizes_them(tmp_path: Path) -> None:
    """Only what stands for itself is whole."""
    types = {"q": TensorProto.UINT8, "y": TensorProto.FLOAT}
    nodes = [
        helper.make_node("Max", ["q", "q"], ["m"]),
        helper.make_node("DequantizeLinear", ["m", "s", "z"], ["y"]),
    ]
    constants = {"s": np.array(0.5, np.float32), "z": np.array(3, np.uint8)}
    graph = imported(model_of(nodes, {"q": [4]}, ["y"], constants, dtypes=types), tmp_path)
    assert not graph.type("q").is_whole and graph.type("q").qp.s == 0.5
    pixels = model_of([helper.make_node("Cast", ["q"], ["y"], to=TensorProto.FLOAT)], {"q": [4]}, ["y"], dtypes=types)
    assert not imported(pixels, tmp_path).type("q").is_whole


def test_numbers_beyond_32_bits_are_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("Add", ["x", "k"], ["y"])]
    types = {"x": TensorProto.INT64, "y": TensorProto.INT64}
    with pytest.raises(ModelError, match="beyond 32 bits"):
        imported(model_of(nodes, {"x": [2]}, ["y"], {"k": np.array([2**31])}, dtypes=types), tmp_path)


def test_quantization_leaves_them_as_they_are(tmp_path: Path) -> None:
    from edgeq.quantize.pipeline import quantize

    nodes = [
        helper.make_node("Mul", ["i", "k"], ["m"]),
        helper.make_node("Less", ["m", "k"], ["l"]),
        helper.make_node("Cast", ["l"], ["c"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["c", "x"], ["y"]),
    ]
    types = {"i": TensorProto.INT32, "m": TensorProto.INT32}
    model = model_of(nodes, {"i": [1, 5], "x": [1, 5]}, ["y", "m"], {"k": np.array([7000], np.int32)}, dtypes=types)
    i = np.array([[-3, 0, 1, 2, 70000]], np.int32)
    graph = quantize(imported(model, tmp_path), [{"i": i, "x": np.linspace(-1, 1, 5, dtype=np.float32)[None]}])
    x = np.zeros((1, 5), np.int8)
    found = run_int(graph, {"i": i, "x": x})
    assert found["m"].tolist() == [[-21000, 0, 7000, 14000, 490000000]]
    steps = (found["y"].astype(int) - graph.type("y").qp.zp) * graph.type("y").qp.s
    at_zero = (0 - graph.type("x").qp.zp) * graph.type("x").qp.s
    np.testing.assert_allclose(steps - at_zero, [[1, 1, 0, 0, 0]], atol=0.02)
