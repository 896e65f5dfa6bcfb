"""The serial line of a board: which UART it is, and how a computer finds its other end."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edgeq.errors import UsageError
from edgeq.target.values import ADDRESS, COUNT, POSITIVE_COUNT, TEXT, TEXTS, Value

_PINS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], int]], ...] = (
    (re.compile(r"P([A-K])(\d|1[0-5])"), lambda found: (ord(found[1]) - ord("A")) * 16 + int(found[2])),
    (re.compile(r"P([01])\.(\d\d)"), lambda found: int(found[1]) * 32 + int(found[2])),
    (re.compile(r"GP(\d|[1-4]\d)"), lambda found: int(found[1])),
    (re.compile(r"P([0-9AB])(0\d|1[0-5])"), lambda found: int(found[1], 16) * 16 + int(found[2])),
)
"""How makers call pins, and the number that firmware/platform/families of that maker takes: ST's and TI's PA2, Nordic's
P0.06, Raspberry Pi's GP0, Renesas' P801."""
_USB = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}")
KEYS: Mapping[str, Value] = {
    "driver": TEXT,
    "base": ADDRESS,
    "baud": POSITIVE_COUNT,
    "tx": TEXT,
    "rx": TEXT,
    "function": COUNT,
    "usb": TEXTS,
}
"""What the table [uart] of a target's file holds; driver and base must be there."""


@dataclass(frozen=True)
class Uart:
    """A serial line.

    Attributes:
        driver: a folder in firmware/platform/uarts.
        base: address of the UART's first register.
        baud: bits per second.
        tx, rx: the chip's pins, as its maker calls them; empty where they cannot be chosen.
        function: what the pins are connected as, where the chip has a number for that.
        usb: vendor and product, "0483:374b", of the USB devices that a computer sees as the line's other end.
    """

    driver: str
    base: int
    baud: int = 115200
    tx: str = ""
    rx: str = ""
    function: int | None = None
    usb: tuple[str, ...] = ()

    @property
    def part(self) -> str:
        """The part of a platform that drives it."""
        return f"uarts/{self.driver}"

    @property
    def defines(self) -> tuple[str, ...]:
        """What its driver is told, "NAME=VALUE"."""
        numbers = {"TX": pin_number(self.tx), "RX": pin_number(self.rx), "FUNCTION": self.function}
        told = [f"EQ_UART_{name}={value}u" for name, value in numbers.items() if value is not None]
        return (f"EQ_UART_BASE={self.base:#x}u", f"EQ_UART_BAUD={self.baud}u", *told)


def read_uart(table: Mapping[str, Any], where: str) -> Uart:
    """The serial line that a table of a target's file describes.

    Raises:
        UsageError: something is missing, or a pin or USB device is not written as such.
    """
    for key in ("driver", "base"):
        if key not in table:
            raise UsageError(f"uart: the key {key!r} is missing", where=where)
    for key in ("tx", "rx"):
        if table.get(key) and pin_number(table[key]) is None:
            raise UsageError(f"uart: {key} = {table[key]!r} is no pin", "such as PA2, P0.06, GP0 or P801", where)
    for device in table.get("usb", ()):
        if not _USB.fullmatch(device):
            raise UsageError(f"uart: usb has {device!r}", "write vendor and product as in 0483:374b", where)
    return Uart(**{**table, "usb": tuple(table.get("usb", ()))})


def pin_number(name: str) -> int | None:
    """The number of a pin for its family's part; None if it is no pin."""
    for pattern, number in _PINS:
        found = pattern.fullmatch(name)
        if found:
            return number(found)
    return None
