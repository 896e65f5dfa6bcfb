"""Raspberry Pi and other computers with Linux, in QEMU's user emulator."""

from __future__ import annotations

import json
from pathlib import Path

import needs
import pytest
from command_line import DIGITS, edgeq, succeeds

from edgeq.runners import way_to_run, ways
from edgeq.target import list_targets, load_target
from edgeq.target import model as target_model

COMPUTERS = [t.name for t in list_targets() if t.family == "linux"]
TEST = DIGITS / "test.npz"


def test_names() -> None:
    generic, boards = ("linux-aarch64", "linux-armhf", "linux-riscv64"), ("rpi2", "rpi3", "rpi4", "rpi5", "rpi-zero")
    assert tuple(COMPUTERS) == (*generic, *boards)
    assert load_target("raspberry-pi").name == "rpi4"
    assert load_target("rpi-zero2").name == "rpi3"


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPUTERS)
def test_the_simulators_bits(name: str, tmp_path: Path) -> None:
    target = load_target(name)
    needs.programs(*(needed.program for way in ways(target) for needed in way.requires))
    needs.compiler(target, "gcc" if target.compilers else "zig")
    succeeds("build", DIGITS, "--target", name, "--output", tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["target"] == name and manifest["ram_bytes"] == manifest["arena_bytes"] > 0
    assert 5_000 < manifest["flash_bytes"] < 50_000
    assert 64 <= manifest["stack_bytes"] <= 2048
    found = succeeds("verify", tmp_path / "out", "--data", TEST, "--json").json
    assert (found["samples"], found["mismatches"]) == (500, 0)


@pytest.mark.slow
def test_times_of_an_emulator_are_no_times_of_the_machine(tmp_path: Path) -> None:
    target = load_target("rpi4")
    if target.here:
        pytest.skip("optional: this machine is one of its kind")
    needs.programs("qemu-aarch64")
    needs.compiler(target, "gcc")
    succeeds("build", DIGITS, "--target", "rpi4", "--output", tmp_path / "out")
    ended = edgeq("profile", tmp_path / "out", "--json")
    assert ended.code == 0 and ended.json["unit"] == "ns"
    assert "warning: the times are the emulator's, not those of rpi4; profile on the machine itself" in ended.err


def test_on_a_machine_of_its_kind_programs_run_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    target = load_target("rpi4")
    monkeypatch.setattr(target_model, "this_machine", lambda: "riscv64")
    assert way_to_run(target).runner.kind == "qemu-user"
    monkeypatch.setattr(target_model, "this_machine", lambda: "aarch64")
    assert way_to_run(target).runner.kind == "host"
