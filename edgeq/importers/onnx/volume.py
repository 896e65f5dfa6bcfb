"""3-D convolutions and pools, as 2-D ones: depth is taken into the channels, or after rows and columns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.onnx.node import Constant, OnnxNode
from edgeq.importers.onnx.spatial import Window, extend_for_ceil
from edgeq.ir.tensor import Shape
from edgeq.ops.concat import Concat
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.pad import Pad
from edgeq.ops.reshape import Reshape
from edgeq.ops.slice import Slice
from edgeq.ops.transpose import Transpose

_CHECK = "check the attributes of this node"
RANK = 5
"""Dimensions of a batch of volumes with channels."""
Pool = Callable[[str, Window, str], str]
"""Adds a 2-D pool of an NHWC value: value, window, suffix of names → value."""


def windows(node: OnnxNode, kernel: Shape | None) -> tuple[Window, Window]:
    """The node's window along depth (as rows of an image of one column), and along rows and columns.

    Raises:
        ModelError: attributes are missing or do not fit.
    """
    sizes = node.shape(0)[2:]
    declared = node.attr_ints("kernel_shape")
    kernels = kernel if kernel is not None else declared
    if kernels is None or (declared is not None and declared != tuple(kernels)):
        raise ModelError(f"kernel_shape {declared} does not fit {kernel}", hint=_CHECK)
    strides, dilations = (node.attr_ints(name) or (1, 1, 1) for name in ("strides", "dilations"))
    pads = node.attr_ints("pads") or (0,) * 6
    if not len(kernels) == len(strides) == len(dilations) == 3 or len(pads) != 6:
        raise ModelError("its lists do not have one number per dimension", hint=_CHECK)
    if min(*kernels, *strides, *dilations) < 1 or min(pads) < 0 or max(*kernels, *strides, *dilations, *pads) >= 2**31:
        raise ModelError(f"kernel {kernels}, strides {strides}, pads {pads} are not supported", hint=_CHECK)
    mode = node.attr_str("auto_pad", "NOTSET")
    if mode not in ("NOTSET", "", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise ModelError(f"auto_pad {mode!r} is unknown", hint=_CHECK)
    before, after = list(pads[:3]), list(pads[3:])
    for k in range(3):
        if mode == "VALID":
            before[k] = after[k] = 0
        elif mode.startswith("SAME"):
            span = dilations[k] * (kernels[k] - 1) + 1
            total = max((-(-sizes[k] // strides[k]) - 1) * strides[k] + span - sizes[k], 0)
            less, more = total // 2, total - total // 2
            before[k], after[k] = (less, more) if mode == "SAME_UPPER" else (more, less)
    deep = Window((kernels[0], 1), (strides[0], 1), (dilations[0], 1), (before[0], 0, after[0], 0))
    flat = Window(
        (kernels[1], kernels[2]),
        (strides[1], strides[2]),
        (dilations[1], dilations[2]),
        (before[1], before[2], after[1], after[2]),
    )
    if node.attr_int("ceil_mode", 0) and mode in ("NOTSET", ""):
        deep, flat = extend_for_ceil(deep, (sizes[0], 1)), extend_for_ceil(flat, (sizes[1], sizes[2]))
    return deep, flat


def _channels_last(node: OnnxNode, value: str) -> str:
    return node.emit(Transpose((0, 2, 3, 4, 1)), [value], "ndhwc", keep_q=True)


def _channels_first(node: OnnxNode, value: str) -> str:
    return node.emit(Transpose((0, 4, 1, 2, 3)), [value], "ncdhw", keep_q=True)


def pool(node: OnnxNode, add: Pool, of: str = "") -> str:
    """A pool over volumes whose result is that over depth of that over rows and columns; returns its value.

    `of`: what is pooled, of the shape of input 0, which it is by default.
    """
    deep, flat = windows(node, None)
    for window in (deep, flat):
        reach = (*window.span, *window.span)
        if any(p >= r for p, r in zip(window.padding, reach, strict=True) if p):
            raise ModelError(f"padding {window.padding} is as large as the window", hint="pad with a Pad node instead")
    x = _channels_last(node, of or node.value(0))
    n, d, h, w, c = node.type(x).shape
    images = node.emit(Reshape((n * d, h, w, c)), [x], "images", keep_q=True)
    y = add(images, flat, "plane")
    _, h, w, c = node.type(y).shape
    columns = node.emit(Reshape((n, d, h * w, c)), [y], "columns", keep_q=True)
    z = add(columns, deep, "depth")
    whole = node.emit(Reshape((n, node.type(z).shape[1], h, w, c)), [z], "volume", keep_q=True)
    return _channels_first(node, whole)


def convolve(node: OnnxNode, x: str, weights: Constant, bias: str | None) -> str:
    """A convolution over volumes, weights (M, C, D, H, W): what a window covers in depth becomes channels.

    Raises:
        ModelError: it has groups, or shapes do not fit.
    """
    shape, data = node.type(x).shape, weights.real()
    if node.attr_int("group", 1) != 1:
        raise ModelError("3-D convolution in groups is not supported", hint="use one group, or 2-D convolutions")
    if data.ndim != RANK or data.shape[1] != shape[1]:
        raise ModelError(f"weights {data.shape} do not fit an input {shape}", hint=_CHECK)
    deep, flat = windows(node, data.shape[2:])
    last = _channels_last(node, x)
    if any(deep.padding):
        before, after = (0, deep.padding[0], 0, 0, 0), (0, deep.padding[2], 0, 0, 0)
        last = node.emit(Pad(before, after, "constant", 0.0), [last], "padded", keep_q=True)
    n, d, h, w, c = node.type(last).shape
    count = (d - deep.span[0]) // deep.stride[0] + 1
    if count < 1:
        raise ModelError(f"the window is deeper than {d}", hint=_CHECK)
    slices = []
    for k in range(deep.kernel[0]):
        begin = k * deep.dilation[0]
        end = begin + (count - 1) * deep.stride[0] + 1
        op = Slice((0, begin, 0, 0, 0), (n, end, h, w, c), (1, deep.stride[0], 1, 1, 1))
        slices.append(node.emit(op, [last], f"slice{k}", keep_q=True))
    joined = slices[0] if len(slices) == 1 else node.emit(Concat(4), slices, "joined", keep_q=True)
    images = node.emit(Reshape((n * count, h, w, len(slices) * c)), [joined], "images", keep_q=True)
    packed = np.transpose(data, (0, 3, 4, 2, 1)).reshape(data.shape[0], *data.shape[3:], len(slices) * c)
    kernel = node.store("weights", packed.astype(np.float32))
    op2d = Conv2D(stride=flat.stride, dilation=flat.dilation, padding=flat.padding)
    y = node.emit(op2d, [images, kernel, bias])
    _, h, w, m = node.type(y).shape
    return _channels_first(node, node.emit(Reshape((n, count, h, w, m)), [y], "volume", keep_q=True))
