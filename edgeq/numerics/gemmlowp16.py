"""Sigmoid and tanh on raw int16 values, as gemmlowp defines them and LiteRT's integer LSTM uses them.

A raw value r with i integer bits stands for r · 2^(i − 15). Everything takes and returns int64 arrays that hold int16
values, with the bits that the C++ templates of gemmlowp (`fixedpoint/fixedpoint.h`) compute for `FixedPoint<int16_t>`.
`firmware/include/eq/gemmlowp16.h` has the same in C.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgeq.numerics.fixedpoint import Ints, rounding_divide_by_pot

ONE = 32767
"""The greatest raw value: 1 with no integer bit."""
_EXP_OF_POWERS = (
    # (exponent e, exp(−2^e) · 2¹⁵: gemmlowp's constants of 32 bits, rounded)
    (-2, 25520),
    (-1, 19875),
    (0, 12055),
    (1, 4435),
    (2, 600),
    (3, 11),
    (4, 0),
)
MOST_INTEGER_BITS = 6
"""Up to so many integer bits of its argument LiteRT has a tanh."""
MOST_CELL_BITS = 13
"""After the point of an argument of tanh that `exp_table` serves."""


def saturate(x: Ints) -> Ints:
    """Clamp to the int16 values."""
    return np.clip(x, -32768, ONE)


def multiply(a: Ints, b: Ints | int) -> Ints:
    """gemmlowp's SaturatingRoundingDoublingHighMul on int16 values: round(a·b / 2¹⁵), halves upwards."""
    return np.minimum((np.asarray(a, np.int64) * b + (1 << 14)) >> 15, ONE)


def _divide(x: Ints, exponent: int) -> Ints:
    return rounding_divide_by_pot(x, np.asarray(exponent, np.int64))


def _exp_below_quarter(t: Ints) -> Ints:
    """exp(t) for t in [−1/4, 0) with no integer bit: a Taylor polynomial around −1/8."""
    x = t + (1 << 12)
    x2 = multiply(x, x)
    x3, x4 = multiply(x2, x), multiply(x2, x2)
    inner = _divide(multiply(_divide(x4, 2) + x3, 10923) + x2, 1)
    return saturate(28918 + multiply(x + inner, 28918))


def exp_table() -> npt.NDArray[np.int16]:
    """exp with no integer bit at −1, −2, … −1024, arguments with three integer bits: down to −1/4.

    Where x is a multiple of 1/4 and one of these, exp_on_negative_values begins with it.
    """
    return _exp_below_quarter(-np.arange(1, 1025, dtype=np.int64) << 3).astype(np.int16)


def exp_on_negative_values(x: Ints, integer_bits: int) -> Ints:
    """exp(x) with no integer bit, for x ≤ 0 with `integer_bits`."""
    fraction_bits = 15 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    part = (x & (quarter - 1)) - quarter
    result = _exp_below_quarter(part << integer_bits)
    remainder = part - x
    for exponent, factor in _EXP_OF_POWERS:
        if exponent < integer_bits:
            bit = (remainder >> (fraction_bits + exponent)) & 1
            result = np.where(bit == 1, multiply(result, factor), result)
    if integer_bits > 5:
        result = np.where(x < -(1 << (fraction_bits + 5)), 0, result)
    return np.where(x == 0, ONE, result)


def _newton(x: Ints) -> Ints:
    """2 / (1 + x) with two integer bits, for x in [0, 1) with none: three steps of Newton and Raphson."""
    half_denominator = (x + ONE + 1) >> 1
    y = 23130 + multiply(half_denominator, -15420)
    for _ in range(3):
        error = (1 << 13) - multiply(half_denominator, y)
        y = y + saturate(multiply(y, error) << 2)
    return y


def logistic(x: Ints) -> Ints:
    """1 / (1 + exp(−x)) with no integer bit, for x with three."""
    positive = saturate(_newton(exp_on_negative_values(-np.abs(x), 3)) << 1)
    return np.where(x == 0, 1 << 14, np.where(x > 0, positive, ONE - positive))


def tanh(x: Ints, integer_bits: int) -> Ints:
    """tanh(x) with no integer bit, for x with `integer_bits` of 0 … 6."""
    above = saturate((_newton(exp_on_negative_values(-np.abs(x), integer_bits + 1)) - (1 << 13)) << 2)
    return np.where(x == 0, 0, np.where(x < 0, -above, above))
