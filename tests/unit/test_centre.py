"""Tensors far from zero: their origin is moved into their range, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from edgeq.exporters.qdq import save_qdq
from edgeq.importers import load
from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.op import Op
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.ops.add import Add
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.function import Function
from edgeq.ops.layer_norm import LayerNorm
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.mean import Mean
from edgeq.ops.mul import Mul
from edgeq.ops.pad import Pad
from edgeq.ops.reshape import Reshape
from edgeq.ops.shift import Shift
from edgeq.ops.sub import Sub
from edgeq.passes.pipeline import optimize_float, optimize_integer
from edgeq.quantize import QuantConfig, quantize, run
from edgeq.report.accuracy import quantize_inputs, real_output, sqnr_db
from edgeq.simulator import run_float, run_int

Sample = dict[str, np.ndarray]
WIDE = 127


def weights(e: GraphEditor, *shape: int, name: str = "w") -> str:
    return e.constant(name, np.random.default_rng(len(shape)).normal(0, 0.3, shape).astype(np.float32))


def less_the_mean(e: GraphEditor, layer: str) -> str:
    """The bias with which a layer's outputs are around zero, as it is where a normalization was folded into it."""
    data = e.values[layer].data
    assert data is not None
    return e.constant("b", (-1010.0 * data.reshape(len(data), -1).sum(axis=1)).astype(np.float32))


def dense(e: GraphEditor) -> str:
    e.input("x", TensorType((1, 6)))
    w = weights(e, 4, 6)
    return e.add(FullyConnected(), ["x", w, less_the_mean(e, w)], "layer")[0]


def through_a_pool(op: Op) -> Callable[[GraphEditor], str]:
    def build(e: GraphEditor) -> str:
        e.input("x", TensorType((1, 6, 6, 2)))
        (pooled,) = e.add(op, ["x"], "pool")
        w = weights(e, 3, 2, 2, 2)
        return e.add(Conv2D(clamp=(0.0, float("inf"))), [pooled, w, less_the_mean(e, w)], "conv")[0]

    return build


def less_a_constant(e: GraphEditor) -> str:
    """What reads the difference needs zero: the sum takes the offset over."""
    e.input("x", TensorType((1, 6, 6, 2)))
    (less,) = e.add(Add(), ["x", e.constant("mu", np.array([-1012.0, -1008.0], np.float32))], "less")
    return e.add(Conv2D(padding=(1, 1, 1, 1)), [less, weights(e, 3, 3, 3, 2)], "conv")[0]


def differences(e: GraphEditor) -> str:
    e.input("x", TensorType((1, 6)))
    return e.add(Sub(), [e.constant("mu", np.full((1, 6), 1010, np.float32)), "x"], "difference")[0]


def box_head(e: GraphEditor) -> str:
    """An output, and not the input, is far from zero; padding does not matter for it."""
    e.input("x", TensorType((1, 6, 6, 2)))
    bias = e.constant("b", np.full(3, 250, np.float32))
    (y,) = e.add(Conv2D(padding=(1, 1, 1, 1)), ["x", weights(e, 3, 3, 3, 2), bias], "boxes")
    return e.add(Reshape((1, 108)), [y], "flat")[0]


def through_a_mean(e: GraphEditor) -> str:
    """A mean has parameters of its own."""
    e.input("x", TensorType((1, 6, 6, 2)))
    (mean,) = e.add(Mean((1, 2)), ["x"], "mean")
    w = weights(e, 3, 2)
    return e.add(FullyConnected(), [mean, w, less_the_mean(e, w)], "layer")[0]


def a_table(e: GraphEditor) -> str:
    """What reads the table needs zero: the table takes the offset over."""
    e.input("x", TensorType((1, 6, 6, 2)))
    (z,) = e.add(Function("Mul(Add(x, -1010.0), 0.125)"), ["x"], "z")
    return e.add(Conv2D(padding=(1, 1, 1, 1)), [z, weights(e, 3, 3, 3, 2)], "conv")[0]


def a_norm(e: GraphEditor) -> str:
    e.input("x", TensorType((1, 6)))
    return e.add(LayerNorm(1e-5, axis=1), ["x"], "norm")[0]


def built(build: Callable[[GraphEditor], str]) -> Graph:
    e = GraphEditor("g")
    e.outputs = [build(e)]
    return e.finish()


def pressures(graph: Graph, count: int = 40, mean: float = 1010.0) -> list[Sample]:
    rng = np.random.default_rng(2)
    return [{"x": rng.normal(mean, 8, graph.type("x").shape).astype(np.float32)} for _ in range(count)]


def sqnr(graph: Graph, integer: Graph, data: list[Sample]) -> float:
    """Of the outputs' differences from their mean."""
    name = graph.outputs[0]
    f = np.array([run_float(graph, s)[name] for s in data], np.float64)
    q = np.array([real_output(integer, name, run_int(integer, quantize_inputs(integer, s))[name]) for s in data])
    found = sqnr_db(f - f.mean(axis=0), q - f.mean(axis=0))
    assert found is not None
    return found


FAR = {
    "dense": dense,
    "maximum": through_a_pool(MaxPool2D((2, 2), (2, 2))),
    "average": through_a_pool(AveragePool2D((2, 2), (2, 2))),
    "less a constant": less_a_constant,
    "differences": differences,
    "mean": through_a_mean,
    "table": a_table,
    "norm": a_norm,
}


@pytest.mark.parametrize("observer", ["min-max", "percentile"])
@pytest.mark.parametrize("build", FAR.values(), ids=FAR)
def test_an_input_far_from_zero_uses_all_steps(build: Callable[[GraphEditor], str], observer: str) -> None:
    graph = built(build)
    data = pressures(graph)
    integer = quantize(graph, data, QuantConfig.from_dict({"observer": observer}))
    values = np.stack([s["x"] for s in data])
    assert integer.type("x").qp.s == pytest.approx(np.ptp(values) / 255, rel=0.05)
    assert integer.type("x").qp.zp < -1000
    (shift,) = [n for n in integer.nodes if isinstance(n.op, Shift)]
    assert shift.inputs == ("x",) and integer.type(shift.outputs[0]).qp.zp == 0
    taken = quantize_inputs(integer, data[0])["x"]
    assert np.abs(integer.type("x").qp.dequantize(taken) - data[0]["x"]).max() <= 0.51 * integer.type("x").qp.s
    assert sqnr(graph, integer, data) > 27
    assert sqnr(graph, quantize(graph, data[:15]), data) < sqnr(graph, integer, data) - 10  # too few to rely on


@pytest.mark.parametrize("build", FAR.values(), ids=FAR)
def test_the_function_stays_the_same(build: Callable[[GraphEditor], str]) -> None:
    graph = built(build)
    data = pressures(graph)
    moved = run(graph, data).float_graph
    assert any(isinstance(n.op, Shift) for n in moved.nodes)
    for sample in data[:4]:
        np.testing.assert_allclose(*(run_float(g, sample)[g.outputs[0]] for g in (graph, moved)), rtol=1e-4, atol=2e-3)


def test_an_output_far_from_zero_uses_all_steps() -> None:
    graph = built(box_head)
    data = pressures(graph, mean=0.0)
    integer = quantize(graph, data)
    (shift,) = [n for n in integer.nodes if isinstance(n.op, Shift)]
    assert shift.outputs == ("flat",) == integer.outputs
    values = np.stack([run_float(graph, s)["flat"] for s in data])
    assert values.min() > 150
    assert integer.type("flat").qp.s == pytest.approx(np.ptp(values) / 255, rel=0.01)
    assert sqnr(graph, integer, data) > 35


def test_what_needs_zero_keeps_it() -> None:
    def padded(e: GraphEditor) -> str:
        e.input("x", TensorType((1, 6, 6, 2)))
        return e.add(Conv2D(padding=(1, 1, 1, 1)), ["x", weights(e, 3, 3, 3, 2)], "conv")[0]

    def pad(e: GraphEditor) -> str:
        e.input("x", TensorType((1, 6)))
        (more,) = e.add(Pad((0, 1), (0, 1)), ["x"], "pad")
        return e.add(FullyConnected(), [more, weights(e, 4, 8)], "layer")[0]

    def product(e: GraphEditor) -> str:
        e.input("x", TensorType((1, 6)))
        return e.add(Mul(), ["x", "x"], "square")[0]

    for build in (padded, pad, product):
        graph = built(build)
        integer = quantize(graph, pressures(graph))
        assert not any(isinstance(n.op, Shift) for n in integer.nodes)
        assert integer.type("x").qp.zp == -128


@pytest.mark.parametrize(
    ("config", "mean"),
    [
        ({"activations": "symmetric"}, 1010.0),
        ({"layers": {"x": {"range": [0.0, 1100.0]}}}, 1010.0),
        ({"layers": {"x": {"activations": "symmetric"}}}, 1010.0),
        ({}, 100.0),  # a range that begins near enough to zero
    ],
)
def test_what_the_user_says_holds(config: dict[str, object], mean: float) -> None:
    graph = built(dense)
    spread = np.float32(1.0) if mean == 1010.0 else np.linspace(0.1, 1, 6, dtype=np.float32)
    data = [{"x": np.abs(s["x"]) * spread} for s in pressures(graph, mean=mean)]
    integer = quantize(graph, data, QuantConfig.from_dict(config))
    assert integer.type("x").qp.zp in (0, -128)


def test_a_mean_that_the_caller_reads_is_left_alone() -> None:
    def build(e: GraphEditor) -> str:
        e.input("x", TensorType((1, 6, 6, 2)))
        return e.add(Mean((1, 2)), ["x"], "mean")[0]

    integer = quantize(built(build), pressures(built(build)))
    assert not any(isinstance(n.op, Shift) for n in integer.nodes)


def test_a_constant_input_is_left_alone() -> None:
    graph = built(dense)
    integer = quantize(graph, [{"x": np.full((1, 6), 5.0, np.float32)}] * 20)
    assert integer.type("x").qp == QParams.per_tensor(5 / 255, -128)


WRITTEN = {"box head": box_head, **FAR}
del WRITTEN["average"]  # onnxruntime rounds its halves to even


@pytest.mark.parametrize("build", WRITTEN.values(), ids=WRITTEN)
def test_onnxruntime_agrees_and_the_file_comes_back(build: Callable[[GraphEditor], str], tmp_path: Path) -> None:
    graph = built(build)
    data = pressures(graph, mean=0.0 if build is box_head else 1010.0)
    integer = quantize(graph, data)
    path = tmp_path / "q.onnx"
    save_qdq(integer, path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = integer.outputs[0]
    step = integer.type(name).qp.s
    again = quantize(optimize_float(load(path, {})), None)
    assert again.type("x").qp == integer.type("x").qp
    assert again.type(again.outputs[0]).qp == integer.type(name).qp
    for sample in data[:8]:
        ours = run_int(integer, quantize_inputs(integer, sample))[name]
        (theirs,) = session.run(None, sample)
        assert np.abs(real_output(integer, name, ours) - theirs).max() <= 1.01 * step
        np.testing.assert_array_equal(run_int(again, quantize_inputs(again, sample))[again.outputs[0]], ours)


def test_integer_passes_leave_the_origin() -> None:
    graph = built(dense)
    integer = optimize_integer(quantize(graph, pressures(graph)))
    assert integer.type("x").dtype is DType.INT8 and integer.type("x").qp.zp < -1000
    assert [n.op.kind for n in integer.nodes] == ["Shift", "FullyConnected"]
