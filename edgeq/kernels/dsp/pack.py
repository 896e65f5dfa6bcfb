"""Weights as the dsp kernels read them. Every packing has a test that unpacks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeq.ir.tensor import Array
from edgeq.kernels._shared.site import padded

Words = npt.NDArray[np.int32]


def _words(values: Array) -> Words:
    """Integers modulo 2³² as int32."""
    return (values.astype(np.int64) & 0xFFFFFFFF).astype(np.uint32).view(np.int32)


def channel_groups(channels: int, size: int) -> tuple[int, ...]:
    """First channels of the groups of `size` in which channels are computed; two overlap if the last is incomplete.

    Pairs overlap at the beginning, larger groups at the end. Where there are fewer channels than `size`, one group.
    """
    if channels <= size:
        return (0,)
    if size == 2:
        return (0, *range(2 - channels % 2, channels, 2))
    return tuple(min(c, channels - size) for c in range(0, channels, size))


def halves(first: Array, second: Array, mixed: bool) -> Array:
    """Weights of two channels in one 16-bit half each: first + 256 · second, or one in each byte."""
    a, b = first.astype(np.int64), second.astype(np.int64)
    return b * 256 + a if mixed else (b & 0xFF) << 8 | a & 0xFF


def mixed_signs(first: Array, second: Array) -> tuple[int, int] | None:
    """Signs with which the weights of two channels can be mixed, or None.

    first + 256 · second is too small for 16 bits where second is −128 and first negative. A channel whose weights, bias
    and multiplier are all negated gives the same output.
    """
    for signs in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        a, b = signs[0] * first.astype(np.int64), signs[1] * second.astype(np.int64)
        half = b * 256 + a
        if a.max(initial=0) < 128 and half.min(initial=0) >= -(2**15) and half.max(initial=0) < 2**15:
            return signs
    return None


def _filled(values: Array, channels: int) -> Array:
    """The values as int64, with zeros for missing channels."""
    more = [(0, channels - len(values))] + [(0, 0)] * (values.ndim - 1)
    return np.pad(values.astype(np.int64), more)


def fit_mixed(weights: Array, bias: Array, size: int) -> bool:
    """Whether weights (OC, K) can be packed `mixed` in groups: halves fit into 16 bits, accumulators into 24."""
    reach = np.abs(bias.astype(np.int64)) + 128 * np.abs(weights.astype(np.int64)).sum(axis=1)
    if reach.max(initial=0) >= 2**23:
        return False
    w = _filled(weights, max(len(weights), size))
    starts = [c for first in channel_groups(len(weights), size) for c in range(first, first + size, 2)]
    return all(mixed_signs(w[c], w[c + 1]) is not None for c in starts)


def _widened(weights: Array, channels: int) -> Array:
    """The weights as int64 (channels, K rounded up to fours), every four values in the order 0, 2, 1, 3."""
    k = weights.shape[1]
    w = np.pad(_filled(weights, channels), ((0, 0), (0, padded(k, 4) - k)))
    return w.reshape(channels, -1, 4)[:, :, [0, 2, 1, 3]].reshape(channels, -1)


def _group_words(w: Array, signs: Sequence[int], mixed: bool) -> Array:
    """The words of one group (channels, K) from `_widened`: two values of k each, pair of channels after pair."""
    words = []
    for c in range(0, len(w), 2):
        half = halves(signs[c] * w[c], signs[c + 1] * w[c + 1], mixed) & 0xFFFF
        words.append(half[0::2] | half[1::2] << 16)
    return np.stack(words, axis=1).ravel()


def pack_groups(
    weights: Array, bias: Array, multipliers: Array | None, groups: Sequence[int], size: int, mixed: bool
) -> Words:
    """Weights (OC, K), biases and multipliers in the order in which channels are computed, `size` of them at once.

    For every group: its biases; for every four values of k the words (0, 2) of its pairs of channels, then the words
    (1, 3); every row of multipliers (rows, OC). Missing channels are zero, as is k beyond K up to a multiple of four.
    """
    channels = max(len(weights), size)
    w, b = _widened(weights, channels), _filled(bias, channels)
    rows = [] if multipliers is None else [_filled(row, channels) for row in np.atleast_2d(multipliers)]
    parts: list[Array] = []
    for first in groups:
        signs: list[int] = []
        for c in range(first, first + size, 2):
            pair = mixed_signs(w[c], w[c + 1]) if mixed else (1, 1)
            assert pair is not None
            signs += pair
        biases = b[first : first + size] * signs
        if mixed:
            biases[1::2] = biases[1::2] * 256 + biases[0::2]
        parts += [biases, _group_words(w[first : first + size], signs, mixed)]
        parts += [row[first : first + size] * signs for row in rows]
    return _words(np.concatenate(parts))


def pack_weights(weights: Array, size: int, mixed: bool) -> Words:
    """Weights (OC, K), OC not less than `size`, for the compact kernels: the words of one group after the other."""
    w = _widened(weights, len(weights))
    groups = channel_groups(len(weights), size)
    return _words(np.concatenate([_group_words(w[g : g + size], (1,) * size, mixed) for g in groups]))


def pack_pairs(weights: Array, bias: Array, multipliers: Array | None, mixed: bool) -> Words:
    """Weights (OC, K) for `eq_gemm_dsp`."""
    return pack_groups(weights, bias, multipliers, channel_groups(len(weights), 2), 2, mixed)


def pack_int4_groups(weights: Array, size: int, numbers: Sequence[Array] = ()) -> Words:
    """Weights (OC, K) of 4 bits for eq/gemm_int4_dsp.h, in the order in which channels are computed, `size` at once.

    For every group: of every four values of k a word for each pair of channels; then of each of the `numbers` (OC)
    those of its channels. Missing channels are zero, as is k beyond K up to a multiple of four.
    """
    channels = max(len(weights), size)
    rows = [_filled(row, channels) for row in numbers]
    fours = (_widened(weights, channels) & 15).reshape(channels, -1, 4)
    even, odd = fours[:, :, 0] | fours[:, :, 1] << 16, fours[:, :, 2] | fours[:, :, 3] << 16
    parts: list[Array] = []
    for first in channel_groups(len(weights), size):
        a, b = np.arange(first, first + size, 2), np.arange(first + 1, first + size, 2)
        words = even[a] | even[b] << 4 | odd[a] << 8 | odd[b] << 12
        parts += [words.T.ravel(), *(row[first : first + size] for row in rows)]
    return _words(np.concatenate(parts))


def fields_step(size: int, bits: int) -> int:
    """What K is filled up to a multiple of: whole words of `size` channels' fields, and what kernels read at once."""
    return max(8, 32 // size // bits)


def pack_fields(weights: Array, size: int, bits: int, bias: Array, factors: Array | None) -> Words:
    """Weights (OC, K) of 2 bits, or of 1, for eq/gemm_narrow_dsp.h, `size` channels, 2 or 4, at once.

    For every group of channels: its biases (OC), words of fields, its factors (OC), if there are any. Numbers of
    missing channels are zero; what fills K up to whole words meets activations that are zero.
    """
    channels, fields = max(len(weights), size), 16 // bits
    whole = padded(weights.shape[1], fields_step(size, bits))
    codes = np.zeros((channels, whole), np.int64)
    codes[: len(weights), : weights.shape[1]] = weights + 2 if bits == 2 else (weights.astype(np.int64) + 1) // 2
    before, after = _filled(bias, channels), [] if factors is None else [_filled(factors, channels)]
    pairs = codes.reshape(channels, -1, 2, 2)  # fours, (0 1) or (2 3), first or second of these
    shifts = bits * np.arange(fields)
    parts: list[Array] = []
    for first in channel_groups(len(weights), size):
        sequence = pairs[first : first + size].transpose(1, 3, 0, 2).reshape(-1, fields, 2)
        halves = (sequence << shifts[:, None]).sum(axis=1)
        words = halves[:, 0] | halves[:, 1] << 16
        parts += [before[first : first + size], words, *(row[first : first + size] for row in after)]
    return _words(np.concatenate(parts))


def _bytes(four: Array) -> Array:
    """Four unsigned bytes as a word, the first one in its lowest bits."""
    return np.asarray([(four << 8 * np.arange(4)).sum()])


def pack_grouped(
    weights: Array, bits: int, bias: Array, factors: Array, size: int, zeros: Array | None = None
) -> Words:
    """Weights (OC, K), factors (OC, groups) of `size` inputs, for eq/fully_connected_grouped_dsp.h.

    For every four channels: their biases (OC), then for every group a word of factors, one of zero-points (OC, groups),
    if there are any, and words of fields.
    """
    channels, depth = padded(len(weights), 4), padded(weights.shape[1], 8)
    codes = np.zeros((channels, depth), np.int64)
    signed = weights.astype(np.int64)
    codes[: len(weights), : weights.shape[1]] = (signed + 1) // 2 if bits == 1 else signed + (1 << bits - 1)
    pairs = codes.reshape(channels, -1, 2, 2)  # fours, (0 1) or (2 3), first or second of these
    own, tables = _filled(bias, channels), [_filled(factors, channels)]
    if zeros is not None:
        tables.append(_filled((zeros + (1 << bits - 1)) * (1 if bits == 4 else 2), channels))
    fields = 16 // bits
    parts: list[Array] = []
    for first in range(0, channels, 4):
        parts.append(own[first : first + 4])
        for group in range(factors.shape[1]):
            begin, end = group * size // 4, min((group + 1) * size, depth) // 4
            sequence = pairs[first : first + 4, begin:end].transpose(1, 3, 0, 2).reshape(-1, fields, 2)
            halves = (sequence << bits * np.arange(fields)[:, None]).sum(axis=1)
            parts += [_bytes(of[first : first + 4, group]) for of in tables]
            parts.append(halves[:, 0] | halves[:, 1] << 16)
    return _words(np.concatenate(parts))


def pack_grouped_bytes(weights: Array, bias: Array, factors: Array, size: int) -> Words:
    """The same of weights of 8 bits: those of a group are as `pack_groups` has them, mixed, after biases of 0."""
    channels, none = padded(len(weights), 4), np.zeros(4, np.int64)
    own, each, w = _filled(bias, channels), _filled(factors, channels), _filled(weights, channels)
    parts: list[Array] = []
    for first in range(0, channels, 4):
        parts.append(own[first : first + 4])
        for group, factor in enumerate(each[first : first + 4].T):
            part = w[first : first + 4, group * size : (group + 1) * size]
            parts += [np.array([(factor << 8 * np.arange(4)).sum()]), pack_groups(part, none, None, (0,), 4, True)]
    return _words(np.concatenate(parts))


def pack_codes(weights: Array, bits: int, bias: Array, factors: Array | None) -> tuple[Array, Words]:
    """Weights (OC, K), at most 2 to the power of `bits` different ones, for eq/fully_connected_codes_dsp.h.

    Returns their table, int8, and for every four channels biases (OC), words of codes, factors (OC), if there are any.
    """
    table, places = np.unique(weights.astype(np.int8), return_inverse=True)
    channels = max(len(weights), 4)
    codes = np.zeros((channels, padded(weights.shape[1], 4)), np.int64)
    codes[: len(weights), : weights.shape[1]] = places.reshape(weights.shape)
    before, after = _filled(bias, channels), [] if factors is None else [_filled(factors, channels)]
    pairs = codes.reshape(channels, -1, 2, 2)  # fours, (0 1) or (2 3), first or second of these
    both = pairs[:, :, 0] | pairs[:, :, 1] << bits
    per_word = 16 // bits
    parts: list[Array] = []
    for first in channel_groups(len(weights), 4):
        sequence = both[first : first + 4].transpose(1, 2, 0).reshape(-1, per_word)
        words = (sequence << 2 * bits * np.arange(per_word)).sum(axis=1)
        parts += [before[first : first + 4], words, *(row[first : first + 4] for row in after)]
    return np.pad(table, (0, (1 << bits) - len(table))), _words(np.concatenate(parts))


def pack_trellis(codes: Array, bias: Array, factors: Array | None) -> Words:
    """Codes 0 … 3 (OC, K) for eq/fully_connected_trellis_dsp.h: of every two channels biases (OC), words, factors."""
    channels = max(len(codes), 2)
    filled = np.zeros((channels, padded(codes.shape[1], 16)), np.int64)
    filled[: len(codes), : codes.shape[1]] = codes
    words = (filled.reshape(channels, -1, 16) << 2 * np.arange(16)).sum(axis=2)
    around = [_filled(bias, channels)] + ([] if factors is None else [_filled(factors, channels)])
    parts: list[Array] = []
    for first in (min(c, channels - 2) for c in range(0, channels, 2)):
        before, *after = (row[first : first + 2] for row in around)
        parts += [before, words[first : first + 2].T.ravel(), *after]
    return _words(np.concatenate(parts))


def pack_fours(weights: Array, bias: Array, multipliers: Array | None, mixed: bool) -> Words:
    """Weights (OC, K) for `eq_fully_connected_dsp`."""
    return pack_groups(weights, bias, multipliers, channel_groups(len(weights), 4), 4, mixed)


@dataclass(frozen=True, eq=False)
class Entries:
    """Bias and factor of every channel in as few bytes as the layer needs.

    Attributes:
        data: int8 (C, bytes), 4 to 8 bytes: the factor in the lowest bits, the bias in the highest.
        bias_right, factor_left, factor_right: by how many bits the last and the first four bytes are to be shifted.
    """

    data: Array
    bias_right: int
    factor_left: int
    factor_right: int

    def members(self, name: str) -> dict[str, int]:
        """As members of the struct `eq_entry` called `name`."""
        return {
            f"{name}.bytes": self.data.shape[1],
            f"{name}.bias_right": self.bias_right,
            f"{name}.factor_left": self.factor_left,
            f"{name}.factor_right": self.factor_right,
        }


def pack_entries(bias: Array, factors: Array) -> Entries:
    """Biases (C) of 32 bits and factors (C) below 2³¹, none negative.

    Trailing zero bits common to all factors are left out. Biases may take up more bits than they need, but at most 32.
    """
    b, f = bias.astype(np.int64), factors.astype(np.int64)
    together = int(np.bitwise_or.reduce(f))
    zeros = max((together & -together).bit_length() - 1, 0)
    factor_bits = max((together >> zeros).bit_length(), 1)
    bias_bits = int(np.maximum(b, ~b).max()).bit_length() + 1
    size = max(-(-(factor_bits + bias_bits) // 8), 4)
    factor_bits = max(factor_bits, 8 * size - 32)
    zeros = min(zeros, 32 - factor_bits)
    packed = (f >> zeros) | b << factor_bits
    data = packed.astype("<i8").view(np.int8).reshape(-1, 8)[:, :size]
    left = min(32 - factor_bits, 31)
    return Entries(data, 32 - 8 * size + factor_bits, left, left - zeros)


def pack_biases(bias: Array) -> tuple[Array, int]:
    """Biases (C) of 32 bits in as few bytes each as the greatest needs, and how many these are.

    uint8: low bytes first; behind the last one what a read of four bytes sees beyond it.
    """
    b = bias.astype(np.int64)
    size = -(-(int(np.maximum(b, ~b).max()).bit_length() + 1) // 8)
    data = b.astype("<i8").view(np.uint8).reshape(-1, 8)[:, :size]
    return np.append(data.ravel(), np.zeros(4 - size, np.uint8)), size


def pack_records(weights: Array, shifts: Array | None, entries: Entries, bits: int = 8) -> Array:
    """Weights (KH, KW, C), KH and KW at most 3, for the kernels of windows of at most 3×3.

    int8 (C, bytes of a record): nine weights of 8 or 4 bits, zeros added; a shift, if there are any; the entry.
    """
    high, wide, channels = weights.shape
    filled = np.zeros((channels, 3, 3), np.int8)
    filled[:, :high, :wide] = weights.transpose(2, 0, 1)
    shift = [] if shifts is None else [shifts.astype(np.int8).reshape(-1, 1)]
    nine = filled.reshape(channels, 9)
    if bits == 4:
        pairs = np.hstack([nine, np.zeros((channels, 1), np.int8)]).reshape(channels, 5, 2)
        nine = (pairs[..., 0] & 15 | pairs[..., 1] << 4).astype(np.int8)
    return np.hstack([nine, *shift, entries.data])


def pack_columns(taps: Array, bias: Array, mantissa: Array) -> Words:
    """Weights (taps, C) of 16 bits, biases and factors (C) for `eq_depthwise_conv2d_column_dsp`.

    For every four channels, of which the last four overlap those before where C is no multiple of four: their biases,
    their factors, then for every two taps a word for each channel, the first tap in its lower half. A last tap without
    a second one has a weight of zero beside it.
    """
    count, channels = taps.shape
    even = np.zeros((padded(count, 2), channels), np.int64)
    even[:count] = taps
    pairs = (even[0::2] & 0xFFFF) | even[1::2] << 16
    every = np.concatenate([bias[None].astype(np.int64), mantissa[None].astype(np.int64), pairs])
    groups = channel_groups(channels, 4)
    return _words(np.concatenate([every[:, c : c + 4].ravel() for c in groups]))


def pack_lines(weights: Array) -> Array:
    """Weights (lines, places, C) for `eq_depthwise_conv2d_any_dsp`: int8 (C, lines, places), places made even."""
    lines, places, channels = weights.shape
    packed = np.zeros((channels, lines, padded(places, 2)), np.int8)
    packed[:, :, :places] = weights.transpose(2, 0, 1)
    return packed


WINOGRAD_SIDES = np.array([[1, 1, 1], [1, -1, 1], [2, 0, 0], [0, 0, -2]])
"""Twice the F(2, 3) transform of three weights, in the order of `eq_winograd_dsp_params`; with −2 the last product is
added instead of subtracted."""


def pack_winograd(weights: Array, bias: Array) -> Words:
    """Weights (OC, 3, 3, C), C a multiple of four, OC at least four, for `eq_winograd_dsp_params`."""
    channels, k = len(weights), weights.shape[3]
    positions = np.einsum("iy,oyxc,jx->ijoc", WINOGRAD_SIDES, weights.astype(np.int64), WINOGRAD_SIDES)
    ordered = positions.reshape(16, channels, k // 4, 4)[:, :, :, [0, 2, 1, 3]].reshape(16, channels, k) & 0xFFFF
    words = ordered[:, :, 0::2] | ordered[:, :, 1::2] << 16
    parts: list[Array] = []
    for first in channel_groups(channels, 4):
        four = slice(first, first + 4)
        parts += [bias[four].astype(np.int64) * 4, words[:, four].transpose(0, 2, 1).ravel()]
    return _words(np.concatenate(parts))
