"""Spectra in float32, with a stated order of operations: the normative arithmetic of `firmware/kernels/ref/spectrum.c`.

A real transform of a power of 2 as a complex one of half as many pairs of samples, decimated in time: one stage of
radix 2 if the power is odd, then stages of radix 4. Nothing is multiplied with a twiddle of 1. As everywhere
(edgeq.numerics.float32), each operation rounds by itself. Functions take any leading dimensions, each index of which is
a frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import pi
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeq.numerics import float32
from edgeq.numerics.float32 import F, Floats

Complex = tuple[Floats, Floats]
"""Real and imaginary parts."""
SHORTEST, LONGEST = 8, 16384
"""Transforms."""
LENGTHS = tuple(1 << k for k in range(SHORTEST.bit_length() - 1, LONGEST.bit_length()))


def _circle(turns: npt.NDArray[np.float64]) -> Floats:
    """Points of the unit circle (…, 2), clockwise: cosines and negative sines."""
    return np.stack([np.cos(2 * pi * turns), -np.sin(2 * pi * turns)], axis=-1).astype(np.float32)


def radices(half: int) -> tuple[int, ...]:
    """Of the stages of a complex transform, in their order."""
    power = half.bit_length() - 1
    return (2,) * (power % 2) + (4,) * (power // 2)


@cache
def stage_twiddles(half: int) -> Floats:
    """Of all stages but the first, one after the other, for each place but the first of a quarter three (…, 3, 2)."""
    tables, m = list[Floats](), radices(half)[0]
    while m < half:
        tables.append(_circle(np.outer(np.arange(1, m), np.arange(1, 4)) / (4 * m)))
        m *= 4
    return np.concatenate(tables) if tables else np.zeros((0, 3, 2), np.float32)


@cache
def joining_twiddles(half: int) -> Floats:
    """What joins the spectra of even and odd samples, for the places 1 to half / 2 (half / 2, 2)."""
    return _circle(np.arange(1, half // 2 + 1) / (2 * half))


@cache
def _order(half: int) -> npt.NDArray[np.int64]:
    """Which pair of samples the first stage finds at each place."""

    def parts(places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        n = places.size
        radix = 4 if n % 4 == 0 else n
        return np.concatenate([places[q::radix] if n == radix else parts(places[q::radix]) for q in range(radix)])

    return parts(np.arange(half))


def _product(x: Complex, twiddle: Floats) -> Complex:
    a, b = x
    return a * twiddle[..., 0] - b * twiddle[..., 1], a * twiddle[..., 1] + b * twiddle[..., 0]


def _butterfly(x0: Complex, x1: Complex, x2: Complex, x3: Complex) -> tuple[Complex, Complex, Complex, Complex]:
    """A transform of length 4."""
    (sum_a, sum_b), (less_a, less_b) = (x0[0] + x2[0], x0[1] + x2[1]), (x0[0] - x2[0], x0[1] - x2[1])
    (both_a, both_b), (other_a, other_b) = (x1[0] + x3[0], x1[1] + x3[1]), (x1[0] - x3[0], x1[1] - x3[1])
    return (
        (sum_a + both_a, sum_b + both_b),
        (less_a + other_b, less_b - other_a),
        (sum_a - both_a, sum_b - both_b),
        (less_a - other_b, less_b + other_a),
    )


def _transform(x: Complex) -> Complex:
    """The complex transform (…, half)."""
    half = x[0].shape[-1]
    lead, order, table, m = x[0].shape[:-1], _order(half), stage_twiddles(half), radices(half)[0]
    a, b = (part[..., order].reshape(*lead, half // m, m) for part in x)
    if m == 2:
        a, b = (np.stack([p[..., 0] + p[..., 1], p[..., 0] - p[..., 1]], axis=-1) for p in (a, b))
    else:
        made = _butterfly(*((a[..., q], b[..., q]) for q in range(4)))
        a, b = (np.stack([part[i] for part in made], axis=-1) for i in range(2))
    while m < half:
        a, b = (p.reshape(*lead, half // (4 * m), 4, m) for p in (a, b))
        turned = [(a[..., 0, :], b[..., 0, :])]
        for q in range(1, 4):
            first, others = (a[..., q, :1], b[..., q, :1]), (a[..., q, 1:], b[..., q, 1:])
            others = _product(others, table[: m - 1, q - 1])
            turned.append((np.concatenate([first[0], others[0]], -1), np.concatenate([first[1], others[1]], -1)))
        made = _butterfly(*turned)
        a, b = (np.concatenate([part[i] for part in made], axis=-1) for i in range(2))
        table, m = table[m - 1 :], 4 * m
    return a.reshape(*lead, half), b.reshape(*lead, half)


@np.errstate(all="ignore")
def rfft(x: Floats, length: int) -> Complex:
    """The first length / 2 + 1 values of the transform of real samples 2 · x (…, n), n up to length, then zeros."""
    half = length // 2
    padded = np.zeros((*x.shape[:-1], length), np.float32)
    padded[..., : x.shape[-1]] = x
    a, b = _transform((padded[..., 0::2], padded[..., 1::2]))
    k = np.arange(1, half // 2 + 1)
    real, imaginary = (np.zeros((*x.shape[:-1], half + 1), np.float32) for _ in range(2))
    real[..., 0], real[..., half] = F(2) * (a[..., 0] + b[..., 0]), F(2) * (a[..., 0] - b[..., 0])
    even = a[..., k] + a[..., half - k], b[..., k] - b[..., half - k]
    odd = _product((b[..., k] + b[..., half - k], a[..., half - k] - a[..., k]), joining_twiddles(half))
    real[..., half - k], imaginary[..., half - k] = even[0] - odd[0], odd[1] - even[1]
    real[..., k], imaginary[..., k] = even[0] + odd[0], even[1] + odd[1]
    return real, imaginary


@np.errstate(all="ignore")
def sizes(spectrum: Complex, power: int) -> Floats:
    """Squares (power 2) or magnitudes (power 1) of the values of a spectrum."""
    squares = spectrum[0] * spectrum[0] + spectrum[1] * spectrum[1]
    return squares if power == 2 else float32.sqrt(squares)


@dataclass(frozen=True, eq=False)
class Bands:
    """The columns of a matrix (bins, bands), each without what is 0 before its first and after its last weight.

    Attributes:
        starts, widths: first bins and numbers of weights (bands).
        weights: of all bands, one after the other.
    """

    starts: npt.NDArray[np.int64]
    widths: npt.NDArray[np.int64]
    weights: Floats

    @property
    def end(self) -> int:
        """The first bin that no band needs, nor any after it."""
        return int((self.starts + self.widths).max(initial=0))

    @property
    def empty(self) -> int:
        """How many bands have no bin."""
        return int((self.widths == 0).sum())


def in_bands(matrix: Floats) -> Bands:
    """The bands of a matrix (bins, bands)."""
    starts, widths, weights = list[int](), list[int](), list[Floats]()
    for column in matrix.T:
        (used,) = np.nonzero(column)
        start, end = (int(used[0]), int(used[-1]) + 1) if used.size else (0, 0)
        starts.append(start)
        widths.append(end - start)
        weights.append(column[start:end])
    return Bands(np.array(starts), np.array(widths), np.concatenate(weights).astype(np.float32))


@np.errstate(all="ignore")
def band_sums(x: Floats, bands: Bands) -> Floats:
    """Sums over bands (…, bands) of x (…, bins), one product after the other from the first bin of each on."""
    found, first = np.zeros((*x.shape[:-1], bands.starts.size), np.float32), 0
    for band, (start, width) in enumerate(zip(bands.starts, bands.widths, strict=True)):
        products = x[..., start : start + width] * bands.weights[first : first + width]
        for k in range(width):
            found[..., band] += products[..., k]
        first += width
    return float32.number(found)


def framed(x: npt.NDArray[Any], size: int, step: int) -> npt.NDArray[Any]:
    """Frames (…, frames, size) of samples (…, n), each `step` after the one before."""
    return np.lib.stride_tricks.sliding_window_view(x, size, axis=-1)[..., ::step, :]
