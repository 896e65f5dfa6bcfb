"""Remove operators that do nothing, and merge those that move data twice."""

from __future__ import annotations

from edgeq.ir.graph import Graph, Node
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.clip import Clip
from edgeq.ops.concat import Concat
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.mean import Mean
from edgeq.ops.pad import Pad
from edgeq.ops.reduce_max import ReduceMax
from edgeq.ops.requantize import Requantize
from edgeq.ops.reshape import Reshape
from edgeq.ops.resize import Resize
from edgeq.ops.slice import Slice
from edgeq.ops.split import Split
from edgeq.ops.sum import Sum
from edgeq.ops.transpose import Transpose
from edgeq.passes._rewrite import View, rewrite


def _is_identity(view: View, node: Node) -> bool:
    op = node.op
    source, out = node.inputs[0], node.outputs[0]
    if source is None or view.shape(source) != view.shape(out) or len(node.outputs) != 1:
        return False
    if isinstance(op, (Reshape, Slice, Resize)):
        # a slice of full size with a negative step reverses; a resize to the same size copies, whatever its mode
        return not isinstance(op, Slice) or all(step > 0 for step in op.step)
    if isinstance(op, Transpose):
        return op.perm == tuple(range(len(op.perm)))
    if isinstance(op, Pad):
        return not any(op.before) and not any(op.after)
    if isinstance(op, (Concat, Split)):
        return len(node.inputs) == 1
    if isinstance(op, Clip):
        return op.low == -float("inf") and op.high == float("inf")
    if isinstance(op, (MaxPool2D, AveragePool2D)):
        free = op.clamp == (-float("inf"), float("inf"))
        return free and op.kernel == (1, 1) and op.stride == (1, 1) and not any(op.padding)
    if isinstance(op, Requantize):
        return view.type_of(source) == view.type_of(out)
    return False


def _drop_identity(view: View, node: Node) -> bool:
    return _is_identity(view, node) and view.bypass(node)


def _reshape_reduction_of_ones(view: View, node: Node) -> bool:
    """A reduction over dimensions of size one moves nothing."""
    if not isinstance(node.op, (Mean, Sum, ReduceMax)) or node.inputs[0] is None:
        return False
    source, out = view.type_of(node.inputs[0]), view.type_of(node.outputs[0])
    if any(source.shape[a] != 1 for a in node.op.axes) or source.q != out.q:
        return False
    view.update(node, Reshape(out.shape), node.inputs)
    return True


def _merge_reshapes(view: View, node: Node) -> bool:
    """Reshape of a Reshape: the second alone."""
    above = view.made_by(node.inputs[0], Reshape, alone=False) if isinstance(node.op, Reshape) else None
    if above is None or node.inputs[0] is None or above[0].inputs[0] is None:
        return False
    if view.type_of(node.inputs[0]).q not in (
        None,
        view.type_of(above[0].inputs[0]).q,
        view.type_of(node.outputs[0]).q,
    ):
        return False
    view.update(node, node.op, above[0].inputs)
    return True


def _merge_transposes(view: View, node: Node) -> bool:
    """Transpose of a Transpose: one, of both permutations."""
    above = view.made_by(node.inputs[0], Transpose, alone=False) if isinstance(node.op, Transpose) else None
    if above is None or not isinstance(node.op, Transpose) or node.inputs[0] is None or above[0].inputs[0] is None:
        return False
    if view.type_of(node.inputs[0]).q not in (
        None,
        view.type_of(above[0].inputs[0]).q,
        view.type_of(node.outputs[0]).q,
    ):
        return False
    view.update(node, Transpose(tuple(above[1].perm[p] for p in node.op.perm)), above[0].inputs)
    return True


def _reshape_transpose_of_ones(view: View, node: Node) -> bool:
    """A Transpose that only moves dimensions of size one leaves every element where it is."""
    if not isinstance(node.op, Transpose) or node.inputs[0] is None:
        return False
    shape = view.shape(node.inputs[0])
    moved = [p for p in node.op.perm if shape[p] != 1]
    if moved != sorted(moved):
        return False
    view.update(node, Reshape(view.shape(node.outputs[0])), node.inputs)
    return True


RULES = (_drop_identity, _reshape_reduction_of_ones, _merge_reshapes, _merge_transposes, _reshape_transpose_of_ones)


def simplify(graph: Graph) -> Graph:
    """Drop identities; merge Reshape chains and Transpose chains; a Transpose that moves no element is a Reshape."""
    return rewrite(graph, *RULES)
