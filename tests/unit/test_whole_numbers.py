"""Whole numbers as inputs and outputs: token ids, classes, indices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import imported, model_of
from onnx_reference import reference
from tflite_file import Operator, Tensor, build

from edgeq.api.data import is_whole, load_data, random_data, real_ranges
from edgeq.errors import ModelError, UsageError
from edgeq.importers.tflite import import_bytes
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import DType
from edgeq.ir.text import parse_graph, print_graph
from edgeq.quantize.pipeline import quantize
from edgeq.report.accuracy import of_classes, quantize_inputs
from edgeq.simulator import run_float, run_int

RNG = np.random.default_rng(5)
TABLE = RNG.normal(size=(50, 8)).astype(np.float32)
IMAGE = [1, 3, 6, 5]


def node(kind: str, inputs: list[str], output: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [output], **attributes)


def segments(kind: str = "ArgMax", **attributes: int) -> onnx.ModelProto:
    weights = RNG.normal(size=(4, 3, 1, 1)).astype(np.float32)
    nodes = [node("Conv", ["x", "w"], "c"), node(kind, ["c"], "y", **attributes)]
    return model_of(nodes, {"x": IMAGE}, ["y"], {"w": weights}, dtypes={"y": TensorProto.INT64})


def embedding() -> onnx.ModelProto:
    nodes = [
        node("Cast", ["ids"], "narrow", to=TensorProto.INT32),
        node("Reshape", ["narrow", "shape"], "rows"),
        node("Gather", ["table", "rows"], "e"),
        node("ReduceMean", ["e"], "y", axes=[1], keepdims=0),
    ]
    constants = {"table": TABLE, "shape": np.array([3, 4], np.int64)}
    return model_of(nodes, {"ids": [1, 12]}, ["y"], constants, dtypes={"ids": TensorProto.INT64})


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("ArgMax", {"axis": 1, "keepdims": 0}),
        ("ArgMax", {"axis": -1}),
        ("ArgMin", {"axis": 2, "keepdims": 0, "select_last_index": 1}),
        ("ArgMin", {}),
    ],
)
def test_indices_of_extremes(kind: str, attributes: dict[str, int], tmp_path: Path) -> None:
    model = segments(kind, **attributes)
    graph = imported(model, tmp_path)
    assert graph.type("y").is_whole and graph.type("y").dtype is DType.INT32
    x = np.round(RNG.normal(size=IMAGE), 1).astype(np.float32)
    found, (expected,) = run_float(graph, {"x": x})["y"], reference(model, {"x": x})
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)


def test_no_transpose_is_left_before_a_choice_of_classes(tmp_path: Path) -> None:
    from edgeq.passes.pipeline import optimize_float

    graph = optimize_float(imported(segments(axis=1, keepdims=0), tmp_path))
    assert [n.op.kind for n in graph.nodes] == ["Transpose", "Conv2D", "ArgMax"]


def test_an_embedding_by_ids(tmp_path: Path) -> None:
    model = embedding()
    graph = imported(model, tmp_path)
    assert graph.type("ids").is_whole
    samples = [{"ids": RNG.integers(0, 50, (1, 12))} for _ in range(8)]
    for sample in samples:
        (expected,) = reference(model, sample)
        np.testing.assert_allclose(run_float(graph, sample)["y"], expected, rtol=1e-6, atol=1e-6)
    integers = quantize(graph, samples)
    assert integers.type("ids") == graph.type("ids")
    stored = next(v for n, v in integers.values.items() if n == "table")
    assert stored.data is not None and np.ptp(stored.data.astype(int)) == 255  # the whole table, not what samples chose
    again = parse_graph(print_graph(integers), {n: v.data for n, v in integers.values.items() if v.data is not None})
    for sample in samples:
        exact = run_int(again, quantize_inputs(again, sample))["y"]
        expected = run_float(graph, sample)["y"]
        np.testing.assert_allclose(integers.type("y").qp.dequantize(exact), expected, atol=0.03)


def test_places_beyond_the_table_read_its_ends() -> None:
    text = "graph g numerics=none preferred=fast\ninput %i: int32[4]\nconst %t: float32[50,8]\n"
    graph = parse_graph(text + "%y: float32[4,8] = Gather(%t, %i) {axis=0}\noutput %y\n", {"t": TABLE})
    found = run_float(graph, {"i": np.array([-1, -60, 50, 2**31 - 1])})["y"]
    np.testing.assert_array_equal(found, TABLE[[49, 0, 49, 49]])


def tflite(kind: str, table: str, tensors: list[Tensor], inputs: list[int]) -> Graph:
    return import_bytes(build(tensors, [Operator(kind, inputs, [2], table)], [0], [2]), "net")


@pytest.mark.parametrize("kind", ["EMBEDDING_LOOKUP", "GATHER"])
def test_tflite_looks_up_rows(kind: str) -> None:
    ids = Tensor("ids", (1, 4) if kind == "GATHER" else (4,), "INT32")
    tensors = [ids, Tensor("t", (50, 8), data=TABLE), Tensor("y", (*ids.shape, 8))]
    order, table = ([1, 0], "GatherOptions") if kind == "GATHER" else ([0, 1], "")
    graph = tflite(kind, table, tensors, order)
    picked = np.array([3, 49, 0, 3]).reshape(ids.shape)
    np.testing.assert_array_equal(run_float(graph, {"ids": picked})["y"], TABLE[picked])


def test_samples_of_whole_numbers(tmp_path: Path) -> None:
    graph = imported(embedding(), tmp_path)
    integers = quantize(graph, [{"ids": np.arange(12)[None]}])
    assert real_ranges(integers)["ids"] == (0.0, 49.0)
    drawn = random_data(integers, real_ranges(integers), 9).inputs["ids"]
    assert drawn.shape == (9, 12) and drawn.dtype == np.int32 and 30 < drawn.max() < 50
    with pytest.raises(UsageError, match="is for an input of whole numbers, and holds others"):
        load_data(np.full((2, 12), 0.5), graph)
    with pytest.raises(UsageError, match="whole numbers"):
        load_data(np.full((2, 12), 2**40), graph)
    assert is_whole(np.array([3.0, -4.0])) and not is_whole(np.array([2.0**31]))


def test_what_is_no_index_is_refused(tmp_path: Path) -> None:
    summed = model_of([node("Softmax", ["i"], "y")], {"i": [1, 4]}, ["y"], dtypes={"i": TensorProto.INT64})
    with pytest.raises(ModelError, match="it computes on integers"):
        imported(summed, tmp_path)
    looked_up = model_of([node("Gather", ["t", "x"], "y")], {"x": [1, 4]}, ["y"], {"t": TABLE})
    with pytest.raises(ModelError, match="its indices are no whole numbers"):
        imported(looked_up, tmp_path)


def test_whole_numbers_become_real(tmp_path: Path) -> None:
    model = model_of(
        [node("Cast", ["i"], "r", to=TensorProto.FLOAT), node("Mul", ["r", "c"], "y")],
        {"i": [1, 4]},
        ["y"],
        {"c": np.array([0.5], np.float32)},
        dtypes={"i": TensorProto.INT64},
    )
    graph = imported(model, tmp_path)
    x = np.array([[3, -40, 0, 7]])
    np.testing.assert_array_equal(run_float(graph, {"i": x})["y"], x * 0.5)
    integers = quantize(graph, [{"i": x}])
    found = integers.type("y").qp.dequantize(run_int(integers, {"i": x.astype(np.int32)})["y"])
    np.testing.assert_allclose(found, x * 0.5, atol=0.1)


def test_classes_agree_or_do_not() -> None:
    figures = of_classes([[1], [2], [3], [4]], [[1], [2], [3], [0]], [1, 0, 3, 4])
    assert (figures["agreement"], figures["top1_float"], figures["top1_int8"]) == (75.0, 75.0, 50.0)
    assert figures["sqnr_db"] is None and figures["max_abs_diff"] == 4.0
