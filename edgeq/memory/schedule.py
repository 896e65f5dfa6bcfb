"""What the memory planner plans for: calls in order, and the buffers they read and write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ALIGNMENT = 16
"""Bytes to which every buffer in the arena is aligned."""


@dataclass(frozen=True)
class Read:
    """A buffer that a call reads.

    Attributes:
        buffer: its name.
        overlap: the least number of bytes by which the call's output may start before this buffer and still never
            overwrite a byte yet to be read (see edgeq.ir.kernel.Kernel); None: they must be disjoint.
        exactly: the one number of bytes by which it may start before this buffer even if `overlap` does not allow it.
    """

    buffer: str
    overlap: int | None = None
    exactly: int | None = None

    def allows(self, distance: int) -> bool:
        """Whether the output may lie over this buffer if it starts `distance` bytes before it."""
        return distance == self.exactly or (self.overlap is not None and distance >= self.overlap)


@dataclass(frozen=True)
class Step:
    """One call: what it reads, what it writes, and the bytes of scratch memory it needs meanwhile."""

    name: str
    reads: tuple[Read, ...]
    writes: tuple[str, ...]
    scratch: int = 0

    def overlap(self, buffer: str) -> int | None:
        """How far the output may start before `buffer`, which may be read several times; None: disjoint.

        The kernels' contract speaks of one output; several outputs are kept apart from all inputs.
        """
        if len(self.writes) != 1:
            return None
        found = [r.overlap for r in self.reads if r.buffer == buffer]
        known = [k for k in found if k is not None]
        return max(known) if known and len(known) == len(found) else None

    def exactly(self, buffer: str) -> int | None:
        """The one distance, less than that of `overlap`, that is allowed as well; None: there is none."""
        reads = [r for r in self.reads if r.buffer == buffer]
        if len(self.writes) != 1:
            return None
        overlap = self.overlap(buffer)
        found = [d for d in (r.exactly for r in reads) if d is not None and all(r.allows(d) for r in reads)]
        return min((d for d in found if d % ALIGNMENT == 0 and (overlap is None or d < overlap)), default=None)

    def nearest(self, buffer: str) -> int | None:
        """The least distance of all that are allowed; None: there is none."""
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
