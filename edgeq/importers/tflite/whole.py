"""Operators that give or take whole numbers: indices of extremes, embeddings."""

from __future__ import annotations

from edgeq.importers.tflite.axes import normal_axis
from edgeq.importers.tflite.builder import Builder, is_whole
from edgeq.importers.tflite.raw import Problem, RawOp
from edgeq.importers.tflite.registry import handles
from edgeq.ops._index_of import IndexOf
from edgeq.ops.arg_max import ArgMax
from edgeq.ops.arg_min import ArgMin
from edgeq.ops.gather import Gather

INDICES: dict[str, type[IndexOf]] = {"ARG_MAX": ArgMax, "ARG_MIN": ArgMin}


@handles(*INDICES)
def index_of(b: Builder, op: RawOp) -> None:
    """The index of an extreme along one axis, the first of several; int64 in the file is int32 here."""
    result = b.tensor(op.outputs[0])
    if not is_whole(result):
        raise Problem(f"its result {result.label} is {result.dtype}", "export the model again")
    x, axes = b.operand(op, 0), b.required(op, 1)
    if len(axes) != 1:
        raise Problem(f"it has {len(axes)} axes", "export the model again")
    b.emit(op, INDICES[op.kind](normal_axis(axes[0], len(b.shape(x)))), [x])


@handles("EMBEDDING_LOOKUP")
def embedding(b: Builder, op: RawOp) -> None:
    """Rows of a table, by indices."""
    places = b.whole(op, 0)
    if places is None:
        raise Problem("its indices are no computed whole numbers", "give them as an input of int32")
    b.emit(op, Gather(0), [b.matched(b.operand(op, 1), b.output_q(op)), places])
