"""Solver, calibration and conversion on small graphs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from edgeq.errors import QuantizationError, UsageError
from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.op import Op
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.add import Add
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.clip import Clip
from edgeq.ops.concat import Concat
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.hard_sigmoid import HardSigmoid
from edgeq.ops.log_softmax import LogSoftmax
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.maximum import Maximum
from edgeq.ops.minimum import Minimum
from edgeq.ops.mul import Mul
from edgeq.ops.pad import Pad
from edgeq.ops.reshape import Reshape
from edgeq.ops.sigmoid import Sigmoid
from edgeq.ops.slice import Slice
from edgeq.ops.softmax import Softmax
from edgeq.ops.split import Split
from edgeq.ops.tanh import Tanh
from edgeq.quantize import QuantConfig, quantize, run
from edgeq.quantize.methods.equalize import EXPONENT, pairs
from edgeq.quantize.solver import solve
from edgeq.report.accuracy import accuracy, layer_errors, quantize_inputs, real_output, sqnr_db
from edgeq.simulator import run_float, run_int

RELU = (0.0, float("inf"))
PLAIN = QuantConfig(bias_correction=False)
Q1, Q2 = QParams.per_tensor(0.1, 3), QParams.per_tensor(0.05, -7)


def editor() -> GraphEditor:
    return GraphEditor("g")


def tensor(*shape: int, q: QParams | None = None) -> TensorType:
    return TensorType(shape, q=q)


def done(e: GraphEditor, *outputs: str) -> Graph:
    e.outputs = list(outputs)
    return e.finish()


def samples(graph: Graph, count: int = 20, scale: float = 1.0) -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(1)
    return [
        {n: (scale * rng.normal(size=graph.type(n).shape)).astype(np.float32) for n in graph.inputs}
        for _ in range(count)
    ]


def network() -> Graph:
    """Convolution, depthwise, pool, residual add, fully connected, softmax."""
    rng = np.random.default_rng(0)
    e = editor()
    x = e.input("x", tensor(1, 8, 8, 3))
    c = lambda name, *s: e.constant(name, (rng.normal(size=s) * 0.3).astype(np.float32))  # noqa: E731
    (a,) = e.add(Conv2D(padding=(1, 1, 1, 1), clamp=RELU), [x, c("w1", 8, 3, 3, 3), c("b1", 8)], "conv")
    (d,) = e.add(DepthwiseConv2D(padding=(1, 1, 1, 1), clamp=RELU), [a, c("w2", 3, 3, 8), c("b2", 8)], "depthwise")
    (s,) = e.add(Add(), [a, d], "add")
    (p,) = e.add(MaxPool2D((2, 2), (2, 2)), [s], "pool")
    (r,) = e.add(Reshape((1, 128)), [p], "flat")
    (f,) = e.add(FullyConnected(), [r, c("w3", 5, 128), c("b3", 5)], "dense")
    (y,) = e.add(Softmax(1), [f], "softmax")
    return done(e, y)


def outputs(graph: Graph, integer: Graph, data: Sequence[dict[str, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    name = graph.outputs[0]
    f = [run_float(graph, s)[name] for s in data]
    q = [real_output(integer, name, run_int(integer, quantize_inputs(integer, s))[name]) for s in data]
    return np.concatenate(f), np.concatenate(q)


# The whole way


@pytest.mark.parametrize("numerics", list(Numerics))
@pytest.mark.parametrize("observer", ["min-max", "percentile", "mse", "entropy", "moving-average"])
def test_a_network_stays_close_to_float(numerics: Numerics, observer: str) -> None:
    graph = network()
    data = samples(graph)
    integer = quantize(graph, data, QuantConfig.from_dict({"observer": observer}), numerics)
    assert integer.numerics is numerics
    assert [n.name for n in integer.nodes] == [n.name for n in graph.nodes]
    found = sqnr_db(*outputs(graph, integer, data))
    assert found is not None and found > {"moving-average": 10, "entropy": 20}.get(observer, 25)


@pytest.mark.parametrize("config", [{"activations": "symmetric"}, {"weights": "per-tensor"}, {"weight_scale": "mse"}])
def test_options_stay_close_to_float(config: dict[str, str]) -> None:
    graph = network()
    integer = quantize(graph, samples(graph), QuantConfig.from_dict(config))
    found = sqnr_db(*outputs(graph, integer, samples(graph)))
    assert found is not None and found > 22
    if "activations" in config:
        free = [integer.type(n.outputs[0]).qp for n in integer.nodes if n.op.kind != "Softmax"]
        assert all(q.zp == 0 for q in free)
    if "weights" in config:
        assert len(integer.type("w1").qp.scale) == 8 and len(set(integer.type("w1").qp.scale)) == 1


def test_types_of_the_integer_graph() -> None:
    graph = network()
    integer = quantize(graph, samples(graph))
    for node in integer.nodes:
        assert integer.type(node.outputs[0]).dtype is DType.INT8
    w, b, x = integer.values["w1"], integer.values["b1"], integer.type("x").qp
    assert w.type.dtype is DType.INT8 and w.type.qp.axis == 0 and len(w.type.qp.scale) == 8
    assert w.data is not None and np.abs(w.data.astype(int)).max() == 127
    assert integer.type("w2").qp.axis == 2
    assert b.type.dtype is DType.INT32
    assert np.allclose(b.type.qp.scale, x.s * np.asarray(w.type.qp.scale), rtol=1e-6)
    assert integer.type("softmax").qp == QParams.per_tensor(1 / 256, -128)
    for value in integer.values.values():
        if value.type.q is not None:
            assert all(np.float32(s) == s for s in value.type.q.scale)
    assert integer.type("add").qp == integer.type("pool").qp == integer.type("flat").qp
    assert integer.type("conv").qp.zp == -128  # a ReLU's range begins at zero


def test_quantization_is_deterministic() -> None:
    graph = network()
    a, b = quantize(graph, samples(graph)), quantize(graph, samples(graph))
    assert a.nodes == b.nodes
    for name, value in a.values.items():
        assert value.type == b.values[name].type
        if value.data is not None:
            assert np.array_equal(value.data, np.asarray(b.values[name].data))


# Groups and given parameters


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


# Constants


def layer(w: np.ndarray, b: np.ndarray | None = None) -> Graph:
    e = editor()
    x = e.input("x", tensor(1, w.shape[1]))
    inputs = [x, e.constant("w", w.astype(np.float32)), None if b is None else e.constant("b", b.astype(np.float32))]
    (y,) = e.add(FullyConnected(), inputs, "dense")
    return done(e, y)


def test_channels_of_zeros_and_dead_layers() -> None:
    w = np.array([[1.0, -2.0], [0.0, 0.0], [1e-12, 0.0]])
    for weights in (w, np.zeros((3, 2))):
        graph = layer(weights, np.array([0.5, 1.0, -1.0]))
        integer = quantize(graph, samples(graph), PLAIN)
        f, g = outputs(graph, integer, samples(graph))
        assert np.abs(f - g).max() < 0.06


@pytest.mark.parametrize("granularity", ["per-channel", "per-tensor"])
def test_a_bias_too_large_for_its_scale_raises_the_scale(granularity: str) -> None:
    graph = layer(np.array([[1e-9, -2e-9], [1.0, 2.0]]), np.array([1000.0, 2.0]))
    integer = quantize(graph, samples(graph), QuantConfig.from_dict({"weights": granularity, "bias_correction": False}))
    f, g = outputs(graph, integer, samples(graph))
    assert np.abs(f - g).max() < integer.type("dense").qp.s * (1 if granularity == "per-channel" else 2)
    bias = integer.values["b"]
    assert bias.data is not None and bias.type.qp.dequantize(bias.data)[0] == pytest.approx(1000.0, rel=1e-4)


def test_tiny_weights_keep_a_precise_multiplier() -> None:
    graph = layer(np.array([[1e-6, 1e-6], [3.0, 2.0]]), np.array([7.0, 0.0]))
    integer = quantize(graph, samples(graph), PLAIN)
    s_in, s_out = integer.type("x").qp.s, integer.type("dense").qp.s
    assert min(integer.type("w").qp.scale) * s_in / s_out >= 0.99 * 2.0**-20
    f, g = outputs(graph, integer, samples(graph))
    assert np.abs(f - g)[:, 0].max() <= 0.51 * s_out


def test_shared_weights_and_constants() -> None:
    e = editor()
    x, z = e.input("x", tensor(1, 3)), e.input("z", tensor(1, 3))
    w, b = e.constant("w", np.eye(3, dtype=np.float32)), e.constant("b", np.ones(3, np.float32))
    (p,) = e.add(FullyConnected(), [x, w, b], "p")
    (q,) = e.add(FullyConnected(), [z, w, b], "q")
    (y,) = e.add(Mul(), [p, b], "y")
    graph = done(e, y, q)
    data = [{"x": s["x"], "z": s["z"] * 9} for s in samples(graph)]
    integer = quantize(graph, data)
    assert len({n.inputs[2] for n in integer.nodes if n.op.kind == "FullyConnected"}) == 2
    for value in integer.values.values():
        assert value.type.q is not None and value.type.dtype is not DType.FLOAT32
    f, g = outputs(graph, integer, data)
    assert np.abs(f - g).max() < 0.1


def test_given_integers_stay_as_they_are() -> None:
    e = editor()
    x = e.input("x", tensor(1, 2, q=Q1))
    wq = QParams.per_channel([0.01, 0.02], [0, 5], 0)
    w = e.constant("w", np.array([[1, -128], [3, 4]], np.int8), wq)
    b = e.constant("b", np.array([100, -7], np.int32), QParams.per_channel([0.001, 0.002], 0, 0))
    c = e.constant("c", np.array([[9, 9]], np.int8), Q2)
    (d,) = e.add(FullyConnected(), [x, w, b], "dense", types=[tensor(1, 2, q=Q2)])
    (y,) = e.add(Add(), [d, c], "add", types=[tensor(1, 2, q=Q1)])
    integer = quantize(done(e, y), None, numerics=Numerics.TFLITE)
    for name, data in (("w", [[1, -128], [3, 4]]), ("b", [100, -7]), ("c", [[9, 9]])):
        assert np.array_equal(np.asarray(integer.values[name].data), data)
    assert integer.type("w").q == wq and integer.type("dense").q == Q2 and integer.type("add").q == Q1


def test_a_bias_in_other_units_is_converted() -> None:
    e = editor()
    x = e.input("x", tensor(1, 1, q=Q1))
    w = e.constant("w", np.array([[10]], np.int8), QParams.per_channel([0.5], 0, 0))
    b = e.constant("b", np.array([100], np.int32), QParams.per_channel([0.1], 0, 0))
    (y,) = e.add(FullyConnected(), [x, w, b], "dense", types=[tensor(1, 1, q=Q2)])
    integer = quantize(done(e, y), None)
    assert int(np.asarray(next(v for n, v in integer.values.items() if n.startswith("b")).data)[0]) == 200


# Ports


def test_uint8_ports() -> None:
    e = editor()
    x = e.input("x", tensor(1, 4))
    (y,) = e.add(Add(), [x, x], "y")
    e.ports = {"x": DType.UINT8, "y": DType.UINT8}
    graph = done(e, y)
    integer = quantize(graph, samples(graph))
    assert integer.type("x").dtype is DType.UINT8 and integer.type("y").dtype is DType.UINT8
    assert integer.inputs == ("x",) and integer.outputs == ("y",)
    assert [n.op.kind for n in integer.nodes] == ["Requantize", "Add", "Requantize"]
    f, g = outputs(graph, integer, samples(graph))
    assert np.abs(f - g).max() < 0.1


# Corrections


def test_bias_correction_removes_the_shift() -> None:
    rng = np.random.default_rng(3)
    graph = layer(rng.normal(size=(6, 400)) + 0.2)
    data = [{"x": np.abs(s["x"])} for s in samples(graph, 40)]
    shift = {}
    for on in (False, True):
        integer = quantize(graph, data, QuantConfig.from_dict({"bias_correction": on, "weights": "per-tensor"}))
        f, g = outputs(graph, integer, data)
        shift[on] = np.abs((f - g).mean(axis=0)).max() / integer.type("dense").qp.s
    assert shift[True] < 0.15 and shift[True] < 0.5 * shift[False]


def test_few_samples_change_no_bias() -> None:
    graph = network()
    few = samples(graph, 3)
    a, b = quantize(graph, few), quantize(graph, few, PLAIN)
    assert np.array_equal(np.asarray(a.values["b1"].data), np.asarray(b.values["b1"].data))


def test_equalizing_keeps_the_function_and_evens_out_channels() -> None:
    rng = np.random.default_rng(0)
    e = editor()
    x = e.input("x", tensor(1, 6, 6, 4))
    spread = 2.0 ** np.linspace(-2, 1.5, 8)
    c = lambda name, array: e.constant(name, array.astype(np.float32))  # noqa: E731
    w1, b1 = c("w1", rng.normal(size=(8, 1, 1, 4)) * spread[:, None, None, None]), c("b1", rng.normal(size=8) * spread)
    (a,) = e.add(Conv2D(clamp=RELU), [x, w1, b1], "a")
    (m,) = e.add(MaxPool2D((2, 2)), [a], "m")
    (d,) = e.add(DepthwiseConv2D(clamp=RELU), [m, c("w2", rng.normal(size=(3, 3, 8))), c("b2", np.ones(8))], "d")
    (y,) = e.add(Conv2D(), [d, c("w3", rng.normal(size=(5, 1, 1, 8)) / spread), None], "y")
    graph = done(e, y)
    data = samples(graph, 30)
    even = run(graph, data).float_graph
    assert [n.name for n in even.nodes] == [n.name for n in graph.nodes]
    f, g = [run_float(graph, s) for s in data], [run_float(even, s) for s in data]
    assert np.allclose([v["y"] for v in f], [v["y"] for v in g], rtol=1e-4, atol=1e-3)

    def unequal(runs: list[dict[str, np.ndarray]], name: str) -> float:
        top = np.max([v[name].reshape(-1, 8).max(axis=0) for v in runs], axis=0)
        return float(top.max() / top.min())

    assert unequal(f, "a") > 15 and unequal(g, "a") == pytest.approx(unequal(f, "a") ** (1.0 - EXPONENT), rel=1e-3)
    assert unequal(g, "d") < unequal(f, "d") / 4
    uneven = QuantConfig(bias_correction=False, equalize=False)
    plain, better = (sqnr_db(*outputs(graph, quantize(graph, data, config), data)) for config in (uneven, PLAIN))
    assert plain is not None and better is not None and better > plain + 6


def test_what_must_not_be_equalized_is_not() -> None:
    graph = network()  # the convolution has two readers
    assert not pairs(graph, QuantConfig())
    assert run(graph, samples(graph)).float_graph is graph


@pytest.mark.parametrize(
    ("between", "scaled"), [(Clip(0.0, float("inf")), True), (Clip(0.0, 100.0), False), (Tanh(), False)]
)
def test_channels_are_scaled_across_homogeneous_operators_only(between: Op, scaled: bool) -> None:
    rng = np.random.default_rng(0)
    e = editor()
    x = e.input("x", tensor(1, 4, 4, 3))
    w = rng.normal(size=(6, 1, 1, 3)) * 2.0 ** np.linspace(-2, 2, 6)[:, None, None, None]
    (a,) = e.add(Conv2D(), [x, e.constant("w", w.astype(np.float32)), None], "a")
    (b,) = e.add(between, [a], "b")
    (y,) = e.add(Conv2D(), [b, e.constant("v", rng.normal(size=(2, 1, 1, 6)).astype(np.float32)), None], "y")
    graph = done(e, y)
    even = run(graph, samples(graph)).float_graph
    assert np.array_equal(np.asarray(even.data("w")), np.asarray(graph.data("w"))) != scaled


# Errors


def test_no_samples_names_the_tensors_and_the_option() -> None:
    with pytest.raises(QuantizationError, match=r"conv.*\n.*--calibration"):
        quantize(network(), None)


def test_no_sample_at_all() -> None:
    with pytest.raises(UsageError, match="no calibration samples"):
        quantize(network(), [])


@pytest.mark.parametrize(
    "sample", [{}, {"x": np.zeros((1, 8, 8, 4))}, {"x": np.array("text")}], ids=["missing", "shape", "type"]
)
def test_a_sample_that_does_not_fit(sample: dict[str, np.ndarray]) -> None:
    with pytest.raises(UsageError, match=r"(?s)'x'.*\(1, 8, 8, 3\)"):
        quantize(network(), [sample])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_in_samples_and_activations(bad: float) -> None:
    graph = network()
    data = samples(graph, 2)
    data[1]["x"][0, 0, 0, 0] = bad
    with pytest.raises(QuantizationError, match="tensor 'x' becomes NaN or infinite"):
        quantize(graph, data)


def test_overflow_inside_names_the_tensor() -> None:
    graph = layer(np.full((1, 2), 3e38))
    with pytest.raises(QuantizationError, match=r"dense.*tensor 'dense'"), np.errstate(over="ignore", invalid="ignore"):
        quantize(graph, [{"x": np.full((1, 2), 1e3, np.float32)}])


def test_an_infinite_pad_that_an_average_sees_is_no_pad_with_the_least_integer() -> None:
    def padded(pool: Op) -> Graph:
        e = editor()
        x = e.input("x", tensor(1, 4, 4, 2))
        (p,) = e.add(Pad((0, 1, 1, 0), (0, 1, 1, 0), value=-np.inf), [x], "pad")
        (y,) = e.add(pool, [p], "pool")
        return done(e, y)

    graph = padded(AveragePool2D((2, 2), (2, 2)))
    with pytest.raises(QuantizationError, match=r"pool.*tensor 'pool' becomes NaN or infinite(?s:.)*infinite constant"):
        quantize(graph, samples(graph, 2))
    graph = padded(MaxPool2D((2, 2), (2, 2)))
    found = sqnr_db(*outputs(graph, quantize(graph, samples(graph, 2)), samples(graph, 2)))
    assert found is not None and found > 35


def test_nan_weights() -> None:
    with pytest.raises(QuantizationError, match=r"dense.*constant 'w'"):
        graph = layer(np.array([[1.0, np.nan]]))
        quantize(graph, samples(graph))


def test_activations_must_be_float() -> None:
    e = editor()
    x = e.input("x", TensorType((1, 4), DType.INT64))
    (y,) = e.add(Reshape((2, 2)), [x], "flat")
    with pytest.raises(QuantizationError, match="int64"):
        quantize(done(e, y), None)


def test_progress_counts_samples() -> None:
    graph, seen = network(), []
    quantize(graph, samples(graph, 3), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(3, 3)]  # one batch


# Report


def test_layer_errors_cover_every_layer() -> None:
    graph = network()
    data = samples(graph)
    errors = layer_errors(graph, quantize(graph, data), data)
    assert [e["name"] for e in errors] == [n.name for n in graph.nodes]
    assert all(e["sqnr_db"] is not None and e["sqnr_db"] > 20 and e["cosine"] > 0.99 for e in errors)
    assert errors[0]["op"] == "Conv2D" and errors[0]["value"] == "conv" and 0 < errors[0]["max_error"] < 1


def test_accuracy_by_hand() -> None:
    f = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0]])
    q = np.array([[1.0, 0.0], [1.0, 0.0], [3.0, 0.5]])
    found = accuracy(f, q, [0, 1, 1])
    assert found["sqnr_db"] == pytest.approx(10 * np.log10(14 / 5.25))
    assert found["top1_float"] == pytest.approx(200 / 3) and found["top1_int8"] == pytest.approx(100 / 3)
    assert found["agreement"] == pytest.approx(200 / 3) and found["max_abs_diff"] == 2.0
    same = accuracy(f, f)
    assert same["sqnr_db"] is None and same["top1_float"] is None and same["agreement"] == 100.0
    assert accuracy(np.ones((3, 1)), np.ones((3, 1)))["agreement"] is None
