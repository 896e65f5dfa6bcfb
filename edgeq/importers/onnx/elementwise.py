"""Arithmetic with broadcasting, and functions of one element that are not activations."""

from __future__ import annotations

from math import pi

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.node import Activation, Constant, OnnxNode, Operand
from edgeq.importers.onnx.truth import real_operand, select
from edgeq.ir.op import Op
from edgeq.ir.tensor import Array
from edgeq.ops.abs import Abs
from edgeq.ops.add import Add
from edgeq.ops.atan import Atan
from edgeq.ops.ceil import Ceil
from edgeq.ops.clip import Clip
from edgeq.ops.cos import Cos
from edgeq.ops.div import Div
from edgeq.ops.erf import Erf
from edgeq.ops.exp import Exp
from edgeq.ops.floor import Floor
from edgeq.ops.function import Function
from edgeq.ops.log import Log
from edgeq.ops.maximum import Maximum
from edgeq.ops.minimum import Minimum
from edgeq.ops.mul import Mul
from edgeq.ops.neg import Neg
from edgeq.ops.pow import Pow
from edgeq.ops.round import Round
from edgeq.ops.rsqrt import Rsqrt
from edgeq.ops.sign import Sign
from edgeq.ops.sin import Sin
from edgeq.ops.sqrt import Sqrt
from edgeq.ops.square import Square
from edgeq.ops.sub import Sub
from edgeq.warnings import warn

INFINITY = float("inf")
BINARY: dict[str, type[Op]] = {"Add": Add, "Sub": Sub, "Mul": Mul, "Div": Div}
UNARY: dict[str, type[Op]] = {
    "Abs": Abs,
    "Neg": Neg,
    "Exp": Exp,
    "Log": Log,
    "Sqrt": Sqrt,
    "Erf": Erf,
    "Sin": Sin,
    "Cos": Cos,
    "Atan": Atan,
    "Floor": Floor,
    "Ceil": Ceil,
    "Round": Round,
    "Sign": Sign,
}
_ASIN = "Mul(Atan(Div(x, Add(Sqrt(Sub(1.0, Mul(x, x))), 1.0))), 2.0)"
SPELLED = {
    "Tan": "Div(Sin(x), Cos(x))",
    "Asin": _ASIN,
    "Acos": f"Sub({pi / 2!r}, {_ASIN})",
    "Sinh": "Mul(Sub(Exp(x), Exp(Neg(x))), 0.5)",
    "Cosh": "Mul(Add(Exp(x), Exp(Neg(x))), 0.5)",
    "Asinh": "Log(Add(x, Sqrt(Add(Mul(x, x), 1.0))))",
    "Acosh": "Log(Add(x, Sqrt(Sub(Mul(x, x), 1.0))))",
    "Atanh": "Mul(Log(Div(Add(x, 1.0), Sub(1.0, x))), 0.5)",
}
"""Functions of one element by those that edgeq has."""


@handles(*BINARY)
def binary(node: OnnxNode) -> None:
    """Add, Sub, Mul, Div."""
    a, b = node.operand(0), node.operand(1)
    if node.kind == "Div" and isinstance(b, Constant) and b.q is None and b.data.dtype.kind == "f" and np.all(b.data):
        node.result(multiply_by_reciprocal(node, node.value(0), b))
        return
    infinite = node.kind in ("Add", "Sub")  # a mask of attention scores
    node.result(node.emit(BINARY[node.kind](), [aligned(node, a, b, infinite), aligned(node, b, a, infinite)]))


def multiply_by_reciprocal(node: OnnxNode, x: str, divisor: Constant) -> str:
    """x / constant as x · (1 / constant): a division at run time costs far more."""
    data = node.reals(1, "the divisor")
    inverse = Constant(f"{divisor.name}_reciprocal", (1.0 / data).astype(np.float32))
    return node.emit(Mul(), [x, aligned(node, inverse, Activation(x))])


def aligned(node: OnnxNode, operand: Operand, other: Operand, infinite: bool = False) -> str:
    """The value of an operand; a constant gets ones in front of its shape up to the other operand's rank.

    `infinite`: whether its elements may be infinite.
    """
    if not isinstance(operand, Constant):
        return node.value_of(operand)
    shape = operand.data.shape
    rank = len(node.type(other.value).shape) if isinstance(other, Activation) else other.data.ndim
    missing = rank - len(shape)
    per_axis = operand.q is not None and operand.q.axis is not None
    if missing <= 0 or not shape or per_axis:
        return node.value_of(operand, infinite)
    return node.builder.store(operand.name, operand.data.reshape((1,) * missing + shape), operand.q, infinite)


@handles("Sum", "Mean")
def total(node: OnnxNode) -> None:
    """Sum and Mean of any number of tensors."""
    x = node.value(0)
    for index in range(1, len(node.inputs)):
        x = node.emit(Add(), [x, node.value(index)], "" if index == 1 else f"term{index}")
    if node.kind == "Mean" and len(node.inputs) > 1:
        x = node.emit(Mul(), [x, node.store("count", np.full(1, 1.0 / len(node.inputs), np.float32))], "mean")
    node.result(x)


@handles("Min", "Max")
def extreme(node: OnnxNode) -> None:
    """Min and Max of any number of tensors; a constant of one element makes it a Clip."""
    operands = [node.operand(k) for k in range(len(node.inputs))]
    if not operands:
        raise ModelError(f"{node.kind} has no inputs", hint="export the model again")
    operands.sort(key=lambda o: isinstance(o, Constant))  # constants last: x comes first
    x = node.value_of(operands[0])
    rank = len(node.type(x).shape)
    for index, operand in enumerate(operands[1:]):
        suffix = "" if index == 0 else f"term{index + 1}"
        if isinstance(operand, Constant) and operand.data.size == 1 and operand.data.ndim <= rank:
            bound = float(operand.real().reshape(()))
            if np.isnan(bound):
                raise ModelError("the tensor holds NaN", hint="export the model again", where=operand.name)
            limits = (bound, INFINITY) if node.kind == "Max" else (-INFINITY, bound)
            if limits[0] == limits[1]:
                raise ModelError(f"{node.kind} with {bound} is that for every input", hint="remove the node")
            x = x if limits == (-INFINITY, INFINITY) else node.emit(Clip(*limits), [x], suffix)
        else:
            op = Maximum() if node.kind == "Max" else Minimum()
            x = node.emit(op, [x, aligned(node, operand, Activation(x), infinite=True)], suffix)
    node.result(x)


@handles("Where", integers=True)
def where(node: OnnxNode) -> None:
    """A choice; if it is constant, each side is clamped to its own bounds where the other is taken."""
    if node.constant(0) is None:
        select(node)
        return
    chosen = node.needed(0, "the condition").data.astype(bool)
    x, y = node.operand(1), node.operand(2)
    if isinstance(x, Constant):
        x, y, chosen = y, x, ~chosen
    rank = len(np.broadcast_shapes(chosen.shape, node.shape(1), node.shape(2)))

    def bounds(suffix: str, there: Array | float, elsewhere: Array | float) -> str:
        bound = np.where(chosen, there, elsewhere).astype(np.float32)
        return node.store(suffix, bound.reshape((1,) * (rank - bound.ndim) + bound.shape), infinite=True)

    if isinstance(y, Constant):
        other = y.real()
        if not other.any():
            node.result(node.emit(Mul(), [node.value_of(x), bounds("kept", 1.0, 0.0)]))
            return
        floor = node.emit(Maximum(), [node.value_of(x), bounds("low", -INFINITY, other)], "floor")
        node.result(node.emit(Minimum(), [floor, bounds("high", INFINITY, other)]))
        return
    first = node.emit(Minimum(), [node.value_of(x), bounds("first_high", INFINITY, -INFINITY)], "first")
    second = node.emit(Minimum(), [node.value_of(y), bounds("second_high", -INFINITY, INFINITY)], "second")
    node.result(node.emit(Maximum(), [first, second]))


@handles(*UNARY)
def unary(node: OnnxNode) -> None:
    """Functions of one element without attributes."""
    node.result(node.emit(UNARY[node.kind](), [node.value(0)]))


@handles(*SPELLED)
def spelled(node: OnnxNode) -> None:
    """One function of several."""
    node.result(node.emit(Function(SPELLED[node.kind]), [node.value(0)]))


@handles("Reciprocal")
def reciprocal(node: OnnxNode) -> None:
    """1 / x."""
    node.result(node.emit(Pow(-1.0), [node.value(0)]))


@handles("Pow")
def power(node: OnnxNode) -> None:
    """x to a constant power, the same for all elements; or constants above 0 to the power x."""
    base = node.constant(0)
    if base is not None and (base.real() > 0).all() and node.constant(1) is None:
        logarithm = Constant(f"{base.name}_logarithm", np.log(base.real().astype(np.float64)).astype(np.float32))
        power = node.operand(1)
        scaled = node.emit(Mul(), [aligned(node, logarithm, power), node.value_of(power)], "scaled")
        node.result(node.emit(Exp(), [scaled]))
        return
    exponents = node.constant(1)
    if exponents is None:
        node.result(real_power(node, real_operand(node, 0), real_operand(node, 1)))
        return
    data = exponents.real().astype(np.float64)
    if data.size == 0 or not np.isfinite(data).all():
        raise ModelError("the exponents are not finite", hint="export the model again")
    if not np.all(data == data.flat[0]):
        node.result(_powers(node, data))
        return
    exponent = float(data.flat[0])
    named: dict[float, Op] = {2.0: Square(), 0.5: Sqrt(), -0.5: Rsqrt()}
    x = node.value(0)
    node.result(x if exponent == 1.0 else node.emit(named.get(exponent, Pow(exponent)), [x]))


def real_power(node: OnnxNode, x: str, y: str) -> str:
    """Add x to the power y, of computed numbers, of which x must be positive; returns its value."""
    warn(
        "powers with computed exponents are exp(y · log x), which holds where x is positive",
        hint="use a constant exponent where x may be negative",
        where=node.name,
    )
    return node.emit(Exp(), [node.emit(Mul(), [node.emit(Log(), [x], "logarithm"), y], "scaled")])


MOST_POWERS = 8
"""Different exponents that are computed one by one."""


def _powers(node: OnnxNode, exponents: Array) -> str:
    """x to constant powers that differ: a sum over the different ones, each where it is asked for.

    Raises:
        ModelError: they are not a few whole numbers from 0 on.
    """
    different = np.unique(exponents)
    if len(different) > MOST_POWERS or (different < 0).any() or (different != np.rint(different)).any():
        raise ModelError(
            "the exponents differ from element to element",
            hint=f"use one exponent for all elements, or up to {MOST_POWERS} different whole ones from 0 on",
        )
    x, total = node.value(0), ""
    rank = max(len(node.shape(0)), exponents.ndim)
    for exponent in different.tolist():
        there = (exponents == exponent).astype(np.float32)
        chosen = node.store(f"where{exponent:.0f}", there.reshape((1,) * (rank - there.ndim) + there.shape))
        named: dict[float, Op] = {0.0: Pow(0.0), 1.0: Clip(), 2.0: Square()}
        power = chosen
        if exponent:
            raised = x if exponent == 1 else node.emit(named.get(exponent, Pow(exponent)), [x], f"power{exponent:.0f}")
            power = node.emit(Mul(), [raised, chosen], f"chosen{exponent:.0f}")
        elif there.shape != node.shape(0):
            power = node.emit(Mul(), [node.emit(Pow(0.0), [x], "power0"), chosen], "chosen0")
        total = node.emit(Add(), [total, power], f"total{exponent:.0f}") if total else power
    return total


@handles("BatchNormalization")
def batch_normalization(node: OnnxNode) -> None:
    """Inference form: x · m + b, with one m and one b per channel (axis 1).

    Raises:
        ModelError: it is in training mode, or its parameters do not fit.
    """
    if node.attr_int("training_mode", 0) or not node.attr_int("spatial", 1):
        raise ModelError("batch normalization in training mode is not supported", hint="export for inference")
    shape = node.shape(0)
    scale, shift, mean, variance = (
        node.reals(k, what) for k, what in ((1, "the scale"), (2, "the shift"), (3, "the mean"), (4, "the variance"))
    )
    if len(shape) < 2 or any(v.shape != (shape[1],) for v in (scale, shift, mean, variance)):
        raise ModelError(f"the parameters do not fit an input {shape}", hint="check the shapes of this node's inputs")
    factor = scale / np.sqrt(variance + node.attr_float("epsilon", 1e-5))
    offset = shift - mean * factor
    full = (1, shape[1]) + (1,) * (len(shape) - 2)
    y = node.emit(Mul(), [node.value(0), node.store("factor", factor.reshape(full))], "scaled")
    node.result(node.emit(Add(), [y, node.store("offset", offset.reshape(full))]))
