"""Comparisons, logic and choices at run time from ONNX, against onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import check, imported, model_of
from onnx_reference import reference

from edgeq.errors import ModelError
from edgeq.ir.tensor import DType
from edgeq.ir.text import parse_graph, print_graph
from edgeq.quantize.pipeline import quantize
from edgeq.simulator import run_float, run_int

X = [2, 3, 4]


def choice(condition: list[onnx.NodeProto]) -> onnx.ModelProto:
    """a where a condition `c` holds, else b."""
    where = helper.make_node("Where", ["c", "a", "b"], ["y"])
    return model_of([*condition, where], {"a": X, "b": X}, ["y"], {"half": np.float32(0.5)}, opset=16)


def node(kind: str, inputs: list[str], output: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [output], **attributes)


CONDITIONS = {
    **{kind: [node(kind, ["a", "b"], "c")] for kind in ("Less", "LessOrEqual", "Greater", "GreaterOrEqual")},
    "constant": [node("Greater", ["a", "half"], "c")],
    "Equal": [node("Relu", ["a"], "r"), node("Relu", ["b"], "s"), node("Equal", ["r", "s"], "c")],
    "Not": [node("Less", ["a", "b"], "l"), node("Not", ["l"], "c")],
    **{
        kind: [node("Less", ["a", "b"], "l"), node("Greater", ["a", "half"], "g"), node(kind, ["l", "g"], "c")]
        for kind in ("And", "Or", "Xor")
    },
    "Cast": [node("Relu", ["a"], "r"), node("Cast", ["r"], "c", to=TensorProto.BOOL)],
    "moved": [
        node("Less", ["a", "b"], "l"),
        node("Transpose", ["l"], "t", perm=[0, 2, 1]),
        node("Transpose", ["t"], "c", perm=[0, 2, 1]),
    ],
}


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
def test_choices(condition: list[onnx.NodeProto], tmp_path: Path) -> None:
    check(choice(condition), tmp_path)


def test_a_truth_becomes_a_number(tmp_path: Path) -> None:
    nodes = [node("Less", ["a", "b"], "l"), node("Cast", ["l"], "y", to=TensorProto.FLOAT)]
    check(model_of(nodes, {"a": X, "b": X}, ["y"], opset=16), tmp_path)


def test_an_output_of_truths_is_zeros_and_ones(tmp_path: Path) -> None:
    model = model_of([node("Less", ["a", "b"], "y")], {"a": X, "b": X}, ["y"], opset=16, dtypes={"y": TensorProto.BOOL})
    rng = np.random.default_rng(0)
    feeds = {name: rng.normal(size=X).astype(np.float32) for name in ("a", "b")}
    (expected,) = reference(model, feeds)
    graph = imported(model, tmp_path)
    np.testing.assert_array_equal(run_float(graph, feeds)["y"], expected.astype(np.float32))
    assert graph.ports == {"y": DType.BOOL}


def test_truths_go_in_and_out_as_bytes(tmp_path: Path) -> None:
    model = model_of(
        [node("Not", ["m"], "y")], {"m": X}, ["y"], opset=16, dtypes={"m": TensorProto.BOOL, "y": TensorProto.BOOL}
    )
    given = np.arange(24).reshape(X) % 3 == 0
    graph = quantize(imported(model, tmp_path), [{"m": given}])
    again = parse_graph(print_graph(graph), {n: v.data for n, v in graph.values.items() if v.data is not None})
    assert {again.type(name).dtype for name in (*again.inputs, *again.outputs)} == {DType.BOOL}
    found = run_int(again, {"m": given})["y"]
    assert found.dtype == np.bool_
    np.testing.assert_array_equal(found, ~given)


def test_arithmetic_with_truths_is_refused(tmp_path: Path) -> None:
    nodes = [node("Less", ["a", "b"], "l"), node("Add", ["l", "a"], "y")]
    with pytest.raises(ModelError) as caught:
        imported(model_of(nodes, {"a": X, "b": X}, ["y"], opset=16), tmp_path)
    assert "it computes on integers (bool)" in caught.value.message
