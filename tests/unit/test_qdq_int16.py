"""QDQ models with activations of 16 bits: what edgeq exports comes back, what others export is taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from quantized_nets import network

from edgeq.errors import ModelError
from edgeq.exporters.qdq import save_qdq
from edgeq.importers import load
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import DType, QParams
from edgeq.passes.pipeline import optimize_float
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.pipeline import quantize
from edgeq.report.accuracy import quantize_inputs
from edgeq.simulator import IntExecutor
from edgeq.warnings import EdgeqWarning
from tests.unit.test_int16 import branches

NEAREST: dict[str, Any] = {"activation_bits": 16, "rounding": "nearest"}


def integer_graph(path: Path) -> Graph:
    """What a file becomes without calibration."""
    return quantize(optimize_float(load(path)), None)


@pytest.mark.filterwarnings("ignore::edgeq.warnings.EdgeqWarning")
@pytest.mark.parametrize(
    ("graph", "config"),
    [
        (network(), NEAREST),
        (network(), {**NEAREST, "weight_bits": 4, "layers": {"depthwise": {"activation_bits": 8}}}),
        (branches(), NEAREST),
    ],
)
def test_what_is_exported_comes_back_to_the_same_bits(graph: Graph, config: dict[str, Any], tmp_path: Path) -> None:
    shape = graph.type(graph.inputs[0]).shape
    rng = np.random.default_rng(5)
    data = [{graph.inputs[0]: rng.normal(size=shape).astype(np.float32)} for _ in range(12)]
    before = quantize(optimize_float(graph), data, QuantConfig.from_dict(config))
    save_qdq(before, tmp_path / "model.onnx")
    after = integer_graph(tmp_path / "model.onnx")
    for port in (*before.inputs, *before.outputs):
        assert (after.type(port).dtype, after.type(port).q) == (before.type(port).dtype, before.type(port).q)
    first, second = IntExecutor(before), IntExecutor(after)
    for sample in data:
        integers = quantize_inputs(before, sample)
        expected, found = first.run(integers), second.run(integers)
        for port in before.outputs:
            np.testing.assert_array_equal(found[port], expected[port])


def model(zero: int, kind: str, ends: str = "real") -> onnx.ModelProto:
    """y = relu(x) between tensors of 16 bits; `ends`: whether inputs, or outputs, are integers."""
    code = {"int16": TensorProto.INT16, "uint16": TensorProto.UINT16}[kind]
    constants = [
        numpy_helper.from_array(np.array(0.001, np.float32), "scale"),
        numpy_helper.from_array(np.array(zero, kind), "zero"),
    ]
    steps = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "scale", "zero"], ["xr"]),
        helper.make_node("Relu", ["xr"], ["yr"]),
        helper.make_node("QuantizeLinear", ["yr", "scale", "zero"], ["yq"]),
        helper.make_node("DequantizeLinear", ["yq", "scale", "zero"], ["y"]),
    ]
    first, last = ("xq" if ends == "inputs" else "x"), ("yq" if ends == "outputs" else "y")
    steps = steps[1:] if ends == "inputs" else steps[:-1] if ends == "outputs" else steps
    ports = [
        helper.make_tensor_value_info(name, code if name.endswith("q") else TensorProto.FLOAT, [1, 6])
        for name in (first, last)
    ]
    graph = helper.make_graph(steps, "net", ports[:1], ports[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def saved(place: Path, made: onnx.ModelProto) -> Path:
    onnx.save(made, place / "model.onnx")
    return place / "model.onnx"


@pytest.mark.parametrize(
    ("kind", "zero", "ends"),
    [("int16", 0, "real"), ("uint16", 2**15, "real"), ("int16", 0, "inputs"), ("int16", 0, "outputs")],
)
def test_symmetric_ones_are_taken_as_they_are(kind: str, zero: int, ends: str, tmp_path: Path) -> None:
    graph = integer_graph(saved(tmp_path, model(zero, kind, ends)))
    (x,), (y,) = graph.inputs, graph.outputs
    for port in (x, y):
        assert (graph.type(port).dtype, graph.type(port).q) == (DType.INT16, QParams.per_tensor(0.001, 0))
    integers = np.array([[-32768, -5, 0, 1, 700, 32767]], np.int16)
    np.testing.assert_array_equal(IntExecutor(graph).run({x: integers})[y], np.maximum(integers, 0))


def test_others_get_the_least_symmetric_scale_that_holds_their_range(tmp_path: Path) -> None:
    with pytest.warns(EdgeqWarning, match="is uint16 with zero point 10000; .* steps are 1.69 times as wide"):
        graph = load(saved(tmp_path, model(10000, "uint16")))
    q = graph.type(graph.inputs[0]).q
    assert q is not None and q.s * 32767 == pytest.approx(0.001 * (65535 - 10000)) and q.integers is DType.INT16


def test_outputs_of_uint16_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="an output of type uint16"):
        load(saved(tmp_path, model(2**15, "uint16", "outputs")))
