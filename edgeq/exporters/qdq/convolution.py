"""Convolutions."""

from __future__ import annotations

import numpy as np

from edgeq.exporters.qdq.linear import bias_of, moved, weight_of
from edgeq.exporters.qdq.registry import exports
from edgeq.exporters.qdq.writer import QdqWriter
from edgeq.ir.graph import Node
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.conv_transpose2d import ConvTranspose2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D


@exports(Conv2D)
def conv2d(w: QdqWriter, node: Node, op: Conv2D) -> None:
    """Weights (OC, KH, KW, C/groups) → (OC, C/groups, KH, KW)."""
    inputs = [w.first(node, True), weight_of(w, node, (0, 3, 1, 2)), *bias_of(w, node)]
    (y,) = w.add("Conv", inputs, node.name, strides=op.stride, dilations=op.dilation, pads=op.padding, group=op.groups)
    w.finish(node, y, True)


@exports(DepthwiseConv2D)
def depthwise_conv2d(w: QdqWriter, node: Node, op: DepthwiseConv2D) -> None:
    """A Conv in as many groups as there are input channels; weights (KH, KW, C·M) → (C·M, 1, KH, KW)."""
    type, data = w.stored(str(node.inputs[1]))
    kh, kw, channels = type.shape
    planes = (channels, 1, kh, kw)
    if w.graph.site(node).is_float:
        weight = w.constant(f"{node.name}_weight", type.numbers(data).transpose(2, 0, 1).reshape(planes))
    else:
        stored = data.transpose(2, 0, 1).reshape(planes)
        weight = w.dequantized(f"{node.name}_weight", stored, moved(type.qp, 0), type.dtype)
    group = w.graph.type(str(node.inputs[0])).shape[3]
    inputs = [w.first(node, True), weight, *bias_of(w, node)]
    (y,) = w.add("Conv", inputs, node.name, strides=op.stride, dilations=op.dilation, pads=op.padding, group=group)
    w.finish(node, y, True)


@exports(ConvTranspose2D)
def conv_transpose2d(w: QdqWriter, node: Node, op: ConvTranspose2D) -> None:
    """Weights (OC, KH, KW, C/groups) → (C, OC/groups, KH, KW)."""
    oc, kh, kw, per_in = w.graph.type(str(node.inputs[1])).shape
    weight = weight_of(w, node, (0, 3, 1, 2))
    # In (C, OC/groups, KH, KW) channels of several groups share an index, so the weights move after dequantization.
    split = w.constant(f"{node.name}_weight_shape", np.array([op.groups, oc // op.groups, per_in, kh, kw]))
    joined = w.constant(f"{node.name}_weight_shape", np.array([op.groups * per_in, oc // op.groups, kh, kw]))
    (weight,) = w.add("Reshape", [weight, split], f"{node.name}_weight_split")
    (weight,) = w.add("Transpose", [weight], f"{node.name}_weight_moved", perm=(0, 2, 1, 3, 4))
    (weight,) = w.add("Reshape", [weight, joined], f"{node.name}_weight_joined")
    (y,) = w.add(
        "ConvTranspose",
        [w.first(node, True), weight, *bias_of(w, node)],
        node.name,
        strides=op.stride,
        dilations=op.dilation,
        pads=op.padding,
        output_padding=op.output_padding,
        group=op.groups,
    )
    w.finish(node, y, True)
