"""Packed weights, unpacked again."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.ir.tensor import Array
from edgeq.kernels.dsp.pack import (
    channel_groups,
    fields_step,
    fit_mixed,
    mixed_signs,
    pack_biases,
    pack_codes,
    pack_columns,
    pack_entries,
    pack_fields,
    pack_fours,
    pack_grouped,
    pack_int4_groups,
    pack_pairs,
    pack_trellis,
)
from edgeq.kernels.dsp.svdf import pack_time

Unpacked = tuple[Array, Array, Array]


def unpack(stream: Array, channels: int, k: int, size: int, mixed: bool) -> Unpacked:
    """Weights (OC, K), biases and multipliers, read as the kernels read them."""
    padded = (k + 3) // 4 * 4
    block = 2 * size + padded * size // 4
    groups = stream.reshape(-1, block)
    assert len(groups) == len(channel_groups(channels, size))
    weights, bias, multipliers = (np.zeros((channels + size, *s), np.int64) for s in ((padded,), (), ()))
    for first, group in zip(channel_groups(channels, size), groups, strict=True):
        words = group[size:-size].astype("<i4").view("<i2").astype(np.int64).reshape(-1, size // 2, 2)
        for pair in range(size // 2):
            half = words[:, pair, :]  # (k / 2, 2)
            a = half.astype(np.int8).astype(np.int64)
            b = (half - a) >> 8 if mixed else half >> 8
            for which, values in ((0, a), (1, b)):
                c = first + 2 * pair + which
                weights[c] = values.reshape(-1, 2, 2).transpose(0, 2, 1).ravel()
                sums = group[2 * pair : 2 * pair + 2].astype(np.int64)
                bias[c] = (sums[1] - sums[0]) >> 8 if mixed and which else sums[which]
                multipliers[c] = group[block - size + 2 * pair + which]
                if multipliers[c] < 0:
                    weights[c], bias[c], multipliers[c] = -weights[c], -bias[c], -multipliers[c]
    assert not weights[channels:].any()
    assert not weights[:, k:].any()
    return weights[:channels, :k], bias[:channels], multipliers[:channels]


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("shape", [(1, 1), (2, 4), (3, 7), (5, 9), (6, 18), (8, 3), (11, 30)])
def test_unpacked_are_the_same(shape: tuple[int, int], size: int, mixed: bool) -> None:
    rng = np.random.default_rng(sum(shape))
    weights = rng.integers(-127, 128, shape).astype(np.int8)
    weights[-1, -1] = -128
    bias = rng.integers(-(2**20), 2**20, shape[0]).astype(np.int32)
    multipliers = rng.integers(1, 2**31, shape[0])
    pack = pack_pairs if size == 2 else pack_fours
    found = unpack(pack(weights, bias, multipliers, mixed), *shape, size, mixed)
    for got, expected in zip(found, (weights, bias, multipliers), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_more_than_one_row_of_multipliers() -> None:
    """As kernels that round otherwise than FAST have it: the first row follows the weights, then the next."""
    rng = np.random.default_rng(3)
    weights, bias = rng.integers(-127, 128, (5, 9)).astype(np.int8), rng.integers(-99, 100, 5).astype(np.int32)
    rows = rng.integers(1, 2**31, (3, 5))
    whole = pack_pairs(weights, bias, rows, True).reshape(3, -1)
    np.testing.assert_array_equal(whole[:, :-4].ravel(), pack_pairs(weights, bias, rows[0], True))
    for number, row in enumerate(rows):
        at = whole.shape[1] - 6 + 2 * number
        np.testing.assert_array_equal(whole[:, at : at + 2], [row[c : c + 2] for c in channel_groups(5, 2)])


def test_without_multipliers() -> None:
    weights = np.arange(-6, 6, dtype=np.int8).reshape(3, 4)
    bias = np.array([1, 2, 3], np.int32)
    plain = pack_pairs(weights, bias, None, False)
    whole = pack_pairs(weights, bias, np.array([7, 8, 9]), False)
    np.testing.assert_array_equal(plain.reshape(2, -1), whole.reshape(2, -1)[:, :-2])


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("channels", range(1, 18))
def test_groups_cover_all_channels_in_order(channels: int, size: int) -> None:
    groups = channel_groups(channels, size)
    assert sorted({g + i for g in groups for i in range(size)} & set(range(channels))) == list(range(channels))
    assert list(groups) == sorted(groups)
    assert len(groups) == -(-channels // size)
    assert channels < size or groups[-1] + size == channels


@pytest.mark.parametrize("a", [-128, -1, 0, 127])
def test_one_least_weight_can_be_mixed(a: int) -> None:
    first, second = np.array([a, 5], np.int8), np.array([-128, 127], np.int8)
    signs = mixed_signs(first, second)
    assert signs is not None
    half = signs[0] * first.astype(int) + 256 * signs[1] * second.astype(int)
    np.testing.assert_array_equal(half, half.astype(np.int16))
    np.testing.assert_array_equal(half.astype(np.int8), signs[0] * first.astype(int))


def test_what_cannot_be_mixed() -> None:
    bias = np.zeros(2, np.int32)
    small = np.full((2, 8), -127, np.int8)
    assert fit_mixed(small, bias, 2)
    assert fit_mixed(np.full((2, 8), -128, np.int8), bias, 2)
    assert not fit_mixed(np.array([[1, -1], [-128, -128]], np.int8), bias, 2)
    assert not fit_mixed(small, np.array([0, -(2**23)], np.int32), 2)
    assert not fit_mixed(np.full((2, 600), 127, np.int8), bias, 2)


@pytest.mark.parametrize(
    ("bias", "factors", "size"),
    [
        ([0, 0], [0, 0], 4),
        ([-1, 5], [1, 7], 4),
        ([-(2**20), 2**20 - 1], [2**11 - 1, 1], 4),
        ([-(2**20), 2**20], [2**10, 1], 5),
        ([-(2**20), 2**20], [2**30, 2**29], 4),
        ([2**31 - 1, -(2**31)], [2**30, 2**30], 5),
        ([2**31 - 1, -(2**31)], [2**31 - 1, 0], 8),
        ([2**31 - 1, -(2**31)], [2**31 - 64, 0], 8),
        ([2**25 - 1, -(2**25)], [2**30 - 1, 1], 7),
        ([0, -1], [2**31 - 1, 1], 4),
    ],
)
def test_unpacked_entries_are_the_same(bias: list[int], factors: list[int], size: int) -> None:
    """As `eq_channel_of` reads them."""
    found = pack_entries(np.array(bias, np.int32), np.array(factors, np.int64))
    assert found.data.shape == (2, size)
    high = np.ascontiguousarray(found.data[:, -4:]).view("<i4").ravel()
    low = np.ascontiguousarray(found.data[:, :4]).view("<u4").ravel()
    assert 0 <= found.bias_right < 32 and 0 <= found.factor_left < 32 and 0 <= found.factor_right < 32
    np.testing.assert_array_equal(high >> found.bias_right, bias)
    np.testing.assert_array_equal((low << np.uint32(found.factor_left)) >> np.uint32(found.factor_right), factors)


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize(("channels", "k"), [(1, 3), (2, 8), (5, 6), (9, 13)])
def test_weights_of_four_bits(channels: int, k: int, size: int) -> None:
    rng = np.random.default_rng(channels)
    filled = max(channels, size)
    weights = np.zeros((filled, -(-k // 4) * 4), np.int8)
    weights[:channels, :k] = rng.integers(-8, 8, (channels, k))
    bias, multipliers = rng.integers(-99, 99, channels), rng.integers(1, 2**30, channels)
    starts, steps = channel_groups(channels, size), -(-k // 4)
    packed = pack_int4_groups(weights[:channels, :k], size, (bias, multipliers))
    groups = packed.reshape(len(starts), size // 2 * steps + 2 * size)
    for first, group in zip(starts, groups, strict=True):
        there = min(size, channels - first)
        assert group[-2 * size :][:there].tolist() == bias[first : first + size].tolist()
        assert group[-size:][:there].tolist() == multipliers[first : first + size].tolist()
        words = group[: -2 * size].reshape(steps, size // 2)
        for channel in range(first, first + size):
            pair = np.ascontiguousarray(words[:, (channel - first) // 2]).astype("<i4").view("<u2").astype(np.int64)
            for odd in range(2):  # halves hold k 0 and 1, then 2 and 3, of each four
                nibbles = (pair >> 4 * ((channel - first) % 2 + 2 * odd) & 15 ^ 8) - 8
                assert nibbles.tolist() == weights[channel][odd::2].tolist()


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("bits", [1, 2])
@pytest.mark.parametrize(("channels", "k"), [(1, 3), (2, 16), (5, 6), (9, 21)])
def test_fields(channels: int, k: int, bits: int, size: int) -> None:
    rng = np.random.default_rng(channels)
    weights = rng.integers(-2, 2, (channels, k)) if bits == 2 else 2 * rng.integers(0, 2, (channels, k)) - 1
    bias, factors = rng.integers(-99, 99, channels), rng.integers(1, 2**30, channels)
    whole = -(-k // fields_step(size, bits)) * fields_step(size, bits)
    starts = channel_groups(channels, size)
    groups = pack_fields(weights.astype(np.int8), size, bits, bias, factors).reshape(len(starts), -1)
    assert groups.shape[1] == 2 * size + size * whole * bits // 32  # no bit is wasted
    for first, group in zip(starts, groups, strict=True):
        there = min(size, channels - first)
        assert group[:size][:there].tolist() == bias[first : first + size].tolist()
        assert group[-size:][:there].tolist() == factors[first : first + size].tolist()
        halves = np.ascontiguousarray(group[size:-size]).view("<u2").astype(np.int64).reshape(-1, 1, 2)
        fields = halves >> bits * np.arange(16 // bits)[:, None] & (1 << bits) - 1  # word, field, half
        found = fields.reshape(whole // 4, 2, size, 2).transpose(2, 0, 3, 1).reshape(size, whole)
        read = found - 2 if bits == 2 else 2 * found - 1
        np.testing.assert_array_equal(read[:there, :k], weights[first : first + there])


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize(("channels", "k"), [(1, 3), (4, 8), (7, 6)])
def test_codes(channels: int, k: int, bits: int) -> None:
    rng = np.random.default_rng(channels)
    weights = rng.choice(rng.integers(-127, 128, 1 << bits), (channels, k)).astype(np.int8)
    bias = rng.integers(-99, 99, channels)
    table, words = pack_codes(weights, bits, bias, None)
    assert len(table) == 1 << bits and table.dtype == np.int8
    starts, fours = channel_groups(channels, 4), -(-k // 4)
    for first, group in zip(starts, words.reshape(len(starts), -1), strict=True):
        there = min(4, channels - first)
        assert group[:4][:there].tolist() == bias[first : first + 4].tolist() and len(group) == 4 + fours * bits // 2
        stream = np.unpackbits(np.ascontiguousarray(group[4:]).view(np.uint8), bitorder="little")
        codes = stream.reshape(fours, 2, 4, 2, bits) @ (1 << np.arange(bits))  # four, odd, channel, half
        found = table[codes.transpose(2, 0, 3, 1).reshape(4, -1)]
        np.testing.assert_array_equal(found[:there, :k], weights[first : first + there])


@pytest.mark.parametrize(("channels", "k"), [(1, 3), (2, 16), (5, 37)])
def test_trellis(channels: int, k: int) -> None:
    rng = np.random.default_rng(channels)
    codes, bias, factors = rng.integers(0, 4, (channels, k)), rng.integers(-99, 99, channels), np.arange(channels)
    steps = -(-k // 16)
    words = pack_trellis(codes, bias, factors).reshape(-1, 4 + 2 * steps)
    starts = [min(c, max(channels - 2, 0)) for c in range(0, channels, 2)]
    for first, group in zip(starts, words, strict=True):
        there = min(2, channels - first)
        assert group[:2][:there].tolist() == bias[first : first + 2].tolist()
        assert group[-2:][:there].tolist() == factors[first : first + 2].tolist()
        stream = np.unpackbits(np.ascontiguousarray(group[2:-2]).view(np.uint8), bitorder="little")
        found = (stream.reshape(steps, 2, 16, 2) @ (1, 2)).transpose(1, 0, 2).reshape(2, -1)
        np.testing.assert_array_equal(found[:there, :k], codes[first : first + there])


@pytest.mark.parametrize(("bits", "zeros"), [(1, False), (2, False), (2, True), (4, False), (4, True)])
def test_groups(bits: int, zeros: bool) -> None:
    rng = np.random.default_rng(bits)
    shape, size = (5, 43), 16
    weights = 2 * rng.integers(0, 2, shape) - 1 if bits == 1 else rng.integers(-1 << bits - 1, 1 << bits - 1, shape)
    bias, factors = rng.integers(-99, 99, 5), rng.integers(1, 256, (5, 3))
    points = rng.integers(-1 << bits - 1, 1 << bits - 1, (5, 3)) if zeros else None
    words = pack_grouped(weights.astype(np.int8), bits, bias, factors, size, points)
    sizes = [1 + zeros + (min(size, 48 - k) >> 3) * bits for k in range(0, 48, size)]
    for first, four in zip((0, 4), words.reshape(2, 4 + sum(sizes)), strict=True):
        there = min(4, 5 - first)
        assert four[:there].tolist() == bias[first : first + 4].tolist()
        for group, part in enumerate(np.split(four[4:], np.cumsum(sizes)[:-1])):
            assert part[:1].view(np.uint8)[:there].tolist() == factors[first : first + 4, group].tolist()
            if points is not None:
                as_fields = (points[first : first + 4, group] + (1 << bits - 1)) * (2 if bits == 2 else 1)
                assert part[1:2].view(np.uint8)[:there].tolist() == as_fields.tolist()
            halves = np.ascontiguousarray(part[1 + zeros :]).view("<u2").astype(np.int64).reshape(-1, 1, 2)
            fields = halves >> bits * np.arange(16 // bits)[:, None] & (1 << bits) - 1
            found = fields.reshape(-1, 2, 4, 2).transpose(2, 0, 3, 1).reshape(4, -1)
            read = 2 * found - 1 if bits == 1 else found - (1 << bits - 1)
            expected = weights[first : first + 4, size * group : size * (group + 1)]
            np.testing.assert_array_equal(read[:there, : expected.shape[1]], expected)


@pytest.mark.parametrize("memory", [1, 4, 6, 7])
def test_weights_over_time(memory: int) -> None:
    """Halves are pairs with a zero after an odd one; bytes are pairs of every four, and words of what is left."""
    weights = np.random.default_rng(memory).integers(-32768, 32768, (3, memory))
    halves = pack_time(weights, bytes=False).view("<i2").reshape(3, -1)
    np.testing.assert_array_equal(halves, np.pad(weights, ((0, 0), (0, memory % 2))))
    words = pack_time(weights, bytes=True).reshape(3, -1)
    whole = memory // 4 * 4
    fours = words[:, : whole // 2].copy().view("<i2").reshape(3, -1, 4)[:, :, [0, 2, 1, 3]]
    np.testing.assert_array_equal(fours.reshape(3, -1), weights[:, :whole])
    np.testing.assert_array_equal(words[:, whole // 2 :], weights[:, whole:])


@pytest.mark.parametrize(("taps", "channels"), [(1, 4), (5, 8), (6, 11), (23, 5)])
def test_columns(taps: int, channels: int) -> None:
    """Every group holds its biases and factors, and each channel's taps two to a word, filled up with a zero."""
    rng = np.random.default_rng(taps)
    weights = rng.integers(-32768, 32768, (taps, channels))
    bias, factors = rng.integers(-(2**31), 2**31, channels), rng.integers(0, 2**31, channels)
    groups = [min(c, channels - 4) for c in range(0, channels, 4)]
    packed = pack_columns(weights, bias, factors).reshape(len(groups), -1, 4)
    assert packed.shape[1] == 2 + (taps + 1) // 2
    for group, first in zip(packed, groups, strict=True):
        np.testing.assert_array_equal(group[0], bias[first : first + 4])
        np.testing.assert_array_equal(group[1], factors[first : first + 4])
        halves = group[2:].copy().view(np.int16).reshape(-1, 4, 2).transpose(0, 2, 1).reshape(-1, 4)
        np.testing.assert_array_equal(halves[:taps], weights[:, first : first + 4])
        assert not halves[taps:].any()


@pytest.mark.parametrize("bias", [[0, -1], [127, -128, 5], [128], [-(2**15), 3], [2**23 - 1, -(2**23)], [2**31 - 1, 0]])
def test_biases_in_as_few_bytes_as_they_need(bias: list[int]) -> None:
    data, size = pack_biases(np.array(bias, np.int32))
    assert size == max((b.bit_length() if b >= 0 else (~b).bit_length()) // 8 + 1 for b in bias)
    assert data.size == size * len(bias) + 4 - size
    words = [int.from_bytes(data[k * size :][:size].tobytes(), "little", signed=True) for k in range(len(bias))]
    assert words == bias
