"""Nodes whose inputs are all constant, computed here: the arithmetic on shapes that exporters leave in their files.

Operators that are not in the table go to their handlers, which put the constants into the graph; a pass folds those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
import onnx

from edgeq.errors import ModelError
from edgeq.importers.budget import LimitError
from edgeq.importers.onnx.activation import clip_bounds
from edgeq.importers.onnx.asked import ASKED
from edgeq.importers.onnx.axes import normalize_axes, reshape_target, slices, split_sizes
from edgeq.importers.onnx.model import NARROW, type_name
from edgeq.importers.onnx.node import Constant, OnnxNode
from edgeq.ir.tensor import Array, QParams

Fold = Callable[[OnnxNode, Sequence[Array]], "Array | tuple[Array, ...]"]
MOST_REFERENCED = 1 << 22
"""Elements that onnx's reference computes, one by one and slowly."""


def _room(node: OnnxNode, shape: Sequence[int], *like: Array) -> tuple[int, ...]:
    """The shape of a constant that is about to be computed, once it is clear that there is room for it.

    Args:
        node: the node.
        shape: the result's shape.
        like: arrays whose types bound the size of its elements; of at most 8 bytes without any.

    Raises:
        ModelError: no tensor can have it.
        LimitError: constants that are computed would take too much.
    """
    wanted = tuple(int(d) for d in shape)
    node.builder.source.budget.room(wanted, max((x.dtype.itemsize for x in like), default=8))
    return wanted


def _elementwise(function: Callable[..., Any]) -> Fold:
    def run(node: OnnxNode, x: Sequence[Array]) -> Array:
        _room(node, np.broadcast_shapes(*(v.shape for v in x)), *x)
        return np.asarray(function(*x))

    return run


def _variadic(function: Callable[[Any, Any], Any]) -> Fold:
    def run(node: OnnxNode, x: Sequence[Array]) -> Array:
        _room(node, np.broadcast_shapes(*(v.shape for v in x)), *x)
        total = x[0]
        for other in x[1:]:
            total = function(total, other)
        return np.asarray(total)

    return run


def _divide(a: Array, b: Array) -> Array:
    """Real division, or C's division of integers."""
    if a.dtype.kind == "f":
        return a / b
    return (np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))).astype(a.dtype)


def _modulo(node: OnnxNode, x: Sequence[Array]) -> Array:
    return np.fmod(x[0], x[1]) if node.attr_int("fmod", 0) else np.mod(x[0], x[1])


def _power(a: Array, b: Array) -> Array:
    return np.power(a.astype(np.float64), b).astype(a.dtype)


def _cast(node: OnnxNode, x: Sequence[Array]) -> Array:
    code = node.cast_target()
    _room(node, x[0].shape)
    target = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(code))
    if target.name == "float8_e8m0fnu":  # powers of two, with a choice of rounding
        return _reference(node)[0].astype(np.float32)
    if target.name.startswith(("float8", "float4")):
        saturated = onnx.numpy_helper.saturate_cast(x[0], target) if node.attr_int("saturate", 1) else x[0]
        return saturated.astype(target).astype(np.float32)
    if target.name in ("float16", "bfloat16"):
        return x[0].astype(target).astype(np.float32)
    if target.kind not in "fiub" and target.name not in NARROW:
        raise ModelError(f"a cast to {type_name(code)} is not supported", hint="use float32")
    return x[0].astype(target)


def _constant_of_shape(node: OnnxNode, x: Sequence[Array]) -> Array:
    fill = node.attr_tensor("value")
    value = np.zeros(1, np.float32) if fill is None else fill
    return np.full(_room(node, x[0].ravel().tolist(), value), value.ravel()[0], value.dtype)


def _gather(node: OnnxNode, x: Sequence[Array]) -> Array:
    (axis,) = normalize_axes([node.attr_int("axis", 0)], x[0].ndim)
    _room(node, (*x[0].shape[:axis], *x[1].shape, *x[0].shape[axis + 1 :]), x[0])
    return np.take(x[0], x[1], axis=axis)


def _range(node: OnnxNode, x: Sequence[Array]) -> Array:
    start, limit, delta = (v.ravel()[0] for v in x)
    _room(node, [max(0, int(np.ceil((float(limit) - float(start)) / float(delta))))])
    return np.arange(start, limit, delta, dtype=x[0].dtype)


def _expand(node: OnnxNode, x: Sequence[Array]) -> Array:
    return np.broadcast_to(x[0], _room(node, np.broadcast_shapes(x[0].shape, tuple(x[1].tolist())), x[0]))


def _tile(node: OnnxNode, x: Sequence[Array]) -> Array:
    repeats = [int(r) for r in x[1].ravel()]
    _room(node, [d * r for d, r in zip(x[0].shape, repeats, strict=True)], x[0])
    return np.tile(x[0], repeats)


def _concat(node: OnnxNode, x: Sequence[Array]) -> Array:
    (axis,) = normalize_axes([node.attr_int("axis", 0)], x[0].ndim)
    _room(node, [sum(v.size for v in x)], *x)
    return np.concatenate(x, axis)


def _slice(node: OnnxNode, x: Sequence[Array]) -> Array:
    begin, end, step = slices(node, x[0].shape, empty=True)
    picks = (slice(b, None if e < 0 else e, s) for b, e, s in zip(begin, end, step, strict=True))
    return x[0][tuple(picks)]


def _split(node: OnnxNode, x: Sequence[Array]) -> tuple[Array, ...]:
    axis, sizes = split_sizes(node, x[0].shape)
    return tuple(np.split(x[0], np.cumsum(sizes)[:-1], axis))


def _reshape(node: OnnxNode, x: Sequence[Array]) -> Array:
    return x[0].reshape(reshape_target(node, x[0].shape))


def _transpose(node: OnnxNode, x: Sequence[Array]) -> Array:
    return np.transpose(x[0], node.attr_ints("perm"))


def _reduce(function: Callable[..., Any]) -> Fold:
    def run(node: OnnxNode, x: Sequence[Array]) -> Array:
        axes = node.ints(1, "axes") if len(x) > 1 else node.attr_ints("axes")
        if not axes and node.attr_int("noop_with_empty_axes", 0):
            return x[0]
        where = normalize_axes(axes, x[0].ndim) if axes else None
        reduced = function(x[0], axis=where, keepdims=bool(node.attr_int("keepdims", 1)))
        return np.asarray(reduced, x[0].dtype)

    return run


def _clip(node: OnnxNode, x: Sequence[Array]) -> Array:
    if x[0].dtype.kind == "f":
        low, high = clip_bounds(node)
        return np.clip(x[0], low, high).astype(x[0].dtype)
    least, greatest = (node.needed(k, "a bound").data if node.has(k) else None for k in (1, 2))
    return np.asarray(np.clip(x[0], least, greatest), x[0].dtype) if node.has(1) or node.has(2) else x[0]


def _constant(node: OnnxNode, x: Sequence[Array]) -> Array:
    tensor = node.attr_tensor("value")
    if tensor is not None:
        return tensor
    for name, get in (("value_float", node.attr_floats), ("value_int", node.attr_ints)):
        if node.has_attr(f"{name}s"):
            numbers = get(f"{name}s")
            return np.asarray(numbers, np.float32 if "float" in name else np.int64)
    if node.has_attr("value_float"):
        return np.asarray(node.attr_float("value_float", 0.0), np.float32)
    if node.has_attr("value_int"):
        return np.asarray(node.attr_int("value_int", 0), np.int64)
    raise ModelError("the constant holds no numbers", hint="export the model again")


FOLDS: dict[str, Fold] = {
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Identity": lambda node, x: x[0],
    "Cast": _cast,
    "CastLike": _cast,
    "Gather": _gather,
    "Range": _range,
    "Expand": _expand,
    "Tile": _tile,
    "Concat": _concat,
    "Slice": _slice,
    "Split": _split,
    "Reshape": _reshape,
    "Flatten": _reshape,
    "Squeeze": _reshape,
    "Unsqueeze": _reshape,
    "Transpose": _transpose,
    "Add": _elementwise(np.add),
    "Sub": _elementwise(np.subtract),
    "Mul": _elementwise(np.multiply),
    "Div": _elementwise(_divide),
    "Mod": _modulo,
    "Pow": _elementwise(_power),
    "Min": _variadic(np.minimum),
    "Max": _variadic(np.maximum),
    "Sum": _variadic(np.add),
    "Clip": _clip,
    "Relu": _elementwise(lambda x: np.maximum(x, x.dtype.type(0))),
    "Neg": _elementwise(np.negative),
    "Abs": _elementwise(np.abs),
    "Sqrt": _elementwise(np.sqrt),
    "Exp": _elementwise(np.exp),
    "Log": _elementwise(np.log),
    "Reciprocal": _elementwise(np.reciprocal),
    "Floor": _elementwise(np.floor),
    "Ceil": _elementwise(np.ceil),
    "Round": _elementwise(np.rint),
    "Sign": _elementwise(np.sign),
    "Equal": _elementwise(np.equal),
    "Greater": _elementwise(np.greater),
    "GreaterOrEqual": _elementwise(np.greater_equal),
    "Less": _elementwise(np.less),
    "LessOrEqual": _elementwise(np.less_equal),
    "Not": _elementwise(np.logical_not),
    "And": _elementwise(np.logical_and),
    "Or": _elementwise(np.logical_or),
    "Where": _elementwise(np.where),
    "ReduceProd": _reduce(np.prod),
    "ReduceSum": _reduce(np.sum),
    "ReduceMean": _reduce(np.mean),
    "ReduceMax": _reduce(np.max),
    "ReduceMin": _reduce(np.min),
}
"""ONNX operators that can be computed while reading."""
REFERENCED = frozenset(
    {
        *("Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cos", "Cosh", "Sin", "Sinh", "Tan", "Tanh", "Erf"),
        *("Sigmoid", "Softmax", "LogSoftmax", "IsInf", "IsNaN", "Xor", "BitShift", "BitwiseAnd", "BitwiseOr"),
        *("BitwiseXor", "BitwiseNot", "ArgMax", "ArgMin", "CumSum", "Trilu", "EyeLike", "NonZero", "TopK", "Compress"),
        *("GatherElements", "GatherND", "ScatterElements", "ScatterND", "ReverseSequence", "MatMul", "Pad", "OneHot"),
        *("Unique", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"),
        *("MatMulInteger", "ConvInteger", "DynamicQuantizeLinear"),
        *("MelWeightMatrix", "HannWindow", "HammingWindow", "BlackmanWindow"),
    }
)
"""Operators on constants that ONNX's own reference computes."""
MOVES = ("Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose")


def fold(node: OnnxNode) -> None:
    """Compute a node whose inputs are all constant and bind its outputs.

    Raises:
        ModelError: the node is damaged, or a result would be absurdly large.
    """
    operands = [node.operand(k) for k in range(len(node.inputs)) if node.has(k)]
    constants = [o for o in operands if isinstance(o, Constant)]
    first = constants[0] if constants else None
    if first is not None and first.q is not None and node.kind in MOVES and _fold_quantized(node, first, first.q):
        return
    with np.errstate(all="ignore"):
        results = FOLDS[node.kind](node, [c.real() for c in constants]) if node.kind in FOLDS else _reference(node)
    for index, data in enumerate(results if isinstance(results, tuple) else (results,)):
        if not any(data.size <= c.data.size and np.may_share_memory(data, c.data) for c in constants):
            node.builder.source.budget.folded(data)
        node.result_constant(data, index)


def is_foldable(node: OnnxNode) -> bool:
    """Whether an operator can be computed if its inputs are all constant."""
    return node.domain == "" and (node.kind in FOLDS or node.kind in REFERENCED)


def _most(kind: str, shapes: Sequence[tuple[int, ...]]) -> int:
    """A bound on the elements of an operator's results, as far as shapes decide."""
    if kind in ("MatMul", "MatMulInteger"):
        summed = max(1, shapes[0][-1]) if shapes[0] else 1
        return (prod(shapes[0]) // summed) * (prod(shapes[1]) // summed)
    if kind == "GatherND":
        return prod(shapes[0]) * prod(shapes[1])
    if kind in ("Xor", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor"):
        return prod(np.broadcast_shapes(*shapes))
    return sum(prod(s) * max(1, len(s)) for s in shapes)


def _reference(node: OnnxNode) -> tuple[Array, ...]:
    """What onnx's reference says of a node."""
    from onnx.reference import ReferenceEvaluator

    operands = [(n, node.needed(k, "an input").real()) for k, n in enumerate(node.inputs) if n]
    given = dict(operands)  # fewer than the operands where one is given twice
    most = _most(node.kind, [x.shape for _, x in operands])
    if node.kind in ASKED:
        node.builder.source.budget.room((ASKED[node.kind](node, [x for _, x in operands]),))
    if most > MOST_REFERENCED:
        raise LimitError(
            f"{most:,} elements would be computed while the model is read; the limit for {node.kind} is "
            f"{MOST_REFERENCED:,}",
            hint="store the tensors as they are used",
        )
    inputs, outputs = (
        [onnx.helper.make_value_info(n, onnx.TypeProto()) for n in names]
        for names in (given, [n for n in node.outputs if n])
    )
    graph = onnx.helper.make_graph([node.message], "one", inputs, outputs)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", node.opset)])
    found = iter(ReferenceEvaluator(model).run(None, {n: np.asarray(x) for n, x in given.items()}))
    return tuple(np.asarray(next(found)) if n else np.zeros(0, np.float32) for n in node.outputs)


def _fold_quantized(node: OnnxNode, x: Constant, q: QParams) -> bool:
    """Move a quantized constant's integers; False if its parameters cannot follow."""
    if node.kind == "Identity":
        node.result_constant(x.data, 0, q)
        return True
    rank = x.data.ndim
    if node.kind == "Transpose":
        perm = node.attr_ints("perm") or tuple(reversed(range(rank)))
        moved = q if q.axis is None else QParams(q.scale, q.zero_point, perm.index(q.axis))
        node.result_constant(np.transpose(x.data, perm), 0, moved)
        return True
    shape = reshape_target(node, x.data.shape)
    if q.axis is None:
        node.result_constant(x.data.reshape(shape), 0, q)
        return True
    before, size = prod(x.data.shape[: q.axis]), x.data.shape[q.axis]
    for axis, length in enumerate(shape):
        if length == size and prod(shape[:axis]) == before:
            node.result_constant(x.data.reshape(shape), 0, QParams(q.scale, q.zero_point, axis))
            return True
    return False
