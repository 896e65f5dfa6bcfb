"""The emulator that pip installs: the same results, counts and faults as QEMU."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import needs
import numpy as np
import pytest
from command_line import DIGITS, succeeds
from tiny_firmware import BAD_ADDRESS, DEEP, FAILING, SPIN, UNDEFINED, asking, build_tiny, expected

from edgeq.errors import ToolError
from edgeq.runners import Program, profile, run, unicorn_system
from edgeq.runners.table import way_to_run
from edgeq.target import RunnerSpec, load_target

CORES = {"cortex-m0plus": "M3", "cortex-m3": "M3", "cortex-m4": "M4", "cortex-m7": "M7", "cortex-m33": "M33"}

Build = Callable[[str], Program]

pytestmark = pytest.mark.qemu


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """The tiny model, with its profile, for a core in Unicorn; compiled once."""
    pytest.importorskip("unicorn")
    made: dict[str, Program] = {}

    def get(core: str) -> Program:
        target = load_target(core)
        needs.compiler(target, "gcc")
        if core not in made:
            made[core] = build_tiny(tmp_path_factory.mktemp("tiny") / "build", target, "gcc", profile=True)
        specs = tuple(spec for spec in target.runners if spec.kind == "unicorn")
        assert [spec.text("core") for spec in specs] == [f"CORTEX_{CORES[core]}"]
        return replace(made[core], target=replace(target, runners=specs))

    return get


def _in_qemu(program: Program) -> Program:
    return replace(program, target=load_target(program.target.name))


@pytest.mark.parametrize("core", CORES)
def test_the_same_results_and_counts_as_qemu(core: str, built: Build) -> None:
    program = built(core)
    rng = np.random.default_rng(1)
    a, b = rng.integers(-128, 100, (50, 5)).astype(np.int8), rng.integers(-128, 128, (50, 3)).astype(np.int8)
    for got, right in zip(run(program, [a, b]), expected(a, b), strict=True):
        np.testing.assert_array_equal(got, right)
    inputs = asking(SPIN, 5000)
    here, there = profile(program, inputs), profile(_in_qemu(program), inputs)
    assert here == there
    assert here.unit == "instructions" and 10_000 < here.layers[1] < 10_100


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (BAD_ADDRESS, "fault: bad data address in eq_model_run"),
        (UNDEFINED, "fault: undefined instruction in eq_model_run"),
        (DEEP, "fault: stack overflow in deep"),
        (FAILING, "the model reported an error"),
    ],
)
def test_faults_are_told(what: int, message: str, built: Build) -> None:
    with pytest.raises(ToolError) as caught:
        run(built("cortex-m4"), asking(what))
    assert caught.value.message == message


@pytest.mark.slow
def test_it_is_taken_where_qemu_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("unicorn")
    target = load_target("cortex-m4")
    assert way_to_run(target).runner.kind == "qemu-system"
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name, **more: None if name.startswith("qemu") else which(name, **more))
    assert way_to_run(target).runner.kind == "unicorn"
    succeeds("build", DIGITS, "--target", "cortex-m4", "--output", tmp_path / "digits")
    told = succeeds("verify", tmp_path / "digits", "--data", DIGITS / "test.npz", "--samples", "20", "--json").json
    assert (told["samples"], told["mismatches"]) == (20, 0)
    here = succeeds("profile", tmp_path / "digits", "--json").json
    monkeypatch.undo()
    assert here == succeeds("profile", tmp_path / "digits", "--json").json, "also what conditions leave out counts"


def test_without_it(monkeypatch: pytest.MonkeyPatch, built: Build) -> None:
    monkeypatch.setattr(unicorn_system, "_installed", lambda spec: False)
    with pytest.raises(ToolError) as caught:
        run(built("cortex-m4"), asking(0))
    assert caught.value.message == "unicorn is not installed" and caught.value.hint == "pip install edgeq[emulator]"
    assert RunnerSpec("unicorn", {"core": "CORTEX_M4"}) in load_target("cortex-m4").runners
