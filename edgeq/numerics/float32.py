"""Float32 arithmetic with a stated order of operations: what a real result of edgeq is on a device.

Every function is a sequence of IEEE 754 single-precision additions, subtractions, multiplications and divisions, each
of which rounds to nearest, halves to even, and is never contracted with another (`-ffp-contract=off`). NumPy and C then
give the same bits. This file is normative: `firmware/include/eq/float32.h` has the same functions in C.

Functions beyond these four operations are edgeq's own, because C libraries differ in the last bits of theirs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
F = np.float32

WHOLE = F(1.5 * 2**23)
"""Added to a number below 2²² in magnitude and subtracted again, it leaves the nearest integer, halves to even."""
EXP_LOW, EXP_HIGH = F(-104.0), F(89.0)
"""Below the first exp(x) is 0 in float32, above the second it is infinite."""
LOG2_E = F(1.4426950408889634)
LN2_HIGH, LN2_LOW = F(0.693359375), F(-2.12194440e-4)
"""ln 2 in two parts; the product of the first, which has 9 bits, with a whole number is exact."""
EXP_TERMS = tuple(
    F(c) for c in (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5)
)
"""Minimax coefficients of (exp(r) − 1 − r) / r² for |r| ≤ ln 2 / 2, the highest power first (Cephes, `expf`)."""


def to_nearest(x: Floats) -> Floats:
    """The nearest integer of each element, halves to even; |x| < 2²²."""
    return (x + WHOLE) - WHOLE


def bounded(x: Floats, low: np.float32, high: np.float32) -> Floats:
    """x, but no less than `low` and no more than `high`; NaN becomes `low`."""
    return np.where(x > low, np.where(x < high, x, high), low).astype(np.float32)


def quantize(x: Floats, scale: float, zero_point: int, low: int, high: int) -> npt.NDArray[np.int64]:
    """The integers low … high nearest to x / scale + zero_point, halves to even; NaN becomes `low`."""
    with np.errstate(over="ignore", invalid="ignore"):
        steps = np.asarray(x, np.float32) / F(scale)
    return to_nearest(bounded(steps, F(low - zero_point), F(high - zero_point))).astype(np.int64) + zero_point


def dequantize(q: npt.ArrayLike, scale: float, zero_point: int) -> Floats:
    """(q − zero_point) · scale for integers below 2²⁴ in magnitude."""
    return (np.asarray(q, np.int64) - zero_point).astype(np.float32) * F(scale)


def power_of_two(exponent: npt.NDArray[np.int32]) -> Floats:
    """2^exponent for −126 … 127."""
    return ((exponent + 127) << 23).astype(np.int32).view(np.float32)


def exp(x: Floats) -> Floats:
    """The exponential function; at most 1 unit in the last place from the exact value (2 where that is subnormal).

    x = n · ln 2 + r; the polynomial of r is scaled by 2ⁿ in two steps, so that subnormal and the largest results are
    reached. NaN stays NaN.
    """
    real = np.asarray(x, np.float32)
    with np.errstate(all="ignore"):
        inside = bounded(real, EXP_LOW, EXP_HIGH)
        n = to_nearest(inside * LOG2_E)
        r = (inside - n * LN2_HIGH) - n * LN2_LOW
        p = np.full(r.shape, EXP_TERMS[0], np.float32)
        for term in EXP_TERMS[1:]:
            p = p * r + term
        y = (p * (r * r) + r) + F(1.0)
        whole = n.astype(np.int32)
        half = whole >> 1
        scaled = (y * power_of_two(half)) * power_of_two(whole - half)
    return np.where(np.isnan(real), real, scaled).astype(np.float32)
