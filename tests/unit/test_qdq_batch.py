"""A model whose number of samples is open stays so as QDQ."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper
from onnx_models import imported, ints, model_of, weights
from onnx_reference import session

import edgeq
from edgeq.exporters.qdq import save_qdq, to_qdq
from edgeq.exporters.qdq.batch import batched_values
from edgeq.ir.text import parse_graph, print_graph
from edgeq.ops.concat import Concat
from edgeq.report.accuracy import quantize_inputs
from edgeq.simulator import run_int
from edgeq.warnings import collecting

node = helper.make_node


def network(batch: Any) -> onnx.ModelProto:
    """What holds shapes in a QDQ file: layers, views, slices, splits, resizing, both kinds of products, softmax."""
    nodes = [
        node("Conv", ["x", "w1"], ["c"], pads=[1, 1, 1, 1]),
        node("Relu", ["c"], ["r"]),
        node("Resize", ["r", "", "", "sizes"], ["u"], mode="linear"),
        node("MaxPool", ["u"], ["m"], kernel_shape=[3, 3], strides=[3, 3]),
        node("InstanceNormalization", ["m", "one", "zero"], ["in"]),
        node("Flatten", ["in"], ["f"]),
        node("Gemm", ["f", "w2", "b2"], ["g"]),
        node("Reshape", ["g", "rows"], ["t"]),
        node("MatMul", ["t", "w3"], ["s"]),
        node("Transpose", ["s"], ["st"], perm=[0, 2, 1]),
        node("MatMul", ["s", "st"], ["a"]),
        node("Softmax", ["a"], ["p"]),
        node("Split", ["p", "parts"], ["p1", "p2"], axis=2),
        node("Concat", ["p2", "p1"], ["q"], axis=2),
        node("Slice", ["q", "first", "last", "along"], ["y"]),
        node("ReduceMean", ["s"], ["z"], axes=[1, 2], keepdims=0),
    ]
    constants = {
        "one": np.ones(4, np.float32), "zero": np.zeros(4, np.float32),
        "w1": weights(4, 2, 3, 3), "sizes": ints(1, 4, 15, 15), "w2": weights(100, 12),
        "b2": weights(12), "rows": ints(-1, 4, 3),
        "w3": weights(3, 6), "parts": ints(1, 3), "first": ints(1), "last": ints(4), "along": ints(1),
    }  # fmt: skip
    return model_of(nodes, {"x": [batch, 2, 7, 7]}, ["y", "z"], constants)


def quantized(model: onnx.ModelProto, folder: Path) -> Any:
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    rng = np.random.default_rng(0)
    samples = [{"x": rng.normal(size=(1, 2, 7, 7)).astype(np.float32)} for _ in range(20)]
    return edgeq.quantize(path, samples).graph


def test_the_file_runs_with_any_number_of_samples(tmp_path: Path) -> None:
    graph = quantized(network("N"), tmp_path)
    assert graph.batch == "N"
    assert (
        parse_graph(print_graph(graph), {n: v.data for n, v in graph.values.items() if v.data is not None}).batch == "N"
    )
    save_qdq(graph, tmp_path / "qdq.onnx")
    running = session(tmp_path / "qdq.onnx")
    assert running.get_inputs()[0].shape == ["N", 2, 7, 7]
    assert [o.shape for o in running.get_outputs()] == [["N", 3, 4], ["N"]]
    x = np.random.default_rng(1).normal(size=(7, 2, 7, 7)).astype(np.float32)
    together = running.run(None, {"x": x})
    for k in range(7):
        alone = running.run(None, {"x": x[k : k + 1]})
        found = run_int(graph, quantize_inputs(graph, {"x": x[k : k + 1]}))
        for name, one, all_of_them in zip(graph.outputs, alone, together, strict=True):
            assert one.shape == graph.type(name).shape
            np.testing.assert_array_equal(one[0], all_of_them[k])
            steps = np.abs(graph.type(name).qp.dequantize(found[name]) - one) / graph.type(name).qp.s
            assert steps.max() <= 2.01  # a step in one layer can be two after a normalization


def test_a_batch_that_is_fixed_stays_fixed(tmp_path: Path) -> None:
    graph = quantized(network(1), tmp_path)
    assert graph.batch is None
    assert to_qdq(graph).graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1
    assert imported(network("N"), tmp_path, x=(1, 2, 7, 7)).batch is None


def test_what_mixes_the_samples_fixes_their_number(tmp_path: Path) -> None:
    """A mean over one sample is none; over several it is one."""
    nodes = [node("Relu", ["x"], ["r"]), node("ReduceMean", ["r"], ["y"], axes=[0])]
    graph = quantized(model_of(nodes, {"x": ["N", 2, 7, 7]}, ["y"]), tmp_path)
    assert graph.batch is None
    assert to_qdq(graph).graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1


def test_a_graph_that_mixes_samples_is_warned_of(tmp_path: Path) -> None:
    graph = replace(quantized(network(1), tmp_path), batch="N")
    (step,) = [n for n in graph.nodes if n.op.kind == "Concat"]
    whole = replace(graph, nodes=tuple(replace(n, op=Concat(0)) if n is step else n for n in graph.nodes))
    with collecting() as warnings:
        assert batched_values(whole) == frozenset()
    assert [w.message for w in warnings] == ["the file takes one sample at a time: Concat mixes or counts the samples"]
