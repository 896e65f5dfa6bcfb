"""Hold a tensor and its rearrangements in the same parameters."""

from __future__ import annotations

from edgeq.ir.graph import Graph
from edgeq.ir.traits import Pattern
from edgeq.passes._rewrite import View


def propagate_annotations(graph: Graph) -> Graph:
    """Copy prescribed parameters across what rearranges elements, and so holds its output in its input's parameters.

    Downwards always; upwards where the rearrangement is the only reader of a computed tensor.
    """
    if graph.numerics is not None:
        return graph
    view = View(graph)
    moves = [n for n in graph.nodes if n.op.pattern is Pattern.REARRANGEMENT]
    changed = False
    for node in (*moves, *reversed(moves)):
        source, out = node.inputs[0], node.outputs[0]
        if source is None or view.is_const(source):
            continue
        above, below = view.type_of(source).q, view.type_of(out).q
        if above is not None and below is None:
            view.set_q(out, above)
            changed = True
        elif above is None and below is not None and view.producer(source) and view.only_consumer(source):
            view.set_q(source, below)
            changed = True
    return view.edit.finish() if changed else graph
