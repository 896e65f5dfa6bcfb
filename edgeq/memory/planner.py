"""Offsets of all buffers in one arena.

Buffers are placed one by one, each at the lowest offset that no buffer in use at the same time forbids (Pisarchyk and
Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020, section 5), in several orders; the best order is
then varied for a fixed number of attempts. Every choice is deterministic.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edgeq.errors import InternalError
from edgeq.memory.check import check
from edgeq.memory.liveness import Span, liveness
from edgeq.memory.schedule import ALIGNMENT, Plan, Schedule, aligned

ATTEMPTS = 400
"""Orders tried after the systematic ones, unless the bound was reached before."""


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
    """

    other: int
    least: int | None = None
    most: int | None = None


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
    for number, step in enumerate(schedule.steps):
        for read in step.reads:
            k = step.overlap(read.buffer)
            i = index[read.buffer]
            if k is not None and blocks[i].span.last == number:
                allowed[i, index[step.writes[0]]] = k
    rules: list[list[Rule]] = [[] for _ in blocks]
    for i, a in enumerate(blocks):
        for j in range(i + 1, len(blocks)):
            if a.size and blocks[j].size and a.span.meets(blocks[j].span):
                rules[i].append(Rule(j, least=allowed.get((j, i)), most=allowed.get((i, j))))
                rules[j].append(Rule(i, least=allowed.get((i, j)), most=allowed.get((j, i))))
    return rules


def lower_bound(schedule: Schedule, blocks: Sequence[Block], rules: Sequence[Sequence[Rule]]) -> int:
    """Bytes that no plan can do without: the greatest sum of what is in use at one time, less what may coincide."""
    bound = 0
    for step in range(-1, len(schedule.steps) + 1):
        live = [i for i, b in enumerate(blocks) if b.span.first <= step <= b.span.last]
        total = sum(blocks[i].size for i in live)
        saved: dict[int, int] = {}
        for i in live:
            for rule in rules[i]:
                other = blocks[rule.other]
                if rule.least is not None and other.span.first <= step <= other.span.last:
                    extent = max(max(rule.least, 0) + other.size, blocks[i].size)
                    saved[i] = saved.get(i, 0) + max(blocks[i].size + other.size - extent, 0)
        bound = max(bound, total - sum(min(s, blocks[i].size) for i, s in saved.items()))
    return bound


def _fits(offset: int, size: int, placed: Sequence[tuple[int, int, Rule]]) -> bool:
    for start, length, rule in placed:
        if offset >= start + length or offset + size <= start:
            continue
        if rule.least is not None and offset + rule.least <= start:
            continue
        if rule.most is not None and offset >= start + rule.most:
            continue
        return False
    return True


def _lowest(size: int, placed: Sequence[tuple[int, int, Rule]]) -> int:
    """The lowest aligned offset for a block, given (offset, size, rule) of the blocks that bind it."""
    candidates = {0}
    for start, length, rule in placed:
        candidates.add(aligned(start + length))
        if rule.least is not None:
            candidates.add((start - rule.least) // ALIGNMENT * ALIGNMENT)
        if rule.most is not None:
            candidates.add(aligned(start + rule.most))
    return next(c for c in sorted(candidates) if c >= 0 and _fits(c, size, placed))


def place(
    order: Sequence[int], blocks: Sequence[Block], rules: Sequence[Sequence[Rule]], pinned: Mapping[int, int]
) -> tuple[dict[int, int], int]:
    """Place blocks in `order`. Returns offsets by index, and the arena's size."""
    offsets = dict(pinned)
    for i in order:
        if i not in offsets:
            bound = [(offsets[r.other], blocks[r.other].size, r) for r in rules[i] if r.other in offsets]
            offsets[i] = _lowest(blocks[i].size, bound)
    return offsets, max((offsets[i] + b.size for i, b in enumerate(blocks)), default=0)


def _orders(blocks: Sequence[Block]) -> list[list[int]]:
    def length(i: int) -> int:
        return blocks[i].span.last - blocks[i].span.first + 1

    everything = range(len(blocks))
    pressure = [
        sum(b.size for b in blocks if b.span.meets(Span(step, step)))
        for step in range(-1, max((b.span.last for b in blocks), default=0) + 1)
    ]

    def worst(i: int) -> int:
        return max(pressure[blocks[i].span.first + 1 : blocks[i].span.last + 2])

    keys: list[Callable[[int], tuple[int, ...]]] = [
        lambda i: (-blocks[i].size, i),
        lambda i: (-length(i), -blocks[i].size, i),
        lambda i: (-length(i) * blocks[i].size, i),
        lambda i: (-worst(i), -blocks[i].size, i),
        lambda i: (i,),
        lambda i: (-i,),
    ]
    return [sorted(everything, key=key) for key in keys]


def plan(schedule: Schedule, pinned: Mapping[str, int] | None = None, attempts: int = ATTEMPTS) -> Plan:
    """Place all buffers and scratch memories of a schedule.

    Args:
        schedule: what to plan for.
        pinned: offsets of buffers that must lie at a certain place.
        attempts: orders to try beyond the systematic ones.

    Raises:
        InternalError: pinned buffers collide, or the plan fails its independent check.
    """
    blocks = blocks_of(schedule)
    rules = rules_of(schedule, blocks)
    index = {b.name: i for i, b in enumerate(blocks)}
    fixed = {index[name]: offset for name, offset in (pinned or {}).items()}
    bound = lower_bound(schedule, blocks, rules)
    orders = _orders(blocks)
    best_order, (best, size) = min(
        ((order, place(order, blocks, rules, fixed)) for order in orders), key=lambda found: found[1][1]
    )
    chance = random.Random(len(blocks))
    for _ in range(attempts if len(blocks) > 2 else 0):
        if size <= bound:
            break
        order = list(best_order)
        for _ in range(chance.choice((1, 1, 2, 3))):
            order.insert(chance.randrange(len(order)), order.pop(chance.randrange(len(order))))
        offsets, found = place(order, blocks, rules, fixed)
        if found <= size:
            best_order, best, size = order, offsets, found
    result = Plan(
        offsets={b.name: best[i] for i, b in enumerate(blocks) if b.name in schedule.sizes},
        scratch=tuple(best[index[scratch_name(i)]] if s.scratch > 0 else 0 for i, s in enumerate(schedule.steps)),
        size=size,
        bound=bound,
    )
    problems = check(schedule, result)
    if problems:
        raise InternalError(f"the memory plan is wrong: {problems[0]}", hint="please report this model as a defect")
    return result
