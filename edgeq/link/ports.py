"""Serial ports of this machine, found by the USB ids of what is plugged in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from edgeq.errors import ToolError


@dataclass(frozen=True)
class PortFound:
    """A serial port.

    Attributes:
        name: how it is opened.
        usb: "vendor:product" in four hexadecimal digits each; "" if it is not on USB.
        description: what it says of itself.
        usable: whether this user may read and write it.
    """

    name: str
    usb: str
    description: str
    usable: bool


def list_ports() -> tuple[PortFound, ...]:
    """The serial ports of this machine, without those of the mainboard that nobody plugged anything into."""
    from serial.tools import list_ports as tools  # only who has a device needs it

    found = [
        PortFound(
            port.device,
            "" if port.vid is None else f"{port.vid:04x}:{port.pid:04x}",
            port.description or "",
            os.name == "nt" or os.access(port.device, os.R_OK | os.W_OK),
        )
        for port in tools.comports()
    ]
    return tuple(sorted((port for port in found if port.usb), key=lambda port: port.name))


def without_board(core: str) -> str:
    """What to do without the board that a build is for, as a further line of a hint; nothing without a core's name."""
    return f"\nwithout the board: build with --target {core} instead, which runs in an emulator" if core else ""


def find_port(usb: Sequence[str], board: str, core: str = "") -> str:
    """The port of the only board with one of these USB ids.

    Args:
        usb: "vendor:product" in hexadecimal, of the board's own chip or its debugger.
        board: what the board is called.
        core: the target that a program could be built for instead, if nothing but the board runs this one.

    Raises:
        ToolError: none is plugged in, or several are.
    """
    ports = list_ports()
    wanted = {identity.lower() for identity in usb}
    found = [port for port in ports if port.usb in wanted]
    if len(found) == 1:
        return found[0].name
    if found:
        names = ", ".join(port.name for port in found)
        raise ToolError(f"there are {len(found)} ports that could be {board}: {names}", hint="choose one with --port")
    others = ", ".join(f"{port.name} ({port.usb} {port.description})" for port in ports) or "none at all"
    raise ToolError(
        f"no port belongs to {board}: none has the USB id {' or '.join(usb)}"
        if usb
        else f"no port is known of {board}",
        hint=f"plug it in, or give --port; the ports with USB are: {others}{without_board(core)}",
    )
