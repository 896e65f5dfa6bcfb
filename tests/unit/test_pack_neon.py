"""Weights and channels of the Neon kernels, unpacked again."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.ir.tensor import Array
from edgeq.kernels.neon.depthwise import Together, in_lanes, lanes_of, pack_columns, pack_taps, together_of
from edgeq.kernels.neon.pack import (
    blocks_of,
    fours,
    order_of,
    padded_lines,
    per_block,
    takes_multiplier,
    turned_pairs,
    weights_in_order,
)
from edgeq.numerics.fixedpoint import Rounding, quantize_multiplier

SHAPES = ((1, 1, 1), (7, 1, 8), (8, 3, 5), (12, 1, 40), (16, 2, 16), (20, 3, 48), (25, 1, 27), (64, 1, 64))
"""Channels, lines of a window, taps of a line."""


@pytest.mark.parametrize(
    ("channels", "blocks"),
    [
        (1, ((0, 8),)),
        (8, ((0, 8),)),
        (12, ((0, 8), (4, 8))),
        (16, ((0, 16),)),
        (20, ((0, 16), (12, 8))),
        (24, ((0, 16), (16, 8))),
        (25, ((0, 16), (9, 16))),
        (64, ((0, 16), (16, 16), (32, 16), (48, 16))),
    ],
)
def test_blocks(channels: int, blocks: tuple[tuple[int, int], ...]) -> None:
    assert blocks_of(channels) == blocks
    order = order_of(blocks, channels)
    assert set(order.tolist()) - {-1} == set(range(channels))
    assert (order == -1).any() == (channels < 8)


def lined_weights(shape: tuple[int, int, int]) -> tuple[Array, Array, tuple[tuple[int, int], ...]]:
    """Random weights, the same in the order of blocks with filled-up lines, and the blocks."""
    channels, lines, run = shape
    weights = np.random.default_rng(sum(shape)).integers(-127, 128, (channels, lines * run)).astype(np.int8)
    blocks = blocks_of(channels)
    order = order_of(blocks, channels)
    lined = padded_lines(weights_in_order(weights, order), lines)
    for position, channel in enumerate(order):
        expected = weights[channel].reshape(lines, run) if channel >= 0 else 0
        np.testing.assert_array_equal(lined[position, :, :run], expected)
    assert lined.shape[2] % 8 == 0 and not lined[:, :, run:].any()
    return weights, lined, blocks


@pytest.mark.parametrize("shape", SHAPES)
def test_fours(shape: tuple[int, int, int]) -> None:
    """Read as the kernel reads them: per block, four taps of each channel."""
    _, lined, blocks = lined_weights(shape)
    values, q = iter(per_block(lined, blocks, fours).tolist()), 0
    for _, size in blocks:
        flat = lined[q : q + size].reshape(size, -1)
        for k in range(0, flat.shape[1], 4):
            assert [next(values) for _ in range(4 * size)] == flat[:, k : k + 4].ravel().tolist()
        q += size
    assert next(values, None) is None


@pytest.mark.parametrize("shape", SHAPES)
def test_turned_pairs(shape: tuple[int, int, int]) -> None:
    """As the kernel multiplies: windows are turned by a pair three times, and every channel meets all taps."""
    _, lined, blocks = lined_weights(shape)
    x = np.random.default_rng(1).integers(-128, 128, lined.shape[1:])
    packed, at, q = per_block(lined, blocks, turned_pairs), 0, 0
    for _, size in blocks:
        sums = np.zeros(size, np.int64)
        for line in x:
            for k in range(0, len(line), 16):
                pairs = line[k : k + 16].reshape(-1, 2)
                for turn in range(len(pairs) // 2):
                    if len(pairs) == 8:
                        taps = np.roll(pairs, -turn, axis=0)
                    else:  # twice, the second time turned by one
                        taps = np.concatenate([np.roll(pairs, -2 * turn - half, axis=0) for half in range(2)])
                    for channel in range(0, size, 4):
                        w = packed[at : at + 16].reshape(-1, 4, 2)
                        sums[channel : channel + 4] += (w * taps.reshape(-1, 4, 2)).sum(axis=(0, 2))
                        at += 16
        np.testing.assert_array_equal(sums, (lined[q : q + size] * x).sum(axis=(1, 2)))
        q += size
    assert at == packed.size


@pytest.mark.parametrize(
    ("factor", "rounding", "taken"),
    [
        (0.9, Rounding.FAST, True),
        (1.5, Rounding.FAST, False),
        (0.4, Rounding.SINGLE, True),
        (0.6, Rounding.SINGLE, False),
        (0.4, Rounding.DOUBLE, True),
        (0.6, Rounding.DOUBLE, False),
    ],
)
def test_multipliers(factor: float, rounding: Rounding, taken: bool) -> None:
    assert takes_multiplier(quantize_multiplier(np.array([factor]), rounding), rounding) == taken


@pytest.mark.parametrize(
    ("channels", "flat", "lanes"),
    [
        (4, True, [0, 1, 2, 3] * 4),
        (3, False, [0, 1, 2, *[-1] * 13]),
        (16, False, list(range(16))),
        (20, False, [*range(16), *range(4, 20)]),
    ],
)
def test_lanes(channels: int, flat: bool, lanes: list[int]) -> None:
    assert lanes_of(channels, flat).tolist() == lanes


def test_taps() -> None:
    weights = np.random.default_rng(3).integers(-127, 128, (3, 3, 20)).astype(np.int8)
    packed = pack_taps(in_lanes(weights, lanes_of(20, False))).reshape(2, 10, 16)
    np.testing.assert_array_equal(packed[0, :9], weights[..., :16].reshape(9, 16))
    np.testing.assert_array_equal(packed[1, :9], weights[..., 4:].reshape(9, 16))
    assert not packed[:, 9].any()


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "together"),
    [
        (3, 1, 1, Together(2, 1, 1)),
        (3, 2, 1, Together(1, 2, 1)),
        (1, 1, 1, Together(4, 1, 1)),
        (5, 2, 1, Together(2, 2, 2)),
        (3, 1, 2, Together(1, 1, 1)),
    ],
)
def test_columns(kernel: int, stride: int, dilation: int, together: Together) -> None:
    """Each output row's weights are beside the rows of the column that its window sees; others are 0."""
    assert together_of(kernel, stride, dilation) == together
    weights = np.random.default_rng(4).integers(-127, 128, (kernel, 3, 16)).astype(np.int8)
    shape = (together.count, 3, together.fours, 16, 4)
    packed = pack_columns(in_lanes(weights, lanes_of(16, False)), together).reshape(shape)
    for row, columns in enumerate(packed):
        seen = columns.transpose(1, 3, 0, 2).reshape(-1, 3, 16)
        np.testing.assert_array_equal(seen[row * stride : row * stride + kernel], weights)
        assert np.abs(seen).sum() == np.abs(weights.astype(np.int64)).sum()
