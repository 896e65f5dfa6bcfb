"""Resize and Upsample of images and signals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import floor

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.onnx.axes import normalize_axes
from edgeq.importers.onnx.choice import along
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.node import OnnxNode
from edgeq.importers.onnx.resampling import FILTERS, Axis, nearest, positions, resample, weights
from edgeq.importers.onnx.spatial import from_nhwc, to_nhwc
from edgeq.ir.tensor import Shape
from edgeq.ops._interpolation import Coordinates, Rounding
from edgeq.ops.add import Add
from edgeq.ops.mul import Mul
from edgeq.ops.resize import Mode, Resize
from edgeq.warnings import warn

MODES: dict[str, Mode] = {"nearest": "nearest", "linear": "bilinear"}
COORDINATES: tuple[Coordinates, ...] = ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
ROUNDINGS: tuple[Rounding, ...] = ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
CROP = "tf_crop_and_resize"
WHOLE = 1e-3
"""How far from a whole number a size may be and still count as one."""
DENSE = 8
"""How many times as many multiplications as needed are worth a warning."""


@handles("Resize", "Upsample", integers=True)
def resize(node: OnnxNode) -> None:
    """Resize any axes: rows and columns, nearest or linear, by the operator for images, all else axis by axis.

    Raises:
        ModelError: the interpolation is unknown, or its figures do not fit.
    """
    shape, x = node.shape(0), node.value(0)
    mode = node.attr_str("mode", "nearest")
    mode = "linear" if mode == "bilinear" else mode
    if mode not in ("nearest", *FILTERS):
        raise ModelError(f"interpolation {mode!r} is unknown", hint="use nearest, linear or cubic")
    axes, transformation, rounding = _axes(node, shape), *_sampling(node, shape)
    changed = [axis for axis in axes if axis.before != axis.after or transformation == CROP]
    if not changed:
        node.result(x)
        return
    op = None if node.attr_int("antialias", 0) else _for_images(axes, mode, transformation, rounding)
    where = [axis.axis for axis in changed]
    sizes = {axis.axis: axis.after for axis in axes}
    target = tuple(sizes.get(k, size) for k, size in enumerate(shape))
    if op is not None and len(shape) == 4 and all(k in (1, 2) for k in where):  # the model itself is NHWC here
        node.result(node.emit(op(target[1], target[2]), [x], keep_q=mode == "nearest"))
    elif op is not None and len(shape) in (3, 4) and all(k >= 2 for k in where):
        rows = 1 if len(shape) == 3 else target[2]
        y = node.emit(op(rows, target[-1]), [to_nhwc(node, x)], keep_q=mode == "nearest")
        node.result(from_nhwc(node, y, len(shape)))
    else:
        node.result(_axis_by_axis(node, x, changed, mode, transformation, rounding))


def _for_images(
    axes: Sequence[Axis], mode: str, transformation: str, rounding: str
) -> Callable[[int, int], Resize] | None:
    """The operator for images of a number of rows and columns; None if it does not know the interpolation.

    It steps by input size over output size; a scale that does not give a whole size steps otherwise.
    """
    if mode not in MODES or any(abs(axis.before * axis.scale - axis.after) > WHOLE for axis in axes):
        return None
    if transformation == "half_pixel_symmetric":  # differs only where a scale does not give a whole size
        transformation = "half_pixel"
    if transformation == "tf_half_pixel_for_nn" and rounding == "floor":
        transformation, rounding = "half_pixel", "round_prefer_ceil"
    for coordinates in COORDINATES:
        for supported in ROUNDINGS:
            if (transformation, rounding) == (coordinates, supported):
                return partial(_image, MODES[mode], coordinates, supported)
    return None


def _image(mode: Mode, coordinates: Coordinates, rounding: Rounding, rows: int, columns: int) -> Resize:
    return Resize((rows, columns), mode, coordinates, rounding)


def _axis_by_axis(node: OnnxNode, x: str, axes: Sequence[Axis], mode: str, transformation: str, rounding: str) -> str:
    """One axis after the other; returns the value."""
    a, exclude = node.attr_float("cubic_coeff_a", -0.75), bool(node.attr_int("exclude_outside", 0))
    antialias, beyond = bool(node.attr_int("antialias", 0)), node.attr_float("extrapolation_value", 0.0)
    rank = len(node.type(x).shape)
    outside = np.zeros((1,) * rank, bool)
    for axis in axes:
        if transformation == "align_corners" and abs(axis.before * axis.scale - axis.after) > WHOLE:
            raise ModelError(  # runtimes take the size, ONNX's own definition the broken product
                f"scale {axis.scale} of {axis.before} elements does not give a whole size, and readers of the model "
                "differ in what aligned corners are then",
                hint="export with sizes, not scales",
            )
        node.builder.source.budget.room((axis.after, 1 if mode == "nearest" else axis.before))
        at = positions(axis, transformation)
        if transformation == CROP:
            lost = (at < 0) | (at > axis.before - 1)
            outside = outside | lost.reshape([-1 if k == axis.axis else 1 for k in range(rank)])
        if mode == "nearest":
            x = along(node, x, axis.axis, nearest(at, rounding, axis.before), f"axis{axis.axis}")
            continue
        matrix = weights(axis, at, mode, a, antialias, exclude)
        dense = matrix.size / max(1, int(np.count_nonzero(matrix)))
        if dense > DENSE:
            warn(
                f"resizing {axis.before} elements to {axis.after} by {mode} interpolation is a product with a matrix: "
                f"{dense:.0f} times the multiplications needed",
                hint="linear or nearest interpolation of rows and columns is fast",
                where=node.name,
            )
        x = resample(node, x, axis, matrix)
    if outside.any():
        inside = (~outside).astype(np.float32)
        x = node.emit(Mul(), [x, node.store("inside", inside)], "inside")
        if beyond:
            x = node.emit(Add(), [x, node.store("beyond", ((1 - inside) * beyond).astype(np.float32))], "beyond")
    return x


def _axes(node: OnnxNode, shape: Shape) -> list[Axis]:
    """The axes that the model speaks of.

    Raises:
        ModelError: scales or sizes are computed at run time, or do not fit.
    """
    if node.kind == "Upsample" and node.opset < 9:
        scales: tuple[float, ...] | None = node.attr_floats("scales")
    else:
        index = 1 if node.kind == "Upsample" or node.opset < 11 else 2
        scales = tuple(node.reals(index, "the scales").ravel().tolist()) if node.has(index) else None
    axes = normalize_axes(node.attr_ints("axes") or range(len(shape)), len(shape))
    parts = _parts(node, len(axes))
    if scales:
        if len(scales) != len(axes) or any(not 0.0 < s < 2.0**31 for s in scales):
            raise ModelError(f"scales {scales} do not fit {shape}", hint="give one positive scale per dimension")
        # a hair above, because 1/3 · 3 must not fall below 1
        return [
            Axis(k, shape[k], max(1, int(shape[k] * s + 1e-6)), s, *part)
            for k, s, part in zip(axes, scales, parts, strict=True)
        ]
    sizes = node.ints(3, "the sizes") if node.opset >= 11 and node.kind == "Resize" else None
    if sizes is None or len(sizes) != len(axes) or any(not 1 <= s < 2**31 for s in sizes):
        raise ModelError("neither scales nor sizes are given that fit", hint="give one per dimension")
    policy = node.attr_str("keep_aspect_ratio_policy", "stretch")
    ratios = [size / shape[k] for k, size in zip(axes, sizes, strict=True)]
    if policy != "stretch":
        if policy not in ("not_larger", "not_smaller"):
            raise ModelError(f"the policy {policy!r} is unknown", hint="use stretch, not_larger or not_smaller")
        ratio = min(ratios) if policy == "not_larger" else max(ratios)
        ratios = [ratio] * len(axes)
        sizes = tuple(floor(ratio * shape[k] + 0.5) for k in axes)
    return [
        Axis(k, shape[k], size, ratio, *part) for k, size, ratio, part in zip(axes, sizes, ratios, parts, strict=True)
    ]


def _parts(node: OnnxNode, count: int) -> list[tuple[float, float]]:
    """Where the part of each axis that is taken begins and ends, from 0 to 1."""
    if node.attr_str("coordinate_transformation_mode", "half_pixel") != CROP:
        return [(0.0, 1.0)] * count
    roi = node.reals(1, "the region of interest").ravel().tolist() if node.has(1) else []
    if len(roi) != 2 * count:
        raise ModelError(f"a region of {len(roi)} numbers does not fit {count} axes", hint="give two per axis")
    return list(zip(roi[:count], roi[count:], strict=True))


def _sampling(node: OnnxNode, shape: Shape) -> tuple[str, str]:
    """How output positions map to input positions, and how those are rounded for nearest."""
    if node.kind == "Upsample" or node.opset < 11:
        shrinks = any(axis.scale < 1.0 for axis in _axes(node, shape))
        return "asymmetric", "ceil" if shrinks else "floor"
    transformation = node.attr_str("coordinate_transformation_mode", "half_pixel")
    return transformation, node.attr_str("nearest_mode", "round_prefer_floor")
