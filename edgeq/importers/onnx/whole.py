"""Arithmetic on whole numbers at run time: integers that stand for themselves, int32 in the graph.

What ONNX computes in fewer bits wraps as its type does; int64, uint32 and uint64 have 32 bits here.
"""

from __future__ import annotations

from math import prod

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.onnx.axes import axes_of, normalize_axes
from edgeq.importers.onnx.choice import chosen, numbered, part
from edgeq.importers.onnx.handlers import handles, handles_whole
from edgeq.importers.onnx.movement import add_concat
from edgeq.importers.onnx.node import Activation, Constant, OnnxNode, whole_constant
from edgeq.importers.onnx.truth import RELATIONS, real_operand
from edgeq.ir.tensor import Array, DType
from edgeq.ops.concat import Concat
from edgeq.ops.reshape import Reshape
from edgeq.ops.whole_pair import Pair, WholePair
from edgeq.ops.whole_to_real import WholeToReal

PAIRS: dict[str, Pair] = {
    "Add": "add",
    "Sub": "sub",
    "Mul": "mul",
    "Div": "div",
    "Min": "minimum",
    "Max": "maximum",
    "Sum": "add",
    "BitwiseAnd": "and",
    "BitwiseOr": "or",
    "BitwiseXor": "xor",
}
REDUCED: dict[str, Pair] = {
    "ReduceSum": "add",
    "ReduceProd": "mul",
    "ReduceMax": "maximum",
    "ReduceMin": "minimum",
}
CUMULATED: dict[str, Pair] = {"CumSum": "add", "CumProd": "mul"}


def kind_of(node: OnnxNode) -> DType:
    """ONNX's type of the first operand of computed whole numbers."""
    for k in range(len(node.inputs)):
        operand = node.operand(k) if node.has(k) else None
        if isinstance(operand, Activation) and node.type(operand.value).is_whole:
            return operand.integers or DType.INT32
    raise ModelError("no operand holds whole numbers", hint="export the model again")


def pair(function: Pair, dtype: DType) -> WholePair:
    """A function of two numbers of a type, of which 64 bits are 32 here."""
    bits = min(dtype.bits, 32)
    return WholePair(function, bits, bits == 32 or dtype.range[0] < 0)


def whole_operand(node: OnnxNode, index: int) -> str:
    """The value of an operand as whole numbers; truth values are 0 and 1.

    Raises:
        ModelError: it is real, or a constant that 32 bits do not hold.
    """
    operand = node.operand(index)
    if isinstance(operand, Constant):
        return stored(node, operand.data, f"whole{index}")
    if node.type(operand.value).is_whole:
        return operand.value
    if operand.integers is DType.BOOL:
        return node.truths_as_whole(operand.value, f"whole{index}")
    raise ModelError("whole numbers meet real ones", hint="cast one of them (Cast)")


def stored(node: OnnxNode, data: Array, suffix: str) -> str:
    """The graph's constant of whole numbers."""
    return node.builder.editor.constant(node.builder.fresh(f"{node.name}_{suffix}"), whole_constant(data))


def number(node: OnnxNode, value: int, suffix: str) -> str:
    """The graph's constant of one whole number."""
    return stored(node, np.array([value], np.int64), suffix)


def _result(node: OnnxNode, value: str, dtype: DType) -> None:
    node.result(value, integers=dtype)


@handles_whole(*PAIRS)
def arithmetic(node: OnnxNode) -> None:
    """Of two numbers, or of any number of them from left to right."""
    dtype = kind_of(node)
    x = whole_operand(node, 0)
    for index in range(1, len(node.inputs)):
        suffix = "" if index == 1 else f"term{index}"
        x = node.emit(pair(PAIRS[node.kind], dtype), [x, whole_operand(node, index)], suffix)
    _result(node, x, dtype)


@handles_whole("Mod", "BitShift")
def directed(node: OnnxNode) -> None:
    """A remainder, of the sign of the divisor or of the dividend; a shift to the left or to the right."""
    dtype = kind_of(node)
    function: Pair = "fmod" if node.attr_int("fmod", 0) else "mod"
    if node.kind == "BitShift":
        function = "shift_left" if node.attr_str("direction", "") == "LEFT" else "shift_right"
    _result(node, node.emit(pair(function, dtype), [whole_operand(node, 0), whole_operand(node, 1)]), dtype)


@handles_whole("Pow")
def power(node: OnnxNode) -> None:
    """Whole numbers to a whole power; what is real is computed as real numbers are."""
    from edgeq.importers.onnx.elementwise import real_power

    operands = [node.operand(k) for k in range(2)]
    base, exponent = operands
    whole = [o.data.dtype.kind in "iu" if isinstance(o, Constant) else node.type(o.value).is_whole for o in operands]
    if isinstance(exponent, Constant) and whole[0] and (exponent.real() == np.rint(exponent.real())).all():
        dtype = kind_of(node)
        powers = stored(node, np.rint(exponent.real()).astype(np.int64), "exponent")
        _result(node, node.emit(pair("power", dtype), [whole_operand(node, 0), powers]), dtype)
    elif all(whole):
        dtype = kind_of(node)
        _result(node, node.emit(pair("power", dtype), [whole_operand(node, 0), whole_operand(node, 1)]), dtype)
    elif isinstance(base, Activation) and whole[0]:
        raise ModelError("whole numbers to a real power are whole again to ONNX", hint="cast the base to float")
    else:
        node.result(real_power(node, real_operand(node, 0), real_operand(node, 1)))


@handles_whole(*RELATIONS)
def compare(node: OnnxNode) -> None:
    """Truth values are real numbers in the graph."""
    a, b = whole_operand(node, 0), whole_operand(node, 1)
    relation = RELATIONS[node.kind]
    if relation in ("greater", "less_equal"):
        a, b = b, a
    holds = node.emit(WholePair("equal" if relation == "equal" else "less"), [a, b], "holds")
    if relation in ("less_equal", "greater_equal"):
        holds = node.emit(WholePair("xor"), [holds, number(node, 1, "one")], "not")
    node.result(node.emit(WholeToReal(), [holds]), integers=DType.BOOL)


SINGLE: dict[str, tuple[tuple[Pair, int, bool], ...]] = {
    "Neg": (("sub", 0, True),),
    "BitwiseNot": (("xor", -1, False),),
    "Relu": (("maximum", 0, False),),
    "Sign": (("maximum", -1, False), ("minimum", 1, False)),
}
"""Functions of one number: what is done to it in turn, with which constant, and whether that comes first."""


@handles_whole(*SINGLE)
def single(node: OnnxNode) -> None:
    """A function of one number."""
    dtype, x = kind_of(node), whole_operand(node, 0)
    for step, (function, constant, first) in enumerate(SINGLE[node.kind]):
        other = number(node, constant, f"constant{step}")
        x = node.emit(pair(function, dtype), [other, x] if first else [x, other], f"step{step}" if step else "")
    _result(node, x, dtype)


@handles_whole("Abs")
def magnitude(node: OnnxNode) -> None:
    """The greater of x and −x."""
    dtype, x = kind_of(node), whole_operand(node, 0)
    negative = node.emit(pair("sub", dtype), [number(node, 0, "zero"), x], "negative")
    _result(node, node.emit(pair("maximum", dtype), [x, negative]), dtype)


@handles_whole("Clip")
def clip(node: OnnxNode) -> None:
    """Bounds may be computed; the upper one counts where they cross."""
    dtype, x = kind_of(node), whole_operand(node, 0)
    for index, function in ((1, "maximum"), (2, "minimum")):
        if node.has(index):
            chosen: Pair = "maximum" if function == "maximum" else "minimum"
            x = node.emit(pair(chosen, dtype), [x, whole_operand(node, index)], function)
    _result(node, x, dtype)


@handles_whole("Identity")
def identity(node: OnnxNode) -> None:
    """The numbers themselves."""
    _result(node, node.value(0), kind_of(node))


@handles("BitCast", integers=True)
def bit_cast_of_truths(node: OnnxNode) -> None:
    """Truth values have the bits of 0 and 1 in a byte.

    Raises:
        ModelError: the operand is real, or the type is none of a byte.
    """
    operand, wanted = node.operand(0), node.whole_type(node.attr_int("to", 0))
    truth = isinstance(operand, Activation) and operand.integers is DType.BOOL
    if not truth or wanted is None or wanted.bits != 8:
        raise ModelError("the bits of real numbers are lost when they are quantized", hint="give it whole ones")
    _result(node, whole_operand(node, 0), wanted)


@handles_whole("BitCast")
def bit_cast(node: OnnxNode) -> None:
    """The same bits as a type of as many of them.

    Raises:
        ModelError: that type is real, or of another width.
    """
    dtype, code = kind_of(node), node.attr_int("to", 0)
    wanted = node.whole_type(code)
    if wanted is None or wanted.bits != dtype.bits:
        raise ModelError("the bits of whole numbers become those of real ones", hint="compute with one kind of number")
    _result(node, node.emit(pair("or", wanted), [whole_operand(node, 0), number(node, 0, "zero")]), wanted)


def folded(node: OnnxNode, x: str, axis: int, op: WholePair, prefix: str) -> str:
    """All elements along an axis as one: halves are put together, then halves of these."""
    turn = 0
    while (size := node.type(x).shape[axis]) > 1:
        half, name = size // 2, f"{prefix}_{turn}"
        low, high = (part(node, x, axis, k * half, (k + 1) * half, f"{name}_{k}") for k in range(2))
        y = node.emit(op, [low, high], name)
        if size % 2:
            y = node.emit(Concat(axis), [y, part(node, x, axis, size - 1, size, f"{name}_odd")], f"{name}_all", True)
        x, turn = y, turn + 1
    return x


@handles_whole(*REDUCED)
def reduce(node: OnnxNode) -> None:
    """Along some axes, or all of them."""
    dtype, x, shape = kind_of(node), whole_operand(node, 0), node.shape(0)
    axes = axes_of(node, len(shape))
    if not shape or (not axes and node.attr_int("noop_with_empty_axes", 0)):
        _result(node, x, dtype)
        return
    along = tuple(axes) if axes else tuple(range(len(shape)))
    for axis in along:
        x = folded(node, x, axis, pair(REDUCED[node.kind], dtype), f"axis{axis}")
    if not node.attr_int("keepdims", 1):
        x = node.emit(Reshape(tuple(d for k, d in enumerate(shape) if k not in along)), [x], "squeezed", keep_q=True)
    _result(node, x, dtype)


@handles_whole(*CUMULATED)
def cumulated(node: OnnxNode) -> None:
    """Of all elements up to each along an axis: each is put together with the one 1, 2, 4, … places before."""
    dtype, shape = kind_of(node), node.shape(0)
    (axis,) = normalize_axes(node.ints(1, "the axis") or (), len(shape))
    neutral = 1 if node.kind == "CumProd" else 0
    x, size, op = whole_operand(node, 0), shape[axis], pair(CUMULATED[node.kind], dtype)
    backwards = bool(node.attr_int("reverse", 0))

    def moved(x: str, count: int, suffix: str) -> str:
        """By some places along the axis, neutral numbers in front."""
        front = stored(node, np.full((*shape[:axis], count, *shape[axis + 1 :]), neutral, np.int64), f"{suffix}_front")
        sources = [front, x]
        there = prod(node.type(front).shape) + numbered(shape)
        ahead = numbered((*shape[:axis], count, *shape[axis + 1 :]))
        kept = np.take(there, np.arange(size - count), axis)
        return chosen(node, sources, np.concatenate([ahead, kept], axis), suffix)

    if backwards:
        x = part(node, x, axis, size - 1, -1, "reversed", -1)
    if node.attr_int("exclusive", 0):
        x = moved(x, 1, "exclusive")
    reach = 1
    while reach < size:
        x = node.emit(op, [x, moved(x, reach, f"before{reach}")], f"up_to{reach}")
        reach *= 2
    _result(node, part(node, x, axis, size - 1, -1, "forwards", -1) if backwards else x, dtype)


@handles_whole("Concat")
def joined(node: OnnxNode) -> None:
    """Whole numbers of all operands."""
    dtype = kind_of(node)
    _result(node, add_concat(node, [whole_operand(node, k) for k in range(len(node.inputs))], same=True), dtype)


@handles_whole("Where")
def where(node: OnnxNode) -> None:
    """y + condition · (x − y), whatever wraps."""
    dtype = kind_of(node)
    condition, x, y = (whole_operand(node, k) for k in range(3))
    apart = node.emit(WholePair("sub"), [x, y], "apart")
    step = node.emit(WholePair("mul"), [condition, apart], "step")
    _result(node, node.emit(pair("add", dtype), [y, step]), dtype)


@handles_whole("Trilu")
def triangle(node: OnnxNode) -> None:
    """Bits of what is kept are those of −1, of the rest those of 0."""
    from edgeq.importers.onnx.choice import kept_of_triangle

    dtype = kind_of(node)
    bits = np.where(kept_of_triangle(node), -1, 0)
    _result(node, node.emit(pair("and", dtype), [whole_operand(node, 0), stored(node, bits, "kept")]), dtype)
