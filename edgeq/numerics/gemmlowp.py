"""Fixed-point functions on raw int32 values, as gemmlowp defines them and TensorFlow Lite uses them.

A raw value r with i integer bits stands for r · 2^(i − 31). Everything takes and returns int64 arrays that hold int32
values, with the bits that the C++ templates of gemmlowp (`fixedpoint/fixedpoint.h`) compute.
`firmware/include/eq/gemmlowp.h` has those that a kernel needs at run time in C.
"""

from __future__ import annotations

import numpy as np

from edgeq.numerics.fixedpoint import (
    INT32_MAX,
    INT32_MIN,
    Ints,
    doubling_high_multiply,
    rounding_divide_by_pot,
    saturating_shift_left,
)

_EXP_OF_POWERS = (
    # (exponent e, round(exp(−2^e) · 2³¹))
    (-2, 1672461947),
    (-1, 1302514674),
    (0, 790015084),
    (1, 290630308),
    (2, 39332535),
    (3, 720401),
    (4, 242),
)


def _raw(value: int) -> Ints:
    return np.asarray(value, np.int64)


def rescale(x: Ints, from_bits: int, to_bits: int) -> Ints:
    """The same number with another count of integer bits, rounded or saturated."""
    shift = from_bits - to_bits
    return saturating_shift_left(x, _raw(shift)) if shift >= 0 else rounding_divide_by_pot(x, _raw(-shift))


def rounding_half_sum(a: Ints, b: Ints) -> Ints:
    """(a + b) / 2, halves away from zero."""
    total = a + b
    return np.where(total >= 0, (total + 1) >> 1, -((1 - total) >> 1))


def exp_on_negative_values(x: Ints, integer_bits: int = 5) -> Ints:
    """exp(x) with no integer bit, for x ≤ 0 with `integer_bits`.

    x is cut into a part in [−1/4, 0), whose exponential is a Taylor polynomial around −1/8, and powers of two, whose
    exponentials are constants.
    """
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    part = (x & (quarter - 1)) - quarter
    t = rescale(part, integer_bits, 0) + (1 << 28)
    t2 = doubling_high_multiply(t, t)
    t3 = doubling_high_multiply(t2, t)
    t4 = doubling_high_multiply(t2, t2)
    inner = doubling_high_multiply(rounding_divide_by_pot(t4, _raw(2)) + t3, _raw(715827883)) + t2
    base = _raw(1895147668)  # exp(−1/8)
    result = base + doubling_high_multiply(base, t + rounding_divide_by_pot(inner, _raw(1)))
    remainder = part - x
    for exponent, factor in _EXP_OF_POWERS:
        if exponent < integer_bits:
            bit = (remainder >> (fraction_bits + exponent)) & 1
            result = np.where(bit == 1, doubling_high_multiply(result, _raw(factor)), result)
    return np.where(x == 0, INT32_MAX, result)


def one_over_one_plus_x(x: Ints) -> Ints:
    """1 / (1 + x) with no integer bit, for x in [0, 1) with no integer bit: three steps of Newton and Raphson."""
    half_denominator = rounding_half_sum(x, _raw(INT32_MAX))
    y = _raw(1515870810) + doubling_high_multiply(half_denominator, _raw(-1010580540))  # 48/17 − 32/17 · d, Q2
    for _ in range(3):
        error = (1 << 29) - doubling_high_multiply(half_denominator, y)
        y = y + rescale(doubling_high_multiply(y, error), 4, 2)
    return rescale(y, 1, 0)


def _leading_zeros(x: Ints) -> Ints:
    return 32 - np.frexp(x.astype(np.float64))[1].astype(np.int64)


def reciprocal(x: Ints, integer_bits: int) -> tuple[Ints, Ints]:
    """1 / x for x > 0 with `integer_bits`: (r, k) with r · 2^(−31 − k) the result."""
    leading = _leading_zeros(x)
    return one_over_one_plus_x((x << leading) - (1 << 31)), integer_bits - leading


def _shift_left_by(x: Ints, shift: Ints) -> Ints:
    threshold = (np.int64(1) << (31 - shift)) - 1
    shifted = np.where(x > threshold, INT32_MAX, np.where(x < -threshold, INT32_MIN, x << shift))
    return np.where(shift == 0, x, shifted)


def log_from_one(x: Ints, integer_bits: int = 12, result_bits: int = 5) -> Ints:
    """ln(x) with `result_bits`, for x ≥ 1 with `integer_bits`.

    x is normalized twice, to [1/2, 1) and to [√½, √2 ); the better result goes into a rational approximation around
    the fourth root of ½.
    """
    multiply = doubling_high_multiply
    ln_2, root_4, root_2 = _raw(1488522236), _raw(1805811301), _raw(1518500250)
    alpha_n, alpha_d, alpha_i, alpha_f = _raw(117049297), _raw(127690142), _raw(1057819769), _raw(638450708)
    wide = result_bits + 1
    quarter = _raw(1 << (31 - wide - 2))

    zeros_a = _leading_zeros(x)
    ratio_a = _shift_left_by(multiply(_shift_left_by(x, zeros_a - 1), root_2), _raw(1))
    power_a = np.minimum(_shift_left_by(integer_bits - zeros_a, _raw(31 - wide)) + quarter, INT32_MAX)
    zeros_b = _leading_zeros(multiply(x, root_2)) - 1
    ratio_b = _shift_left_by(x, zeros_b)
    power_b = np.maximum(_shift_left_by(integer_bits - zeros_b, _raw(31 - wide)) - quarter, INT32_MIN)
    r, power = np.minimum(ratio_a, ratio_b), np.maximum(power_a, power_b)

    p = rounding_half_sum(r, root_4)
    q = 2 * (r - root_4)
    square = multiply(q, q)
    numerator = multiply(q, r) + multiply(multiply(q, square), alpha_n)
    denominator = multiply(p, alpha_i + q + multiply(alpha_d, square)) + multiply(alpha_f, q)
    term = multiply(rescale(numerator, 0, wide), one_over_one_plus_x(denominator))
    return rescale(multiply(power, ln_2) + term, wide, result_bits)


def inverse_sqrt_multiplier(value: int) -> tuple[int, int]:
    """1 / √value for an integer value ≥ 1 as (mantissa, shift) of a requantization factor."""
    if value <= 1:
        return INT32_MAX, 0
    shift = 11
    while value >= 1 << 29:
        value, shift = value // 4, shift + 1
    pairs = (31 - value.bit_length()) // 2 - 1
    shift -= pairs
    x = _raw((value << (2 * pairs)) >> 1)
    half = rounding_divide_by_pot(x, _raw(1))
    y = _raw(1 << 28)
    for _ in range(5):
        cube = rescale(doubling_high_multiply(doubling_high_multiply(y, y), y), 9, 3)
        step = doubling_high_multiply(_raw((1 << 28) + (1 << 27)), y) - doubling_high_multiply(half, cube)
        y = rescale(step, 6, 3)
    mantissa = int(doubling_high_multiply(y, _raw(1518500250)))
    if shift < 0:
        mantissa, shift = mantissa << -shift, 0
    return mantissa, -shift
