"""Recurrent layers of real numbers, their weights as they are stored, and vectors quantized at run time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import edgeq.api
from edgeq.codegen.wider_weights import with_wider_weights
from edgeq.ir.goals import GOALS
from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.op import Op
from edgeq.ir.tensor import DType, TensorType
from edgeq.kernels.choice import Wanted
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.gru import Gru
from edgeq.ops.lstm import Lstm
from edgeq.ops.simple_rnn import SimpleRnn
from edgeq.quantize import QuantConfig
from edgeq.report.accuracy import sqnr_db
from edgeq.simulator import FloatExecutor, IntExecutor
from edgeq.target import load_target

RNG = np.random.default_rng(5)
LAYERS: dict[str, tuple[Op, int, int]] = {
    "lstm": (Lstm(), 4, 2),
    "gru": (Gru(), 3, 1),
    "reset_after": (Gru(reset_after=True), 3, 1),
    "rnn": (SimpleRnn(), 1, 1),
}
"""An operator, its gates and its states."""


def network(kind: str, depth: int = 40, units: int = 24) -> Graph:
    """A layer of random weights, scaled to their size, that begins with zeros."""
    (op, gates, states), editor = LAYERS[kind], GraphEditor("net")
    shapes = [(gates * units, depth), (gates * units, units), (gates * units,)] + [(gates * units,)] * (gates == 3)
    operands = [editor.input("x", TensorType((1, 12, depth)))]
    for k, shape in enumerate(shapes):
        real = RNG.normal(size=shape) / np.sqrt(shape[-1])
        operands.append(editor.constant(f"c{k}", real.astype(np.float32)))
    operands += [editor.constant(f"s{k}", np.zeros((1, units), np.float32)) for k in range(states)]
    editor.outputs = [editor.add(op, operands, "layer")[0]]
    return editor.finish()


def decibels(graph: Graph, **options: Any) -> float:
    """SQNR of the layer in float32, its weights stored in some way."""
    model = edgeq.api.quantize(graph, numerics="float", config=QuantConfig.from_dict(options))
    data = [{"x": RNG.normal(size=(1, 12, 40)).astype(np.float32)} for _ in range(8)]
    real = [FloatExecutor(graph).run(s)[graph.outputs[0]] for s in data]
    found = [IntExecutor(model.graph).run(s)[model.graph.outputs[0]] for s in data]
    return sqnr_db(np.stack(real), np.stack(found))


@pytest.mark.parametrize("kind", LAYERS)
def test_fewer_bits_cost_more(kind: str) -> None:
    graph = network(kind)
    half, eight, four = (decibels(graph, float_weight_bits=bits) for bits in (16, 8, 4))
    assert decibels(graph) > 115.0 > half > 60.0 > eight > 35.0 > four > 12.0
    assert eight + 1.0 > decibels(graph, float_weight_bits=8, dynamic=True) > 33.0
    assert decibels(graph, float_weight_bits=4, weight_group=32) > four - 1.0


def test_all_matrices_are_stored() -> None:
    options = {"float_weight_bits": 4, "weight_group": 32, "dynamic": True}
    model = edgeq.api.quantize(network("lstm"), numerics="float", config=QuantConfig.from_dict(options)).graph
    (node,) = model.nodes
    types = [model.type(str(node.inputs[k])) for k in (1, 2, 3)]
    assert [t.dtype for t in types] == [DType.INT4, DType.INT4, DType.FLOAT32]
    assert [len(t.qp.scale) for t in types[:2]] == [4 * 24 * 2, 4 * 24]
    assert isinstance(node.op, Lstm) and node.op.dynamic


def test_all_matrices_are_widened_for_a_fast_kernel() -> None:
    """Weights of 4 bits are bytes where the processor has a kernel for these, unless the program is to be small."""
    config = QuantConfig(float_weight_bits=4, dynamic=True)
    graph, isa = (
        edgeq.api.quantize(network("lstm"), numerics="float", config=config).graph,
        load_target("cortex-m4").isa,
    )
    chosen = {}
    for goal in GOALS:
        wanted = Wanted(isa, goal)
        wider = with_wider_weights(graph, wanted)
        (node,) = wider.nodes
        kernel = wanted.choose(wider.site(node))
        assert kernel is not None
        chosen[goal] = kernel.function, {wider.type(str(node.inputs[k])).dtype for k in (1, 2)}
    assert chosen["balanced"] == ("eq_lstm_float32_dsp", {DType.INT8})
    assert chosen["size"] == ("eq_lstm_float32_ref", {DType.INT4})


def test_among_integers() -> None:
    """A layer that is named stays real between others."""
    editor = network("gru").edit()
    weights = editor.constant("last_w", (RNG.normal(size=(5, 24)) / 5).astype(np.float32))
    editor.outputs = list(editor.add(FullyConnected(), [editor.outputs[0], weights], "last"))
    graph = editor.finish()
    data = [{"x": RNG.normal(size=(1, 12, 40)).astype(np.float32)} for _ in range(20)]
    config = QuantConfig.from_dict({"float": ["layer"], "float_weight_bits": 8, "dynamic": True})
    model = edgeq.api.quantize(graph, data, config)
    nodes = {node.name: model.graph.site(node) for node in model.graph.nodes}
    assert nodes["layer"].is_float and nodes["layer"].op.reads_stored and not nodes["last"].is_float
    real = [FloatExecutor(graph).run(s)[graph.outputs[0]] for s in data]
    q, x = model.graph.type(model.graph.outputs[0]).qp, model.graph.type("x").qp
    executor = IntExecutor(model.graph)
    found = [q.dequantize(executor.run({"x": x.quantize(s["x"], DType.INT8)})[model.graph.outputs[0]]) for s in data]
    assert sqnr_db(np.stack(real), np.stack(found)) > 30.0
