"""Placing the buffers of one schedule in several regions of memory: an arena in each.

What a run moves most often, byte for byte, comes first and takes the first region that has room; what does not fit
there takes the next. Where that leaves something without a place, other orders are tried. The arenas of all regions are
numbered through, one behind the other, so that a plan for several is checked, and read, as a plan for one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edgeq.errors import InternalError
from edgeq.memory.blocks import Block, Rule, blocks_of, rules_of, scratch_name
from edgeq.memory.check import check
from edgeq.memory.heuristic import place, place_greedily
from edgeq.memory.planner import ATTEMPTS
from edgeq.memory.schedule import Plan, Schedule, aligned


@dataclass(frozen=True)
class Room:
    """A region of memory, and how many bytes of it an arena can have."""

    name: str
    bytes: int


@dataclass(frozen=True)
class Share:
    """The part of a plan that lies in one region: bytes `base` to `base + size` of all arenas, one behind the other."""

    room: str
    base: int
    size: int

    @property
    def end(self) -> int:
        """The byte after the last one."""
        return self.base + self.size


@dataclass(frozen=True)
class Divided:
    """A plan for several regions; `plan.size` is the bytes of all arenas together."""

    plan: Plan
    shares: tuple[Share, ...]


class _Allotment:
    """Which block is in which room; a block joins one only if all that are there still fit."""

    def __init__(self, blocks: Sequence[Block], rules: Sequence[Sequence[Rule]], rooms: Sequence[Room]) -> None:
        self.blocks, self.rules, self.rooms = blocks, rules, rooms
        self.members: dict[str, list[int]] = {room.name: [] for room in rooms}

    def within(self, members: Sequence[int]) -> tuple[list[Block], list[list[Rule]]]:
        """Some blocks, and the rules among them alone."""
        index = {block: k for k, block in enumerate(members)}
        rules = [[Rule(index[r.other], r.forbidden) for r in self.rules[i] if r.other in index] for i in members]
        return [self.blocks[i] for i in members], rules

    def joins(self, block: int, room: Room) -> bool:
        """Put a block into a room, if that is possible."""
        if self.blocks[block].size > room.bytes:
            return False
        members = sorted([*self.members[room.name], block])
        blocks, rules = self.within(members)
        orders = (sorted(range(len(blocks)), key=lambda i: (-blocks[i].size, i)), list(range(len(blocks))))
        if all(place(order, blocks, rules, {})[1] > room.bytes for order in orders):
            size = place_greedily(blocks, rules, {}, room.bytes, 0)[1]
            if size > room.bytes:
                return False
        self.members[room.name] = members
        return True

    def joins_first(self, block: int, rooms: Sequence[Room]) -> bool:
        """Put a block into the first room that takes it."""
        return any(self.joins(block, room) for room in rooms)


def divide(
    schedule: Schedule,
    rooms: Sequence[Room],
    moved: Mapping[str, int],
    fixed: Mapping[str, str],
    open_to_all: Sequence[str],
    bound: int = 0,
) -> Divided | None:
    """Place all buffers and scratch memories of a schedule in several regions; None if no way was found.

    Args:
        schedule: what to plan for.
        rooms: the regions.
        moved: bytes that a run reads and writes in each buffer and, by `scratch_name`, in each scratch memory.
        fixed: the region of those that must lie in a certain one.
        open_to_all: names of the regions that all others may lie in, the preferred one first.
        bound: of the plan for a single arena, which holds for all arenas together.

    Raises:
        InternalError: the plan fails its independent check.
    """
    blocks = blocks_of(schedule)
    rules = rules_of(schedule, blocks)
    by_name = {room.name: room for room in rooms}
    common = [by_name[name] for name in open_to_all]

    def heat(i: int) -> float:
        return moved.get(blocks[i].name, 0) / max(blocks[i].size, 1)

    keys: list[Callable[[int], tuple[float, ...]]] = [
        lambda i: (-heat(i), blocks[i].size, i),
        lambda i: (-blocks[i].size, -heat(i), i),
        lambda i: (i,),
        lambda i: (-i,),
    ]
    for key in keys:
        allotment = _Allotment(blocks, rules, rooms)
        bound_first = sorted(range(len(blocks)), key=lambda i: (blocks[i].name not in fixed, key(i)))
        if all(
            allotment.joins_first(i, [by_name[fixed[blocks[i].name]]] if blocks[i].name in fixed else common)
            for i in bound_first
        ):
            return _planned(schedule, allotment, bound)
    return None


def _planned(schedule: Schedule, allotment: _Allotment, bound: int) -> Divided:
    offsets: dict[str, int] = {}
    shares: list[Share] = []
    for room in allotment.rooms:
        members = allotment.members[room.name]
        blocks, rules = allotment.within(members)
        placed, size = place_greedily(blocks, rules, {}, 0, ATTEMPTS)
        base = aligned(shares[-1].end) if shares else 0
        offsets |= {block.name: base + placed[k] for k, block in enumerate(blocks)}
        if size:
            shares.append(Share(room.name, base, size))
    result = Plan(
        offsets={name: offset for name, offset in offsets.items() if name in schedule.sizes},
        scratch=tuple(offsets.get(scratch_name(i), 0) for i in range(len(schedule.steps))),
        size=sum(share.size for share in shares),
        bound=bound,
    )
    whole = Plan(result.offsets, result.scratch, shares[-1].end if shares else 0, bound)
    problems = [*check(schedule, whole), *_strays(allotment, offsets, shares)]
    if problems:
        raise InternalError(f"the memory plan is wrong: {problems[0]}", hint="please report this model as a defect")
    return Divided(result, tuple(shares))


def _strays(allotment: _Allotment, offsets: Mapping[str, int], shares: Sequence[Share]) -> list[str]:
    """What lies across the border of two arenas, or in one that is larger than its region."""
    rooms = {room.name: room.bytes for room in allotment.rooms}
    strays = [f"the arena in {share.room} is too large" for share in shares if share.size > rooms[share.room]]
    for block in allotment.blocks:
        start, end = offsets[block.name], offsets[block.name] + block.size
        if block.size and not any(share.base <= start and end <= share.end for share in shares):
            strays.append(f"{block.name!r} lies in no region")
    return strays
