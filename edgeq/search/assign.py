"""Which choice each layer gets: the exact front of what all choices together cost and how much noise they make.

Costs are whole numbers and noise adds up, so that the front is found layer by layer: of the partial assignments so far
only those count that no other one beats in everything. That is exact. Where more of them are left than `MOST`, those
that are nearest to their neighbours are dropped, and what that can have cost is known and returned.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MOST = 10_000
"""Partial assignments to keep."""
MOST_TIMED = 2_000
"""The same where time counts, too."""
Whole = npt.NDArray[np.int64]
Real = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """One setting of one layer.

    Attributes:
        setting: its number.
        bytes: what it costs.
        noise: what it does to the output; adds up over layers.
        time: how long it takes; adds up, too.
    """

    setting: int
    bytes: int
    noise: float
    time: int = 0


@dataclass(frozen=True)
class Point:
    """One assignment of the front: a setting for each layer, and what they cost together."""

    bytes: int
    noise: float
    settings: tuple[int, ...]
    time: int = 0


@dataclass(frozen=True)
class Front:
    """The assignments that no other one beats, the cheapest first.

    Attributes:
        points: the assignments; noise falls from one to the next.
        gap: no assignment of any cost has less noise than the front's for that cost minus this; 0: the front is exact.
    """

    points: tuple[Point, ...]
    gap: float

    def within(self, limit: int) -> Point | None:
        """The assignment of least noise that costs no more than `limit`; None if there is none."""
        return next((point for point in reversed(self.points) if point.bytes <= limit), None)


@dataclass(frozen=True, eq=False)
class _Partials:
    """Partial assignments side by side: what they cost, and which one before them each extends by which setting."""

    bytes: Whole
    noise: Real
    time: Whole
    before: _Partials | None
    parent: Whole
    setting: Whole

    def __len__(self) -> int:
        return len(self.bytes)

    def take(self, index: Whole) -> _Partials:
        bytes, noise, time = self.bytes[index], self.noise[index], self.time[index]
        return _Partials(bytes, noise, time, self.before, self.parent[index], self.setting[index])

    def extended(self, choices: Sequence[Choice]) -> _Partials:
        """All of these, with each choice of one more layer."""
        count = len(choices)
        parent = np.repeat(np.arange(len(self)), count)
        costs = (np.array([getattr(c, key) for c in choices]) for key in ("bytes", "noise", "time"))
        bytes, noise, time = (np.tile(c, len(self)) for c in costs)
        setting = np.tile(np.array([c.setting for c in choices]), len(self))
        return _Partials(
            self.bytes[parent] + bytes, self.noise[parent] + noise, self.time[parent] + time, self, parent, setting
        )

    def settings(self, index: int) -> tuple[int, ...]:
        found: list[int] = []
        at: _Partials | None = self
        while at is not None and at.before is not None:
            found.append(int(at.setting[index]))
            index, at = int(at.parent[index]), at.before
        return tuple(reversed(found))


def front(layers: Sequence[Sequence[Choice]], most: int = MOST, time: int | None = None) -> Front:
    """The front of all assignments.

    Args:
        layers: for each layer what can be chosen, at least one.
        most: partial assignments to keep.
        time: how long all may take together; None: that does not matter. Where nothing keeps to it the front is empty.
    """
    nothing = np.zeros(1, np.int64)
    partials, gap = _Partials(nothing, np.zeros(1), nothing, None, nothing, nothing), 0.0
    after = [sum(min(c.time for c in choices) for choices in layers[k + 1 :]) for k in range(len(layers))]
    for choices, rest in zip(layers, after, strict=True):
        partials = partials.extended(choices)
        if time is not None:
            partials = partials.take(np.flatnonzero(partials.time <= time - rest))
        partials = partials.take(_undominated(partials, time is not None))
        limit = most if time is None else min(most, MOST_TIMED)
        if len(partials) > limit:
            partials, lost = _thinned(partials, limit, time is not None)
            gap += lost
    if time is not None:  # how long the best for its bytes takes does not matter any more
        partials = partials.take(_undominated(partials, False))
    points = (
        Point(int(partials.bytes[k]), float(partials.noise[k]), partials.settings(k), int(partials.time[k]))
        for k in range(len(partials))
    )
    return Front(tuple(points), gap)


def best_of(fronts: Sequence[Front], added: Sequence[int]) -> Front:
    """The front of several, to each of which so many bytes are added."""
    shifted = [
        Point(p.bytes + more, p.noise, p.settings, p.time)
        for one, more in zip(fronts, added, strict=True)
        for p in one.points
    ]
    kept: list[Point] = []
    for point in sorted(shifted, key=lambda p: (p.bytes, p.noise)):
        if not kept or point.noise < kept[-1].noise:
            kept.append(point)
    return Front(tuple(kept), max((one.gap for one in fronts), default=0.0))


def _undominated(partials: _Partials, timed: bool) -> Whole:
    """Indices of those that no other one beats, the cheapest first."""
    if timed:
        return _staircase(partials)
    order = np.lexsort((partials.noise, partials.bytes))
    noise = partials.noise[order]
    before = np.concatenate(([np.inf], np.minimum.accumulate(noise)[:-1]))
    return order[noise < before]


def _staircase(partials: _Partials) -> Whole:
    """The same where time counts, too: of those so far, from the fastest on, ever less noise."""
    times: list[int] = []
    noises: list[float] = []
    kept = []
    order = np.lexsort((partials.time, partials.noise, partials.bytes))
    triples = zip(order.tolist(), partials.time[order].tolist(), partials.noise[order].tolist(), strict=True)
    for index, time, noise in triples:
        at = bisect_right(times, time)
        if at and noises[at - 1] <= noise:
            continue
        end = at
        start = at - 1 if at and times[at - 1] == time else at
        while end < len(times) and noises[end] >= noise:
            end += 1
        times[start:end], noises[start:end] = [time], [noise]
        kept.append(index)
    return np.array(kept, np.int64)


def _thinned(partials: _Partials, most: int, timed: bool) -> tuple[_Partials, float]:
    """No more than `most` of the partial assignments, and by how much noise a dropped one was better than one that
    stands for it and costs no more, at most."""
    low, high = float(partials.noise.min()), float(partials.noise.max())
    step = (high - low) / (most - 1)
    while True:
        cells = np.floor((partials.noise - low) / step)
        coarse = _Partials(partials.bytes, cells, partials.time, None, partials.parent, partials.setting)
        index = _undominated(coarse, timed)
        if len(index) <= most:
            return partials.take(index), step
        step *= 2.0
