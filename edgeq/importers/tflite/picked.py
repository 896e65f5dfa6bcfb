"""Elements that are picked or placed by constant indices, diagonals, the first ones in order, ones at indices."""

from __future__ import annotations

from math import prod

import numpy as np

from edgeq.importers.tflite.axes import normal_axis
from edgeq.importers.tflite.blocks import MOST_PARTS, part, runs
from edgeq.importers.tflite.builder import Builder
from edgeq.importers.tflite.movement import source, view
from edgeq.importers.tflite.raw import Problem, RawOp
from edgeq.importers.tflite.registry import handles
from edgeq.importers.tflite.whole import whole_operand
from edgeq.ir.tensor import Array, QParams, Shape
from edgeq.ops._requant import NO_CLAMP
from edgeq.ops.add import Add
from edgeq.ops.compare import Compare
from edgeq.ops.concat import Concat
from edgeq.ops.mul import Mul
from edgeq.ops.quantize import Quantize
from edgeq.ops.reshape import Reshape
from edgeq.ops.select import Select
from edgeq.ops.top_indices import TopIndices
from edgeq.ops.top_values import TopValues
from edgeq.ops.whole_to_real import WholeToReal

CONSTANT = "export the model with constant indices"
MOST_PLACES = 4096
"""Among which parts are placed."""


def picked(b: Builder, x: str, axis: int, places: list[int], hint: str) -> str:
    """Elements of an axis, joined.

    Raises:
        Problem: there are none, or they lie in too many pieces.
    """
    if any(not 0 <= k < b.shape(x)[axis] for k in places):
        raise Problem(f"it picks elements {places[:8]} … of {b.shape(x)[axis]}", CONSTANT)
    pieces = runs(tuple(places))
    if not 0 < len(pieces) <= MOST_PARTS:
        raise Problem(f"it picks elements in {len(pieces)} pieces", "pick fewer, or cut the model before it")
    parts = [part(b, x, axis, first, stop) for first, stop in pieces]
    return parts[0] if len(parts) == 1 else b.step(Concat(axis), parts, hint, b.q_of(x))


def constant_indices(b: Builder, op: RawOp, position: int) -> Array:
    """Indices that must be known.

    Raises:
        Problem: they are computed.
    """
    data = b.stored(op.inputs[position]) if position < len(op.inputs) else None
    if data is None or data.dtype.kind not in "iu" or not data.size:
        raise Problem("its indices are computed at run time", CONSTANT)
    return data.astype(np.int64)


def zeros(b: Builder, shape: Shape, q: QParams | None, name: str) -> str:
    """Elements that are stored as 0, as LiteRT fills in, whatever the zero-point is."""
    b.budget.stored(4 * prod(shape))
    return b.editor.constant(name, np.zeros(shape, np.float32 if q is None else q.integers.numpy), q)


def flat_places(indices: Array, shape: Shape) -> list[int]:
    """Rows of indices into the first dimensions as places among all of these.

    Raises:
        Problem: one is outside.
    """
    limits = np.array(shape[: indices.shape[-1]])
    rows = indices.reshape(-1, indices.shape[-1])
    if len(limits) != indices.shape[-1] or ((rows < 0) | (rows >= limits)).any():
        raise Problem(f"its indices are outside {shape}", CONSTANT)
    return [int(k) for k in np.ravel_multi_index(tuple(rows.T), tuple(limits))]


@handles("GATHER_ND")
def gather_nd(b: Builder, op: RawOp) -> None:
    """Each last row of the constant indices is the place of an element, or of a part, of x."""
    x, indices = source(b, op), constant_indices(b, op, 1)
    shape, count = b.shape(x), indices.shape[-1]
    rows = b.step(Reshape((prod(shape[:count]), *shape[count:])), [x], f"{x}/parts", b.q_of(x))
    y = picked(b, rows, 0, flat_places(indices, shape), f"{x}/picked")
    view(b, op, y, (*indices.shape[:-1], *shape[count:]))


@handles("SCATTER_ND")
def scatter_nd(b: Builder, op: RawOp) -> None:
    """Parts at constant places, each given once; zeros elsewhere."""
    indices, shape = constant_indices(b, op, 0), b.required(op, 2)
    updates, q = source(b, op, 1), b.output_q(op)
    count = indices.shape[-1]
    if not 0 < prod(shape[:count]) <= MOST_PLACES:
        raise Problem(f"it places parts among {shape[:count]}", "cut the model before it")
    places, rest = flat_places(indices, shape), shape[count:]
    if len(set(places)) < len(places):
        raise Problem("it adds several parts at one place", "add them before")
    name = b.tensor(op.outputs[0]).name
    rows = b.step(Reshape((len(places), *rest)), [updates], f"{name}/parts", q)
    more = b.step(Concat(0), [rows, zeros(b, (1, *rest), q, f"{name}/zero")], f"{name}/choice", q)
    where = {place: k for k, place in enumerate(places)}
    chosen = [where.get(k, len(places)) for k in range(prod(shape[:count]))]
    view(b, op, picked(b, more, 0, chosen, f"{name}/placed"), shape)


@handles("DYNAMIC_UPDATE_SLICE")
def update_slice(b: Builder, op: RawOp) -> None:
    """x with a part replaced, at constant places; a part that would reach beyond the end is moved back."""
    x, new, starts = source(b, op), source(b, op, 1), constant_indices(b, op, 2)
    shape, part_shape = b.shape(x), b.shape(new)
    if len(part_shape) != len(shape) or len(starts) != len(shape) or any(np.array(part_shape) > shape):
        raise Problem(f"a part of shape {part_shape} at {tuple(starts)} does not fit {shape}")
    first = np.clip(starts, 0, np.array(shape) - part_shape)
    name, q = b.tensor(op.outputs[0]).name, b.q_of(x)

    def replaced(whole: str, axis: int) -> str:
        """A tensor whose dimensions before `axis` are those of the part, with the part replaced."""
        if axis == len(shape):
            return new
        begin, end = int(first[axis]), int(first[axis]) + part_shape[axis]
        pieces = [part(b, whole, axis, 0, begin)] if begin else []
        pieces.append(replaced(part(b, whole, axis, begin, end), axis + 1))
        pieces += [part(b, whole, axis, end, shape[axis])] if end < shape[axis] else []
        return pieces[0] if len(pieces) == 1 else b.step(Concat(axis), pieces, f"{name}/axis{axis}", q)

    view(b, op, replaced(x, 0), shape)


@handles("REVERSE_SEQUENCE")
def reverse_sequence(b: Builder, op: RawOp) -> None:
    """The first elements of each sequence in reverse, as many as its constant length says."""
    x, lengths = source(b, op), constant_indices(b, op, 1)
    shape = b.shape(x)
    axis, batch = (normal_axis(op.option(name), len(shape)) for name in ("SeqDim", "BatchDim"))
    if (
        len(lengths) != shape[batch]
        or len(lengths) > MOST_PARTS
        or axis == batch
        or lengths.min() < 0
        or lengths.max() > shape[axis]
    ):
        raise Problem(f"sequences of lengths {tuple(lengths)} do not fit {shape}")
    every = []
    for k, length in enumerate(lengths):
        order = [*range(int(length) - 1, -1, -1), *range(int(length), shape[axis])]
        every.append(picked(b, part(b, x, batch, k, k + 1), axis, order, f"{x}/reversed{k}"))
    view(b, op, every[0] if len(every) == 1 else b.step(Concat(batch), every, f"{x}/all", b.q_of(x)), shape)


def diagonal(b: Builder, x: str, name: str) -> str:
    """x (…, n) as (…, n, n) with zeros beside the diagonal: with n zeros behind each element, cut into rows of n."""
    shape, q = b.shape(x), b.q_of(x)
    m, n = prod(shape[:-1]), shape[-1]
    column = b.step(Reshape((m, n, 1)), [x], f"{name}/column", q)
    wide = b.step(Concat(2), [column, zeros(b, (m, n, n), q, f"{name}/zeros")], f"{name}/wide", q)
    line = b.step(Reshape((m, n * (n + 1))), [wide], f"{name}/line", q)
    return b.step(Reshape((*shape, n)), [part(b, line, 1, 0, n * n)], f"{name}/square", q)


@handles("MATRIX_DIAG")
def matrix_diag(b: Builder, op: RawOp) -> None:
    """Vectors as the diagonals of matrices."""
    y = diagonal(b, source(b, op), b.tensor(op.outputs[0]).name)
    view(b, op, y, b.shape(y))


@handles("MATRIX_SET_DIAG")
def matrix_set_diag(b: Builder, op: RawOp) -> None:
    """Square matrices with another diagonal."""
    x, d = source(b, op), source(b, op, 1)
    shape, q = b.shape(x), b.q_of(x)
    if len(shape) < 2 or shape[-1] != shape[-2] or b.shape(d) != shape[:-1]:
        first = min(shape[-2:])
        if len(shape) < 2 or b.shape(d) != (*shape[:-2], first):
            raise Problem(f"a diagonal of shape {b.shape(d)} does not fit {shape}")
    name = b.tensor(op.outputs[0]).name
    square = diagonal(b, d, name)
    for axis in (len(shape) - 2, len(shape) - 1):
        missing = shape[axis] - b.shape(square)[axis]
        if missing:
            rest = tuple(missing if k == axis else n for k, n in enumerate(b.shape(square)))
            square = b.step(Concat(axis), [square, zeros(b, rest, q, f"{name}/more")], f"{name}/full", q)
    held = None if q is None else QParams.per_tensor(1.0, 0, q.stored)
    kind = np.float32 if q is None else q.integers.numpy
    b.budget.stored(8 * shape[-2] * shape[-1])
    mask = b.editor.constant(f"{name}/mask", np.eye(shape[-2], shape[-1]).astype(kind), held)
    b.emit(op, Select(), [mask, square, x])


@handles("ONE_HOT")
def one_hot(b: Builder, op: RawOp) -> None:
    """Constant values on and off where computed indices are the place along a new axis."""
    indices, depth = whole_operand(b, op, 0), b.required(op, 1)[0]
    shape, name, q = b.shape(indices), b.tensor(op.outputs[0]).name, b.output_q(op)
    if len(op.inputs) != 4 or not all(b.is_constant(k) for k in op.inputs[2:]):
        raise Problem("its values are computed at run time", CONSTANT)
    on, off = (b.editor.values[b.real_constant(op.inputs[k])].data for k in (2, 3))
    if on is None or off is None or on.size != 1 or off.size != 1 or not 0 < depth < 2**16:
        raise Problem(f"its depth is {depth}, or its values are no single numbers", CONSTANT)
    axis = normal_axis(op.option("Axis"), len(shape) + 1)
    column = b.step(Reshape((*shape[:axis], 1, *shape[axis:])), [indices], f"{name}/indices", None)
    ranks = np.arange(depth, dtype=np.float32).reshape(-1, *(1,) * (len(shape) - axis))
    places = [
        b.step(WholeToReal(real=b.has_integers), [column], f"{name}/real", None),
        b.editor.constant(f"{name}/places", ranks),
    ]
    y = b.step(Compare("equal"), places, f"{name}/is", None)
    height = float(on.item()) - float(off.item())
    if height != 1.0:
        y = b.step(
            Mul(NO_CLAMP),
            [y, b.editor.constant(f"{name}/height", np.array([height], np.float32))],
            f"{name}/high",
            None,
        )
    if off.item():
        y = b.step(
            Add(NO_CLAMP), [y, b.editor.constant(f"{name}/off", off.astype(np.float32).ravel())], f"{name}/from", None
        )
    if q is None:
        b.emit(op, Reshape(b.shape(y)), [y])
    else:
        b.bind(op.outputs[0], b.step(Quantize(away=True), [y], name, q))


@handles("TOPK_V2")
def top_k(b: Builder, op: RawOp) -> None:
    """The greatest elements along the last axis in order, and where they are; of equal ones the first comes first."""
    x, count = source(b, op), b.required(op, 1)[0]
    axis = len(b.shape(x)) - 1
    if axis < 0 or not 0 < count <= b.shape(x)[axis] or len(op.outputs) != 2:
        raise Problem(f"it takes {count} elements of {b.shape(x)}")
    b.emit(op, TopValues(axis, count), [x], op.outputs[:1])
    read = any(op.outputs[1] in other.inputs for other in b.model.ops) or op.outputs[1] in b.model.outputs
    if read or b.editor.values[x].type.size > MOST_PLACES:
        b.emit(op, TopIndices(axis, count), [x], op.outputs[1:])
    else:
        b.fold(op.outputs[1], np.zeros((*b.shape(x)[:-1], count)))
