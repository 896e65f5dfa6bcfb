"""Where states lie in generated code: in the caller's block, and in the arena only where they have to."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from pass_graphs import Net
from state_nets import NETS, aliases, causal_convolution, fir, integrator, steps

import edgeq
from edgeq.codegen import Program, lower, render
from edgeq.codegen.manifest import make_manifest
from edgeq.errors import CapacityError, ModelError
from edgeq.exporters.qdq import to_qdq
from edgeq.ir.graph import Graph
from edgeq.ops.clip import Clip
from edgeq.ops.concat import Concat
from edgeq.ops.mean import Mean
from edgeq.ops.slice import Slice
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


def test_windows_are_joined_in_the_block() -> None:
    """New rows are written behind those that were kept, and read there with them; then these move to the front.
    The caller's row is copied there; nothing else has a call but the convolution."""
    made = program(causal_convolution)
    assert [(call.name, call.op) for call in made.calls] == [("rows_new", "Concat"), ("y", "Conv2D")]
    assert not {"window", "rows", "window_after"} & {o.value for o in made.arena}
    copy, convolution = made.calls
    assert [(p.in_block, p.offset) for p in (*copy.outputs, *convolution.inputs)] == [(True, 32), (True, 0)]
    (state,) = made.states
    assert (state.moves, state.after.in_block, state.after.offset, made.state_bytes) == (True, True, 16, 48)
    text = render(made, HOST)["src/causal_convolution.c"]
    assert "causal_convolution_move(block + 0, block + 16, 32);" in text


def moving(new: Sequence[int], kept: int, *, produced: bool, twice: bool = False) -> Graph:
    """A window of `kept` rows in front of new ones, which a layer computes or the caller gives."""
    net = Net(6)
    x, window = net.input("x", *new), net.input("window", 1, kept, *new[2:])
    rows = net.add(Relu6(), x, name="rows") if produced else x
    joined = net.add(Concat(1), window, rows, name="joined")
    after = net.add(Slice((0, new[1], 0), (1, new[1] + kept, new[2]), (1, 1, 1)), joined, name="after")
    y = net.add(Mean((1,)), joined, name="y")
    outputs = [y, rows] if twice else [y]
    return with_states(net.finish(*outputs, after), {"window": "after"})


Relu6 = partial(Clip, 0.0, 6.0)


@pytest.mark.parametrize(
    ("net", "names"),
    [
        (lambda: moving((1, 2, 16), 3, produced=True), ["rows", "y"]),  # its own layer writes them where they belong
        (
            lambda: moving((1, 1, 8), 3, produced=True),
            ["rows", "joined_new", "y"],
        ),  # at byte 24, which is no multiple of 16
        (lambda: moving((1, 2, 16), 3, produced=True, twice=True), ["rows", "joined_new", "y"]),  # the caller's, too
        (lambda: moving((1, 4, 16), 1, produced=True), ["rows", "y"]),  # more new rows than old ones
    ],
)
def test_what_is_written_behind_a_window(net: Callable[[], Graph], names: list[str], tmp_path: Path) -> None:
    graph = net()
    model = edgeq.quantize(graph, steps(graph, 24))
    made = lower(model.graph, HOST, "net")
    assert [call.name for call in made.calls] == names and made.states[0].moves
    edgeq.build(edgeq.BuildOptions(Path("net"), output=tmp_path / "net"), model=model)
    assert edgeq.verify(tmp_path / "net", samples=20)["mismatches"] == 0


def test_a_window_whose_rows_are_also_an_output_is_joined_elsewhere() -> None:
    """Nothing may move before the caller has it."""
    graph = moving((1, 2, 16), 3, produced=True)
    kept = replace(graph, outputs=("joined", *graph.outputs))
    made = lower(edgeq.quantize(kept, steps(kept, 24)).graph, HOST, "net")
    assert not made.states[0].moves and "joined" in {call.name for call in made.calls}


def test_windows_within_a_budget() -> None:
    """Where stripes are of no use, windows stay in the block."""
    graph = quantized(causal_convolution)
    small = lower(graph, HOST, "net")
    with pytest.raises(CapacityError):
        lower(graph, HOST, "net", ram_budget=small.arena_bytes - 16)
    assert lower(graph, HOST, "net", ram_budget=small.arena_bytes).states[0].moves


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
