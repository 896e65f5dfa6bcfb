"""Weights and multipliers of the mve kernels, unpacked again."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.ir.tensor import Array
from edgeq.kernels._shared.site import padded
from edgeq.kernels.mve.depthwise import sources
from edgeq.kernels.mve.pack import (
    BLOCK,
    GROUP,
    block_order,
    channel_order,
    fits_multiplier,
    interleave,
    pack_codes,
    pack_fields,
    pack_groups,
    pack_int4,
    pack_pairs,
    pack_taps,
    pack_vectors,
    pack_windows,
    vector_shift,
)
from edgeq.numerics.fixedpoint import Multiplier, Rounding, quantize_multiplier

SHAPES = [(1, 1), (2, 16), (3, 17), (15, 5), (16, 16), (17, 33), (40, 48), (66, 9)]


def narrowed(slots: Array) -> Array:
    """Sixteen values as the kernels narrow four vectors of them: even and odd halves, then even and odd bytes."""
    v0, v1, v2, v3 = slots.reshape(4, 4)
    halves = [np.stack(pair, axis=1).ravel() for pair in ((v0, v2), (v1, v3))]
    return np.stack(halves, axis=1).ravel()


def weights_of(shape: tuple[int, ...]) -> Array:
    data = np.random.default_rng(sum(shape)).integers(-128, 128, shape).astype(np.int8)
    data.flat[0] = -128
    return data


def unpack(packed: Array, channels: int, k: int, together: int) -> Array:
    """Weights (OC, K), read as the kernels read them, in the kernels' order of channels."""
    steps = padded(k, BLOCK) // BLOCK
    found = np.zeros((padded(channels, together), steps * BLOCK), np.int8)
    vectors = iter(packed.reshape(-1, BLOCK))
    for first in range(0, channels, together):
        for step in range(steps):
            for c in range(first, first + together):
                found[c, step * BLOCK : (step + 1) * BLOCK] = next(vectors)
    assert next(vectors, None) is None
    assert not found[channels:].any()
    assert not found[:, k:].any()
    return found[:channels, :k]


def test_narrowing_restores_the_order_of_channels() -> None:
    np.testing.assert_array_equal(narrowed(channel_order(BLOCK)), np.arange(BLOCK))
    for block in block_order(40, 1).reshape(-1, BLOCK):
        real = narrowed(block)
        np.testing.assert_array_equal(real[real >= 0], np.arange(real[0], min(real[0] + BLOCK, 40)))


@pytest.mark.parametrize("shape", SHAPES)
def test_pairs(shape: tuple[int, int]) -> None:
    weights = weights_of(shape)
    order = channel_order(shape[0])
    assert sorted(order) == list(range(shape[0]))
    np.testing.assert_array_equal(unpack(pack_pairs(weights), *shape, 2), weights[order])


@pytest.mark.parametrize("shape", SHAPES)
def test_groups(shape: tuple[int, int]) -> None:
    weights = weights_of(shape)
    np.testing.assert_array_equal(unpack(pack_groups(weights), *shape, GROUP), weights)


@pytest.mark.parametrize("channels", [1, 4, 8, 15, 16, 17, 33])
@pytest.mark.parametrize("window", [(1, 1), (3, 3), (2, 4), (4, 1)])
def test_windows(channels: int, window: tuple[int, int]) -> None:
    weights = weights_of((*window, channels))
    together = BLOCK // channels if BLOCK % channels == 0 else 1
    order = block_order(channels, together)
    packed = pack_windows(weights, order).reshape(-1, 4, 4)  # (slot, column, row)
    assert len(packed) == padded(channels * together, BLOCK)
    for slot, channel in zip(packed, order, strict=True):
        expected = np.zeros((4, 4), np.int8)
        if channel >= 0:
            expected[: window[1], : window[0]] = weights[:, :, channel].T
        np.testing.assert_array_equal(slot, expected)


@pytest.mark.parametrize("channels", [1, 16, 21])
def test_taps(channels: int) -> None:
    weights = weights_of((6, channels))
    packed = pack_taps(weights)
    assert packed.shape == (padded(channels, BLOCK) // BLOCK, 6, BLOCK)
    found = packed.transpose(1, 0, 2).reshape(6, -1)
    np.testing.assert_array_equal(found[:, :channels], weights)
    assert not found[:, channels:].any()


@pytest.mark.parametrize(("channels", "multiplier"), [(9, 3), (16, 2), (34, 2), (40, 5), (7, 1)])
def test_sources_of_blocks(channels: int, multiplier: int) -> None:
    found = sources(channels, multiplier).reshape(-1, BLOCK)
    for block, own in enumerate(found):
        for lane in range(min(BLOCK, channels - block * BLOCK)):
            c = block * BLOCK + lane
            assert block * BLOCK // multiplier + own[lane] == c // multiplier


def test_multipliers_that_vectors_take() -> None:
    def fits(real: float, rounding: Rounding) -> bool:
        return fits_multiplier(quantize_multiplier([0.001, real], rounding), rounding)

    assert fits(0.999, Rounding.FAST)
    assert not fits(1.0, Rounding.FAST)
    assert fits(0.999, Rounding.DOUBLE)
    assert not fits(1.0, Rounding.DOUBLE)
    assert fits(0.249, Rounding.SINGLE)
    assert not fits(0.25, Rounding.SINGLE)


def test_shifts_of_vectors() -> None:
    multiplier = Multiplier(np.array([1, 1], np.int32), np.array([-2, -9], np.int32))
    assert vector_shift(multiplier, Rounding.FAST) is None
    for rounding, expected in ((Rounding.SINGLE, [-1, -8]), (Rounding.DOUBLE, [-2, -9])):
        found = vector_shift(multiplier, rounding)
        assert found is not None
        assert found.tolist() == expected


def whole_bytes(packed: Array) -> Array:
    """Vectors of weights of 4 bits as two of bytes each, as the kernels unpack them: low halves, high halves."""
    vectors = packed.view(np.uint8).reshape(-1, BLOCK).astype(np.int64)
    halves = np.stack([vectors & 15, vectors >> 4], axis=1)
    return ((halves + 8) % 16 - 8).astype(np.int8).ravel()


@pytest.mark.parametrize("together", [2, GROUP])
@pytest.mark.parametrize("shape", SHAPES)
def test_weights_of_4_bits(shape: tuple[int, int], together: int) -> None:
    weights = np.random.default_rng(shape[1]).integers(-8, 8, shape).astype(np.int8)
    packed = pack_int4(weights, together)
    assert packed.size == padded(shape[0], together) * padded(shape[1], BLOCK) // 2
    np.testing.assert_array_equal(unpack(whole_bytes(packed), *shape, together), weights)


@pytest.mark.parametrize("vectors", [1, 2, 7])
def test_vectors_of_4_bits(vectors: int) -> None:
    weights = np.random.default_rng(vectors).integers(-8, 8, vectors * BLOCK).astype(np.int8)
    unpacked = whole_bytes(pack_vectors(weights))
    np.testing.assert_array_equal(unpacked[: weights.size], weights)
    assert unpacked.size == padded(weights.size, 2 * BLOCK) and not unpacked[weights.size :].any()


@pytest.mark.parametrize("shape", [(1, 1), (3, 9), (8, 16)])
def test_eights_for_int16(shape: tuple[int, int]) -> None:
    weights = weights_of(shape)
    eights = interleave(weights, 2, 8).reshape(padded(shape[0], 2) // 2, -1, 2, 8).transpose(0, 2, 1, 3)
    rows = eights.reshape(padded(shape[0], 2), -1)
    np.testing.assert_array_equal(rows[: shape[0], : shape[1]], weights)
    assert rows.shape[1] == padded(shape[1], 8) and not rows[:, shape[1] :].any() and not rows[shape[0] :].any()


@pytest.mark.parametrize("bits", [1, 2])
@pytest.mark.parametrize(("channels", "k"), [(1, 3), (8, 16), (13, 33)])
def test_fields(channels: int, k: int, bits: int) -> None:
    rng = np.random.default_rng(k)
    weights = rng.integers(-2, 2, (channels, k)) if bits == 2 else 2 * rng.integers(0, 2, (channels, k)) - 1
    packed, per = pack_fields(weights.astype(np.int8), bits), 8 // bits
    assert packed.shape == (-(-channels // per), -(-k // BLOCK) * BLOCK) and packed.dtype == np.int8
    masks = (1 << bits) - 1 << bits * np.arange(per)
    fields = (packed[:, None] & masks[:, None].astype(np.uint8).view(np.int8)).astype(np.int64)
    scaled = fields >> bits * np.arange(per)[:, None]  # the last of a byte is negative where its highest bit is set
    offset = np.where(np.arange(per) == per - 1, 0, -2) if bits == 2 else np.where(np.arange(per) == per - 1, 1, -1)
    found = (scaled * (3 - bits) + offset[:, None]).reshape(-1, packed.shape[1])
    np.testing.assert_array_equal(found[:channels, :k], weights)


@pytest.mark.parametrize("bits", [2, 4])
def test_codes(bits: int) -> None:
    rng = np.random.default_rng(bits)
    weights = rng.choice(rng.integers(-127, 128, 1 << bits), (5, 21)).astype(np.int8)
    table, packed = pack_codes(weights, bits)
    places = packed.view(np.uint8)[:, None] >> bits * np.arange(8 // bits)[:, None] & (1 << bits) - 1
    assert len(table) == 1 << bits and packed.shape == (bits, 32)
    np.testing.assert_array_equal(table[places].reshape(8, 32)[:5, :21], weights)
