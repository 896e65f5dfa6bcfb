"""Weights of few bits, rounded for the least error of a layer's sums."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.codegen import lower
from edgeq.ir.goals import Goal
from edgeq.ir.op import registry
from edgeq.ir.tensor import DType
from edgeq.ops._packed import pack
from edgeq.ops.fully_connected import FullyConnected
from edgeq.quantize import QuantConfig, quantize, run
from edgeq.quantize.config import WeightRounding
from edgeq.quantize.methods.round_weights import Rounder, approached, decompose, divide, moments
from edgeq.report.accuracy import sqnr_db
from edgeq.target import load_target
from tests.unit.test_quantize import editor, network, outputs, samples, tensor

RNG = np.random.default_rng(3)
LEVELS = (-8, 7)


def correlated(count: int, rows: int = 400) -> np.ndarray:
    """Inputs (rows, count) of which neighbours are alike."""
    free = RNG.normal(size=(rows, count))
    return np.rint(40 * (free + np.roll(free, 1, axis=1) + 0.3)).clip(-128, 127)


def test_a_decomposition_gives_the_matrix_again() -> None:
    x = RNG.normal(size=(50, 7))
    upper, diagonal = decompose(x.T @ x)
    assert np.allclose(upper @ np.diag(diagonal) @ upper.T, x.T @ x)
    assert np.array_equal(upper, np.triu(upper)) and np.array_equal(np.diagonal(upper), np.ones(7))
    rows = RNG.normal(size=(3, 7))
    assert np.allclose(divide(rows, upper, diagonal) @ (x.T @ x), rows)


def test_what_is_approached_is_the_least_squares_solution() -> None:
    q = correlated(6)
    real = (q + RNG.normal(0.0, 3.0, q.shape)).astype(np.float32)
    weights = RNG.normal(size=(4, 6))
    found = approached(weights, moments(q.astype(np.int16), real), 1e-9)
    centred = q - q.mean(axis=0)
    target = (real - real.mean(axis=0)) @ weights.T
    assert np.allclose(found.T, np.linalg.lstsq(centred, target, rcond=None)[0], atol=1e-4)
    assert np.allclose(approached(weights, moments(q.astype(np.int16), real), 1e12), weights, atol=1e-3)


def test_sums_are_nearer_than_with_weights_rounded_one_by_one() -> None:
    x = correlated(24)
    second = x.T @ x
    weights, scales = RNG.normal(size=(5, 24)), np.full(5, 0.3)
    rounder = Rounder.of(weights, second, LEVELS)
    result, error = rounder.round(scales)

    def cost(integers: np.ndarray) -> np.ndarray:
        lost = weights - scales[:, None] * integers
        return np.einsum("ck,kl,cl->c", lost, second, lost)

    back = np.empty_like(result)
    back[:, rounder.order] = result
    better = rounder.integers(scales)
    nearest = np.clip(np.rint(weights / scales[:, None]), *LEVELS)
    assert np.allclose(error, cost(back))
    assert (cost(better) <= cost(back)).all() and cost(better).sum() < 0.5 * cost(nearest).sum()
    assert better.min() >= LEVELS[0] and better.max() <= LEVELS[1]


@pytest.mark.parametrize("kind", ["Conv2D", "DepthwiseConv2D", "FullyConnected"])
def test_factors_and_weights_make_the_sums(kind: str) -> None:
    for sample in registry()[kind].samples():
        x, w = (RNG.integers(-5, 6, shape).astype(np.float32) for shape in sample.shapes[:2] if shape is not None)
        op = sample.op.with_clamp((-np.inf, np.inf))
        factors, groups = op.factors(x, w.shape), op.by_group(w)
        assert factors is not None and np.array_equal(op.from_groups(groups, w.shape), w)
        expected = op.run_float([x, w, None])[0]
        sums = np.einsum("gst,got->sgo", factors, groups).reshape(expected.shape)
        assert np.array_equal(sums, expected), sample.name


@pytest.mark.parametrize(
    ("bits", "dtype", "least"), [(4, DType.INT4, 17.0), (3, DType.INT3, 11.0), (2, DType.INT2, 4.0)]
)
def test_few_bits(bits: int, dtype: DType, least: float) -> None:
    graph, data = network(), samples(network(), 40)
    found = {}
    for rounding in ("nearest", "hessian"):
        integer = quantize(graph, data, QuantConfig.from_dict({"weight_bits": bits, "rounding": rounding}))
        weights = [integer.type(str(integer.producers[n].inputs[1])) for n in ("conv", "depthwise", "dense")]
        assert {w.dtype for w in weights} == {dtype}
        found[rounding] = sqnr_db(*outputs(graph, integer, data))
    assert found["hessian"] > max(found["nearest"], least), found


@pytest.mark.filterwarnings("ignore::edgeq.warnings.EdgeqWarning")
def test_layers_say_their_own_bits_and_rounding() -> None:
    layers = {"conv": {"weight_bits": 8}, "dense": {"rounding": "nearest", "weight_bits": 2}}
    config = QuantConfig.from_dict({"weight_bits": 4, "layers": layers})
    result = run(network(), samples(network()), config)
    types = {n: result.graph.type(str(result.graph.producers[n].inputs[1])) for n in ("conv", "depthwise", "dense")}
    assert {n: t.dtype for n, t in types.items()} == {
        "conv": DType.INT8,
        "depthwise": DType.INT4,
        "dense": DType.INT2,
    }
    assert [config.for_layer(n).rounds_by_hessian for n in types] == [False, True, False]
    assert types["depthwise"].nbytes == 9 * 8 // 2


def test_shared_weights_are_rounded_one_by_one() -> None:
    e = editor()
    x = e.input("x", tensor(1, 6))
    w = e.constant("w", RNG.normal(size=(6, 6)).astype(np.float32))
    (a,) = e.add(FullyConnected(), [x, w], "a")
    (b,) = e.add(FullyConnected(), [a, w], "b")
    e.outputs = [b]
    graph = e.finish()
    integer = quantize(graph, samples(graph), QuantConfig(weight_bits=4))
    assert {integer.type(str(node.inputs[1])).dtype for node in integer.nodes} == {DType.INT4}


def test_a_layer_without_bias_gets_one() -> None:
    e = editor()
    x = e.input("x", tensor(1, 8))
    (y,) = e.add(FullyConnected(), [x, e.constant("w", RNG.normal(size=(3, 8)).astype(np.float32))], "dense")
    e.outputs = [y]
    graph = e.finish()
    data = [{"x": s["x"] + 2.0} for s in samples(graph, 30)]
    integer = quantize(graph, data, QuantConfig(weight_bits=4, bias_correction=False))
    f, q = outputs(graph, integer, data)
    assert np.abs(f.mean(axis=0) - q.mean(axis=0)).max() < integer.type(integer.outputs[0]).qp.s
    assert len(integer.nodes[0].inputs) == 3


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_packed_weights_have_no_gaps(bits: int) -> None:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    integers = RNG.integers(low, high + 1, (5, 7)).astype(np.int8)
    stream = pack(integers, bits)
    assert len(stream) == -(-integers.size * bits // 8) + 1
    number = int.from_bytes(stream.tobytes(), "little")
    read = [(number >> (bits * k) & (2**bits - 1)) for k in range(integers.size)]
    assert [v - (2**bits if v > high else 0) for v in read] == integers.ravel().tolist()


@pytest.mark.parametrize(
    ("core", "goal", "dense", "depthwise"),
    [("cortex-m4", "balanced", 4, 4), ("cortex-m4", "size", 4, 4), ("cortex-m0plus", "balanced", 8, 8)],
)
def test_weights_without_a_kernel_of_the_target_become_bytes(core: str, goal: Goal, dense: int, depthwise: int) -> None:
    integer = quantize(network(), samples(network()), QuantConfig(weight_bits=4, rounding=WeightRounding.NEAREST))
    calls = {call.name: call for call in lower(integer, load_target(core), optimize=goal).calls}
    assert (calls["dense"].weight_bits, calls["depthwise"].weight_bits) == (dense, depthwise)
    assert calls["dense"].weights_bytes == 5 * 128 * dense // 8 + 5 * 4
