"""Integer signal processing, bit for bit as in TensorFlow Lite Micro's Signal operators and its micro front end.

Steps from samples of sound to features: a window, a factor of 2ⁿ that fills 16 bits, a real Fourier transform whose
butterflies have 16 bits (those of KISS FFT with FIXED_POINT=16), energies, sums over mel bands, their square roots, the
noise taken away, a gain for each band (PCAN), and a logarithm. Functions take any leading dimensions, each index
of which is a frame. uint32 values are held in int32, with the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from math import cos, floor, log, log2, pi, sin

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Int16s = npt.NDArray[np.int16]
Int32s = npt.NDArray[np.int32]
Complex = tuple[Ints, Ints]
"""Real and imaginary parts."""

ONE = 32767
"""What stands for 1 in a Fourier transform."""
GAIN_KNOTS = 125
"""Elements of a table of gains: two for 0 and 1, one for 2, then four for each power of two, of which one is unused."""
SNR_BITS, GAIN_OUTPUT_BITS = 12, 6
"""Fractional bits of a ratio of signal to noise, and of what PCAN makes of it."""
LOG_SEGMENTS = 7
"""Bits that choose a segment of the logarithm's table."""


def as_uint32(x: npt.NDArray[np.int32]) -> Ints:
    """The unsigned values of 32-bit elements."""
    return x.astype(np.int64) & 0xFFFFFFFF


def as_int32(x: Ints) -> Int32s:
    """The lower 32 bits, as int32."""
    return (x & 0xFFFFFFFF).astype(np.uint32).view(np.int32)


def as_int16(x: Ints) -> Ints:
    """The lower 16 bits, as the signed number that they are."""
    return ((x + 0x8000) & 0xFFFF) - 0x8000


def most_significant_bit(x: Ints) -> Ints:
    """The place of the highest bit that is set, from 1; 0 for 0. x: from 0 to below 2⁵²."""
    return np.frexp(x.astype(np.float64))[1].astype(np.int64)


def window(x: Int16s, weights: Int16s, shift: int) -> Int16s:
    """x (…, n) · weights (n) / 2^shift, rounded down, saturating."""
    scaled = (x.astype(np.int64) * weights) >> shift
    return np.clip(scaled, -(2**15), 2**15 - 1).astype(np.int16)


def fft_auto_scale(x: Int16s) -> tuple[Int16s, Int32s]:
    """x (…, n) times the greatest 2^k up to 2¹⁵ with which its greatest absolute value has 15 bits; that k (…).

    −32768 has no opposite in 16 bits: what comes before it is forgotten, and elements after it count with their sign
    up to the first one that is above 0.
    """
    wide = x.astype(np.int64)
    greatest = np.abs(wide).max(axis=-1, initial=0)
    if (wide == -(2**15)).any():
        greatest = np.zeros(x.shape[:-1], np.int64)
        for value in np.moveaxis(wide, -1, 0):
            greatest = np.where(value > greatest, value, np.where(-value > greatest, as_int16(-value), greatest))
    bits = np.where(greatest > 0, np.maximum(15 - most_significant_bit(greatest), 0), 0)
    return as_int16(wide << bits[..., None]).astype(np.int16), bits.astype(np.int32)


# The Fourier transform


def _rounded(x: Ints) -> Ints:
    """A product of two 16-bit numbers as one of them, halves upwards."""
    return as_int16((x + (1 << 14)) >> 15)


def _divided(x: Complex, by: int) -> Complex:
    factor = ONE // by
    return _rounded(x[0] * factor), _rounded(x[1] * factor)


def _product(a: Complex, b: Complex) -> Complex:
    return _rounded(a[0] * b[0] - a[1] * b[1]), _rounded(a[0] * b[1] + a[1] * b[0])


def _sum(a: Complex, b: Complex) -> Complex:
    return as_int16(a[0] + b[0]), as_int16(a[1] + b[1])


def _difference(a: Complex, b: Complex) -> Complex:
    return as_int16(a[0] - b[0]), as_int16(a[1] - b[1])


def _turned(x: Complex) -> Complex:
    """x · −i."""
    return x[1], as_int16(-x[0])


def _circle(phases: Sequence[float]) -> npt.NDArray[np.int16]:
    """Points of the unit circle (count, 2): cosines and sines, ONE being 1, halves upwards."""
    return np.array([[floor(0.5 + ONE * f(phase)) for f in (cos, sin)] for phase in phases], np.int16).reshape(-1, 2)


@cache
def twiddles(length: int) -> npt.NDArray[np.int16]:
    """The roots of unity (length, 2) of a complex transform."""
    return _circle([-2 * pi * k / length for k in range(length)])


@cache
def super_twiddles(half: int) -> npt.NDArray[np.int16]:
    """What joins a complex transform of `half` pairs of samples to one of twice as many real samples (half / 2, 2)."""
    return _circle([-pi * ((k + 1) / half + 0.5) for k in range(half // 2)])


def fft(x: Complex) -> Complex:
    """The complex transform (…, n), n a power of 2, divided by n: in radix 4, and once in 2 for an odd power.

    Each butterfly divides first, and adds in 16 bits.
    """
    length = x[0].shape[-1]
    roots = twiddles(length).astype(np.int64)

    def parts(x: Complex, n: int) -> Complex:
        if n == 1:
            return x
        p = 4 if n % 4 == 0 else 2
        m = n // p
        inner = parts(_each(x, lambda a: np.swapaxes(a.reshape(*a.shape[:-1], m, p), -1, -2)), m)
        divided = _divided(inner, p)
        k = np.arange(m) * (length // n)
        lines = [_each(divided, lambda a, q=q: a[..., q, :]) for q in range(p)]  # type: ignore[misc]
        turned = [_product(lines[q], (roots[q * k, 0], roots[q * k, 1])) for q in range(1, p)]
        if p == 2:
            made = [_sum(lines[0], turned[0]), _difference(lines[0], turned[0])]
        else:
            even, odd = _difference(lines[0], turned[1]), _difference(turned[0], turned[2])
            first, both = _sum(lines[0], turned[1]), _sum(turned[0], turned[2])
            odd = _turned(odd)
            made = [_sum(first, both), _sum(even, odd), _difference(first, both), _difference(even, odd)]
        return tuple(np.concatenate([line[i] for line in made], axis=-1) for i in range(2))  # type: ignore[return-value]

    return parts(x, length)


def _each(x: Complex, change: Callable[[Ints], Ints]) -> Complex:
    return change(x[0]), change(x[1])


def rfft(x: Int16s, length: int) -> Int16s:
    """The first length / 2 + 1 values (…, length / 2 + 1, 2) of the transform of samples (…, n), n up to length,
    followed by zeros, divided by the length."""
    padded = np.zeros((*x.shape[:-1], length), np.int64)
    padded[..., : x.shape[-1]] = x
    half = length // 2
    z = fft((padded[..., 0::2], padded[..., 1::2]))
    k, tw = np.arange(1, half // 2 + 1), super_twiddles(half).astype(np.int64)
    ends = _divided(_each(z, lambda a: a[..., 0]), 2)
    here = _divided(_each(z, lambda a: a[..., k]), 2)
    there = _divided((z[0][..., half - k], as_int16(-z[1][..., half - k])), 2)
    even, odd = _sum(here, there), _product(_difference(here, there), (tw[:, 0], tw[:, 1]))
    y = np.zeros((*x.shape[:-1], half + 1, 2), np.int64)
    y[..., 0, 0], y[..., half, 0] = as_int16(ends[0] + ends[1]), as_int16(ends[0] - ends[1])
    y[..., k, 0], y[..., k, 1] = (even[0] + odd[0]) >> 1, (even[1] + odd[1]) >> 1
    y[..., half - k, 0], y[..., half - k, 1] = (even[0] - odd[0]) >> 1, (odd[1] - even[1]) >> 1
    return y.astype(np.int16)


def irfft(x: Int16s) -> Int16s:
    """The real signal (…, length) of the values (…, length / 2 + 1, 2) of a spectrum, divided by half the length.

    The inverse transform of pairs is the transform of what has its parts exchanged, with its parts exchanged.
    """
    half = x.shape[-2] - 1
    wide = x.astype(np.int64)
    real, imaginary = wide[..., 0], wide[..., 1]
    k, tw = np.arange(1, half // 2 + 1), super_twiddles(half).astype(np.int64)
    here = _divided((real[..., k], imaginary[..., k]), 2)
    there = _divided((real[..., half - k], as_int16(-imaginary[..., half - k])), 2)
    even, odd = _sum(here, there), _product(_difference(here, there), (tw[:, 0], -tw[:, 1]))
    z = np.zeros_like(real[..., :half]), np.zeros_like(real[..., :half])
    ends = as_int16(real[..., 0] + real[..., half]), as_int16(real[..., 0] - real[..., half])
    z[0][..., 0], z[1][..., 0] = _divided(ends, 2)
    z[0][..., k], z[1][..., k] = _sum(even, odd)
    less = _difference(even, odd)
    z[0][..., half - k], z[1][..., half - k] = less[0], as_int16(-less[1])
    found = fft((z[1], z[0]))
    return np.stack([found[1], found[0]], axis=-1).reshape(*x.shape[:-2], 2 * half).astype(np.int16)


# Frames


def overlap_add(x: Int16s, before: Int16s, step: int) -> tuple[Int16s, Int16s]:
    """Frames (…, frames, size) that follow each other by `step` samples, added where they overlap.

    Args:
        x: the frames.
        before: what those before have left of (…, size) samples.
        step: samples from one frame to the next.

    Returns:
        Samples (…, frames · step), each sum of which saturates; what is left of those that follow.
    """
    kept, found = before.astype(np.int64), []
    for k in range(x.shape[-2]):
        kept = np.clip(kept + x[..., k, :], -(2**15), 2**15 - 1)
        found.append(kept[..., :step])
        kept = np.concatenate([kept[..., step:], np.zeros_like(kept[..., :step])], axis=-1)
    return np.concatenate(found, axis=-1).astype(np.int16), kept.astype(np.int16)


def count_frames(held: Int32s, first: int, need: int, step: int) -> tuple[Int32s, Int32s]:
    """Whether a buffer, to which a frame is added, holds enough.

    Args:
        held: how many frames it held before, and one more; 0: there has been none.
        first: as how many the first frame counts.
        need: how many are enough.
        step: how many of them are taken away then.

    Returns:
        1 if there are enough, else 0; `held` for the next frame.
    """
    available = np.where(held == 0, first, held)
    enough = available >= need
    return enough.astype(np.int32), (available - np.where(enough, step, 0) + 1).astype(np.int32)


# Bands


def energy(x: Int16s, start: int, end: int) -> Int32s:
    """real² + imaginary² (…, bins) of x (…, bins, 2), as uint32, for bins from start to below end; else 0."""
    wide = x.astype(np.int64)
    squares = wide[..., 0] ** 2 + wide[..., 1] ** 2
    bins = np.arange(x.shape[-2])
    return as_int32(np.where((bins >= start) & (bins < end), squares, 0))


def filter_bank(
    x: Int32s,
    weights: npt.NDArray[np.int16],
    unweights: npt.NDArray[np.int16],
    starts: Sequence[int],
    firsts: Sequence[int],
    widths: Sequence[int],
) -> Int32s:
    """Sums over bands of energies x (…, bins): of a band, with its weights, and of the one before, with its unweights.

    Args:
        x: uint32 values.
        weights, unweights: of all bands, one after the other.
        starts: of each band, and one before the first, the first bin.
        firsts: its first weight.
        widths: its bins.

    Returns:
        (…, bands, 2): the lower and the upper 32 bits of each sum.
    """
    wide = as_uint32(x).astype(np.uint64)
    sums, carried = [], np.zeros(x.shape[:-1], np.uint64)
    for start, first, width in zip(starts, firsts, widths, strict=True):
        line = wide[..., start : start + width]
        part = slice(first, first + width)
        sums.append(carried + (line * weights[part].astype(np.uint64)).sum(axis=-1, dtype=np.uint64))
        carried = (line * unweights[part].astype(np.uint64)).sum(axis=-1, dtype=np.uint64)
    whole = np.stack(sums[1:], axis=-1)
    return np.stack([whole & np.uint64(0xFFFFFFFF), whole >> np.uint64(32)], axis=-1).astype(np.uint32).view(np.int32)


def square_root(x: npt.NDArray[np.uint64]) -> Ints:
    """Square roots, rounded to nearest: up to 65535 for x below 2³², above that up to 2³² − 1."""
    root = np.sqrt(x.astype(np.float64)).astype(np.uint64)
    root = np.minimum(root, np.uint64(0xFFFFFFFF))
    root = np.where(root * root > x, root - np.uint64(1), root)
    more = np.minimum(root + np.uint64(1), np.uint64(0xFFFFFFFF))
    root = np.where((more * more <= x) & (more > root), more, root)
    limit = np.where(x >> np.uint64(32) == 0, np.uint64(0xFFFF), np.uint64(0xFFFFFFFF))
    root = np.where((x - root * root > root) & (root != limit), root + np.uint64(1), root)
    return root.astype(np.int64)


def filter_bank_square_root(x: Int32s, bits: Int32s) -> Int32s:
    """Square roots (…, bands) of 64-bit sums (…, bands, 2), divided by 2^bits, rounded down. bits: (…)."""
    words = as_uint32(x).astype(np.uint64)
    return as_int32(square_root(words[..., 0] | words[..., 1] << np.uint64(32)) >> np.asarray(bits)[..., None])


def spectral_subtraction(
    x: Int32s,
    noise: Int32s,
    smoothing: tuple[int, int],
    kept: tuple[int, int],
    least: int,
    smoothing_bits: int,
    bits: int,
    clamping: bool,
) -> tuple[Int32s, Int32s]:
    """Bands (…, bands) of one frame less their noise, and the new noise.

    Args:
        x: uint32 values.
        noise: estimates after the frame before, with `smoothing_bits` fractional bits.
        smoothing: the share of the new frame in them, of bands of even and of odd index.
        kept: the share of the old estimates.
        least: the share of the signal that always remains.
        smoothing_bits: see noise.
        bits: fractional bits of all shares.
        clamping: whether an estimate above the signal becomes the signal.
    """
    signal, odd = as_uint32(x), np.arange(x.shape[-1]) % 2
    scaled = (signal << smoothing_bits) & 0xFFFFFFFF
    shares, rest = np.array(smoothing, np.int64)[odd], np.array(kept, np.int64)[odd]
    estimate = ((scaled * shares + as_uint32(noise) * rest) >> bits) & 0xFFFFFFFF
    taken = np.minimum(estimate, scaled)
    floors = (signal * least >> bits) & 0xFFFFFFFF
    return as_int32(np.maximum((scaled - taken) >> smoothing_bits, floors)), as_int32(taken if clamping else estimate)


def gain(x: Int32s, table: npt.NDArray[np.int16]) -> Ints:
    """A function that is given by a table of GAIN_KNOTS, with a parabola between powers of two. x: uint32 values."""
    wide, knots = as_uint32(x), np.concatenate([table.astype(np.int64), [0, 0]])
    interval = most_significant_bit(wide)
    base = np.where(wide <= 2, 0, 4 * interval - 6)
    fraction = (
        np.where(interval < 11, wide << np.maximum(11 - interval, 0), wide >> np.maximum(interval - 11, 0)) & 0x3FF
    )
    curve = ((knots[base + 2] * fraction) >> 5) + (knots[base + 1] << 5)
    between = as_int16(((curve * fraction + (1 << 14)) >> 15) + knots[base])
    return np.where(wide <= 2, knots[np.minimum(wide, 2)], between)


def pcan(x: Int32s, noise: Int32s, table: npt.NDArray[np.int16], shift: int) -> Int32s:
    """Per-channel amplitude normalization: x · gain(noise) / 2^shift, squeezed: x² / 4 below 2, else x − 1.

    Wang, Getreuer, Hughes, Lyon, Saurous: "Trainable Frontend For Robust and Far-Field Keyword Spotting", 2017.
    """
    product = as_uint32(x).astype(np.uint64) * (gain(noise, table) & 0xFFFFFFFF).astype(np.uint64)
    ratio = (product >> np.uint64(shift)).astype(np.int64) & 0xFFFFFFFF
    narrow = np.where(ratio < 2 << SNR_BITS, ratio, 0)
    small = (narrow * narrow) >> (2 + 2 * SNR_BITS - GAIN_OUTPUT_BITS)
    large = (ratio >> (SNR_BITS - GAIN_OUTPUT_BITS)) - (1 << GAIN_OUTPUT_BITS)
    return as_int32(np.where(ratio < 2 << SNR_BITS, small, large))


@cache
def log_table() -> npt.NDArray[np.uint16]:
    """log₂(1 + f) − f in 65536ths at the ends of segments of f from 0 to 1."""
    segments = 1 << LOG_SEGMENTS
    return np.array([round(65536 * (log2(1 + k / segments) - k / segments)) for k in range(segments + 1)], np.uint16)


def filter_bank_log(x: Int32s, scale: int, correction_bits: int) -> Int32s:
    """scale · ln(x · 2^correction_bits), up to 32767; 0 where there is no logarithm above 0. x: uint32 values."""
    wide = as_uint32(x)
    scaled = (wide << correction_bits) & 0xFFFFFFFF if correction_bits >= 0 else wide >> -correction_bits
    known = np.maximum(scaled, 2)
    whole = most_significant_bit(known) - 1
    above = known - (1 << whole)
    fraction = np.where(whole < 16, above << np.maximum(16 - whole, 0), above >> np.maximum(whole - 16, 0))
    segment = fraction >> (16 - LOG_SEGMENTS)
    table = log_table().astype(np.int64)
    low, high = table[segment], table[segment + 1]
    between = ((high - low) * (fraction - (segment << (16 - LOG_SEGMENTS)))) >> 16
    binary = (whole << 16) + fraction + low + between
    natural = (round(65536 * log(2)) * binary + 32768) >> 16
    return np.where(scaled > 1, np.minimum(((natural * scale + 32768) & 0xFFFFFFFF) >> 16, 32767), 0).astype(np.int32)
