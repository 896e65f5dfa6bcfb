"""The order of steps, the bound, and exact placement."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from edgeq.memory import Plan, Read, Schedule, Step, arrange, check, plan
from edgeq.memory.blocks import blocks_of, rules_of
from edgeq.memory.bound import needs, united
from edgeq.memory.exact import fit
from edgeq.memory.heuristic import place_greedily
from edgeq.memory.order import best_order


def diamond(scratch: int = 0) -> Schedule:
    """Two branches from one input: a fat one first and a thin one after it, which is the worse order."""
    return Schedule(
        sizes={"x": 64, "fat": 640, "slim": 32, "thick": 960, "thin": 16, "y": 16},
        inputs=("x",),
        outputs=("y",),
        steps=(
            Step("up", (Read("x"),), ("fat",)),
            Step("up2", (Read("x"),), ("thick",), scratch),
            Step("down", (Read("fat"),), ("slim",)),
            Step("down2", (Read("thick"),), ("thin",)),
            Step("join", (Read("slim"), Read("thin")), ("y",)),
        ),
    )


def test_branches_are_finished_one_by_one() -> None:
    found = best_order(diamond())
    assert max(needs(diamond())) == 64 + 640 + 960
    assert found.steps == (1, 3, 0, 2, 4)  # the thick branch while nothing else is there
    assert (found.needed, found.bound) == (64 + 960 + 16, 64 + 960 + 16)
    arranged = arrange(diamond())
    assert (arranged.order, arranged.plan.size, arranged.plan.bound) == (found.steps, 1040, 1040)


def test_scratch_counts() -> None:
    assert best_order(diamond(scratch=40)).needed == 64 + 960 + 40


def test_given_order_is_kept_where_none_is_better() -> None:
    sizes = {"x": 64, "a": 64, "b": 64, "y": 64}
    steps = (
        Step("b", (Read("x"),), ("b",)),
        Step("a", (Read("x"),), ("a",)),
        Step("y", (Read("a", 0), Read("b", 0)), ("y",)),
    )
    assert arrange(Schedule(sizes, ("x",), ("y",), steps)).order == (0, 1, 2)


def test_order_of_nothing() -> None:
    arranged = arrange(Schedule({"x": 10}, ("x",), ("x",), ()))
    assert (arranged.order, arranged.plan.size, arranged.plan.bound) == ((), 10, 10)


def test_wide_graph_within_budget() -> None:
    """Twelve branches: 2¹² sets of finished branches and more; each is a peak that has to be alone."""
    sizes, steps = {"x": 16, "y": 16}, []
    for i in range(12):
        sizes |= {f"big{i}": 160 * (i + 1), f"small{i}": 16 * (1 + (5 * i) % 12)}
    steps += [Step(f"up{i}", (Read("x"),), (f"big{i}",)) for i in range(12)]
    steps += [Step(f"down{i}", (Read(f"big{i}"),), (f"small{i}",)) for i in range(12)]
    steps.append(Step("join", tuple(Read(f"small{i}") for i in range(12)), ("y",)))
    schedule = Schedule(sizes, ("x",), ("y",), tuple(steps))
    arranged = arrange(schedule)
    assert arranged.plan.size == arranged.plan.bound < max(needs(schedule)) / 3
    assert arranged == arrange(schedule)
    assert best_order(schedule, budget=0).needed >= arranged.plan.bound  # the beam alone
    assert best_order(schedule, budget=0).bound <= arranged.plan.bound


@pytest.mark.parametrize(
    ("output", "inputs", "extent"),
    [
        (96, [], 96),
        (96, [(0, 96)], 96),
        (96, [(32, 96)], 128),
        (96, [(20, 96)], 128),  # offsets are multiples of 16
        (96, [(-32, 96)], 96),
        (96, [(500, 96)], 192),
        (96, [(0, 96), (0, 96)], 192),
        (96, [(80, 16), (0, 32)], 96),
        (32, [(0, 96)], 96),
    ],
)
def test_united(output: int, inputs: list[tuple[int, int]], extent: int) -> None:
    assert united(output, inputs) == extent


def test_needs() -> None:
    assert needs(diamond()) == [64, 64 + 640, 64 + 640 + 960, 640 + 960 + 32, 960 + 32 + 16, 32 + 16 + 16, 16]
    odd = replace(diamond(), sizes={**diamond().sizes, "fat": 633})
    assert needs(odd)[1] == 64 + 633  # the odd one lies on top


def hard() -> Schedule:
    """A program for which placing one by one, in any of the usual orders, misses the bound."""
    sizes = {"x": 832, "a": 480, "b": 352, "c": 608, "d": 224, "e": 704, "f": 96, "g": 544, "y": 64}
    return Schedule(
        sizes,
        ("x",),
        ("y", "d"),
        (
            Step("a", (Read("x"),), ("a",)),
            Step("b", (Read("x"), Read("a")), ("b",)),
            Step("c", (Read("b"),), ("c",)),
            Step("d", (Read("a"),), ("d",)),
            Step("e", (Read("c"), Read("d")), ("e",)),
            Step("f", (Read("b"), Read("e")), ("f",)),
            Step("g", (Read("e"), Read("f")), ("g",)),
            Step("y", (Read("g"), Read("f")), ("y",)),
        ),
    )


def test_exact_search_finds_or_disproves() -> None:
    schedule = hard()
    blocks = blocks_of(schedule)
    rules = rules_of(schedule, blocks)
    found = plan(schedule)
    assert check(schedule, found) == ()
    answer = fit(blocks, rules, {}, found.size, 1000)
    assert answer.offsets is not None
    assert max(answer.offsets[i] + b.size for i, b in enumerate(blocks)) <= found.size
    none = fit(blocks, rules, {}, found.bound - 1, 1000)
    assert none.offsets is None
    assert none.complete
    _, greedy = place_greedily(blocks, rules, {}, 0, 0)
    assert greedy >= found.size


def test_budget_ends_the_search() -> None:
    """A chain in which every output starts lower than its input: only together do the steps exceed the size."""
    steps = tuple(Step(f"s{i}", (Read(f"t{i}", 32),), (f"t{i + 1}",)) for i in range(6))
    schedule = Schedule({f"t{i}": 320 for i in range(7)}, ("t0",), ("t6",), steps)
    assert max(needs(schedule)) == 352
    blocks = blocks_of(schedule)
    rules = rules_of(schedule, blocks)
    short, long = fit(blocks, rules, {}, 352, 0), fit(blocks, rules, {}, 352, 1000)
    assert (long.offsets, long.complete) == (None, True)
    assert short.steps == 0
    made = plan(schedule)
    assert (made.size, made.bound) == (512, 512)  # six times 32 lower; the bound is what the search has proved
    assert arrange(schedule).plan.bound == 512


def test_pinned_blocks_stay() -> None:
    schedule = hard()
    blocks = blocks_of(schedule)
    pinned = {next(i for i, b in enumerate(blocks) if b.name == "c"): 160}
    answer = fit(blocks, rules_of(schedule, blocks), pinned, 4000, 1000)
    assert answer.offsets is not None
    assert all(answer.offsets[i] == offset for i, offset in pinned.items())
    assert fit(blocks, rules_of(schedule, blocks), pinned, 700, 1000).offsets is None


def test_best_of_all_orders() -> None:
    """By trying them all."""
    schedule = hard()
    made = {name: step for step in schedule.steps for name in step.writes}
    least = min(
        max(needs(replace(schedule, steps=order)))
        for order in permutations(schedule.steps)
        if all(order.index(made[r.buffer]) < i for i, s in enumerate(order) for r in s.reads if r.buffer in made)
    )
    assert best_order(schedule).needed == best_order(schedule).bound == least


def test_plan_is_a_value() -> None:
    assert isinstance(plan(hard()), Plan)
    assert plan(hard()) == plan(hard())
