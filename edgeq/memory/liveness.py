"""When each buffer holds something that is still needed, and which values of a graph share a buffer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from edgeq.ir.graph import Graph
from edgeq.memory.schedule import Part, Schedule


@dataclass(frozen=True)
class Span:
    """The steps during which a buffer is in use, both included. Inputs begin at −1, outputs end at the step count."""

    first: int
    last: int

    def meets(self, other: Span) -> bool:
        """Whether both are in use at one time."""
        return self.first <= other.last and other.first <= self.last


def liveness(schedule: Schedule) -> dict[str, Span]:
    """The span of every buffer, from first write to last read. One that nothing reads is in use while it is written."""
    first = dict.fromkeys(schedule.inputs, -1)
    last = dict.fromkeys(schedule.inputs, -1)
    for index, step in enumerate(schedule.steps):
        for name in step.writes:
            first.setdefault(name, index)
            last[name] = index
        for read in step.reads:
            last[read.buffer] = index
    for name in schedule.outputs:
        last[name] = len(schedule.steps)
    return {name: Span(first[name], last[name]) for name in first}


@dataclass(frozen=True)
class Piece:
    """Neighbouring bytes of a buffer that are in use during the same steps; the last one reads them together."""

    part: Part
    span: Span


def pieces(schedule: Schedule) -> dict[str, tuple[Piece, ...]]:
    """For every buffer, its pieces by rising offset: the parts that are read and written begin and end them.

    Bytes that are never written belong to no piece.
    """
    if not schedule.divided:
        return {n: (Piece(Part(0, schedule.sizes[n]), s),) for n, s in liveness(schedule).items()}
    begun: dict[str, list[tuple[Part, int]]] = {n: [(Part(0, schedule.sizes[n]), -1)] for n in schedule.inputs}
    ended: dict[str, list[tuple[Part, int]]] = {}
    for index, step in enumerate(schedule.steps):
        for name, part in schedule.written(step):
            begun.setdefault(name, []).append((part, index))
        for read in step.reads:
            ended.setdefault(read.buffer, []).append((schedule.read(read), index))
    for name in schedule.outputs:
        ended.setdefault(name, []).append((Part(0, schedule.sizes[name]), len(schedule.steps)))
    pieces_of = {}
    for name in begun:
        both = [part for part, _ in (*begun[name], *ended.get(name, []))]
        cuts = sorted({cut for part in both for cut in (part.start, part.end)})
        merged: list[tuple[Piece, list[Part]]] = []
        for start, end in pairwise(cuts):
            first = min((i for part, i in begun[name] if part.covers(start, end)), default=None)
            if first is None:
                continue
            reads = [(part, i) for part, i in ended.get(name, []) if part.covers(start, end)]
            span = Span(first, max((i for _, i in reads), default=first))
            users = [part for part, i in reads if i == span.last]
            if merged and merged[-1][0].span == span and merged[-1][0].part.end == start and merged[-1][1] == users:
                start = merged.pop()[0].part.start
            merged.append((Piece(Part(start, end - start), span), users))
        pieces_of[name] = tuple(piece for piece, _ in merged)
    return pieces_of


def storage(graph: Graph) -> Mapping[str, str]:
    """For each computed value and input, the value whose bytes it uses: itself, unless it is the output of a view."""
    roots: dict[str, str] = {name: name for name in graph.inputs}
    for node in graph.nodes:
        for out in node.outputs:
            source = node.inputs[0] if node.op.is_view else None
            roots[out] = roots[source] if source is not None and source in roots else out
    return roots
