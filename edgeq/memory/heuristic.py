"""Placing blocks one by one, each at the lowest offset that no block in use at the same time forbids.

See Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020, section 5. Several orders of
placing are tried; the best one is then varied for a fixed number of attempts, by a generator with a fixed seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from edgeq.memory.blocks import Block, Rule
from edgeq.memory.liveness import Span
from edgeq.memory.schedule import ALIGNMENT

Offsets = Mapping[int, int]
"""Where each block lies, by its index."""


def _lowest(placed: Sequence[tuple[int, Rule]]) -> int:
    """The lowest offset for a block, given the offsets of the blocks that bind it, and how."""
    ranges = sorted((start + low, start + high) for start, rule in placed for low, high in rule.forbidden)
    offset = 0
    for low, high in ranges:
        if low > offset:
            break
        offset = max(offset, high + ALIGNMENT)
    return offset


def place(
    order: Sequence[int], blocks: Sequence[Block], rules: Sequence[Sequence[Rule]], pinned: Offsets
) -> tuple[dict[int, int], int]:
    """Place blocks in `order`. Returns offsets by index, and the arena's size."""
    offsets = dict(pinned)
    for i in order:
        if i not in offsets:
            offsets[i] = _lowest([(offsets[r.other], r) for r in rules[i] if r.other in offsets])
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
        lambda i: (-worst(i), -length(i), i),
        lambda i: (i,),
        lambda i: (-i,),
    ]
    return [sorted(everything, key=key) for key in keys]


def place_greedily(
    blocks: Sequence[Block], rules: Sequence[Sequence[Rule]], pinned: Offsets, bound: int, attempts: int
) -> tuple[dict[int, int], int]:
    """The best placement of all that were tried, and its size; stops at `bound`.

    Args:
        blocks: what to place.
        rules: for every block, what binds it.
        pinned: offsets of blocks whose place is fixed.
        bound: bytes below which no placement can go.
        attempts: orders to try beyond the systematic ones.
    """
    best_order, (best, size) = min(
        ((order, place(order, blocks, rules, pinned)) for order in _orders(blocks)),
        key=lambda candidate: candidate[1][1],
    )
    chance = random.Random(len(blocks))
    for _ in range(attempts if len(blocks) > 2 else 0):
        if size <= bound:
            break
        order = list(best_order)
        for _ in range(chance.choice((1, 1, 2, 3))):
            order.insert(chance.randrange(len(order)), order.pop(chance.randrange(len(order))))
        offsets, new_size = place(order, blocks, rules, pinned)
        if new_size <= size:
            best_order, best, size = order, offsets, new_size
    return best, size
