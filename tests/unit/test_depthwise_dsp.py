"""Depthwise convolution on cores with the DSP extension: packed weights, scaled weights, planes and stripes."""

from __future__ import annotations

import numpy as np
import pytest

import edgeq.memory
from edgeq.ir.site import Site
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.kernels.dsp.depthwise import STRIPE_BYTES, requant_members, scaled
from edgeq.kernels.dsp.depthwise_3x3 import fits_3x3, in_place_3x3, overlap_3x3, planes, scratch_3x3
from edgeq.kernels.dsp.depthwise_any import in_place_any, lower_any, overlap_any, scratch_any
from edgeq.kernels.dsp.pack import pack_entries, pack_lines, pack_records
from edgeq.numerics.fixedpoint import Numerics, Rounding, requantize
from edgeq.ops._overlap import ALIGNMENT
from edgeq.ops._requant import effective_multiplier, folded_bias
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D


def site(
    op: DepthwiseConv2D,
    x: tuple[int, ...],
    w: tuple[int, ...],
    out_scale: float = 0.5,
    numerics: Numerics = Numerics.FAST,
    bias: int = 0,
) -> Site:
    rng = np.random.default_rng(7)
    weights = rng.integers(-127, 128, w).astype(np.int8)
    biases = np.full(w[2], bias, np.int32)
    (y,) = op.out_shapes((x, w, (w[2],)))
    return Site(
        "node",
        op,
        (
            TensorType(x, DType.INT8, QParams.per_tensor(0.25, 3)),
            TensorType(w, DType.INT8, QParams.per_channel(np.linspace(0.25, 1.0, w[2]), 0, 2)),
            TensorType((w[2],), DType.INT32, QParams.per_channel(np.linspace(0.0625, 0.25, w[2]), 0, 0)),
        ),
        (TensorType(y, DType.INT8, QParams.per_tensor(out_scale, -5)),),
        (None, weights, biases),
        numerics,
    )


@pytest.mark.parametrize("window", [(3, 3), (1, 3), (3, 1), (2, 2), (1, 1)])
@pytest.mark.parametrize("shifted", [False, True])
def test_unpacked_windows_are_the_same(window: tuple[int, int], shifted: bool) -> None:
    rng = np.random.default_rng(1)
    weights = rng.integers(-127, 128, (*window, 5)).astype(np.int8)
    entries = pack_entries(rng.integers(-99, 99, 5), rng.integers(0, 99, 5))
    packed = pack_records(weights, np.arange(5) if shifted else None, entries)
    assert packed.shape == (5, 9 + shifted + entries.data.shape[1])
    windows = packed[:, :9].reshape(5, 3, 3)
    np.testing.assert_array_equal(windows[:, : window[0], : window[1]].transpose(1, 2, 0), weights)
    assert np.count_nonzero(windows) == np.count_nonzero(weights)
    assert not shifted or packed[:, 9].tolist() == list(range(5))
    np.testing.assert_array_equal(packed[:, 9 + shifted :], entries.data)


@pytest.mark.parametrize("window", [(5, 5), (1, 7), (4, 2), (1, 1)])
def test_unpacked_lines_are_the_same(window: tuple[int, int]) -> None:
    weights = np.random.default_rng(2).integers(-127, 128, (*window, 3)).astype(np.int8)
    packed = pack_lines(weights)
    assert packed.shape[2] % 2 == 0
    np.testing.assert_array_equal(packed[:, :, : window[1]].transpose(1, 2, 0), weights)
    assert np.count_nonzero(packed) == np.count_nonzero(weights)


@pytest.mark.parametrize("out_scale", [4.0, 0.5, 0.3, 0.05, 0.01])
def test_one_multiplication_is_the_requantization(out_scale: float) -> None:
    """(acc · 2^shift · multiplier + 2³¹) >> 32 for factors below and above 1/2 and 1."""
    s = site(DepthwiseConv2D(), (1, 4, 4, 9), (3, 3, 9), out_scale)
    how = scaled(s)
    assert how.fits
    assert how.multiplier.max() < 2**31
    acc = np.random.default_rng(3).integers(-150000, 150000, (200, 9))
    expected = requantize(acc, effective_multiplier(s, 9), -5, -128, 127, Rounding.FAST)
    found = -5 + (((acc << how.shift) * how.multiplier + (1 << 31)) >> 32)
    np.testing.assert_array_equal(np.clip(found, -128, 127), expected)


def test_scaled_biases() -> None:
    s = site(DepthwiseConv2D(), (1, 4, 4, 9), (3, 3, 9), 0.05, bias=1234)
    members, how = requant_members(s), scaled(s)
    plain = folded_bias(s, s.const(1).astype(np.int64).reshape(-1, 9).T, 9)
    np.testing.assert_array_equal(np.asarray(members["bias"]) >> how.shift, plain)
    np.testing.assert_array_equal(np.asarray(members["weight_shift"]), how.shift)
    assert how.shift.max() > 0


def test_accumulators_that_scaling_would_overflow_are_refused() -> None:
    op = DepthwiseConv2D()
    assert fits_3x3(1)(site(op, (1, 4, 4, 9), (3, 3, 9), 0.05, bias=2**20))
    assert not fits_3x3(1)(site(op, (1, 4, 4, 9), (3, 3, 9), 0.05, bias=2**30))
    assert not fits_3x3(1)(site(op, (1, 4, 4, 9), (3, 3, 9), 0.0001))
    assert fits_3x3(1)(site(op, (1, 4, 4, 9), (3, 3, 9), 0.0001, Numerics.TFLM))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(5, 5), (25, 5), (48, 48), (47, 96), (3, 200)])
def test_stripes_bound_the_scratch_and_cover_the_output(stride: int, size: tuple[int, int]) -> None:
    s = site(DepthwiseConv2D((stride, stride), padding=(1, 1, 1, 1)), (1, *size, 4), (3, 3, 4))
    found, rows = planes(s), s.outputs[0].shape[1]
    assert scratch_3x3(s) == 32 * found.pairs * found.words
    assert scratch_3x3(s) <= STRIPE_BYTES or found.pairs == 2
    assert found.stripe == (found.pairs - 1) * 2 // stride
    # Where one stripe is not enough, none is empty.
    assert (-(-rows // found.stripe) - 1) * found.stripe < rows


def test_in_place() -> None:
    """Distances: with 8 channels all multiples of 16 are whole pixels, with 64 one of them is."""
    same = DepthwiseConv2D(padding=(1, 1, 1, 1))
    whole = site(same, (1, 25, 5, 8), (3, 3, 8))
    assert overlap_3x3(whole) == (-25 * 5 * 8, None, None)  # one stripe: all is read before
    assert overlap_3x3(site(same, (1, 48, 48, 8), (3, 3, 8))) == (-48 * 8, None, None)  # a row ahead
    halved = DepthwiseConv2D((2, 2), padding=(0, 0, 1, 1))
    half = planes(site(halved, (1, 48, 48, 8), (3, 3, 8))).stripe
    ahead = half * 24 - (half * 2 + 2) * 48
    assert overlap_3x3(site(halved, (1, 48, 48, 8), (3, 3, 8))) == (ahead * 8, None, None)
    many = site(same, (1, 25, 5, 64), (3, 3, 64))
    assert (overlap_3x3(many)[0], in_place_3x3(many)[0]) == (25 * 5 * 64 - 64, 0)
    two = site(DepthwiseConv2D(padding=(2, 2, 2, 2)), (2, 5, 5, 64), (3, 3, 64))
    assert in_place_3x3(two)[0] == (7 * 7 - 5 * 5) * 64  # the first image's output grows over the second's input


def test_any_window_in_place() -> None:
    wide = DepthwiseConv2D(padding=(2, 2, 2, 2))
    assert overlap_any(site(wide, (1, 8, 8, 4), (5, 5, 4))) == (-8 * 8 * 4, None, None)
    assert overlap_any(site(wide, (1, 80, 80, 4), (5, 5, 4))) == (2 * 80 * 4, None, None)  # two rows are read again
    doubled = site(wide, (1, 8, 8, 2), (5, 5, 4))
    # When the second channel is read, the first one's two filters have written all but the last two bytes.
    assert (overlap_any(doubled)[0], in_place_any(doubled)[0]) == (8 * 8 * 4 - 2 - 1, None)


def test_alignment_is_the_planners() -> None:
    assert ALIGNMENT == edgeq.memory.ALIGNMENT


def test_tall_windows_are_transposed() -> None:
    """A window of one column has its weights in pairs all the same."""
    s = site(DepthwiseConv2D(padding=(2, 0, 2, 0)), (1, 11, 3, 6), (5, 1, 6))
    params = lower_any(s)
    assert (params["kernel_lines"], params["kernel_pairs"]) == (1, 3)
    assert (params["in_lines"], params["in_places"]) == (3, 11)
    assert (params["out_line_step"], params["out_place_step"]) == (6, 18)
    assert scratch_any(s) == 2 * (6 + 3 * 16)
