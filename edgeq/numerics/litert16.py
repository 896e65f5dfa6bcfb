"""Functions of int16 elements as LiteRT's reference resolver computes them (`tensorflow/lite/kernels/internal`).

All are linear between the values of a table. Scales are symmetric. `firmware/kernels/ref/elementwise_double_int16.c`
and `firmware/kernels/ref/softmax_int16.c` have the same in C.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeq.numerics.fixedpoint import Ints
from edgeq.numerics.lut import round_half_away

Table = npt.NDArray[np.int16]
Reals = npt.NDArray[Any]
Function = Callable[[Reals], Reals]
STEP_BITS = 7
STEPS = 1 << (16 - STEP_BITS)
LEAST, MOST = -32768, 32767


def curve(function: Function, first: Any, last: Any, inverse: Any) -> Table:
    """Values of a function at the ends of 512 steps, for `interpolate`: 513, in steps of the result.

    The value at the beginning of each step gives up half of what the chord is wrong by in its middle.

    Args:
        function: maps reals to reals of the same type.
        first, last: ends of the argument's range, which decide on the type: float32 or float64.
        inverse: of the result's scale, in that type.
    """
    kind = type(first)
    step = (last - first) / kind(STEPS)
    starts = np.arange(STEPS).astype(kind)
    with np.errstate(all="ignore"):
        at, middle, end = (
            function(x)
            for x in (first + starts * step, first + starts * step + step / kind(2), first + (starts + kind(1)) * step)
        )
        value = round_half_away(at * inverse)
        chord = round_half_away((end * inverse + value) / kind(2))
        correction = round_half_away((chord - round_half_away(middle * inverse)) / kind(2))
        final = round_half_away(function(np.array([last], kind)) * inverse)
        return _saturated(np.concatenate([value - correction, final]))


def _saturated(x: Reals) -> Table:
    """Within int16; what is not a number becomes the least."""
    return np.clip(np.nan_to_num(x, nan=LEAST, posinf=MOST, neginf=LEAST), LEAST, MOST).astype(np.int16)


def function_curve(function: Function, s_in: float, s_out: float) -> Table:
    """The curve of a float32 function between two scales."""
    kind = np.float32
    x, y = kind(s_in), kind(s_out)
    return curve(function, x * kind(LEAST), x * kind(MOST), kind(65536) / (y * kind(MOST) - y * kind(LEAST)))


def interpolate(table: Table, x: npt.ArrayLike) -> Ints:
    """Values of a curve at int16 arguments (any shape). Differences of neighbours wrap around at 16 bits."""
    q = np.asarray(x, np.int64)
    index, part = (q >> STEP_BITS) + STEPS // 2, q & ((1 << STEP_BITS) - 1)
    slope = np.diff(table.astype(np.int64)).astype(np.int16).astype(np.int64)
    return table.astype(np.int64)[index] + ((slope[index] * part + (1 << (STEP_BITS - 1))) >> STEP_BITS)


@cache
def exp_curve() -> Table:
    """exp from −10 to 0, with 15 fraction bits."""
    whole = np.float64(MOST - LEAST)
    return curve(np.exp, np.float64(10) / whole * np.float64(LEAST - MOST), np.float64(0), _inverse_of_halves(whole))


@cache
def reciprocal_curve() -> Table:
    """1 / (1 + x) from 0 to 1, with 15 fraction bits."""
    whole = np.float64(MOST - LEAST)
    return curve(lambda x: 1 / (1 + x), np.float64(0), np.float64(1) / whole * whole, _inverse_of_halves(whole))


def _inverse_of_halves(whole: Any) -> Any:
    scale = np.float64(2) / whole
    return np.float64(65536) / (scale * MOST - scale * LEAST)


@cache
def sigmoid_table() -> npt.NDArray[np.uint16]:
    """1 / (1 + exp(−k / 24)) with 16 fraction bits, k from 0 to 255.

    Each value is raised by half of what the chord to the next one is wrong by in its middle; the last is the greatest.
    """

    def sigmoid(k: Reals) -> Reals:
        return 65536 / (1 + np.exp(-k / 24))

    k = np.arange(256, dtype=np.float64)
    at = sigmoid(k)
    table = np.rint(at + (sigmoid(k + 0.5) - (at + sigmoid(k + 1)) / 2) / 2)
    table[-1] = 65535
    return table.astype(np.uint16)


@dataclass(frozen=True)
class Argument:
    """How an input becomes an argument of `sigmoid_table`: (q · factor + 2^(shift − 1)) >> shift."""

    factor: int
    shift: int

    @staticmethod
    def of(scale: float) -> Argument:
        """For an input of a scale."""
        power = round(float(np.log2(scale))) + 12
        if power in (0, 1) and scale == 2.0 ** (power - 12):
            return Argument(3 << power, 0)
        factor, shift = scale * 4096.0 * 3.0, 0
        while factor <= 32767.0 / 2.0 and shift <= 30:
            factor, shift = factor * 2.0, shift + 1
        return Argument(int(factor), shift)

    def __call__(self, q: npt.ArrayLike) -> Ints:
        """The arguments of elements (any shape)."""
        half = (1 << self.shift) >> 1
        return (np.asarray(q, np.int64) * self.factor + half) >> self.shift


def _between(x: Ints, bits: int, most: int) -> Ints:
    table = sigmoid_table().astype(np.int64)
    index = np.minimum(x >> bits, 254)
    inside = (table[index] << bits) + (x & ((1 << bits) - 1)) * (table[index + 1] - table[index])
    return np.where(x >> bits >= 255, most, inside)


def logistic(argument: Argument, q: npt.ArrayLike) -> Ints:
    """The logistic function of int16 elements (any shape), with 15 fraction bits."""
    x = argument(q)
    y = _between(np.abs(x), 9, 0x7FFF << 10)
    return np.where(x >= 0, y + (1 << 9), (1 << 25) - y + (1 << 9) - 1) >> 10


def tanh(argument: Argument, q: npt.ArrayLike) -> Ints:
    """tanh of int16 elements (any shape), with 15 fraction bits."""
    x = argument(q)
    y = _between(np.abs(x), 8, 0xFFFF << 8) - (1 << 23)
    return np.where(x >= 0, y + (1 << 7), (1 << 7) - 1 - y) >> 8
