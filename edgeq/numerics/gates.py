"""What recurrent layers compute between their products: int16 pre-activations, sigmoid and tanh of them.

A pre-activation is an int16 with `FRACTION_BITS` bits after the point, so within ±8. The results of sigmoid and tanh
are int16 with 15 bits after the point. Under FAST they are interpolated linearly between the 513 entries of a table:
tanh of a pre-activation is wrong by 1.2·10⁻⁴ at most, sigmoid by 3.9·10⁻⁵, a step of an int8 result being 7.8·10⁻³. The
C twin is `firmware/include/eq/gates.h`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from edgeq.numerics.fixedpoint import Ints, Multiplier, Rounding, multiply

FRACTION_BITS = 12
"""Bits after the point of a pre-activation."""
STEP_BITS = 7
"""An interval of a table has 2⁷ arguments."""
Table = npt.NDArray[np.int16]
Function = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]


def saturate16(x: Ints) -> Ints:
    """Clamp to −32768 … 32767."""
    return np.clip(x, -32768, 32767)


def sigmoid(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """1 / (1 + exp(−x)) in float64."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def table(function: Function, fraction_bits: int) -> Table:
    """513 values, with 15 bits after the point, of a function at −2¹⁵, −2¹⁵ + 2⁷, … 2¹⁵.

    Args:
        function: maps reals to reals in −1 … 1.
        fraction_bits: bits after the point of the argument.
    """
    x = np.ldexp(np.arange(-(1 << 15), (1 << 15) + 1, 1 << STEP_BITS, dtype=np.float64), -fraction_bits)
    return np.clip(np.rint(np.ldexp(function(x), 15)), -32767, 32767).astype(np.int16)


def interpolate(values: Table, x: Ints) -> Ints:
    """A tabulated function at int16 arguments (any shape), rounded, halves upwards."""
    wide = values.astype(np.int64)
    index, part = (x >> STEP_BITS) + 256, x & ((1 << STEP_BITS) - 1)
    low = wide[index]
    return ((low << STEP_BITS) + (wide[index + 1] - low) * part + (1 << (STEP_BITS - 1))) >> STEP_BITS


def scaled16(acc: Ints, multiplier: Multiplier, rounding: Rounding) -> Ints:
    """Accumulators (…, C) times factors (C,), saturated to 16 bits."""
    return saturate16(multiply(acc, multiplier, rounding))
