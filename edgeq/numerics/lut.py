"""Tables: any function from int8 to int8 is 256 bytes.

There are two ways to fill one, both ahead of time in Python: `build` rounds the exact value, `build_litert` does in
float32 what LiteRT does when it prepares a node. A table is held in the order of q, from −128 to 127; `by_byte` puts it
in the order of the C kernels, which index with the input's byte.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeq.numerics.fixedpoint import Ints

Table = npt.NDArray[np.int8]
Reals = npt.NDArray[Any]
Function = Callable[[Reals], Reals]
QMIN, QMAX = -128, 127


@dataclass(frozen=True)
class Affine:
    """real = scale · (q − zero_point); the scale is a float32 value."""

    scale: float
    zero_point: int


def inputs() -> Ints:
    """All int8 values in order."""
    return np.arange(QMIN, QMAX + 1, dtype=np.int64)


def saturate(q: npt.ArrayLike, low: int = QMIN, high: int = QMAX) -> Table:
    """Clamp integers to [low, high], as int8."""
    return np.clip(np.asarray(q), low, high).astype(np.int8)


def build(function: Function, x: Affine, y: Affine, undefined: float = 0.0, low: int = QMIN, high: int = QMAX) -> Table:
    """The table of `function` in float64, halves to even.

    Args:
        function: maps float64 reals (256) to reals; infinities saturate.
        x, y: quantization of input and output.
        undefined: the value to use where the function returns NaN.
        low, high: bounds of the result.
    """
    with np.errstate(all="ignore"):
        real = function((inputs() - x.zero_point) * x.scale)
        real = np.where(np.isnan(real), undefined, real)
        return saturate(np.rint(real / y.scale) + y.zero_point, low, high)


def round_half_away(x: Reals) -> Reals:
    """C's roundf on float32 or float64 values, in their type."""
    whole = np.trunc(x)
    return whole + np.where(np.abs(x - whole) >= 0.5, np.copysign(1, x), 0).astype(x.dtype)


def build_litert(function: Function, x: Affine, y: Affine) -> Table:
    """The table of `function` as LiteRT fills it: float32 throughout, halves away from zero, times 1 / scale.

    `function` maps float32 to float32. Where LiteRT's cast to int32 would overflow (which C leaves undefined), the
    result saturates; what is not a number becomes the zero-point.
    """
    real = np.float32(x.scale) * (inputs() - x.zero_point).astype(np.float32)
    with np.errstate(all="ignore"):
        inverse = np.float32(1) / np.float32(y.scale)
        rescaled = round_half_away(function(real).astype(np.float32) * inverse)
    return saturate(np.nan_to_num(rescaled, nan=0.0) + np.float32(y.zero_point))


def in_float64(function: Function) -> Function:
    """A float32 function whose value is that of a float64 function, rounded once: what a good `expf` returns."""

    def rounded(x: Reals) -> Reals:
        with np.errstate(all="ignore"):
            return function(x.astype(np.float64)).astype(np.float32)

    return rounded


def by_byte(table: Table) -> Table:
    """The table ordered by the input's byte: 0 … 127, −128 … −1."""
    return np.roll(table, QMIN)
