"""What has to be placed in the arena, and what keeps two of those things apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgeq.memory.liveness import Piece, Span, pieces
from edgeq.memory.schedule import ALIGNMENT, Part, Read, Schedule

Range = tuple[int, int]
"""Multiples of ALIGNMENT from the first to the second one, both included."""


@dataclass(frozen=True)
class Block:
    """Something to place: a buffer, or a step's scratch memory.

    Attributes:
        name: the buffer's name, or that of `scratch_name`.
        size: bytes.
        span: when it is in use.
        pieces: its bytes, by when they are in use.
    """

    name: str
    size: int
    span: Span
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Rule:
    """What keeps two blocks apart.

    Attributes:
        other: index of the other block.
        forbidden: distances at which this block must not start after the other one (negative: before it), in ascending
            ranges that do not touch; there is at least one.
    """

    other: int
    forbidden: tuple[Range, ...]


def scratch_name(step: int) -> str:
    """The name of a step's scratch memory; no buffer is called so."""
    return f"\0scratch {step}"


def blocks_of(schedule: Schedule) -> list[Block]:
    """Everything to place, in order of first use."""
    found = []
    for name, parts in pieces(schedule).items():
        span = Span(min(p.span.first for p in parts), max(p.span.last for p in parts))
        found.append(Block(name, schedule.sizes[name], span, parts))
    for i, step in enumerate(schedule.steps):
        if step.scratch > 0:
            span = Span(i, i)
            found.append(Block(scratch_name(i), step.scratch, span, (Piece(Part(0, step.scratch), span),)))
    return sorted(found, key=lambda b: (b.span.first, b.span.last, b.name))


def _joined(found: Iterable[Range]) -> tuple[Range, ...]:
    """Ascending ranges; those that touch are one."""
    made: list[Range] = []
    for low, high in sorted(found):
        if made and low <= made[-1][1] + ALIGNMENT:
            made[-1] = (made[-1][0], max(made[-1][1], high))
        elif low <= high:
            made.append((low, high))
    return tuple(made)


def _up(distance: int) -> int:
    return -(-distance // ALIGNMENT) * ALIGNMENT


def _down(distance: int) -> int:
    return distance // ALIGNMENT * ALIGNMENT


def _split(found: Iterable[Range], reads: Sequence[tuple[int, Read]]) -> list[Range]:
    """The ranges without the distances that every read allows.

    Args:
        found: forbidden distances of the output's buffer after the input's.
        reads: those of the bytes in question, each with the distance of buffers at which output and read start at one.
    """
    points = {start - r.exactly for start, r in reads if r.exactly is not None and (start - r.exactly) % ALIGNMENT == 0}
    points = {d for d in points if all(r.allows(start - d) for start, r in reads)}
    rays = [_down(start - r.overlap) for start, r in reads if r.overlap is not None]
    limit = min(rays) if len(rays) == len(reads) else None  # up to here all distances are allowed
    made = []
    for low, high in found:
        low = low if limit is None else max(low, limit + ALIGNMENT)
        for point in sorted(points):
            if low <= point <= high:
                made.append((low, point - ALIGNMENT))
                low = point + ALIGNMENT
        made.append((low, high))
    return [(low, high) for low, high in made if low <= high]


def _reads_of(schedule: Schedule, step: int, buffer: str, piece: Piece) -> list[tuple[Part, Read]]:
    """How a step reads a piece of a buffer: what it reads with it."""
    end = piece.part.end
    found = [(schedule.read(r), r) for r in schedule.steps[step].reads if r.buffer == buffer]
    return [(part, r) for part, r in found if part.covers(piece.part.start, end)]


def _apart(schedule: Schedule, a: Block, b: Block) -> tuple[Range, ...]:
    """Distances at which `b` must not start after `a`."""
    found: list[Range] = []
    for p in a.pieces:
        for q in b.pieces:
            if p.span.meets(q.span) and p.part.size and q.part.size:
                near = p.part.start - q.part.start
                ranges = [(_down(near - q.part.size) + ALIGNMENT, _up(near + p.part.size) - ALIGNMENT)]
                ranges = _written_over(schedule, (a.name, p), (b.name, q), ranges)
                found += _mirrored(_written_over(schedule, (b.name, q), (a.name, p), _mirrored(ranges)))
    return _joined(found)


def _mirrored(found: Sequence[Range]) -> list[Range]:
    """The same distances, measured the other way."""
    return [(-high, -low) for low, high in reversed(found)]


def _written_over(
    schedule: Schedule, read: tuple[str, Piece], write: tuple[str, Piece], found: list[Range]
) -> list[Range]:
    """Forbidden distances of two pieces without those at which a step may write one over the other, which it reads."""
    step = write[1].span.first
    if read[1].span.last != step or not 0 <= step < len(schedule.steps):
        return found
    written = schedule.written(schedule.steps[step])
    if len(written) != 1 or written[0][0] != write[0]:
        return found  # the kernels' contract speaks of one output; several are kept apart from all inputs
    reads = _reads_of(schedule, step, *read)
    return _split(found, [(part.start - written[0][1].start, r) for part, r in reads]) if reads else found


def rules_of(schedule: Schedule, blocks: Sequence[Block]) -> list[list[Rule]]:
    """For every block, the rules that bind it to others."""
    rules: list[list[Rule]] = [[] for _ in blocks]
    for i, a in enumerate(blocks):
        for j in range(i + 1, len(blocks)):
            b = blocks[j]
            if a.size and b.size and a.span.meets(b.span) and (forbidden := _apart(schedule, a, b)):
                rules[i].append(Rule(j, tuple(_mirrored(forbidden))))
                rules[j].append(Rule(i, forbidden))
    return rules
