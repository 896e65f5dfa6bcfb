"""Standard streams that are closed, full or no longer read, and signals: how the command line ends when they come."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn, TextIO, TypeVar

from edgeq.errors import UsageError

T = TypeVar("T")

SIGNALED = 128
"""An exit code is this and a signal's number, as shells have it."""
INTERRUPTED = SIGNALED + signal.SIGINT
UNREAD = SIGNALED + 13
"""Exit code when whoever read the output has gone, as of any other program: 13 is SIGPIPE, which Windows has not."""


class Ended(BaseException):
    """The process is asked to end; what is under way cleans up after itself. `number` is that of the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Unread(BaseException):
    """Whoever read the output has gone, so that there is no point in going on."""


class Output(io.TextIOBase):
    """The standard output; if it cannot be written, that is an error of its own, wherever it is noticed.

    Args:
        stream: where it goes; None if it is closed.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._broken = "" if stream is not None else os.strerror(errno.EBADF)
        """Why nothing can be written, from the first attempt on."""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding."""
        return self._stream.encoding if self._stream is not None else "utf-8"

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        """Its number."""
        if self._stream is None:
            raise io.UnsupportedOperation("it is closed")
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Write text; returns how much."""
        return self._told(lambda stream: stream.write(text))

    def flush(self) -> None:
        """Write what was kept back."""
        if self._stream is not None:
            self._told(lambda stream: stream.flush())

    def close(self) -> None:
        """Nothing: it is closed with the process."""

    def _told(self, action: Callable[[TextIO], T]) -> T:
        """Do something with the stream.

        Raises:
            Unread: nobody reads it any more.
            UsageError: it cannot be written.
        """
        if self._stream is not None and not self._broken:
            try:
                return action(self._stream)
            except BrokenPipeError as error:
                self._abandon()
                raise Unread from error
            except OSError as error:
                self._abandon()
                self._broken = error.strerror or str(error)
        raise UsageError(f"the output cannot be written: {self._broken}", hint="check where the standard output goes")

    def _abandon(self) -> None:
        """Let what is still kept back go nowhere, so that Python does not complain about it at its end."""
        with suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())
            os.close(null)


def prepare() -> None:
    """Make the standard streams usable, and let signals end the process in order."""
    while os.open(os.devnull, os.O_RDWR) <= 2:  # else files opened later have the numbers of the closed streams
        pass
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files may be no text
    sys.stdout = Output(sys.stdout)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise Ended(number)
