"""Weights of layers in float32 that are stored in fewer bits, and activations quantized at run time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import edgeq.api
from edgeq.errors import QuantizationError, UsageError
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import DType
from edgeq.ops._stored import in_steps
from edgeq.ops.fully_connected import FullyConnected
from edgeq.quantize import QuantConfig
from edgeq.quantize.store_weights import store_weights, wants_stored
from edgeq.report.accuracy import sqnr_db
from edgeq.simulator import FloatExecutor, IntExecutor
from tests.unit.test_quantize import editor, samples, tensor

RNG = np.random.default_rng(7)


def layers() -> Graph:
    """Two fully connected layers of 80 inputs each."""
    e = editor()
    x = e.input("x", tensor(1, 80))
    for name, scale in (("first", 1.0), ("second", 0.1)):
        w = (RNG.normal(size=(80, 80)) * scale * np.geomspace(0.05, 1.0, 80)).astype(np.float32)
        (x,) = e.add(FullyConnected(), [x, e.constant(f"{name}_w", w)], name)
    e.outputs = [x]
    return e.finish()


def decibels(graph: Graph, **options: object) -> float:
    """SQNR of the model with all layers in float32 and some options."""
    model = edgeq.api.quantize(graph, numerics="float", config=QuantConfig.from_dict(options))
    data = samples(graph, 20)
    real = [FloatExecutor(graph).run(s)[graph.outputs[0]] for s in data]
    found = [IntExecutor(model.graph).run(s)[graph.outputs[0]] for s in data]
    return sqnr_db(np.stack(real), np.stack(found))


def test_fewer_bits_cost_more_and_groups_less() -> None:
    graph = layers()
    half, eight, four = (decibels(graph, float_weight_bits=bits) for bits in (16, 8, 4))
    assert half > 65.0 > eight > 35.0 > four > 10.0
    groups = [decibels(graph, float_weight_bits=4, weight_group=group) for group in (128, 64, 32)]
    assert four <= groups[0] + 0.5 < groups[1] < groups[2]
    assert eight > decibels(graph, float_weight_bits=8, dynamic=True) > 30.0


def test_types_by_layer() -> None:
    graph = layers()
    table = {
        "float_weight_bits": 4,
        "weight_group": 32,
        "layers": {"first": {"float_weight_bits": 16, "weight_group": 0}},
    }
    config = QuantConfig.from_dict(table)
    assert wants_stored(config) and not wants_stored(QuantConfig())
    model = edgeq.api.quantize(graph, numerics="float", config=config)
    types = {n.name: model.graph.type(str(n.inputs[1])) for n in model.graph.nodes}
    assert types["first"].dtype is DType.FLOAT16 and types["first"].q is None
    assert types["first"].nbytes == 2 * 80 * 80
    assert types["second"].dtype is DType.INT4 and types["second"].qp.block == 32
    assert len(types["second"].qp.scale) == 80 * 3


def test_what_does_not_go_together_is_refused() -> None:
    graph = layers()
    for options in ({"float_weight_bits": 16, "weight_group": 32}, {"dynamic": True}):
        with pytest.raises(UsageError, match="need integer weights"):
            edgeq.api.quantize(graph, numerics="float", config=QuantConfig.from_dict(options))
    integer = edgeq.api.quantize(graph, samples(graph, 20)).graph
    with pytest.raises(UsageError, match="no layer in float32"):
        store_weights(integer, QuantConfig(float_weight_bits=8))


def test_rows_have_steps_of_their_own() -> None:
    rows = np.array([[1.0, -2.0, 0.5], [0.0, 0.0, 0.0], [np.nan, 254.0, -254.0]], np.float32)
    integers, step = in_steps(rows)
    assert integers.tolist() == [[64, -127, 32], [0, 0, 0], [-127, 127, -127]]
    np.testing.assert_array_equal(step[:, 0], np.array([2 / 127, 0.0, 2.0], np.float32))


def test_exported_as_real_numbers(tmp_path: Path) -> None:
    """Beside integer layers; quantization at run time has no such form."""
    graph = layers()
    data = samples(graph, 20)
    for bits in (32, 16, 4):
        options = {"float": ["second"], "float_weight_bits": bits, "weight_group": 32 if bits == 4 else 0}
        model = edgeq.api.quantize(graph, data, QuantConfig.from_dict(options))
        model.save_qdq(tmp_path / "qdq.onnx")
        again = edgeq.api.load(tmp_path / "qdq.onnx")
        mine = model.graph.type(str(model.graph.producers["second_real"].inputs[1]))
        stored = model.graph.data(str(model.graph.producers["second_real"].inputs[1]))
        assert stored is not None
        real = stored if mine.q is None else mine.q.dequantize(stored)
        values = (v.data for v in again.values.values() if v.data is not None and v.data.shape in ((80, 80),))
        assert any(np.array_equal(v, np.float32(real)) or np.array_equal(v.T, np.float32(real)) for v in values)
    model = edgeq.api.quantize(graph, data, QuantConfig.from_dict({**options, "dynamic": True}))
    with pytest.raises(QuantizationError, match="at run time"):
        model.save_qdq(tmp_path / "dynamic.onnx")
