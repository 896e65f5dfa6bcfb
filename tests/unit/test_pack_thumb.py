"""Packed weights of the kernels for cores without SIMD, unpacked again."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.ir.tensor import Array
from edgeq.kernels._shared.nibbles import pack_halves
from edgeq.kernels.thumb.pack import (
    LANE_MAX,
    LANE_MIN,
    LONGEST,
    block_lengths,
    pack_blocks,
    pack_codes,
    pack_field_fours,
    pack_fields,
    pack_fours,
    pack_int4,
    pack_int4_fours,
)

SHAPES = [(1, 1), (3, 9), (5, 40), (2, 600)]


def draw(shape: tuple[int, int], reach: int = 127) -> Array:
    """Random weights."""
    return np.random.default_rng(shape[0] * 1000 + shape[1]).integers(-reach, reach + 1, shape).astype(np.int8)


def blocks_of(data: Array) -> list[list[Array]]:
    """Per channel its blocks, read as the kernel reads them."""
    channels: list[list[Array]] = [[]]
    at = 0
    while at < data.size:
        length = int(data[at].view(np.uint8))
        if length:
            channels[-1].append(data[at + 1 : at + 1 + length])
        else:
            channels.append([])
        at += 1 + length
    assert channels.pop() == []
    return channels


@pytest.mark.parametrize("reach", [127, 20, 0])
@pytest.mark.parametrize("shape", SHAPES)
def test_blocks_hold_the_weights(shape: tuple[int, int], reach: int) -> None:
    weights = draw(shape, reach)
    packed = pack_blocks(weights)
    found = blocks_of(packed.data)
    assert [np.concatenate(blocks).tolist() for blocks in found] == weights.tolist()
    assert [len(blocks) for blocks in found] == packed.counts.tolist()


@pytest.mark.parametrize("shape", SHAPES)
def test_no_activation_can_leave_a_lane(shape: tuple[int, int]) -> None:
    for blocks in blocks_of(pack_blocks(draw(shape)).data):
        for block in blocks:
            products = np.sort(np.outer(np.array([-128, 127]), block.astype(np.int64)), axis=0)
            assert products[0].sum() >= LANE_MIN and products[1].sum() <= LANE_MAX


def test_blocks_are_as_long_as_they_can_be() -> None:
    assert block_lengths(np.full(5, 127, np.int8)) == [2, 2, 1]
    assert block_lengths(np.full(5, -128, np.int8)) == [1, 1, 1, 1, 1]
    assert block_lengths(np.full(9, 64, np.int8)) == [4, 4, 1]
    assert block_lengths(np.full(9, -64, np.int8)) == [3, 3, 3]
    assert block_lengths(np.zeros(LONGEST + 1, np.int8)) == [LONGEST, 1]


@pytest.mark.parametrize("shape", [(1, 1), (4, 3), (7, 5), (12, 30)])
def test_fours(shape: tuple[int, int]) -> None:
    weights = draw(shape)
    words = pack_fours(weights).reshape(-1, shape[1], 4)
    assert len(words) == -(-shape[0] // 4)
    lower = words[..., [0, 2]].view(np.uint8).astype(np.int64) - 128
    upper = words[..., [1, 3]].astype(np.int64)
    channels = np.stack([lower[..., 0], upper[..., 0], lower[..., 1], upper[..., 1]], axis=1).reshape(-1, shape[1])
    assert channels[: shape[0]].tolist() == weights.tolist()
    assert not channels[shape[0] :].any()


def nibbles(words: Array) -> Array:
    """The eight parts of each word (…), lowest first, 0 to 15: (…, 8)."""
    return words[..., None].astype(np.int64) >> 4 * np.arange(8) & 15


def signed(parts: Array) -> Array:
    """Parts of 4 bits as integers."""
    return (parts + 8) % 16 - 8


def draw4(shape: tuple[int, int]) -> Array:
    """Random weights of 4 bits."""
    return np.random.default_rng(shape[1]).integers(-8, 8, shape).astype(np.int8)


@pytest.mark.parametrize("shape", [(1, 1), (3, 9), (5, 40), (2, 601)])
def test_int4(shape: tuple[int, int]) -> None:
    weights = draw4(shape)
    packed = pack_int4(weights)
    found = signed(nibbles(packed.data)).reshape(shape[0], 8 * packed.words)
    assert found[:, packed.skipped :].tolist() == weights.tolist()
    assert packed.skipped < 8 and packed.words == -(-shape[1] // 8)
    for block in np.split(found, range(8 * packed.block, 8 * packed.words, 8 * packed.block), axis=1):
        extremes = [np.where((block < 0) == negative, -128, 127) * block for negative in (False, True)]
        assert min(e.sum(axis=1).min() for e in extremes) >= LANE_MIN
        assert max(e.sum(axis=1).max() for e in extremes) <= LANE_MAX


def test_blocks_of_int4_are_as_long_as_they_can_be() -> None:
    assert pack_int4(np.full((2, 64), -8, np.int8)).block == 3
    assert pack_int4(np.full((2, 64), 7, np.int8)).block == 4
    assert pack_int4(np.full((2, 1024), 1, np.int8)).block == 32


@pytest.mark.parametrize("shape", [(1, 1), (4, 3), (7, 6), (12, 33)])
def test_int4_fours(shape: tuple[int, int]) -> None:
    weights, (channels, depth) = draw4(shape), shape
    parts = nibbles(pack_int4_fours(weights)) - 8  # fours, words, parts
    assert parts.shape == (-(-channels // 4), -(-depth // 2), 8)
    # Lowest bits: row 0 and, in the upper half, 1; then 2 and 3; then those of the second step.
    steps = np.stack([parts[..., [0, 4, 1, 5]], parts[..., [2, 6, 3, 7]]], axis=2).reshape(len(parts), -1, 4)
    rows = steps.transpose(0, 2, 1).reshape(-1, steps.shape[1])
    assert rows[:channels, depth % 2 :].tolist() == weights.tolist()


@pytest.mark.parametrize("count", [1, 8, 27])
def test_halves(count: int) -> None:
    weights = draw4((1, count))
    parts = signed(nibbles(pack_halves(weights)))
    unpacked = parts.reshape(-1, 4, 2).transpose(0, 2, 1).ravel()
    assert unpacked[:count].tolist() == weights.ravel().tolist() and not unpacked[count:].any()


@pytest.mark.parametrize("bits", [1, 2])
@pytest.mark.parametrize("shape", [(1, 1), (4, 8), (5, 37)])
def test_fields(shape: tuple[int, int], bits: int) -> None:
    rng = np.random.default_rng(shape)
    weights = (rng.integers(-2, 2, shape) if bits == 2 else 2 * rng.integers(0, 2, shape) - 1).astype(np.int8)
    packed, each = pack_fields(weights, bits), 32 // bits
    stream = np.unpackbits(packed.data.view(np.uint8), bitorder="little").reshape(shape[0], -1, bits)
    read = stream @ np.array([1, -2] if bits == 2 else [-2])  # two's complement; of 1 bit −1 stands for −1, 0 for 1
    assert packed.words == -(-shape[1] // each) and packed.skipped == packed.words * each - shape[1]
    np.testing.assert_array_equal(read[:, packed.skipped :] + (bits == 1), weights)
    assert not read[:, : packed.skipped].any()
    words = pack_field_fours(weights, bits)
    assert words.shape == (-(-shape[0] // 4), -(-shape[1] * bits // 8))
    for row in range(shape[0]):
        for k in range(shape[1]):
            at = 16 * (row % 2) + bits * (row % 4 // 2 + 2 * (k % (8 // bits)))
            field = int(words[row // 4, k * bits // 8]) >> at & (1 << bits) - 1
            assert (field - 2 if bits == 2 else 2 * field - 1) == weights[row, k]


@pytest.mark.parametrize("bits", [2, 4])
def test_codes(bits: int) -> None:
    rng = np.random.default_rng(bits)
    weights = rng.choice(rng.integers(-127, 128, 1 << bits), (5, 7)).astype(np.int8)
    table, words = pack_codes(weights, bits)
    assert len(table) == 1 << bits and words.shape == (2, -(-7 * bits // 4))
    for row in range(5):
        for k in range(7):
            at = bits * (row % 4) + 8 * (k % 2 if bits == 2 else 0)
            assert table[int(words[row // 4, k * bits // 4]) >> at & (1 << bits) - 1] == weights[row, k]
