"""The order of all steps and the offsets of all buffers in one arena.

Heuristics come first, then an exact search where they miss the bound. Searches are limited by a number of decisions,
never by time, so every machine finds the same plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from edgeq.errors import InternalError
from edgeq.memory.blocks import Block, Rule, blocks_of, rules_of, scratch_name
from edgeq.memory.bound import needs
from edgeq.memory.check import check
from edgeq.memory.exact import LOOKS, fit
from edgeq.memory.heuristic import place_greedily
from edgeq.memory.order import best_order
from edgeq.memory.schedule import Plan, Schedule

ATTEMPTS = 200
"""Orders of placing that are tried after the systematic ones, unless the bound was reached before."""
BUDGET = 6000
"""Decisions that the exact search may take in all."""
EFFORT = 4_000_000
"""Roughly how many pairs of blocks it may look at in all: the more pairs, the fewer decisions."""


def _place_exactly(
    blocks: Sequence[Block],
    rules: Sequence[Sequence[Rule]],
    pinned: Mapping[int, int],
    known: tuple[Mapping[int, int], int],
    limits: tuple[int, int],
    budget: int,
) -> tuple[Mapping[int, int], int, int]:
    """A plan smaller than a known one, if the search finds one: at the bound first, then half way, and so on.

    The search stops at the greater of `limits`: the bound, and what is enough.

    Returns:
        Offsets, the arena's size, and the bytes below which no plan is now known to be possible.
    """
    best, size = known
    bound = limits[0]
    least = goal = max(limits)
    looks = LOOKS
    while budget > 0 and looks > 0 and least < size:
        answer = fit(blocks, rules, pinned, goal, -(-budget // 2), looks)
        budget -= answer.steps + 1
        looks -= answer.looks
        if answer.offsets is not None:
            best, size = answer.offsets, max((answer.offsets[i] + b.size for i, b in enumerate(blocks)), default=0)
        else:
            least = goal + 1
            bound = least if answer.complete else bound
        goal = (least + size - 1) // 2
    return best, size, bound


def plan(
    schedule: Schedule,
    pinned: Mapping[str, int] | None = None,
    attempts: int = ATTEMPTS,
    budget: int = BUDGET,
    enough: int = 0,
) -> Plan:
    """Place all buffers and scratch memories of a schedule.

    Args:
        schedule: what to plan for.
        pinned: offsets of buffers that must lie at a certain place.
        attempts: orders of placing to try beyond the systematic ones.
        budget: decisions that the exact search may take if the heuristics miss the bound.
        enough: an arena size that is small enough: the search stops there even if the bound is less.

    Raises:
        InternalError: pinned buffers collide, or the plan fails its independent check.
    """
    blocks = blocks_of(schedule)
    rules = rules_of(schedule, blocks)
    index = {b.name: i for i, b in enumerate(blocks)}
    fixed = {index[name]: offset for name, offset in (pinned or {}).items()}
    bound = max(needs(schedule))
    budget = min(budget, 2 * EFFORT // max(sum(map(len, rules)), 1))
    known = place_greedily(blocks, rules, fixed, max(bound, enough), attempts)
    best, size, bound = _place_exactly(blocks, rules, fixed, known, (bound, enough), budget)
    result = Plan(
        offsets={b.name: best[i] for i, b in enumerate(blocks) if b.name in schedule.sizes},
        scratch=tuple(best[index[scratch_name(i)]] if s.scratch > 0 else 0 for i, s in enumerate(schedule.steps)),
        size=size,
        bound=bound,
    )
    problems = check(schedule, result)
    if problems:
        raise InternalError(f"the memory plan is wrong: {problems[0]}", hint="please report this model as a defect")
    return result


@dataclass(frozen=True)
class Arrangement:
    """An order of steps, and the plan for it.

    Attributes:
        order: indices of the schedule's steps, in order of execution.
        plan: offsets and scratch memories for the steps in that order. Its bound holds for every order of steps.
    """

    order: tuple[int, ...]
    plan: Plan


def arrange(schedule: Schedule) -> Arrangement:
    """Find the order of steps and the plan with the smallest arena; the original order where no other is better.

    Args:
        schedule: steps in an order in which they can be executed.

    Raises:
        InternalError: the plan fails its independent check.
    """
    best = best_order(schedule)
    original = tuple(range(len(schedule.steps)))
    smallest: Arrangement | None = None
    for order in dict.fromkeys([best.steps, original]):
        candidate = plan(replace(schedule, steps=tuple(schedule.steps[i] for i in order)))
        if smallest is None or candidate.size < smallest.plan.size:
            smallest = Arrangement(order, candidate if best.only else replace(candidate, bound=best.bound))
        if candidate.size <= best.bound:
            break
    assert smallest is not None
    return smallest
