"""Tables of functions from int16 to int16: values at some arguments, linear in between.

A table has 1025 values, at −2¹⁵, −2¹⁵ + 2⁶, …, 2¹⁵. Zero is one of these arguments, so that functions with a bend
there, such as the absolute value, are exact. `firmware/kernels/ref/elementwise_int16.c` does the same in C.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgeq.numerics.fixedpoint import Ints
from edgeq.numerics.lut import Function

Table = npt.NDArray[np.int16]
STEP_BITS = 6
"""Between two values there are 2⁶ arguments."""
QMAX = 32767


def knots() -> Ints:
    """The arguments of the values."""
    return np.arange(-(1 << 15), (1 << 15) + 1, 1 << STEP_BITS, dtype=np.int64)


def build(function: Function, s_in: float, s_out: float, undefined: float = 0.0) -> Table:
    """The values of a function in float64, halves to even, within ±32767.

    Args:
        function: maps float64 reals (1025) to reals; infinities saturate.
        s_in, s_out: scales of argument and result, whose zero-points are 0.
        undefined: the real value to use where the function returns NaN.
    """
    with np.errstate(all="ignore"):
        real = function(knots() * s_in)
        steps = np.rint(np.where(np.isnan(real), undefined, real) / s_out)
    return np.clip(steps, -QMAX, QMAX).astype(np.int16)


def interpolate(table: Table, x: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """The function at int16 arguments (any shape), halves upwards."""
    wide, q = table.astype(np.int64), x.astype(np.int64)
    index, part = (q >> STEP_BITS) + (1 << (15 - STEP_BITS)), q & ((1 << STEP_BITS) - 1)
    whole = (wide[index] << STEP_BITS) + (wide[index + 1] - wide[index]) * part
    return ((whole + (1 << (STEP_BITS - 1))) >> STEP_BITS).astype(np.int16)
