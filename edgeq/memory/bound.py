"""Lower bounds: the bytes that the buffers in use at one step need, however they are placed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from edgeq.memory.liveness import Piece, liveness, pieces
from edgeq.memory.schedule import Schedule, Step, aligned


def united(output: int, inputs: Iterable[tuple[int, int]]) -> int:
    """Least extent of an output together with the inputs that it may overlap.

    It is the makespan of jobs with release times: inputs lie one after another, each at least its overlap behind the
    start of the output, and taking them by rising overlap is best.

    Args:
        output: bytes of the output.
        inputs: for each input, its overlap and its bytes.
    """
    end = 0
    for overlap, size in sorted(inputs):
        end = max(end, min(max(aligned(overlap), 0), output)) + size
    return max(end, output)


def together(
    sizes: Mapping[str, int], live: Collection[str], step: Step | None = None, last: Collection[str] = ()
) -> int:
    """Bytes of arena that a set of buffers needs at one time.

    Every buffer starts at a multiple of the alignment, so each takes its aligned size, except the highest one.

    Args:
        sizes: bytes of every buffer.
        live: buffers that hold something, including what `step` reads and writes.
        step: what is executed; its scratch memory counts too.
        last: buffers that nothing reads after this step, so that its output may overlap them.
    """
    live_sizes = {name: sizes[name] for name in live}
    merged: dict[str, int] = {}
    if step is not None:
        merged = {n: k for n in last if n in live_sizes and live_sizes[n] and (k := step.nearest(n)) is not None}
    total = sum(aligned(size) for name, size in live_sizes.items() if name not in merged)
    slack = max((aligned(size) - size for size in live_sizes.values() if size), default=0)
    if step is not None:
        if merged:
            out = aligned(sizes[step.writes[0]])
            total += united(out, ((k, aligned(live_sizes[n])) for n, k in merged.items())) - out
        total += aligned(step.scratch)
        slack = max(slack, aligned(step.scratch) - step.scratch)
    return total - slack if total else 0


class Needs:
    """The least bytes of arena that each step of a schedule needs, in this order of steps."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self._spans = liveness(schedule)
        self._pieces = [(n, p) for n, parts in pieces(schedule).items() for p in parts] if schedule.divided else []

    def at(self, index: int, step: Step | None = None) -> int:
        """Bytes during a step; −1 is before the first one, and the number of steps after the last one.

        Args:
            index: of the step.
            step: a step to consider in its place, with the same reads and writes.
        """
        if step is None and 0 <= index < len(self.schedule.steps):
            step = self.schedule.steps[index]
        if self._pieces:
            return self._divided(index, step)
        live = [name for name, span in self._spans.items() if span.first <= index <= span.last]
        read = {r.buffer for r in step.reads} if step else set()
        last = [n for n in live if n in read and self._spans[n].last == index]
        return together(self.schedule.sizes, live, step, last)

    def _divided(self, index: int, step: Step | None) -> int:
        """The same where buffers are read and written in parts, which lie side by side without gaps."""
        live = [(n, p) for n, p in self._pieces if p.span.first <= index <= p.span.last]
        total = sum(p.part.size for _, p in live)
        if step is None:
            return total
        return total + step.scratch - _shared(self.schedule, step, [(n, p) for n, p in live if p.span.last == index])


def needs(schedule: Schedule) -> Sequence[int]:
    """The least bytes that each step needs, in this order; before the first the inputs, after the last the outputs."""
    bounds = Needs(schedule)
    return [bounds.at(index) for index in range(-1, len(schedule.steps) + 1)]


def _shared(schedule: Schedule, step: Step, dying: Iterable[tuple[str, Piece]]) -> int:
    """The most bytes that a step's output can have in common with what is read for the last time."""
    written = schedule.written(step)
    if len(written) != 1:
        return 0
    size, overlaps = written[0][1].size, list[tuple[int, int]]()
    for name, piece in dying:
        reads = [(schedule.read(r), r) for r in step.reads if r.buffer == name]
        reads = [(part, r) for part, r in reads if part.covers(piece.part.start, piece.part.end)]
        nearest = [
            [k + piece.part.start - part.start for k in (r.overlap, r.exactly) if k is not None] for part, r in reads
        ]
        if reads and all(nearest):
            overlaps.append((max(min(k) for k in nearest), piece.part.size))
    end = 0
    for overlap, length in sorted(overlaps):
        end = max(end, min(max(overlap, 0), size)) + length
    return size + sum(length for _, length in overlaps) - max(end, size)
