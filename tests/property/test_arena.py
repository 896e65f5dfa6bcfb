"""Memory plans of random programs: proved by the checker, and by executing the program byte by byte."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.memory import ALIGNMENT, Plan, Read, Schedule, Step, check, plan

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
        reads = tuple(Read(name, draw(OVERLAPS)) for name in names)
        steps.append(Step(f"step{index}", reads, tuple(writes), draw(st.sampled_from((0, 0, 7, 64)))))
        known += writes
    outputs = draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True))
    return Schedule(sizes, tuple(inputs), tuple(outputs), tuple(steps))


def content(name: str, size: int) -> list[tuple[str, int]]:
    return [(name, i) for i in range(size)]


def execute(schedule: Schedule, found: Plan) -> None:
    """Run a plan on an arena of labelled bytes; kernels read each byte as late, and write as early, as they may."""
    arena: list[tuple[str, int] | None] = [None] * found.size

    def load(name: str) -> Sequence[tuple[str, int] | None]:
        return arena[found.offsets[name] : found.offsets[name] + schedule.sizes[name]]

    for name in schedule.inputs:
        arena[found.offsets[name] : found.offsets[name] + schedule.sizes[name]] = content(name, schedule.sizes[name])
    for step, scratch in zip(schedule.steps, found.scratch, strict=True):
        for i in range(step.scratch):
            arena[scratch + i] = ("scratch", i)
        longest = max(schedule.sizes[w] for w in step.writes)
        seen: dict[int, list[tuple[str, int] | None]] = {k: [] for k in range(len(step.reads))}

        def read_until(k: int, count: int, step: Step = step, seen: dict = seen) -> None:  # type: ignore[type-arg]
            name = step.reads[k].buffer
            while len(seen[k]) < min(count, schedule.sizes[name]):
                seen[k].append(arena[found.offsets[name] + len(seen[k])])

        for j in range(longest):
            for k, read in enumerate(step.reads):
                # Output byte j, at `overlap` bytes before the input, may only hit input bytes up to j − overlap.
                read_until(k, j - read.overlap + 1 if read.overlap is not None else 0)
            for w in step.writes:
                if j < schedule.sizes[w]:
                    arena[found.offsets[w] + j] = (w, j)
        for k, read in enumerate(step.reads):
            read_until(k, schedule.sizes[read.buffer])
            assert seen[k] == content(read.buffer, schedule.sizes[read.buffer]), (step.name, read)
        for i in range(step.scratch):
            assert arena[scratch + i] == ("scratch", i)
    for name in schedule.outputs:
        assert load(name) == content(name, schedule.sizes[name])


@settings(max_examples=200, deadline=None)
@given(schedules())
def test_plans_execute_correctly(schedule: Schedule) -> None:
    found = plan(schedule, attempts=20)
    assert check(schedule, found) == ()
    assert found.bound <= found.size
    assert found.size <= sum(-(-s // ALIGNMENT) * ALIGNMENT for s in schedule.sizes.values()) + sum(
        -(-s.scratch // ALIGNMENT) * ALIGNMENT for s in schedule.steps
    )
    assert found == plan(schedule, attempts=20)
    execute(schedule, found)


@settings(max_examples=100, deadline=None)
@given(schedules(), st.data())
def test_checker_agrees_with_execution(schedule: Schedule, data: st.DataObject) -> None:
    """Shift one buffer of a good plan: what the checker lets pass must still execute correctly."""
    found = plan(schedule, attempts=0)
    name = data.draw(st.sampled_from(sorted(schedule.sizes)))
    places = {**found.offsets, name: data.draw(st.integers(0, 30)) * ALIGNMENT}
    moved = Plan(places, found.scratch, max(found.size, places[name] + schedule.sizes[name]), found.bound)
    if not check(schedule, moved):
        execute(schedule, moved)
