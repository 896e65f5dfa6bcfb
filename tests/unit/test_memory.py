"""Liveness, memory plans and their checker."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import pytest
from small_net import small_net
from state_nets import mixed_kernels, steps

import edgeq
from edgeq.codegen import lower
from edgeq.errors import InternalError
from edgeq.memory import Plan, Read, Schedule, Span, Step, check, exact, liveness, plan, planner, storage
from edgeq.target import load_target


def chain(overlap: int | None, scratch: int = 0) -> Schedule:
    return Schedule(
        sizes={"a": 96, "b": 96, "c": 32},
        inputs=("a",),
        outputs=("c",),
        steps=(
            Step("one", (Read("a", overlap),), ("b",), scratch),
            Step("two", (Read("b"),), ("c",)),
        ),
    )


def test_liveness() -> None:
    schedule = Schedule(
        sizes={},
        inputs=("x", "unused"),
        outputs=("d",),
        steps=(
            Step("s0", (Read("x"),), ("a", "b")),
            Step("s1", (Read("a"),), ("c",)),
            Step("s2", (Read("a"), Read("c"), Read("c")), ("d",)),
        ),
    )
    assert liveness(schedule) == {
        "x": Span(-1, 0),
        "unused": Span(-1, -1),
        "a": Span(0, 2),
        "b": Span(0, 0),
        "c": Span(1, 2),
        "d": Span(2, 3),
    }
    assert Span(0, 2).meets(Span(2, 3))
    assert not Span(0, 1).meets(Span(2, 3))


def test_views_share_storage() -> None:
    roots = storage(small_net())
    assert roots["flat"] == "residual"
    assert roots["residual"] == "residual"
    assert roots["image:0"] == "image:0"
    assert "head.w" not in roots


def test_disjoint_buffers_lie_side_by_side() -> None:
    found = plan(chain(None))
    assert (found.size, found.bound) == (192, 192)


def test_in_place() -> None:
    found = plan(chain(0))
    assert found.offsets["a"] == found.offsets["b"]
    assert found.size == 96 + 32


def test_output_starts_before_or_after_its_input() -> None:
    before, after = plan(chain(32)), plan(chain(-32))
    assert before.offsets["b"] <= before.offsets["a"] - 32
    assert before.size == 128
    assert after.offsets["b"] <= after.offsets["a"] + 32
    assert after.size == 128


def test_value_needed_later_is_not_overwritten() -> None:
    schedule = replace(chain(0), outputs=("a", "c"))
    found = plan(schedule)
    assert abs(found.offsets["a"] - found.offsets["b"]) >= 96


def test_repeated_operand_takes_the_stricter_overlap() -> None:
    step = Step("s", (Read("a", 0), Read("a", 16), Read("b", 0), Read("b")), ("c",))
    assert step.overlap("a") == 16
    assert step.overlap("b") is None
    assert replace(step, writes=("c", "d")).overlap("a") is None


def test_one_distance_only() -> None:
    """A kernel that works channel by channel: in place, but not a little lower."""
    step = Step("one", (Read("a", None, 0),), ("b",))
    schedule = replace(chain(None), steps=(step, *chain(None).steps[1:]))
    found = plan(schedule)
    assert (found.offsets["a"] == found.offsets["b"], found.size, found.bound) == (True, 128, 128)
    beside = plan(schedule, {"a": 16, "b": 128})
    assert beside.size >= 128 + 96
    with pytest.raises(InternalError, match="overwrites 'a' with 'b'"):
        plan(schedule, {"a": 16, "b": 0})
    larger = replace(schedule, steps=(Step("one", (Read("a", None, 32),), ("b",)), *schedule.steps[1:]))
    assert plan(larger).offsets["a"] - plan(larger).offsets["b"] == 32
    odd = replace(schedule, steps=(Step("one", (Read("a", None, 8),), ("b",)), *schedule.steps[1:]))
    assert plan(odd).size == 192  # offsets are multiples of 16


def test_distances_of_repeated_operands() -> None:
    step = Step("s", (Read("a", None, 0), Read("a", 0), Read("b", None, 0), Read("b", 16), Read("c", 32, 0)), ("d",))
    assert (step.overlap("a"), step.exactly("a"), step.nearest("a")) == (None, 0, 0)
    assert (step.overlap("b"), step.exactly("b"), step.nearest("b")) == (None, None, None)
    assert (step.overlap("c"), step.exactly("c"), step.nearest("c")) == (32, 0, 0)
    assert replace(step, writes=("d", "e")).exactly("a") is None


def test_scratch_is_apart() -> None:
    found = plan(chain(0, scratch=40))
    assert found.scratch[0] >= 96 or found.scratch[0] + 40 <= found.offsets["a"]
    assert found.scratch[1] == 0
    assert found.size == 136


def test_pinned() -> None:
    found = plan(chain(None), {"a": 64})
    assert found.offsets["a"] == 64
    with pytest.raises(InternalError, match="overwrites 'a' with 'b'"):
        plan(chain(None), {"a": 64, "b": 96})


def test_empty_program() -> None:
    found = plan(Schedule({"x": 10}, ("x",), ("x",), ()))
    assert (found.offsets, found.size) == ({"x": 0}, 10)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"b": 0}, "one overwrites 'a' with 'b' while reading it"),
        ({"b": 88}, "'b' is not aligned to 16 bytes"),
        ({"b": 112}, "'b' lies outside of the arena"),
        ({"b": -16}, "'b' lies outside of the arena"),
        ({"c": 96}, "two overwrites 'b' with 'c' while reading it"),
    ],
)
def test_checker_finds(change: dict[str, int], message: str) -> None:
    right = Plan({"a": 0, "b": 96, "c": 0}, (0, 0), 192, 192)
    schedule = chain(None)
    assert check(schedule, right) == ()
    assert message in check(schedule, replace(right, offsets={**right.offsets, **change}))


def test_checker_finds_what_liveness_would_forbid() -> None:
    later = Schedule(
        sizes={"a": 16, "b": 16, "c": 16, "d": 16},
        inputs=("a", "d"),
        outputs=("b",),
        steps=(
            Step("one", (Read("a"),), ("b",), scratch=16),
            Step("two", (Read("b"),), ("c",)),
            Step("three", (Read("a"), Read("d")), ("d",)),
        ),
    )
    problems = check(later, Plan({"a": 0, "b": 16, "c": 0, "d": 0}, (16, 0, 0), 32, 32))
    assert "input 'a' is overwritten by another input" in problems
    assert "scratch of one lies over 'b'" in problems
    assert "three reads 'a' after it was overwritten" in problems
    lost = check(later, Plan({"a": 0, "b": 16, "c": 32, "d": 16}, (48, 0, 0), 64, 32))
    assert "three reads 'd' after it was overwritten" in lost
    assert "output 'b' is overwritten before the end" in lost
    both = check(replace(later, steps=(Step("one", (), ("b", "c")),)), Plan(dict.fromkeys("abcd", 0), (0,), 16, 16))
    assert "one overwrites its output 'b' with another one" in both
    touched = check(later, Plan({"a": 0, "b": 16, "c": 32, "d": 48}, (0, 0, 0), 64, 32))
    assert "scratch of one lies over 'a'" in touched


@pytest.mark.slow
def test_the_exact_search_is_bounded_where_decisions_have_many_consequences() -> None:
    """A network whose states are ports: every window lives from the first step to the last."""
    graph = mixed_kernels(120, ((5, 9, 13),) * 6)
    samples = steps(graph, 8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = replace(edgeq.quantize(graph, samples).graph, states=())
    looks: list[int] = []

    def counted(*arguments: Any) -> exact.Answer:
        answer = exact.fit(*arguments)
        looks.append(answer.looks)
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planner, "fit", counted)
        program = lower(graph, load_target("cortex-m4"))
    most = max(looks)
    assert most > exact.LOOKS / 4  # it is a hard one
    assert sum(looks) <= 2 * exact.LOOKS + len(looks) * 10_000  # two orders of its steps are planned
    assert program.arena_bytes <= 1.01 * program.arena_bound
