"""Assignments improved by what is measured around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgeq.search.assign import Choice, front

Assignment = tuple[int, ...]
"""For each layer the index of its choice."""
Measure = Callable[[Sequence[Assignment]], Sequence[float]]
"""The noise of assignments, which may be measured at the same time."""


def neighbours(layers: Sequence[Sequence[Choice]], at: Assignment) -> list[tuple[int, int]]:
    """Layers and what they can change to: the next choices that cost more, and less, than the present one."""
    found = []
    for layer, (choices, own) in enumerate(zip(layers, at, strict=True)):
        ordered = sorted(range(len(choices)), key=lambda k: (choices[k].bytes, -choices[k].noise))
        place = ordered.index(own)
        found += [(layer, ordered[k]) for k in (place - 1, place + 1) if 0 <= k < len(ordered)]
    return found


def improved(
    layers: Sequence[Sequence[Choice]],
    start: Assignment,
    limit: int,
    measure: Measure,
    rounds: int,
    time: int | None = None,
) -> tuple[Assignment, float]:
    """An assignment within `limit` bytes of which less noise is measured, as far as changes of single layers lead.

    What a layer adds to the noise depends on the others, the more so the fewer bits they have. So each round measures
    single changes of the present assignment, decides with these for all layers at once, and measures what comes of it:
    all that is proposed, half of it, and the best pair. The best one is the next assignment.

    Args:
        layers: for each layer what can be chosen.
        start: where to begin; within the limit.
        limit: the most bytes.
        measure: gives the noise of assignments.
        rounds: the most rounds.
        time: as for `front`.

    Returns:
        The assignment, and its noise.
    """

    def bytes_of(at: Assignment) -> int:
        return sum(choices[k].bytes for choices, k in zip(layers, at, strict=True))

    present, (noise,) = start, measure([start])
    for _ in range(rounds):
        moves = neighbours(layers, present)
        measured = measure([_with(present, move) for move in moves])
        added = {move: other - noise for move, other in zip(moves, measured, strict=True)}
        proposed = _decided(layers, present, added, limit, time)
        tried = [present] if proposed is None else [proposed]
        if proposed is not None:
            changed = [k for k, (a, b) in enumerate(zip(present, proposed, strict=True)) if a != b]
            by_gain = sorted(changed, key=lambda k: added[k, proposed[k]])
            for some in (by_gain[: (len(by_gain) + 1) // 2], by_gain[: 3 * len(by_gain) // 4]):
                part = tuple(b if k in some else a for k, (a, b) in enumerate(zip(present, proposed, strict=True)))
                tried.append(part)
        pairs = sorted((added[one] + added[two], one, two) for one in moves for two in moves if one[0] < two[0])
        tried += [at for _, one, two in pairs if bytes_of(at := _with(_with(present, one), two)) <= limit][:2]
        tried += [at for move in moves if bytes_of(at := _with(present, move)) <= limit]
        tried = [at for at in dict.fromkeys(tried) if at != present and bytes_of(at) <= limit]
        if time is not None:
            tried = [at for at in tried if sum(c[k].time for c, k in zip(layers, at, strict=True)) <= time]
        if not tried:
            break
        least, best = min(zip(measure(tried), tried, strict=True))
        if least >= noise:
            break
        present, noise = best, least
    return present, noise


def _with(at: Assignment, move: tuple[int, int]) -> Assignment:
    return (*at[: move[0]], move[1], *at[move[0] + 1 :])


def _decided(
    layers: Sequence[Sequence[Choice]],
    present: Assignment,
    added: dict[tuple[int, int], float],
    limit: int,
    time: int | None,
) -> Assignment | None:
    """The best assignment of which every layer stays or makes one of the moves whose noise is known."""
    reduced = []
    for layer, (choices, own) in enumerate(zip(layers, present, strict=True)):
        offered = [Choice(own, choices[own].bytes, 0.0, choices[own].time)]
        offered += [
            Choice(k, choices[k].bytes, more, choices[k].time) for (at, k), more in added.items() if at == layer
        ]
        reduced.append(offered)
    point = front(reduced, time=time).within(limit)
    return None if point is None else point.settings
