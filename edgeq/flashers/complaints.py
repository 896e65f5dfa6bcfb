"""What programs say when they cannot flash, and what that means to the user."""

from __future__ import annotations

import re
from dataclasses import dataclass

RULES_FILE = "/etc/udev/rules.d/70-edgeq.rules"
"""Where udev finds rules for boards."""
UDEV_HINT = f"let udev give you the board: edgeq doctor --udev | sudo tee {RULES_FILE}, then plug it in anew"


@dataclass(frozen=True)
class Complaint:
    """A kind of failure.

    Attributes:
        pattern: what programs print.
        message: what it is.
        hint: what to do.
    """

    pattern: re.Pattern[str]
    message: str
    hint: str


def _complaint(pattern: str, message: str, hint: str) -> Complaint:
    return Complaint(re.compile(pattern, re.IGNORECASE), message, hint)


COMPLAINTS = (
    _complaint(
        r"LIBUSB_ERROR_ACCESS|access denied|permission denied|insufficient permissions|EACCES",
        "you may not use the probe or board",
        UDEV_HINT,
    ),
    _complaint(
        r"APPROTECT|access port .*(protect|lock)|device (is|appears to be) (locked|secured|protected)|"
        r"read.?out protection|"
        r"\bRDP\b|is secured|target is locked|flash is (write )?protected|mass[ -]erase.*(unlock|recover)",
        "the chip is locked",
        "unlocking erases all of it: pyocd cmd -c unlock; openocd -c 'stm32… unlock 0' or 'nrf52_recover'; "
        "STM32_Programmer_CLI -ob RDP=0xAA; nrfjprog --recover",
    ),
    _complaint(
        r"No connected debug probes|No available debug probes|No target device available|No connected probes|"
        r"No (debug )?probes? (was|were) found|unable to find a matching CMSIS-DAP|No J-Link device found|"
        r"Connecting to J-Link .*FAILED|No emulators connected|No debug probe detected|Error: open failed|"
        r"No ST-?LINK|couldn't find an available|No DFU capable USB device|No device found on|"
        r"No accessible RP|no device found",
        "there is no probe, or no board in its boot loader",
        "plug it in; `edgeq doctor` shows what this machine sees",
    ),
    _complaint(
        r"verify failed|checksum mismatch|contents differ|verification (failed|error)|mismatch.*(verify|compare)|"
        r"Mismatched byte|error during verif",
        "what is in the board is not what was written",
        "flash it again; if it stays so, the flash is protected or worn",
    ),
    _complaint(
        r"unexpected idcode|expected 0x[0-9a-f]+.*found|UNEXPECTED: 0x|Cannot identify|could not identify|"
        r"chip .* was not found|unknown (device|target|chip)|Target type .* not (recognized|found)|"
        r"device ID .*(mismatch|unknown)|wrong device",
        "wrong chip: the one at the probe is not that of the board's file, or the program does not know it",
        "is it this board? pyOCD learns chips from packs: pyocd pack install CHIP",
    ),
    _complaint(
        r"no flash bank found|exceeds (the )?(flash|memory|size)|is larger than|does not fit|"
        r"out of (the )?(flash )?range|"
        r"no (memory|flash) (region|defined)",
        "the image does not fit the chip's flash",
        "build for the board that it is, or a smaller model",
    ),
    _complaint(
        r"init mode failed|unable to connect to the target|target not (found|responding)|No ACK|"
        r"SWD.*communication failure|"
        r"no target connected|could not connect to target|unable to reset target|Target voltage too low|"
        r"examination failed",
        "the probe does not reach the chip",
        "is the board powered, and nothing else using the probe? Hold reset while flashing begins",
    ),
)


def explained(output: str) -> Complaint | None:
    """The kind of failure that a program's output is about."""
    return next((complaint for complaint in COMPLAINTS if complaint.pattern.search(output)), None)
