"""Where the elements of a resized image lie in the original, and with which weights its neighbours are mixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgeq.ir.tensor import Array
from edgeq.numerics.fixedpoint import Ints
from edgeq.numerics.float32 import Floats

Coordinates = Literal["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]
Rounding = Literal["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]
FAST_BITS = 11
LITERT_BITS = 10


@dataclass(frozen=True, eq=False)
class Line:
    """Interpolation along one dimension: output i is input lower · (1 − w) + upper · w, w = weight / unit."""

    lower: Ints
    upper: Ints
    weight: Ints
    unit: int


def positions(size: int, out: int, coordinates: Coordinates) -> tuple[Ints, int]:
    """Where the output's elements lie in the input: exact fractions, as numerators and their denominator."""
    i = np.arange(out, dtype=np.int64)
    if coordinates == "pytorch_half_pixel" and out == 1:
        return i, 1
    if coordinates in ("half_pixel", "pytorch_half_pixel"):
        return (2 * i + 1) * size - out, 2 * out
    if coordinates == "align_corners" and out > 1:
        return i * (size - 1), out - 1
    return i * size, out


def nearest(size: int, out: int, coordinates: Coordinates, rounding: Rounding) -> Ints:
    """The index of the input's element for each element of the output, exactly."""
    at, unit = positions(size, out, coordinates)
    index = {
        "floor": at // unit,
        "ceil": -(-at // unit),
        "round_prefer_floor": -((unit - 2 * at) // (2 * unit)),
        "round_prefer_ceil": (2 * at + unit) // (2 * unit),
    }[rounding]
    return np.clip(index, 0, size - 1)


def nearest_litert(size: int, out: int, coordinates: Coordinates, rounding: Rounding) -> Ints:
    """The same as LiteRT computes it in float32; exact for attributes that it does not have."""
    if (coordinates, rounding) not in (
        ("half_pixel", "round_prefer_ceil"),
        ("asymmetric", "floor"),
        ("align_corners", "round_prefer_ceil"),
    ):
        return nearest(size, out, coordinates, rounding)
    corners = coordinates == "align_corners"
    wide = np.float32(size - 1) / np.float32(out - 1) if corners and out > 1 else np.float32(size) / np.float32(out)
    offset = np.float32(0.5 if coordinates == "half_pixel" else 0.0)
    at = (np.arange(out).astype(np.float32) + offset) * wide
    index = np.floor(at + np.float64(0.5)) if corners else np.floor(at)
    return np.clip(index.astype(np.int64), 0, size - 1)


def line(size: int, out: int, coordinates: Coordinates) -> Line:
    """Exact linear interpolation: the weight's unit is the denominator of the positions."""
    at, unit = positions(size, out, coordinates)
    at = np.clip(at, 0, (size - 1) * unit)
    lower = at // unit
    return Line(lower, np.minimum(lower + 1, size - 1), at - lower * unit, unit)


def line_fast(size: int, out: int, coordinates: Coordinates) -> Line:
    """Weights rounded to 11 bits, halves up."""
    exact, unit = line(size, out, coordinates), 1 << FAST_BITS
    return Line(exact.lower, exact.upper, (2 * exact.weight * unit + exact.unit) // (2 * exact.unit), unit)


def line_litert(size: int, out: int, coordinates: Coordinates) -> Line:
    """LiteRT's positions with 10 fraction bits, from a scale that is itself rounded to 10."""
    unit = 1 << LITERT_BITS
    if coordinates == "align_corners" and out > 1:
        scale = (unit * (size - 1) + (out - 1) // 2) // (out - 1)
    else:
        scale = (unit * size + out // 2) // out
    at = np.arange(out, dtype=np.int64) * scale
    if coordinates == "half_pixel":
        at = at + scale // 2 - unit // 2
    # At the ends both neighbours are one element, and LiteRT's weights, although outside 0 … 1, add up to one.
    lower = np.minimum(np.maximum(at, 0) // unit, size - 1)
    upper = np.minimum(np.maximum(at + unit - 1, 0) // unit, size - 1)
    return Line(lower, upper, np.where(lower == upper, 0, at - lower * unit), unit)


@dataclass(frozen=True, eq=False)
class RealLine:
    """The same in float32: output i is input lower · rest + upper · weight."""

    lower: Ints
    upper: Ints
    weight: Floats
    rest: Floats

    @property
    def bits(self) -> int:
        """Fraction bits that all weights have; FAST_BITS + 1 if they have more."""
        scaled = np.ldexp(self.weight.astype(np.float64), np.arange(FAST_BITS + 1)[:, None])
        whole = (scaled == np.rint(scaled)).all(axis=1)
        return int(whole.argmax()) if whole.any() else FAST_BITS + 1


def line_legacy(size: int, out: int, coordinates: Coordinates) -> RealLine:
    """LiteRT's positions and weights for uint8, in float32.

    Above the first and below the last element of the input weights are outside 0 … 1; their sum is one.
    """
    corners = coordinates == "align_corners" and out > 1
    scale = np.float32(size - 1) / np.float32(out - 1) if corners else np.float32(size) / np.float32(out)
    at = np.arange(out).astype(np.float32)
    at = (at + np.float32(0.5)) * scale - np.float32(0.5) if coordinates == "half_pixel" else at * scale
    lower = np.clip(np.floor(at).astype(np.int64), 0, size - 1)
    weight = at - lower.astype(np.float32)
    return RealLine(lower, np.minimum(np.ceil(at).astype(np.int64), size - 1), weight, np.float32(1) - weight)


def line_real(size: int, out: int, coordinates: Coordinates) -> RealLine:
    """Exact linear interpolation, its weights rounded to float32."""
    exact = line(size, out, coordinates)
    weight = (exact.weight / exact.unit).astype(np.float32)
    return RealLine(exact.lower, exact.upper, weight, np.float32(1) - weight)


def interpolate_real(x: Floats, rows: RealLine, columns: RealLine) -> Floats:
    """Sums of four products in float32, one after the other: (N, H, W, C) to the rows and columns of the output."""
    down, up = (w.reshape(-1, 1, 1) for w in (rows.weight, rows.rest))
    right, left = (w.reshape(-1, 1) for w in (columns.weight, columns.rest))
    upper_row, lower_row = x.take(rows.lower, 1), x.take(rows.upper, 1)
    total = upper_row.take(columns.lower, 2) * up * left
    total = total + lower_row.take(columns.lower, 2) * down * left
    total = total + upper_row.take(columns.upper, 2) * up * right
    return np.asarray(total + lower_row.take(columns.upper, 2) * down * right)


def interpolate(x: Array, rows: Line, columns: Line) -> Array:
    """Sums of four products, in x's type, (N, H, W, C), not yet divided by the units."""

    def along(axis: int, interpolation: Line, values: Array) -> Array:
        weight = interpolation.weight.astype(x.dtype).reshape(-1, *(1,) * (3 - axis))
        return (
            values.take(interpolation.lower, axis) * (interpolation.unit - weight)
            + values.take(interpolation.upper, axis) * weight
        )

    return along(1, rows, along(2, columns, x))
