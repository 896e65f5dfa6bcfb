"""Outputs that are the same for every input, and tensors without dimensions: read, built, run, exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx_models import imported, ints, model_of, weights
from onnx_reference import reference

import edgeq
from edgeq.exporters.qdq import save_qdq
from edgeq.ir.graph import Graph
from edgeq.passes.pipeline import optimize_float
from edgeq.simulator import run_float, run_int

node = helper.make_node
K = weights(5)


def anchors() -> onnx.ModelProto:
    """A detector's constants: stored ones, computed ones that are also used, a scalar; and two real outputs."""
    nodes = [
        node("Relu", ["x"], ["y"]),
        node("Neg", ["k"], ["anchors"]),
        node("Add", ["x", "anchors"], ["z"]),
        node("Gather", ["k", "two"], ["scalar"]),
        node("Tanh", ["k"], ["unfolded"]),
    ]
    outputs = ["y", "anchors", "z", "k", "scalar", "unfolded"]
    return model_of(nodes, {"x": (1, 5)}, outputs, {"k": K, "two": ints(2).reshape(())})


def test_they_are_kept(tmp_path: Path) -> None:
    model = anchors()
    graph = imported(model, tmp_path)
    assert graph.outputs == ("y", "anchors", "z", "k", "scalar", "unfolded")
    x = weights(1, 5)
    for made in (graph, optimize_float(graph)):
        found = run_float(made, {"x": x})
        for name, expected in zip(graph.outputs, reference(model, {"x": x}), strict=True):
            np.testing.assert_allclose(found[name], expected, rtol=1e-6)


@pytest.fixture(scope="module")
def quantized(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Graph]:
    folder = tmp_path_factory.mktemp("anchors")
    path, data = folder / "anchors.onnx", folder / "data.npz"
    path.write_bytes(anchors().SerializeToString())
    np.savez(data, x=np.random.default_rng(0).normal(size=(64, 5)).astype(np.float32))
    return folder, edgeq.quantize(path, data).graph


def test_they_are_stored_where_the_caller_reads_them(quantized: tuple[Path, Graph]) -> None:
    _, graph = quantized
    assert [n.op.kind for n in graph.nodes].count("Store") == 4
    found = run_int(graph, {"x": np.zeros((1, 5), np.int8)})
    np.testing.assert_array_equal(found["anchors"], -K)
    np.testing.assert_array_equal(found["k"], K)
    np.testing.assert_array_equal(found["scalar"], K[2])


def test_programs_give_them(quantized: tuple[Path, Graph]) -> None:
    folder, _ = quantized
    options = edgeq.BuildOptions(
        model=folder / "anchors.onnx",
        calibration=folder / "data.npz",
        target="host",
        output=folder / "out",
        sanitize=True,
    )
    manifest = edgeq.build(options)
    assert [(p["name"], p["dtype"]) for p in manifest["outputs"]] == [
        ("y", "int8"), ("anchors", "float32"), ("z", "int8"), ("k", "float32"), ("scalar", "float32"),
        ("unfolded", "float32"),
    ]  # fmt: skip
    checked = edgeq.verify(folder / "out", samples=10)
    assert (checked["samples"], checked["mismatches"]) == (10, 0)


def test_the_qdq_file_has_them(quantized: tuple[Path, Graph]) -> None:
    folder, graph = quantized
    save_qdq(graph, folder / "qdq.onnx")
    model = onnx.load(str(folder / "qdq.onnx"))
    found = dict(zip(graph.outputs, reference(model, {"x": weights(1, 5)}), strict=True))
    np.testing.assert_array_equal(found["anchors"], -K)
    np.testing.assert_array_equal(found["scalar"], K[2])


def test_scalars_at_the_border(tmp_path: Path) -> None:
    nodes = [
        node("Mul", ["x", "gain"], ["m"]),
        node("Relu", ["m"], ["y"]),
        node("ReduceSum", ["m"], ["total"], keepdims=0),
        node("Exp", ["gain"], ["e"]),
    ]
    path, data = tmp_path / "scalars.onnx", tmp_path / "data.npz"
    path.write_bytes(model_of(nodes, {"x": (1, 4), "gain": ()}, ["y", "total", "e"]).SerializeToString())
    rng = np.random.default_rng(0)
    np.savez(data, x=rng.normal(size=(64, 4)).astype(np.float32), gain=rng.normal(size=64).astype(np.float32))
    edgeq.build(edgeq.BuildOptions(model=path, calibration=data, target="host", output=tmp_path / "out"))
    for samples in (None, data):
        checked = edgeq.verify(tmp_path / "out", samples, samples=12)
        assert checked["mismatches"] == 0
    assert checked["sqnr_db"] > 30
