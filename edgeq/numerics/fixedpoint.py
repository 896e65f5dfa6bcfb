"""Requantization: from an int32 accumulator to an int8 value, in the three roundings edgeq knows.

This file is normative: `firmware/include/eq/requant.h` has the same functions in C, and both give the same bits.

- FAST: `q = zp + ((acc·M + 2³⁰) >> 31)`, `M = round(m·2³¹)`; for m ≥ 1 the accumulator is shifted left, saturating.
- SINGLE: LiteRT's single rounding, `q = zp + ((acc·M + 2^(s−1)) >> s)`, M normalized to [2³⁰, 2³¹), s = 31 − shift.
- DOUBLE: gemmlowp's two roundings: a rounding doubling high multiply, then a rounding division by a power of two
  (Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from edgeq.errors import QuantizationError

Ints = npt.NDArray[np.int64]
INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1


class Numerics(Enum):
    """Whose arithmetic a quantized graph follows (see docs/numerics.md)."""

    FAST = "fast"
    TFLITE = "tflite"
    TFLM = "tflm"


class Rounding(Enum):
    """How a requantization rounds."""

    FAST = "fast"
    SINGLE = "single"
    DOUBLE = "double"


@dataclass(frozen=True, eq=False)
class Multiplier:
    """Real factors as integers: `mantissa` (int32) and `shift` (positive: to the left), one of each per channel."""

    mantissa: npt.NDArray[np.int32]
    shift: npt.NDArray[np.int32]


def round_half_away(x: float) -> int:
    """Round to the nearest integer, halves away from zero (C's `round`)."""
    return math.floor(abs(x) + 0.5) * (1 if x >= 0 else -1)


def _fast_multiplier(m: float) -> tuple[int, int]:
    shift = 0
    while round_half_away(m * 2.0**31) > INT32_MAX:
        m, shift = m / 2.0, shift + 1
    return round_half_away(m * 2.0**31), shift


def _normalized_multiplier(m: float) -> tuple[int, int]:
    if m == 0.0:
        return 0, 0
    fraction, shift = math.frexp(m)
    mantissa = round_half_away(fraction * 2.0**31)
    if mantissa == 2**31:
        mantissa, shift = mantissa // 2, shift + 1
    if shift < -31:
        return 0, 0
    return (mantissa, shift) if shift <= 30 else (INT32_MAX, 30)


def quantize_multiplier(real: float | npt.ArrayLike, rounding: Rounding) -> Multiplier:
    """Turn real factors m ≥ 0 (any shape, flattened) into a Multiplier for `rounding`.

    Raises:
        QuantizationError: a factor is negative or not finite, or 2³¹ or more.
    """
    values = np.atleast_1d(np.asarray(real, np.float64)).ravel()
    if not np.all(np.isfinite(values)) or np.any(values < 0) or np.any(values >= 2.0**31):
        worst = values[~((values >= 0) & (values < 2.0**31))][0]
        raise QuantizationError(
            f"scales are out of all proportion: requantization by a factor of {worst:.3g} is impossible",
            hint="look for weights, or calibration data, that are far too large or too small",
        )
    one = _fast_multiplier if rounding is Rounding.FAST else _normalized_multiplier
    pairs = [one(float(v)) for v in values]
    return Multiplier(np.array([p[0] for p in pairs], np.int32), np.array([p[1] for p in pairs], np.int32))


def saturating_shift_left(x: Ints, shift: Ints) -> Ints:
    """`x << shift`, saturated to 32 bits; shift ≥ 0."""
    return np.clip(x << shift, INT32_MIN, INT32_MAX)


def doubling_high_multiply(a: Ints, b: Ints) -> Ints:
    """gemmlowp's SaturatingRoundingDoublingHighMul on int32 values: round(a·b / 2³¹), halves upwards."""
    product = a * b
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    # C's division truncates towards zero, numpy's shift floors.
    high = np.where(nudged >= 0, nudged >> 31, -((-nudged) >> 31))
    return np.minimum(high, INT32_MAX)


def rounding_divide_by_pot(x: Ints, exponent: Ints) -> Ints:
    """gemmlowp's RoundingDivideByPOT: round(x / 2^exponent), halves away from zero; exponent in 0…31."""
    mask = (np.int64(1) << exponent) - 1
    threshold = (mask >> 1) + (x < 0)
    return (x >> exponent) + ((x & mask) > threshold)


def multiply(acc: npt.ArrayLike, multiplier: Multiplier, rounding: Rounding) -> Ints:
    """acc·m, rounded. acc: int32 values (…, C); the multiplier has C entries or one. Returns int64 of acc's shape."""
    x = np.asarray(acc, np.int64)
    mantissa, shift = multiplier.mantissa.astype(np.int64), multiplier.shift.astype(np.int64)
    if rounding is Rounding.FAST:
        scaled = (saturating_shift_left(x, shift) if shift.any() else x) * mantissa
        scaled += 1 << 30
        scaled >>= 31
        return scaled
    if rounding is Rounding.SINGLE:
        total = 31 - shift
        return (x * mantissa + (np.int64(1) << (total - 1))) >> total
    left, right = np.maximum(shift, 0), np.maximum(-shift, 0)
    return rounding_divide_by_pot(doubling_high_multiply(saturating_shift_left(x, left), mantissa), right)


def requantize(
    acc: npt.ArrayLike, multiplier: Multiplier, zero_point: int, qmin: int, qmax: int, rounding: Rounding
) -> npt.NDArray[np.int8]:
    """clamp(zero_point + acc·m, qmin, qmax) as int8; see `multiply` for shapes."""
    q = multiply(acc, multiplier, rounding)
    q += zero_point
    return np.clip(q, qmin, qmax, out=q).astype(np.int8)
