"""Groups of activations with the same parameters, and given parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from quantized_nets import Q1, Q2, done, editor, network, outputs, samples, tensor

from edgeq.ir.graph import Graph
from edgeq.ir.op import Op
from edgeq.ir.tensor import QParams
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.add import Add
from edgeq.ops.clip import Clip
from edgeq.ops.concat import Concat
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.hard_sigmoid import HardSigmoid
from edgeq.ops.log_softmax import LogSoftmax
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.maximum import Maximum
from edgeq.ops.minimum import Minimum
from edgeq.ops.pad import Pad
from edgeq.ops.reshape import Reshape
from edgeq.ops.sigmoid import Sigmoid
from edgeq.ops.slice import Slice
from edgeq.ops.softmax import Softmax
from edgeq.ops.split import Split
from edgeq.ops.tanh import Tanh
from edgeq.quantize import QuantConfig, quantize
from edgeq.quantize.solver import solve
from edgeq.report.accuracy import quantize_inputs, real_output, sqnr_db
from edgeq.simulator import run_float, run_int


def test_concat_has_the_joint_range_and_conflicts_are_converted() -> None:
    e = editor()
    a, b = e.input("a", tensor(1, 4)), e.input("b", tensor(1, 4))
    (s,) = e.add(Sigmoid(), [a], "sigmoid", types=[tensor(1, 4, q=QParams.per_tensor(1 / 256, -128))])
    (y,) = e.add(Concat(1), [a, b, s], "concat")
    graph = done(e, y)
    data = [{"a": np.array([[-2.9, 1.0, 1.5, 2.0]], np.float32), "b": np.full((1, 4), -3.0, np.float32)}]
    integer = quantize(graph, data)
    q = integer.type("concat").qp
    assert q == integer.type("a").qp == integer.type("b").qp
    assert q.s == pytest.approx(5 / 255)
    assert integer.type("sigmoid").qp.s == pytest.approx(1 / 256)
    (extra,) = [n for n in integer.nodes if n.op.kind == "Requantize"]
    assert extra.inputs == ("sigmoid",) and integer.type(extra.outputs[0]).qp == q
    f, g = outputs(graph, integer, data)
    assert np.abs(f - g).max() < 0.02


def joined(op: Op, gain: float, width: int = 8, own: bool = True) -> Graph:
    """Two layers, one with outputs `gain` times as large; an operator of both; a third layer that reads the small one.

    Without `own`, nothing but the operator reads the small one.
    """
    rng, e = np.random.default_rng(5), editor()
    c = lambda name, k, *s: e.constant(name, (k * rng.normal(size=s)).astype(np.float32))  # noqa: E731
    e.input("x", tensor(1, 32))
    (a,) = e.add(FullyConnected(), ["x", c("wa", 0.2, 8, 32)], "small")
    (b,) = e.add(FullyConnected(), ["x", c("wb", 0.2 * gain, 8, 32)], "large")
    (y,) = e.add(op, [a, b] if not isinstance(op, Pad) else [a], "join")
    (z,) = e.add(FullyConnected(), [a if own else "x", c("wz", 0.2, 5, 8 if own else 32)], "head")
    return done(e, y, z)


def copies(graph: Graph) -> list[str]:
    return [str(n.inputs[0]) for n in graph.nodes if n.op.kind == "Requantize"]


def head_sqnr(graph: Graph, integer: Graph, data: Sequence[dict[str, np.ndarray]]) -> float:
    f = [run_float(graph, s)["head"] for s in data]
    q = [real_output(integer, "head", run_int(integer, quantize_inputs(integer, s))["head"]) for s in data]
    found = sqnr_db(np.concatenate(f), np.concatenate(q))
    assert found is not None
    return found


JOINS = [Concat(1), Maximum(), Minimum(), Pad((0, 2), (0, 1), value=30.0)]


@pytest.mark.parametrize("op", JOINS)
@pytest.mark.parametrize("observer", ["min-max", "percentile"])
def test_what_else_reads_an_operand_keeps_its_precision(op: Op, observer: str) -> None:
    graph = joined(op, 10.0)
    data = samples(graph, 40)
    integer = quantize(graph, data, QuantConfig.from_dict({"observer": observer}))
    assert copies(integer) == ["small"]
    assert integer.type("small").qp.s < integer.type("join").qp.s / 5
    assert head_sqnr(graph, integer, data) > 33
    apart = quantize(joined(op, 10.0, own=False), data)
    assert apart.type("small").qp == apart.type("join").qp and not copies(apart)  # nobody else reads it


@pytest.mark.parametrize("op", [Concat(1), Maximum(), Minimum()])
def test_ranges_that_hardly_differ_are_shared(op: Op) -> None:
    graph = joined(op, 1.0)
    integer = quantize(graph, samples(graph, 40))
    assert not copies(integer)
    assert integer.type("small").qp == integer.type("large").qp == integer.type("join").qp


def test_an_operand_s_scale_does_not_flow_back_through_rearrangements_to_the_input() -> None:
    rng, e = np.random.default_rng(6), editor()
    e.input("x", tensor(1, 16))
    left, right = e.add(Split(1, (8, 8)), ["x"], "split")
    weights = e.constant("w", (3.0 * rng.normal(size=(4, 8))).astype(np.float32))
    (large,) = e.add(FullyConnected(), [left, weights], "large")
    (y,) = e.add(Concat(1), [large, right], "join")
    graph = done(e, y)
    data = samples(graph, 40)
    integer = quantize(graph, data)
    assert integer.type("x").qp.s == pytest.approx(max(np.ptp(np.stack([s["x"] for s in data])), 0) / 255, rel=1e-3)
    assert len(copies(integer)) == 1 and integer.type("x").qp.s < integer.type("join").qp.s / 3


def test_an_output_that_cuts_its_operands_has_a_scale_of_its_own() -> None:
    e = editor()
    e.input("x", tensor(1, 30))
    bound = e.constant("bound", np.full((1, 30), 0.5, np.float32))
    (low,) = e.add(Minimum(), ["x", bound], "low")
    (y,) = e.add(Maximum(), [low, e.constant("zero", np.zeros((1, 30), np.float32))], "high")
    graph = done(e, y)
    data = samples(graph, 40, scale=20.0)
    integer = quantize(graph, data)
    assert copies(integer) == ["low"]
    assert integer.type("high").qp.s == pytest.approx(0.5 / 255, rel=1e-3)
    assert integer.type("x").qp.s > 0.2
    f, q = outputs(graph, integer, data)
    assert np.abs(f - q).max() < integer.type("x").qp.s


def test_without_samples_what_can_share_parameters_does() -> None:
    e = editor()
    a, b = e.input("a", tensor(1, 4, q=Q1)), e.input("b", tensor(1, 4, q=Q1))
    (y,) = e.add(Concat(1), [a, b], "concat")
    (z,) = e.add(Clip(0.0), [a], "clip", types=[tensor(1, 4, q=Q2)])
    integer = quantize(done(e, y, z), None)
    assert integer.type("concat").qp == Q1 and not copies(integer)


UNIT = QParams.per_tensor(1 / 256, -128)
USUAL = {
    Sigmoid(): UNIT,
    HardSigmoid(): UNIT,
    Tanh(): QParams.per_tensor(1 / 128, 0),
    Softmax(1): UNIT,
    LogSoftmax(1): QParams.per_tensor(1 / 16, 127),
}


def function(op: Op, low: float, high: float, count: int = 20) -> tuple[Graph, list[dict[str, np.ndarray]]]:
    """A graph of one operator on 30 values, and samples between two bounds."""
    e = editor()
    e.input("x", tensor(1, 30))
    graph = done(e, *e.add(op, ["x"], "y"))
    rng = np.random.default_rng(1)
    return graph, [{"x": rng.uniform(low, high, (1, 30)).astype(np.float32)} for _ in range(count)]


SMALL = [(Sigmoid(), -9, -5), (HardSigmoid(), -3, -2.4), (Tanh(), -0.1, 0.1), (Softmax(1), 0, 1), (LogSoftmax(1), 0, 1)]


@pytest.mark.parametrize(("op", "low", "high"), SMALL)
def test_small_outputs_of_bounded_functions_have_a_scale_of_their_own(op: Op, low: float, high: float) -> None:
    graph, data = function(op, low, high)
    integer = quantize(graph, data)
    shown = np.abs(outputs(graph, integer, data)[0]).max()
    room = 2.0 if isinstance(op, Softmax) else 1.0
    levels = 127.5 if isinstance(op, Tanh) else 255
    assert integer.type("y").qp.s == pytest.approx(room * shown / levels, rel=0.01)
    assert integer.type("y").qp.s < USUAL[op].s / 2


@pytest.mark.parametrize(("op", "low", "high"), SMALL)
def test_few_samples_and_other_arithmetics_leave_the_usual_scale(op: Op, low: float, high: float) -> None:
    graph, data = function(op, low, high)
    assert quantize(graph, data[:15]).type("y").qp == USUAL[op]
    assert quantize(graph, data, numerics=Numerics.TFLITE).type("y").qp == USUAL[op]


@pytest.mark.parametrize("op", USUAL)
def test_outputs_that_fill_the_usual_scale_have_it(op: Op) -> None:
    graph, data = function(op, -14.5, 0.0) if isinstance(op, LogSoftmax) else function(op, -20, 20)
    assert quantize(graph, data).type("y").qp == USUAL[op]


def test_log_softmax_is_not_cut_at_the_usual_bound() -> None:
    graph, data = function(LogSoftmax(1), -60, 60)
    integer = quantize(graph, data)
    found = sqnr_db(*outputs(graph, integer, data))
    assert found is not None and found > 45
    assert integer.type("y").qp.s * 255 > 100


CLIPPING = ("moving-average", "percentile", "mse", "entropy")


def rare_scores() -> tuple[Graph, list[dict[str, np.ndarray]]]:
    """Scores and their softmax, both of which are taken out; one sample in 200 is decided, all others are not."""
    e = editor()
    x = e.input("x", tensor(1, 8))
    (scores,) = e.add(Add(), [x, x], "scores", types=[tensor(1, 8)])
    (moved,) = e.add(Reshape((8,)), [scores], "moved", types=[tensor(8)])
    (y,) = e.add(Softmax(1), [x], "softmax", types=[tensor(1, 8)])
    rng = np.random.default_rng(4)
    data = [{"x": rng.normal(0, 0.1, (1, 8)).astype(np.float32)} for _ in range(200)]
    data[100]["x"][0, 3] = 20.0
    return done(e, y, moved), data


@pytest.mark.parametrize("observer", CLIPPING)
def test_what_leaves_the_model_or_has_bounds_is_not_clipped(observer: str) -> None:
    graph, data = rare_scores()
    integer = quantize(
        graph, data, QuantConfig.from_dict({"observer": observer, "percentile": 99.0, "equalize": False})
    )
    for name, greatest in (("softmax", 1.0), ("moved", 40.0)):
        q = integer.type(name).qp
        assert q.s * (127 - q.zp) >= greatest - q.s, name
    if observer in ("moving-average", "percentile"):
        q = integer.type("x").qp
        assert q.s * (127 - q.zp) < 19.0  # which is inside


def test_a_given_output_of_a_pool_gets_a_requantize_after_it() -> None:
    e = editor()
    x = e.input("x", tensor(1, 4, 4, 2, q=Q1))
    (y,) = e.add(MaxPool2D((2, 2), (2, 2)), [x], "pool", types=[tensor(1, 2, 2, 2, q=Q2)])
    graph = done(e, y)
    integer = quantize(graph, None)
    assert [n.op.kind for n in integer.nodes] == ["MaxPool2D", "Requantize"]
    assert integer.type(y).qp == Q2 and integer.outputs == (y,)
    assert integer.type(integer.nodes[0].outputs[0]).qp == Q1


def test_a_given_output_of_a_growing_operator_gets_a_requantize_before_it() -> None:
    e = editor()
    x = e.input("x", tensor(1, 2, q=Q1))
    (y,) = e.add(Pad((0, 1), (0, 1), "constant", 0.0), [x], "pad", types=[tensor(1, 4, q=Q2)])
    integer = quantize(done(e, y), None)
    assert [n.op.kind for n in integer.nodes] == ["Requantize", "Pad"]
    assert integer.type(integer.nodes[0].outputs[0]).qp == Q2


def test_given_parameters_spread_through_operators_that_share_them() -> None:
    e = editor()
    x = e.input("x", tensor(1, 4, q=Q1))
    (y,) = e.add(Reshape((2, 2)), [x], "flat")
    integer = quantize(done(e, y), None)
    assert integer.type(y).qp == Q1 and len(integer.nodes) == 1


def test_what_an_operator_puts_in_widens_the_range() -> None:
    e = editor()
    x = e.input("x", tensor(1, 2))
    (p,) = e.add(Pad((0, 1), (0, 1), "constant", -5.0), [x], "pad")
    (y,) = e.add(Maximum(), [p, e.constant("floor", np.array([[-6.0, -6.0, -6.0, 4.0]], np.float32))], "max")
    graph = done(e, y)
    data = [{"x": np.array([[1.0, 2.0]], np.float32)}]
    integer = quantize(graph, data)
    q = integer.type("x").qp
    assert q == integer.type("pad").qp == integer.type("max").qp == integer.type("floor").qp
    assert q.s == pytest.approx(9 / 255)
    f, g = outputs(graph, integer, data)
    assert np.abs(f - g).max() <= q.s


@pytest.mark.parametrize(("value", "seen"), [(-1e9, False), (-float("inf"), False), (-3.0, False), (-0.5, True)])
def test_what_no_reader_ever_chooses_does_not_widen_the_range(value: float, seen: bool) -> None:
    """Two pools and a slice of one of them read a padded tensor whose least element is -1."""
    e = editor()
    x = e.input("x", tensor(1, 2, 2, 1))
    (p,) = e.add(Pad((0, 1, 1, 0), (0, 1, 1, 0), value=value), [x], "pad")
    (a,) = e.add(MaxPool2D((3, 3), (2, 2), dilation=(1, 1)), [p], "wide")
    (b,) = e.add(MaxPool2D((2, 2)), [p], "narrow")
    (c,) = e.add(Slice((0, 0, 0, 0), (1, 2, 2, 1), (1, 1, 1, 1)), [b], "part")
    graph = done(e, a, c)
    data = [{"x": np.array([-1.0, -0.75, -0.25, 2.0], np.float32).reshape(1, 2, 2, 1)}]
    integer = quantize(graph, data)
    assert integer.type("pad").qp == integer.type("x").qp == QParams.per_tensor(3 / 255, -43)
    q = integer.type("pad").qp
    chosen = run_int(integer, quantize_inputs(integer, data[0]))["part"]
    assert (q.dequantize(chosen).min() > -0.6) == seen


def test_what_the_caller_takes_is_seen() -> None:
    e = editor()
    x = e.input("x", tensor(1, 2, 2, 1))
    (p,) = e.add(Pad((0, 1, 1, 0), (0, 1, 1, 0), value=-7.0), [x], "pad")
    (y,) = e.add(MaxPool2D((2, 2)), [p], "pool")
    integer = quantize(done(e, y, p), [{"x": np.ones((1, 2, 2, 1), np.float32)}])
    assert integer.type("pad").qp.s == pytest.approx(8 / 255)


def test_layer_overrides() -> None:
    graph = network()
    table = {
        "conv": {"range": [0, 8]},
        "x": {"range": [-4, 4]},
        "dense": {"activations": "symmetric", "weights": "per-tensor"},
    }
    integer = quantize(graph, samples(graph), QuantConfig.from_dict({"layers": table}))
    assert integer.type("conv").qp == QParams.per_tensor(8 / 255, -128)
    assert integer.type("x").qp.s == pytest.approx(8 / 255)
    assert integer.type("dense").qp.zp == 0
    assert len(set(integer.type("w3").qp.scale)) == 1 and len(set(integer.type("w1").qp.scale)) > 5


def test_groups_are_a_partition() -> None:
    graph = network()
    plan = solve(graph, QuantConfig())
    members = [m for g in plan.groups for m in g.members]
    assert sorted(members) == sorted([*graph.inputs, *(o for n in graph.nodes for o in n.outputs)])
    pool = next(g for g in plan.groups if "pool" in g.members)
    assert pool.sources == ("add",)
