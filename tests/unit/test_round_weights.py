"""Weights of few bits, rounded for the least error of a layer's sums."""

from __future__ import annotations

import numpy as np
import pytest
from quantized_nets import editor, network, outputs, samples, tensor

from edgeq.codegen import lower
from edgeq.errors import UsageError
from edgeq.ir.goals import Goal
from edgeq.ir.op import registry
from edgeq.ir.tensor import DType
from edgeq.ops._packed import pack, stream
from edgeq.ops.fully_connected import FullyConnected
from edgeq.quantize import QuantConfig, quantize, run
from edgeq.quantize.codebook import codebook
from edgeq.quantize.config import WeightRounding
from edgeq.quantize.methods.learn_rounding import learned
from edgeq.quantize.methods.round_weights import MOST_MISSED, apart
from edgeq.quantize.moments import approached, decompose, divide, moments
from edgeq.quantize.ranges import Levels
from edgeq.quantize.rounder import Rounder
from edgeq.report.accuracy import sqnr_db
from edgeq.target import load_target

RNG = np.random.default_rng(3)


@pytest.fixture(autouse=True)
def same_numbers_in_any_order() -> None:
    """Every test draws the same numbers, whichever ran before."""
    RNG.bit_generator.state = np.random.default_rng(3).bit_generator.state


LEVELS = Levels(-8, 7)


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


def test_descent_ends_where_no_single_change_helps() -> None:
    x = correlated(12)
    rounder = Rounder.of(RNG.normal(size=(3, 12)), x.T @ x, LEVELS)
    scales = np.full(3, 0.3)
    found = rounder.integers(scales, np.zeros((3, 12)), passes=50)[:, rounder.order]

    def errors(integers: np.ndarray) -> np.ndarray:
        lost = rounder.weights - integers * scales[:, None]
        return np.einsum("ck,kl,cl->c", lost, rounder.second, lost)

    for k in range(12):
        for change in (-1.0, 1.0):
            other = found.copy()
            other[:, k] = np.clip(other[:, k] + change, LEVELS.least, LEVELS.greatest)
            assert (errors(other) >= errors(found) * (1.0 - 1e-9)).all()


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
    nearest = LEVELS.nearest(weights / scales[:, None])
    assert np.allclose(error, cost(back))
    assert (cost(better) <= cost(back)).all() and cost(better).sum() < 0.5 * cost(nearest).sum()
    assert better.min() >= LEVELS[0] and better.max() <= LEVELS[1]


@pytest.mark.parametrize(("rows", "columns"), [(25, 5), (49, 10), (7, 7), (1, 1), (112, 112)])
def test_places_all_over_an_image_are_looked_at(rows: int, columns: int) -> None:
    for least in range(1, 30):
        every = apart(rows * columns, least)
        seen = np.arange(0, rows * columns * every, every) % (rows * columns)
        assert least <= every < least + 20 and len(np.unique(seen)) * MOST_MISSED >= rows * columns
        assert len(np.unique(seen % columns)) * MOST_MISSED >= columns


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
    for rounding in ("nearest", "hessian", "adaround", "descent"):
        integer = quantize(graph, data, QuantConfig.from_dict({"weight_bits": bits, "rounding": rounding}))
        weights = [integer.type(str(integer.producers[n].inputs[1])) for n in ("conv", "depthwise", "dense")]
        assert {w.dtype for w in weights} == {dtype}
        found[rounding] = sqnr_db(*outputs(graph, integer, data))
    assert min(found["hessian"], found["adaround"], found["descent"]) > max(found["nearest"], least), found


def test_learned_rounding_is_up_or_down_and_costs_less() -> None:
    """With a layer of one group, and with several groups at once."""
    for groups in ((), (3,)):
        x = np.stack([correlated(12) for _ in range(groups[0] if groups else 1)]).reshape(*groups, -1, 12)
        second = np.swapaxes(x, -1, -2) @ x
        wanted = RNG.normal(0.0, 3.0, size=(*groups, 5, 12))
        for levels in (LEVELS, Levels(-1, 1), Levels(-1, 1, 2)):
            found = learned(wanted, second, levels)
            again = learned(wanted, second, levels)
            apart = np.abs(found - np.clip(wanted, levels.least, levels.greatest))

            assert np.array_equal(found, again) and np.array_equal(found, levels.nearest(found))
            assert (apart < levels.step + 1e-9).all()
            lost, plain = wanted - found, wanted - levels.nearest(wanted)
            assert np.sum((lost @ second) * lost) < np.sum((plain @ second) * plain)


@pytest.mark.parametrize(("bits", "values"), [("ternary", {-1, 0, 1}), ("binary", {-1, 1})])
def test_weights_of_three_and_of_two_values(bits: str, values: set[int]) -> None:
    graph, data = network(), samples(network(), 40)
    for rounding in ("nearest", "hessian"):
        integer = quantize(graph, data, QuantConfig.from_dict({"weight_bits": bits, "rounding": rounding}))
        name = str(integer.producers["dense"].inputs[1])
        weights = integer.data(name)
        assert weights is not None and set(np.unique(weights).tolist()) == values
        assert integer.type(name).dtype is DType(bits)
        assert integer.type(name).nbytes == (5 * 128 // 5 if bits == "ternary" else 5 * 128 // 8)
        assert sqnr_db(*outputs(graph, integer, data)) > 0.0


@pytest.mark.parametrize(
    ("bits", "dtype"), [("codebook-16", DType.CODE4), ("codebook-4", DType.CODE2), ("powers-of-two", DType.CODE4)]
)
def test_codebooks(bits: str, dtype: DType) -> None:
    """Each layer has its own table; codes of few bits choose among it."""
    graph, data = network(), samples(network(), 40)
    found = {}
    for rounding in ("nearest", "hessian"):
        integer = quantize(graph, data, QuantConfig.from_dict({"weight_bits": bits, "rounding": rounding}))
        name = str(integer.producers["dense"].inputs[1])
        weights = integer.data(name)
        assert weights is not None and integer.type(name).dtype is dtype
        table = np.unique(weights).tolist()
        assert 2 < len(table) <= 1 << dtype.bits
        assert bits != "powers-of-two" or set(table) <= {0, *(s << k for s in (1, -1) for k in range(7))}
        packed = np.asarray(stream(weights, dtype)["weights"])
        codes = np.unpackbits(packed[1 << dtype.bits :], bitorder="little")[: weights.size * dtype.bits]
        read = codes.reshape(-1, dtype.bits) @ (1 << np.arange(dtype.bits))
        assert np.array_equal(packed.view(np.int8)[read], weights.ravel())
        found[rounding] = sqnr_db(*outputs(graph, integer, data))
    assert found["hessian"] > found["nearest"], found
    with pytest.raises(UsageError, match="codebooks"):
        quantize(graph, data, QuantConfig.from_dict({"weight_bits": bits, "rounding": "adaround"}))


def test_a_codebook_is_where_weights_are() -> None:
    rows = np.array([[-1.0, -1.01, 0.5, 0.5], [-3.0, 1.5, 1.5, -2.99]])
    assert codebook(rows, 2) == (-127, 63)
    assert codebook(np.zeros((2, 3)), 4) == (0,)
    assert len(codebook(RNG.normal(size=(8, 50)), 16)) == 16


def test_five_ternary_weights_share_a_byte() -> None:
    integers = RNG.integers(-1, 2, (3, 9)).astype(np.int8)
    packed = stream(integers, DType.TERNARY)
    data = np.asarray(packed["weights"])
    assert packed["weight_bits"] == 0 and len(data) == 6
    assert [int(data[k // 5]) // 3 ** (k % 5) % 3 - 1 for k in range(27)] == integers.ravel().tolist()


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
    assert [config.for_layer(n).rounds_by_sums for n in types] == [False, True, False]
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
    packed = pack(integers, bits)
    assert len(packed) == -(-integers.size * bits // 8) + 1
    number = int.from_bytes(packed.tobytes(), "little")
    read = [(number >> (bits * k) & (2**bits - 1)) for k in range(integers.size)]
    assert [v - (2**bits if v > high else 0) for v in read] == integers.ravel().tolist()


@pytest.mark.parametrize(
    ("core", "goal", "bits", "stored"),
    [
        ("cortex-m4", "balanced", 4, 4),
        ("cortex-m4", "size", 4, 4),
        ("cortex-m4", "balanced", 3, 4),
        ("cortex-m0plus", "balanced", 3, 4),
        ("cortex-m55", "balanced", 3, 4),
        ("rpi4", "balanced", 4, 8),
    ],
)
def test_weights_without_a_kernel_of_the_target_take_more_bits(core: str, goal: Goal, bits: int, stored: int) -> None:
    integer = quantize(network(), samples(network()), QuantConfig(weight_bits=bits, rounding=WeightRounding.NEAREST))
    calls = {call.name: call for call in lower(integer, load_target(core), optimize=goal).calls}
    assert (calls["dense"].weight_bits, calls["depthwise"].weight_bits) == (stored, stored)
    assert calls["dense"].weights_bytes == 5 * 128 * stored // 8 + 5 * 4
