"""Bare-metal programs in the emulator: the platform's files, the runner, exact profiles, faults that are explained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import needs
import numpy as np
import pytest
from tiny_firmware import BAD_ADDRESS, DEEP, FAILING, SPIN, UNALIGNED, UNDEFINED, Port, asking, build_tiny, expected

from edgeq.errors import ToolError
from edgeq.ir.tensor import Array
from edgeq.runners import Program, profile, run
from edgeq.target import list_targets, load_target

CORES = [t.name for t in list_targets() if t.family == "cortex-m"]
KINDS = ["gcc", "zig"]

Build = Callable[..., Program]

pytestmark = pytest.mark.qemu


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """The tiny model for a core, compiled once."""
    made: dict[tuple[str, str, bool], Program] = {}

    def get(core: str, kind: str, profile: bool = False) -> Program:
        needs.compiler(load_target(core), kind)
        key = (core, kind, profile)
        if key not in made:
            folder = tmp_path_factory.mktemp("tiny") / "build"
            made[key] = build_tiny(folder, load_target(core), kind, profile)
        return made[key]

    return get


def _inputs(count: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(1)
    return rng.integers(-128, 100, (count, 5)).astype(np.int8), rng.integers(-128, 128, (count, 3)).astype(np.int8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("core", CORES)
def test_a_thousand_inferences_in_one_start(core: str, kind: str, built: Build) -> None:
    a, b = _inputs(1000)
    x, y = run(built(core, kind), [a, b])
    np.testing.assert_array_equal(x, expected(a, b)[0])
    np.testing.assert_array_equal(y, expected(a, b)[1])


def test_more_inferences_than_fit_one_block(built: Build) -> None:
    """A block is 256 KB; the last one is full to the last record, which must not be taken for more to come."""
    for count in (1, 4 * 16384, 4 * 16384 + 1):
        a, b = _inputs(count)
        x, y = run(built("cortex-m4", "gcc"), [a, b])
        assert np.array_equal(x, expected(a, b)[0]) and np.array_equal(y, expected(a, b)[1])


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("core", CORES)
def test_profile_counts_every_instruction(core: str, kind: str, built: Build) -> None:
    """A layer with a loop of two instructions, run n times, costs 2n and what does not depend on n."""
    program = built(core, kind, profile=True)
    base = profile(program, asking(SPIN, 1))
    assert base.unit == "instructions"
    assert base.total - sum(base.layers) in range(8, 64)
    for count in (2, 3, 21, 1000, 65535):
        other = profile(program, asking(SPIN, count))
        assert other.layers[1] - base.layers[1] == 2 * (count - 1)
        assert (other.layers[0], other.layers[2]) == (base.layers[0], base.layers[2])
        assert other.total - base.total == 2 * (count - 1)


@pytest.mark.slow
@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m33", "cortex-m55"])
def test_profile_outlasts_the_timer(core: str, built: Build) -> None:
    """A SysTick of 24 bits goes round once in 671 (M4), 839 (M33) or 524 (M55) million instructions."""
    program = built(core, "gcc", profile=True)
    base, long = (profile(program, asking(SPIN, count)) for count in (1, 27 << 24))
    assert long.layers[1] - base.layers[1] == 2 * ((27 << 24) - 1)


def test_profile_in_cycles(tmp_path: Path) -> None:
    """As on a board. The emulator has no cycle counter, so that SysTick is read: one tick in 40 instructions."""
    target = replace(load_target("cortex-m4"), counter="cycles")
    program = build_tiny(tmp_path / "build", target, "gcc", profile=True)
    cost = profile(program, asking(SPIN, 65535))
    assert cost.unit == "cycles"
    assert abs(cost.layers[1] - 2 * 65535 / 40) < 4


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize(
    ("what", "message"), [(DEEP, "fault: stack overflow"), (UNDEFINED, "fault: undefined instruction in eq_model_run")]
)
def test_fault(core: str, what: int, message: str, built: Build) -> None:
    with pytest.raises(ToolError) as caught:
        run(built(core, "gcc"), asking(what))
    assert caught.value.message == message
    assert caught.value.where == f"tiny.elf on {core}"
    assert "cfsr=0x" in caught.value.hint


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33"])
def test_bad_address_faults(core: str, built: Build) -> None:
    with pytest.raises(ToolError, match="fault: bad data address in eq_model_run") as caught:
        run(built(core, "gcc"), asking(BAD_ADDRESS))
    assert "bfar=0xb0000004" in caught.value.hint
    assert " pc=0x" in caught.value.hint


@pytest.mark.parametrize("kind", KINDS)
def test_unaligned_access_faults_on_armv6m_only(kind: str, built: Build) -> None:
    with pytest.raises(ToolError, match="fault: unaligned access in eq_model_run"):
        run(built("cortex-m0plus", kind), asking(UNALIGNED))
    with pytest.raises(ToolError, match="the model reported an error"):
        run(built("cortex-m3", kind), [np.repeat(i, 2, 0) for i in asking(FAILING)])


FAMILY = """
#include "parts.h"
#include "registers.h"
void eq_family_start(void)
{
    SCB_CCR |= SCB_CCR_UNALIGN_TRP;
}
"""


def test_part_of_a_chip_family_runs_first(tmp_path: Path) -> None:
    """A Cortex-M3 allows unaligned accesses; this family's start makes them fault."""
    target = load_target("cortex-m3")
    needs.compiler(target, "gcc")
    program = build_tiny(tmp_path / "build", target, "gcc", family=FAMILY)
    a, b = _inputs(10)
    np.testing.assert_array_equal(run(program, [a, b])[0], expected(a, b)[0])
    with pytest.raises(ToolError, match="fault: unaligned access in eq_model_run"):
        run(program, asking(UNALIGNED))


def test_input_that_ends_within_an_inference(built: Build) -> None:
    program = replace(built("cortex-m4", "gcc"), inputs=(Port("a", (1, 5), "int8"), Port("b", (1, 2), "int8")))
    with pytest.raises(ToolError, match="the input ends within an inference"):
        run(program, [np.zeros((1, 5), np.int8), np.zeros((1, 2), np.int8)])


def test_program_without_profile(built: Build) -> None:
    with pytest.raises(ToolError, match="this program has no command profile"):
        profile(built("cortex-m4", "gcc"), asking(SPIN))


def test_no_emulator(built: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    program = built("cortex-m55", "gcc")  # the emulator that pip installs has no Helium
    monkeypatch.setenv("PATH", str(Path(__file__).parent))
    with pytest.raises(ToolError, match="'qemu-system-arm' is not installed") as caught:
        run(program, asking(SPIN, 1))
    assert caught.value.hint == "apt-get install qemu-system-arm"
