"""Making a program fit a budget of memory: kernels with less scratch memory, then its first layers in stripes.

For every run of layers that comes into question, the heights of its stripes are estimated; the candidates that cost the
fewest extra multiplications are then planned exactly. Nothing depends on time, so every machine finds the same.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from edgeq.codegen.layout import Choice, Layout, choose, schedule
from edgeq.codegen.program import Streaming
from edgeq.codegen.stripes import Calls, Stripes
from edgeq.ir.graph import Graph, Node
from edgeq.kernels.choice import Wanted
from edgeq.memory import Homes, Needs, Schedule, needs, plan, shared_homes, whole_homes
from edgeq.passes.stream_rows import region, stream_rows

LAYERS = 24
"""The most layers that are computed in stripes together."""
PLANS = 16
"""The most candidates that are planned exactly."""
ATTEMPTS = 40
"""Orders of placing that are tried for each candidate."""


@dataclass(frozen=True, order=True)
class _Candidate:
    """Nodes `first` … `end` − 1 in `count` stripes of `heights`, each within `allowed` bytes; ordered by cost."""

    extra_macs: int
    count: int
    first: int
    end: int
    heights: tuple[int, ...]
    allowed: int

    @property
    def run(self) -> tuple[int, int]:
        """The first node, and the one after the last."""
        return self.first, self.end


def fit_into(layout: Layout, wanted: Wanted, budget: int, target: str = "") -> tuple[Layout, Streaming | None]:
    """The cheapest layout found that needs at most `budget` bytes; if there is none, the smallest one.

    Kernels that make no use of the target's instructions are considered only if all others fail.

    Args:
        layout: the plain layout.
        wanted: which kernels can be chosen.
        budget: bytes of the arena.
        target: the target's name, for messages.

    Raises:
        ModelError: a node has no kernel.
    """
    best: tuple[Layout, Streaming | None] = (layout, None)
    for slow in (False, True):
        tried = _Search(layout, Calls(wanted, slow), budget, target).run()
        best = min(best, tried, key=lambda f: f[0].plan.size)
        if best[0].plan.size <= budget:
            break
    return best


class _Search:
    """The search for a layout within a budget."""

    def __init__(self, layout: Layout, calls: Calls, budget: int, target: str) -> None:
        self.calls, self.budget, self.target = calls, budget, target
        self.graph = _in_order(layout)
        self.best = self.planned(layout.graph, layout.choices, whole_homes(layout.graph), budget)

    def run(self) -> tuple[Layout, Streaming | None]:
        """The cheapest layout that fits, or the smallest one found."""
        best: tuple[Layout, Streaming | None] = (self.best, None)
        if self.best.plan.size <= self.budget:
            return best
        runs = self.runs(self.budget)
        heap = [c for run in runs.values() if (c := _candidate(run, self.budget)) is not None]
        heapq.heapify(heap)
        known: dict[tuple[int, int], int] = {}
        for _ in range(PLANS):
            if not heap:
                break
            candidate = heapq.heappop(heap)
            tried = self.stream(candidate, self.budget)
            size = tried[0].plan.size
            if size <= self.budget:
                return tried
            best = min(best, tried, key=lambda f: f[0].plan.size)
            run = runs[candidate.first, candidate.end]
            if size < known.get(candidate.run, size + 1):
                known[candidate.run] = size
                heap += _lower(run, candidate, size - self.budget)
            else:  # something outside of these layers does not fit either
                heap = [c for c in heap if c.first < run.first or c.end > run.end]
            heapq.heapify(heap)
        smallest = self.smallest()
        return best if smallest is None else min(best, self.stream(smallest, 0), key=lambda f: f[0].plan.size)

    def thrifty(self, planned: Schedule, choices: Sequence[Choice], homes: Homes, graph: Graph) -> tuple[Choice, ...]:
        """The same calls; one over the budget gets the fastest kernel that is not, or the one that needs least."""
        chosen, moments = list(choices), Needs(planned)
        for index, choice in enumerate(choices):
            if moments.at(index) <= self.budget:
                continue
            tried = []
            for kernel in self.calls.kernels(choice.site):
                other = replace(choice, kernel=kernel)
                (step,) = schedule(graph, [other], homes.of).steps
                tried.append((moments.at(index, step), other))
            chosen[index] = next((c for n, c in tried if n <= self.budget), min(tried, key=lambda t: t[0])[1])
        return tuple(chosen)

    def planned(self, graph: Graph, choices: Sequence[Choice], homes: Homes, budget: int) -> Layout:
        """A layout of the calls in their order, with thrifty kernels."""
        chosen = self.thrifty(schedule(graph, choices, homes.of), choices, homes, graph)
        planned = schedule(graph, chosen, homes.of)
        return Layout(graph, homes.of, chosen, planned, plan(planned, attempts=ATTEMPTS, enough=budget))

    def stream(self, candidate: _Candidate, budget: int) -> tuple[Layout, Streaming]:
        """The layout of a candidate; the search for offsets ends at `budget` bytes."""
        streamed = stream_rows(self.graph, candidate.first, candidate.end, candidate.heights)
        homes = shared_homes(streamed)
        choices = choose(streamed, self.calls.wanted, self.target, homes.free)
        plain, now = _macs(self.graph), _macs(streamed)
        layers = tuple(node.name for node in self.graph.nodes[candidate.first : candidate.end])
        percent = round(100 * (now - plain) / max(plain, 1), 2)
        layout = self.planned(streamed, choices, homes, budget)
        return layout, Streaming(layers, candidate.heights, now - plain, percent)

    @cached_property
    def needs(self) -> Mapping[int, int]:
        """Bytes that each node with a call needs, without stripes."""
        index = {node.name: i for i, node in enumerate(self.graph.nodes)}
        needed = needs(self.best.schedule)[1:-1]
        return {index[choice.node.name]: bytes for choice, bytes in zip(self.best.choices, needed, strict=True)}

    def runs(self, budget: int) -> dict[tuple[int, int], Stripes]:
        """The runs of nodes that contain all calls which need more than `budget`, by first and end."""
        limit = min(budget, max(self.needs.values(), default=0) - 1)
        over = [index for index, needed in self.needs.items() if needed > limit]
        runs = {}
        for first in range(over[0] + 1 if over else 0):
            for end in range(over[-1] + 1, min(len(self.graph.nodes), first + LAYERS) + 1):
                nodes = region(self.graph, first, end)
                if nodes is not None:
                    runs[first, end] = Stripes(self.graph, (first, end), nodes, self.calls)
        return runs

    def smallest(self) -> _Candidate | None:
        """The layers for which, in the lowest stripes, the largest need of any layer is smallest."""
        best: tuple[int, _Candidate] | None = None
        for run in sorted(
            self.runs(max(self.needs.values(), default=0)).values(), key=lambda r: (r.end - r.first, r.first)
        ):
            outside = max([n for index, n in self.needs.items() if not run.first <= index < run.end], default=0)
            limit = best[0] if best is not None else 1 << 62
            if outside < limit and (least := run.least(limit)) < limit:
                candidate = _candidate(run, least)
                best = best if candidate is None else (max(least, outside), candidate)
        return best[1] if best else None


def _in_order(layout: Layout) -> Graph:
    """The graph with its nodes in order of execution; those without a call follow what they need."""
    calls = {choice.node.name for choice in layout.choices}
    waiting = [node for node in layout.graph.nodes if node.name not in calls]
    known = {*layout.graph.inputs, *(n for n, v in layout.graph.values.items() if v.data is not None)}
    nodes: list[Node] = []

    def settle() -> None:
        for node in list(waiting):
            if all(n is None or n in known for n in node.inputs):
                waiting.remove(node)
                nodes.append(node)
                known.update(node.outputs)

    settle()
    for choice in layout.choices:
        nodes.append(choice.node)
        known.update(choice.node.outputs)
        settle()
    return replace(layout.graph, nodes=tuple(nodes))


def _macs(graph: Graph) -> int:
    return sum(node.op.macs(graph.site(node)) for node in graph.nodes)


def _candidate(run: Stripes, allowed: int) -> _Candidate | None:
    """The tallest stripes that need no more than `allowed` bytes by estimate."""
    heights = run.heights(allowed)
    if heights is None or len(heights) < 2:
        return None
    plain = sum(node.op.macs(run.graph.site(node)) for node in run.region.nodes)
    return _Candidate(run.macs(heights) - plain, len(heights), run.first, run.end, heights, allowed)


def _lower(run: Stripes, before: _Candidate, excess: int) -> list[_Candidate]:
    """The same layers in lower stripes.

    The estimate leaves out gaps between tensors, so the allowance is lowered by the excess, repeatedly if need be.
    """
    for _ in range(8):
        candidate = _candidate(run, before.allowed - excess)
        if candidate is None:
            return []
        if candidate.heights != before.heights:
            return [candidate]
        before = replace(before, allowed=candidate.allowed)
    return []
