"""Exact placement: whether blocks fit into a given number of bytes, by search over which of two blocks lies lower.

Two blocks that are in use at one time are kept apart by one of two differences: the second starts at least so much
after the first, or the first so much after the second; a few may also start at certain distances between. As in
disjunctive scheduling, every block has a range of offsets, every decided pair narrows the ranges, and a pair with only
one choice left is thereby decided. The search branches only on pairs that the lowest offsets of all ranges violate; if
there are none, those offsets are a plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from edgeq.memory.blocks import Block, Range, Rule
from edgeq.memory.schedule import ALIGNMENT

LOOKS = 2_000_000
"""Pairs of blocks that one search may look at. Decisions alone are no limit of time: where ranges are wide, one can
be followed by thousands of consequences."""


@dataclass(frozen=True)
class _Pair:
    """Two blocks in use at one time.

    `second` starts `up` or more after `first`, or `first` starts `down` or more after `second`, or `second` starts
    after `first` by what one of the ranges `between` says, both ends included.
    """

    first: int
    second: int
    up: int
    down: int
    between: tuple[Range, ...]

    def orders(self, choice: int) -> tuple[tuple[int, int, int], ...]:
        """The differences of a choice: (below, above, least distance between their starts)."""
        if choice == 1:
            return ((self.first, self.second, self.up),)
        if choice == 2:
            return ((self.second, self.first, self.down),)
        low, high = self.between[choice - 3]
        return ((self.first, self.second, low), (self.second, self.first, -high))

    def holds(self, distance: int) -> bool:
        """Whether `second` may start `distance` after `first`."""
        return (
            distance >= self.up or -distance >= self.down or any(low <= distance <= high for low, high in self.between)
        )


@dataclass
class _State:
    """Ranges of offsets, and what is decided for every pair.

    0: nothing; 1: the first is below the second; 2: the reverse; 3 and more: they are within a range of distances.
    """

    low: list[int]
    high: list[int]
    decided: bytearray

    def copy(self) -> _State:
        return _State(self.low.copy(), self.high.copy(), bytearray(self.decided))


@dataclass(frozen=True)
class Answer:
    """What the search found.

    Attributes:
        offsets: by index of block, or None.
        steps: how much of the budget it took.
        looks: how many pairs of blocks it looked at.
        complete: whether it is certain that there is no plan if none was found.
    """

    offsets: Mapping[int, int] | None
    steps: int
    complete: bool
    looks: int = 0


class _Exhausted(Exception):
    """The search has looked at as many pairs of blocks as it may."""


class _Search:
    def __init__(self, blocks: Sequence[Block], rules: Sequence[Sequence[Rule]], looks: int) -> None:
        self.most = looks
        self.looks = 0
        self.pairs: list[_Pair] = []
        self.of: list[list[int]] = [[] for _ in blocks]
        for i, bound in enumerate(rules):
            for rule in bound:
                if rule.other > i:
                    ranges = rule.forbidden  # how far after the other one this block must not start
                    self.of[i].append(len(self.pairs))
                    self.of[rule.other].append(len(self.pairs))
                    between = tuple((ALIGNMENT - b[0], -a[1] - ALIGNMENT) for a, b in pairwise(ranges))
                    up, down = ALIGNMENT - ranges[0][0], ranges[-1][1] + ALIGNMENT
                    self.pairs.append(_Pair(i, rule.other, up, down, between))

    def narrow(self, state: _State, changed: list[int]) -> bool:
        """Propagate the consequences of blocks whose range changed; False: there is no plan."""
        low, high, decided = state.low, state.high, state.decided
        while changed:
            touched = self.of[changed.pop()]
            self.look(len(touched))
            for number in touched:
                pair = self.pairs[number]
                a, b, choice = pair.first, pair.second, decided[number]
                if choice == 0:
                    possible = self.possible(state, pair)
                    if len(possible) > 1:
                        continue
                    if not possible:
                        return False
                    choice = decided[number] = possible[0]
                for below, above, distance in pair.orders(choice):
                    if low[above] < low[below] + distance:
                        low[above] = low[below] + distance
                        changed.append(above)
                    if high[below] > high[above] - distance:
                        high[below] = high[above] - distance
                        changed.append(below)
                if low[a] > high[a] or low[b] > high[b]:
                    return False
        return True

    def look(self, pairs: int) -> None:
        """Count pairs of blocks that are looked at.

        Raises:
            _Exhausted: they are more than the search may.
        """
        self.looks += pairs
        if self.looks > self.most:
            raise _Exhausted

    @staticmethod
    def possible(state: _State, pair: _Pair) -> list[int]:
        """The choices that the ranges of the two blocks leave."""
        low, high, a, b = state.low, state.high, pair.first, pair.second
        choices = [1] if low[a] + pair.up <= high[b] else []
        if low[b] + pair.down <= high[a]:
            choices.append(2)
        for number, (least, most) in enumerate(pair.between):
            if low[a] + least <= high[b] and low[b] - most <= high[a]:
                choices.append(3 + number)
        return choices

    def tightest(self, state: _State) -> int | None:
        """The violated pair that leaves the least room; None if the lowest offsets are a plan."""
        self.look(len(self.pairs))
        low, high, tightest, least = state.low, state.high, None, 0
        for number, pair in enumerate(self.pairs):
            a, b = pair.first, pair.second
            if pair.holds(low[b] - low[a]):
                continue
            room = high[b] - low[a] - pair.up + high[a] - low[b] - pair.down
            if tightest is None or room < least:
                tightest, least = number, room
        return tightest

    def decide(self, state: _State, number: int, choice: int) -> _State | None:
        child = state.copy()
        child.decided[number] = choice
        pair = self.pairs[number]
        return child if self.narrow(child, [pair.first, pair.second]) else None


def fit(
    blocks: Sequence[Block],
    rules: Sequence[Sequence[Rule]],
    pinned: Mapping[int, int],
    size: int,
    budget: int,
    looks: int = LOOKS,
) -> Answer:
    """Look for a plan of at most `size` bytes.

    Args:
        blocks: what to place.
        rules: for every block, what binds it.
        pinned: offsets of blocks whose place is fixed.
        size: bytes of the arena.
        budget: most decisions to take.
        looks: most pairs of blocks to look at. No limit is one of time, so the search ends at the same point on every
            machine.
    """
    search = _Search(blocks, rules, looks)
    try:
        answer = _fit(search, blocks, pinned, size, budget)
    except _Exhausted:
        answer = Answer(None, budget, False)
    return replace(answer, looks=search.looks)


def _fit(search: _Search, blocks: Sequence[Block], pinned: Mapping[int, int], size: int, budget: int) -> Answer:
    low = [pinned.get(i, 0) for i in range(len(blocks))]
    high = [pinned.get(i, (size - b.size) // ALIGNMENT * ALIGNMENT) for i, b in enumerate(blocks)]
    start = _State(low, high, bytearray(len(search.pairs)))
    if any(o + b.size > size or o > h for o, h, b in zip(low, high, blocks, strict=True)):
        return Answer(None, 0, True)
    if not search.narrow(start, list(range(len(blocks)))):
        return Answer(None, 0, True)
    stack, steps = [start], 0
    while stack:
        state = stack.pop()
        number = search.tightest(state)
        if number is None:
            return Answer(dict(enumerate(state.low)), steps, True)
        if steps >= budget:
            return Answer(None, steps, False)
        steps += 1
        pair = search.pairs[number]
        up_room = state.high[pair.second] - state.low[pair.first] - pair.up
        down_room = state.high[pair.first] - state.low[pair.second] - pair.down
        preferred: tuple[int, ...] = (
            (2, 1) if up_room >= down_room else (1, 2)
        )  # the last one is taken from the stack first
        preferred = (*preferred, *range(3, 3 + len(pair.between)))
        stack += [child for choice in preferred if (child := search.decide(state, number, choice)) is not None]
    return Answer(None, steps, True)
