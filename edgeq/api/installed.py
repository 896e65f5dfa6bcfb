"""What `edgeq --version` tells: versions of edgeq, Python and the packages that edgeq uses, none of them imported."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from edgeq import __version__

DEVELOPMENT = ("test", "lint", "docs")
"""Extras that only edgeq's own developers need."""
_REQUIREMENT = re.compile(r"([\w.-]+)[^;]*(?:;.*\bextra == ['\"]([\w-]+)['\"])?")


def installed() -> list[str]:
    """Lines of text: edgeq, Python and system, packages, and each extra of edgeq's with what is there of it."""
    needed: dict[str | None, dict[str, str | None]] = {}
    for requirement in _requirements():
        match = _REQUIREMENT.match(requirement)
        if match and match.group(2) not in DEVELOPMENT:
            needed.setdefault(match.group(2), {})[match.group(1)] = _version(match.group(1))
    base = needed.pop(None, {})
    packages = ", ".join(f"{name} {found}" for name, found in sorted(base.items()) if found)
    return [
        f"edgeq {__version__}",
        f"  Python {platform.python_version()}, {platform.system()} {platform.machine()}",
        f"  {packages}",
        *(_extra(name, found) for name, found in needed.items() if name),
    ]


def _extra(name: str, found: dict[str, str | None]) -> str:
    there = [f"{package} {number}" for package, number in found.items() if number]
    return f"  with [{name}]: {', '.join(there)}" if there else f'  without [{name}]: pip install "edgeq[{name}]"'


def _requirements() -> Iterator[str]:
    try:
        yield from requires("edgeq") or ()
    except PackageNotFoundError:  # run from a folder of sources
        return


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
