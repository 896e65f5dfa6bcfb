"""What has to be placed in the arena, and what keeps two of those things apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeq.memory.liveness import Span, liveness
from edgeq.memory.schedule import Schedule


@dataclass(frozen=True)
class Block:
    """Something to place: a buffer, or a step's scratch memory."""

    name: str
    size: int
    span: Span


@dataclass(frozen=True)
class Rule:
    """What keeps two blocks apart.

    Attributes:
        other: index of the other block.
        least: this block may lie over the other one if it starts at least `least` bytes before it; None: never.
        most: this block may lie over the other one if it starts at least `most` bytes after it; None: never.
        exactly: this block may lie over the other one if it starts `exactly` bytes after it; None: never.
    """

    other: int
    least: int | None = None
    most: int | None = None
    exactly: int | None = None


def scratch_name(step: int) -> str:
    """The name of a step's scratch memory; no buffer is called so."""
    return f"\0scratch {step}"


def blocks_of(schedule: Schedule) -> list[Block]:
    """Everything to place, in order of first use."""
    spans = liveness(schedule)
    found = [Block(name, schedule.sizes[name], span) for name, span in spans.items()]
    found += [
        Block(scratch_name(i), step.scratch, Span(i, i)) for i, step in enumerate(schedule.steps) if step.scratch > 0
    ]
    return sorted(found, key=lambda b: (b.span.first, b.span.last, b.name))


def rules_of(schedule: Schedule, blocks: Sequence[Block]) -> list[list[Rule]]:
    """For every block, the rules that bind it to others."""
    index = {block.name: i for i, block in enumerate(blocks)}
    allowed: dict[tuple[int, int], int] = {}  # (input, output) → the output may start this much before the input
    after: dict[tuple[int, int], int] = {}  # two blocks → the first may start just this much after the second
    for number, step in enumerate(schedule.steps):
        for read in step.reads:
            i = index[read.buffer]
            if blocks[i].span.last == number and len(step.writes) == 1:
                out = index[step.writes[0]]
                if (k := step.overlap(read.buffer)) is not None:
                    allowed[i, out] = k
                if (d := step.exactly(read.buffer)) is not None:
                    after[i, out], after[out, i] = d, -d
    rules: list[list[Rule]] = [[] for _ in blocks]
    for i, a in enumerate(blocks):
        for j in range(i + 1, len(blocks)):
            if a.size and blocks[j].size and a.span.meets(blocks[j].span):
                rules[i].append(Rule(j, allowed.get((j, i)), allowed.get((i, j)), after.get((i, j))))
                rules[j].append(Rule(i, allowed.get((i, j)), allowed.get((j, i)), after.get((j, i))))
    return rules
