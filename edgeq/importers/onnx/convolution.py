"""Conv in one to three dimensions, ConvTranspose in one and two."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.onnx import volume
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.node import Constant, OnnxNode
from edgeq.importers.onnx.spatial import Window, explicit_padding, from_nhwc, pair, spatial_sizes, to_nhwc, window
from edgeq.ir.tensor import Array, QParams, Shape
from edgeq.ops._window import Padding, Pair
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.conv_transpose2d import ConvTranspose2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D

_CHECK = "check the shapes and attributes of this node"


@handles("Conv")
def conv(node: OnnxNode) -> None:
    """Conv: x (N, C, H, W) or (N, C, L), weights (M, C/g, …), bias (M)."""
    weights = node.needed(1, "the weight tensor")
    bias = node.needed(2, "the bias") if node.has(2) else None
    node.result(convolve(node, node.value(0), weights, bias))


def convolve(node: OnnxNode, x: str, weights: Constant, bias: Constant | None) -> str:
    """Add a convolution with this node's attributes, and the transposes around it; returns the value.

    Raises:
        ModelError: its shapes do not fit.
    """
    shape = node.type(x).shape
    if len(shape) == volume.RANK:
        return volume.convolve(node, x, weights, store_bias(node, bias, len(weights.data)))
    nhwc = to_nhwc(node, x)
    weights = _four_dimensional(node, weights, shape)
    groups, (oc, per_group) = node.attr_int("group", 1), weights.data.shape[:2]
    if groups < 1 or shape[1] != per_group * groups or oc % groups:
        raise ModelError(
            f"{shape[1]} channels do not fit weights {weights.data.shape} in {groups} group(s)", hint=_CHECK
        )
    geometry = window(node, weights.data.shape[2:] if len(shape) == 4 else weights.data.shape[3:])
    stored_bias = store_bias(node, bias, oc)
    if groups == shape[1] and per_group == 1 and groups > 1:
        data, q = permuted(weights, (2, 3, 0, 1))
        kernel = node.builder.store(weights.name, data.reshape(data.shape[:3]), q)
        depthwise = DepthwiseConv2D(stride=geometry.stride, dilation=geometry.dilation, padding=geometry.padding)
        y = node.emit(depthwise, [nhwc, kernel, stored_bias], "")
    else:
        kernel = node.builder.store(weights.name, *permuted(weights, (0, 2, 3, 1)))
        op = Conv2D(stride=geometry.stride, dilation=geometry.dilation, padding=geometry.padding, groups=groups)
        y = node.emit(op, [nhwc, kernel, stored_bias], "")
    return from_nhwc(node, y, len(shape))


def _four_dimensional(node: OnnxNode, weights: Constant, shape: Shape) -> Constant:
    """Weights of a 1-D convolution as those of a 2-D one with one row."""
    dims = weights.data.shape
    if len(dims) != len(shape):
        raise ModelError(f"weights {dims} do not fit an input {shape}", hint=_CHECK)
    if len(dims) == 4:
        return weights
    if weights.q is not None and weights.q.axis == 2:
        weights = Constant(weights.name, weights.real())
    return replace(weights, data=weights.data.reshape(*dims[:2], 1, dims[2]))


def permuted(weights: Constant, perm: Shape) -> tuple[Array, QParams | None]:
    """Elements and parameters with the axes in another order."""
    q = weights.q
    if q is not None and q.block is not None and q.axis is not None:
        entries = q.entries(weights.data.shape)
        scales, zeros = (np.asarray(v).reshape(entries).transpose(perm) for v in (q.scale, q.zero_point))
        q = QParams.per_block(scales, zeros, perm.index(q.axis), q.block)
    elif q is not None and q.axis is not None:
        q = QParams(q.scale, q.zero_point, perm.index(q.axis))
    return np.transpose(weights.data, perm), q


def store_bias(node: OnnxNode, bias: Constant | None, channels: int) -> str | None:
    """A bias of one number per output channel, as a constant of the graph.

    Raises:
        ModelError: it has another size.
    """
    if bias is None:
        return None
    if bias.data.size != channels:
        raise ModelError(f"a bias of {bias.data.size} numbers does not fit {channels} channels", hint=_CHECK)
    if bias.data.shape == (channels,):
        return node.value_of(bias)
    q = bias.q if bias.q is None or bias.q.axis is None else QParams(bias.q.scale, bias.q.zero_point, 0)
    return node.builder.store(bias.name, bias.data.reshape(channels), q)


@handles("ConvTranspose")
def conv_transpose(node: OnnxNode) -> None:
    """ConvTranspose: x (N, C, H, W) or (N, C, L), weights (C, M/g, …), bias (M)."""
    shape = node.shape(0)
    nhwc = to_nhwc(node, node.value(0))
    weights = _four_dimensional(node, node.needed(1, "the weight tensor"), shape)
    groups = node.attr_int("group", 1)
    if groups < 1 or weights.data.shape[0] != shape[1] or shape[1] % groups:
        raise ModelError(
            f"{shape[1]} channels do not fit weights {weights.data.shape} in {groups} group(s)", hint=_CHECK
        )
    data, q = _grouped(weights, groups)
    kernel = weights.data.shape[2:]
    declared = node.attr_ints("kernel_shape")
    if declared is not None and declared != (kernel if len(shape) == 4 else kernel[1:]):
        raise ModelError(f"attribute kernel_shape {declared} does not fit the weights' {kernel}", hint=_CHECK)
    padding, extra = _transpose_padding(
        node,
        Window(
            (kernel[0], kernel[1]),
            pair(node, node.attr_ints("strides"), "strides", 1),
            pair(node, node.attr_ints("dilations"), "dilations", 1),
            explicit_padding(node),
        ),
    )
    bias = store_bias(node, node.needed(2, "the bias") if node.has(2) else None, data.shape[0])
    op = ConvTranspose2D(
        stride=pair(node, node.attr_ints("strides"), "strides", 1),
        dilation=pair(node, node.attr_ints("dilations"), "dilations", 1),
        padding=padding,
        output_padding=extra,
        groups=groups,
    )
    y = node.emit(op, [nhwc, node.builder.store(weights.name, data, q), bias], "")
    node.result(from_nhwc(node, y, len(shape)))


def _grouped(weights: Constant, groups: int) -> tuple[Array, QParams | None]:
    """(C, M/g, KH, KW) → (M, KH, KW, C/g), and the parameters along with it."""
    q = weights.q
    data = weights.data
    if q is not None and q.axis is not None and q.axis != 1:
        data, q = weights.real(), None
    elif q is not None and q.axis == 1:
        q = QParams(q.scale * groups, q.zero_point * groups, 0)
    c, per_group, kh, kw = data.shape
    split = data.reshape(groups, c // groups, per_group, kh, kw)
    return np.transpose(split, (0, 2, 3, 4, 1)).reshape(groups * per_group, kh, kw, c // groups), q


def _transpose_padding(node: OnnxNode, geometry: Window) -> tuple[Padding, Pair]:
    """Padding that is cut off around the full output, and output padding that is added below and on the right."""
    sizes = spatial_sizes(node)
    extra = list(pair(node, node.attr_ints("output_padding"), "output_padding", 0, least=0))
    mode, output_shape = node.attr_str("auto_pad", "NOTSET"), node.attr_ints("output_shape")
    if output_shape is not None and len(output_shape) == len(node.shape(0)):
        output_shape = output_shape[2:]
    if output_shape is None and mode in ("NOTSET", "VALID", ""):
        return (geometry.padding if mode != "VALID" else (0, 0, 0, 0)), (extra[0], extra[1])
    if output_shape is None and mode not in ("SAME_UPPER", "SAME_LOWER"):
        raise ModelError(f"auto_pad {mode!r} is unknown", hint=_CHECK)
    goal = pair(node, output_shape, "output_shape", 1) if output_shape is not None else None
    before, after = [0, 0], [0, 0]
    for k in range(2):
        full = geometry.stride[k] * (sizes[k] - 1) + extra[k] + geometry.span[k]
        target = goal[k] if goal is not None else sizes[k] * geometry.stride[k]
        total = full - target
        if total < 0:
            extra[k], total = extra[k] - total, 0
        less, more = total // 2, total - total // 2
        before[k], after[k] = (less, more) if mode == "SAME_UPPER" else (more, less)
    return (before[0], before[1], after[0], after[1]), (extra[0], extra[1])
