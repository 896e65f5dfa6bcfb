"""Platforms: which files their parts have, and what is said of parts that do not go together."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq.codegen import sources
from edgeq.codegen.sources import platform_files
from edgeq.errors import UsageError
from edgeq.resources import folder
from edgeq.target import list_boards, list_targets, load_target, with_console


@pytest.fixture
def firmware(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A firmware folder with a runtime and four parts."""
    for name in ("runtime/model.c", "platform/programs/files/main.c", "platform/cores/a/start.c",
                 "platform/cores/a/libc/string.h", "platform/consoles/b/console.c",
                 "platform/layouts/c/link.ld.j2"):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    monkeypatch.setattr(sources, "folder", lambda name: tmp_path)
    return tmp_path


def test_files_of_all_parts(firmware: Path) -> None:
    assert platform_files(["cores/a", "consoles/b", "layouts/c"]) == {
        "console.c": "platform/consoles/b/console.c",
        "libc/string.h": "platform/cores/a/libc/string.h",
        "link.ld.j2": "platform/layouts/c/link.ld.j2",
        "main.c": "platform/programs/files/main.c",
        "model.c": "runtime/model.c",
        "start.c": "platform/cores/a/start.c",
    }
    assert platform_files([]) == {"main.c": "platform/programs/files/main.c", "model.c": "runtime/model.c"}


def test_another_main_program(firmware: Path) -> None:
    (firmware / "platform" / "programs" / "mine").mkdir()
    (firmware / "platform" / "programs" / "mine" / "loop.c").write_text("mine")
    assert set(platform_files(["programs/mine", "cores/a"])) == {"libc/string.h", "loop.c", "model.c", "start.c"}


def test_a_new_console_is_a_new_folder(firmware: Path) -> None:
    (firmware / "platform" / "consoles" / "mine").mkdir()
    (firmware / "platform" / "consoles" / "mine" / "uart.c").write_text("mine")
    assert set(platform_files(["cores/a", "consoles/mine"])) == {
        *("libc/string.h", "main.c", "model.c", "start.c", "uart.c")
    }


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (["cores/a", "cores/a"], "'cores/a' and 'cores/a' both have libc/string.h"),
        (["cores/a", "families/twice"], "'cores/a' and 'families/twice' both have start.c"),
        (["layouts/c", "families/plain"], "'layouts/c' and 'families/plain' both have link.ld"),
        (["families/model"], "'runtime' and 'families/model' both have model.c"),
    ],
)
def test_parts_with_the_same_file(parts: list[str], message: str, firmware: Path) -> None:
    for family, name in (("twice", "start.c"), ("plain", "link.ld"), ("model", "model.c")):
        (firmware / "platform" / "families" / family).mkdir(parents=True)
        (firmware / "platform" / "families" / family / name).write_text("mine")
    with pytest.raises(UsageError) as caught:
        platform_files(parts, "board")
    assert message in caught.value.message and caught.value.where == "board"


def test_unknown_part() -> None:
    with pytest.raises(UsageError) as caught:
        platform_files(["cores/cortex-n"], "board")
    assert str(caught.value).startswith("board: platform: unknown part 'cores/cortex-n'\n  did you mean cores/cortex-m")


def test_a_part_that_another_one_needs() -> None:
    with pytest.raises(UsageError) as caught:
        platform_files(["cores/cortex-m", "families/stm32l4"], "board")
    assert caught.value.message == "platform: 'families/stm32l4' includes pins.h, which none of the parts has"
    assert caught.value.hint == "add 'pins/stm32' to `parts`"


def test_every_target_has_its_parts_and_every_part_a_target() -> None:
    targets = [*list_targets(), *list_boards()]
    targets += [with_console(board, "uart") for board in list_boards() if board.uart]
    targets += [with_console(board, "rtt") for board in list_boards()]
    for target in targets:
        assert "main.c" in platform_files(target.platform, target.name)
    parts = {path.relative_to(folder("firmware") / "platform").as_posix()
             for path in (folder("firmware") / "platform").glob("*/*")}  # fmt: skip
    assert parts == {part for target in targets for part in target.platform}


def test_files_of_cortex_m() -> None:
    assert list(platform_files(load_target("cortex-m4").platform)) == [
        *("caches.h", "clock.c", "eq_console.h", "eq_platform.h", "inference.c", "inference.h", "libc/string.h"),
        *("link.ld.j2", "main.c", "memory.c", "parts.h", "registers.h", "semihost.c", "stack.c", "startup.c", "wait.h"),
    ]
