"""Remove operators that do nothing, and merge those that move data twice."""

from __future__ import annotations

from edgeq.ir.graph import Graph, Node
from edgeq.ir.quant_rule import Index
from edgeq.ir.tensor import TensorType
from edgeq.ir.traits import Pattern
from edgeq.ops.concat import Concat
from edgeq.ops.gather import Gather
from edgeq.ops.reshape import Reshape
from edgeq.ops.transpose import Transpose
from edgeq.ops.whole_to_real import WholeToReal
from edgeq.passes._rewrite import View, rewrite


def _drop_identity(view: View, node: Node) -> bool:
    """What hands on its input's elements as they are."""
    source, out = node.inputs[0], node.outputs[0]
    if source is None or view.shape(source) != view.shape(out):
        return False
    return node.op.is_copy(view.site(node)) and view.bypass(node)


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


def _copy_is_reshape(view: View, node: Node) -> bool:
    """What hands on its input's elements in another shape, such as a reduction over dimensions of size one."""
    if isinstance(node.op, Reshape) or node.inputs[0] is None or not node.op.is_copy(view.site(node)):
        return False
    source, out = view.type_of(node.inputs[0]), view.type_of(node.outputs[0])
    if source.q != out.q and node.op.pattern is not Pattern.REARRANGEMENT:
        return False  # it also changes the quantization
    view.update(node, Reshape(out.shape), node.inputs)
    return True


def _repeated(view: View, name: str | None) -> str | None:
    """What a value repeats along a dimension in which it has size one; None: it is no such repetition."""
    node = view.producer(name)
    if node is None or name is None or node.inputs[0] is None:
        return None
    places = view.data(node.inputs[1]) if isinstance(node.op, Gather) else None
    again = places is not None and places.ndim == 1 and not places.any()
    again |= isinstance(node.op, Concat) and len(set(node.inputs)) == 1
    alone = isinstance(node.op, Concat | Gather) and view.shape(node.inputs[0])[node.op.axis] == 1
    return node.inputs[0] if again and alone and view.type_of(node.inputs[0]).q == view.type_of(name).q else None


def _broadcast_unrepeated(view: View, node: Node) -> bool:
    """Operands are broadcast: nothing need be repeated for that."""
    if node.op.pattern is not Pattern.ELEMENTWISE or len(node.inputs) < 2:
        return False
    shapes = [None if name is None else view.shape(name) for name in node.inputs]
    for k, name in enumerate(node.inputs):
        single = _repeated(view, name)
        if single is None or view.is_const(single):
            continue
        if node.op.out_shapes([*shapes[:k], view.shape(single), *shapes[k + 1 :]]) == (view.shape(node.outputs[0]),):
            view.update(node, node.op, (*node.inputs[:k], single, *node.inputs[k + 1 :]))
            return True
    return False


def _move_real_numbers(view: View, node: Node) -> bool:
    """What moves whole numbers and then makes real ones of them: the other way round, for which there are kernels."""
    above = view.producer(node.inputs[0]) if node.op == WholeToReal() else None
    if above is None or above.op.is_view or above.op.pattern not in (Pattern.MOVEMENT, Pattern.REARRANGEMENT):
        return False
    rule = above.op.quant_rule([None if name is None else view.shape(name) for name in above.inputs])
    real: dict[str, str] = {}
    for k, name in enumerate(above.inputs):
        if name is None or name in real or isinstance(rule.role(k), Index):
            continue
        if view.is_const(name) or not view.type_of(name).is_whole:
            return False
        types = [TensorType(view.shape(name))]
        (real[name],) = view.edit.add(WholeToReal(), [name], view.edit.unique(f"{name}_real"), types=types)
    view.update(node, above.op, [real.get(name or "", name) for name in above.inputs])
    return True


RULES = (
    _drop_identity,
    _merge_reshapes,
    _merge_transposes,
    _copy_is_reshape,
    _move_real_numbers,
    _broadcast_unrepeated,
)


def simplify(graph: Graph) -> Graph:
    """Drop identities; merge Reshape chains and Transpose chains; what moves no element is a Reshape."""
    return rewrite(graph, *RULES)
