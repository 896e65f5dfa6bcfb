"""Requantization: from an accumulator to an int8 or int16 value, in the roundings edgeq knows.

This file is normative: `firmware/include/eq/requant.h` has the same functions in C, and both give the same bits.

- FAST: `q = zp + ((acc·M + 2³⁰) >> 31)`, `M = round(m·2³¹)`; for |m| ≥ 1 the accumulator is shifted left, saturating.
- SINGLE: LiteRT's single rounding, `q = zp + ((acc·M + 2^(s−1)) >> s)`, M normalized to [2³⁰, 2³¹), s = 31 − shift.
- DOUBLE: gemmlowp's two roundings: a rounding doubling high multiply, then a rounding division by a power of two
  (Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018).
- WIDE: SINGLE's formula for accumulators of up to 48 bits, from which FAST makes int16 values
  (`firmware/include/eq/requant16.h`). Of accumulators of 32 bits SINGLE makes the same.
- REDUCED: WIDE with the upper 16 bits of M, rounded: what LiteRT makes of the 64-bit accumulators of int16 products. It
  shifts by 16 bits less instead of filling them with zeros, which comes to the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeq.errors import QuantizationError
from edgeq.numerics.modes import Numerics as Numerics
from edgeq.numerics.modes import Rounding as Rounding
from edgeq.numerics.runs import in_runs, room, rows_together

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
WIDE_BITS = 47
"""Accumulators of WIDE are below 2⁴⁷ in absolute value."""
FROM_48_BITS = frozenset({Rounding.WIDE, Rounding.REDUCED})
"""Roundings that take such accumulators; they differ in the multiplier alone."""
MOST_WIDE_SHIFT = 14
"""The greatest shift to the left of WIDE."""
BLOCK = 1 << 16
"""Accumulators that stay in the nearer caches while they are requantized."""


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


def _normalized_multiplier(m: Reals, most: int = 30) -> tuple[Reals, Ints]:
    fraction, exponent = np.frexp(m)
    mantissa, shift = np.floor(fraction * 2.0**31 + 0.5), exponent.astype(np.int64)
    above = mantissa == 2.0**31
    mantissa, shift = np.where(above, 2.0**30, mantissa), shift + above
    vanishing = (m == 0.0) | (shift < -31)
    mantissa, shift = np.where(vanishing, 0.0, mantissa), np.where(vanishing, 0, shift)
    return np.where(shift > most, INT32_MAX, mantissa), np.minimum(shift, most)


def _wide_multiplier(m: Reals) -> tuple[Reals, Ints]:
    return _normalized_multiplier(m, MOST_WIDE_SHIFT)


def _reduced_multiplier(m: Reals) -> tuple[Reals, Ints]:
    mantissa, shift = _wide_multiplier(m)
    return np.minimum(np.floor((mantissa + 2.0**15) * 2.0**-16), 32767.0) * 2.0**16, shift


_SPLIT = {
    Rounding.FAST: _fast_multiplier,
    Rounding.WIDE: _wide_multiplier,
    Rounding.REDUCED: _reduced_multiplier,
}
"""How factors become integers; for other roundings by `_normalized_multiplier`."""


def quantize_multiplier(real: float | npt.ArrayLike, rounding: Rounding) -> Multiplier:
    """Turn real factors (any shape, flattened) into a Multiplier for `rounding`.

    Factors from 2³¹ on, infinity among them, become the greatest one that can be represented: with all of them every
    accumulator other than 0 is beyond every bound. For WIDE and REDUCED it is 2¹⁴. Models have them whose calibration
    saw nothing but zeros somewhere.

    FAST alone takes negative factors, whose mantissas are negative: with them and accumulators of the opposite sign
    its products are the same, to the last bit, and so is what is rounded.

    Raises:
        QuantizationError: a factor is not a number, or negative in another rounding.
    """
    values = np.atleast_1d(np.asarray(real, np.float64)).ravel()
    signs = np.where((values < 0.0) & np.isfinite(values) & (rounding is Rounding.FAST), -1.0, 1.0)
    values = values * signs
    if not np.all(values >= 0):
        worst = values[~(values >= 0)][0]
        raise QuantizationError(
            f"scales are out of all proportion: requantization by a factor of {worst:.3g} is impossible",
            hint="look for weights, or calibration data, that are far too large or too small",
        )
    split = _SPLIT.get(rounding, _normalized_multiplier)
    mantissa, shift = split(np.minimum(values, INT32_MAX))
    return Multiplier((mantissa * signs).astype(np.int32), shift.astype(np.int32))


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
    if rounding in FROM_48_BITS:
        return _multiply_wide(x, mantissa, shift)
    if rounding is Rounding.SINGLE:
        total = 31 - shift
        return (x * mantissa + (np.int64(1) << (total - 1))) >> total
    left, right = np.maximum(shift, 0), np.maximum(-shift, 0)
    return rounding_divide_by_pot(doubling_high_multiply(saturating_shift_left(x, left), mantissa), right)


def _multiply_wide(x: Ints, mantissa: Ints, shift: Ints) -> Ints:
    """(x·M + 2^(s−1)) >> s, exactly, for s = 31 − shift: the lower 16 bits of the sum cannot reach the result."""
    product = (x >> 16) * mantissa + (((x & 0xFFFF) * mantissa) >> 16)
    total = 15 - shift
    return np.asarray((product + (np.int64(1) << (total - 1))) >> total)


def requantize(
    acc: npt.ArrayLike,
    multiplier: Multiplier,
    zero_point: int,
    qmin: int,
    qmax: int,
    rounding: Rounding,
    bias: Ints | None = None,
) -> npt.NDArray[Any]:
    """clamp(zero_point + (acc + bias)·m, qmin, qmax) as int8, or as int16 where the rounding is WIDE or REDUCED.

    Args:
        acc: int32 values (…, C), of 48 bits for these two, which may come as floats.
        multiplier: C factors or one.
        zero_point, qmin, qmax: of the output.
        rounding: of the product.
        bias: (C,) int32 values, or None.
    """
    return Requantization(multiplier, zero_point, qmin, qmax, rounding, bias)(np.asarray(acc))


@dataclass(frozen=True, eq=False)
class Requantization:
    """`requantize` with everything but the accumulators, for many calls; int16 also where that is said."""

    multiplier: Multiplier
    zero_point: int
    qmin: int
    qmax: int
    rounding: Rounding
    bias: Ints | None = None
    to_int16: bool = False

    @property
    def kind(self) -> type[np.int8] | type[np.int16]:
        """The element type of the outputs."""
        return np.int16 if self.to_int16 or self.rounding in FROM_48_BITS else np.int8

    def __call__(self, acc: npt.NDArray[Any], out: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
        """The outputs for accumulators (…, C), whole numbers of any type; written to `out`, contiguous, if given."""
        result: npt.NDArray[Any] = np.empty(acc.shape, self.kind) if out is None else out
        if self.rounding is Rounding.FAST:
            self._fast(acc, result)
        else:
            sums = acc.astype(np.int64) if self.bias is None else acc.astype(np.int64) + self.bias
            scaled = multiply(sums, self.multiplier, self.rounding) + self.zero_point
            result[...] = np.clip(scaled, self.qmin, self.qmax).reshape(acc.shape)
        return result

    def split(self, groups: int) -> Sequence[Requantization]:
        """The same for each of so many groups of the channels."""
        if groups not in self._groups:
            channels = max(len(self.multiplier.mantissa), 1 if self.bias is None else len(self.bias))
            every = [slice(channels // groups * g, channels // groups * (g + 1)) for g in range(groups)]
            self._groups[groups] = [self] if groups == 1 else [self._of(channels, part) for part in every]
        return self._groups[groups]

    def _of(self, channels: int, part: slice) -> Requantization:
        mantissa, shift = (
            np.broadcast_to(v, (channels,))[part] for v in (self.multiplier.mantissa, self.multiplier.shift)
        )
        return replace(
            self,
            multiplier=Multiplier(mantissa, shift),
            bias=None if self.bias is None else np.broadcast_to(self.bias, (channels,))[part],
        )

    @cached_property
    def _groups(self) -> dict[int, Sequence[Requantization]]:
        return {}

    @cached_property
    def _steps(self) -> _Steps:
        return _Steps.of(self)

    def _fast(self, acc: npt.NDArray[Any], result: npt.NDArray[np.int8]) -> None:
        """FAST in float64: several times faster than in integers, with the same results."""
        channels = acc.shape[-1] if acc.ndim else 1
        together = rows_together(channels)
        steps = self._steps.tiled(channels, together)
        rows, outputs = acc.reshape(-1, channels), result.reshape(-1, channels)
        at_once = max(1, BLOCK // max(1, together * channels)) * together
        if 2 * len(rows) <= 3 * at_once:
            at_once = max(1, len(rows))
        for start in range(0, len(rows), at_once):
            steps.run(rows[start : start + at_once], outputs[start : start + at_once])


@dataclass(frozen=True, eq=False)
class _Steps:
    """The arithmetic of FAST in float64, per channel.

    (acc + bias)·M / 2³¹ is a multiple of 2⁻³¹: below 2²² it has 53 bits at most, and every step is exact. Above,
    whatever the rounding, the result is far beyond every bound. The bias can be multiplied separately where its product
    is less than 2²⁰: a product of the accumulator that is large enough to be rounded is then beyond the bounds with any
    bias.

    Attributes:
        factor: M / 2³¹.
        added: what is added to the accumulator at first, where the bias cannot be multiplied separately; else None.
        gain: powers of two by which the sum is shifted, saturating; else None.
        offset: of the product, so that the output is its integer part above `qmin`.
        qmin, qmax: bounds of the output.
        small: whether every product fits 32 bits.
    """

    factor: Reals
    added: Reals | None
    gain: Reals | None
    offset: Reals
    qmin: int
    qmax: int
    small: bool
    _tiled: dict[tuple[int, int], _Steps] = field(default_factory=dict)

    @staticmethod
    def of(whole: Requantization) -> _Steps:
        factor = np.ldexp(whole.multiplier.mantissa.astype(np.float64), -31)
        shift, bias = whole.multiplier.shift, np.zeros(1) if whole.bias is None else whole.bias.astype(np.float64)
        apart = bool(shift.any()) or bool(np.any(np.abs(bias * factor) >= 2.0**20))
        return _Steps(
            factor,
            bias if apart else None,
            np.ldexp(1.0, shift) if apart else None,
            (0.0 if apart else bias * factor) + (np.zeros(len(factor)) + whole.zero_point + 0.5 - whole.qmin),
            whole.qmin,
            whole.qmax,
            not apart and bool(np.all(np.abs(factor) < 0.25)),
        )

    def tiled(self, channels: int, rows: int) -> _Steps:
        """For so many rows of channels side by side."""
        key = channels, rows
        if key not in self._tiled:

            def tile(values: Reals | None) -> Any:
                return None if values is None else np.tile(np.broadcast_to(values, (channels,)), rows)

            self._tiled[key] = replace(
                self, factor=tile(self.factor), added=tile(self.added), gain=tile(self.gain), offset=tile(self.offset)
            )
        return self._tiled[key]

    def run(self, acc: npt.NDArray[Any], result: npt.NDArray[np.int8]) -> None:
        """Outputs of accumulators, both (rows, channels)."""
        x = room("requantize", acc.shape, np.float64)
        x[...] = acc
        for part in in_runs(x, len(self.factor)):
            if self.added is not None and self.gain is not None:
                part += self.added[: part.shape[1]]
                part *= self.gain[: part.shape[1]]
                np.clip(part, INT32_MIN, INT32_MAX, out=part)
            part *= self.factor[: part.shape[1]]
            part += self.offset[: part.shape[1]]
        whole = room("requantize_whole", acc.shape, np.int32)
        low, high = np.int32(0), np.int32(self.qmax - self.qmin)
        if self.small:
            # Cut off, not rounded down: what is below 0 becomes 0 with both.
            np.copyto(whole, x, casting="unsafe")
            whole.clip(low, high, out=whole)
        else:
            np.floor(x, out=x)
            np.clip(x, low, high, out=x)
            np.copyto(whole, x, casting="unsafe")
        steps = result.view(np.uint8)
        np.copyto(steps, whole, casting="unsafe")
        steps += np.uint8(self.qmin % 256)
