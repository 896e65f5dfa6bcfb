"""Places that count from the end of a table, as Keras computes them: what looks them up counts so itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edgeq.importers.tflite.raw import RawModel, RawOp
from edgeq.ir.tensor import Shape

_LOOKUPS = {"GATHER": (0, 1), "EMBEDDING_LOOKUP": (1, 0)}
"""By kind: which operand is the table, and which the places in it."""
_CHOICES = ("SELECT", "SELECT_V2")


def without_wraps(model: RawModel) -> RawModel:
    """Let lookups read places p themselves where the file computes p < 0 ? p + n : p, n being the size of the table."""
    makers = {output: op for op in model.ops for output in op.outputs}
    wrapped = {op.outputs[0]: found for op in model.ops if (found := _wrapped(model, op, makers)) is not None}
    if not wrapped:
        return model

    def direct(op: RawOp) -> RawOp:
        if op.kind not in _LOOKUPS or len(op.inputs) < 2:
            return op
        table, places = _LOOKUPS[op.kind]
        if op.inputs[places] not in wrapped:
            return op
        origin, size = wrapped[op.inputs[places]]
        shape = model.tensors[op.inputs[table]].shape
        if shape[_axis(op, shape)] != size:
            return op
        return replace(op, inputs=tuple(origin if k == places else i for k, i in enumerate(op.inputs)))

    changed = replace(model, ops=tuple(map(direct, model.ops)))
    return changed if changed.ops == model.ops else _without_idle(changed, set(wrapped), makers)


def _axis(op: RawOp, shape: Shape) -> int:
    """Which dimension of a table has the places."""
    axis = op.option("Axis") if op.kind == "GATHER" else 0
    return axis if -len(shape) <= axis < len(shape) else 0


def _wrapped(model: RawModel, op: RawOp, makers: Mapping[int, RawOp]) -> tuple[int, int] | None:
    """For a choice between places and places counted from the end: the places, and the number of all."""
    if op.kind not in _CHOICES or len(op.inputs) != 3 or len(op.outputs) != 1:
        return None
    condition, shifted, origin = op.inputs
    less, added = makers.get(condition), makers.get(shifted)
    if less is None or added is None or (less.kind, added.kind) != ("LESS", "ADD"):
        return None
    if len(less.inputs) != 2 or less.inputs[0] != origin or _number(model, less.inputs[1]) != 0:
        return None
    sizes = [_number(model, k) for k in added.inputs if k != origin]
    return None if len(sizes) != 1 or sizes[0] is None or origin not in added.inputs else (origin, sizes[0])


def _number(model: RawModel, index: int) -> int | None:
    """The whole number that all elements of a constant are."""
    data = model.tensors[index].data if index >= 0 else None
    if data is None or data.dtype.kind not in "iu" or not data.size or (data != data.flat[0]).any():
        return None
    return int(data.flat[0])


def _without_idle(model: RawModel, choices: set[int], makers: Mapping[int, RawOp]) -> RawModel:
    """Leave out these choices, and what they read, as far as nobody else reads it."""
    before = {i for choice in choices for i in makers[choice].inputs[:2]}
    ops = model.ops
    for outputs in (choices, before):
        read = {i for op in ops for i in op.inputs} | set(model.outputs)
        ops = tuple(op for op in ops if read.intersection(op.outputs) or not outputs.intersection(op.outputs))
    return replace(model, ops=ops)
