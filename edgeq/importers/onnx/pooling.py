"""Pools over windows and over whole images."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import prod

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.onnx import volume
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.node import OnnxNode
from edgeq.importers.onnx.spatial import Window, extend_for_ceil, from_nhwc, spatial_sizes, to_nhwc, window
from edgeq.ops._window import Padding, windows
from edgeq.ops.abs import Abs
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.mean import Mean
from edgeq.ops.mul import Mul
from edgeq.ops.pad import Pad
from edgeq.ops.pow import Pow
from edgeq.ops.reduce_max import ReduceMax
from edgeq.ops.sqrt import Sqrt
from edgeq.ops.square import Square


def pool_window(node: OnnxNode) -> Window:
    """The node's window, extended where `ceil_mode` asks for it.

    Raises:
        ModelError: a window would lie in the padding alone.
    """
    geometry = window(node, None)
    if node.attr_int("ceil_mode", 0) and node.attr_str("auto_pad", "NOTSET") in ("NOTSET", ""):
        geometry = extend_for_ceil(geometry, spatial_sizes(node))
    reach = (*geometry.span, *geometry.span)
    if any(p >= r for p, r in zip(geometry.padding, reach, strict=True) if p):
        raise ModelError(f"padding {geometry.padding} is as large as the window", hint="pad with a Pad node instead")
    return geometry


@handles("MaxPool", integers=True)
def max_pool(node: OnnxNode) -> None:
    """MaxPool in one to three dimensions; indices in one and two."""
    if len(node.shape(0)) == volume.RANK:
        node.result(volume.pool(node, partial(_greatest, node)))
        return
    rank, nhwc = len(node.shape(0)), to_nhwc(node, node.value(0))
    geometry = pool_window(node)
    op = MaxPool2D(kernel=geometry.kernel, stride=geometry.stride, dilation=geometry.dilation, padding=geometry.padding)
    node.result(from_nhwc(node, node.emit(op, [nhwc], keep_q=True), rank))
    if len(node.outputs) > 1 and node.outputs[1]:
        from edgeq.importers.onnx.pool_places import add_places

        add_places(node, geometry)


def _greatest(node: OnnxNode, x: str, window: Window, suffix: str) -> str:
    op = MaxPool2D(kernel=window.kernel, stride=window.stride, dilation=window.dilation, padding=window.padding)
    return node.emit(op, [x], suffix, keep_q=True)


@handles("AveragePool")
def average_pool(node: OnnxNode) -> None:
    """AveragePool in one to three dimensions."""
    rank = len(node.shape(0))
    if rank == volume.RANK:
        node.result(volume.pool(node, partial(_mean, node)))
        return
    node.result(from_nhwc(node, average(node, to_nhwc(node, node.value(0))), rank))


def _mean(node: OnnxNode, x: str, window: Window, suffix: str) -> str:
    """An average of one plane or of depth: where padding is not counted, the counts of both multiply, too."""
    include = bool(node.attr_int("count_include_pad", 0))
    beyond = include and bool(node.attr_int("ceil_mode", 0))
    if window.dilation != (1, 1) or beyond:
        counted = window.padding if include else (0, 0, 0, 0)
        if beyond and node.attr_str("auto_pad", "NOTSET") in ("NOTSET", ""):  # what ceil_mode adds is never counted
            pads = node.attr_ints("pads") or (0,) * 6
            counted = (pads[1], pads[2], pads[4], pads[5]) if suffix == "plane" else (pads[0], 0, pads[3], 0)
        return _counted_mean(node, x, window, counted, suffix)
    op = AveragePool2D(kernel=window.kernel, stride=window.stride, padding=window.padding, count_include_pad=include)
    return node.emit(op, [x], suffix)


def _counted_mean(node: OnnxNode, x: str, window: Window, counted: Padding, suffix: str) -> str:
    """Sums over windows, divided by how many of their elements are in the image or in the padding that is counted."""
    _, *sizes, _ = node.type(x).shape
    y = _sum(node, x, window, f"{suffix}_sums")
    inside = []
    for k, out in enumerate(node.type(y).shape[1:3]):
        places = np.arange(out)[:, None] * window.stride[k] + np.arange(window.kernel[k]) * window.dilation[k]
        places = places - window.padding[k]
        inside.append(((places >= -counted[k]) & (places < sizes[k] + counted[k + 2])).sum(axis=1))
    share = 1.0 / np.maximum(np.outer(*inside), 1)
    return node.emit(Mul(), [y, node.store(f"{suffix}_share", share[None, :, :, None].astype(np.float32))], suffix)


def average(node: OnnxNode, nhwc: str) -> str:
    """Add an average pool of this node's attributes over an NHWC value; returns its value."""
    geometry = pool_window(node)
    include = bool(node.attr_int("count_include_pad", 0))
    declared = window(node, None).padding
    if include and declared != geometry.padding:  # what ceil_mode added is never counted, what the model pads is
        top, left, bottom, right = declared
        nhwc = node.emit(Pad((0, top, left, 0), (0, bottom, right, 0), "constant", 0.0), [nhwc], "padded", keep_q=True)
        beyond = (0, 0, geometry.padding[2] - bottom, geometry.padding[3] - right)
        geometry, include = replace(geometry, padding=beyond), False
    if geometry.dilation != (1, 1):
        return _dilated_average(node, nhwc, geometry, include)
    op = AveragePool2D(
        kernel=geometry.kernel, stride=geometry.stride, padding=geometry.padding, count_include_pad=include
    )
    return node.emit(op, [nhwc])


def _dilated_average(node: OnnxNode, nhwc: str, geometry: Window, include: bool) -> str:
    """A depthwise convolution with equal weights, then a correction where the window meets the padding."""
    _, h, w, channels = node.type(nhwc).shape
    weight = np.full((*geometry.kernel, channels), 1.0 / prod(geometry.kernel), np.float32)
    op = DepthwiseConv2D(stride=geometry.stride, dilation=geometry.dilation, padding=geometry.padding)
    y = node.emit(op, [nhwc, node.store("weights", weight), None])
    if include or not any(geometry.padding):
        return y
    ones = np.ones((1, h, w, 1), np.float32)
    share = windows(ones, geometry.kernel, geometry.stride, geometry.dilation, geometry.padding, 0.0).mean(axis=(3, 4))
    return node.emit(Mul(), [y, node.store("correction", 1.0 / share)], "corrected")


@handles("GlobalAveragePool")
def global_average_pool(node: OnnxNode) -> None:
    """Mean over everything behind the channels."""
    node.result(global_average(node, node.value(0)))


def global_average(node: OnnxNode, x: str) -> str:
    """Add a global average pool of a value in NCHW or NCL; returns its value."""
    nhwc = to_nhwc(node, x)
    return from_nhwc(node, node.emit(Mean(axes=(1, 2), keepdims=True), [nhwc]), len(node.type(x).shape))


@handles("GlobalMaxPool", integers=True)
def global_max_pool(node: OnnxNode) -> None:
    """Maximum over everything behind the channels."""
    rank, nhwc = len(node.shape(0)), to_nhwc(node, node.value(0))
    y = node.emit(ReduceMax(axes=(1, 2), keepdims=True), [nhwc], keep_q=True)
    node.result(from_nhwc(node, y, rank))


@handles("LpPool")
def lp_pool(node: OnnxNode) -> None:
    """(Σ |x|^p)^(1/p) over windows: a depthwise convolution of powers with weights of one."""
    rank, p = len(node.shape(0)), node.attr_int("p", 2)
    if p < 1:
        raise ModelError(f"attribute p is {p}", hint="use a positive p")
    x = node.emit(Square(), [node.value(0)], "power") if p == 2 else node.emit(Abs(), [node.value(0)], "magnitude")
    if p > 2:
        x = node.emit(Pow(float(p)), [x], "power")
    if rank == volume.RANK:
        y = volume.pool(node, partial(_sum, node), x)
    else:
        y = from_nhwc(node, _sum(node, to_nhwc(node, x), pool_window(node), "sums"), rank)
    node.result(node.emit(Sqrt() if p == 2 else Pow(1.0 / p), [y], "root") if p > 1 else y)


def _sum(node: OnnxNode, x: str, window: Window, suffix: str) -> str:
    """A depthwise convolution with weights of one."""
    ones = np.ones((*window.kernel, node.type(x).shape[-1]), np.float32)
    op = DepthwiseConv2D(stride=window.stride, dilation=window.dilation, padding=window.padding)
    return node.emit(op, [x, node.store(f"{suffix}_ones", ones), None], suffix)
