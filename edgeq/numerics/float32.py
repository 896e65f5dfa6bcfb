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

GREATEST = F(3.4028234663852886e38)
"""The greatest number that is finite."""
LEAST = F(2.0**-126)
"""The least number above zero that is not subnormal."""
LOG_TERMS = tuple(
    F(c)
    for c in (
        *(7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1),
        *(-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1),
    )
)
"""Minimax coefficients of (ln(1 + x) − x + x²/2) / x³ for √½ ≤ 1 + x < √2, the highest power first (Cephes, `logf`)."""
TANH_TERMS = tuple(
    F(c) for c in (-5.70498872745e-3, 2.06390887954e-2, -5.37397154531e-2, 1.33314422036e-1, -3.33332819422e-1)
)
"""Minimax coefficients of (tanh(x) − x) / x³ in x² for |x| < 0.625, the highest power first (Cephes, `tanhf`)."""


def number(x: npt.ArrayLike) -> Floats:
    """x; what is not a number becomes the same NaN on every processor."""
    real = np.asarray(x, np.float32)
    return np.where(np.isnan(real), F(np.nan), real)


def quotient(x: npt.ArrayLike, y: npt.ArrayLike) -> Floats:
    """x / y; a subnormal quotient becomes zero, as where a compiler's library divides."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        found = np.asarray(x, np.float32) / np.asarray(y, np.float32)
        return np.asarray(np.where(np.abs(found) < LEAST, found * F(0), found))


def within(x: npt.ArrayLike, low: float, high: float) -> Floats:
    """x, but no less than `low` and no more than `high`, which are finite; NaN stays."""
    real = np.asarray(x, np.float32)
    low32, high32 = (F(np.clip(bound, -GREATEST, GREATEST)) for bound in (low, high))
    return number(np.where(real < low32, low32, np.where(real > high32, high32, real)))


def round_half_away(x: Floats) -> Floats:
    """The nearest integer of each element, halves away from zero; |x| < 2²²."""
    whole = np.trunc(x)
    rest = x - whole
    return (whole + (rest >= F(0.5)) - (rest <= F(-0.5))).astype(np.float32)


def to_nearest(x: Floats) -> Floats:
    """The nearest integer of each element, halves to even; |x| < 2²²."""
    return (x + WHOLE) - WHOLE


def bounded(x: Floats, low: np.float32, high: np.float32) -> Floats:
    """x, but no less than `low` and no more than `high`; NaN becomes `low`."""
    return np.where(x > low, np.where(x < high, x, high), low).astype(np.float32)


def quantize(
    x: Floats, scale: float, zero_point: int, low: int, high: int, away: bool = False
) -> npt.NDArray[np.int64]:
    """The integers low … high nearest to x / scale + zero_point, halves to even or away from zero; NaN is `low`."""
    nearest = round_half_away if away else to_nearest
    with np.errstate(over="ignore", invalid="ignore"):
        steps = np.asarray(x, np.float32) / F(scale)
    return nearest(bounded(steps, F(low - zero_point), F(high - zero_point))).astype(np.int64) + zero_point


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


@np.errstate(all="ignore")
def sqrt(x: npt.ArrayLike) -> Floats:
    """The square root, rounded once; of a negative number NaN."""
    return number(np.sqrt(np.asarray(x, np.float32)))


@np.errstate(all="ignore")
def log(x: npt.ArrayLike) -> Floats:
    """The natural logarithm, at most 1 unit in the last place from the exact value; of 0 minus infinity.

    x = m · 2ⁿ with √½ ≤ m < √2; the polynomial of m − 1, then n · ln 2 in two parts.
    """
    real = np.asarray(x, np.float32)
    regular = (real > 0) & (real <= GREATEST)
    m, n = np.frexp(np.where(regular, real, F(1.0)))
    small = m < F(0.70710678)
    r = np.where(small, m + m, m) - F(1.0)
    whole = (n - small).astype(np.float32)
    square = r * r
    p = np.full(r.shape, LOG_TERMS[0], np.float32)
    for term in LOG_TERMS[1:]:
        p = p * r + term
    y = ((p * r) * square + whole * LN2_LOW) - F(0.5) * square
    found = (r + y) + whole * LN2_HIGH
    below = np.where(real == 0, F(-np.inf), np.where(real < 0, F(np.nan), real))
    return number(np.where(regular, found, below))


def sigmoid(x: npt.ArrayLike) -> Floats:
    """1 / (1 + exp(−x)), as TensorFlow Lite computes it: exp(x) below −9, and 1 where the sum would be 1."""
    real = np.asarray(x, np.float32)
    with np.errstate(all="ignore"):
        usual = F(1.0) / (F(1.0) + exp(-real))
    return number(np.where(real > F(16.619047), F(1.0), np.where(real < F(-9.0), exp(real), usual)))


@np.errstate(all="ignore")
def tanh(x: npt.ArrayLike) -> Floats:
    """The hyperbolic tangent, within 2 units in the last place of the exact value."""
    real = np.asarray(x, np.float32)
    size = np.where(real < 0, -real, real)
    large = F(1.0) - F(2.0) / (exp(size + size) + F(1.0))
    square = real * real
    p = np.full(real.shape, TANH_TERMS[0], np.float32)
    for term in TANH_TERMS[1:]:
        p = p * square + term
    small = (p * square) * real + real
    return number(np.where(size >= F(0.625), np.where(real < 0, -large, large), small))


ERF_TERMS = tuple(
    F(c)
    for c in (
        *(7.853861353153693e-5, -8.010193625184903e-4, 5.188327685732524e-3, -2.685381193529856e-2),
        *(1.128358514861418e-1, -3.761262582423300e-1, 1.128379165726710),
    )
)
"""Minimax coefficients of erf(x) / x in x² for |x| ≤ 1, the highest power first (Cephes, `erff`)."""
ERFC_TERMS = tuple(F(c) for c in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592))
"""Of (1 − erf(x)) · exp(x²) / t in t = 1 / (1 + ERFC_STEP · x), the highest power first (Abramowitz and
Stegun, 7.1.26)."""
ERFC_STEP = F(0.3275911)


ATAN_TERMS = tuple(
    F(c)
    for c in (-0.06451597064733505, 0.10743631422519684, -0.14263945817947388, 0.19999539852142334, -0.3333333134651184)
)
"""Of (atan(x) / x − 1) / x² in x² for |x| ≤ √2 − 1, the highest power first, by interpolation at Chebyshev's points."""
SIN_TERMS = tuple(
    F(c) for c in (2.7249852792010643e-06, -0.00019840085587929934, 0.008333331905305386, -0.1666666716337204)
)
COS_TERMS = tuple(
    F(c) for c in (-2.7300947635922057e-07, 2.480059993104078e-05, -0.00138888880610466, 0.0416666679084301)
)
"""Of (sin(x) / x − 1) / x² and (cos(x) − 1 + x² / 2) / x⁴ in x² for |x| ≤ π / 4, likewise."""
QUARTER_TURNS = F(0.6366197466850281)
TURN_PARTS = (F(1.5703125), F(0.000484466552734375), F(-6.397578431460715e-07))
"""2 / π, and π / 2 in three parts, of which the first two have so few bits that their products with turns are exact."""


def _polynomial(terms: tuple[np.float32, ...], x: Floats) -> Floats:
    """The value of a polynomial, its highest power first."""
    p = np.full(x.shape, terms[0], np.float32)
    for term in terms[1:]:
        p = p * x + term
    return p


@np.errstate(all="ignore")
def expm1(x: npt.ArrayLike) -> Floats:
    """exp(x) − 1, within 2 units in the last place of the exact value for |x| < 0.34, and within 2⁻²² of 1 + its
    magnitude elsewhere."""
    real = np.asarray(x, np.float32)
    near = _polynomial(EXP_TERMS, real) * (real * real) + real
    return number(np.where((real > F(-0.34)) & (real < F(0.34)), near, exp(real) - F(1.0)))


@np.errstate(all="ignore")
def erf(x: npt.ArrayLike) -> Floats:
    """The error function, within 4·10⁻⁷ of the exact value; for |x| < 1 within 3 units in the last place."""
    real = np.asarray(x, np.float32)
    size = bounded(np.where(real < 0, -real, real).astype(np.float32), F(0.0), F(10.0))
    near = real * _polynomial(ERF_TERMS, real * real)
    t = F(1.0) / (F(1.0) + ERFC_STEP * size)
    far = F(1.0) - (_polynomial(ERFC_TERMS, t) * t) * exp(-(size * size))
    found = np.where(size < F(1.0), near, np.where(real < 0, -far, far))
    return number(np.where(np.isnan(real), real, found))


@np.errstate(all="ignore")
def whole(x: npt.ArrayLike) -> Floats:
    """x without its fraction; what has none stays, and NaN."""
    real = np.asarray(x, np.float32)
    inside = (real > F(-8388608.0)) & (real < F(8388608.0))
    return number(np.where(inside, np.trunc(np.where(inside, real, F(0.0))) + F(0.0), real))


@np.errstate(all="ignore")
def floor(x: Floats) -> Floats:
    """The greatest whole number that is not above x."""
    cut = whole(x)
    return np.asarray(np.where(cut > x, cut - F(1.0), cut))


@np.errstate(all="ignore")
def round_even(x: Floats) -> Floats:
    """The nearest whole number, halves to even."""
    cut = whole(x)
    rest, half = x - cut, cut * F(0.5)
    odd = whole(half) != half
    up, down = (rest > F(0.5)) | ((rest == F(0.5)) & odd), (rest < F(-0.5)) | ((rest == F(-0.5)) & odd)
    return np.asarray(np.where(up, cut + F(1.0), np.where(down, cut - F(1.0), cut)))


@np.errstate(all="ignore")
def ceil(x: Floats) -> Floats:
    """The least whole number that is not below x."""
    cut = whole(x)
    return np.asarray(np.where(cut < x, cut + F(1.0), cut))


BLOCK = 1 << 15
"""Elements that stay in the nearest cache while products are added."""


def products(a: Floats, b: Floats) -> Floats:
    """The matrix product of a (…, M, K) and b (…, K, N), batch dimensions broadcast: (…, M, N).

    Each sum starts at 0; its K products, each rounded, are added one after the other.
    """
    shape = (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1])
    total = np.zeros(shape, np.float32)
    columns = np.ascontiguousarray(np.moveaxis(a, -1, 0))[..., None]
    rows = max(1, BLOCK // max(1, total.size // max(1, shape[-2])))
    with np.errstate(all="ignore"):
        for start in range(0, shape[-2], rows):
            part = total[..., start : start + rows, :]
            product = np.empty_like(part)
            for k in range(a.shape[-1]):
                np.multiply(columns[k][..., start : start + rows, :], b[..., k : k + 1, :], out=product)
                part += product
    return total


def in_order(x: Floats, axes: tuple[int, ...], keepdims: bool) -> Floats:
    """The sum over some axes, one element after the other, each addition rounded."""
    kept = [d for k, d in enumerate(x.shape) if k not in axes]
    sets = np.moveaxis(x, axes, range(x.ndim - len(axes), x.ndim)).reshape(*kept, -1)
    with np.errstate(all="ignore"):
        found = np.add.accumulate(sets, axis=-1, dtype=np.float32)[..., -1] + F(0.0)
    return np.expand_dims(found, axes) if keepdims else np.asarray(found)


def greatest(x: Floats, axes: tuple[int, ...], keepdims: bool) -> Floats:
    """The greatest number along some axes; what is not a number does not count, and minus infinity is finite."""
    return np.asarray(np.fmax(x, -GREATEST).max(axis=axes, keepdims=keepdims))


def least(x: Floats, axes: tuple[int, ...], keepdims: bool) -> Floats:
    """The least number along some axes; what is not a number does not count, and infinity is finite."""
    return np.asarray(np.fmin(x, GREATEST).min(axis=axes, keepdims=keepdims))


@np.errstate(all="ignore")
def atan(x: npt.ArrayLike) -> Floats:
    """The inverse tangent, within 3 units in the last place of the exact value."""
    real = np.asarray(x, np.float32)
    size = np.where(real < 0, -real, real).astype(np.float32)
    far, middle = size > F(2.4142135), size > F(0.41421357)
    t = np.where(far, F(-1.0) / size, np.where(middle, (size - F(1.0)) / (size + F(1.0)), size)).astype(np.float32)
    start = np.where(far, F(1.5707964), np.where(middle, F(0.7853982), F(0.0))).astype(np.float32)
    square = t * t
    found = start + (t + t * (square * _polynomial(ATAN_TERMS, square)))
    return number(np.where(real < 0, -found, found))


def sin(x: npt.ArrayLike) -> Floats:
    """The sine, within 2⁻²³ of the exact value for |x| ≤ 8192; beyond, turns are counted less and less exactly."""
    return _wave(x, F(0.0))


def cos(x: npt.ArrayLike) -> Floats:
    """The cosine, as exact as the sine."""
    return _wave(x, F(1.0))


@np.errstate(all="ignore")
def _wave(x: npt.ArrayLike, quarters: np.float32) -> Floats:
    """The sine of x and some quarter turns."""
    real = np.asarray(x, np.float32)
    turns = round_even(real * QUARTER_TURNS)
    first, second, third = TURN_PARTS
    rest = bounded(((real - turns * first) - turns * second) - turns * third, F(-1.0), F(1.0))
    square = rest * rest
    sine = rest + rest * (square * _polynomial(SIN_TERMS, square))
    cosine = (F(1.0) - F(0.5) * square) + (square * square) * _polynomial(COS_TERMS, square)
    counted = turns + quarters
    which = counted - F(4.0) * floor(counted * F(0.25))
    even = (which == F(0.0)) | (which == F(2.0))
    found = np.where(even, sine, cosine).astype(np.float32)
    found = np.where(which >= F(2.0), -found, found)
    return number(np.where(real - real == F(0.0), found, real - real))
