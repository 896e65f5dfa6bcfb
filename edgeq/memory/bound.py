"""How many bytes the buffers that a step needs at one time cannot do without, however they are placed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from edgeq.memory.liveness import liveness
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

    All of them start at multiples of the alignment, so that each takes its aligned size, but for the highest one.

    Args:
        sizes: bytes of every buffer.
        live: buffers that hold something, including what `step` reads and writes.
        step: what is executed; its scratch memory counts too.
        last: buffers that nothing reads after this step, so that its output may overlap them.
    """
    found = {name: sizes[name] for name in live}
    merged: dict[str, int] = {}
    if step is not None:
        merged = {n: k for n in last if n in found and found[n] and (k := step.nearest(n)) is not None}
    total = sum(aligned(size) for name, size in found.items() if name not in merged)
    slack = max((aligned(size) - size for size in found.values() if size), default=0)
    if step is not None:
        if merged:
            out = aligned(sizes[step.writes[0]])
            total += united(out, ((k, aligned(found[n])) for n, k in merged.items())) - out
        total += aligned(step.scratch)
        slack = max(slack, aligned(step.scratch) - step.scratch)
    return total - slack if total else 0


def needs(schedule: Schedule) -> Sequence[int]:
    """Bytes that each step cannot do without, in this order of steps; before and after them, inputs and outputs."""
    spans = liveness(schedule)
    found = []
    for index in range(-1, len(schedule.steps) + 1):
        step = schedule.steps[index] if 0 <= index < len(schedule.steps) else None
        live = [name for name, span in spans.items() if span.first <= index <= span.last]
        read = {r.buffer for r in step.reads} if step else set()
        last = [n for n in live if n in read and spans[n].last == index]
        found.append(together(schedule.sizes, live, step, last))
    return found
