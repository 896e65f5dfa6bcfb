"""A system that lacks what Windows or macOS lack, for edgeq's Python part; what is left of it is Linux.

    python tests/stand_in/system.py windows|macos WORDS OF EDGEQ …

The standard library and what edgeq depends on are loaded before, and keep what they need. Then modules and functions
that the other system has not are taken away, and those that differ there behave as there as far as edgeq can tell: on
Windows, a file that is open cannot be deleted or moved, a folder neither opened nor replaced. What this cannot show:
the other system's own file names, linkers, consoles and signals.
"""

from __future__ import annotations

import builtins
import ctypes
import fcntl
import importlib
import io
import os
import platform
import shutil
import signal
import subprocess
import sys
import sysconfig
import types
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

LACKING = {
    "windows": {
        "modules": ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog"),
        "os": (
            *("fork", "forkpty", "posix_spawn", "posix_spawnp", "killpg", "getpgid", "setsid", "setpgid", "uname"),
            *("getuid", "geteuid", "getgid", "chown", "mkfifo", "sched_getaffinity", "O_PATH", "O_CLOEXEC"),
            *("O_DIRECTORY", "O_NOFOLLOW", "statvfs", "nice", "getloadavg"),
        ),
        "signal": ("SIGKILL", "SIGHUP", "SIGPIPE", "SIGCHLD", "SIGALRM", "alarm", "setitimer", "pthread_sigmask"),
    },
    "macos": {"modules": (), "os": ("sched_getaffinity", "O_PATH", "posix_fadvise"), "signal": ()},
}
BEFORE = (
    *("asyncio", "concurrent.futures", "ctypes.util", "multiprocessing", "pathlib", "tempfile", "uuid"),
    *("cmake", "elftools.elf.elffile", "flatbuffers", "intelhex", "jinja2", "numpy", "numpy.random", "onnx"),
    *("onnx.reference", "rich.console", "rich.progress", "rich.table", "serial.tools.list_ports", "tflite"),
    *("threadpoolctl", "typer", "typer.rich_utils", "unicorn", "ziglang"),
)
"""What is loaded while the system is still whole; what of it is not installed is not needed."""
_HIDDEN = ("/proc", "/sys", "/dev/bus")
"""Folders of Linux alone."""
_OF_OTHERS = ("/proc/self/maps",)
"""What threadpoolctl reads when it is asked; where it was loaded decides how it asks."""
_REAL = {name: getattr(os, name) for name in ("open", "close", "stat", "unlink", "rename", "replace", "link", "lstat")}
_opened: dict[int, str] = {}


def become(name: str) -> None:
    """Take away what a system lacks: "windows" or "macos"."""
    for module in BEFORE:
        with suppress(ImportError):
            importlib.import_module(module)
    sysconfig.get_config_vars()  # are read from a file that is named after the system
    lacking = LACKING[name]
    for module in lacking["modules"]:
        sys.modules[module] = None  # type: ignore[assignment]  # importing it raises ImportError
    for holder, names in ((os, lacking["os"]), (signal, lacking["signal"])):
        for attribute in names:
            if hasattr(holder, attribute):
                delattr(holder, attribute)
    subprocess._USE_POSIX_SPAWN = False
    _hide_linux()
    _no_function_of("renameat2", "syscall")
    if name == "windows":
        sys.platform = "win32"
        platform.system, platform.machine = (lambda: "Windows"), (lambda: "AMD64")
        sys.modules["msvcrt"] = _locks_of_bytes(fcntl)
        subprocess.CREATE_NEW_PROCESS_GROUP = 0  # which is nothing here
        _no_folders_opened()
        _open_files_stay()
        _links_are_followed()
        _programs_are_found()
    else:
        sys.platform = "darwin"
        platform.system, platform.machine = (lambda: "Darwin"), (lambda: "x86_64")


def _hide_linux() -> None:
    """Let no file be there in the folders that Linux alone has."""

    def hidden(path: Any) -> bool:
        return str(path) not in _OF_OTHERS and f"{path}/".startswith(tuple(f"{folder}/" for folder in _HIDDEN))

    def guard(call: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(path: Any, *arguments: Any, **named: Any) -> Any:
            if not isinstance(path, int) and hidden(path):
                raise FileNotFoundError(2, "No such file or directory", os.fspath(path))
            return call(path, *arguments, **named)

        return guarded

    for holder, names in ((os, ("open", "stat", "lstat", "listdir", "scandir", "access")), (io, ("open",))):
        for attribute in names:
            setattr(holder, attribute, guard(getattr(holder, attribute)))
    builtins.open = io.open
    os.access = lambda path, mode, **named: not hidden(path) and _ACCESS(path, mode, **named)


_ACCESS = os.access


def _no_function_of(*names: str) -> None:
    """Let the C library have no functions of these names; on Windows it has no library without a name either."""
    real = ctypes.CDLL

    class Library(real):  # type: ignore[misc, valid-type]
        def __init__(self, name: str | None, *arguments: Any, **named: Any) -> None:
            if name is None and sys.platform == "win32":
                raise TypeError("bad argument type for built-in operation")
            super().__init__(name, *arguments, **named)

        def __getattr__(self, name: str) -> Any:
            if name in names:
                raise AttributeError(f"function '{name}' not found")
            return super().__getattr__(name)

    ctypes.CDLL = Library  # type: ignore[misc]


def _no_folders_opened() -> None:
    """Let `os.open` refuse folders."""
    real = os.open

    def opened(path: Any, *arguments: Any, **named: Any) -> int:
        if Path(path).is_dir():
            raise PermissionError(13, "Permission denied", os.fspath(path))
        number: int = real(path, *arguments, **named)
        _opened[number] = os.path.realpath(path)
        return number

    def closed(number: int) -> None:
        _opened.pop(number, None)
        _REAL["close"](number)

    os.open, os.close = opened, closed


def _locks_of_bytes(fcntl: types.ModuleType) -> types.ModuleType:
    """The module that locks files on Windows, for whole files."""

    def locking(file: int, mode: int, count: int) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PermissionError(13, "Permission denied") from None

    module = types.ModuleType("msvcrt")
    module.LK_NBLCK, module.locking = 2, locking  # type: ignore[attr-defined]
    return module


def _open_files_stay() -> None:
    """Let files that `os.open` has opened be neither deleted nor moved, nor folders that hold one; and no folder be
    replaced by another."""

    def in_use(path: Any) -> bool:
        place = os.path.realpath(path)
        return any(file == place or file.startswith(f"{place}{os.sep}") for file in _opened.values())

    def refuse(path: Any) -> None:
        if in_use(path):
            raise PermissionError(13, "The process cannot access the file because it is being used", os.fspath(path))

    def unlinked(path: Any, **named: Any) -> None:
        if "dir_fd" not in named:
            refuse(path)
        _REAL["unlink"](path, **named)

    def moved(call: str) -> Callable[..., None]:
        def move(source: Any, target: Any, **named: Any) -> None:
            refuse(source)
            if Path(target).is_dir() or (call == "rename" and os.path.lexists(target)):
                raise FileExistsError(17, "Cannot create a file when that file already exists", os.fspath(target))
            _REAL[call](source, target, **named)

        return move

    os.unlink = os.remove = unlinked
    os.rename, os.replace = moved("rename"), moved("replace")
    shutil._use_fd_functions = False  # as on Windows, where rmtree goes by names


def _links_are_followed() -> None:
    """Let hard links know nothing of symbolic ones."""

    def linked(source: Any, target: Any, *, follow_symlinks: bool = True) -> None:
        if not follow_symlinks:
            raise NotImplementedError("link: follow_symlinks unavailable on this platform")
        _REAL["link"](source, target)

    os.link = linked


def _programs_are_found() -> None:
    """Let programs be found by their names here: they have no suffix, which is looked for on Windows."""

    def which(name: str, *_: Any, **__: Any) -> str | None:
        places = (Path(folder) / name for folder in os.environ["PATH"].split(os.pathsep))
        return next((str(place) for place in places if place.is_file()), None)

    shutil.which = which


def main() -> None:
    """Become the system that the first word names, and call edgeq with the others."""
    name, *words = sys.argv[1:]
    become(name)
    sys.argv = ["edgeq", *words]
    from edgeq.cli.main import entry

    entry()


if __name__ == "__main__":
    main()
