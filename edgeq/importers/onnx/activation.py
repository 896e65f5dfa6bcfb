"""Activation functions and softmax."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.onnx.axes import normalize_axes
from edgeq.importers.onnx.elementwise import INFINITY, aligned
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.node import Activation, OnnxNode
from edgeq.ir.op import Op
from edgeq.ops.clip import Clip
from edgeq.ops.elu import Elu
from edgeq.ops.function import Function
from edgeq.ops.gelu import Gelu
from edgeq.ops.hard_sigmoid import HardSigmoid
from edgeq.ops.hard_swish import HardSwish
from edgeq.ops.leaky_relu import LeakyRelu
from edgeq.ops.log_softmax import LogSoftmax
from edgeq.ops.maximum import Maximum
from edgeq.ops.minimum import Minimum
from edgeq.ops.p_relu import PRelu
from edgeq.ops.reshape import Reshape
from edgeq.ops.sigmoid import Sigmoid
from edgeq.ops.softmax import Softmax
from edgeq.ops.tanh import Tanh
from edgeq.ops.thresholded_relu import ThresholdedRelu
from edgeq.ops.transpose import Transpose


def _emit_unary(node: OnnxNode, op: Op) -> None:
    node.result(node.emit(op, [node.value(0)]))


@handles("Relu")
def relu(node: OnnxNode) -> None:
    """max(x, 0)."""
    _emit_unary(node, Clip(0.0, INFINITY))


@handles("Clip")
def clip(node: OnnxNode) -> None:
    """Bounds from attributes (opset < 11) or inputs, which may be computed: the upper one counts where they cross."""
    if any(node.has(k) and node.constant(k) is None for k in (1, 2)):
        x = node.value(0)
        for index, op in ((1, Maximum()), (2, Minimum())):
            x = node.emit(op, [x, node.value(index)], "low" if index == 1 else "high") if node.has(index) else x
        node.result(x)
        return
    low, high = clip_bounds(node)
    limit = float(np.finfo(np.float32).max)  # exporters write it where there is no bound
    low, high = (-INFINITY if low <= -limit else low), (INFINITY if high >= limit else high)
    if (low, high) == (-INFINITY, INFINITY):
        node.result(node.value(0))
    else:
        _emit_unary(node, Clip(low, high))


def clip_bounds(node: OnnxNode) -> tuple[float, float]:
    """Lower and upper bound of a Clip, infinite where there is none.

    Raises:
        ModelError: they are computed at run time, or nothing lies between them.
    """
    if node.opset < 11:
        low, high = node.attr_float("min", -INFINITY), node.attr_float("max", INFINITY)
    else:
        low, high = _bound(node, 1, -INFINITY), _bound(node, 2, INFINITY)
    if np.isnan(low) or np.isnan(high) or low > high:
        raise ModelError(f"the bounds {low} and {high} leave nothing between them", hint="check the node's bounds")
    return low, high


def _bound(node: OnnxNode, index: int, default: float) -> float:
    if not node.has(index):
        return default
    data = node.needed(index, "a bound").real()
    if data.size != 1:
        raise ModelError("a bound is not a single number", hint="check the node's bounds")
    return float(data.reshape(()))


@handles("LeakyRelu")
def leaky_relu(node: OnnxNode) -> None:
    """x where positive, else alpha · x."""
    _emit_unary(node, LeakyRelu(node.attr_float("alpha", 0.01)))


@handles("PRelu")
def prelu(node: OnnxNode) -> None:
    """x where positive, else slope · x, with a constant slope that broadcasts to x."""
    slope = node.needed(1, "the slope")
    if slope.data.size == 1 and slope.q is None:
        _emit_unary(node, LeakyRelu(float(node.reals(1, "the slope").reshape(()))))
        return
    x = node.value(0)
    node.result(node.emit(PRelu(), [x, aligned(node, slope, Activation(x))]))


@handles("Sigmoid")
def sigmoid(node: OnnxNode) -> None:
    """1 / (1 + exp(−x))."""
    _emit_unary(node, Sigmoid())


@handles("Tanh")
def tanh(node: OnnxNode) -> None:
    """tanh(x)."""
    _emit_unary(node, Tanh())


@handles("HardSwish")
def hard_swish(node: OnnxNode) -> None:
    """x · clip(x / 6 + 1/2, 0, 1)."""
    _emit_unary(node, HardSwish())


@handles("HardSigmoid")
def hard_sigmoid(node: OnnxNode) -> None:
    """clip(alpha · x + beta, 0, 1)."""
    _emit_unary(node, HardSigmoid(alpha=node.attr_float("alpha", 0.2), beta=node.attr_float("beta", 0.5)))


@handles("Elu")
def elu(node: OnnxNode) -> None:
    """x where positive, else alpha · (exp(x) − 1)."""
    _emit_unary(node, Elu(node.attr_float("alpha", 1.0)))


_SOFTPLUS = "Add(Clip(x, low=0.0), Log(Add(Exp(Neg(Abs(x))), 1.0)))"  # no exponential is above 1


def _celu(alpha: float) -> str:
    """alpha · Elu(x / alpha).

    Raises:
        ModelError: alpha is zero.
    """
    if alpha == 0.0:
        raise ModelError("attribute alpha is 0", hint="use Relu")
    return f"Mul(Elu(Div(x, {alpha!r})), {alpha!r})"


def _selu(alpha: float, gamma: float) -> str:
    return f"Mul(Elu(x, alpha={alpha!r}), {gamma!r})"


SMOOTH: dict[str, Callable[[OnnxNode], str]] = {
    "Softplus": lambda node: _SOFTPLUS,
    "Softsign": lambda node: "Div(x, Add(Abs(x), 1.0))",
    "Mish": lambda node: f"Mul(x, Tanh({_SOFTPLUS}))",
    "Celu": lambda node: _celu(node.attr_float("alpha", 1.0)),
    "Selu": lambda node: _selu(
        node.attr_float("alpha", 1.6732631921768188), node.attr_float("gamma", 1.0507010221481323)
    ),
    "Swish": lambda node: f"Mul(x, Sigmoid(Mul(x, {node.attr_float('alpha', 1.0)!r})))",
}
"""Activations that are one function of several."""


@handles(*SMOOTH)
def smooth(node: OnnxNode) -> None:
    """One function of several."""
    _emit_unary(node, Function(SMOOTH[node.kind](node)))


@handles("ThresholdedRelu")
def thresholded_relu(node: OnnxNode) -> None:
    """x where it is above alpha, else 0."""
    _emit_unary(node, ThresholdedRelu(node.attr_float("alpha", 1.0)))


@handles("Shrink")
def shrink(node: OnnxNode) -> None:
    """x + bias below −lambd, x − bias above lambd, else 0.

    Raises:
        ModelError: the bias is neither 0 nor lambd, where ONNX's function jumps in another way.
    """
    bias, reach = node.attr_float("bias", 0.0), node.attr_float("lambd", 0.5)
    if bias == reach and reach >= 0.0:
        expression = f"Sub(x, Clip(x, low={-reach!r}, high={reach!r}))"
    elif bias == 0.0 and reach >= 0.0:
        above = f"ThresholdedRelu({{}}, alpha={reach!r})"
        expression = f"Sub({above.format('x')}, {above.format('Neg(x)')})"
    else:
        raise ModelError(f"Shrink with lambd {reach} and bias {bias} is not supported", hint="use bias 0 or lambd")
    _emit_unary(node, Function(expression))


@handles("Gelu")
@handles("Gelu", domain="com.microsoft")
def gelu(node: OnnxNode) -> None:
    """Gaussian error linear unit, exact or by tanh."""
    mode = node.attr_str("approximate", "none")
    if mode not in ("none", "tanh"):
        raise ModelError(f"attribute approximate {mode!r} is unknown", hint="use none or tanh")
    _emit_unary(node, Gelu(approximate=mode == "tanh"))


@handles("Softmax", "LogSoftmax")
def softmax(node: OnnxNode) -> None:
    """Softmax along an axis; before opset 13 over all dimensions from that axis on."""
    node.result(add_softmax(node, node.value(0), node.opset))


def add_softmax(node: OnnxNode, x: str, opset: int) -> str:
    """Add a softmax of a value with the meaning of an opset; returns its value.

    Raises:
        ModelError: the axis does not fit.
    """
    shape = node.type(x).shape
    (axis,) = normalize_axes([node.attr_int("axis", -1 if opset >= 13 else 1)], len(shape))
    last = len(shape) - 1
    log = node.kind == "LogSoftmax"

    def over_last(value: str) -> str:
        rank = len(node.type(value).shape)
        return node.emit(LogSoftmax(rank - 1) if log else Softmax(rank - 1), [value])

    if opset < 13 and prod(shape[axis + 1 :]) != 1:
        flat = node.emit(Reshape((prod(shape[:axis]), prod(shape[axis:]))), [x], "flat", keep_q=True)
        return node.emit(Reshape(shape), [over_last(flat)], "shaped", keep_q=True)
    if axis == last:
        return over_last(x)
    there = (*(k for k in range(len(shape)) if k != axis), axis)
    back = tuple(there.index(k) for k in range(len(shape)))
    moved = node.emit(Transpose(there), [x], "last", keep_q=True)
    return node.emit(Transpose(back), [over_last(moved)], "back", keep_q=True)
