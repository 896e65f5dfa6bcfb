"""Find Softmax and LogSoftmax in the arithmetic that exporters spell them out in.

In integers the spelling loses nearly all: exponentials span many powers of ten, and masks widen the range of the scores
without end. Whether the greatest element is subtracted first makes no difference to what is computed.
"""

from __future__ import annotations

from edgeq.ir.graph import Graph, Node
from edgeq.ir.op import Op
from edgeq.ir.traits import NO_CLAMP
from edgeq.ops._reduce import Reduction
from edgeq.ops.div import Div
from edgeq.ops.exp import Exp
from edgeq.ops.log import Log
from edgeq.ops.log_softmax import LogSoftmax
from edgeq.ops.mul import Mul
from edgeq.ops.pow import Pow
from edgeq.ops.reduce_max import ReduceMax
from edgeq.ops.softmax import Softmax
from edgeq.ops.sub import Sub
from edgeq.ops.sum import Sum
from edgeq.passes._rewrite import View, rewrite


def _over_rows(view: View, name: str | None, op: type[Reduction]) -> str | None:
    """What an operator reduces over its last dimension, which stays with size one; None if that is not so."""
    found = view.made_by(name, op, alone=False)
    if found is None or found[0].inputs[0] is None:
        return None
    source = found[0].inputs[0]
    rows = found[1].keepdims and found[1].axes == (len(view.shape(source)) - 1,)
    return source if rows and view.is_real(source, name) else None


def _sum_of_exponentials(view: View, name: str | None) -> tuple[str, str] | None:
    """The exponents and the exponentials that a tensor is the sum of, row by row."""
    exponentials = _over_rows(view, name, Sum)
    found = view.made_by(exponentials, Exp, alone=False)
    if found is None or exponentials is None or found[0].inputs[0] is None:
        return None
    exponents = found[0].inputs[0]
    return (exponents, exponentials) if view.is_real(exponents) else None


def _plain(op: Op) -> bool:
    return op.fused_clamp in (None, NO_CLAMP)


def _scores(view: View, exponents: str) -> str:
    """The exponents before the greatest element of each row was subtracted, if it was."""
    above = view.made_by(exponents, Sub, alone=False)
    if above is None or not _plain(above[1]):
        return exponents
    scores, greatest = above[0].inputs
    return str(scores) if _over_rows(view, greatest, ReduceMax) == scores is not None else exponents


def _softmax(view: View, node: Node) -> bool:
    """exp(x) / Σ exp(x), or a product with the sum's reciprocal."""
    if not isinstance(node.op, Div | Mul) or not _plain(node.op) or not view.is_real(node.outputs[0]):
        return False
    pairs = [tuple(node.inputs)]
    if isinstance(node.op, Mul):
        reciprocals = [view.made_by(name, Pow, alone=False) for name in node.inputs]
        pairs = [
            (node.inputs[1 - k], found[0].inputs[0])
            for k, found in enumerate(reciprocals)
            if found is not None and found[1] == Pow(-1.0) and view.is_real(node.inputs[k])
        ]
    for exponentials, total in pairs:
        found = _sum_of_exponentials(view, total)
        if found is not None and found[1] == exponentials:
            view.update(node, Softmax(len(view.shape(found[0])) - 1), (_scores(view, found[0]),))
            return True
    return False


def _log_softmax(view: View, node: Node) -> bool:
    """X − log Σ exp(x)."""
    if not isinstance(node.op, Sub) or not _plain(node.op) or not view.is_real(node.outputs[0]):
        return False
    log = view.made_by(node.inputs[1], Log, alone=False)
    found = None if log is None or not view.is_real(node.inputs[1]) else _sum_of_exponentials(view, log[0].inputs[0])
    if found is None or found[0] != node.inputs[0]:
        return False
    view.update(node, LogSoftmax(len(view.shape(found[0])) - 1), (_scores(view, found[0]),))
    return True


def recognize_softmax(graph: Graph) -> Graph:
    """Replace arithmetic on real tensors that amounts to a Softmax or LogSoftmax of rows by that operator."""
    return rewrite(graph, _softmax, _log_softmax)
