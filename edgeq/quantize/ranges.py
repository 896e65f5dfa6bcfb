"""From real ranges to quantization parameters."""

from __future__ import annotations

from math import log10
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edgeq.ir.tensor import Array, DType, QParams

Floats = npt.NDArray[np.float64]
SMALLEST_SCALE = 2.0**-60
"""A range below 255 of these is as good as empty; products of two such scales are still normal float32 numbers."""
WEIGHT_MAX = 127
"""Weights are in −127 … 127."""
WIDE_MAX = 32767
"""Activations of 16 bits are in −32767 … 32767."""
WIDE_HEADROOM = 1.125
"""For how much more than samples show they leave room: one dB of 90."""


class Levels(NamedTuple):
    """The integers that a weight may be: from the least to the greatest one, every `step`-th, or those of a `table`.

    On a `trellis` not every one may follow every other, and they are chosen together (edgeq.quantize.trellis).
    """

    least: int
    greatest: int
    step: int = 1
    table: tuple[int, ...] = ()
    trellis: bool = False

    def nearest(self, x: Floats) -> Floats:
        """The integers (any shape) nearest to numbers, of two that are as near the even one, or the first."""
        if self.table:
            table = np.asarray(self.table, np.float64)
            return table[np.searchsorted((table[1:] + table[:-1]) / 2.0, x)]
        if self.step == 1:
            return np.clip(np.rint(x), self.least, self.greatest)
        count = (self.greatest - self.least) // self.step
        return self.least + self.step * np.clip(np.rint((x - self.least) / self.step), 0, count)


BYTE_LEVELS = Levels(-WEIGHT_MAX, WEIGHT_MAX)
NARROWEST = {4: 0.4, 3: 0.25, 2: 0.1, 1: 0.1}
"""By bits of a weight: the least scale that the search tries, as a part of the one that clips nothing."""
BLOCK = 1 << 13
"""Weights that stay in the nearest cache while their error is computed."""
STEPS = 60
"""Clipping ranges that the search for the best weight scale tries."""
SPLITTINGS, SHARPNESS, SHARPER, TINY = 20, 8.0, 1.05, 2.0**-40
"""Turns of half-quadratic splitting; errors beyond SHARPNESS^(-2/3) of a step are taken apart at first, then smaller
ones; least error, in steps."""
FINE_HEADROOM = 1.25
"""For how much more than samples show 16-bit activations leave room: a state that saturates goes wrong for long."""
Range = tuple[float, float]
"""Least and greatest real value."""


def activation_params(low: float, high: float, symmetric: bool) -> QParams:
    """int8 parameters that hold the real range low … high, widened so that it contains zero.

    Zero is always an integer exactly. Asymmetric uses −128 … 127, symmetric −127 … 127 with zero-point 0. An empty
    range gets scale 1.
    """
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    span = 2.0 * max(-low, high) if symmetric else high - low
    levels = 2 * WEIGHT_MAX if symmetric else 255
    scale = float(np.float32(span / levels))
    if span == 0.0:
        scale = 1.0
    scale = max(scale, SMALLEST_SCALE)
    if symmetric:
        return QParams.per_tensor(scale, 0)
    return QParams.per_tensor(scale, int(np.clip(round(-128.0 - low / scale), -128, 127)))


def wide_params(low: float, high: float) -> QParams:
    """Symmetric int16 parameters, −32767 … 32767, that hold a real range."""
    scale = float(np.float32(max(-float(low), float(high), 0.0) / WIDE_MAX)) or 1.0
    return QParams.per_tensor(max(scale, SMALLEST_SCALE), 0)


def fine_params(low: float, high: float) -> QParams:
    """int16 parameters for a real range: the least power of two as scale that holds it, and `FINE_HEADROOM` more."""
    most = FINE_HEADROOM * max(-float(low), float(high))
    whole = min(max(int(np.ceil(np.log2(most))), 0), 15) if most > 0.0 else 0
    return QParams.per_tensor(2.0 ** (whole - 15), 0)


def joined(*ranges: Range) -> Range:
    """The least range that holds all of them, and zero."""
    return min([0.0, *(low for low, _ in ranges)]), max([0.0, *(high for _, high in ranges)])


def decibels_lost(own: Range, shared: Range, symmetric: bool) -> float:
    """By how many dB steps are larger where a tensor of one range has the parameters of another, which holds it."""
    span, wide = (2.0 * max(-low, high) if symmetric else high - low for low, high in (own, shared))
    return 20.0 * log10(wide / span) if 0.0 < span < wide else 0.0


def max_scales(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Scales (C,) with which every row of (C, K) fits −127 … 127 exactly."""
    return np.abs(rows).max(axis=1, initial=0.0) / WEIGHT_MAX


def rounding_error(rows: npt.NDArray[np.float64], scales: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Squared error (C,) of every row of (C, K) in −127 … 127 times its scale."""
    error = np.empty(len(rows))
    at_once = max(1, BLOCK // max(1, rows.shape[1]))
    for start in range(0, len(rows), at_once):
        some = slice(start, start + at_once)
        scale = scales[some, None]
        q = np.rint(rows[some] / scale)
        np.clip(q, -WEIGHT_MAX, WEIGHT_MAX, out=q)
        q *= scale
        q -= rows[some]
        q *= q
        error[some] = q.sum(axis=1)
    return error


def mse_scales(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Scales (C,) with the least squared rounding and clipping error of every row of (C, K).

    The scales that are tried fall. When what the greatest weight alone loses by clipping is more than the least error
    so far, none that follows can be better, and the row is done.
    """
    full = max_scales(rows)
    best, least = full.copy(), np.full(full.shape, np.inf)
    going_on = np.arange(len(rows))
    for step in range(STEPS):
        ratio = 1.0 - 0.5 * step / STEPS
        clipped = np.square(WEIGHT_MAX * full[going_on] * (1.0 - ratio))
        may_win = clipped * (1.0 - 1e-9) <= least[going_on]
        if not may_win.all():
            going_on, rows = going_on[may_win], rows[may_win]
        scale = np.maximum(full[going_on] * ratio, np.finfo(np.float64).tiny)
        error = rounding_error(rows, scale)
        better = error < least[going_on]
        best[going_on[better]], least[going_on[better]] = scale[better], error[better]
    return best


def levels_of(dtype: DType) -> Levels:
    """The integers that weights of a type take: all of narrow types, of int8 those with an opposite."""
    return BYTE_LEVELS if dtype is DType.INT8 else Levels(*dtype.range, dtype.step)


def weighted_error(
    rows: Floats, scales: Floats, levels: Levels, importance: Floats, zeros: Floats | float = 0.0
) -> Floats:
    """Squared error (C,) of every row of (C, K) as integers, less their `zeros` (C or 1, K or 1), times its scale;
    `importance` (C or 1, K) weighs it."""
    q = levels.nearest(rows / scales[:, None] + zeros) - zeros
    squares = np.square(q * scales[:, None] - rows) * importance
    return np.asarray(np.cumsum(squares, axis=1)[:, -1] if rows.shape[1] else np.zeros(len(rows)))


def weighted_scales(
    rows: Floats, levels: Levels, importance: Floats, narrowest: float, zeros: Floats | float = 0.0
) -> Floats:
    """Scales (C,) with the least `weighted_error`, from the one that clips nothing to `narrowest` times that one.

    What is on a side of zero where there is no integer is clipped with every scale.
    """
    if isinstance(zeros, float):
        full = np.maximum(rows.max(axis=1, initial=0.0) / levels[1], rows.min(axis=1, initial=0.0) / levels[0])
    else:
        reach = np.where(rows < 0.0, levels.least - zeros, levels.greatest - zeros)
        full = np.where(reach != 0.0, rows / np.where(reach != 0.0, reach, 1.0), 0.0).max(axis=1, initial=0.0)
    best, least = full.copy(), np.full(full.shape, np.inf)
    for step in range(STEPS + 1):
        scale = np.maximum(full * (1.0 - (1.0 - narrowest) * step / STEPS), np.finfo(np.float64).tiny)
        error = weighted_error(rows, scale, levels, importance, zeros)
        best, least = np.where(error < least, scale, best), np.minimum(error, least)
    return best


def shrunk(error: Floats, sharpness: float) -> Floats:
    """What of errors, in steps, is not to count in the turns of half-quadratic splitting."""
    size = np.abs(error)
    return np.sign(error) * np.maximum(size - 1.0 / (sharpness * np.sqrt(np.maximum(size, TINY))), 0.0)


def half_quadratic(rows: Floats, scales: Floats, levels: Levels, zeros: Floats | float = 0.0) -> Floats:
    """Scales (C,) that fit most weights of every row (C, K) well and the rest not at all, from others on.

    What the errors lose in a penalty that grows like their root alternates with the least squares of what is left
    (half-quadratic splitting: Badri, Shaji, "Half-Quadratic Quantization", 2023, there of zero-points), in steps.
    """
    sharpness = SHARPNESS
    for _ in range(SPLITTINGS):
        x = rows / scales[:, None]
        q = levels.nearest(x + zeros) - zeros
        squares, products = (np.cumsum(q * y, axis=1)[:, -1] for y in (q, x - shrunk(x - q, sharpness)))
        scales = np.where((squares > 0.0) & (products > 0.0), scales * products / np.maximum(squares, 1.0), scales)
        sharpness *= SHARPER
    return scales


def sane_scales(scales: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Scales (C,) with those of all-zero channels replaced by the greatest of the others, or by 1/127."""
    greatest = float(scales.max(initial=0.0))
    fallback = greatest if greatest >= SMALLEST_SCALE else 1.0 / WEIGHT_MAX
    return np.where(scales >= SMALLEST_SCALE, scales, fallback)


def channel_rows(weights: Array, axis: int | None) -> npt.NDArray[np.float64]:
    """Weights as (channels, all the rest); one row when `axis` is None."""
    wide = np.asarray(weights, np.float64)
    if axis is None:
        return wide.reshape(1, -1)
    return np.moveaxis(wide, axis, 0).reshape(wide.shape[axis], -1)
