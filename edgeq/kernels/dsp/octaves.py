"""Factors of a layer's channels as few numbers, each shifted by as many bits as a channel needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.ir.tensor import Array

MOST_FACTORS = 16
"""Numbers that a layer has; its channels are at whole octaves from one of them."""
WORD = 32
BYTE = 8


@dataclass(frozen=True, eq=False)
class Octaves:
    """Biases and factors of a layer's channels.

    Attributes:
        entries: uint8; of every channel `bits` bits, as eq/compact_dsp.h says.
        factors: uint32, with 32 fraction bits.
        bits: of an entry.
        factor_bits, octave_bits: those of them that say which factor, and by how many octaves less.
    left: by how many bits the sums of the channels with the greatest factors are shifted.
    """

    entries: Array
    factors: Array
    bits: int
    factor_bits: int
    octave_bits: int
    left: int


def pack_octaves(bias: Array, mantissa: Array, shift: Array | int = 0) -> Octaves | None:
    """Biases (C) of 32 bits and factors (C) of 31 fraction bits, above 0, below 1/2, or 1 where sums are shifted left.

    A channel whose sums are shifted by fewer bits than the most has that many octaves less. Of the rest, a number T and
    d octaves less are the factor (T + 2ᵈ) >> (d + 1), so that T lies within bounds that every channel narrows. None:
    there are more such numbers than `MOST_FACTORS`, or an entry does not lie in four bytes.
    """
    shifts = np.broadcast_to(np.asarray(shift, np.int64), mantissa.shape)
    exponents = np.array([int(m).bit_length() for m in mantissa]) + shifts
    left = int(shifts.max())
    bounds: list[tuple[int, int]] = []
    places, octaves = np.zeros(len(mantissa), np.int64), int(exponents.max()) - exponents
    for channel in sorted(range(len(mantissa)), key=lambda c: (int(octaves[c]), -int(mantissa[c]))):
        m, d = int(mantissa[channel]), max(int(octaves[channel]) - left, 0)
        least, most = (2 * m - 1) << d, ((2 * m + 1) << d) - 1
        shared = (k for k, (low, high) in enumerate(bounds) if max(low, least) <= min(high, most))
        place = next(shared, len(bounds))
        if place == MOST_FACTORS:
            return None
        if place == len(bounds):
            bounds.append((least, most))
        low, high = bounds[place]
        bounds[place], places[channel] = (max(low, least), min(high, most)), place
    factor_bits, octave_bits = (len(bounds) - 1).bit_length(), int(octaves.max()).bit_length()
    b = bias.astype(np.int64)
    bits = _whole(int(np.maximum(b, ~b).max()).bit_length() + 1 + factor_bits + octave_bits)
    if bits > WORD:
        return None
    packed = places | octaves << factor_bits | b << factor_bits + octave_bits
    stream = (packed[:, None] >> np.arange(bits) & 1).astype(np.uint8).ravel()
    read = (len(b) - 1) * bits // BYTE + WORD // BYTE
    entries = np.packbits(stream, bitorder="little")
    factors = np.array([low for low, _ in bounds], np.uint32)
    return Octaves(np.pad(entries, (0, read - len(entries))), factors, bits, factor_bits, octave_bits, left)


def _whole(bits: int) -> int:
    """The next number of bits with which every entry lies in four bytes, the first of which it begins in."""
    while bits <= WORD and any(c * bits % BYTE + bits > WORD for c in range(BYTE)):
        bits += 1
    return bits
