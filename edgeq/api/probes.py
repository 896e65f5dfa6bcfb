"""Debug probes and boot loaders on USB: what is plugged in, and who may use it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_DEVICES = Path("/sys/bus/usb/devices")
PROBES = (
    ("0483", "3744", "ST-LINK"),
    ("0483", "3748", "ST-LINK/V2"),
    ("0483", "374b", "ST-LINK/V2-1"),
    ("0483", "374d", "ST-LINK/V3"),
    ("0483", "374e", "ST-LINK/V3"),
    ("0483", "374f", "ST-LINK/V3"),
    ("0483", "3752", "ST-LINK/V2-1"),
    ("0483", "3753", "ST-LINK/V3"),
    ("0483", "3754", "ST-LINK/V3"),
    ("0483", "df11", "ST's boot loader (DFU)"),
    ("1366", "", "J-Link"),
    ("0d28", "0204", "DAPLink (micro:bit)"),
    ("2e8a", "0003", "RP2040's boot loader"),
    ("2e8a", "000c", "Raspberry Pi Debug Probe"),
    ("2e8a", "000f", "RP2350's boot loader"),
    ("2341", "", "Arduino"),
    ("2886", "", "Seeed XIAO"),
)
"""Vendor, product ("" is any) and name of USB devices, as OpenOCD's and the makers' udev rules have them."""
_PRODUCT = "CMSIS-DAP"
"""What all probes of that kind have in the name of their product."""


@dataclass(frozen=True)
class Probe:
    """A USB device that flashes.

    Attributes:
        name: what it is.
        usb: "vendor:product".
        usable: whether this user may use it.
    """

    name: str
    usb: str
    usable: bool


def find_probes(devices: Path = _DEVICES, nodes: Path = Path("/dev/bus/usb")) -> tuple[Probe, ...] | None:
    """Probes and boot loaders that are plugged in; None where the system does not tell it so."""
    if not devices.is_dir():
        return None
    found = []
    for device in sorted(devices.iterdir()):
        with suppress(OSError, ValueError):
            vendor, product = ((device / key).read_text().strip() for key in ("idVendor", "idProduct"))
            text = (device / "product").read_text().strip() if (device / "product").is_file() else ""
            names = [name for v, p, name in PROBES if v == vendor and p in ("", product)]
            if not names and _PRODUCT not in text:
                continue
            bus, number = (int((device / key).read_text()) for key in ("busnum", "devnum"))
            node = nodes / f"{bus:03d}" / f"{number:03d}"
            found.append(Probe(text or names[0], f"{vendor}:{product}", os.access(node, os.R_OK | os.W_OK)))
    return tuple(found)


def udev_rules() -> str:
    """Rules that give whoever sits at a Linux machine the probes that edgeq knows, as a file for udev."""
    lines = ["# Debug probes and boot loaders of boards, for whoever sits at the machine. Written by edgeq."]
    for vendor, product, name in PROBES:
        which = f'ATTRS{{idVendor}}=="{vendor}", ' + (f'ATTRS{{idProduct}}=="{product}", ' if product else "")
        lines += [f"# {name}", f'SUBSYSTEMS=="usb", {which}MODE="0660", TAG+="uaccess"']
    lines.append(f"# any {_PRODUCT}")
    lines.append(f'SUBSYSTEMS=="usb", ATTRS{{product}}=="*{_PRODUCT}*", MODE="0660", TAG+="uaccess"')
    return "\n".join([*lines, ""])


def has_udev() -> bool:
    """Whether this system gives devices to users by udev."""
    return sys.platform == "linux" and any(Path(place).is_dir() for place in ("/run/udev", "/etc/udev/rules.d"))
