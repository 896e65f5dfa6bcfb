"""When each buffer holds something that is still needed, and which values of a graph share a buffer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgeq.ir.graph import Graph
from edgeq.memory.schedule import Schedule


@dataclass(frozen=True)
class Span:
    """The steps during which a buffer is in use, both included. Inputs begin at −1, outputs end at the step count."""

    first: int
    last: int

    def meets(self, other: Span) -> bool:
        """Whether both are in use at one time."""
        return self.first <= other.last and other.first <= self.last


def liveness(schedule: Schedule) -> dict[str, Span]:
    """The span of every buffer. One that nothing reads is in use while it is written."""
    first = dict.fromkeys(schedule.inputs, -1)
    last = dict.fromkeys(schedule.inputs, -1)
    for index, step in enumerate(schedule.steps):
        for name in step.writes:
            first[name] = last[name] = index
        for read in step.reads:
            last[read.buffer] = index
    for name in schedule.outputs:
        last[name] = len(schedule.steps)
    return {name: Span(first[name], last[name]) for name in first}


def storage(graph: Graph) -> Mapping[str, str]:
    """The value whose bytes each computed value or input is: itself, unless a view operator made it."""
    roots: dict[str, str] = {name: name for name in graph.inputs}
    for node in graph.nodes:
        for out in node.outputs:
            source = node.inputs[0] if node.op.is_view else None
            roots[out] = roots[source] if source is not None and source in roots else out
    return roots
