"""Arithmetic, activation functions, reductions and softmax."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.importers.tflite.axes import normal_axes
from edgeq.importers.tflite.builder import WIDE, Builder
from edgeq.importers.tflite.hints import type_hint
from edgeq.importers.tflite.raw import Problem, RawOp, RawTensor
from edgeq.importers.tflite.registry import handles
from edgeq.importers.tflite.truth import select as select_computed
from edgeq.importers.tflite.whole import whole_pair
from edgeq.ir.op import Op
from edgeq.ir.quant_rule import Scale
from edgeq.ir.tensor import Array, DType, QParams
from edgeq.ops._reduce import Reduction
from edgeq.ops._requant import NO_CLAMP, Clamp
from edgeq.ops.abs import Abs
from edgeq.ops.add import Add
from edgeq.ops.ceil import Ceil
from edgeq.ops.clip import Clip
from edgeq.ops.cos import Cos
from edgeq.ops.dequantize import Dequantize
from edgeq.ops.div import Div
from edgeq.ops.elu import Elu
from edgeq.ops.exp import Exp
from edgeq.ops.floor import Floor
from edgeq.ops.gelu import Gelu
from edgeq.ops.hard_swish import HardSwish
from edgeq.ops.l2_norm import L2Norm
from edgeq.ops.leaky_relu import LeakyRelu
from edgeq.ops.log import Log
from edgeq.ops.log_softmax import LogSoftmax
from edgeq.ops.maximum import Maximum
from edgeq.ops.mean import Mean
from edgeq.ops.minimum import Minimum
from edgeq.ops.mul import Mul
from edgeq.ops.neg import Neg
from edgeq.ops.p_relu import PRelu
from edgeq.ops.pow import Pow
from edgeq.ops.quantize import Quantize
from edgeq.ops.reduce_max import ReduceMax
from edgeq.ops.reduce_min import ReduceMin
from edgeq.ops.requantize import Requantize
from edgeq.ops.round import Round
from edgeq.ops.rsqrt import Rsqrt
from edgeq.ops.sigmoid import Sigmoid
from edgeq.ops.sign import Sign
from edgeq.ops.sin import Sin
from edgeq.ops.softmax import WIDE_OUTPUT, Softmax
from edgeq.ops.sqrt import Sqrt
from edgeq.ops.square import Square
from edgeq.ops.squared_difference import SquaredDifference
from edgeq.ops.stored_l2_norm import OUTPUT as STORED_L2
from edgeq.ops.stored_l2_norm import StoredL2Norm
from edgeq.ops.sub import Sub
from edgeq.ops.sum import Sum
from edgeq.ops.tanh import Tanh

INF = float("inf")
ARITHMETIC: dict[str, type[Add] | type[Sub] | type[Mul]] = {"ADD": Add, "SUB": Sub, "MUL": Mul}
CLIPS: dict[str, Clamp] = {
    "RELU": (0.0, INF),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU_0_TO_1": (0.0, 1.0),
}
UNARY: dict[str, Op] = {
    "LOGISTIC": Sigmoid(),
    "TANH": Tanh(),
    "HARD_SWISH": HardSwish(),
    "ELU": Elu(),
    "EXP": Exp(),
    "LOG": Log(),
    "SQRT": Sqrt(),
    "RSQRT": Rsqrt(),
    "SQUARE": Square(),
    "ABS": Abs(),
    "FLOOR": Floor(),
    "CEIL": Ceil(),
    "ROUND": Round(),
    "SIGN": Sign(),
    "SIN": Sin(),
    "COS": Cos(),
}


@handles(*ARITHMETIC)
def arithmetic(b: Builder, op: RawOp) -> None:
    """Two operands, broadcast; either may be constant, and infinite where it is a mask of attention scores."""
    if whole_pair(b, op):
        return
    infinite = op.kind in ("ADD", "SUB")
    if infinite and op.option("PotScaleInt16") and all(_is_power(b.tensor(k)) for k in (*op.inputs, *op.outputs)):
        raise Problem("it adds int16 tensors whose scales are powers of two by shifts", "convert the model again")
    b.emit(op, ARITHMETIC[op.kind](b.clamp(op)), [b.operand(op, k, infinite) for k in (0, 1)])


def _is_power(tensor: RawTensor) -> bool:
    """Whether an int16 tensor has a scale that LiteRT takes for a power of two."""
    if tensor.dtype != "INT16" or tensor.quant is None:
        return False
    exponent = float(np.log2(tensor.quant.scale[0]))
    return abs(exponent - round(exponent)) < 1e-3


@handles("DIV")
def division(b: Builder, op: RawOp) -> None:
    """Two operands, broadcast; LiteRT divides 8-bit tensors in a way of its own."""
    if whole_pair(b, op):
        return
    b.emit(op, Div(b.clamp(op), b.is_quantized(op)), [b.operand(op, 0), b.operand(op, 1)])


@handles("MINIMUM", "MAXIMUM")
def extremum(b: Builder, op: RawOp) -> None:
    """Two operands under one scale."""
    if whole_pair(b, op):
        return
    operands = [b.matched(b.operand(op, k), b.output_q(op)) for k in (0, 1)]
    b.emit(op, Minimum() if op.kind == "MINIMUM" else Maximum(), operands)


@handles("SELECT", "SELECT_V2")
def select(b: Builder, op: RawOp) -> None:
    """A choice; if it is constant, each side is clamped to its own bounds where the other is taken."""
    condition = b.stored(op.inputs[0]) if len(op.inputs) == 3 else None
    if condition is None:
        select_computed(b, op)
        return
    q, name = b.output_q(op), b.tensor(op.outputs[0]).name
    chosen = condition.astype(bool)
    x, y = (b.matched(b.operand(op, k, infinite=True), q) for k in (1, 2))
    if b.editor.values[x].data is not None:
        x, y, chosen = y, x, ~chosen
    if op.kind == "SELECT" and chosen.ndim == 1:  # one choice for each index of the first dimension
        chosen = chosen.reshape(-1, *[1] * (len(b.shape(x)) - 1))
    least, greatest, dtype = (-INF, INF, np.float32) if q is None else (*q.integers.range, q.integers.numpy)

    def bounds(suffix: str, there: Array | float, elsewhere: Array | float) -> str:
        return b.editor.constant(f"{name}/{suffix}", np.where(chosen, there, elsewhere).astype(dtype), q)

    other = b.editor.values[y].data
    if other is not None:
        floor = b.step(Maximum(), [x, bounds("low", least, other)], f"{name}/floor", q)
        b.emit(op, Minimum(), [floor, bounds("high", greatest, other)])
        return
    first = b.step(Minimum(), [x, bounds("first", greatest, least)], f"{name}/first", q)
    second = b.step(Minimum(), [y, bounds("second", least, greatest)], f"{name}/second", q)
    b.emit(op, Maximum(), [first, second])


@handles("SQUARED_DIFFERENCE")
def squared_difference(b: Builder, op: RawOp) -> None:
    """(a − b)²: one operator in 8 bits, where the difference has no parameters; else two."""
    if b.is_quantized(op):
        b.emit(op, SquaredDifference(), [b.operand(op, 0), b.operand(op, 1)])
        return
    difference = b.step(Sub(), [b.operand(op, 0), b.operand(op, 1)], f"{b.tensor(op.outputs[0]).name}/difference", None)
    b.emit(op, Square(), [difference])


@handles(*CLIPS)
def clip(b: Builder, op: RawOp) -> None:
    """A clamp."""
    b.emit(op, Clip(*CLIPS[op.kind]), [b.operand(op, 0)])


@handles(*UNARY)
def unary(b: Builder, op: RawOp) -> None:
    """One operand, no options."""
    b.emit(op, UNARY[op.kind], [b.operand(op, 0)])


@handles("NEG")
def negation(b: Builder, op: RawOp) -> None:
    """LiteRT negates the stored integers of int8 tensors, but the real numbers of float ones."""
    b.emit(op, Neg(stored=b.is_quantized(op)), [b.operand(op, 0)])


@handles("LEAKY_RELU")
def leaky_relu(b: Builder, op: RawOp) -> None:
    """x where x ≥ 0, else alpha·x."""
    b.emit(op, LeakyRelu(op.real("Alpha")), [b.operand(op, 0)])


@handles("GELU")
def gelu(b: Builder, op: RawOp) -> None:
    """Exact, or the approximation with tanh."""
    b.emit(op, Gelu(bool(op.option("Approximate"))), [b.operand(op, 0)])


@handles("PRELU")
def prelu(b: Builder, op: RawOp) -> None:
    """A constant slope, broadcast."""
    if len(op.inputs) < 2 or not b.is_constant(op.inputs[1]):
        raise Problem("its slope is computed at run time", "export the model for inference, with frozen variables")
    wide = b.tensor(op.inputs[0]).dtype == "INT16"
    b.emit(op, PRelu(), [b.operand(op, 0), _wide_slopes(b, op) if wide else b.operand(op, 1)])


def _wide_slopes(b: Builder, op: RawOp) -> str:
    """The slopes of inputs of 16 bits: LiteRT takes them in 8 bits, and those of 16 as if they were bytes."""
    tensor, data = b.tensor(op.inputs[1]), b.stored(op.inputs[1])
    if tensor.dtype != "INT8" or data is None or tensor.quant is None or tensor.quant.scale.size != 1:
        raise Problem(
            f"the slopes {tensor.label} of 16-bit inputs are {tensor.dtype}", "they need INT8, with one scale"
        )
    if tensor.quant.zero_point.any():
        raise Problem(f"the slopes {tensor.label} of 16-bit inputs have a zero-point", "quantize them symmetrically")
    q = QParams.per_tensor(float(tensor.quant.scale[0]), 0, DType.INT16)
    return b.editor.constant(f"{tensor.name}_wide", data.astype(np.int16), q)


@handles("POW")
def power(b: Builder, op: RawOp) -> None:
    """A constant exponent, the same for all elements."""
    exponent = b.stored(op.inputs[1]) if len(op.inputs) > 1 else None
    if exponent is None or exponent.size != 1 or exponent.dtype.kind != "f" or not np.isfinite(exponent.item()):
        raise Problem("its exponent is not one constant number", "use a constant exponent")
    b.emit(op, Pow(float(exponent.item())), [b.operand(op, 0)])


REDUCTIONS: dict[str, type[Reduction]] = {
    "MEAN": Mean,
    "REDUCE_MAX": ReduceMax,
    "REDUCE_MIN": ReduceMin,
    "SUM": Sum,
}


@handles(*REDUCTIONS)
def reduce(b: Builder, op: RawOp) -> None:
    """Over constant axes."""
    x = b.operand(op, 0)
    axes = normal_axes(b.required(op, 1), len(b.shape(x)))
    keep = bool(op.option("KeepDims"))
    if not axes:
        raise Problem("it reduces over no axis", "remove it")
    reduction = REDUCTIONS[op.kind](axes, keep)
    same = reduction.quant_rule([b.shape(x)]).output is Scale.SAME
    b.emit(op, reduction, [b.matched(x, b.output_q(op)) if same else x])


@handles("SOFTMAX")
def softmax(b: Builder, op: RawOp) -> None:
    """softmax(beta·x) over the last axis; in a float model the input is multiplied first."""
    x = b.operand(op, 0)
    beta = op.real("Beta")
    if beta <= 0:
        raise Problem(f"its beta is {beta}")
    result = b.tensor(op.outputs[0])
    narrow = (b.q_of(x) or STORED_L2).integers is DType.INT8
    if b.q_of(x) is not None and narrow and result.dtype == "INT16" and result.quant is not None:
        q = QParams.per_tensor(float(result.quant.scale[0]), int(result.quant.zero_point[0]))
        if q.zp != WIDE_OUTPUT.zp or abs(q.s / WIDE_OUTPUT.s - 1.0) > 1e-3:
            raise Problem(f"its 16-bit output has scale {q.s} and zero-point {q.zp}", "convert the model again")
        b.bind(op.outputs[0], b.step(Softmax(last_axis(b, x), beta, wide=True), [x], result.name, q))
        return
    if b.quantized:
        b.emit(op, Softmax(last_axis(b, x), beta), [x])
        return
    if beta != 1.0:
        factor = b.editor.constant(f"{x}/beta", np.float32(beta).reshape(1))
        x = b.step(Mul(NO_CLAMP), [x, factor], f"{x}/scaled", None)
    b.emit(op, Softmax(last_axis(b, x)), [x])


@handles("LOG_SOFTMAX")
def log_softmax(b: Builder, op: RawOp) -> None:
    """Over the last axis."""
    x = b.operand(op, 0)
    b.emit(op, LogSoftmax(last_axis(b, x)), [x])


@handles("L2_NORMALIZATION")
def l2_normalization(b: Builder, op: RawOp) -> None:
    """x / max(length, 1e-6) over the last axis; in 8 bits LiteRT has an arithmetic and an output scale of its own."""
    x = b.operand(op, 0)
    if b.is_quantized(op):
        if b.output_q(op) != STORED_L2 or b.clamp(op) != NO_CLAMP:
            raise Problem("its 8-bit output has not the scale 1/128 and zero-point 0", "convert the model again")
        b.emit(op, StoredL2Norm(b.is_legacy(op)), [x])
        return
    b.emit(op, L2Norm(1e-6, b.clamp(op), last_axis(b, x)), [x])


def last_axis(b: Builder, x: str) -> int:
    """The last axis of a value that must have one."""
    if not b.shape(x):
        raise Problem("its input is a scalar")
    return len(b.shape(x)) - 1


@handles("QUANTIZE", "DEQUANTIZE")
def change_of_parameters(b: Builder, op: RawOp) -> None:
    """Where a tensor enters or leaves 8 bits; what lies between is computed in real numbers."""
    source = b.tensor(op.inputs[0])
    x = b.value(source.index)
    if op.kind == "DEQUANTIZE":
        if b.activation_q(source) is None:
            b.bind(op.outputs[0], x)
        else:
            b.emit(op, Dequantize(), [x])
        return
    result = b.tensor(op.outputs[0])
    if result.dtype in WIDE and result.quant is not None:
        if result.index not in b.model.outputs or b.q_of(x) is None:
            raise Problem(f"its output {result.label} is {result.dtype}", type_hint(result.dtype))
        b.bind(op.outputs[0], x)  # a port of the model, which has a conversion of its own
        return
    q = b.output_q(op)
    if q is None:
        raise Problem("its output is not 8-bit")
    if b.is_wide_input(source.index):
        if b.q_of(x) not in (None, q):
            raise Problem(f"its input {source.label} is quantized in two ways", "convert the model again")
        b.editor.set_type(x, replace(b.editor.values[x].type, q=q))
        b.bind(op.outputs[0], x)
        return
    if b.q_of(x) is None and b.editor.values[x].data is None:
        b.emit(op, Quantize(away=True), [x])
    elif b.q_of(x) == q:
        b.bind(op.outputs[0], x)
    else:
        b.emit(op, Requantize(), [x])
