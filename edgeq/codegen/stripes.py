"""How much memory a run of layers needs when it is computed in stripes, estimated without a plan."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from edgeq.ir.graph import Graph, Node
from edgeq.ir.kernel import Kernel
from edgeq.ir.op import Op
from edgeq.ir.site import Site
from edgeq.ir.tensor import Shape
from edgeq.kernels.choice import Wanted
from edgeq.memory import ALIGNMENT, whole_homes
from edgeq.passes.stream_rows import Region, StripeRows, height, stripe_rows, with_rows

Call = tuple[int, tuple[int | None, ...]]
"""A kernel's scratch bytes, and for each of its inputs the least distance of the output that is allowed."""


class Calls:
    """The kernels that could compute a node.

    Attributes:
        wanted: what decides the choice.
        slow: whether to include kernels that make no use of the target's instructions where others do.
    """

    def __init__(self, wanted: Wanted, slow: bool) -> None:
        self.wanted, self.slow = wanted, slow
        self._known: dict[tuple[str, Op, tuple[Shape | None, ...]], tuple[Call, ...]] = {}

    def kernels(self, site: Site) -> tuple[Kernel, ...]:
        """The fastest first; none if no kernel takes the site."""
        fitting = self.wanted.fitting(site)
        return fitting if self.slow else tuple(k for k in fitting if k.isa or not fitting[0].isa)

    def of(self, site: Site) -> tuple[Call, ...]:
        """What `kernels` need, remembered by the operator and the shapes of its operands."""
        key = (site.name, site.op, tuple(t.shape if t else None for t in site.inputs))
        if key not in self._known:
            self._known[key] = tuple(
                (kernel.scratch(site), tuple(map(_least, kernel.overlap(site), kernel.exactly(site))))
                for kernel in self.kernels(site)
            )
        return self._known[key]


def _least(overlap: int | None, exactly: int | None) -> int | None:
    return min((k for k in (overlap, exactly) if k is not None), default=None)


class Stripes:
    """A run of nodes of a graph, to be computed in stripes.

    Attributes:
        first, end: the nodes `first` … `end` − 1.
        height: rows of the output along which it is cut.
    """

    def __init__(self, graph: Graph, run: tuple[int, int], region: Region, calls: Calls) -> None:
        self.graph, self.region, self.calls = graph, region, calls
        self.first, self.end = run
        self.height = height(graph, region)
        self._rows: dict[tuple[int, int], StripeRows | None] = {}
        self._types = {n: graph.type(n) for n in (*region.inputs, *(node.outputs[0] for node in region.nodes))}
        self._row = {n: t.nbytes // t.shape[1] for n, t in self._types.items() if len(t.shape) == 4}

    def rows(self, begin: int, end: int) -> StripeRows | None:
        """What a stripe computes; None if it cannot be computed alone."""
        if (begin, end) not in self._rows:
            self._rows[begin, end] = stripe_rows(self.graph, self.region, (begin, end))
        return self._rows[begin, end]

    @cached_property
    def _kept(self) -> tuple[frozenset[str], int]:
        """Inputs of the run that are needed after it, and the bytes of all other values that outlast it."""
        roots = {name: home.root for name, home in whole_homes(self.graph).of.items()}
        before = {*self.graph.inputs, *(n for node in self.graph.nodes[: self.first] for n in node.outputs)}
        later = {n for node in self.graph.nodes[self.end :] for n in node.inputs} | set(self.graph.outputs)
        lasting = {roots[n] for n in later if n in roots} & {roots[n] for n in before if n in roots}
        inputs = {n: roots[n] for n in self.region.inputs}
        around = sum(self.graph.type(root).nbytes for root in lasting - set(inputs.values()))
        return frozenset(n for n, root in inputs.items() if root in lasting), around

    @cached_property
    def cuts(self) -> tuple[int, ...]:
        """Rows at which a stripe can begin so that all it shares with other stripes is aligned."""
        return (0, *(row for row in range(1, self.height) if self._aligned(row)))

    def _aligned(self, begin: int) -> bool:
        stripe = self.rows(begin, begin + 1)
        if stripe is None:
            return False
        starts = [(n, rows[0]) for n, rows in (*stripe.own.items(), *stripe.needed.items())]
        for node in self.region.nodes:
            for name, part in zip(node.inputs, stripe.reads[node.name], strict=True):
                if name is not None and part is not None:
                    starts.append((name, part[0] - stripe.rows.get(name, (0, 0))[0]))
        return all(row * self._row[n] % ALIGNMENT == 0 for n, row in starts)

    def macs(self, heights: Iterable[int]) -> int:
        """Multiply-accumulates of the run in these stripes."""
        total = begin = 0
        for size in heights:
            stripe = self.rows(begin, begin + size)
            assert stripe is not None
            total += sum(node.op.macs(self._site(stripe, node)) for node in self.region.nodes)
            begin += size
        return total

    def _site(self, stripe: StripeRows, node: Node) -> Site:
        parts = stripe.reads[node.name]
        whole = [None if n is None else self.graph.type(n) for n in node.inputs]
        return Site(
            name=node.name,
            op=stripe.ops[node.name],
            inputs=tuple(t if t is None or r is None else with_rows(t, r) for t, r in zip(whole, parts, strict=True)),
            outputs=(with_rows(self._types[node.outputs[0]], stripe.rows[node.outputs[0]]),),
            consts=tuple(self.graph.data(n) for n in node.inputs),
            numerics=self.graph.site(node).numerics,
        )

    def heights(self, budget: int) -> tuple[int, ...] | None:
        """The tallest stripes that need at most `budget` bytes each, from top to bottom; None: one does not fit."""
        heights: list[int] = []
        begin = 0
        ends = (*self.cuts[1:], self.height)
        while begin < self.height:
            best = None
            for end in (e for e in ends if e > begin):
                if self.needed(begin, end, budget) > budget:
                    break
                best = end
            if best is None:
                return None
            heights.append(best - begin)
            begin = best
        return tuple(heights)

    def least(self, limit: int) -> int:
        """The bytes that the lowest stripes need; `limit` if they are that many or more."""
        worst = 0
        for begin, end in zip(self.cuts, (*self.cuts[1:], self.height), strict=True):
            worst = max(worst, self.needed(begin, end, 0))
            if worst >= limit:
                return limit
        return worst

    def needed(self, begin: int, end: int, budget: int) -> int:
        """Bytes during a stripe when all stripes above it are done, with the fastest kernels that need no more than
        `budget`; a number beyond all budgets if the stripe cannot be computed."""
        stripe = self.rows(begin, end)
        following = self.rows(end, end + 1) if end < self.height else None
        if stripe is None or (following is None and end < self.height):
            return 1 << 62
        worst = 0
        for index in range(len(self.region.nodes)):
            others, merged, out = self._present(stripe, following, index)
            calls = self.calls.of(self._site(stripe, self.region.nodes[index]))
            if not calls:
                return 1 << 62
            options = [others + _extent(out, merged, nearest) + scratch for scratch, nearest in calls]
            worst = max(worst, next((n for n in options if n <= budget), min(options)))
        return worst

    def _present(
        self, stripe: StripeRows, following: StripeRows | None, index: int
    ) -> tuple[int, list[tuple[int, int, int]], int]:
        """What is in memory during a node of a stripe.

        Returns:
            The bytes other than its output and what it reads for the last time; for each range that it reads for the
            last time, the index of the operand, the byte of what is read at which the range begins, and its length;
            the bytes of the output.
        """
        nodes, node = self.region.nodes, self.region.nodes[index]
        kept, total = self._kept
        merged: list[tuple[int, int, int]] = []
        reads = dict(zip(node.inputs, stripe.reads[node.name], strict=True))
        position = {name: i for i, name in reversed(list(enumerate(node.inputs)))}
        for name in self.region.inputs:
            size, row = self._types[name].nbytes, self._row.get(name, 0)
            last = following.needed.get(name, (0, 0))[0] if following is not None and name in following.needed else None
            now, after = self._from(stripe, name, index, last), self._from(stripe, name, index + 1, last)
            whole = name not in stripe.needed and (following is not None or self._read_from(name, index))
            if name in kept or whole:
                total += size
            elif now is not None:
                rest = size if after is None else after * row
                part = reads.get(name)
                if part is not None and rest > (start := max(now, part[0]) * row):
                    dead = min(rest, part[1] * row) - start
                    merged.append((position[name], start - part[0] * row, max(dead, 0)))
                    total -= max(dead, 0)
                total += size - now * row
        for other, producer in enumerate(nodes):
            name = producer.outputs[0]
            own, rows = stripe.own.get(name), stripe.rows[name]
            if own is not None:  # the rows of it that are there already, in their place
                total += (own[1] if other < index and own == rows else own[0]) * self._row[name]
            local = own is None or own != rows
            bytes = (rows[1] - rows[0]) * self._row[name]
            if local and other < index:
                if self._read_from(name, index + 1) or own is not None:
                    total += bytes
                elif name in reads:
                    part = reads[name]
                    assert part is not None
                    merged.append((position[name], (rows[0] - part[0]) * self._row[name], bytes))
        out = stripe.rows[node.outputs[0]]
        return total, merged, (out[1] - out[0]) * self._row[node.outputs[0]]

    def _read_from(self, name: str, index: int) -> bool:
        return any(name in node.inputs for node in self.region.nodes[index:])

    def _from(self, stripe: StripeRows, name: str, index: int, last: int | None) -> int | None:
        """The first row of an input that a node from `index` on, or a later stripe, reads; None: nothing does."""
        starts = [] if last is None else [last]
        for node in self.region.nodes[index:]:
            starts += [
                part[0] for n, part in zip(node.inputs, stripe.reads[node.name], strict=True) if n == name and part
            ]
        return min(starts, default=None)


def _extent(out: int, merged: list[tuple[int, int, int]], nearest: tuple[int | None, ...]) -> int:
    """Least extent in bytes of an output together with what it may overlap; see edgeq.memory.bound."""
    end = beside = 0
    jobs = []
    for operand, start, bytes in merged:
        allowed = nearest[operand]
        if allowed is None:
            beside += bytes
        else:
            jobs.append((allowed + start, bytes))
    for distance, bytes in sorted(jobs):
        end = max(end, min(max(distance, 0), out)) + bytes
    return max(end, out) + beside
