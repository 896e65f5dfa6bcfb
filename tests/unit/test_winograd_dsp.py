"""Winograd convolution on cores with the DSP extension: packed weights, when it is taken, overlap and scratch."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.ir.kernel import Goal
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams, TensorType
from edgeq.kernels.choice import Wanted
from edgeq.kernels.dsp.pack import WINOGRAD_SIDES, channel_groups, pack_winograd
from edgeq.kernels.dsp.winograd import FACTOR, fits_sums, winograd_rows
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.conv2d import Conv2D
from edgeq.target import load_target

SAME = Conv2D(padding=(1, 1, 1, 1))
INPUT_SIDES = np.array([[0, 1, 1, 0], [0, -1, 1, 0], [1, 0, -1, 0], [0, 1, 0, -1]])
"""What F(2, 3) makes of four inputs, in the kernel's order of positions: 1, 2, 0, 3."""
OUTPUT_SIDES = np.array([[1, 1, 1, 0], [1, -1, 0, 1]])
"""How it makes two outputs of the products."""


def site(
    op: Conv2D, x: tuple[int, ...], channels: int, size: int = 3, bias: int = 0, numerics: Numerics = Numerics.FAST
) -> Site:
    rng = np.random.default_rng(7)
    w = (channels, size, size, x[3])
    (y,) = op.out_shapes((x, w, (channels,)))
    return Site(
        "node",
        op,
        (
            TensorType(x, DType.INT8, QParams.per_tensor(0.25, 3)),
            TensorType(w, DType.INT8, QParams.per_channel(np.linspace(0.25, 1.0, channels), 0, 0)),
            TensorType((channels,), DType.INT32, QParams.per_channel(np.linspace(0.0625, 0.25, channels), 0, 0)),
        ),
        (TensorType(y, DType.INT8, QParams.per_tensor(8.0, -5)),),
        (None, rng.integers(-127, 128, w).astype(np.int8), np.full(channels, bias, np.int32)),
        numerics,
    )


def unpack(stream: Array, channels: int, k: int) -> tuple[Array, Array]:
    """Weights (4, 4, OC, C) of the positions, in the kernel's order, and biases (OC); read as the kernel reads them."""
    groups = stream.reshape(-1, 4 + 16 * 4 * k // 2)
    weights, bias = np.zeros((16, channels, k), np.int64), np.zeros(channels, np.int64)
    for first, group in zip(channel_groups(channels, 4), groups, strict=True):
        bias[first : first + 4] = group[:4]
        halves = group[4:].astype("<i4").view("<i2").astype(np.int64).reshape(16, k // 4, 2, 4, 2)
        # (position, four, even or odd, channel, half) to (position, channel, four, half, even or odd)
        weights[:, first : first + 4] = halves.transpose(0, 3, 1, 4, 2).reshape(16, 4, k)
    return weights.reshape(4, 4, channels, k), bias


@pytest.mark.parametrize("shape", [(4, 4), (5, 8), (7, 12), (8, 20), (18, 64)])
def test_unpacked_weights_make_the_convolution(shape: tuple[int, int]) -> None:
    """Four times each tile's outputs, from the packed weights; extreme weights fit into their halves."""
    channels, k = shape
    rng = np.random.default_rng(k)
    weights = rng.integers(-127, 128, (channels, 3, 3, k)).astype(np.int8)
    weights[0], weights[1, ..., 0] = -128, 127
    bias = rng.integers(-(2**20), 2**20, channels).astype(np.int32)
    found, found_bias = unpack(pack_winograd(weights, bias), channels, k)
    np.testing.assert_array_equal(found_bias, FACTOR * bias)

    tile = rng.integers(-128, 128, (4, 4, k))
    inputs = np.einsum("iy,yxc,jx->ijc", INPUT_SIDES, tile, INPUT_SIDES)
    sums = np.einsum("ijoc,ijc->ijo", found, inputs)
    outputs = np.einsum("yi,ijo,xj->yxo", OUTPUT_SIDES, sums, OUTPUT_SIDES)
    for y, x in np.ndindex(2, 2):
        expected = (weights.astype(np.int64) * tile[y : y + 3, x : x + 3]).sum(axis=(1, 2, 3))
        np.testing.assert_array_equal(outputs[y, x], FACTOR * expected)


def test_transformed_values_fit_into_halves() -> None:
    assert 128 * np.abs(WINOGRAD_SIDES).sum(axis=1).max() ** 2 < 2**15
    assert 128 * np.abs(INPUT_SIDES).sum(axis=1).max() ** 2 < 2**15


@pytest.mark.parametrize("bias", [2**29 - 128 * 127, -(2**29) + 128 * 127])
def test_sums_that_leave_32_bits_are_refused(bias: int) -> None:
    """Four times the bias and 128 · 127, the reach of the only weight that is not 0."""
    weights = np.zeros((2, 3, 3, 4), np.int8)
    weights[1, 2, 0, 3] = -127
    assert fits_sums(weights, np.array([0, bias - np.sign(bias)], np.int32))
    assert not fits_sums(weights, np.array([0, bias], np.int32))


def chosen(s: Site, goal: Goal = "speed", core: str = "cortex-m4") -> str:
    kernel = Wanted(load_target(core).isa, goal).choose(s)
    assert kernel is not None
    return kernel.function


def test_a_sum_that_overflows_takes_another_kernel() -> None:
    assert chosen(site(SAME, (1, 16, 16, 16), 16, bias=2**28)) == "eq_winograd_dsp_direct"
    assert chosen(site(SAME, (1, 16, 16, 16), 16, bias=2**29)) == "eq_conv2d_dsp_plain"


@pytest.mark.parametrize(("goal", "winograd"), [("speed", True), ("balanced", False), ("size", False)])
def test_only_for_speed(goal: Goal, winograd: bool) -> None:
    assert chosen(site(SAME, (1, 8, 8, 64), 64), goal).startswith("eq_winograd") == winograd


@pytest.mark.parametrize(("core", "winograd"), [("cortex-m7", True), ("cortex-m33", True), ("cortex-m55", False)])
def test_not_where_there_is_something_faster(core: str, winograd: bool) -> None:
    assert chosen(site(SAME, (1, 8, 8, 64), 64), core=core).startswith("eq_winograd") == winograd


@pytest.mark.parametrize("numerics", [Numerics.TFLITE, Numerics.TFLM])
def test_other_numerics(numerics: Numerics) -> None:
    assert chosen(site(SAME, (1, 8, 8, 16), 16, numerics=numerics)) == "eq_winograd_dsp"


@pytest.mark.parametrize(
    ("op", "x", "channels", "size"),
    [
        (Conv2D(stride=(2, 2), padding=(1, 1, 1, 1)), (1, 16, 16, 16), 16, 3),
        (Conv2D(dilation=(2, 1), padding=(2, 1, 2, 1)), (1, 16, 16, 16), 16, 3),
        (SAME, (1, 16, 16, 16), 16, 2),
        (SAME, (1, 16, 16, 18), 16, 3),  # channels are read in fours
        (SAME, (1, 16, 16, 16), 3, 3),  # and computed in fours
        (SAME, (1, 16, 16, 4), 4, 3),  # too few channels to pay
        (SAME, (1, 1, 1, 64), 64, 3),  # and here seven of eight outputs would be dropped
    ],
)
def test_what_it_does_not_take(op: Conv2D, x: tuple[int, ...], channels: int, size: int) -> None:
    assert not any(row.fits(site(op, x, channels, size)) for row in winograd_rows())


def test_overlap_and_scratch() -> None:
    """A block's lower right output is two rows and a column beyond where the next block's inputs begin."""
    row = winograd_rows()[1]
    same = site(SAME, (1, 8, 8, 16), 16)
    assert row.overlap(same) == ((2 * 8 + 1) * 16, None, None)
    assert row.scratch(same) == 64 * 16 + 24 * 16
    inside = site(Conv2D(), (1, 6, 10, 16), 20)
    assert row.scratch(inside) == 64 * 16
    assert row.scratch(site(SAME, (1, 7, 8, 16), 64)) == 64 * 16 + 8 * 64
