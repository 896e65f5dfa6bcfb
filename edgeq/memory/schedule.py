"""The memory planner's input and output: calls in order with the buffers they read and write, and the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ALIGNMENT = 16
"""Bytes to which every buffer in the arena is aligned."""


@dataclass(frozen=True)
class Part:
    """Some of a buffer's bytes: `size` of them from `start` on, which is a multiple of ALIGNMENT."""

    start: int
    size: int

    @property
    def end(self) -> int:
        """The byte after the last one."""
        return self.start + self.size

    def covers(self, start: int, end: int) -> bool:
        """Whether all bytes from `start` to before `end` belong to it."""
        return self.start <= start and end <= self.end


@dataclass(frozen=True)
class Read:
    """A buffer that a call reads, or a part of it.

    Attributes:
        buffer: its name.
        overlap: the least number of bytes by which the call's output may start before this buffer and still never
            overwrite a byte yet to be read (see edgeq.ir.kernel.Kernel); None: they must be disjoint.
        exactly: the one number of bytes by which it may start before this buffer even if `overlap` does not allow it.
        part: the part that is read, to whose start both distances are measured; None: all.
    """

    buffer: str
    overlap: int | None = None
    exactly: int | None = None
    part: Part | None = None

    def allows(self, distance: int) -> bool:
        """Whether the output may lie over the bytes read if it starts `distance` bytes before them."""
        return distance == self.exactly or (self.overlap is not None and distance >= self.overlap)


@dataclass(frozen=True)
class Step:
    """One call: what it reads, what it writes, and the bytes of scratch memory it needs meanwhile.

    Attributes:
        parts: for each of `writes`, the part that is written; None, or no entry: all. Every byte is written once.
    """

    name: str
    reads: tuple[Read, ...]
    writes: tuple[str, ...]
    scratch: int = 0
    parts: tuple[Part | None, ...] = ()

    def overlap(self, buffer: str) -> int | None:
        """How far the output may start before `buffer`, which may be read several times; None: disjoint.

        The kernels' contract speaks of one output; several outputs are kept apart from all inputs.
        """
        if len(self.writes) != 1:
            return None
        overlaps = [r.overlap for r in self.reads if r.buffer == buffer]
        known = [k for k in overlaps if k is not None]
        return max(known) if known and len(known) == len(overlaps) else None

    def exactly(self, buffer: str) -> int | None:
        """The one distance below that of `overlap` that is allowed too; None: there is none."""
        reads = [r for r in self.reads if r.buffer == buffer]
        if len(self.writes) != 1:
            return None
        overlap = self.overlap(buffer)
        allowed = [d for d in (r.exactly for r in reads) if d is not None and all(r.allows(d) for r in reads)]
        return min((d for d in allowed if d % ALIGNMENT == 0 and (overlap is None or d < overlap)), default=None)

    def nearest(self, buffer: str) -> int | None:
        """The least distance that is allowed; None: there is none."""
        return min((k for k in (self.overlap(buffer), self.exactly(buffer)) if k is not None), default=None)


@dataclass(frozen=True)
class Schedule:
    """A program as the planner sees it.

    Attributes:
        sizes: bytes of every buffer.
        inputs: buffers that hold data before the first step.
        outputs: buffers that must hold their data after the last step.
        steps: in order of execution.
    """

    sizes: Mapping[str, int]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def divided(self) -> bool:
        """Whether some buffer is read or written in parts."""
        return any(any(s.parts) or any(r.part for r in s.reads) for s in self.steps)

    def read(self, read: Read) -> Part:
        """The bytes that are read."""
        return read.part or Part(0, self.sizes[read.buffer])

    def written(self, step: Step) -> tuple[tuple[str, Part], ...]:
        """Every buffer that a step writes, and the bytes of it."""
        parts = (*step.parts, *[None] * len(step.writes))
        return tuple((name, part or Part(0, self.sizes[name])) for name, part in zip(step.writes, parts, strict=False))


@dataclass(frozen=True)
class Plan:
    """Where everything lies in the arena.

    Attributes:
        offsets: of every buffer.
        scratch: of every step's scratch memory; 0 where it needs none.
        size: bytes of the arena.
        bound: bytes below which no plan can go, for the order of steps that was planned for, or for every order.
    """

    offsets: Mapping[str, int]
    scratch: tuple[int, ...]
    size: int
    bound: int


def aligned(size: int) -> int:
    """The next multiple of ALIGNMENT."""
    return -(-size // ALIGNMENT) * ALIGNMENT
