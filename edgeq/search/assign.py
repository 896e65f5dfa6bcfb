"""Which choice each layer gets: the exact front of what all choices together cost and how much noise they make.

Costs are whole numbers of bytes and noise adds up, so that the front is found layer by layer: of the partial
assignments so far only those count that no other one beats in both. That is exact. Where more of them are left than
`MOST`, those that are nearest to their neighbours are dropped, and what that can have cost is known and returned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST = 20_000
"""Partial assignments to keep."""


@dataclass(frozen=True)
class Choice:
    """One setting of one layer.

    Attributes:
        setting: its name.
        bytes: what it costs.
        noise: what it does to the output, ≥ 0; adds up over layers.
    """

    setting: int
    bytes: int
    noise: float


@dataclass(frozen=True)
class Point:
    """One assignment of the front: a setting for each layer, and what they cost together."""

    bytes: int
    noise: float
    settings: tuple[int, ...]


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


@dataclass(frozen=True)
class _Partial:
    bytes: int
    noise: float
    before: _Partial | None
    setting: int

    def settings(self) -> tuple[int, ...]:
        found: list[int] = []
        at: _Partial | None = self
        while at is not None and at.before is not None:
            found.append(at.setting)
            at = at.before
        return tuple(reversed(found))


def front(layers: Sequence[Sequence[Choice]], most: int = MOST) -> Front:
    """The front of all assignments.

    Args:
        layers: for each layer what can be chosen, at least one.
        most: partial assignments to keep.
    """
    partials, gap = [_Partial(0, 0.0, None, 0)], 0.0
    for choices in layers:
        extended = (_Partial(p.bytes + c.bytes, p.noise + c.noise, p, c.setting) for p in partials for c in choices)
        partials = _undominated(sorted(extended, key=lambda p: (p.bytes, p.noise)))
        if len(partials) > most:
            partials, lost = _thinned(partials, most)
            gap += lost
    return Front(tuple(Point(p.bytes, p.noise, p.settings()) for p in partials), gap)


def _undominated(ordered: Sequence[_Partial]) -> list[_Partial]:
    """Those of less noise than all that cost less."""
    kept: list[_Partial] = []
    for partial in ordered:
        if not kept or partial.noise < kept[-1].noise:
            kept.append(partial)
    return kept


def _thinned(partials: Sequence[_Partial], most: int) -> tuple[list[_Partial], float]:
    """About `most` of the partial assignments, and by how much noise a dropped one was better than the cheaper one that
    stands for it, at most."""
    step = (partials[0].noise - partials[-1].noise) / most
    kept, lost = [partials[0]], 0.0
    for partial in partials[1:-1]:
        if kept[-1].noise - partial.noise >= step:
            kept.append(partial)
        else:
            lost = max(lost, kept[-1].noise - partial.noise)
    return [*kept, partials[-1]], lost
