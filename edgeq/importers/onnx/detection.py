"""Operators of detectors: what is best, what is not hidden by better, and what is looked at again."""

from __future__ import annotations

from edgeq.errors import ModelError
from edgeq.importers.onnx.axes import normalize_axes
from edgeq.importers.onnx.handlers import handles, handles_whole
from edgeq.importers.onnx.node import Constant, OnnxNode
from edgeq.importers.onnx.spatial import from_nhwc, to_nhwc
from edgeq.importers.onnx.whole import stored
from edgeq.ir.tensor import DType
from edgeq.ops.non_max_suppression import NonMaxSuppression
from edgeq.ops.roi_align import RoiAlign
from edgeq.ops.top_indices import TopIndices
from edgeq.ops.top_values import TopValues


@handles("TopK")
def top(node: OnnxNode) -> None:
    """The greatest or least elements along an axis and where they are, also where their order would not matter."""
    shape = node.shape(0)
    (axis,) = normalize_axes([node.attr_int("axis", -1)], len(shape))
    counts = node.ints(1, "the number of elements") if node.has(1) else (node.attr_int("k", 0),)
    if counts is None or len(counts) != 1:
        raise ModelError("the number of elements is no single number", hint="export the model again")
    choice = axis, counts[0], not node.attr_int("largest", 1)
    x = node.value(0)
    if node.outputs[0]:
        node.result(node.emit(TopValues(*choice), [x], keep_q=True))
    if len(node.outputs) > 1 and node.outputs[1]:
        node.result(node.emit(TopIndices(*choice), [x], "indices"), 1, DType.INT64)


@handles("NonMaxSuppression")
def non_max_suppression(node: OnnxNode) -> None:
    """Rows of batch, class and box. The tensor has as many rows as there could be; those behind the last one are −1."""
    limits = node.ints(2, "the number of boxes") if node.has(2) else None
    overlap = float(node.reals(3, "the threshold of overlaps").ravel()[0]) if node.has(3) else 0.0
    score = float(node.reals(4, "the threshold of scores").ravel()[0]) if node.has(4) else None
    if limits is None or len(limits) != 1 or limits[0] < 1:
        raise ModelError(
            "no number of boxes is given, so that none would be kept", hint="set max_output_boxes_per_class"
        )
    op = NonMaxSuppression(limits[0], overlap, score, bool(node.attr_int("center_point_box", 0)))
    node.result(node.emit(op, [node.value(0), node.value(1)]), integers=DType.INT64)


MODES = {"avg": False, "max": True}
SHIFTED = {"half_pixel": True, "output_half_pixel": False}


@handles("RoiAlign")
@handles_whole("RoiAlign")
def roi_align(node: OnnxNode) -> None:
    """Regions and the images that they are of may be computed; constant images are checked here.

    Raises:
        ModelError: the mode is none of ONNX's, or an image is not there.
    """
    mode = node.attr_str("mode", "avg")
    coordinates = node.attr_str(
        "coordinate_transformation_mode", "half_pixel" if node.opset >= 16 else "output_half_pixel"
    )
    if mode not in MODES or coordinates not in SHIFTED:
        raise ModelError(f"mode {mode!r} or {coordinates!r} is unknown", hint="export the model again")
    sizes = [node.attr_int(name, 1) for name in ("output_height", "output_width")]
    scale = node.attr_float("spatial_scale", 1.0)
    op = RoiAlign(sizes[0], sizes[1], node.attr_int("sampling_ratio", 0), scale, SHIFTED[coordinates], MODES[mode])
    for index, what in ((0, "the image"), (1, "the list of regions")):
        if node.constant(index) is not None:
            raise ModelError(f"{what} is constant", hint="give it as an input")
    given = node.operand(2)
    if isinstance(given, Constant):
        if given.data.dtype.kind not in "iu" or ((given.data < 0) | (given.data >= node.shape(0)[0])).any():
            raise ModelError("a region is of an image that is not there", hint="export the model again")
        images = stored(node, given.data, "images")
    else:
        images = given.value
    y = node.emit(op, [to_nhwc(node, node.value(0)), node.value(1), images])
    node.result(from_nhwc(node, y, 4))
