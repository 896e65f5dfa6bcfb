"""Pools and resizing: operators on images, which ONNX wants in NCHW."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeq.exporters.qdq.registry import exports
from edgeq.exporters.qdq.writer import QdqWriter
from edgeq.ir.graph import Node
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.resize import Resize


@exports(MaxPool2D)
def max_pool2d(w: QdqWriter, node: Node, op: MaxPool2D) -> None:
    """The operator of the same name."""
    (y,) = w.add(
        "MaxPool",
        [w.first(node, True)],
        node.name,
        kernel_shape=op.kernel,
        strides=op.stride,
        dilations=op.dilation,
        pads=op.padding,
    )
    w.finish(node, y, True)


@exports(AveragePool2D)
def average_pool2d(w: QdqWriter, node: Node, op: AveragePool2D) -> None:
    """The operator of the same name."""
    (y,) = w.add(
        "AveragePool",
        [w.first(node, True)],
        node.name,
        kernel_shape=op.kernel,
        strides=op.stride,
        pads=op.padding,
        count_include_pad=int(op.count_include_pad),
    )
    w.finish(node, y, True)


@exports(Resize)
def resize(w: QdqWriter, node: Node, op: Resize) -> None:
    """To sizes, not by factors."""
    batch, height, width, channels = w.graph.type(node.outputs[0]).shape
    x = w.first(node, True)
    if w.batched:
        inner = w.constant(f"{node.name}_sizes", np.array([channels, height, width], np.int64))
        first, second = (w.constant(f"{node.name}_axis", np.array([k], np.int64)) for k in (0, 1))
        (whole,) = w.add("Shape", [x], f"{node.name}_shape")
        (samples,) = w.add("Slice", [whole, first, second], f"{node.name}_samples")
        (sizes,) = w.add("Concat", [samples, inner], f"{node.name}_sizes", axis=0)
    else:
        sizes = w.constant(f"{node.name}_sizes", np.array([batch, channels, height, width], np.int64))
    attributes: dict[str, Any] = {"mode": "linear" if op.mode == "bilinear" else "nearest"}
    if op.mode == "nearest":
        attributes["nearest_mode"] = op.nearest_rounding
    (y,) = w.add(
        "Resize",
        [x, "", "", sizes],
        node.name,
        coordinate_transformation_mode=op.coordinates,
        **attributes,
    )
    w.finish(node, y, True)
