"""Weights of the Armv6-M kernels, which compute two products per multiplication in lanes of 16 bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.ir.tensor import Array

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
