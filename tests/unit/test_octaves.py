"""Fully connected layers whose channels have few factors but for octaves: their scales, and how they are stored."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.ir.graph import GraphEditor
from edgeq.ir.tensor import TensorType
from edgeq.kernels.choice import Wanted
from edgeq.kernels.dsp.octaves import MOST_FACTORS, pack_octaves
from edgeq.ops.fully_connected import FullyConnected, multiplier
from edgeq.quantize import QuantConfig, quantize
from edgeq.quantize.octaves import FEWEST, PER_OCTAVE, octave_scales
from edgeq.target import load_target

ISA = load_target("cortex-m4").isa


def unpacked(bias: list[int], mantissa: list[int]) -> tuple[list[int], list[int], int]:
    """Biases and multipliers as `eq_octave_fully_connected_dsp_mixed` reads them, and the bits of an entry."""
    found = pack_octaves(np.array(bias, np.int64), np.array(mantissa, np.int64))
    assert found is not None
    biases, multipliers = [], []
    for at in range(0, len(bias) * found.bits, found.bits):
        word = int.from_bytes(found.entries[at >> 3 : (at >> 3) + 4].tobytes(), "little")
        assert len(found.entries) >= (at >> 3) + 4
        entry = (word >> (at & 7)) & ((1 << found.bits) - 1)
        assert (at & 7) + found.bits <= 32
        octaves = entry >> found.factor_bits & ((1 << found.octave_bits) - 1)
        twice = (int(found.factors[entry & ((1 << found.factor_bits) - 1)]) >> octaves) + 1 & ~1
        top = entry >> found.factor_bits + found.octave_bits
        width = found.bits - found.factor_bits - found.octave_bits
        biases.append(top - (top >> width - 1 << width))
        multipliers.append(twice // 2)
    return biases, multipliers, found.bits


@pytest.mark.parametrize(
    ("bias", "mantissa", "bits"),
    [
        ([5], [2**30 - 1], 4),
        ([-1, 0, 7], [3, 6, 12], 6),
        ([-(2**18), 2**18 - 1], [2**20 + 1, 2**13], 22),
        ([2**21, 0], [3 * 2**20, 2**13 + 1], 28),
        ([2**23, 0], [3 * 2**20, 2**13 + 1], 32),
        ([-(2**31), 2**31 - 1], [2**25 + 3, 2**25 + 3], 32),
    ],
)
def test_unpacked_entries_are_the_same(bias: list[int], mantissa: list[int], bits: int) -> None:
    assert unpacked(bias, mantissa) == (bias, mantissa, bits)


def test_rounded_octaves_of_one_factor_share_it() -> None:
    """Whatever is halved and rounded at once, not step by step, comes of one number."""
    factor = 0.3141592653
    mantissa = [int(np.floor(factor * 2.0 ** (31 - d) + 0.5)) for d in range(20)]
    found = pack_octaves(np.zeros(20, np.int64), np.array(mantissa))
    assert found is not None and len(found.factors) == 1
    assert unpacked([0] * 20, mantissa)[1] == mantissa


def test_shifts_to_the_left_are_octaves() -> None:
    """Factors 5.5, 2.75, … of 4-bit weights, to the second of which as many octaves are left as sums are shifted."""
    factors = 5.5 * 2.0 ** -np.arange(8)
    _, exponents = np.frexp(factors)
    shift = np.maximum(exponents, 0)
    mantissa = np.rint(factors * 2.0 ** (31 - shift)).astype(np.int64)
    found = pack_octaves(np.arange(8), mantissa, shift)
    assert found is not None and found.left == 3 and len(found.factors) == 1
    octaves = found.entries[: 8 * found.bits // 8]
    read = np.unpackbits(octaves, bitorder="little").reshape(8, found.bits)[:, : found.octave_bits]
    assert (read @ (1 << np.arange(found.octave_bits))).tolist() == list(range(8))
    assert [(int(found.factors[0]) >> max(d - 3, 0)) + 1 >> 1 for d in range(8)] == mantissa.tolist()


def test_what_does_not_fit_is_not_packed() -> None:
    many = np.arange(MOST_FACTORS + 1) + 2**20
    assert pack_octaves(np.zeros(len(many)), many) is None
    assert pack_octaves(np.array([2**31 - 1, 0]), np.array([2**20, 2**20 + 1])) is None


@pytest.mark.parametrize("rise", [False, True])
def test_factors_have_few_digits(rise: bool) -> None:
    scales = np.random.default_rng(1).uniform(0.001, 0.2, 300)
    found = octave_scales(scales, 0.037, 1.7, rise)
    ratio = found / scales
    least, most = (1.0, 1.0 + 1 / PER_OCTAVE) if rise else (1.0 - 1 / PER_OCTAVE, 1.0)
    assert (ratio > least - 1e-5).all() and (ratio < most + 1e-5).all()
    factors = np.float32(0.037) * found.astype(np.float32) / np.float32(1.7)
    fractions = np.frexp(factors)[0] * 2 * PER_OCTAVE
    over = fractions - np.floor(fractions)
    assert len(np.unique(fractions)) <= PER_OCTAVE
    assert (over > 0.0).all() and (over < 1e-4).all()  # so that no sum ends half-way between integers


def test_factors_of_one_half_and_more_stay() -> None:
    scales = np.array([0.3, 20.0, 1e300])
    found = octave_scales(scales, 1.0, 1.0, True)
    assert found[1:].tolist() == scales[1:].tolist() and found[0] == pytest.approx(0.3125)
    assert octave_scales(scales[1:], 1.0, 1.0, False).tolist() == scales[1:].tolist()
    more = octave_scales(scales, 1.0, 1.0, True, 32.0)
    assert more[2] == scales[2] and more[:2] == pytest.approx([0.3125, 20.0], abs=2e-4)


@pytest.mark.parametrize(("channels", "bits"), [(FEWEST, 8), (FEWEST - 1, 8), (FEWEST, 4)])
def test_a_layer_from_samples_to_kernel(channels: int, bits: int) -> None:
    rng = np.random.default_rng(2)
    edit = GraphEditor("net")
    edit.input("x", TensorType((1, 40)))
    w = (rng.standard_normal((channels, 40)) * rng.uniform(0.02, 1.0, (channels, 1))).astype(np.float32)
    bias = rng.standard_normal(channels).astype(np.float32)
    (y,) = edit.add(FullyConnected(), ["x", edit.constant("w", w), edit.constant("b", bias)], "y")
    edit.outputs = [y]
    samples = [{"x": rng.standard_normal((1, 40)).astype(np.float32)} for _ in range(20)]
    graph = quantize(edit.finish(), samples, QuantConfig(weight_bits=bits))
    (node,) = graph.nodes
    site = graph.site(node)
    kernel = Wanted(ISA, "size").choose(site)
    assert kernel is not None
    factors = multiplier(site)
    packed = pack_octaves(np.asarray(site.const(2)), factors.mantissa.astype(np.int64), factors.shift)
    if channels < FEWEST:
        assert packed is None and kernel.function == "eq_compact_fully_connected_dsp_mixed"
    else:
        assert packed is not None and len(packed.factors) <= PER_OCTAVE
        assert kernel.function == f"eq_octave_fully_connected_dsp_{'mixed' if bits == 8 else 'int4'}"
