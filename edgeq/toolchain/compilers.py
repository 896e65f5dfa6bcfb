"""Which compilers are there: a system compiler first, else the one that the Python package `ziglang` brings."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from edgeq.errors import ToolError, UsageError
from edgeq.target import Target
from edgeq.toolchain.process import run

KINDS = ("gcc", "clang", "zig")
_SUFFIX = ".exe" if sys.platform == "win32" else ""


@dataclass(frozen=True)
class Toolchain:
    """A compiler that is there.

    Attributes:
        kind: "gcc", "clang" or "zig".
        program: where it is.
    """

    kind: str
    program: Path

    @property
    def version(self) -> str:
        """Its own word for what it is; one line.

        Raises:
            ToolError: it does not run.
        """
        if self.kind == "zig":
            return f"zig {run([self.program, 'version'], timeout=60).output.strip()}"
        first = run([self.program, "--version"], timeout=60).output.splitlines()
        return first[0].strip() if first else self.program.name


def find_zig() -> Path | None:
    """The program zig: of the Python package `ziglang`, else on the PATH."""
    spec = importlib.util.find_spec("ziglang")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        program = Path(place) / f"zig{_SUFFIX}"
        if program.is_file():
            return program
    found = shutil.which("zig")
    return Path(found) if found else None


def find_compiler(target: Target, kind: str) -> Toolchain | None:
    """The compiler of a kind for a target, if there is one."""
    if kind not in target.flags:
        return None
    if kind == "zig":
        zig = find_zig()
        return Toolchain("zig", zig) if zig else None
    found = shutil.which(target.compilers[kind]) if kind in target.compilers else None
    if found is None and kind == "gcc" and target.native:
        found = shutil.which("cc")  # this machine's compiler, which builds for this machine alone
    return Toolchain(kind, Path(found)) if found else None


def available(target: Target) -> tuple[Toolchain, ...]:
    """Every compiler there is for a target, in the order in which they are tried."""
    return tuple(t for t in (find_compiler(target, kind) for kind in KINDS) if t is not None)


def install_hint(target: Target, kind: str | None = None) -> str:
    """How to get a compiler for a target."""
    kinds = [k for k in KINDS if k in target.flags and kind in (None, k)]
    packages = [target.packages[k] for k in kinds if k in target.packages]
    ways = [f"apt-get install {package}" for package in packages]
    if "zig" in kinds:
        ways.append("pip install edgeq[zig]")
    return ", or ".join(ways)


def find_toolchain(target: Target, kind: str | None = None) -> Toolchain:
    """A compiler for a target.

    Args:
        target: what to compile for.
        kind: "gcc", "clang" or "zig"; None takes the first that is there.

    Raises:
        UsageError: no compiler of that kind can build for the target.
        ToolError: there is none; tells what to install.
    """
    if kind is not None and kind not in target.flags:
        raise UsageError(
            f"{kind!r} cannot compile for {target.name}",
            hint=f"use one of {', '.join(k for k in KINDS if k in target.flags)}",
        )
    found = [t for t in available(target) if kind in (None, t.kind)]
    if not found:
        raise ToolError(f"there is no compiler for {target.name}", hint=install_hint(target, kind))
    return found[0]
