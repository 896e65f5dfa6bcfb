"""Blocks of layers whose rounded weights are changed for the block's output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgeq.executor import Executor, FloatArithmetic, IntArithmetic
from edgeq.ir.graph import Graph, GraphEditor, Value
from edgeq.ir.tensor import TensorType
from edgeq.ops.add import Add
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.reshape import Reshape
from edgeq.ops.sigmoid import Sigmoid
from edgeq.quantize import QuantConfig, quantize
from edgeq.quantize.config import LayerConfig, WeightRounding
from edgeq.quantize.distance import Distance
from edgeq.quantize.gradients import Backward
from edgeq.quantize.methods import reconstruct
from edgeq.quantize.methods.reconstruct import blocks_of
from edgeq.quantize.operands import rule_of
from edgeq.warnings import EdgeqWarning

RELU = (0.0, float("inf"))
RNG = np.random.default_rng(5)
FINE = QuantConfig(activation_bits=16, rounding=WeightRounding.NEAREST)


def network(end: str = "y") -> tuple[Graph, list[dict[str, np.ndarray]]]:
    """A convolution, a residual block, a pool, and two layers on what it leaves."""
    rng = np.random.default_rng(7)
    e = GraphEditor("net")

    def c(name: str, *shape: int) -> str:
        return e.constant(name, (rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32))

    x = e.input("x", TensorType((1, 6, 6, 4)))
    (a,) = e.add(Conv2D(clamp=RELU), [x, c("w1", 8, 1, 1, 4), c("b1", 8)], "a")
    (d,) = e.add(DepthwiseConv2D(padding=(1, 1, 1, 1), clamp=RELU), [a, c("w2", 3, 3, 8), c("b2", 8)], "d")
    (p,) = e.add(Conv2D(), [d, c("w3", 8, 1, 1, 8), c("b3", 8)], "p")
    (s,) = e.add(Add(clamp=RELU), [a, p], "s")
    (m,) = e.add(MaxPool2D((3, 3), (3, 3)), [s], "m")
    (f,) = e.add(Reshape((1, 32)), [m], "f")
    (h,) = e.add(FullyConnected(), [f, c("w4", 6, 32), c("b4", 6)], "h")
    (g,) = e.add(Sigmoid(), [h], "g")
    e.add(FullyConnected(), [g, c("w5", 3, 6), c("b5", 3)], "y")
    e.outputs = [end]
    return e.finish(), [{"x": rng.normal(size=(1, 6, 6, 4)).astype(np.float32)} for _ in range(24)]


def parts(graph: Graph) -> dict[str, list[str]]:
    products = {n.name: rule_of(graph, n).products[0] for n in graph.nodes if rule_of(graph, n).products}
    return {b.end: [n.name for n in b.nodes] for b in blocks_of(graph, products)}


def test_blocks_end_where_one_tensor_is_all_that_is_left() -> None:
    graph, data = network()
    found = parts(quantize(graph, data))
    assert found == {"s": ["a", "d", "p", "s"], "y": ["f", "h", "g", "y"]}


@pytest.mark.parametrize("name", ["d", "p", "h", "y"])
def test_gradients_are_those_of_the_real_numbers(name: str) -> None:
    graph, data = network()
    integer = quantize(graph, data, FINE)
    products = {n.name: rule_of(integer, n).products[0] for n in integer.nodes if rule_of(integer, n).products}
    (block,) = (b for b in blocks_of(integer, products) if name in b.layers)
    edit = integer.edit()
    edit.nodes = {n.name: n for n in block.nodes}
    edit.inputs, edit.outputs = [block.source], [block.end]
    inside = edit.finish()
    backward = Backward(inside, {name: block.layers[name]})
    given = {"x": integer.type("x").holding(np.stack([sample["x"] for sample in data]))}
    values = dict(Executor(integer, IntArithmetic(integer)).walk(given))
    q = inside.type(block.end).qp
    reached = q.dequantize(values[block.end]).astype(np.float64)
    wanted = reached + RNG.normal(size=reached.shape) * reached.std()
    node = inside.producers[next(n.outputs[0] for n in inside.nodes if n.name == name)]
    groups, _, taps = backward.places(name).taken.shape
    backward.means[name] = np.zeros((groups, 1, taps))  # biases stay
    slopes = backward.run(edit, values, (reached - wanted).astype(np.float32))[name].weights

    inputs = inside.type(block.source).qp.dequantize(values[block.source])

    def error(by: np.ndarray) -> float:
        """Half the squared error with other weights, in real numbers."""
        changed, weight = inside.edit(), str(node.inputs[1])
        value = changed.values[weight]
        q = value.type.qp
        real = q.dequantize(np.asarray(value.data)) + by * q.dequantize(np.ones(value.type.shape, np.int8))
        changed.values[weight] = Value(weight, TensorType(value.type.shape), real.astype(np.float32))
        other = changed.finish()
        ends = dict(Executor(other, FloatArithmetic(other)).walk({block.source: inputs}))[block.end]
        return float(np.square(ends - wanted).sum()) / 2

    shape = inside.type(str(node.inputs[1])).shape
    direction = 0.1 * RNG.normal(size=shape)
    expected = (error(direction) - error(-direction)) / 2
    found = float((node.op.by_group(direction) * slopes).sum())
    assert abs(found - expected) < 0.02 * np.linalg.norm(slopes) * np.linalg.norm(direction)


def changed(before: Graph, after: Graph) -> list[str]:
    """Weights that differ; their parameters do not."""
    names = [
        n
        for n in ("w1", "w2", "w3", "w4", "w5")
        if n in after.values and not np.array_equal(before.data(n), after.data(n))
    ]
    assert names and all(before.type(n).q == after.type(n).q for n in names)
    return names


@pytest.mark.parametrize("bits", [4, "binary"])
def test_a_model_rounded_to_the_nearest_comes_nearer_to_float(bits: int | str) -> None:
    graph, data = network("s")
    config = QuantConfig(weight_bits=bits, rounding=WeightRounding.NEAREST)
    before, after, again = (quantize(graph, data, replace(config, reconstruct=on)) for on in (False, True, True))
    distance = Distance(graph, data)
    assert distance.error(after) < 0.98 * distance.error(before)
    assert all(np.array_equal(after.data(n), again.data(n)) for n in changed(before, after))


def test_codebooks_and_layers_that_take_no_part_stay() -> None:
    graph, data = network()
    rounding = WeightRounding.NEAREST
    config = QuantConfig(weight_bits="codebook-4", rounding=rounding, layers=(LayerConfig("p", reconstruct=False),))
    before, after = (quantize(graph, data, replace(config, reconstruct=on)) for on in (False, True))
    names = changed(before, after)
    assert "w3" not in names
    assert all(set(np.unique(np.asarray(after.data(n)))) <= set(np.unique(np.asarray(before.data(n)))) for n in names)


def test_layers_with_few_sums_stay() -> None:
    graph, data = network()
    e = graph.edit()
    e.nodes = {n.name: n for n in graph.nodes if n.name in ("h", "g", "y")}
    e.inputs = ["f"]
    dense, few = e.finish(), [{"f": sample["x"].reshape(1, -1)[:, :32]} for sample in data]
    with pytest.warns(EdgeqWarning, match="too few sums"):  # 18 samples for 32 weights
        after = quantize(dense, few, QuantConfig(reconstruct=True, layers=(LayerConfig("y", reconstruct=False),)))
    assert np.array_equal(after.data("w4"), quantize(dense, few).data("w4"))


@pytest.mark.parametrize("count", [2, 3])
def test_without_a_sample_to_hold_back_nothing_is_learned(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many sums a few large samples are."""
    graph, data = network()
    monkeypatch.setattr(reconstruct, "SUMS", 0)
    with pytest.warns(EdgeqWarning, match="give more samples"):
        quantize(graph, data[:count], QuantConfig(reconstruct=True))


def test_what_no_sample_held_back_finds_better_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, data = network()
    config = QuantConfig(weight_bits=4)
    before = quantize(graph, data, config)
    monkeypatch.setattr(reconstruct._Attempt, "_run", falling(reconstruct._Attempt._run))
    after = quantize(graph, data, replace(config, reconstruct=True))
    assert all(np.array_equal(before.data(n), after.data(n)) for n in before.values if before.data(n) is not None)


def falling(run: Callable[..., Any]) -> Callable[..., Any]:
    """As `run`, but that all changes seem to be for the better on the samples that decide, and for the worse else."""
    calls = [0.0]

    def other(self: Any, which: int) -> Any:
        calls[0] += 1.0
        return (*run(self, which)[:2], calls[0] if which else -calls[0])

    return other
