"""Which of the tools that edgeq can use this machine has."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from edgeq.errors import ToolError
from edgeq.runners import Requirement, ways
from edgeq.target import list_boards, list_targets
from edgeq.toolchain.cmake import find_cmake, find_generator
from edgeq.toolchain.compilers import available, install_hint

_PACKAGES = (
    ("tensorflow", "import of Keras models and SavedModel folders", "pip install edgeq[tensorflow]"),
    ("pillow", "samples from images", "pip install edgeq[images]"),
    ("ziglang", "a compiler for every target without system packages", "pip install edgeq[zig]"),
)


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
