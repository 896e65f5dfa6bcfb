"""Which layers of a quantized model are the least accurate, and why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import TypedDict

from edgeq.ir.graph import Graph, Node
from edgeq.ir.tensor import QParams
from edgeq.report.accuracy import LayerError

MOST = 3
BELOW_MEDIAN = 6.0
"""dB below the median from which on a layer counts as one of the worst."""
WEAK = 20.0
"""dB below which it does in any case."""
NEAR = 1.5
"""dB by which a layer that only passes an error on may be less accurate than what it reads."""
ITS_OWN = 4.0
"""dB by which a layer's error may exceed that of rounding to its own steps, where these are the cause."""
CANCELS = 3.0
"""Times that the inputs of a sum are larger than the sum, where their difference is the cause."""


class Worst(TypedDict):
    """One of the least accurate layers."""

    name: str
    value: str
    sqnr_db: float
    why: str


def worst_layers(layers: Sequence[LayerError], graph: Graph) -> list[Worst]:
    """The least accurate layers, the worst first: those that stand out, or else the one.

    Args:
        layers: the errors of the layers.
        graph: the integer graph.
    """
    rated = sorted(((e["sqnr_db"], e) for e in layers if e["sqnr_db"] is not None), key=lambda rated: rated[0])
    if not rated:
        return []
    limit = max(WEAK, median(sqnr for sqnr, _ in rated) - BELOW_MEDIAN)
    chosen = [(sqnr, e) for sqnr, e in rated if sqnr < limit][:MOST] or rated[:1]
    by_value = {e["value"]: e for e in layers}
    return [
        Worst(name=e["name"], value=e["value"], sqnr_db=sqnr, why=_why(e, sqnr, graph, by_value)) for sqnr, e in chosen
    ]


def _why(error: LayerError, sqnr: float, graph: Graph, errors: dict[str, LayerError]) -> str:
    node = graph.producers[error["value"]]
    inputs = [e for e in _measured_inputs(node, graph, errors) if e["sqnr_db"] is not None]
    source = min(inputs, key=lambda e: e["sqnr_db"] or 0.0, default=None)
    if source is not None and source["sqnr_db"] is not None and sqnr > source["sqnr_db"] - NEAR:
        return f"passes on the error of {source['name']}, which has {source['sqnr_db']:.1f} dB"
    type = graph.type(error["value"])
    if type.q is not None and error["rms"] > 0.0:
        own = 10 * math.log10(12 * (error["rms"] / type.qp.s) ** 2)
        if own < sqnr + ITS_OWN:
            low, high = _range(type.qp, type.dtype.range)
            return f"its range, {low:.3g} to {high:.3g}, is wide for values of {error['rms']:.2g} (root mean square)"
    if len(inputs) > 1 and error["rms"] > 0.0 and min(e["rms"] for e in inputs) > CANCELS * error["rms"]:
        return "its inputs nearly cancel each other, and their errors stay"
    if any(graph.data(name) is not None for name in node.inputs):
        return "its weights lose more than its inputs and its own steps do"
    return "roundings of its inputs and its own steps add up"


def _measured_inputs(node: Node, graph: Graph, errors: dict[str, LayerError]) -> list[LayerError]:
    """Errors of what a node reads; of a value without any, such as a requantized one, of what that is made of."""
    found: list[LayerError] = []
    for name in node.inputs:
        if name is None or graph.data(name) is not None:
            continue
        if name in errors:
            found.append(errors[name])
        elif name in graph.producers:
            found += _measured_inputs(graph.producers[name], graph, errors)
    return found


def _range(q: QParams, range: tuple[int, int]) -> tuple[float, float]:
    low, high = range
    return q.s * (low - q.zp), q.s * (high - q.zp)
