"""Tables of the integer front end: windows, mel bands, gains.

TensorFlow's micro front end makes them in float32 and rounds to nearest. TensorFlow Lite Micro's Python package
makes the window in float64, and rounds weights of bands down. Functions of float32 are rounded correctly here, which
not every library does: with glibc 2.36 two of 236 weights differ by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import cos, floor, log1p, pi

import numpy as np
import numpy.typing as npt

from edgeq.numerics.modes import Tables
from edgeq.numerics.signal import GAIN_KNOTS

WEIGHT_BITS = 12
"""Fractional bits of windows and of weights of bands."""
INTERVALS = 32
"""Powers of two between which a table of gains has knots."""
Int16s = npt.NDArray[np.int16]


def hann(size: int, tables: Tables = "micro-frontend") -> Int16s:
    """A Hann window (size) whose samples lie between those of the continuous one's ends, with WEIGHT_BITS."""
    if tables == "tflm":
        real = [0.5 - 0.5 * cos(2 * pi * (k + 0.5) / size) for k in range(size)]
        return np.array([round(x * (1 << WEIGHT_BITS)) for x in real], np.int16)
    step, half = np.float32(pi) * np.float32(2) / np.float32(size), np.float32(0.5)
    single = [half - half * np.float32(cos(float(step * np.float32(k + 0.5)))) for k in range(size)]
    return np.array([floor(x * np.float32(1 << WEIGHT_BITS) + half) for x in single], np.int16)


def mel(hertz: float) -> np.float32:
    """The mel scale 1127 · ln(1 + f / 700) of a frequency, in float32 at each step."""
    inner = np.float32(hertz) / np.float32(700.0)
    return np.float32(1127.0) * np.float32(log1p(float(inner)))


@dataclass(frozen=True, eq=False)
class Bands:
    """Triangular bands on the mel scale, each of which overlaps half of its neighbours.

    Attributes:
        start, end: the bins that any band has: from start to below end.
        starts, firsts, widths: first bin, first weight and number of weights of what rises to the centre of each band
            and, last, of what falls behind the last one (bands + 1).
        weights, unweights: what each bin adds to the band whose centre is below it, and to the one above.
    """

    start: int
    end: int
    starts: tuple[int, ...]
    firsts: tuple[int, ...]
    widths: tuple[int, ...]
    weights: Int16s
    unweights: Int16s

    @property
    def empty(self) -> int:
        """How many bands no bin adds anything to."""
        parts = [slice(first, first + width) for first, width in zip(self.firsts, self.widths, strict=True)]
        return sum(
            not (self.unweights[rising].any() or self.weights[falling].any()) for rising, falling in pairwise(parts)
        )


def bands(
    count: int, lower: float, upper: float, sample_rate: int, bins: int, tables: Tables = "micro-frontend"
) -> Bands:
    """Bands between two frequencies, in Hz, of a spectrum that has so many bins from 0 to half the sample rate.

    Args:
        count: how many.
        lower, upper: where the first begins and the last ends, in Hz.
        sample_rate: in Hz.
        bins: of the spectrum.
        tables: who makes them.

    Raises:
        ValueError: they reach beyond the last bin.
    """
    low, high = mel(lower), mel(upper)
    spacing = (high - low) / np.float32(count + 1)
    centres = [low + spacing * np.float32(k + 1) for k in range(count + 1)]
    per_bin = np.float32(0.5) * np.float32(sample_rate) / (np.float32(bins) - np.float32(1))
    start = at = int(np.float32(1.5) + np.float32(lower) / per_bin)
    starts, firsts, widths, weights = list[int](), list[int](), list[int](), list[float]()
    for k, centre in enumerate(centres):
        first, below = len(weights), centres[k - 1] if k else low
        starts.append(at)
        while at < bins and (here := mel(float(np.float32(at) * per_bin))) <= centre:
            weights.append(float((centre - here) / (centre - below)))
            at += 1
        firsts.append(first)
        widths.append(len(weights) - first)
    if at >= bins:
        raise ValueError(f"bands up to {upper:g} Hz reach beyond the spectrum, which ends at {sample_rate / 2:g} Hz")

    def rounded(values: Sequence[np.float32]) -> Int16s:
        half = np.float32(0.0 if tables == "tflm" else 0.5)
        return np.array([floor(v * np.float32(1 << WEIGHT_BITS) + half) for v in values], np.int16)

    singles = [np.float32(w) for w in weights]
    return Bands(
        start,
        at,
        tuple(starts),
        tuple(firsts),
        tuple(widths),
        rounded(singles),
        rounded([np.float32(1) - w for w in singles]),
    )


def gains(strength: float, offset: float, gain_bits: int, input_bits: int) -> Int16s:
    """The table (GAIN_KNOTS) of 2^gain_bits · (x / 2^input_bits + offset)^−strength, up to 32767."""

    def gain(x: int) -> int:
        base = np.float32(np.float32(x) / np.float32(2.0**input_bits)) + np.float32(offset)
        power = np.float32(float(base) ** -float(np.float32(strength)))
        real = np.float32(1 << gain_bits) * power
        return 32767 if real > 32767 else int(real + np.float32(0.5))

    table = np.zeros(4 * INTERVALS + 4, np.int64)
    table[6], table[7] = gain(0), gain(1)
    for interval in range(2, INTERVALS + 1):
        least = 1 << (interval - 1)
        middle, most = least + (least >> 1), 2 * least - (interval == INTERVALS)
        first, second, third = gain(least), gain(middle), gain(most)
        slope = 4 * (second - first) - (third - first)
        table[4 * interval : 4 * interval + 3] = first, slope, third - first - slope
    return table[6 : 6 + GAIN_KNOTS].astype(np.int16)
