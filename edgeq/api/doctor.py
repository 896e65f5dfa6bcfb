"""Which of the tools that edgeq can use this machine has."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from edgeq.api.probes import find_probes, has_udev, udev_rules
from edgeq.errors import ToolError
from edgeq.flashers import FLASHERS, program_of
from edgeq.flashers.complaints import RULES_FILE
from edgeq.link import list_ports
from edgeq.link.stream import permission_hint
from edgeq.runners import Requirement, ways
from edgeq.target import list_boards, list_targets
from edgeq.toolchain.cmake import find_cmake, find_generator
from edgeq.toolchain.compilers import available, install_hint

__all__ = ["doctor", "udev_rules"]

_PACKAGES = (
    ("tensorflow", "import of Keras models and SavedModel folders", "pip install edgeq[tensorflow]"),
    ("pillow", "samples from images", "pip install edgeq[images]"),
    ("ziglang", "a compiler for every target without system packages", "pip install edgeq[zig]"),
)
UDEV = f"edgeq doctor --udev | sudo tee {RULES_FILE}; sudo udevadm control --reload; then plug the board in anew"


def doctor() -> list[dict[str, Any]]:
    """Tools: name, what was found (None if nothing), what it is for, how to install it."""
    rows: list[dict[str, Any]] = []
    for target in list_targets():
        compilers = available(target)
        versions = ", ".join(c.version for c in compilers) or None
        rows.append(_row(f"compiler for {target.name}", versions, f"--target {target.name}", install_hint(target)))
    rows.append(_row("cmake", _if_installed(lambda: str(find_cmake())), "compiling", "pip install cmake"))
    rows.append(_row("ninja or make", _if_installed(lambda: find_generator()[0]), "compiling", "pip install ninja"))
    for needed, families in sorted(_needed_by_runners().items()):
        purpose = f"running programs for {', '.join(families)} here"
        rows.append(_row(needed.program, _found(needed.program), purpose, needed.install))
    for package, purpose, install in _PACKAGES:
        rows.append(_row(package, _version(package), purpose, install))
    return [*rows, *_flashers(), *_probes(), *_ports()]


def _flashers() -> list[dict[str, Any]]:
    """The programs that flash boards."""
    return [
        _row(
            flasher.programs[0],
            shutil.which(program_of(flasher) or ""),
            f"edgeq flash --runner {kind}",
            flasher.install,
        )
        for kind, flasher in FLASHERS.items()
        if flasher.programs
    ]


def _probes() -> list[dict[str, Any]]:
    """Probes that are plugged in, and whether they can be used."""
    probes = find_probes()
    if probes is None:
        return []
    names = ", ".join(f"{probe.name} ({probe.usb})" for probe in probes)
    rows = [_row("debug probes", names or None, "edgeq flash", "plug a board or probe in")]
    if has_udev():
        barred = [probe for probe in probes if not probe.usable]
        right = f"all {len(probes)} usable" if probes and not barred else None
        known = RULES_FILE if Path(RULES_FILE).is_file() and not barred else None
        rows.append(_row("rights to probes", right or known, "edgeq flash", UDEV))
    return rows


def _ports() -> list[dict[str, Any]]:
    """Serial ports, and whether they can be used."""
    ports = list_ports()
    names = ", ".join(f"{port.name} ({port.usb} {port.description})" for port in ports)
    rows = [_row("serial ports", names or None, "run, verify, profile --port; edgeq monitor", "plug a board in")]
    barred = [port for port in ports if not port.usable]
    if barred:
        rows.append(_row(f"rights to {barred[0].name}", None, "the same", permission_hint(barred[0].name)))
    return rows


def _needed_by_runners() -> dict[Requirement, list[str]]:
    """What runners call, with the families whose programs they run."""
    families: dict[Requirement, list[str]] = {}
    for target in (*list_targets(), *list_boards()):
        for needed in (requirement for way in ways(target) for requirement in way.requires):
            names = families.setdefault(needed, [])
            if target.family not in names:
                names.append(target.family)
    return families


def _row(name: str, found: str | None, purpose: str, install: str) -> dict[str, Any]:
    return {"name": name, "found": found, "purpose": purpose, "install": install}


def _found(program: str) -> str | None:
    """Where a program is, or which version of a Python package."""
    return shutil.which(program) or _version(program)


def _if_installed(find: Callable[[], str]) -> str | None:
    try:
        return find()
    except ToolError:
        return None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return "present" if importlib.util.find_spec(package) else None
