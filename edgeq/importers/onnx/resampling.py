"""Resizing along one axis as a matrix: every interpolation of ONNX's Resize, at any scale, along any axis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
import numpy.typing as npt

from edgeq.errors import ModelError
from edgeq.importers.onnx.linear import product_along
from edgeq.importers.onnx.node import Constant, OnnxNode

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Axis:
    """How one axis is resized.

    Attributes:
        axis: which.
        before, after: its sizes.
        scale: after / before before `after` was rounded to a whole number.
        begin, end: the part of the axis that is taken, from 0 to 1, for `tf_crop_and_resize`.
    """

    axis: int
    before: int
    after: int
    scale: float
    begin: float = 0.0
    end: float = 1.0


def positions(axis: Axis, transformation: str) -> Reals:
    """Where every output element lies in the input (ONNX Resize, `coordinate_transformation_mode`).

    Raises:
        ModelError: the transformation is unknown.
    """
    i, scale, size = np.arange(axis.after, dtype=np.float64), axis.scale, axis.before
    whole = scale * size
    if transformation == "half_pixel":
        return (i + 0.5) / scale - 0.5
    if transformation == "half_pixel_symmetric":
        return size / 2 * (1 - axis.after / whole) + (i + 0.5) / scale - 0.5
    if transformation == "pytorch_half_pixel":
        return (i + 0.5) / scale - 0.5 if axis.after > 1 else np.zeros(1)
    if transformation == "align_corners":
        return np.zeros(axis.after) if whole == 1 else i * (size - 1) / (whole - 1)
    if transformation == "asymmetric":
        return i / scale
    if transformation == "tf_half_pixel_for_nn":
        return (i + 0.5) / scale
    if transformation == "tf_crop_and_resize":
        if axis.after == 1:
            return np.full(1, 0.5 * (axis.begin + axis.end) * (size - 1))
        return axis.begin * (size - 1) + i * (axis.end - axis.begin) * (size - 1) / (axis.after - 1)
    raise ModelError(
        f"the coordinate transformation {transformation!r} is unknown", hint="export with half_pixel or asymmetric"
    )


def nearest(x: Reals, rounding: str, size: int) -> npt.NDArray[np.int64]:
    """The element nearest to every position.

    Raises:
        ModelError: the rounding is unknown.
    """
    roundings: dict[str, Callable[[Reals], Reals]] = {
        "round_prefer_floor": lambda x: np.ceil(x - 0.5),
        "round_prefer_ceil": lambda x: np.floor(x + 0.5),
        "floor": np.floor,
        "ceil": np.ceil,
    }
    if rounding not in roundings:
        raise ModelError(f"the rounding {rounding!r} is unknown", hint="export with round_prefer_floor")
    return np.clip(roundings[rounding](x), 0, size - 1).astype(np.int64)


def _linear(d: float, a: float) -> float:
    return max(0.0, 1.0 - abs(d))


def _cubic(d: float, a: float) -> float:
    """Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981."""
    d = abs(d)
    if d <= 1.0:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a if d < 2.0 else 0.0


FILTERS: dict[str, tuple[Callable[[float, float], float], float]] = {"linear": (_linear, 1.0), "cubic": (_cubic, 2.0)}
"""Interpolations: the weight of an element at a distance, and how far the farthest lies that has one."""


def weights(axis: Axis, x: Reals, mode: str, a: float, antialias: bool, exclude_outside: bool) -> Reals:
    """What each input element contributes to each output element: (after, before).

    Args:
        axis: sizes.
        x: positions of the output elements.
        mode: a key of `FILTERS`.
        a: the cubic filter's coefficient.
        antialias: whether the filter is as wide as an output element where the axis shrinks.
        exclude_outside: whether elements outside count as absent, not as those at the border.
    """
    kernel, reach = FILTERS[mode]
    squeeze = min(axis.scale, 1.0) if antialias else 1.0
    found = np.zeros((axis.after, axis.before))
    for row, at in zip(found, x.tolist(), strict=True):
        for j in range(floor(at - reach / squeeze), ceil(at + reach / squeeze) + 1):
            weight = kernel((j - at) * squeeze, a)
            if 0 <= j < axis.before or not exclude_outside:
                row[min(max(j, 0), axis.before - 1)] += weight
        if (exclude_outside or antialias) and row.sum():
            row /= row.sum()
    return found


def resample(node: OnnxNode, x: str, axis: Axis, matrix: Reals) -> str:
    """Add the product of a matrix (after, before) with an axis of a value; returns its value."""
    suffix = f"axis{axis.axis}"
    stored = Constant(node.builder.fresh(f"{node.name}_{suffix}"), matrix.astype(np.float32))
    return product_along(node, x, axis.axis, stored, f"{suffix}_")
