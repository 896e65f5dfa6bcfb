"""The order of steps for which the arena can be smallest.

What is held in memory depends on which steps were executed, not on their order. So this is a search for a path through
sets of executed steps whose worst step needs least: best first, and exact if it ends within its budget. A step that
raises neither the peak nor the memory held after it is executed at once, since any step that could come before it could
just as well come after it. Where the budget runs out, the best of a beam of partial orders is taken; a beam of one is
greedy.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgeq.memory.bound import united
from edgeq.memory.schedule import Schedule, aligned

BUDGET = 40_000
"""Moves that the exact search may consider."""
BEAM = 4_000
"""Partial orders that the beam may keep in all; its width follows from this."""
HARDEST = 8
"""Steps to look ahead to: those that need the most memory in any order."""


@dataclass(frozen=True)
class Order:
    """An order of steps.

    Attributes:
        steps: indices of the schedule's steps, in order of execution.
        needed: least bytes of arena for this order.
        bound: least bytes for any order, as far as is known.
        only: whether there is no other order.
    """

    steps: tuple[int, ...]
    needed: int
    bound: int
    only: bool


@dataclass(frozen=True)
class _State:
    """A set of executed steps, and the buffers that hold something needed by later steps or at the end."""

    done: int
    live: frozenset[int]
    total: int  # aligned bytes of `live`


@dataclass(frozen=True)
class _Move:
    """A step that can come next: what it needs, what is left when it is done, and whether it can be taken at once."""

    step: int
    needed: int
    state: _State
    harmless: bool


@dataclass(frozen=True)
class _Forced:
    """What a step needs in any order.

    Attributes:
        step: its index.
        needed: bytes.
        live: buffers that are in memory then in any order.
        lasting: buffers that are in memory then if they have been written.
        dying: buffers that this step may be the last to use.
    """

    step: int
    needed: int
    live: frozenset[int]
    lasting: frozenset[int]
    dying: tuple[int, ...]


class _Problem:
    """A schedule as numbers; sets of steps are bits of an integer."""

    def __init__(self, schedule: Schedule) -> None:
        names = list(dict.fromkeys([*schedule.inputs, *(w for s in schedule.steps for w in s.writes)]))
        index = {name: i for i, name in enumerate(names)}
        sizes = [schedule.sizes[name] for name in names]
        self.steps = schedule.steps
        self.count = len(schedule.steps)
        self.everything = (1 << self.count) - 1
        self.size = [aligned(size) for size in sizes]
        self.slack = [aligned(size) - size for size in sizes]
        self.writes = [tuple(index[w] for w in step.writes) for step in schedule.steps]
        self.reads = [tuple(dict.fromkeys(index[r.buffer] for r in step.reads)) for step in schedule.steps]
        self.overlap = [[step.nearest(names[b]) for b in self.reads[i]] for i, step in enumerate(schedule.steps)]
        self.users = [0] * len(names)
        self.maker = [-1] * len(names)
        for step, (reads, writes) in enumerate(zip(self.reads, self.writes, strict=True)):
            for b in reads:
                self.users[b] |= 1 << step
            for b in writes:
                self.maker[b] = step
        self.before = [sum(1 << m for m in {self.maker[b] for b in reads} - {-1}) for reads in self.reads]
        self.kept = frozenset(index[name] for name in schedule.outputs)
        self.inputs = tuple(index[name] for name in schedule.inputs)
        self._close()
        self.forced = sorted((self._force(step) for step in range(self.count)), key=lambda f: -f.needed)

    def start(self) -> _State:
        return self._state(0, frozenset(b for b in self.inputs if self.users[b] or b in self.kept))

    def _state(self, done: int, live: frozenset[int]) -> _State:
        return _State(done, live, self._bytes(live))

    def _bytes(self, buffers: frozenset[int]) -> int:
        return sum([self.size[b] for b in buffers])

    def ready(self, state: _State) -> Iterator[int]:
        for step in range(self.count):
            if not state.done >> step & 1 and not self.before[step] & ~state.done:
                yield step

    def need(self, step: int, live: frozenset[int], total: int, dying: Sequence[int]) -> int:
        """Bytes for a step while `live`, of `total` aligned bytes, is held; its output may overlap what is `dying`."""
        scratch = self.steps[step].scratch
        slack = max((self.slack[b] for b in (*live, *self.writes[step])), default=0)
        total += aligned(scratch) + sum(self.size[b] for b in self.writes[step])
        merged = [
            (k, self.size[b])
            for b, k in zip(self.reads[step], self.overlap[step], strict=True)
            if k is not None and b in dying and self.size[b]
        ]
        if merged:
            out = self.size[self.writes[step][0]]
            total += united(out, merged) - out - sum(size for _, size in merged)
        return total - max(slack, aligned(scratch) - scratch) if total else 0

    def move(self, state: _State, step: int) -> _Move:
        """Execute a step that is ready."""
        done = state.done | 1 << step
        dying = [b for b in self.reads[step] if not self.users[b] & ~done and b not in self.kept]
        needed = self.need(step, state.live, state.total, dying)
        born = [b for b in self.writes[step] if self.users[b] or b in self.kept]
        after = _State(
            done,
            state.live.difference(dying).union(born),
            state.total - sum(self.size[b] for b in dying) + sum(self.size[b] for b in born),
        )
        # The need of other steps counts to the end of the highest buffer, not to its aligned end; if that buffer is one
        # of those that die here, the need may be up to `lost` bytes greater.
        lost = max((self.slack[b] for b in dying), default=0)
        return _Move(step, needed, after, after.total + lost <= state.total)

    def _close(self) -> None:
        """Extend `before` and `after` from direct neighbours to all steps before or after a step."""
        for step in self._sorted():
            for other in range(self.count):
                if self.before[step] >> other & 1:
                    self.before[step] |= self.before[other]
        self.after = [0] * self.count
        for step in range(self.count):
            for other in range(self.count):
                if self.before[step] >> other & 1:
                    self.after[other] |= 1 << step

    def _force(self, step: int) -> _Forced:
        """What every order keeps in memory during a step: what earlier steps write and this or later steps read."""
        later = self.after[step]
        lasting = frozenset(b for b, users in enumerate(self.users) if users & (later | 1 << step) or b in self.kept)
        live = frozenset(b for b in lasting if self.maker[b] == -1 or self.before[step] >> self.maker[b] & 1)
        dying = tuple(b for b in self.reads[step] if not self.users[b] & later and b not in self.kept)
        return _Forced(step, self.need(step, live, self._bytes(live), dying), live, lasting, dying)

    def unavoidable(self) -> int:
        """Bytes that every order needs."""
        return max([self.ends(), *(f.needed for f in self.forced)])

    def ahead(self, state: _State, known: int) -> int:
        """The greater of `known` and the need of the hardest steps to come, given what is held now and stays."""
        need = known
        for forced in self.forced[:HARDEST]:
            if forced.needed + state.total <= need:
                break
            if not state.done >> forced.step & 1:
                live = forced.live | (state.live & forced.lasting)
                need = max(need, self.need(forced.step, live, self._bytes(live), forced.dying))
        return need

    def _sorted(self) -> Iterator[int]:
        """The steps, each after those before it."""
        done = 0
        while done != self.everything:
            for step in range(self.count):
                if not done >> step & 1 and not self.before[step] & ~done:
                    done |= 1 << step
                    yield step

    def is_chain(self) -> bool:
        """Whether every step needs the one before it."""
        return all(self.before[step] >> step - 1 & 1 for step in range(1, self.count))

    def ends(self) -> int:
        """Bytes needed before the first and after the last step."""
        peak = 0
        for buffers in (self.inputs, tuple(self.kept)):
            total = sum(self.size[b] for b in buffers)
            peak = max(peak, total - max((self.slack[b] for b in buffers), default=0))
        return peak


@dataclass(frozen=True)
class _Path:
    """Steps taken so far, the last first."""

    step: int
    before: _Path | None

    def steps(self) -> tuple[int, ...]:
        steps: list[int] = []
        path: _Path | None = self
        while path is not None:
            steps.append(path.step)
            path = path.before
        return tuple(reversed(steps))


def _peak(problem: _Problem, steps: Sequence[int]) -> int:
    state, peak = problem.start(), problem.ends()
    for step in steps:
        move = problem.move(state, step)
        state, peak = move.state, max(peak, move.needed)
    return peak


def _beam(problem: _Problem, width: int) -> tuple[int, ...]:
    """The best order among those that a beam of `width` partial orders leads to."""
    front: list[tuple[int, _State, _Path | None]] = [(0, problem.start(), None)]
    for _ in range(problem.count):
        candidates: dict[int, tuple[int, int, int, _State, _Path | None, _Move]] = {}
        for peak, state, path in front:
            for step in problem.ready(state):
                move = problem.move(state, step)
                key = (problem.ahead(move.state, max(peak, move.needed)), move.state.total, len(candidates))
                known = candidates.get(move.state.done)
                if known is None or key[0] < known[0]:
                    candidates[move.state.done] = (*key, state, path, move)
        ranked = sorted(candidates.values(), key=lambda candidate: candidate[:3])[:width]
        front = [(peak, move.state, _Path(move.step, path)) for peak, _, _, _, path, move in ranked]
    path = front[0][2]
    return path.steps() if path else ()


def _search(problem: _Problem, floor: int, ceiling: int, budget: int) -> tuple[tuple[int, ...] | None, int]:
    """Best first: an order that needs less than `ceiling`, or None, and the least bytes that any order needs."""
    serial = 0
    heap: list[tuple[int, int, int, _State, _Path | None]] = [(floor, 0, 0, problem.start(), None)]
    best = {0: floor}
    while heap:
        peak, _, _, state, path = heapq.heappop(heap)
        if best[state.done] < peak:
            continue
        if state.done == problem.everything:
            return (path.steps() if path else ()), peak
        if budget <= 0:
            return None, peak
        moves = []
        for step in problem.ready(state):
            budget -= 1
            moves.append(problem.move(state, step))
        free = next((m for m in moves if m.harmless and m.needed <= peak), None)
        for move in moves if free is None else [free]:
            worst = problem.ahead(move.state, max(peak, move.needed))
            if worst < best.get(move.state.done, ceiling):
                best[move.state.done] = worst
                serial += 1
                rank = -move.state.done.bit_count()
                heapq.heappush(heap, (worst, rank, serial, move.state, _Path(move.step, path)))
    return None, ceiling


def best_order(schedule: Schedule, budget: int = BUDGET) -> Order:
    """The order of steps whose worst step needs the fewest bytes; the one it comes in if none is better.

    Args:
        schedule: steps in an order in which they can be executed.
        budget: moves that the exact search may consider. It is the only limit, so the result is the same everywhere.
    """
    problem = _Problem(schedule)
    steps = tuple(range(problem.count))
    needed, floor = _peak(problem, steps), problem.unavoidable()
    for width in (1, max(2, min(64, BEAM // (problem.count + 1)))):
        if needed > floor:
            other = _beam(problem, width)
            if (peak := _peak(problem, other)) < needed:
                steps, needed = other, peak
    if needed > floor:
        better, floor = _search(problem, floor, needed, budget)
        if better is not None:
            steps, needed = better, floor
    return Order(steps, needed, floor, problem.is_chain())
