"""Products of whole numbers, and quantization with parameters that are computed at run time."""

from __future__ import annotations

from math import prod

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.onnx.axes import normalize_axes
from edgeq.importers.onnx.choice import Places, chosen, numbered
from edgeq.importers.onnx.handlers import handles_whole
from edgeq.importers.onnx.node import Activation, Constant, OnnxNode
from edgeq.importers.onnx.qdq import CODES, output_type
from edgeq.importers.onnx.spatial import Window, window
from edgeq.importers.onnx.whole import kind_of, number, stored, whole_operand
from edgeq.ir.tensor import DType, Shape
from edgeq.ops.div import Div
from edgeq.ops.mul import Mul
from edgeq.ops.real_to_whole import RealToWhole
from edgeq.ops.reshape import Reshape
from edgeq.ops.round import Round
from edgeq.ops.whole_pair import WholePair
from edgeq.ops.whole_product import WholeProduct
from edgeq.ops.whole_to_real import WholeToReal

_CHECK = "check the shapes of this node's inputs"
MOST_PLACES = 1 << 20
"""Elements of the windows of a convolution of whole numbers, each of which a table has the place of."""


def _reshaped(node: OnnxNode, x: str, shape: Shape, suffix: str) -> str:
    return x if node.type(x).shape == shape else node.emit(Reshape(shape), [x], suffix, keep_q=True)


def _product(node: OnnxNode, a: str, b: str) -> str:
    """Add a matrix product by NumPy's rules."""
    left, right = node.type(a).shape, node.type(b).shape
    if not left or not right:
        raise ModelError(f"{node.kind} needs operands of one dimension or more", hint=_CHECK)
    a = _reshaped(node, a, (1, *left) if len(left) == 1 else left, "row")
    b = _reshaped(node, b, (*right, 1) if len(right) == 1 else right, "column")
    y = node.emit(WholeProduct(), [a, b])
    shape = node.type(y).shape
    shape = (*shape[:-2], shape[-1]) if len(left) == 1 else shape
    return _reshaped(node, y, shape[:-1] if len(right) == 1 else shape, "flat")


def _centred(node: OnnxNode, index: int, zero: int, shape: Shape | None = None) -> str:
    """An operand less its zero point, which gets another shape if one is given and it has several elements.

    Raises:
        ModelError: they do not fit each other.
    """
    operand = node.operand(index)
    points = node.operand(zero) if node.has(zero) else None
    if isinstance(operand, Constant) and (points is None or isinstance(points, Constant)):
        data = operand.data.astype(np.int64)
        if points is not None:
            offsets = points.data.astype(np.int64)
            data = data - (offsets if shape is None or offsets.size == 1 else offsets.reshape(shape))
        return stored(node, data, f"centred{index}")
    x = whole_operand(node, index)
    if points is None or (isinstance(points, Constant) and not points.data.any()):
        return x
    offset = whole_operand(node, zero)
    if shape is not None and node.shape(zero) != () and prod(node.shape(zero)) > 1:
        offset = _reshaped(node, offset, shape, f"zero{index}")
    return node.emit(WholePair("sub"), [x, offset], f"centred{index}")


@handles_whole("MatMul")
def matmul(node: OnnxNode) -> None:
    """A matrix product, modulo 2³²."""
    node.result(_product(node, whole_operand(node, 0), whole_operand(node, 1)), integers=kind_of(node))


@handles_whole("MatMulInteger")
def matmul_integer(node: OnnxNode) -> None:
    """(a − a's zero point) · (b − b's zero point); zero points are of each row of a and of each column of b."""
    rows = (*node.shape(2), 1) if node.has(2) and len(node.shape(2)) == 1 else None
    node.result(_product(node, _centred(node, 0, 2, rows), _centred(node, 1, 3)), integers=DType.INT32)


def _windows(shape: Shape, group: int, geometry: Window) -> tuple[Places, Shape]:
    """Places of the elements of all windows, (groups, channels · kernel, rows · columns), in an image (C, H, W) that a
    zero is behind; and rows and columns."""
    channels, height, width = shape
    top, left, bottom, right = geometry.padding
    padded = np.full((channels, height + top + bottom, width + left + right), prod(shape), np.int64)
    padded[:, top : top + height, left : left + width] = numbered(shape)
    sizes = tuple((padded.shape[k + 1] - geometry.span[k]) // geometry.stride[k] + 1 for k in range(2))
    if min(sizes) < 1:
        raise ModelError("the window is larger than the image", hint=_CHECK)
    down, right_of = (
        np.arange(geometry.kernel[k])[:, None] * geometry.dilation[k] + np.arange(sizes[k]) * geometry.stride[k]
        for k in range(2)
    )
    places = padded[:, down[:, None, :, None], right_of[None, :, None, :]]
    return places.reshape(group, -1, prod(sizes)), sizes


@handles_whole("ConvInteger")
def conv_integer(node: OnnxNode) -> None:
    """(x − x's zero point) convolved with (w − w's zero point); zero points of w are of each output channel.

    Raises:
        ModelError: shapes do not fit, or there are too many windows.
    """
    shape, kernel = node.shape(0), node.shape(1)
    group = node.attr_int("group", 1)
    if len(shape) not in (3, 4) or len(kernel) != len(shape):
        raise ModelError(f"an input {shape} and weights {kernel} are not supported", hint="use one or two dimensions")
    if group < 1 or shape[1] != kernel[1] * group or kernel[0] % group:
        raise ModelError(f"{shape[1]} channels do not fit weights {kernel} in {group} group(s)", hint=_CHECK)
    geometry = window(node, kernel[2:])
    image = (shape[1], *((1, shape[2]) if len(shape) == 3 else shape[2:]))
    if prod(shape) * prod(kernel[2:]) > MOST_PLACES:
        raise ModelError(
            f"windows of {prod(shape) * prod(kernel[2:]):,} elements would be gathered",
            hint="dequantize the input, or give the float model",
        )
    places, sizes = _windows(image, group, geometry)
    apart = (kernel[0], *(1 for _ in kernel[1:]))
    weights = _reshaped(node, _centred(node, 1, 3, apart), (group, kernel[0] // group, prod(kernel[1:])), "weights")
    x = _centred(node, 0, 2)
    behind = prod(shape)
    starts = np.arange(shape[0])[:, None, None, None] * prod(image)
    everywhere = np.where(places == prod(image), behind, places + starts)
    patches = chosen(node, [x, number(node, 0, "outside")], everywhere, "windows")
    y = node.emit(WholeProduct(), [weights, patches])
    out = (shape[0], kernel[0], *(sizes[1:] if len(shape) == 3 else sizes))
    node.result(_reshaped(node, y, out, "image"), integers=DType.INT32)


def along_axis(node: OnnxNode, index: int) -> Shape | None:
    """The shape in which a list of parameters is broadcast along the node's axis; None where it is no list."""
    rank, own = len(node.shape(0)), node.shape(index)
    if len(own) != 1 or own == (1,):
        return None
    (axis,) = normalize_axes([node.attr_int("axis", 1)], rank)
    return tuple(own[0] if k == axis else 1 for k in range(rank))


def _real_scale(node: OnnxNode) -> str:
    operand = node.operand(1)
    if isinstance(operand, Activation) and operand.integers is not None:
        raise ModelError("the scale is not real", hint="export the model again")
    scale = node.value(1)
    return _reshaped(node, scale, along_axis(node, 1) or node.type(scale).shape, "scale")


def _zero_point(node: OnnxNode) -> str:
    zero = whole_operand(node, 2)
    return _reshaped(node, zero, along_axis(node, 2) or node.type(zero).shape, "zero_point")


@handles_whole("QuantizeLinear")
def quantize_linear(node: OnnxNode) -> None:
    """x / scale, rounded, plus the zero point, within the bounds of the type: whole numbers.

    Raises:
        ModelError: the parameters are of blocks, or the type is none of whole numbers.
    """
    if node.attr_int("block_size", 0):
        raise ModelError("scales of blocks that are computed at run time are not supported", hint="use one per channel")
    dtype = kind_of(node) if node.has(2) and not isinstance(node.operand(2), Constant) else None
    if dtype is None:
        code = node.needed(2, "the zero point").data.dtype.name if node.has(2) else output_type(node)
        if code not in ("uint8", "int8", "uint16", "int16") or code not in CODES.values():
            raise ModelError(f"quantization to {code} at run time is not supported", hint="quantize to int8 or uint8")
        dtype = DType(code)
    low, high = dtype.range
    steps = node.emit(Round(), [node.emit(Div(), [node.value(0), _real_scale(node)], "steps")], "rounded")
    y = node.emit(RealToWhole(), [steps], "whole")
    if node.has(2):
        y = node.emit(WholePair("add"), [y, _zero_point(node)], "moved")
    y = node.emit(WholePair("maximum"), [y, number(node, low, "low")], "least")
    node.result(node.emit(WholePair("minimum"), [y, number(node, high, "high")]), integers=dtype)


@handles_whole("DequantizeLinear")
def dequantize_linear(node: OnnxNode) -> None:
    """scale · (x − zero point) of whole numbers.

    Raises:
        ModelError: the parameters are of blocks.
    """
    if node.attr_int("block_size", 0):
        raise ModelError("scales of blocks that are computed at run time are not supported", hint="use one per channel")
    x = whole_operand(node, 0)
    if node.has(2):
        x = node.emit(WholePair("sub"), [x, _zero_point(node)], "centred")
    node.result(node.emit(Mul(), [node.emit(WholeToReal(), [x], "real"), _real_scale(node)]))
