"""States as pairs of ports: in the graph, its text, its verification, through passes and quantization, step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import helper
from onnx_models import model_of
from state_nets import NETS, aliases, causal_convolution, fir, integrator, one_step, steps

import edgeq
from edgeq.api.flow import loaded
from edgeq.errors import ModelError, UsageError
from edgeq.ir.graph import Graph, State
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.ir.text import load_graph, parse_graph, print_graph, save_graph
from edgeq.ir.verify import verify
from edgeq.passes.pipeline import optimize_float, optimize_integer
from edgeq.passes.with_states import with_states
from edgeq.report.accuracy import layer_errors, quantize_inputs
from edgeq.sequence import reset, run_sequences, unroll
from edgeq.simulator import FloatExecutor, IntExecutor

Make = Callable[[], Graph]


def quantized(graph: Graph, count: int = 32) -> Graph:
    return edgeq.quantize(graph, steps(graph, count)).graph


def test_public_ports() -> None:
    graph = aliases()
    assert graph.inputs == ("x", "first", "second", "third", "left", "right", "still")
    assert graph.public_inputs == ("x",)
    assert graph.public_outputs == ("with_still", "crossed", "second_before", "x_again")
    assert [s.input for s in graph.states] == ["first", "second", "third", "left", "right", "still"]
    assert fir().public_inputs == ("x",) and fir().public_outputs == ("y",)  # `x` is an output only as a state


def test_text() -> None:
    text = print_graph(fir())
    assert text.endswith("output %y\noutput %x\nstate %before <- %x\n")
    again = parse_graph(text, {n: v.data for n, v in fir().values.items() if v.data is not None})
    assert again.states == (State("before", "x"),) and print_graph(again) == text


def test_files_keep_states(tmp_path) -> None:
    save_graph(aliases(), tmp_path / "g")
    assert load_graph(tmp_path / "g").states == aliases().states


def _typed(graph: Graph, name: str, type: TensorType) -> Graph:
    return replace(graph, values={**graph.values, name: replace(graph.values[name], type=type)})


def test_parameters_of_a_float_graph_may_differ() -> None:
    graph = fir()
    graph = _typed(graph, "before", TensorType((1, 4), q=QParams.per_tensor(0.5, 0)))
    assert verify(graph) is graph
    with pytest.raises(ModelError, match="the two ends of a state are not of one type"):
        verify(replace(fir(), states=(State("before", "y"),)), ModelError)


@pytest.mark.parametrize(
    ("states", "keep", "message"),
    [
        ({"held_back": "level"}, [], "there is no input 'held_back'"),
        ({"held": "leveled"}, [], "cannot become 'leveled', which is not in the model"),
        ({"held": "x"}, [], r"is float32\[1, 5\] and cannot become 'x', which is float32\[1, 4\]"),
        ({"held": "c"}, [], "which does not depend on any input"),
        ({"held": "level"}, ["drive"], "'drive' cannot be kept: not an output of the model"),
    ],
)
def test_declaring_what_cannot_be(states: dict[str, str], keep: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        with_states(one_step(), states, keep)


def test_declaring_twice_and_too_late() -> None:
    with pytest.raises(UsageError, match="the input 'held' is a state already"):
        with_states(integrator(), {"held": "level"})
    with pytest.raises(UsageError, match="declare states before the model is quantized"):
        with_states(replace(quantized(integrator()), states=()), {"held": "scaled"})


def test_an_output_that_becomes_a_state_is_not_taken_any_more() -> None:
    hidden = with_states(one_step(), {"held": "level"})
    assert hidden.outputs == ("level",) and hidden.public_outputs == ()
    kept = with_states(one_step(), {"held": "level"}, keep=["level"])
    assert kept.public_outputs == ("level",) and kept.states == (State("held", "level_state"),)
    assert [n.op.kind for n in kept.nodes][-1] == "Reshape"


def test_a_port_that_becomes_a_state_has_no_type_of_its_own() -> None:
    graph = replace(one_step(), ports={"held": DType.UINT8, "level": DType.UINT8})
    assert with_states(graph, {"held": "level"}).ports == {}
    assert with_states(graph, {"held": "level"}, keep=["level"]).ports == {"level": DType.UINT8}


@pytest.mark.parametrize("make", NETS)
def test_passes_keep_states(make: Make) -> None:
    graph = make()
    after = optimize_float(graph)
    assert (after.inputs, after.outputs, after.states) == (graph.inputs, graph.outputs, graph.states)
    for a, b in zip(*(run_sequences(FloatExecutor(g), steps(graph, 12)) for g in (graph, after)), strict=True):
        for name in graph.outputs:
            np.testing.assert_allclose(a[name], b[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("make", NETS)
def test_both_ends_are_quantized_alike(make: Make) -> None:
    graph = quantized(make())
    assert [s.input for s in graph.states] == [s.input for s in make().states]
    for state in graph.states:
        assert graph.type(state.input) == graph.type(state.output)


def test_parameters_that_differ_are_converted() -> None:
    """An annotated model may hold both ends in different parameters: the state is what the next step reads."""
    graph = fir()
    before, x = QParams.per_tensor(0.5, 3), QParams.per_tensor(0.0625, -7)
    graph = _typed(_typed(graph, "before", TensorType((1, 4), q=before)), "x", TensorType((1, 4), q=x))
    integer = quantized(graph)
    (state,) = integer.states
    assert integer.producers[state.output].op.kind == "Requantize"
    assert integer.type(state.output).q == before and integer.type("x").q == x
    assert integer.public_outputs == ("y",)


def test_raw_bytes_that_become_a_state() -> None:
    """The caller hands over uint8; the state is int8 all the same."""
    graph = replace(fir(), ports={"x": DType.UINT8})
    integer = quantized(graph)
    (state,) = integer.states
    assert integer.type("x").dtype is DType.UINT8 and integer.type(state.output).dtype is DType.INT8


def test_constant_channels_of_states_stay() -> None:
    graph = quantized(causal_convolution())
    assert optimize_integer(graph).states == graph.states


def test_a_sequence_begins_with_zero() -> None:
    graph = fir()
    assert not reset(graph)["before"].any()
    integer = quantized(graph)
    zero = reset(integer)["before"]
    assert zero.dtype == np.int8 and set(zero.ravel()) == {integer.type("before").qp.zp} != {0}


def test_steps_hand_over_states() -> None:
    """Against the filter written down: y[t] = W · [x[t], x[t − 1]]."""
    graph = fir()
    x = np.concatenate([s["x"] for s in steps(graph, 10)])
    before = np.concatenate([np.zeros((1, 4), np.float32), x[:-1]])
    w = next(v.data for v in graph.values.values() if v.data is not None)
    found = np.concatenate([v["y"] for v in run_sequences(FloatExecutor(graph), steps(graph, 10))])
    np.testing.assert_allclose(found, np.concatenate([x, before], axis=1) @ w.T, rtol=1e-5, atol=1e-5)


def test_feedback_adds_up() -> None:
    graph = integrator()
    values = list(run_sequences(FloatExecutor(graph), steps(graph, 60)))
    level = np.zeros((1, 5))
    for v in values:
        level = 0.9 * level + 0.1 * v["drive"]
        np.testing.assert_allclose(v["level"], level, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make", NETS)
def test_several_sequences_are_like_each_alone(make: Make) -> None:
    graph = quantized(make())
    samples = [quantize_inputs(graph, s) for s in steps(graph, 12)]
    together = list(run_sequences(IntExecutor(graph), samples, steps=4))
    alone = [v for k in range(0, 12, 4) for v in run_sequences(IntExecutor(graph), samples[k : k + 4])]
    assert all(np.array_equal(a[n], b[n]) for a, b in zip(together, alone, strict=True) for n in graph.outputs)
    one = list(run_sequences(IntExecutor(graph), samples))
    assert any(not np.array_equal(a[n], b[n]) for a, b in zip(together, one, strict=True) for n in graph.outputs)


def test_the_caller_gives_no_states() -> None:
    graph = fir()
    with pytest.raises(UsageError, match="takes its states from the step before, not from the caller: 'before'"):
        list(run_sequences(FloatExecutor(graph), [{"x": np.zeros((1, 4)), "before": np.zeros((1, 4))}]))


def test_unrolled_samples_are_steps() -> None:
    graph = integrator()
    samples = unroll(FloatExecutor(graph), steps(graph, 9), 3)
    values = list(run_sequences(FloatExecutor(graph), steps(graph, 9), 3))
    for k, sample in enumerate(samples):
        assert set(sample) == {"x", "held"}
        np.testing.assert_array_equal(sample["held"], values[k - 1]["level"] if k % 3 else np.zeros((1, 5)))


def test_calibration_follows_the_state() -> None:
    """A state's range is what it grows to over the steps, not what one step makes of zero."""
    graph = integrator()
    levels = np.stack([v["level"] for v in run_sequences(FloatExecutor(graph), steps(graph, 200))])
    first = np.abs(levels[0]).max()
    integer = quantized(graph, 200)
    q = integer.type("held").qp
    assert q.s * 255 > 0.9 * (levels.max() - levels.min()) > 2 * first
    assert sum(e["sqnr_db"] is not None for e in layer_errors(graph, integer, steps(graph, 50))) > 0


def test_accuracy_over_steps() -> None:
    """Errors of layers are taken along each model's own sequence, and stay small for a filter that forgets."""
    graph = fir()
    errors = layer_errors(graph, quantized(graph, 64), steps(graph, 64))
    assert next(e for e in errors if e["name"] == "y")["sqnr_db"] > 30


def test_a_first_value_that_an_onnx_file_stores(tmp_path: Path) -> None:
    """An input with a stored value is a constant, unless it is named as a state."""
    nodes = [helper.make_node("Add", ["x", "held"], ["y"], "add"), helper.make_node("Neg", ["y"], ["z"], "neg")]
    first = np.array([[1.0, -2.0, 0.5, 0.0]], np.float32)
    model = model_of(nodes, {"x": (1, 4), "held": (1, 4)}, ["y", "z"], {"held": first})
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    assert edgeq.load(tmp_path / "m.onnx").inputs == ("x",)
    graph = loaded(edgeq.BuildOptions(tmp_path / "m.onnx", state={"y": "held"}))
    assert (graph.public_inputs, graph.public_outputs) == (("x",), ("z",))
    np.testing.assert_array_equal(reset(graph)["held"], first)
    found = [-step["z"] for step in run_sequences(FloatExecutor(graph), [{"x": np.ones((1, 4), np.float32)}] * 3)]
    np.testing.assert_array_equal(np.concatenate(found), np.add(first, [[1.0], [2.0], [3.0]]))


def test_wrong_first_values_are_refused() -> None:
    for first, message in (([[1.0, 2.0]], r"shape \[1, 5\] cannot begin with"), (np.inf, "not finite")):
        with pytest.raises(UsageError, match=message):
            with_states(one_step(), {"held": "level"}, first={"held": first})
    with pytest.raises(UsageError, match="'x' has a first value and is no state"):
        with_states(one_step(), {"held": "level"}, first={"x": 1.0})
    assert with_states(one_step(), {"held": "level"}, first={"held": 2.0}).states[0].first == (2.0,)
    with pytest.raises(ModelError, match="has 4 elements, not 2"):
        text = print_graph(fir()).replace("<- %x\n", "<- %x from 1.0, 2.0\n")
        parse_graph(text, {n: v.data for n, v in fir().values.items() if v.data is not None})
