"""Let convolutions and pools pad for themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from edgeq.ir.graph import Graph, Node
from edgeq.ir.op import Op
from edgeq.ops._window import Padding
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.clip import Clip
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.pad import Pad
from edgeq.passes._rewrite import View, rewrite


def _never_negative(view: View, name: str | None) -> bool:
    """Whether a tensor is the result of a rectifier."""
    above = view.producer(name)
    if above is None:
        return False
    if isinstance(above.op, Clip):
        return above.op.low >= 0
    if isinstance(above.op, (MaxPool2D, Pad)):
        return _never_negative(view, above.inputs[0])
    return getattr(above.op, "clamp", (-1.0,))[0] >= 0


def _pads_alike(view: View, op: Op, pad: Node) -> bool:
    """Whether the operator's own padding means the same as that of the Pad."""
    assert isinstance(pad.op, Pad)
    if isinstance(op, (Conv2D, DepthwiseConv2D)):
        return pad.op.value == 0
    if isinstance(op, AveragePool2D):
        # padded elements count as zeros only if all of them do
        return pad.op.value == 0 and (op.count_include_pad or not any(op.padding))
    if isinstance(op, MaxPool2D):
        # below everything, or zero where nothing is below zero
        return pad.op.value == -float("inf") or (pad.op.value == 0 and _never_negative(view, pad.inputs[0]))
    return False


def _inside(op: Op, padding: Padding) -> bool:
    """Whether every window of a pool still holds an element that is no padding."""
    if not isinstance(op, (MaxPool2D, AveragePool2D)):
        return True
    dilation = op.dilation if isinstance(op, MaxPool2D) else (1, 1)
    spans = [(k - 1) * d + 1 for k, d in zip(op.kernel, dilation, strict=True)]
    return all(p < spans[i % 2] for i, p in enumerate(padding)) and dilation == (1, 1)


def _fuse(view: View, node: Node) -> bool:
    """Pad of rows and columns → convolution or pool: one node, if the padded tensor keeps its parameters."""
    found = view.made_by(node.inputs[0], Pad, alone=False) if node.inputs else None
    if found is None or node.inputs[0] is None:
        return False
    pad, op = found
    if op.mode != "constant" or len(op.before) != 4 or any(op.before[i] or op.after[i] for i in (0, 3)):
        return False
    source = pad.inputs[0]
    if source is None or not _pads_alike(view, node.op, pad):
        return False
    same, q = view.shared_q(source, node.inputs[0])
    if not same or (q != view.type_of(source).q and (not view.producer(source) or not view.only_consumer(source))):
        return False
    padded: Any = node.op
    old: Padding = padded.padding
    padding = (old[0] + op.before[1], old[1] + op.before[2], old[2] + op.after[1], old[3] + op.after[2])
    if not _inside(node.op, padding):
        return False
    fused: Op = replace(padded, padding=padding)
    if isinstance(fused, AveragePool2D):
        fused = replace(fused, count_include_pad=True)
    view.set_q(source, q)
    view.update(node, fused, (source, *node.inputs[1:]))
    return True


def fuse_pad(graph: Graph) -> Graph:
    """Fold constant Pad nodes into the padding of Conv2D, DepthwiseConv2D, AveragePool2D and MaxPool2D."""
    return rewrite(graph, _fuse)
