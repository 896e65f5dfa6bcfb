"""Where a program runs: as its target says, on a device that is asked over a serial line, or on another computer."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgeq.errors import UsageError
from edgeq.link import RTT, is_rtt, without_board
from edgeq.target import RunnerSpec, Setting, Target, load_board

if TYPE_CHECKING:
    from edgeq.link import Stream

AUTO = "auto"
"""The port that is found by the board's USB ids."""


@dataclass(frozen=True)
class Reach:
    """How a device is reached; with nothing given, it is what the target's file says.

    Attributes:
        port: a serial port, a URL (`socket://HOST:PORT`, `rfc2217://HOST:PORT`), "stdio" for the folder's own program,
            "rtt" for a debug probe ("rtt:SERIAL" for one of several), or "auto" for the port that the board's USB ids
            tell.
        board: the board whose USB ids and speed count, by its name or file; by default that of the build folder.
        baud: bits per second; by default the board's.
        host: a computer that runs the folder's program, as OpenSSH's client takes it: `pi@raspberrypi`, a name of
            `~/.ssh/config`, `ssh://USER@HOST:PORT`.
        ssh_options: further options of that client, in one text, such as "-p 2222 -i key".
    """

    port: str | None = None
    board: str | None = None
    baud: int | None = None
    host: str | None = None
    ssh_options: str | None = None

    @property
    def given(self) -> bool:
        """Whether a device is asked for."""
        return self.port is not None or self.board is not None or self.host is not None

    def target(self, built: Target) -> Target:
        """A build folder's target, reached this way.

        Raises:
            UsageError: what is given contradicts itself, or nothing tells the port.
        """
        _check_baud(self.baud)
        if self.host is not None:
            return self._by_ssh(built, self.host)
        if self.ssh_options is not None:
            raise UsageError("--ssh-options are about a computer", hint="give --host, or leave them out")
        if not self.given and not needs_device(built):
            if self.baud is not None:
                raise UsageError("--baud is the speed of a serial port", hint="give --port, or leave it out")
            return built
        board = built if self.board is None else load_board(self.board)
        usb = board.uart.usb if board.uart else ()
        core = built.cpu if needs_device(built) else ""
        settings: dict[str, Setting] = {"board": board.name, "usb": usb, "core": core}
        if is_rtt(self.port or "") or (self.port is None and built.console == RTT):
            settings |= {"port": self.port or RTT, **_at_a_probe(built, board)}
        elif self.port not in (None, AUTO):
            settings["port"] = str(self.port)
        elif not usb:
            raise UsageError(
                f"it is not known which port {board.name} is at: its file has no USB ids",
                hint="give --port, such as /dev/ttyACM0 or COM3 (`edgeq doctor` lists those that there are)"
                + without_board(core),
                where="--port",
            )
        baud = self.baud or (board.uart.baud if board.uart else None)
        if baud:
            settings["baud"] = baud
        return replace(built, runners=(RunnerSpec("serial", settings),))

    def _by_ssh(self, built: Target, host: str) -> Target:
        """A target for computers whose programs run on one of them."""
        if self.port is not None or self.board is not None or self.baud is not None:
            raise UsageError("--host is a computer, --port, --board and --baud are about a board", hint="give one")
        if built.system == "none":
            raise UsageError(
                f"{built.name} has no operating system that could be logged in to",
                hint="give --port for a board",
                where="--host",
            )
        if host.startswith("-") or not host.strip():
            raise UsageError(f"{host!r} is no computer", hint="give it as ssh takes it: pi@raspberrypi", where="--host")
        try:
            options = tuple(shlex.split(self.ssh_options or ""))
        except ValueError as error:
            raise UsageError(f"cannot be read: {error}", hint='such as "-p 2222"', where="--ssh-options") from error
        return replace(built, runners=(RunnerSpec("ssh", {"host": host, "options": options}),))


def needs_device(built: Target) -> bool:
    """Whether a build runs on a device alone, which is then asked where nothing is said."""
    return not built.runners and (built.console == RTT or (built.console == "uart" and built.uart is not None))


def _at_a_probe(built: Target, board: Target) -> dict[str, Setting]:
    """What the runner `serial` has to know of a device at a debug probe.

    Raises:
        UsageError: its programs are no firmware.
    """
    if "ram" not in built.memory:
        raise UsageError(f"no debug probe reaches {built.name}", hint="RTT is for microcontrollers", where="--port")
    told = next((spec.settings for spec in board.flashers if spec.kind == "pyocd"), {})
    ram = built.memory["ram"]
    return {"chip": told.get("target", ""), "pack": told.get("pack", ""), "ram": ram.origin, "ram_bytes": ram.size}


def plugged_in(board: Target) -> str:
    """The serial port that a board's USB ids tell.

    Raises:
        ToolError: there is none, or more than one.
    """
    from edgeq.link import find_port

    return find_port(board.uart.usb if board.uart else (), board.name)


def _check_baud(baud: int | None) -> None:
    if baud is not None and baud <= 0:
        raise UsageError(f"--baud {baud} is not a positive number")


def open_port(port: str | None = None, board: str | None = None, baud: int | None = None) -> Stream:
    """The serial line of a board, to listen to.

    Args:
        port, board, baud: as for Reach; one of port and board is needed.

    Raises:
        UsageError: nothing tells the port.
        ToolError: it cannot be opened.
    """
    from edgeq.link import BAUD, open_stream

    _check_baud(baud)
    known = None if board is None else load_board(board)
    if port in (None, AUTO):
        if known is None:
            raise UsageError("it is not known which port", hint="give --port, or --board with a board's name")
        port = plugged_in(known)
    speed = baud or (known.uart.baud if known and known.uart else BAUD)
    return open_stream(str(port), speed)
