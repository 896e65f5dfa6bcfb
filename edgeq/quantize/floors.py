"""Below which values nothing can be seen of a tensor.

A softmax turns what is far below the greatest element of a row into zero. So the range of its input, and of scores and
masks that are added up to it, need not reach down to a mask of -10000 that hides scores at run time: such values
saturate, and the others keep their resolution.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir.graph import Graph, Node
from edgeq.ir.quant_rule import Scale
from edgeq.ir.traits import Monotone
from edgeq.quantize.operands import rule_of
from edgeq.quantize.statistics import TensorStatistics

Known = Mapping[str, TensorStatistics]


def floors(graph: Graph, known: Known, twins: Mapping[str, str]) -> dict[str, float]:
    """For every computed tensor a value; what is below it might as well be the value. Minus infinity: all is seen.

    Args:
        graph: a float graph in which every operator finds the scales it needs.
        known: statistics by the names of the graph before.
        twins: names of values that were added since, each with the value that it equals.
    """
    lowest: dict[str, float] = dict.fromkeys(graph.outputs, -np.inf)
    for node in reversed(graph.nodes):
        below = min(lowest.get(out, np.inf) for out in node.outputs)
        for index, name in enumerate(node.inputs):
            if name is not None and graph.data(name) is None:
                floor = _floor(graph, node, index, below, known, twins)
                lowest[name] = min(lowest.get(name, np.inf), floor)
    return {name: floor if floor < np.inf else -np.inf for name, floor in lowest.items()}


def _floor(graph: Graph, node: Node, index: int, below: float, known: Known, twins: Mapping[str, str]) -> float:
    """What one reader sees of an operand; `below` is the floor of its outputs."""
    rule = rule_of(graph, node)
    if rule.reach is not None and index == 0:
        measured = known.get(twins.get(str(node.inputs[0]), str(node.inputs[0])))
        # Whatever the row, its greatest element is not below the least value of any of its columns.
        return -np.inf if measured is None else float(measured.low.max()) - rule.reach
    if below == -np.inf:
        return below
    if (rule.output is Scale.SAME and node.op.monotone is Monotone.RISING) or node.op.is_copy(graph.site(node)):
        return below
    if node.op.signs == (1, 1):
        return below - _greatest(graph, node.inputs[1 - index], known, twins)
    return -np.inf


def _greatest(graph: Graph, name: str | None, known: Known, twins: Mapping[str, str]) -> float:
    data = graph.data(name)
    if data is not None:
        q = graph.type(str(name)).q
        return float((data if q is None else q.dequantize(data)).max())
    measured = known.get(twins.get(str(name), str(name)))
    return np.inf if measured is None else float(measured.high.max())
