"""Starting other programs so that none of them, nor what they start, outlives edgeq.

Every program gets a mark in its environment, which all its descendants inherit. When edgeq is interrupted, or a program
takes too long, all processes with that mark are ended. When edgeq itself is killed and can do nothing any more, a
watcher does it: a small process that waits for the end of a pipe that only edgeq holds open. Where there is no /proc,
only the program's process group can be ended, on Windows the tree of what it started.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

MARK = "EDGEQ_CHILD"
"""The variable that marks what edgeq has started; nothing reads it but the watcher."""
_APART: Mapping[str, Any] = {
    "start_new_session": sys.platform != "win32",
    "creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
}
"""Ctrl-C is edgeq's to receive; it then ends all programs in its own order."""
_PROC = Path("/proc")
_ENVIRONMENT_FILE = _PROC / "self" / "environ"

_marks: dict[int, str] = {}
"""What marks the programs of this process, by its number: after a fork the child needs its own mark and watcher."""

_WATCHER = """
import os, signal, sys, time
mark = b"{name}=" + sys.argv[1].encode()
sys.stdin.buffer.read()
idle = 0
while idle < 3:
    found = 0
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{{number}}/environ", "rb") as file:
                if mark in file.read() and int(number) != os.getpid():
                    os.kill(int(number), signal.SIGKILL)
                    found += 1
        except OSError:
            pass
    idle = 0 if found else idle + 1
    time.sleep(0.05)
"""


def run(
    words: Sequence[str],
    *,
    cwd: Path | None,
    environment: Mapping[str, str],
    timeout: float,
    source: Path | None = None,
    sink: Path | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end.

    Args:
        words: the program and its arguments.
        cwd: the folder to run it in.
        environment: all its variables.
        timeout: seconds after which it is ended, with all that it started.
        source: the file that is its standard input; by default that is empty.
        sink: the file that its standard output goes to.

    Returns:
        Exit code and both outputs, without one that went to a file.

    Raises:
        OSError: it cannot be started.
        subprocess.TimeoutExpired: it took too long.
    """
    mark = f"{_mark()}.{secrets.token_hex(4)}"
    with ExitStack() as files:
        process = subprocess.Popen(
            words,
            cwd=cwd,
            env={**environment, MARK: mark},
            stdin=subprocess.DEVNULL if source is None else files.enter_context(source.open("rb")),
            stdout=subprocess.PIPE if sink is None else files.enter_context(sink.open("wb")),
            stderr=subprocess.PIPE,
            **_APART,
        )
    with process:
        try:
            output, errors = process.communicate(timeout=timeout)
        except BaseException as reason:
            _end(process, mark)
            if isinstance(reason, subprocess.TimeoutExpired):
                reason.stdout, reason.stderr = process.communicate()
            raise
    return subprocess.CompletedProcess(words, process.returncode, output or b"", errors)


class Child:
    """A program that runs beside this one, with pipes to its standard input and output."""

    def __init__(self, process: subprocess.Popen[bytes], mark: str, errors: IO[bytes]) -> None:
        self.process = process
        self._mark = mark
        self._errors = errors

    def wait(self, timeout: float) -> int | None:
        """Its exit code; None if it does not end in time."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def errors(self) -> str:
        """What it has written to its standard error."""
        self._errors.seek(0)
        return self._errors.read().decode("utf-8", "replace").strip()

    def end(self, grace: float = 1.0) -> None:
        """End it: by the end of its input, and if that is not enough for `grace` seconds by force, with all that it
        started."""
        with suppress(OSError):
            if self.process.stdin is not None:
                self.process.stdin.close()
        if self.wait(grace) is None:
            _end(self.process, self._mark)
            self.process.wait()
        with suppress(OSError):
            if self.process.stdout is not None:
                self.process.stdout.close()
        self._errors.close()


def start(words: Sequence[str]) -> Child:
    """Start a program that runs beside this one.

    Raises:
        OSError: it cannot be started.
    """
    mark = f"{_mark()}.{secrets.token_hex(4)}"
    errors = tempfile.TemporaryFile()  # noqa: SIM115  # a pipe that nobody reads would stop the program
    try:
        process = subprocess.Popen(
            words,
            env={**os.environ, MARK: mark},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            **_APART,
        )
    except OSError:
        errors.close()
        raise
    return Child(process, mark, errors)


def marked(mark: str) -> list[int]:
    """Numbers of the processes whose environment has this mark, or one that begins with it."""
    wanted, found = f"{MARK}={mark}".encode(), []
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if wanted in (entry / "environ").read_bytes() and int(entry.name) != os.getpid():
                    found.append(int(entry.name))
    return found


def _mark() -> str:
    """What marks the programs of this process; its watcher is started with the first of them."""
    own = os.getpid()
    if own not in _marks:
        _marks[own] = f"{own}-{secrets.token_hex(8)}"
        if _ENVIRONMENT_FILE.exists():
            _watch(_marks[own])
    return _marks[own]


def _watch(mark: str) -> None:
    """Start the watcher. The writing end of its pipe stays open, in this process alone, until that ends."""
    reading, _ = os.pipe()
    command = [sys.executable, "-I", "-S", "-c", _WATCHER.format(name=MARK), mark]
    quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
    actions = [(os.POSIX_SPAWN_DUP2, reading, 0), *quiet]
    os.posix_spawn(command[0], command, {}, file_actions=actions, setsid=True)
    os.close(reading)


def _end(process: subprocess.Popen[bytes], mark: str) -> None:
    """End a program and all that it started."""
    with suppress(OSError):
        if sys.platform == "win32":
            subprocess.run(["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True, check=False)
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    if not _ENVIRONMENT_FILE.exists():
        return
    for _ in range(100):  # what is killed may just have started another
        numbers = marked(mark)
        for number in numbers:
            with suppress(OSError):
                os.kill(number, signal.SIGKILL)
        if not numbers:
            break
        time.sleep(0.01)
