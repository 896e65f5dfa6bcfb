"""Networks over windows as networks of a step: outputs are the window's, in float and in integers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from pass_graphs import Net
from state_nets import integrator
from window_nets import WINDOWS, causal, keywords, last, signal, weighted

import edgeq
from edgeq.errors import UsageError
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array
from edgeq.ops.add import Add
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.mean import Mean
from edgeq.ops.pad import Pad
from edgeq.ops.reshape import Reshape
from edgeq.passes.pipeline import optimize_float
from edgeq.passes.with_steps import Steps, macs, with_steps
from edgeq.passes.without_padding import without_padding
from edgeq.report.accuracy import quantize_inputs
from edgeq.sequence import run_sequences
from edgeq.simulator import FloatExecutor, IntExecutor
from edgeq.warnings import EdgeqWarning

STEPS = 24


def calibrated(graph: Graph) -> edgeq.QuantizedModel:
    (name,) = graph.inputs
    return edgeq.quantize(graph, {name: recording(graph, 1, 16).reshape(16, *graph.type(name).shape[1:])})


def recording(graph: Graph, axis: int, windows: int = 1, rows: int | None = None) -> Array:
    shape = [windows, *graph.type(graph.inputs[0]).shape[1:]]
    shape[axis] = rows or shape[axis]
    return np.random.default_rng(7).normal(0, 1.5, shape).astype(np.float32)


def pairs(window: Graph, steps: Steps, executor: Any, more: int = STEPS) -> Iterator[tuple[Array, Array]]:
    """Output of the window and of the step that ends it, for so many steps after the warm-up; newest rows only."""
    count, axis, (name,) = steps.warm_up + more, steps.axis, window.inputs
    over_window = executor(window)
    x = recording(window, axis, rows=count * steps.rows)

    def given(graph: Graph, begin: int, end: int) -> dict[str, Array]:
        cut = {name: np.take(x, range(begin, end), axis)}
        return quantize_inputs(graph, cut) if graph.numerics else cut

    each = [given(steps.graph, k * steps.rows, (k + 1) * steps.rows) for k in range(count)]
    for k, found in enumerate(run_sequences(executor(steps.graph), each)):
        if k + 1 < steps.warm_up:
            continue
        end = (k + 1) * steps.rows
        expected = over_window.run(given(window, end - steps.window, end))
        for before, after in zip(window.outputs, steps.graph.public_outputs, strict=True):
            y, whole = found[after], expected[before]
            longer = next((d for d in range(y.ndim) if y.shape[d] != whole.shape[d]), 0)
            yield np.take(whole, range(whole.shape[longer] - y.shape[longer], whole.shape[longer]), longer), y


@pytest.mark.parametrize(
    ("make", "rows"), [*((make, 1) for make in WINDOWS), (keywords, 2), (signal, 3), (causal, 4), (weighted, 2)]
)
def test_outputs_are_the_windows(make: Callable[[], Graph], rows: int) -> None:
    model = calibrated(make())
    stepped = with_steps(model.graph, rows)
    compared = list(pairs(model.graph, stepped, IntExecutor))
    assert len(compared) == (STEPS + 1) * len(model.graph.outputs)
    for expected, found in compared:
        np.testing.assert_array_equal(found, expected)
    reference = with_steps(model.float_graph, rows)
    for expected, found in pairs(model.float_graph, reference, FloatExecutor, 4):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_float_arithmetic_is_the_windows_too() -> None:
    """Sums have one order, whatever rows they are computed with."""
    model = edgeq.quantize(keywords(), numerics="float")
    for expected, found in pairs(model.graph, with_steps(model.graph), IntExecutor):
        np.testing.assert_array_equal(found, expected)


def test_what_a_step_computes_and_keeps() -> None:
    """Of 13 rows of the first layer those that see padding, 2 above and 3 below, and one more; from layer to layer the
    padding reaches one row further. The 2 phases of the stride keep rows of their own, but share the input's."""
    graph = optimize_float(keywords())
    steps = with_steps(graph)
    assert (steps.axis, steps.rows, steps.window, steps.phases, steps.warm_up) == (1, 1, 25, 2, 25)
    row = (3 * 8 * 40, 3 * 8 * 9, 3 * 8 * 8)
    assert steps.macs == 6 * row[0] + 8 * (row[1] + row[2]) + 10 * (row[1] + row[2]) + 4 * 8
    assert steps.window_macs == macs(graph) == 13 * (row[0] + 2 * (row[1] + row[2])) + 4 * 8
    kept = [steps.graph.type(state.input).shape[1] for state in steps.graph.states]
    assert sorted(kept) == sorted([24, 7, 7, 5, 5, 3, 3])
    one = with_steps(graph, rows=2)
    assert (one.phases, one.macs, len(one.graph.states)) == (1, steps.macs, 4)


def test_only_what_an_output_needs_is_computed() -> None:
    steps = with_steps(optimize_float(causal()))
    assert (steps.axis, steps.graph.type(steps.graph.public_outputs[0]).shape) == (2, (1, 1, 2))
    assert steps.macs * 30 == steps.window_macs
    kept = {state.input: steps.graph.type(state.input).shape[1] for state in steps.graph.states}
    assert sorted(kept.values()) == [2, 4, 8]
    newest = with_steps(optimize_float(last()))
    assert newest.macs == 5 * 16 + 3 * 8 and len(newest.graph.states) == 1  # three frames of the input
    assert with_steps(optimize_float(signal())).axis == 2


def test_time_that_nothing_reaches_over() -> None:
    """A dense layer over the whole window: the rows are kept, and every step computes it."""
    net = Net(3)
    flat = net.add(Reshape((1, 60)), net.add(Add(), net.input("x", 1, 12, 5), net.data(1.0)), name="flat")
    steps = with_steps(net.finish(net.add(FullyConnected(), flat, net.const(2, 60), name="y")))
    assert (steps.axis, steps.macs, steps.window_macs, steps.phases) == (1, 120, 120, 1)
    assert [steps.graph.type(s.input).shape for s in steps.graph.states] == [(1, 11, 5)]


REFUSED: dict[str, tuple[Callable[[], Graph], dict[str, int], str]] = {
    "a network of a step": (integrator, {}, "has states"),
    "a step as long as the window": (keywords, {"rows": 25}, "not shorter than the window of 25"),
    "a step of nothing": (keywords, {"rows": 0}, "a step of 0 rows"),
    "a dimension that is not there": (keywords, {"axis": 4}, "no dimension 4"),
    "the batch": (keywords, {"axis": 0}, "no dimension 0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    make, arguments, message = REFUSED[case]
    with pytest.raises(UsageError, match=message):
        with_steps(make(), **arguments)


def test_inputs_of_unlike_lengths_and_several_samples_are_refused() -> None:
    net = Net(4)
    y = net.add(Add(), net.input("a", 1, 8, 3), net.input("b", 1, 1, 3), name="y")
    with pytest.raises(UsageError, match="1 and 8 rows along dimension 1"):
        with_steps(net.finish(y))
    net = Net(5)
    batch = net.finish(net.add(Add(), net.input("x", 2, 8, 3), net.data(1.0)))
    with pytest.raises(UsageError, match="holds 2 samples"):
        with_steps(batch)


def test_a_streams_figures_are_its_windows() -> None:
    model = calibrated(keywords())
    stream = model.stream()
    assert stream.window is not None and stream.window[0] is model
    assert stream.accuracy == model.accuracy and stream.accuracy is not None
    assert stream.layer_errors() == model.layer_errors()
    assert stream.graph.public_inputs == model.graph.inputs


def test_padding_that_the_stream_takes_the_place_of() -> None:
    """Of the first layer 13 rows and 2 more at each end, from 42 frames: the network as it is without padding."""
    padded, plain = optimize_float(keywords()), optimize_float(keywords(42, padded=False))
    longer = without_padding(padded, 1)
    assert longer.type("x").shape == (1, 42, 6, 1)
    sample = {"x": recording(longer, 1)}
    np.testing.assert_array_equal(FloatExecutor(longer).run(sample)["y"], FloatExecutor(plain).run(sample)["y"])
    model = calibrated(keywords())
    stream = model.stream(padding="stream")
    assert stream.window is not None
    steps, row = stream.window[1], 3 * 8
    assert (steps.window, steps.warm_up, steps.phases, steps.padding) == (42, 42, 2, "stream")
    assert steps.macs == row * (40 + 2 * (9 + 8)) + 4 * 8 and steps.window_macs == macs(model.graph)
    for expected, found in pairs(without_padding(model.graph, 1), steps, IntExecutor):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("make", "axis"), [(signal, 2), (causal, 2), (last, 1)])
def test_windows_without_padding_in_reach_stay_as_they_are(make: Callable[[], Graph], axis: int) -> None:
    graph = optimize_float(make())
    longer = without_padding(graph, axis)
    (name,) = graph.inputs
    more = {signal: 0, causal: 14, last: 0}[make]  # type: ignore[index]
    rows = graph.type(name).shape[axis]
    assert longer.type(name).shape[axis] == rows + more or make is last
    assert [longer.type(n).shape for n in longer.outputs] == [graph.type(n).shape for n in graph.outputs]
    if make is signal:
        sample = {name: recording(graph, axis)}
        np.testing.assert_array_equal(FloatExecutor(longer).run(sample)["y"], FloatExecutor(graph).run(sample)["y"])


def test_a_step_that_saves_nothing_is_told() -> None:
    net = Net(6)
    padded = net.add(Pad((0, 2, 0, 0), (0, 0, 0, 0), "edge"), net.input("x", 1, 20, 1, 4), name="edges")
    y = net.add(Conv2D(), padded, net.const(4, 3, 1, 4), name="y")
    with pytest.warns(EdgeqWarning, match="a step computes 100 % of what the window does"):
        stream = calibrated(net.finish(net.add(Mean((1, 2)), y))).stream()
    assert stream.window is not None and stream.window[1].whole == "edges (Pad)"
