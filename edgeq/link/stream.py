"""Streams of bytes to a device: serial ports, what pyserial has under a URL, and programs of this machine."""

from __future__ import annotations

import errno
import os
import queue
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from edgeq import children
from edgeq.errors import ToolError, UsageError
from edgeq.link.probe import Probed, is_rtt, open_rtt

BAUD = 115200
"""Bits per second where nobody says anything else."""
STDIO = "stdio"
"""The port that is the build folder's own program, started here."""
WRITE_SECONDS = 30.0
_POLL = 0.02
_MOST = 1 << 16


class Stream(Protocol):
    """Bytes in both directions.

    Attributes:
        name: what the user calls it.
        baud: bits per second, by which one knows how long bytes take.
        slowness: how many times the patience that a device at a serial port gets is due to what is at the other end,
            such as an emulator on a busy machine.
    """

    name: str
    baud: int
    slowness: float

    def read(self) -> bytes:
        """What has arrived; waits a moment (under 0.1 s) for it. Raises ToolError if the stream has ended."""

    def write(self, data: bytes) -> None:
        """Send bytes. Raises ToolError if they cannot be sent within `WRITE_SECONDS`."""

    def close(self) -> None:
        """Let go of it."""


class SerialStream:
    """A serial port, or what pyserial has under a URL: `socket://HOST:PORT`, `rfc2217://HOST:PORT`."""

    def __init__(self, name: str, baud: int) -> None:
        """Open it.

        Raises:
            UsageError: the name or the baud rate is none.
            ToolError: it is not there, used by another program, or closed to this user.
        """
        import serial  # only who has a device needs it

        self.name, self.baud, self.slowness = name, baud, 4.0 if "://" in name else 1.0
        self._error: type[Exception] = serial.SerialException
        settings: dict[str, Any] = {} if "://" in name else {"exclusive": True}
        if not name.startswith("rfc2217://"):  # which has a limit of its own, and takes none
            settings["write_timeout"] = WRITE_SECONDS
        try:
            self._port = serial.serial_for_url(name, baudrate=baud, timeout=_POLL, **settings)
        except ValueError as error:
            hint = "give a port such as /dev/ttyACM0 or COM3, or socket://HOST:PORT"
            raise UsageError(f"cannot be a port: {error}", hint=hint, where=name) from error
        except (serial.SerialException, OSError) as error:
            raise _unopened(name, error) from error

    def read(self) -> bytes:
        """See Stream."""
        try:
            data = bytes(self._port.read(1))
            while data and len(data) < _MOST and (waiting := self._port.in_waiting):
                data += self._port.read(min(waiting, _MOST))
        except (self._error, OSError, TypeError) as error:  # pyserial lets a TypeError out of a port that was unplugged
            raise self._lost(error) from error
        return data

    def write(self, data: bytes) -> None:
        """See Stream."""
        try:
            self._port.write(data)
        except (self._error, OSError, TypeError) as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """See Stream."""
        with suppress(self._error, OSError):
            self._port.close()

    def _lost(self, error: Exception) -> ToolError:
        return ToolError(f"the connection was lost: {error}", hint="is the device still plugged in?", where=self.name)


def _unopened(name: str, error: Exception) -> ToolError:
    """The error for a port that cannot be opened."""
    code, text = getattr(error, "errno", None), str(error)
    if "://" in name:
        return ToolError("nothing accepts a connection there", hint=text, where=name)
    if code == errno.ENOENT or "FileNotFound" in text:
        hint = "plug the board in, and see `edgeq doctor` for the ports that there are"
        return ToolError("there is no such port", hint=hint, where=name)
    if code in (errno.EACCES, errno.EPERM):
        return ToolError("you may not use this port", hint=permission_hint(name), where=name)
    if code in (errno.EBUSY, errno.EAGAIN) or "lock" in text:
        return ToolError("another program uses this port", hint="close it, such as a serial monitor", where=name)
    return ToolError(f"cannot be opened: {text}", where=name)


def permission_hint(name: str) -> str:
    """What lets a user use a serial port."""
    try:
        import grp

        group = grp.getgrgid(Path(name).stat().st_gid).gr_name
    except (ImportError, KeyError, OSError):
        group = "dialout"
    return f"join the group that owns it: sudo usermod -a -G {group} $USER, then log in anew"


class ProgramStream:
    """A program of this machine, by its standard input and output."""

    def __init__(self, words: Sequence[str | Path], where: str = STDIO, install: str = "", grace: float = 1.0) -> None:
        """Start it.

        Args:
            words: the program and its arguments.
            where: what the user calls it.
            install: what to tell the user when there is no such program.
            grace: seconds that it has to end by itself once its input has ended.

        Raises:
            ToolError: it cannot be started.
        """
        self.name, self.baud, self.slowness, self._grace = where, 10_000_000, 8.0, grace
        try:
            self._child = children.start([str(word) for word in words])
        except FileNotFoundError as error:
            raise ToolError(f"the program {str(words[0])!r} is not there", hint=install) from error
        except OSError as error:
            raise ToolError(f"cannot be started: {error.strerror}", where=str(words[0])) from error
        self._arrived: queue.Queue[bytes | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        stdout = self._child.process.stdout
        assert stdout is not None
        with suppress(OSError, ValueError):
            while data := os.read(stdout.fileno(), _MOST):
                self._arrived.put(data)
        self._arrived.put(None)  # the end

    def read(self) -> bytes:
        """See Stream."""
        try:
            data = self._arrived.get(timeout=_POLL)
        except queue.Empty:
            return b""
        if data is None:
            self._arrived.put(None)
            code = self._child.wait(1.0)
            how = "did not end" if code is None else f"by signal {-code}" if code < 0 else f"with exit code {code}"
            raise ToolError(f"the program ended {how}", hint=self._child.errors(), where=self.name)
        return data

    def write(self, data: bytes) -> None:
        """See Stream."""
        stdin = self._child.process.stdin
        assert stdin is not None
        with suppress(BrokenPipeError, ValueError):  # reading tells why
            stdin.write(data)
            stdin.flush()

    def close(self) -> None:
        """See Stream."""
        self._child.end(self._grace)


def open_stream(port: str, baud: int = BAUD, program: Path | None = None, probed: Probed | None = None) -> Stream:
    """The stream that a port stands for.

    Args:
        port: a serial port's name, a URL of pyserial's, `stdio` for the program, or `rtt` for a debug probe.
        baud: bits per second.
        program: what `stdio` starts.
        probed: what is at the probe of `rtt`.

    Raises:
        UsageError: it cannot be a port.
        ToolError: it cannot be opened.
    """
    if is_rtt(port):
        if probed is None:
            raise UsageError("it is not known what is at the probe", "give --board with a board's name", port)
        return open_rtt(port, probed)
    if port != STDIO:
        return SerialStream(port, baud)
    if program is None:
        raise UsageError("there is no program to start", hint="give a serial port", where=STDIO)
    return ProgramStream([program, "link"])
