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
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeq.errors import QuantizationError
from edgeq.numerics.modes import Numerics as Numerics
from edgeq.numerics.modes import Rounding as Rounding
from edgeq.numerics.runs import rows_at_once

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
BLOCK = 1 << 14
"""Accumulators that stay in the nearest cache while they are requantized."""


@dataclass(frozen=True, eq=False)
class Multiplier:
    """Real factors as integers: `mantissa` (int32) and `shift` (positive: to the left), one of each per channel."""

    mantissa: npt.NDArray[np.int32]
    shift: npt.NDArray[np.int32]


def round_half_away(x: float) -> int:
    """Round to the nearest integer, halves away from zero (C's `round`)."""
    return math.floor(abs(x) + 0.5) * (1 if x >= 0 else -1)


def _fast_multiplier(m: Reals) -> tuple[Reals, Ints]:
    shift = np.maximum(np.frexp(m)[1], 0).astype(np.int64)
    shift += np.floor(np.ldexp(m, 31 - shift) + 0.5) > INT32_MAX  # just below a power of two
    return np.floor(np.ldexp(m, 31 - shift) + 0.5), shift


def _normalized_multiplier(m: Reals) -> tuple[Reals, Ints]:
    fraction, exponent = np.frexp(m)
    mantissa, shift = np.floor(fraction * 2.0**31 + 0.5), exponent.astype(np.int64)
    above = mantissa == 2.0**31
    mantissa, shift = np.where(above, 2.0**30, mantissa), shift + above
    vanishing = (m == 0.0) | (shift < -31)
    mantissa, shift = np.where(vanishing, 0.0, mantissa), np.where(vanishing, 0, shift)
    return np.where(shift > 30, INT32_MAX, mantissa), np.minimum(shift, 30)


def quantize_multiplier(real: float | npt.ArrayLike, rounding: Rounding) -> Multiplier:
    """Turn real factors m ≥ 0 (any shape, flattened) into a Multiplier for `rounding`.

    Factors from 2³¹ on, infinity among them, become the greatest one that can be represented: with all of them every
    accumulator other than 0 is beyond every bound. Models have them whose calibration saw nothing but zeros somewhere.

    Raises:
        QuantizationError: a factor is negative or not a number.
    """
    values = np.atleast_1d(np.asarray(real, np.float64)).ravel()
    if not np.all(values >= 0):
        worst = values[~(values >= 0)][0]
        raise QuantizationError(
            f"scales are out of all proportion: requantization by a factor of {worst:.3g} is impossible",
            hint="look for weights, or calibration data, that are far too large or too small",
        )
    split = _fast_multiplier if rounding is Rounding.FAST else _normalized_multiplier
    mantissa, shift = split(np.minimum(values, INT32_MAX))
    return Multiplier(mantissa.astype(np.int32), shift.astype(np.int32))


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
    acc: npt.ArrayLike,
    multiplier: Multiplier,
    zero_point: int,
    qmin: int,
    qmax: int,
    rounding: Rounding,
    bias: Ints | None = None,
) -> npt.NDArray[np.int8]:
    """clamp(zero_point + (acc + bias)·m, qmin, qmax) as int8.

    Args:
        acc: int32 values (…, C), which may come as floats.
        multiplier: C factors or one.
        zero_point, qmin, qmax: of the output.
        rounding: of the product.
        bias: (C,) int32 values, or None.
    """
    values = np.asarray(acc)
    if rounding is Rounding.FAST:
        return _requantize_fast(values, multiplier, zero_point, qmin, qmax, bias)
    sums = values.astype(np.int64) if bias is None else values.astype(np.int64) + bias
    return np.clip(multiply(sums, multiplier, rounding) + zero_point, qmin, qmax).astype(np.int8)


def _requantize_fast(
    acc: npt.NDArray[Any], multiplier: Multiplier, zero_point: int, qmin: int, qmax: int, bias: Ints | None
) -> npt.NDArray[np.int8]:
    """FAST in float64: several times faster than in integers, with the same results.

    (acc + bias)·M / 2³¹ is a multiple of 2⁻³¹: below 2²² it has 53 bits at most, and every step is exact. Above,
    whatever the rounding, the result is far beyond every bound. The bias can be multiplied separately where its product
    is less than 2²⁰: a product of the accumulator that is large enough to be rounded is then beyond the bounds with any
    bias.
    """
    channels = acc.shape[-1] if acc.ndim else 1
    factor = np.broadcast_to(np.ldexp(multiplier.mantissa.astype(np.float64), -31), (channels,))
    shift = np.broadcast_to(multiplier.shift, (channels,))
    added = np.zeros(channels) if bias is None else bias.astype(np.float64)
    apart = bool(shift.any()) or bool(np.any(np.abs(added * factor) >= 2.0**20))
    wide = rows_at_once(acc.size // max(1, channels), channels)
    factor, added, gain = (np.tile(v, wide) for v in (factor, added, np.ldexp(1.0, shift)))
    offset = zero_point + 0.5 if apart else added * factor + (zero_point + 0.5)
    rows = acc.reshape(-1, channels * wide)
    result = np.empty(rows.shape, np.int8)
    at_once = max(1, BLOCK // max(1, rows.shape[1]))
    for start in range(0, len(rows), at_once):
        x = rows[start : start + at_once].astype(np.float64)
        if apart:
            x += added
            x *= gain
            np.clip(x, INT32_MIN, INT32_MAX, out=x)
        x *= factor
        x += offset
        np.floor(x, out=x)
        np.clip(x, qmin, qmax, out=x)
        result[start : start + at_once] = x
    return result.reshape(acc.shape)
