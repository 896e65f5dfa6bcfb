"""Where a program runs, and what is said of a board that is not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgeq.api.reach import Reach, needs_device
from edgeq.cli._figures import next_command
from edgeq.errors import ToolError, UsageError
from edgeq.link import find_port, ports, without_board
from edgeq.target import load_board
from edgeq.target.text import target_text


@pytest.mark.parametrize(("board", "needed"), [("stm32f4-discovery", True), ("ek-ra8d1", True), ("netduino2", False)])
def test_who_needs_a_device_and_what_comes_next(board: str, needed: bool, tmp_path: Path) -> None:
    target = load_board(board)
    assert needs_device(target) is needed
    (tmp_path / "target.toml").write_text(target_text(target), encoding="utf-8")
    manifest = {"edgeq_version": "0", "target": target.name, "toolchain": "gcc"}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    following = f"flash {tmp_path}" if needed else f"verify {tmp_path} --data SAMPLES.npz"
    assert next_command(tmp_path, manifest) == f"edgeq {following}"


def test_without_the_board_another_build_runs() -> None:
    other = "build with --target cortex-m4 instead"
    with pytest.raises(UsageError) as caught:
        Reach().target(load_board("stm32f4-discovery"))
    assert caught.value.hint is not None and other in caught.value.hint
    assert Reach().target(load_board("nucleo-f446re")).runners[0].settings["core"] == "cortex-m4"
    emulated = load_board("netduino2")
    assert Reach().target(emulated) is emulated
    with pytest.raises(UsageError) as caught:
        Reach(port="auto").target(emulated)
    assert caught.value.hint is not None and other not in caught.value.hint


def test_ports_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "list_ports", lambda: ())
    hints: list[str] = []
    for core in ("", "cortex-m4"):
        with pytest.raises(ToolError, match="no port belongs to nucleo: none has the USB id 0483:374b") as caught:
            find_port(("0483:374b",), "nucleo", core)
        hints.append(str(caught.value.hint))
    assert hints[1] == hints[0] + without_board("cortex-m4") and "\nwithout the board: " in hints[1]
