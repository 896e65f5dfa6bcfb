"""Weights of the Armv6-M kernels, which compute two products per multiplication in lanes of 16 bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.ir.tensor import Array
from edgeq.kernels._shared.nibbles import Words, words_of
from edgeq.kernels._shared.site import padded

LANE_MIN, LANE_MAX = -(2**15), 2**15 - 1
LONGEST = 255
"""The most weights of a block: its length is a byte."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """The weights of all channels in blocks whose sums stay within a lane, whatever the activations.

    Attributes:
        data: int8; per channel its blocks, then a byte 0. A block is a byte with its length, then the weights.
        counts: uint16 (channels): blocks of each.
    """

    data: Array
    counts: Array


def block_lengths(weights: Array) -> list[int]:
    """Cut one channel's weights, int8 (K), into the fewest blocks whose sums stay within a lane."""
    w = weights.astype(np.int64)
    low, high = np.minimum(-128 * w, 127 * w), np.maximum(-128 * w, 127 * w)
    lengths: list[int] = []
    least = most = length = 0
    for a, b in zip(low.tolist(), high.tolist(), strict=True):
        if length == LONGEST or least + a < LANE_MIN or most + b > LANE_MAX:
            lengths.append(length)
            least = most = length = 0
        least, most, length = least + a, most + b, length + 1
    return [*lengths, length]


def pack_blocks(weights: Array) -> Blocks:
    """Pack weights, int8 (channels, K), K ≥ 1."""
    parts: list[Array] = []
    counts = []
    for row in weights:
        lengths = block_lengths(row)
        counts.append(len(lengths))
        start = 0
        for length in lengths:
            parts += [np.array([length], np.uint8).view(np.int8), row[start : start + length].astype(np.int8)]
            start += length
        parts.append(np.zeros(1, np.int8))
    return Blocks(np.concatenate(parts), np.array(counts, np.uint16))


def pack_fours(weights: Array) -> Array:
    """Weights (OC, K) of a fully connected layer for Armv7-M: int8 (⌈OC/4⌉, K, 4), channels padded with zeros.

    A word holds a weight of four channels. It is multiplied in two parts of two bytes each, whose lower byte counts
    from 0 to 255: bytes 0 and 2, the lower ones, hold the weight + 128; 3 and 1 are the upper ones.
    """
    channels, depth = weights.shape
    whole = np.zeros((-(-channels // 4) * 4, depth), np.int64)
    whole[:channels] = weights
    fours = whole.reshape(-1, 4, depth).transpose(0, 2, 1).copy()
    fours[..., 0] += 128
    fours[..., 2] += 128
    return np.ascontiguousarray(fours.astype(np.uint8)).view(np.int8)


@dataclass(frozen=True, eq=False)
class Int4:
    """Weights of 4 bits of all channels (eq_thumb_int4).

    Attributes:
        data: per channel `words` of eight weights, filled up at the beginning.
        words: of a channel.
        block: words whose sums stay within a lane, whatever the activations, in every channel.
        skipped: what of each channel's first word is no weight, 0 to 7.
    """

    data: Words
    words: int
    block: int
    skipped: int


def longest_block(eights: Array) -> int:
    """Of how many words of weights, int64 (channels, words, weights), sums surely stay within a lane."""
    low = np.minimum(-128 * eights, 127 * eights).sum(axis=2)
    high = np.maximum(-128 * eights, 127 * eights).sum(axis=2)

    def stays(block: int) -> bool:
        starts = np.arange(0, low.shape[1], block)
        least, most = np.add.reduceat(low, starts, axis=1).min(), np.add.reduceat(high, starts, axis=1).max()
        return bool(least >= LANE_MIN and most <= LANE_MAX)

    return next(block for block in range(low.shape[1], 0, -1) if stays(block))


def pack_int4(weights: Array) -> Int4:
    """Weights (channels, K) of 4 bits, K ≥ 1."""
    channels, depth = weights.shape
    skipped = padded(depth, 8) - depth
    eights = np.pad(weights.astype(np.int64), ((0, 0), (skipped, 0))).reshape(channels, -1, 8)
    return Int4(words_of(eights).ravel(), eights.shape[1], longest_block(eights), skipped)


def pack_fields(weights: Array, bits: int) -> Int4:
    """Weights (channels, K) of 2 bits, or of 1, K ≥ 1, as `pack_int4` does: 16 or 32 in a word.

    Those of 1 bit become 0 for 1 and −1 for −1, as which they are multiplied.
    """
    each = 32 // bits
    signed = weights.astype(np.int64) if bits == 2 else (weights.astype(np.int64) - 1) // 2
    skipped = padded(weights.shape[1], each) - weights.shape[1]
    words = np.pad(signed, ((0, 0), (skipped, 0))).reshape(len(weights), -1, each)
    data = ((words & (1 << bits) - 1) << bits * np.arange(each)).sum(axis=-1).astype(np.uint32)
    return Int4(data.ravel(), words.shape[1], longest_block(words), skipped)


def pack_field_fours(weights: Array, bits: int) -> Words:
    """Weights (channels, K) of 2 bits, or of 1, for `eq_fully_connected_int2_thumb`: (⌈channels/4⌉, ⌈K/n⌉), n = 8/bits.

    Those of 2 bits count from 0 to 3, 2 more than they are; of 1 bit they are 1 for 1 and 0 for −1.
    """
    channels, depth = weights.shape
    each = 8 // bits
    whole = np.zeros((padded(channels, 4), padded(depth, each)), np.int64)
    whole[:channels, :depth] = weights + 2 if bits == 2 else (weights.astype(np.int64) + 1) // 2
    fours = whole.reshape(-1, 2, 2, whole.shape[1] // each, each)  # fours, pair, row of the pair, word, step
    halves = bits * np.arange(2)[:, None] + 2 * bits * np.arange(each)  # pair, step
    shifts = halves[:, None] + 16 * np.arange(2)[:, None]  # pair, row of the pair, step
    return (fours.transpose(0, 3, 1, 2, 4) << shifts).sum(axis=(2, 3, 4)).astype(np.uint32)


def pack_codes(weights: Array, bits: int) -> tuple[Array, Array]:
    """Weights (channels, K), at most 2 to the power of `bits` different ones, for eq/fully_connected_codes_thumb.h.

    Returns their table, int8, and uint16 (⌈channels/4⌉, ⌈bits · K / 4⌉).
    """
    table, places = np.unique(weights.astype(np.int8), return_inverse=True)
    channels, depth = weights.shape
    each = 4 // bits
    codes = np.zeros((padded(channels, 4), padded(depth, each)), np.int64)
    codes[:channels, :depth] = places.reshape(weights.shape)
    fours = codes.reshape(-1, 4, codes.shape[1] // each, each).transpose(0, 2, 3, 1)  # fours, word, step, channel
    words = (fours << bits * np.arange(4 * each).reshape(each, 4)).sum(axis=(2, 3))
    return np.pad(table, (0, (1 << bits) - len(table))), words.astype(np.uint16)


def pack_int4_fours(weights: Array) -> Words:
    """Weights (channels, K) of 4 bits for `eq_thumb_four_rows_int4`: (⌈channels/4⌉, ⌈K/2⌉), zeros where there are none.

    Each counts from 0 to 15, 8 more than it is.
    """
    channels, depth = weights.shape
    whole = np.zeros((padded(channels, 4), padded(depth, 2)), np.int64)
    whole[:channels, depth % 2 :] = weights
    fours = whole.reshape(-1, 2, 2, whole.shape[1] // 2, 2)  # fours, pair, row of the pair, word, step
    return words_of(fours.transpose(0, 3, 2, 4, 1).reshape(len(fours), -1, 8) + 8)
