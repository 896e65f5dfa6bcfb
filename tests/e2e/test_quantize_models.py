"""Quantization of the benchmark models with the defaults: accuracy, agreement with onnxruntime."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from onnx_reference import session

import edgeq
from edgeq.exporters.qdq import save_qdq
from edgeq.importers import load
from edgeq.ir.graph import Graph
from edgeq.passes.pipeline import optimize_float
from edgeq.report.accuracy import accuracy, layer_errors, quantize_inputs, real_output
from edgeq.simulator import FloatExecutor, IntExecutor

pytestmark = [pytest.mark.shared, pytest.mark.slow]
LEAST_SQNR = {"kws": 28.3, "ic": 23.6, "vww": 28.7, "ad": 40.7}
"""Half a decibel below the best known int8 result of other tools."""


@dataclass(frozen=True, eq=False)
class Quantized:
    source: Graph
    float_graph: Graph
    integer: Graph
    x: np.ndarray
    y: np.ndarray | None

    def sample(self, index: int) -> dict[str, np.ndarray]:
        (name,) = self.source.inputs
        return {name: self.x[index].reshape(self.source.type(name).shape).astype(np.float32)}


@cache
def quantized(models: Path, data: Path, name: str) -> Quantized:
    source = optimize_float(load(models / f"{name}_float.onnx", {}))
    evaluation = np.load(data / f"{name}_eval.npz")
    x, y = evaluation["x"], evaluation.get("y")
    (port,) = source.inputs
    calibration = [
        {port: one.reshape(source.type(port).shape).astype(np.float32)}
        for one in np.load(data / f"{name}_calib.npz")["x"]
    ]
    model = edgeq.quantize(source, calibration)  # as users call it, with all defaults
    return Quantized(source, model.float_graph, model.graph, x, y)


@pytest.mark.parametrize("name", LEAST_SQNR)
def test_accuracy_of_the_defaults(shared_models: Path, shared_data: Path, name: str) -> None:
    q = quantized(shared_models, shared_data, name)
    floats, integers = FloatExecutor(q.source), IntExecutor(q.integer)
    (output,) = q.source.outputs
    expected, found = [], []
    for index in range(len(q.x)):
        sample = q.sample(index)
        expected.append(floats.run(sample)[output].ravel())
        result = integers.run(quantize_inputs(q.integer, sample))[output]
        found.append(real_output(q.integer, output, result).ravel())
    figures = accuracy(np.stack(expected), np.stack(found), q.y)
    assert figures["sqnr_db"] is not None and figures["sqnr_db"] >= LEAST_SQNR[name]
    if figures["top1_float"] is not None and figures["top1_int8"] is not None:
        assert abs(figures["top1_float"] - figures["top1_int8"]) <= 0.5


@pytest.mark.parametrize("name", ["kws", "ic", "ad"])
def test_onnxruntime_agrees(shared_models: Path, shared_data: Path, tmp_path: Path, name: str) -> None:
    q = quantized(shared_models, shared_data, name)
    save_qdq(q.integer, tmp_path / "model.onnx")
    loaded = session(tmp_path / "model.onnx")
    (source,) = q.source.inputs
    (output,) = q.source.outputs
    assert [(i.name, tuple(i.shape)) for i in loaded.get_inputs()] == [(source, q.source.type(source).shape)]
    assert [o.name for o in loaded.get_outputs()] == [output]
    executor, params, apart = IntExecutor(q.integer), q.integer.type(output).qp, []
    for index in range(min(len(q.x), 300)):
        sample = q.sample(index)
        (real,) = loaded.run([output], sample)
        expected = executor.run(quantize_inputs(q.integer, sample))[output]
        apart.append(np.abs(np.rint(real / params.s) + params.zp - expected).ravel())
    assert np.mean(np.concatenate(apart) <= 1) >= 0.999


def test_layer_errors(shared_models: Path, shared_data: Path) -> None:
    q = quantized(shared_models, shared_data, "ic")
    errors = layer_errors(q.float_graph, q.integer, [q.sample(k) for k in range(8)])
    assert [e["op"] for e in errors] == [n.op.kind for n in q.integer.nodes]
    assert all(e["sqnr_db"] is not None and e["sqnr_db"] > 15 and e["cosine"] > 0.98 for e in errors)
