"""Build folders: whole at any moment, whoever writes them and whenever they are killed; nobody else's file is lost."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edgeq.codegen import folder as folder_module
from edgeq.codegen.folder import COMMIT, check_replaceable, restore, staging, write_folder
from edgeq.codegen.manifest import FILE
from edgeq.codegen.written import LIST, entries
from edgeq.errors import ToolError, UsageError

MANIFEST = b'{"edgeq_version": "0", "name": "net"}'
USERS = ("notes.md", "src/mine.c", "build/log/today.txt", "data/x.npz")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")


def _files(which: str) -> dict[str, bytes]:
    """A build: all its files say which one it is, and some only one build has."""
    names = (FILE, "src/net.c", "kernels/include/eq/a.h", f"kernels/ref/{which}.c", f"only_{which}/x.txt", "which")
    return {name: which.encode() for name in names} | {FILE: MANIFEST}


def _write(folder: Path, which: str, finish: Callable[[Path], None] = lambda stage: None) -> None:
    write_folder(folder, _files(which).items(), finish)


def _which(folder: Path) -> str:
    """Which build is there, whole."""
    which = (folder / "which").read_text()
    users = {path: b"precious" for path in USERS if (folder / path).exists()}
    expected = _files(which) | users
    found = {
        path: (folder / path).read_bytes()
        for path in entries(folder)
        if not path.startswith(".edgeq-") and path[-1] != "/"
    }
    assert found == expected
    return which


def _with_users_files(folder: Path) -> None:
    for path in USERS:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("precious")


def _users_files_are_there(folder: Path) -> None:
    assert {path: (folder / path).read_text() for path in USERS} == dict.fromkeys(USERS, "precious")


def test_a_build_takes_the_place_of_another(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    for which in ("first", "second", "second"):
        _write(folder, which)
        assert _which(folder) == which and list(tmp_path.iterdir()) == [folder]


def test_a_build_that_fails_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    _write(folder, "first")
    _with_users_files(folder)
    with pytest.raises(ZeroDivisionError), staging(folder) as stage:
        _write(stage, "second")
        (stage / "half.o").write_text("made after the rest was complete")
        raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError):
        _write(folder, "second", lambda stage: 1 // 0)  # type: ignore[arg-type, return-value]
    assert _which(folder) == "first" and list(tmp_path.iterdir()) == [folder]
    _users_files_are_there(folder)


def test_a_first_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), staging(tmp_path / "a" / "b" / "out") as stage:
        _write(stage, "first")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_errors_name_the_final_place(tmp_path: Path) -> None:
    with pytest.raises(ToolError) as caught, staging(tmp_path / "out") as stage:
        raise ToolError(f"in {stage}", hint=f"gcc -c {stage}/src/net.c", where=str(stage))
    out = str(tmp_path / "out")
    assert (caught.value.message, caught.value.hint, caught.value.where) == (
        f"in {out}",
        f"gcc -c {out}/src/net.c",
        out,
    )


# What is not edgeq's


def test_files_of_the_users_stay(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    _write(folder, "first")
    _with_users_files(folder)
    (folder / "empty").mkdir()
    (folder / "link").symlink_to("nowhere")
    (folder / "script").write_text("run")
    (folder / "script").chmod(0o755)
    number = (folder / "notes.md").stat().st_ino
    _write(folder, "second")
    _users_files_are_there(folder)
    assert (folder / "notes.md").stat().st_ino == number, "it is the same file, which may be open in an editor"
    assert (folder / "empty").is_dir() and (folder / "link").readlink() == Path("nowhere")
    assert os.access(folder / "script", os.X_OK) and not (folder / "only_first").exists()
    _write(folder, "third")
    _users_files_are_there(folder)


def test_files_of_the_users_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*names: Any, **more: Any) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    folder = tmp_path / "out"
    _write(folder, "first")
    _with_users_files(folder)
    _write(folder, "second")
    _users_files_are_there(folder)
    assert _which(folder) == "second" and list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("taken", ["only_second/x.txt", "only_second", "kernels/ref/second.c"])
def test_a_path_that_the_user_has_taken(taken: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    _write(folder, "first")
    (folder / taken).parent.mkdir(exist_ok=True)
    (folder / taken).write_text("precious")
    with pytest.raises(UsageError, match="is not edgeq's, and the build needs its place") as caught:
        _write(folder, "second")
    assert caught.value.where == str(folder / taken)
    assert (folder / taken).read_text() == "precious" and (folder / "which").read_text() == "first"
    assert list(tmp_path.iterdir()) == [folder]


def test_folders_beside_it_stay(tmp_path: Path) -> None:
    """Whatever they are called, and even if they are build folders themselves."""
    names = [".out.before", ".out.settings", ".out.1.edgeq-12345678", ".out.edgeq-12345678", "edgeq-12345678"]
    _write(tmp_path / "out", "first")
    for name in names:
        _write(tmp_path / name, "other")
    _write(tmp_path / "out", "second")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*names, "out"])
    assert {_which(tmp_path / name) for name in names} == {"other"}


def test_a_build_of_an_earlier_version(tmp_path: Path) -> None:
    """Which has no list of its files."""
    folder = tmp_path / "out"
    files = (
        FILE,
        "graph.txt",
        "CMakeLists.txt",
        "src/net.c",
        "src/net_weights.h",
        "include/net.h",
        "reference/float.npz",
    )
    made = (
        "build/net",
        "build/libnet.a",
        "build/CMakeCache.txt",
        "build/CMakeFiles/net.dir/a.o",
        "build/net_profile.elf",
    )
    for name in (*files, *made, "kernels/ref/a.c", "platform/main.c", "toolchain/gcc.cmake"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(MANIFEST)
    _with_users_files(folder)
    _write(folder, "second")
    _users_files_are_there(folder)
    assert _which(folder) == "second"


def test_what_is_refused_before_anything_changes(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "one").write_text("precious")
    (tmp_path / "file").write_text("precious")
    for name, what in (
        ("letters", "was not written by edgeq"),
        ("file", "is not a folder"),
        ("file/out", "not a folder"),
    ):
        with pytest.raises(UsageError, match=what):
            check_replaceable(tmp_path / name)
        with pytest.raises(UsageError, match=what), staging(tmp_path / name):
            pytest.fail("it begins")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "letters"]


# Where it is


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@pytest.mark.parametrize(("name", "below"), [(".", ""), ("..", "sub"), ("../out", ""), ("../..", "sub/sub")])
def test_into_the_working_directory(name: str, below: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    (folder / below).mkdir(parents=True)
    if below:  # else a folder that holds another one is not empty
        _write(folder.parent / "made", "zeroth")
        for path in (folder.parent / "made").iterdir():
            path.rename(folder / path.name)
        (folder.parent / "made").rmdir()
    number = folder.stat().st_ino
    with _inside(folder / below):
        for which in ("first", "second"):
            _write(Path(name), which)
            assert _which(folder) == which
            _with_users_files(folder)
        assert Path.cwd() == folder / below
    _users_files_are_there(folder)
    assert folder.stat().st_ino == number and list(tmp_path.iterdir()) == [folder]


def test_into_a_working_directory_with_something_in_it(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("precious")
    (tmp_path / "sub").mkdir()
    for name, below in ((".", ""), ("..", "sub")):
        with _inside(tmp_path / below), pytest.raises(UsageError, match="was not written by edgeq"):
            _write(Path(name), "first")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["letter", "sub"]


def test_by_way_of_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real")
    for which in ("first", "second"):
        _write(tmp_path / "link", which)
        assert _which(tmp_path / "real") == which and (tmp_path / "link").is_symlink()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "real"]


def test_long_names(tmp_path: Path) -> None:
    for name in ("x" * 255, "漢" * 85):
        for which in ("first", "second"):
            _write(tmp_path / name, which)
            assert _which(tmp_path / name) == which
    assert len(list(tmp_path.iterdir())) == 2


# Several at once


def test_two_at_once(tmp_path: Path) -> None:
    """Both end well; the last one to end is there."""
    folder = tmp_path / "out"
    _write(folder, "zeroth")
    _with_users_files(folder)
    with staging(folder) as first:
        _write(first, "first")
        with staging(folder) as second:
            _write(second, "second")
            assert _which(folder) == "zeroth"
        assert _which(folder) == "second"
    assert _which(folder) == "first" and list(tmp_path.iterdir()) == [folder]
    with staging(folder) as first:
        _write(first, "third")
        with pytest.raises(ZeroDivisionError), staging(folder) as second:
            _write(second, "fourth")
            raise ZeroDivisionError
    assert _which(folder) == "third" and list(tmp_path.iterdir()) == [folder]
    _users_files_are_there(folder)


def test_many_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    _write(folder, "zeroth")
    _with_users_files(folder)
    seen: list[str] = []

    def build(number: int) -> None:
        for k in range(10):
            _write(folder, f"build{number}_{k}")

    threads = [threading.Thread(target=build, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        seen.append((folder / "which").read_text())  # there is one at any moment
    for thread in threads:
        thread.join()
    assert _which(folder).endswith("_9") and len(set(seen)) > 1
    assert list(tmp_path.iterdir()) == [folder]
    _users_files_are_there(folder)


# Killed

CALLS = ("rename", "replace", "unlink", "link", "rmdir", "mkdir", "open", "chmod")
"""What changes a folder; a process is killed before one of these calls, and another one before the next of them."""


def _killed(number: int, work: Callable[[], None]) -> bool:
    """Run in a child that is killed before its `number`th call that changes a folder; whether that came."""
    child = os.fork()
    if not child:
        count = 0

        def counted(call: Callable[..., Any]) -> Callable[..., Any]:
            def wrapped(*arguments: Any, **more: Any) -> Any:
                nonlocal count
                count += 1
                if count == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*arguments, **more)

            return wrapped

        try:
            for name in CALLS:
                setattr(os, name, counted(getattr(os, name)))
            folder_module.exchange = counted(folder_module.exchange)
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.filterwarnings("ignore:This process")
@pytest.mark.parametrize("way", ["exchanged", "moved twice", "in place"])
@pytest.mark.parametrize("users", [False, True], ids=["", "with files of the user's"])
def test_killed_at_any_moment(way: str, users: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "out"
    _write(folder, "first")
    if users:
        _with_users_files(folder)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(folder if way == "in place" else tmp_path / "elsewhere")
    if way == "moved twice":
        monkeypatch.setattr(folder_module, "exchange", lambda first, second: False)
    number, ends = 0, set()
    which = "first"
    while True:
        number += 1
        after = "second" if which == "first" else "first"
        killed = _killed(number, lambda after=after: _write(folder, after))  # type: ignore[misc]
        if way == "exchanged":
            assert _which(folder) in (which, after), "at any moment, without a repair"
        restore(folder)
        assert _which(folder) in (which, after)
        if users:
            _users_files_are_there(folder)
        ends.add(_which(folder) == after)
        which = _which(folder)
        if not killed:
            break
        assert not (folder / COMMIT).exists()
        with pytest.raises(ZeroDivisionError), staging(folder):
            raise ZeroDivisionError
        assert sorted(p.name for p in tmp_path.iterdir()) == ["elsewhere", "out"], "the next build cleans up"
        assert [p.name for p in folder.iterdir() if p.name.startswith(".edgeq-")] == [LIST]
        assert _which(folder) == which
    assert number > 30 and ends == {True, False}


def _write_within(folder: Path, which: str) -> None:
    """A folder that is made within the place of another one, as those of builds are."""
    with staging(folder) as stage:
        _write(stage, which)


@pytest.mark.filterwarnings("ignore:This process")
def test_a_place_within_a_place_is_swept(tmp_path: Path) -> None:
    number = 0
    while _killed(number := number + 1, lambda: _write_within(tmp_path / "out", "first")):
        _write(tmp_path / "out", "second")
        assert [p.name for p in tmp_path.iterdir()] == ["out"], "the next build cleans up"
        shutil.rmtree(tmp_path / "out")
    assert number > 30 and _which(tmp_path / "out") == "first"


@pytest.mark.filterwarnings("ignore:This process")
def test_a_first_build_killed_at_any_moment(tmp_path: Path) -> None:
    number = 0
    while True:
        number += 1
        killed = _killed(number, lambda: _write(tmp_path / "out", "first"))
        assert not (tmp_path / "out").exists() or _which(tmp_path / "out") == "first"
        if not killed:
            break
        _write(tmp_path / "out", "second")
        assert [p.name for p in tmp_path.iterdir()] == ["out"], "the next build cleans up"
        shutil.rmtree(tmp_path / "out")
    assert _which(tmp_path / "out") == "first"
