"""Memory plans of random programs: proved by the checker, and by executing the program byte by byte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.memory import ALIGNMENT, Part, Plan, Read, Room, Schedule, Step, arrange, check, divide, plan
from edgeq.memory.bound import needs
from edgeq.memory.order import best_order

SIZES = st.integers(0, 200)
OVERLAPS = st.one_of(st.none(), st.integers(-40, 60), st.just(0))


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """Programs with branches, residuals, concatenations, several outputs per step, unused and repeated operands."""
    inputs = [f"in{i}" for i in range(draw(st.integers(1, 3)))]
    sizes = {name: draw(SIZES) for name in inputs}
    known = list(inputs)
    steps = []
    for index in range(draw(st.integers(1, 10))):
        recent = st.sampled_from(known[-3:] if draw(st.booleans()) else known)
        names = draw(st.lists(recent, min_size=1, max_size=3))
        writes = [f"t{index}_{k}" for k in range(draw(st.sampled_from((1, 1, 1, 2, 3))))]
        first = sizes[names[0]]
        sizes |= {w: first if draw(st.booleans()) else draw(SIZES) for w in writes}
        if draw(st.integers(0, 3)):
            reads = tuple(Read(name, draw(OVERLAPS)) for name in names)
        else:
            reads = tuple(Read(name, None, draw(st.sampled_from((None, 0, 0, 16, -32, 7)))) for name in names)
        steps.append(Step(f"step{index}", reads, tuple(writes), draw(st.sampled_from((0, 0, 7, 64)))))
        known += writes
    outputs = draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True))
    return Schedule(sizes, tuple(inputs), tuple(outputs), tuple(steps))


@st.composite
def divided(draw: st.DrawFn) -> Schedule:
    """Programs that write buffers part by part, and read any run of the parts that are there."""
    sizes = {"in": ALIGNMENT * draw(st.integers(1, 12))}
    there = {"in": sizes["in"]}  # buffer → bytes of it that were written
    room = {"in": sizes["in"]}
    steps = []
    for index in range(draw(st.integers(1, 10))):
        reads = []
        ordered = draw(st.integers(0, 3)) > 0
        for name in draw(st.lists(st.sampled_from(list(there)[-3:]), min_size=1, max_size=2)):
            begin = draw(st.integers(0, (there[name] - 1) // ALIGNMENT)) * ALIGNMENT
            size = draw(st.integers(1, there[name] - begin))
            distances = (draw(OVERLAPS), None) if ordered else (None, draw(st.sampled_from((None, 0, 0, 16, -32, 7))))
            reads.append(Read(name, *distances, Part(begin, size)))
        growing = [name for name in there if there[name] < room[name]]
        if growing and draw(st.booleans()):
            name = draw(st.sampled_from(growing))
        else:
            name = f"t{index}"
            room[name] = sizes[name] = ALIGNMENT * draw(st.integers(1, 12))
            there[name] = 0
        size = ALIGNMENT * draw(st.integers(1, (room[name] - there[name]) // ALIGNMENT))
        scratch = draw(st.sampled_from((0, 0, 7, 64)))
        steps.append(Step(f"step{index}", tuple(reads), (name,), scratch, (Part(there[name], size),)))
        there[name] += size
    whole = [name for name in there if there[name] == room[name]]
    outputs = draw(st.lists(st.sampled_from(whole), min_size=1, max_size=2, unique=True))
    return Schedule(sizes, ("in",), tuple(outputs), tuple(steps))


def content(name: str, size: int, start: int = 0) -> list[tuple[str, int]]:
    return [(name, start + i) for i in range(size)]


def execute(schedule: Schedule, found: Plan) -> None:
    """Run a plan on an arena of labelled bytes; kernels read each byte as late, and write as early, as they may.

    A kernel that allows one distance only goes through its bytes in an order of its own.
    """
    arena: list[tuple[str, int] | None] = [None] * found.size

    def load(name: str) -> Sequence[tuple[str, int] | None]:
        return arena[found.offsets[name] : found.offsets[name] + schedule.sizes[name]]

    for name in schedule.inputs:
        arena[found.offsets[name] : found.offsets[name] + schedule.sizes[name]] = content(name, schedule.sizes[name])
    for step, scratch in zip(schedule.steps, found.scratch, strict=True):
        for i in range(step.scratch):
            arena[scratch + i] = ("scratch", i)
        written = [(w, found.offsets[w] + part.start, part) for w, part in schedule.written(step)]
        parts = [schedule.read(read) for read in step.reads]
        starts = [found.offsets[read.buffer] + part.start for read, part in zip(step.reads, parts, strict=True)]
        longest = max(part.size for _, _, part in written)
        seen: dict[int, list[tuple[str, int] | None]] = {k: [] for k in range(len(step.reads))}

        def read_until(k: int, count: int, parts: list = parts, starts: list = starts, seen: dict = seen) -> None:  # type: ignore[type-arg]
            while len(seen[k]) < min(count, parts[k].size):
                seen[k].append(arena[starts[k] + len(seen[k])])

        own = any(read.exactly is not None for read in step.reads)
        held: list[dict[int, tuple[str, int] | None]] = [{} for _ in step.reads]

        def read_one(k: int, i: int, parts: list = parts, starts: list = starts, held: list = held) -> None:  # type: ignore[type-arg]
            if 0 <= i < parts[k].size and i not in held[k]:
                held[k][i] = arena[starts[k] + i]

        def write(j: int, written: list = written) -> None:  # type: ignore[type-arg]
            for w, start, part in written:
                if j < part.size:
                    arena[start + j] = (w, part.start + j)

        for j in (*range(1, longest, 2), *reversed(range(0, longest, 2))) if own else ():
            for k, read in enumerate(step.reads):
                if read.exactly is not None:
                    read_one(k, j - read.exactly)
            write(j)
        for j in range(0 if own else longest):
            for k, read in enumerate(step.reads):
                # Output byte j, at `overlap` bytes before the input, may only hit input bytes up to j − overlap.
                read_until(k, j - read.overlap + 1 if read.overlap is not None else 0)
            write(j)
        for k, (read, part) in enumerate(zip(step.reads, parts, strict=True)):
            if own:
                for i in range(part.size):
                    read_one(k, i)
                seen[k] = [held[k][i] for i in range(len(held[k]))]
            read_until(k, part.size)
            assert seen[k] == content(read.buffer, part.size, part.start), (step.name, read)
        for i in range(step.scratch):
            assert arena[scratch + i] == ("scratch", i)
    for name in schedule.outputs:
        assert load(name) == content(name, schedule.sizes[name])


@settings(max_examples=300, deadline=None)
@given(st.one_of(schedules(), divided()))
def test_plans_execute_correctly(schedule: Schedule) -> None:
    found = plan(schedule, attempts=20)
    assert check(schedule, found) == ()
    assert found.bound <= found.size
    assert found.size <= sum(-(-s // ALIGNMENT) * ALIGNMENT for s in schedule.sizes.values()) + sum(
        -(-s.scratch // ALIGNMENT) * ALIGNMENT for s in schedule.steps
    )
    assert found == plan(schedule, attempts=20)
    execute(schedule, found)


@settings(max_examples=150, deadline=None)
@given(st.one_of(schedules(), divided()), st.integers(0, 700), st.integers(0, 2000), st.data())
def test_plans_for_two_regions_execute_correctly(
    schedule: Schedule, first: int, second: int, data: st.DataObject
) -> None:
    """Whatever is found keeps to the rooms and to what was fixed; what fits one region alone is found."""
    rooms = [Room("a", first), Room("b", second)]
    names = sorted(schedule.sizes)
    moved = {name: data.draw(st.integers(0, 1000)) for name in names}
    fixed = dict.fromkeys(data.draw(st.lists(st.sampled_from(names), max_size=2)), "b")
    found = divide(schedule, rooms, moved, fixed, ["a", "b"])
    assert found == divide(schedule, rooms, moved, fixed, ["a", "b"])
    if found is None:
        assert sum(-(-size // ALIGNMENT) * ALIGNMENT for size in schedule.sizes.values()) + sum(
            -(-s.scratch // ALIGNMENT) * ALIGNMENT for s in schedule.steps
        ) > min(first, second) or any(schedule.sizes[name] > second for name in fixed)
        return
    limits = {room.name: room.bytes for room in rooms}
    assert all(share.size <= limits[share.room] for share in found.shares)
    for name in fixed:
        start, end = found.plan.offsets[name], found.plan.offsets[name] + schedule.sizes[name]
        assert start == end or any(s.room == "b" and s.base <= start and end <= s.end for s in found.shares)
    extent = max((share.end for share in found.shares), default=0)
    execute(schedule, replace(found.plan, size=extent))


@settings(max_examples=150, deadline=None)
@given(st.one_of(schedules(), divided()), st.data())
def test_checker_agrees_with_execution(schedule: Schedule, data: st.DataObject) -> None:
    """Shift one buffer of a good plan: what the checker lets pass must still execute correctly."""
    found = plan(schedule, attempts=0)
    name = data.draw(st.sampled_from(sorted(schedule.sizes)))
    places = {**found.offsets, name: data.draw(st.integers(0, 30)) * ALIGNMENT}
    moved = Plan(places, found.scratch, max(found.size, places[name] + schedule.sizes[name]), found.bound)
    if not check(schedule, moved):
        execute(schedule, moved)


def least_of_all_orders(schedule: Schedule) -> int:
    """What the best order needs, found by trying every set of executed steps."""
    steps = schedule.steps
    made = {name: i for i, step in enumerate(steps) for name in step.writes}

    @cache
    def worst(order: tuple[int, ...]) -> int:
        left = [i for i in range(len(steps)) if i not in order]
        if not left:
            return max(needs(replace(schedule, steps=tuple(steps[i] for i in order))))
        ready = [i for i in left if all(made.get(r.buffer, -1) in (-1, *order) for r in steps[i].reads)]
        return min(worst((*order, i)) for i in ready)

    return worst(())


@settings(max_examples=100, deadline=None)
@given(schedules())
def test_order_is_the_best(schedule: Schedule) -> None:
    found = best_order(schedule)
    assert sorted(found.steps) == list(range(len(schedule.steps)))
    ordered = replace(schedule, steps=tuple(schedule.steps[i] for i in found.steps))
    assert found.needed == found.bound == max(needs(ordered)) <= max(needs(schedule))
    if len(schedule.steps) <= 6:
        assert found.needed == least_of_all_orders(schedule)
    arranged = arrange(schedule)
    used = replace(schedule, steps=tuple(schedule.steps[i] for i in arranged.order))
    assert check(used, arranged.plan) == ()
    assert found.bound <= arranged.plan.bound <= arranged.plan.size
    execute(used, arranged.plan)


@st.composite
def tiny(draw: st.DrawFn) -> Schedule:
    """Three or four buffers, no larger than three times the alignment."""
    sizes = {"x": draw(st.integers(1, 48))}
    steps = []
    for i in range(draw(st.integers(2, 3))):
        names = draw(st.lists(st.sampled_from(sorted(sizes)), min_size=1, max_size=2))
        overlaps = st.sampled_from(((None, None), (-20, None), (0, None), (16, None), (30, 16), (None, 0), (None, 16)))
        reads = tuple(Read(n, *draw(overlaps)) for n in names)
        steps.append(Step(f"s{i}", reads, (f"t{i}",)))
        sizes[f"t{i}"] = draw(st.integers(1, 48))
    return Schedule(sizes, ("x",), (f"t{len(steps) - 1}",), tuple(steps))


@settings(max_examples=60, deadline=None)
@given(tiny())
def test_no_smaller_plan_exists(schedule: Schedule) -> None:
    """By trying all offsets."""
    found = plan(schedule)
    smaller = found.size - 1
    rooms = [range(0, smaller - size + 1, ALIGNMENT) for size in schedule.sizes.values()]
    scratch = (0,) * len(schedule.steps)
    for offsets in product(*rooms):
        assert check(schedule, Plan(dict(zip(schedule.sizes, offsets, strict=True)), scratch, smaller, 0)) != ()
    assert found.bound == found.size
