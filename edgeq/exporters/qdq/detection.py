"""What is best, and what is not hidden by better."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from edgeq.exporters.qdq.registry import exports
from edgeq.exporters.qdq.writer import QdqWriter
from edgeq.ir.graph import Node
from edgeq.ir.tensor import Array
from edgeq.ops._top import Top
from edgeq.ops.non_max_suppression import NONE, NonMaxSuppression
from edgeq.ops.roi_align import RoiAlign
from edgeq.ops.sample_at import SampleAt
from edgeq.ops.top_indices import TopIndices
from edgeq.ops.top_values import TopValues


@exports(TopValues)
def values(w: QdqWriter, node: Node, op: TopValues) -> None:
    """The first output of TopK."""
    w.finish(node, _top(w, node, op)[0])


@exports(TopIndices)
def indices(w: QdqWriter, node: Node, op: TopIndices) -> None:
    """The second output of TopK; ONNX's indices are int64."""
    (narrow,) = w.add("Cast", [_top(w, node, op)[1]], f"{node.name}_int32", to=TensorProto.INT32)
    w.write(node.outputs[0], narrow)


def _top(w: QdqWriter, node: Node, op: Top) -> list[str]:
    count = w.constant(f"{node.name}_count", np.array([op.count], np.int64))
    return w.add("TopK", [w.first(node), count], node.name, 2, axis=op.axis, largest=int(not op.smallest))


@exports(RoiAlign)
def aligned(w: QdqWriter, node: Node, op: RoiAlign) -> None:
    """ONNX has its images in NCHW, and int64 for their numbers."""
    w.needs(16)
    regions, images = (w.read(str(name)) for name in node.inputs[1:3])
    (numbers,) = w.add("Cast", [images], f"{node.name}_int64", to=TensorProto.INT64)
    (y,) = w.add(
        "RoiAlign",
        [w.first(node, True), regions, numbers],
        node.name,
        output_height=op.rows,
        output_width=op.columns,
        sampling_ratio=op.grid,
        spatial_scale=op.scale,
        mode="max" if op.greatest else "avg",
        coordinate_transformation_mode="half_pixel" if op.shifted else "output_half_pixel",
    )
    w.finish(node, y, nchw=True)


@exports(SampleAt)
def sampled(w: QdqWriter, node: Node, op: SampleAt) -> None:
    """ONNX's places are from −1 to 1, over the whole image."""
    w.needs(16)
    n, count, channels = w.graph.type(node.outputs[0]).shape
    sizes = np.array(w.graph.type(str(node.inputs[0])).shape[2:0:-1], np.float32)
    places = w.read(str(node.inputs[1]))
    for kind, name, by in (("Mul", "scaled", 2 / sizes), ("Add", "grid", 1 / sizes - 1)):
        (places,) = w.add(kind, [places, w.constant(f"{node.name}_{name}", by)], f"{node.name}_{name}")
    shape = w.constant(f"{node.name}_rows", np.array([n, 1, count, 2], np.int64))
    (places,) = w.add("Reshape", [places, shape], f"{node.name}_places")
    (y,) = w.add("GridSample", [w.first(node, True), places], node.name, mode="bilinear", align_corners=0)
    (y,) = w.add("Transpose", [y], f"{node.name}_last", perm=[0, 2, 3, 1])
    shape = w.constant(f"{node.name}_shape", np.array([n, count, channels], np.int64))
    (y,) = w.add("Reshape", [y, shape], f"{node.name}_flat")
    w.finish(node, y)


@exports(NonMaxSuppression)
def suppression(w: QdqWriter, node: Node, op: NonMaxSuppression) -> None:
    """ONNX's result has the rows that there are: rows of −1 behind them, cut off where there are enough."""
    (rows, columns) = w.graph.type(node.outputs[0]).shape
    numbers: list[Array] = [np.array([op.limit], np.int64), np.array([op.overlap], np.float32)]
    numbers += [] if op.score is None else [np.array([op.score], np.float32)]
    given = [w.read(str(name)) for name in node.inputs]
    given += [w.constant(f"{node.name}_{k}", number) for k, number in enumerate(numbers)]
    (found,) = w.add("NonMaxSuppression", given, node.name, center_point_box=int(op.centred))
    (narrow,) = w.add("Cast", [found], f"{node.name}_int32", to=TensorProto.INT32)
    none = w.constant(f"{node.name}_none", np.full((rows, columns), NONE, np.int32))
    (padded,) = w.add("Concat", [narrow, none], f"{node.name}_padded", axis=0)
    bounds = [w.constant(f"{node.name}_{name}", np.array([n], np.int64)) for name, n in (("begin", 0), ("end", rows))]
    (cut,) = w.add("Slice", [padded, *bounds], f"{node.name}_cut")
    w.write(node.outputs[0], cut)
