"""Operators that normalize sets of elements."""

from __future__ import annotations

from math import prod

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.onnx.axes import normalize_axes
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.linear import fully_connected
from edgeq.importers.onnx.node import Constant, OnnxNode
from edgeq.ir.op import Op
from edgeq.ir.tensor import Array
from edgeq.ops._normalize import Normalize
from edgeq.ops.abs import Abs
from edgeq.ops.add import Add
from edgeq.ops.div import Div
from edgeq.ops.group_norm import GroupNorm
from edgeq.ops.instance_norm import InstanceNorm
from edgeq.ops.l2_norm import L2Norm
from edgeq.ops.layer_norm import LayerNorm
from edgeq.ops.mean import Mean
from edgeq.ops.mul import Mul
from edgeq.ops.pow import Pow
from edgeq.ops.reshape import Reshape
from edgeq.ops.rms_norm import RMSNorm
from edgeq.ops.rsqrt import Rsqrt
from edgeq.ops.square import Square
from edgeq.ops.sub import Sub
from edgeq.ops.sum import Sum
from edgeq.ops.transpose import Transpose

_CHECK = "check the shapes and attributes of this node"
STANDARD, MICROSOFT = "", "com.microsoft"


@handles("LayerNormalization")
def layer_normalization(node: OnnxNode) -> None:
    """Over the axes from `axis` on; outputs 1 and 2 are the mean and the inverse of the standard deviation."""
    _over_last(node, node.value(0), LayerNorm(_epsilon(node), axis=_axis(node)), 1)
    if any(node.outputs[1:]):
        axes = tuple(range(_axis(node), len(node.shape(0))))
        mean = node.emit(Mean(axes=axes, keepdims=True), [node.value(0)], "mean")
        inverse = None
        if any(node.outputs[2:]):
            squares = node.emit(Square(), [node.emit(Sub(), [node.value(0), mean], "apart")], "squares")
            variance = node.emit(Mean(axes=axes, keepdims=True), [squares], "variance")
            least = node.store("epsilon", np.asarray(_epsilon(node), np.float32))
            inverse = node.emit(Rsqrt(), [node.emit(Add(), [variance, least], "above")], "inverse")
        node.result(mean, 1)
        if inverse is not None:
            node.result(inverse, 2)


@handles("RMSNormalization", "SimplifiedLayerNormalization")
@handles("SimplifiedLayerNormalization", domain=MICROSOFT)
def rms_normalization(node: OnnxNode) -> None:
    """The same without the mean; onnxruntime writes its own older operator into either domain."""
    _over_last(node, node.value(0), RMSNorm(_epsilon(node), axis=_axis(node)), 1)


@handles("SkipLayerNormalization", "SkipSimplifiedLayerNormalization", domain=MICROSOFT)
def skip_layer_normalization(node: OnnxNode) -> None:
    """onnxruntime's fusion with the addition before: x, skip, scale, bias of the normalization, bias of the sum."""
    simplified = "Simplified" in node.kind
    total = node.emit(Add(), [node.value(0), node.value(1)], "sum")
    addend = 3 if simplified else 4
    if node.has(addend):
        total = node.emit(Add(), [total, node.value(addend)], "sum_bias")
    axis = len(node.type(total).shape) - 1
    norm = RMSNorm if simplified else LayerNorm
    _over_last(node, total, norm(node.attr_float("epsilon", 1e-12), axis=axis), 2, biased=not simplified)
    node.result(total, 3)


def _axis(node: OnnxNode) -> int:
    return normalize_axes([node.attr_int("axis", -1)], len(node.shape(0)))[0]


def _epsilon(node: OnnxNode) -> float:
    epsilon = node.attr_float("epsilon", 1e-5)
    if not 0.0 <= epsilon < float("inf"):
        raise ModelError(f"attribute epsilon is {epsilon:g}", hint="train and export with a small positive number")
    return epsilon


def _over_last(node: OnnxNode, x: str, op: Normalize, first: int, biased: bool = True) -> None:
    """Add a normalization whose scale is input `first` and whose bias, if it has one, comes after.

    What is computed at run time is multiplied or added by an operator of its own.
    """
    operands = [node.operand(k) if node.has(k) and (k == first or biased) else None for k in (first, first + 1)]
    constants: list[str | None] = [_real(node, o) if isinstance(o, Constant) else None for o in operands]
    scale, bias = operands
    if scale is not None and not isinstance(scale, Constant):
        y = node.emit(op, [x], "normalized")
        y = node.emit(Mul(), [y, node.value_of(scale)], "scaled")
        node.result(y if bias is None else node.emit(Add(), [y, node.value_of(bias)], "shifted"))
    elif bias is not None and not isinstance(bias, Constant):
        y = node.emit(op, [x, constants[0]], "normalized")
        node.result(node.emit(Add(), [y, node.value_of(bias)], "shifted"))
    else:
        node.result(node.emit(op, [x, *constants]))


def _real(node: OnnxNode, constant: Constant) -> str:
    """The value of a constant as real numbers, even if the model holds it quantized."""
    if constant.q is None:
        return node.value_of(constant)
    return node.builder.store(node.builder.fresh(f"{constant.name}_real"), constant.real())


@handles("InstanceNormalization")
def instance_normalization(node: OnnxNode) -> None:
    """Channels are dimension 1. PyTorch spells group normalization with it: of a tensor that it first reshapes so that
    every group is a channel."""
    shape = node.shape(0)
    if len(shape) < 3:
        raise ModelError(f"an input (N, C, …) is needed, not {shape}", hint=_CHECK)
    scale, bias = (node.reals(k, what) for k, what in ((1, "the scale"), (2, "the bias")))
    if scale.shape != (shape[1],) or bias.shape != (shape[1],):
        raise ModelError(f"scale {scale.shape} and bias {bias.shape} do not fit an input {shape}", hint=_CHECK)
    x, epsilon = node.value(0), _epsilon(node)
    grouped = _before_grouping(node, x)
    if grouped is not None and np.ptp(scale) == 0.0 and np.ptp(bias) == 0.0:
        y = _channels_last(node, grouped, GroupNorm(epsilon, groups=shape[1]), [scale[:1], bias[:1]])
        node.result(node.emit(Reshape(shape), [y], "grouped", keep_q=True))
    else:
        node.result(_channels_last(node, x, InstanceNorm(epsilon), [scale, bias]))


def _before_grouping(node: OnnxNode, x: str) -> str | None:
    """What was reshaped so that neighbouring channels became one; None if nothing was."""
    editor = node.builder.editor
    maker = editor.nodes.get(node.builder.producer.get(x, ""))
    source = maker.inputs[0] if maker is not None and isinstance(maker.op, Reshape) else None
    if source is None or editor.values[source].type.q != editor.values[x].type.q:
        return None
    before, after = node.type(source).shape, node.type(x).shape
    return source if len(before) > 2 and before[0] == after[0] and before[1] % after[1] == 0 else None


@handles("GroupNormalization")
def group_normalization(node: OnnxNode) -> None:
    """Scale and bias are of channels; before opset 21, of groups."""
    shape, groups = node.shape(0), node.attr_int("num_groups", 0)
    if len(shape) < 2 or groups < 1 or shape[1] % groups:
        raise ModelError(f"an input {shape} cannot be split into {groups} groups of channels", hint=_CHECK)
    constants = [node.reals(k, what) for k, what in ((1, "the scale"), (2, "the bias"))]
    if node.opset < 21:
        constants = [np.repeat(c, shape[1] // groups) for c in constants]
    if any(c.shape != (shape[1],) for c in constants):
        raise ModelError(f"scale and bias do not fit an input {shape}", hint=_CHECK)
    node.result(_channels_last(node, node.value(0), GroupNorm(_epsilon(node), groups=groups), constants))


def _channels_last(node: OnnxNode, x: str, op: Op, constants: list[Array]) -> str:
    """Add an operator whose channels are the last dimension, and the transposes around it; returns the value."""
    rank = len(node.type(x).shape)
    there = (0, *range(2, rank), 1)
    names = [node.store(n, c.astype(np.float32)) for n, c in zip(("scale", "bias"), constants, strict=False)]
    return _between(node, x, op, there, names)


def _between(node: OnnxNode, x: str, op: Op, there: tuple[int, ...], constants: list[str]) -> str:
    """Add an operator between a Transpose and the one that undoes it; returns the value."""
    if there == tuple(range(len(there))):
        return node.emit(op, [x, *constants])
    moved = node.emit(Transpose(there), [x], "moved", keep_q=True)
    back = tuple(there.index(k) for k in range(len(there)))
    return node.emit(Transpose(back), [node.emit(op, [moved, *constants])], "back", keep_q=True)


def normalized_over(node: OnnxNode, x: str, axes: tuple[int, ...], epsilon: float) -> str:
    """Add a normalization over any axes; returns the value."""
    shape = node.type(x).shape
    rank, kept = len(shape), [k for k in range(len(shape)) if k not in axes and shape[k] != 1]
    if len(shape) > 2 and all(k < 2 for k in kept) and prod(shape[k] for k in axes if k < 2) == 1:
        return _channels_last(node, x, InstanceNorm(epsilon), [])
    there = (*(k for k in range(rank) if k not in axes), *sorted(axes))
    return _between(node, x, LayerNorm(epsilon, axis=rank - len(axes)), there, [])


@handles("MeanVarianceNormalization")
def mean_variance_normalization(node: OnnxNode) -> None:
    """(x − mean) / (standard deviation + 1e-9)."""
    given = node.attr_ints("axes")
    axes = normalize_axes((0, 2, 3) if given is None else given, len(node.shape(0)))
    if not axes:
        raise ModelError("it normalizes over no axis", hint="remove the node")
    node.result(normalized_over(node, node.value(0), axes, 1e-18))


@handles("LpNormalization")
def lp_normalization(node: OnnxNode) -> None:
    """x / (Σ x²)^½ or x / Σ |x| along an axis.

    Raises:
        ModelError: p is neither 1 nor 2.
    """
    rank, axis, p = len(node.shape(0)), _axis(node), node.attr_int("p", 2)
    if p not in (1, 2):
        raise ModelError(f"attribute p is {p}", hint="normalize with p = 1 or 2")
    if p == 1:
        magnitude = node.emit(Abs(), [node.value(0)], "magnitude")
        length = node.emit(Sum(axes=(axis,), keepdims=True), [magnitude], "length")
        node.result(node.emit(Div(), [node.value(0), length]))
        return
    there = (*(k for k in range(rank) if k != axis), axis)
    node.result(_between(node, node.value(0), L2Norm(0.0, axis=rank - 1), there, []))


@handles("LRN")
def local_response(node: OnnxNode) -> None:
    """x / (bias + alpha / size · Σ x²)^beta, summed over neighbouring channels (Krizhevsky et al., 2012).

    Raises:
        ModelError: its figures do not fit.
    """
    shape, size = node.shape(0), node.attr_int("size", 0)
    if len(shape) < 3 or size < 1:
        raise ModelError(f"{size} channels of {shape} cannot be summed", hint=_CHECK)
    alpha, beta, bias = (node.attr_float(k, v) for k, v in (("alpha", 1e-4), ("beta", 0.75), ("bias", 1.0)))
    channel = np.arange(shape[1])
    near = channel[None, :] - channel[:, None]
    window = (near >= -((size - 1) // 2)) & (near <= size // 2)
    weights = Constant(f"{node.name}_window", (window * (alpha / size)).astype(np.float32))
    there = (0, *range(2, len(shape)), 1)
    squares = node.emit(Square(), [node.emit(Transpose(there), [node.value(0)], "last", keep_q=True)], "squares")
    offset = node.store("offset", np.full(shape[1], bias, np.float32))
    energy = fully_connected(node, squares, weights, offset)
    factor = node.emit(Pow(-beta), [energy], "factor")
    last = node.emit(Transpose(there), [node.value(0)], "again", keep_q=True)
    y = node.emit(Mul(), [last, factor], "scaled")
    node.result(node.emit(Transpose((0, len(shape) - 1, *range(1, len(shape) - 1))), [y], "first", keep_q=True))
