"""Resize and Upsample of images and signals."""

from __future__ import annotations

from edgeq.errors import ModelError
from edgeq.importers.onnx.axes import normalize_axes
from edgeq.importers.onnx.node import OnnxNode, handles
from edgeq.importers.onnx.spatial import from_nhwc, to_nhwc
from edgeq.ir.tensor import Shape
from edgeq.ops.resize import Coordinates, Mode, Resize, Rounding

MODES: dict[str, Mode] = {"nearest": "nearest", "linear": "bilinear", "bilinear": "bilinear"}
COORDINATES: tuple[Coordinates, ...] = ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
ROUNDINGS: tuple[Rounding, ...] = ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
_SIMPLER = "export with another mode or coordinate transformation"


@handles("Resize", "Upsample", integers=True)
def resize(node: OnnxNode) -> None:
    """Resize rows and columns.

    Raises:
        ModelError: the interpolation is not supported, or other dimensions change.
    """
    shape, x = node.shape(0), node.value(0)
    mode = node.attr_str("mode", "nearest")
    if mode not in MODES:
        raise ModelError(f"interpolation {mode!r} is not supported", hint="use nearest or linear")
    if node.attr_int("antialias", 0):
        raise ModelError("resizing with antialias is not supported", hint="export without it")
    target, scales = _target(node, shape)
    if target == shape:
        node.result(x)
        return
    coordinates, rounding = _sampling(node, scales)
    _check_scales(shape, target, scales)
    changed = [k for k, (a, b) in enumerate(zip(shape, target, strict=True)) if a != b]
    nearest = MODES[mode] == "nearest"

    def op(rows: int, columns: int) -> Resize:
        return Resize((rows, columns), MODES[mode], coordinates, rounding)

    if len(shape) == 4 and all(k in (1, 2) for k in changed):  # the model itself is NHWC here
        node.result(node.emit(op(target[1], target[2]), [x], keep_q=nearest))
    elif len(shape) in (3, 4) and all(k >= 2 for k in changed):
        rows = 1 if len(shape) == 3 else target[2]
        y = node.emit(op(rows, target[-1]), [to_nhwc(node, x)], keep_q=nearest)
        node.result(from_nhwc(node, y, len(shape)))
    else:
        raise ModelError(f"a resize from {shape} to {target} is not supported", hint="resize rows and columns only")


def _target(node: OnnxNode, shape: Shape) -> tuple[Shape, tuple[float, ...] | None]:
    """Output shape, and the scales if the model specifies those."""
    if node.kind == "Upsample" and node.opset < 9:
        scales: tuple[float, ...] | None = node.attr_floats("scales")
    else:
        index = 1 if node.kind == "Upsample" or node.opset < 11 else 2
        scales = tuple(node.reals(index, "the scales").ravel().tolist()) if node.has(index) else None
    axes = normalize_axes(node.attr_ints("axes") or range(len(shape)), len(shape))
    if scales:
        if len(scales) != len(axes) or any(not 0.0 < s < 2.0**31 for s in scales):
            raise ModelError(f"scales {scales} do not fit {shape}", hint="give one positive scale per dimension")
        full = [1.0] * len(shape)
        for axis, scale in zip(axes, scales, strict=True):
            full[axis] = scale
        # a hair above, because 1/3 · 3 must not fall below 1
        return tuple(int(d * s + 1e-6) for d, s in zip(shape, full, strict=True)), tuple(full)
    sizes = node.ints(3, "the sizes")
    if sizes is None or len(sizes) != len(axes) or any(not 1 <= s < 2**31 for s in sizes):
        raise ModelError("neither scales nor sizes are given that fit", hint="give one per dimension")
    if node.attr_str("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise ModelError("keeping the aspect ratio is not supported", hint="give the final sizes")
    target = list(shape)
    for axis, size in zip(axes, sizes, strict=True):
        target[axis] = size
    return tuple(target), None


def _sampling(node: OnnxNode, scales: tuple[float, ...] | None) -> tuple[Coordinates, Rounding]:
    """How output positions map to input positions, and how those are rounded for nearest."""
    if node.kind == "Upsample" or node.opset < 11:
        shrinks = any(s < 1.0 for s in scales or ())
        return "asymmetric", "ceil" if shrinks else "floor"
    transformation = node.attr_str("coordinate_transformation_mode", "half_pixel")
    rounding = node.attr_str("nearest_mode", "round_prefer_floor")
    if transformation == "half_pixel_symmetric":  # differs only where a scale does not give a whole size
        transformation = "half_pixel"
    if transformation == "tf_half_pixel_for_nn" and rounding == "floor":
        transformation, rounding = "half_pixel", "round_prefer_ceil"
    for supported_coordinates in COORDINATES:
        for supported_rounding in ROUNDINGS:
            if (transformation, rounding) == (supported_coordinates, supported_rounding):
                return supported_coordinates, supported_rounding
    raise ModelError(f"coordinates {transformation!r} with {rounding!r} are not supported", hint=_SIMPLER)


def _check_scales(shape: Shape, target: Shape, scales: tuple[float, ...] | None) -> None:
    """The operator steps by input size over output size; a scale that does not give a whole size steps otherwise.

    With aligned corners, runtimes take the whole size, ONNX's own definition the broken one.
    """
    if scales is None:
        return
    for before, after, scale in zip(shape, target, scales, strict=True):
        if abs(before * scale - after) > 1e-3:
            raise ModelError(
                f"scale {scale} of {before} elements does not give a whole size", hint="export with sizes, not scales"
            )
