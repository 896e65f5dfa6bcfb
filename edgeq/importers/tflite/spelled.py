"""Operators that are spelled with others: sums and products of several, along an axis, over neighbours; three axes."""

from __future__ import annotations

import numpy as np

from edgeq.importers.tflite.axes import normal_axes, normal_axis, same_padding
from edgeq.importers.tflite.blocks import part
from edgeq.importers.tflite.builder import Builder
from edgeq.importers.tflite.convolution import bias, hw, weights
from edgeq.importers.tflite.movement import reversed_axis
from edgeq.importers.tflite.raw import Problem, RawOp
from edgeq.importers.tflite.registry import handles
from edgeq.importers.tflite.tensors import is_whole
from edgeq.importers.tflite.truth import truth
from edgeq.importers.tflite.whole import whole_operand
from edgeq.ir.op import Op
from edgeq.ops._reduce import Reduction
from edgeq.ops._requant import NO_CLAMP
from edgeq.ops.add import Add
from edgeq.ops.atan import Atan
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.clip import Clip
from edgeq.ops.compare import Compare
from edgeq.ops.concat import Concat
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.div import Div
from edgeq.ops.exp import Exp
from edgeq.ops.floor import Floor
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.log import Log
from edgeq.ops.mul import Mul
from edgeq.ops.pad import Pad
from edgeq.ops.reduce_max import ReduceMax
from edgeq.ops.reduce_min import ReduceMin
from edgeq.ops.reshape import Reshape
from edgeq.ops.select import Select
from edgeq.ops.slice import Slice
from edgeq.ops.sqrt import Sqrt
from edgeq.ops.square import Square
from edgeq.ops.sub import Sub
from edgeq.ops.transpose import Transpose
from edgeq.ops.whole_pair import WholePair

MOST_FACTORS = 64
"""Elements along an axis whose product is spelled out."""
REAL_NUMBERS = "convert the model so that this operator keeps real numbers, or replace it"


def real_operands(b: Builder, op: RawOp, count: int | None = None) -> list[str]:
    """The operands, which must be real numbers, as the result.

    Raises:
        Problem: they are others.
    """
    if b.tensor(op.outputs[0]).dtype != "FLOAT32":
        raise Problem(f"its result is {b.tensor(op.outputs[0]).dtype}, not real numbers", REAL_NUMBERS)
    found = [b.operand(op, k) for k in range(len(op.inputs) if count is None else count)]
    if any(b.q_of(x) is not None or b.editor.values[x].type.is_whole for x in found):
        raise Problem("its operands are not real numbers", REAL_NUMBERS)
    return found


@handles("ADD_N")
def add_n(b: Builder, op: RawOp) -> None:
    """The sum of any number of tensors, one after the other."""
    first, *rest = real_operands(b, op)
    for x in rest[:-1]:
        first = b.step(Add(NO_CLAMP), [first, x], f"{first}/sum", None)
    if rest:
        b.emit(op, Add(NO_CLAMP), [first, rest[-1]])
    else:
        b.emit(op, Reshape(b.shape(first)), [first])


@handles("FLOOR_DIV", "FLOOR_MOD")
def floored(b: Builder, op: RawOp) -> None:
    """⌊a / b⌋, and a − b · ⌊a / b⌋ with the sign of b."""
    if is_whole(b.tensor(op.outputs[0])):
        if op.kind == "FLOOR_DIV":
            raise Problem("it divides whole numbers", "cut the model before it")
        b.emit(op, WholePair("mod"), [whole_operand(b, op, k) for k in range(2)])
        return
    x, y = real_operands(b, op, 2)
    name = b.tensor(op.outputs[0]).name
    quotient = b.step(Div(NO_CLAMP), [x, y], f"{name}/quotient", None)
    if op.kind == "FLOOR_DIV":
        b.emit(op, Floor(), [quotient])
        return
    whole = b.step(Floor(), [quotient], f"{name}/whole", None)
    b.emit(op, Sub(NO_CLAMP), [x, b.step(Mul(NO_CLAMP), [whole, y], f"{name}/multiple", None)])


@handles("ATAN2")
def angle(b: Builder, op: RawOp) -> None:
    """The angle of (x, y): atan(y / x), and half a turn more or less where x is negative; 0 where both are 0."""
    y, x = real_operands(b, op, 2)
    name = b.tensor(op.outputs[0]).name
    zero = b.editor.constant(f"{name}/zero", np.zeros(1, np.float32))
    turns = [b.editor.constant(f"{name}/turn{k}", np.array([k * np.pi], np.float32)) for k in (-1, 1)]
    nothing = [b.step(Compare("equal"), [side, zero], f"{name}/is_0", None) for side in (x, y)]
    both = b.step(Mul(NO_CLAMP), nothing, f"{name}/are_0", None)
    slope = b.step(Div(NO_CLAMP), [y, b.step(Add(NO_CLAMP), [x, both], f"{name}/x", None)], f"{name}/slope", None)
    below, left = (b.step(Compare("less"), [side, zero], f"{name}/less", None) for side in (y, x))
    turn = b.step(Select(), [below, *turns], f"{name}/turn", None)
    added = b.step(Select(), [left, turn, zero], f"{name}/added", None)
    b.emit(op, Add(NO_CLAMP), [b.step(Atan(), [slope], f"{name}/atan", None), added])


@handles("CUMSUM")
def cumulated(b: Builder, op: RawOp) -> None:
    """Sums of all elements up to each along an axis: a product with a triangle of ones."""
    (x,) = real_operands(b, op, 1)
    name, shape = b.tensor(op.outputs[0]).name, b.shape(x)
    axis = normal_axis(b.required(op, 1)[0], len(shape))
    backwards = bool(op.option("Reverse"))
    if backwards:
        x = reversed_axis(b, x, axis, f"{name}/reversed")
    order = (*(k for k in range(len(shape)) if k != axis), axis)
    b.budget.stored(4 * shape[axis] ** 2)
    ones = np.tril(np.ones((shape[axis], shape[axis]), np.float32), -1 if op.option("Exclusive") else 0)
    rows = b.step(Transpose(order), [x], f"{name}/rows", None)
    sums = b.step(FullyConnected(), [rows, b.editor.constant(f"{name}/triangle", ones)], f"{name}/sums", None)
    back = Transpose(tuple(int(k) for k in np.argsort(order)))
    if not backwards:
        b.emit(op, back, [sums])
        return
    y = b.step(back, [sums], f"{name}/backwards", None)
    b.emit(op, Reshape(shape), [reversed_axis(b, y, axis, f"{name}/forwards")])


@handles("REDUCE_PROD")
def product(b: Builder, op: RawOp) -> None:
    """The product of the elements along axes, one after the other."""
    (x,) = real_operands(b, op, 1)
    name, axes = b.tensor(op.outputs[0]).name, normal_axes(b.required(op, 1), len(b.shape(x)))
    for axis in axes:
        size = b.shape(x)[axis]
        if size > MOST_FACTORS:
            raise Problem(f"it multiplies {size} elements; {MOST_FACTORS} are spelled out", "cut the model before it")
        total = part(b, x, axis, 0, 1)
        for k in range(1, size):
            total = b.step(Mul(NO_CLAMP), [total, part(b, x, axis, k, k + 1)], f"{name}/product", None)
        x = total
    kept = tuple(d for k, d in enumerate(b.shape(x)) if k not in axes or op.option("KeepDims"))
    b.emit(op, Reshape(kept), [x])


QUANTORS: dict[str, type[Reduction]] = {"REDUCE_ANY": ReduceMax, "REDUCE_ALL": ReduceMin}


@handles(*QUANTORS)
def quantor(b: Builder, op: RawOp) -> None:
    """Any is the greatest, all the least of truth values along axes."""
    x = truth(b, op, 0)
    axes = normal_axes(b.required(op, 1), len(b.shape(x)))
    if not axes:
        raise Problem("it reduces over no axis", "remove it")
    reduction = QUANTORS[op.kind](axes, bool(op.option("KeepDims")))
    b.bind(op.outputs[0], b.step(reduction, [x], b.tensor(op.outputs[0]).name, b.q_of(x)))


@handles("LOCAL_RESPONSE_NORMALIZATION")
def local_response(b: Builder, op: RawOp) -> None:
    """x / (bias + alpha · Σ x²)^beta over the channels within a radius (Krizhevsky et al., 2012)."""
    (x,) = real_operands(b, op, 1)
    name, channels = b.tensor(op.outputs[0]).name, b.shape(x)[-1]
    b.budget.stored(24 * channels**2)
    away = np.abs(np.subtract.outer(np.arange(channels), np.arange(channels)))
    band = (away <= op.option("Radius")) * op.real("Alpha")
    constants = [
        b.editor.constant(f"{name}/neighbours", band.astype(np.float32)),
        b.editor.constant(f"{name}/bias", np.full(channels, op.real("Bias"), np.float32)),
    ]
    squares = b.step(Square(), [x], f"{name}/squares", None)
    sums = b.step(FullyConnected(), [squares, *constants], f"{name}/sums", None)
    power = b.editor.constant(f"{name}/power", np.array([-op.real("Beta")], np.float32))
    logarithms = b.step(Mul(NO_CLAMP), [b.step(Log(), [sums], f"{name}/log", None), power], f"{name}/logs", None)
    b.emit(op, Mul(NO_CLAMP), [x, b.step(Exp(), [logarithms], f"{name}/factors", None)])


@handles("L2_POOL_2D")
def l2_pool(b: Builder, op: RawOp) -> None:
    """The root of the mean of squares; padding is ignored."""
    (x,) = real_operands(b, op, 1)
    name, shape = b.tensor(op.outputs[0]).name, b.shape(x)
    if len(shape) != 4:
        raise Problem(f"its input has shape {shape}, not four dimensions")
    kernel, stride = (op.option("FilterHeight"), op.option("FilterWidth")), hw(op, "Stride")
    padding = same_padding((shape[1], shape[2]), kernel, stride, (1, 1), op.option("Padding"))
    squares = b.step(Square(), [x], f"{name}/squares", None)
    means = b.step(AveragePool2D(kernel, stride, padding, False), [squares], f"{name}/means", None)
    b.emit(op, Clip(*b.clamp(op)), [b.step(Sqrt(), [means], f"{name}/roots", None)])


@handles("CONV_3D")
def conv_3d(b: Builder, op: RawOp) -> None:
    """x (N, D, H, W, C), weights (KD, KH, KW, C, OC): a convolution of images whose channels are those of KD slices."""
    (x,) = real_operands(b, op, 1)
    kept = weights(b, op, 1)
    shape, kernel = b.shape(x), b.shape(kept)
    data = b.editor.values[kept].data
    if len(shape) != 5 or len(kernel) != 5 or data is None or shape[4] != kernel[3]:
        raise Problem(f"an input of shape {shape} does not fit weights {kernel}")
    name, clamp = b.tensor(op.outputs[0]).name, b.clamp(op)
    depth, stride = kernel[0], (op.option("StrideD"), op.option("StrideH"), op.option("StrideW"))
    dilation = tuple(op.option(f"Dilation{axis}Factor") for axis in "DHW")
    along = same_padding((shape[1], 1), (depth, 1), (stride[0], 1), (dilation[0], 1), op.option("Padding"))
    if along[0] or along[2]:
        before, after = (0, along[0], 0, 0, 0), (0, along[2], 0, 0, 0)
        x = b.step(Pad(before, after, "constant", 0.0), [x], f"{name}/padded", None)
    deep = (b.shape(x)[1] - dilation[0] * (depth - 1) - 1) // stride[0] + 1
    if deep < 1:
        raise Problem(f"an input of shape {shape} is smaller than weights {kernel}")
    images = (shape[0] * deep, *shape[2:])
    taken = [
        b.step(Reshape(images), [_every(b, x, k * dilation[0], stride[0], deep)], f"{name}/slice{k}", None)
        for k in range(depth)
    ]
    joined = taken[0] if depth == 1 else b.step(Concat(3), taken, f"{name}/slices", None)
    flat = np.ascontiguousarray(data.transpose(4, 1, 2, 0, 3)).reshape(kernel[4], *kernel[1:3], -1)
    w = b.editor.constant(f"{name}/weights", flat)
    step, apart = (stride[1], stride[2]), (dilation[1], dilation[2])
    padding = same_padding((shape[2], shape[3]), (kernel[1], kernel[2]), step, apart, op.option("Padding"))
    layer: Op = Conv2D(step, apart, padding, 1, clamp)
    y = b.step(layer, [joined, w, bias(b, op, 2, x, w, kernel[4])], f"{name}/images", None)
    b.emit(op, Reshape((shape[0], deep, *b.shape(y)[1:])), [y])


def _every(b: Builder, x: str, first: int, stride: int, count: int) -> str:
    """Every stride-th slice along axis 1."""
    shape = b.shape(x)
    begin, step = (0, first, 0, 0, 0), (1, stride, 1, 1, 1)
    end = (shape[0], first + (count - 1) * stride + 1, *shape[2:])
    return b.step(Slice(begin, end, step), [x], f"{x}/from{first}", None)
