"""Where states lie in generated code: in the caller's block, and in the arena only where they have to."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
from state_nets import NETS, aliases, causal_convolution, fir, integrator, steps

import edgeq
from edgeq.codegen import Program, lower, render
from edgeq.codegen.manifest import make_manifest
from edgeq.errors import CapacityError, ModelError
from edgeq.exporters.qdq import to_qdq
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.passes.pipeline import optimize_float
from edgeq.passes.with_states import with_states
from edgeq.quantize.pipeline import run as quantize_graph
from edgeq.report.accuracy import quantize_inputs
from edgeq.sequence import reset, run_sequences
from edgeq.simulator import IntExecutor
from edgeq.target import Region, load_target

HOST = load_target("host")


def quantized(make: Callable[[], Graph]) -> Graph:
    return edgeq.quantize(make(), steps(make(), 24)).graph


def program(make: Callable[[], Graph]) -> Program:
    return lower(quantized(make), HOST, make.__name__)


def test_block_is_in_the_order_of_states() -> None:
    made = program(aliases)
    assert [(s.name, s.offset) for s in made.states] == [
        ("first", 0),
        ("second", 16),
        ("third", 32),
        ("left", 48),
        ("right", 64),
        ("still", 80),
    ]
    assert made.state_bytes == 96


def test_states_take_no_room_in_the_arena() -> None:
    """A window that only moves on is read in the block, and is in the arena for no longer than it is computed."""
    made = program(causal_convolution)
    assert "window" not in {o.value for o in made.arena}
    after = next(o for o in made.arena if o.value == "window_after")
    (state,) = made.states
    assert after.first == after.last == state.call is not None
    rows = next(call for call in made.calls if call.name == "rows")
    assert [p.in_block for p in rows.inputs] == [True, False] and rows.inputs[0].offset == 0


def test_a_state_that_depends_on_all_readers_of_the_old_one_goes_at_once() -> None:
    made = program(integrator)
    (state,) = made.states
    assert made.calls[state.call or 0].name == "level"


def test_a_state_whose_old_value_is_read_elsewhere_waits() -> None:
    made = program(fir)
    (state,) = made.states
    assert state.call is None and state.after.port == 0  # copied from the caller's memory


def test_a_state_that_becomes_another_one_is_copied_to_the_arena() -> None:
    states = {s.name: s for s in program(aliases).states}
    assert {name for name, s in states.items() if s.arena_offset is not None} == {"first", "second", "right", "still"}
    assert {name for name, s in states.items() if s.call is not None} == {"right"}


@pytest.mark.parametrize("make", NETS)
def test_reset_is_the_zero_point(make: Callable[[], Graph]) -> None:
    made, zero = program(make), reset(quantized(make))
    for state in made.states:
        assert {state.reset_byte} == set(zero[state.name].view(np.uint8).ravel().tolist())


def test_reset_of_int16_is_bytes_of_zero() -> None:
    place = program(fir).states[0]
    wide = replace(place, type=TensorType((1, 4), DType.INT16, QParams.per_tensor(0.1, 0)))
    assert wide.reset_byte == 0


def test_without_states_nothing_is_added() -> None:
    graph = quantized(integrator)
    editor = graph.edit()
    editor.states = []
    files = render(lower(editor.finish(), HOST, "net"), HOST)
    text = (
        files["include/net.h"]
        + files["src/net.c"]
        + files["platform/models/net/net_glue.c"]
        + files["platform/models/net/edgeq_model.h"]
    )
    assert not re.search(r"void \*state|ERROR_STATE|STATE_BYTES|_reset|block", text)


def test_interface() -> None:
    header = render(program(integrator), HOST)["include/integrator.h"]
    assert "int integrator_run(void *arena, void *state, const int8_t *input, int8_t *output);" in header
    assert "void integrator_reset(void *state);" in header
    assert "#define INTEGRATOR_STATE_BYTES 16" in header and "#define INTEGRATOR_STATE_ALIGNMENT 16" in header
    assert "#define INTEGRATOR_ERROR_STATE (-5)" in header
    assert "at 0: held, int8 1x5" in header and "input_held" not in header.lower()


def test_manifest() -> None:
    manifest = make_manifest(program(integrator), HOST)
    q = quantized(integrator).type("held").qp
    assert manifest["states"] == [
        {
            "name": "held",
            "shape": [1, 5],
            "dtype": "int8",
            "scale": q.s,
            "zero_point": q.zp,
            "becomes": "level_state",
            "offset": 0,
            "bytes": 5,
        }
    ]
    assert manifest["state_bytes"] == 16
    assert [p["name"] for p in (*manifest["inputs"], *manifest["outputs"])] == ["x", "level"]


def test_only_states() -> None:
    """The caller has to give and to take something."""
    step = replace(fir(), states=(), outputs=("y",))
    closed = with_states(step, {"before": "x", "x": "before"})
    with pytest.raises(ModelError, match="the model has no input besides its states"):
        lower(quantize_graph(optimize_float(closed), [dict.fromkeys(closed.inputs, np.ones((1, 4)))]).graph, HOST)
    mute = replace(quantized(fir), outputs=("x",))
    with pytest.raises(ModelError, match="the model has no output besides its states"):
        lower(mute, HOST)


def test_capacity_counts_states() -> None:
    board = load_target("cortex-m4")
    small = replace(board, memory={"flash": Region(0, 1 << 20), "ram": Region(0x20000000, 128)}, stack_bytes=64)
    with pytest.raises(CapacityError, match=r"states \(96\), stack \(64\)"):
        lower(quantized(aliases), small)


@pytest.mark.parametrize("make", [fir, causal_convolution])
def test_exported_states_are_ports(make: Callable[[], Graph]) -> None:
    """Whoever runs the exported model hands states over, and gets the simulator's integers."""
    graph = quantized(make)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(to_qdq(graph).SerializeToString(), options, ["CPUExecutionProvider"])
    assert [i.name for i in session.get_inputs()] == list(graph.inputs)
    kept = {s.input: np.zeros(graph.type(s.input).shape, np.float32) for s in graph.states}
    samples = steps(graph, 8)
    exact = run_sequences(IntExecutor(graph), [quantize_inputs(graph, s) for s in samples])
    for sample, expected in zip(samples, exact, strict=True):
        found = dict(zip(graph.outputs, session.run(None, {**sample, **kept}), strict=True))
        for name in graph.public_outputs:
            np.testing.assert_allclose(found[name], graph.type(name).qp.dequantize(expected[name]), rtol=1e-6)
        kept = {s.input: found[s.output] for s in graph.states}
