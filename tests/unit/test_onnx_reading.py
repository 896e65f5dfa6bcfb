"""What is settled while an ONNX file is read: constants computed, functions expanded, data beside the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import check, imported, ints, kinds, model_of, weights

from edgeq.errors import ModelError
from edgeq.importers import load
from edgeq.importers.onnx.model import OPSETS

W = weights(2, 3)
FOLDED: dict[str, tuple[str, list[Any], dict[str, Any]]] = {
    "divide": ("Div", [ints(7, -7, 9), ints(2, 2, -4)], {}),
    "divide_real": ("Div", [W, weights(3, low=1.0, high=2.0)], {}),
    "modulo": ("Mod", [ints(7, -7, 9), ints(3, 3, -4)], {}),
    "modulo_c": ("Mod", [ints(7, -7, 9), ints(3, 3, -4)], {"fmod": 1}),
    "power": ("Pow", [W + 2, ints(2, 1, 3)], {}),
    "least": ("Min", [W, weights(3), weights(1)], {}),
    "greatest": ("Max", [W, weights(3)], {}),
    "sum": ("Sum", [W, weights(3), weights(1)], {}),
    "difference": ("Sub", [ints(5, 1), ints(2, 9)], {}),
    "range": ("Range", [np.int64(7), np.int64(-3), np.int64(-4)], {}),
    "tile": ("Tile", [W, ints(2, 3)], {}),
    "expand": ("Expand", [W, ints(4, 1, 3)], {}),
    "gather": ("Gather", [W, ints(-1, 0, 1, 1)], {"axis": 1}),
    "slice": ("Slice", [W, ints(-1), ints(-9), ints(1), ints(-2)], {}),
    "concat": ("Concat", [W, W], {"axis": -1}),
    "reshape": ("Reshape", [W, ints(3, -1)], {}),
    "transpose": ("Transpose", [W], {"perm": [1, 0]}),
    "unsqueeze": ("Unsqueeze", [W, ints(0, -1)], {}),
    "squeeze": ("Squeeze", [weights(1, 3, 1), ints(0)], {}),
    "flatten": ("Flatten", [weights(2, 3, 2)], {"axis": 2}),
    "product": ("ReduceProd", [ints(2, 3, 4)], {"keepdims": 0}),
    "total": ("ReduceSum", [W, ints(1)], {}),
    "mean": ("ReduceMean", [W], {"axes": [0]}),
    "maximum": ("ReduceMax", [W], {"axes": [-1], "keepdims": 0}),
    "floor": ("Floor", [W * 3], {}),
    "ceil": ("Ceil", [W * 3], {}),
    "round": ("Round", [np.array([0.5, 1.5, -2.5, 1.2], np.float32)], {}),
    "sign": ("Sign", [W], {}),
    "truncate": ("Cast", [W * 5], {"to": TensorProto.INT32}),
    "half": ("Cast", [W], {"to": TensorProto.FLOAT16}),
    "less": ("Less", [W, weights(3)], {}),
    "equal": ("Equal", [ints(1, 2), ints(1, 3)], {}),
    "not": ("Not", [np.array([True, False])], {}),
    "where": ("Where", [np.array([True, False, True]), W, weights(3)], {}),
    "fill": ("ConstantOfShape", [ints(2, 3)], {}),
    "whole": ("Constant", [], {"value_ints": [1, 2, 3]}),
    "number": ("Constant", [], {"value_float": 1.5}),
    "root": ("Sqrt", [weights(3, low=1.0, high=2.0)], {}),
    "exponential": ("Exp", [W], {}),
    "logarithm": ("Log", [weights(3, low=1.0, high=2.0)], {}),
    "absolute": ("Abs", [ints(-3, 4)], {}),
    "triangle": ("Trilu", [weights(4, 4), np.int64(1)], {"upper": 0}),
    "cumulated": ("CumSum", [W, np.int64(1)], {}),
    "sine": ("Sin", [W], {}),
    "scattered": ("ScatterND", [weights(4, 3), ints(2, 0).reshape(2, 1), weights(2, 3)], {}),
    "elements": ("GatherElements", [W, ints(1, 0, 1).reshape(1, 3)], {}),
    "product of matrices": ("MatMul", [W, weights(3, 2)], {}),
    "shares": ("Softmax", [W], {}),
    "position": ("ArgMax", [W], {"axis": 1}),
    "clipped": ("Clip", [W, np.float32(-0.2), np.float32(0.3)], {}),
    "negative": ("Neg", [ints(-3, 4)], {}),
}


@pytest.mark.parametrize("name", FOLDED)
def test_constants_are_computed_as_onnxruntime_does(name: str, tmp_path: Path) -> None:
    kind, operands, attributes = FOLDED[name]
    names = [f"c{k}" for k in range(len(operands))]
    nodes = [
        helper.make_node(kind, names, ["found"], **attributes),
        helper.make_node("Cast", ["found"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["x", "real"], ["y"]),
    ]
    constants = {n: np.asarray(v) for n, v in zip(names, operands, strict=True)}
    assert kinds(check(model_of(nodes, {"x": [1]}, ["y"], constants, 14), tmp_path)) == ["Mul"]


def test_a_constant_that_is_both_operands(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("MatMul", ["w", "w"], ["found"]),
        helper.make_node("Mul", ["x", "found"], ["y"]),
    ]
    assert kinds(check(model_of(nodes, {"x": [1]}, ["y"], {"w": weights(3, 3)}, 14), tmp_path)) == ["Mul"]


def test_the_shape_of_a_tensor_is_a_constant(tmp_path: Path) -> None:
    for attributes in ({}, {"start": 1}, {"start": -2, "end": -1}):
        nodes = [
            helper.make_node("Tanh", ["x"], ["t"]),
            helper.make_node("Shape", ["t"], ["shape"], **attributes),
            helper.make_node("Size", ["t"], ["size"]),
            helper.make_node("Cast", ["shape"], ["real"], to=TensorProto.FLOAT),
            helper.make_node("Cast", ["size"], ["count"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["real", "count"], ["product"]),
            helper.make_node("ReduceSum", ["product"], ["sum"], keepdims=0),
            helper.make_node("Add", ["t", "sum"], ["y"]),
        ]
        assert kinds(check(model_of(nodes, {"x": [2, 3, 4]}, ["y"], opset=15), tmp_path)) == ["Tanh", "Add"]


def test_an_empty_piece_of_a_shape_is_a_constant_too(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Slice", ["shape", "two", "nine"], ["rest"]),
        helper.make_node("Concat", ["rest", "flat"], ["target"], axis=0),
        helper.make_node("Reshape", ["x", "target"], ["y"]),
    ]
    constants = {"two": ints(2), "nine": ints(9), "flat": ints(-1)}
    assert imported(model_of(nodes, {"x": [2, 3]}, ["y"], constants), tmp_path).type("y").shape == (6,)


def test_local_functions_are_expanded(tmp_path: Path) -> None:
    opsets = [helper.make_opsetid("", 13)]
    body = [helper.make_node("Sigmoid", ["a"], ["s"]), helper.make_node("Mul", ["a", "s"], ["b"])]
    swish = helper.make_function("mine", "Swish", ["a"], ["b"], body, opsets)
    nodes = [
        helper.make_node("Swish", ["x"], ["m"], domain="mine"),
        helper.make_node("Swish", ["m"], ["y"], domain="mine"),
    ]
    model = model_of(nodes, {"x": [2, 3]}, ["y"])
    model.functions.append(swish)
    model.opset_import.append(helper.make_opsetid("mine", 1))
    assert kinds(check(model, tmp_path)) == ["Sigmoid", "Mul"] * 2


def test_data_beside_the_file(tmp_path: Path) -> None:
    model = model_of([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": [1, 40]}, ["y"], {"w": weights(40, 30)})
    path = tmp_path / "external.onnx"
    onnx.save(model, str(path), save_as_external_data=True, location="external.bin", size_threshold=0)
    np.testing.assert_array_equal(load(path).values["w"].data, weights(40, 30).T)


def test_weights_used_twice_stay_apart(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("MatMul", ["a", "w"], ["b"]),
        helper.make_node("Add", ["b", "w"], ["y"]),
    ]
    graph = check(model_of(nodes, {"x": [3, 3]}, ["y"], {"w": weights(3, 3)}), tmp_path)
    assert [n for n in graph.values if n.startswith("w")] == ["w", "w_2", "w_3"]


def at_opset(opset: int) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Cast", ["r"], ["d"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["d"], ["f"]),
        helper.make_node("Softmax", ["f"], ["y"]),
    ]
    return model_of(nodes, {"x": [1, 3, 6, 6]}, ["y"], {"w": weights(4, 3, 3, 3)}, opset)


def test_later_opsets_change_nothing_for_operators_that_did_not_change(tmp_path: Path) -> None:
    assert OPSETS[-1] == 28
    expected = imported(at_opset(22), tmp_path)
    for opset in range(23, onnx.defs.onnx_opset_version() + 1):
        assert imported(at_opset(opset), tmp_path).nodes == expected.nodes


def test_an_operator_that_changed_later_than_edgeq_knows_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeq.importers.onnx.model.OPSETS", range(7, 23))
    with pytest.raises(ModelError) as caught:
        imported(at_opset(24), tmp_path)
    assert "Cast changed in opset 24" in caught.value.message
    assert "Flatten changed in opset 24" in caught.value.message
    assert "Relu" not in caught.value.message
    assert "Conv" not in caught.value.message
