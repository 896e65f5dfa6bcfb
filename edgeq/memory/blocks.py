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
    """The name of a step's scratch memory; no buffer has such a name."""
    return f"\0scratch {step}"


def blocks_of(schedule: Schedule) -> list[Block]:
    """Everything to place, in order of first use."""
    blocks = []
    for name, parts in pieces(schedule).items():
        span = Span(min(p.span.first for p in parts), max(p.span.last for p in parts))
        blocks.append(Block(name, schedule.sizes[name], span, parts))
    for i, step in enumerate(schedule.steps):
        if step.scratch > 0:
            span = Span(i, i)
            blocks.append(Block(scratch_name(i), step.scratch, span, (Piece(Part(0, step.scratch), span),)))
    return sorted(blocks, key=lambda b: (b.span.first, b.span.last, b.name))


def _joined(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """Ascending ranges; those that touch are one."""
    joined: list[Range] = []
    for low, high in sorted(ranges):
        if joined and low <= joined[-1][1] + ALIGNMENT:
            joined[-1] = (joined[-1][0], max(joined[-1][1], high))
        elif low <= high:
            joined.append((low, high))
    return tuple(joined)


def _up(distance: int) -> int:
    return -(-distance // ALIGNMENT) * ALIGNMENT


def _down(distance: int) -> int:
    return distance // ALIGNMENT * ALIGNMENT


def _split(ranges: Iterable[Range], reads: Sequence[tuple[int, Read]]) -> list[Range]:
    """The ranges without the distances that every read allows.

    Args:
        ranges: forbidden distances of the output's buffer after the input's.
        reads: the reads of these bytes, each with the distance between the buffers at which the output starts exactly
            where the read does.
    """
    points = {start - r.exactly for start, r in reads if r.exactly is not None and (start - r.exactly) % ALIGNMENT == 0}
    points = {d for d in points if all(r.allows(start - d) for start, r in reads)}
    rays = [_down(start - r.overlap) for start, r in reads if r.overlap is not None]
    limit = min(rays) if len(rays) == len(reads) else None  # up to here all distances are allowed
    remaining = []
    for low, high in ranges:
        low = low if limit is None else max(low, limit + ALIGNMENT)
        for point in sorted(points):
            if low <= point <= high:
                remaining.append((low, point - ALIGNMENT))
                low = point + ALIGNMENT
        remaining.append((low, high))
    return [(low, high) for low, high in remaining if low <= high]


def _reads_of(schedule: Schedule, step: int, buffer: str, piece: Piece) -> list[tuple[Part, Read]]:
    """The reads of a step that cover a piece of a buffer, each with the bytes it reads."""
    end = piece.part.end
    reads = [(schedule.read(r), r) for r in schedule.steps[step].reads if r.buffer == buffer]
    return [(part, r) for part, r in reads if part.covers(piece.part.start, end)]


def _apart(schedule: Schedule, a: Block, b: Block) -> tuple[Range, ...]:
    """Distances at which `b` must not start after `a`."""
    forbidden: list[Range] = []
    for p in a.pieces:
        for q in b.pieces:
            if p.span.meets(q.span) and p.part.size and q.part.size:
                near = p.part.start - q.part.start
                ranges = [(_down(near - q.part.size) + ALIGNMENT, _up(near + p.part.size) - ALIGNMENT)]
                ranges = _written_over(schedule, (a.name, p), (b.name, q), ranges)
                forbidden += _mirrored(_written_over(schedule, (b.name, q), (a.name, p), _mirrored(ranges)))
    return _joined(forbidden)


def _mirrored(ranges: Sequence[Range]) -> list[Range]:
    """The same distances, measured the other way."""
    return [(-high, -low) for low, high in reversed(ranges)]


def _written_over(
    schedule: Schedule, read: tuple[str, Piece], write: tuple[str, Piece], forbidden: list[Range]
) -> list[Range]:
    """Forbidden distances of two pieces, less those at which a step may write one over the other while reading it."""
    step = write[1].span.first
    if read[1].span.last != step or not 0 <= step < len(schedule.steps):
        return forbidden
    written = schedule.written(schedule.steps[step])
    if len(written) != 1 or written[0][0] != write[0]:
        return forbidden  # the kernels' contract speaks of one output; several are kept apart from all inputs
    reads = _reads_of(schedule, step, *read)
    return _split(forbidden, [(part.start - written[0][1].start, r) for part, r in reads]) if reads else forbidden


def rules_of(schedule: Schedule, blocks: Sequence[Block]) -> list[list[Rule]]:
    """For every block, the rules that keep it apart from others."""
    rules: list[list[Rule]] = [[] for _ in blocks]
    for i, a in enumerate(blocks):
        for j in range(i + 1, len(blocks)):
            b = blocks[j]
            if a.size and b.size and a.span.meets(b.span) and (forbidden := _apart(schedule, a, b)):
                rules[i].append(Rule(j, tuple(_mirrored(forbidden))))
                rules[j].append(Rule(i, forbidden))
    return rules
