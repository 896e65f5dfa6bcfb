"""Finding compilers: a system compiler first, else the one that comes with the Python package `ziglang`."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from edgeq.errors import ToolError, UsageError
from edgeq.packages import install_command
from edgeq.target import Target
from edgeq.toolchain.process import run

KINDS = ("gcc", "clang", "zig")
_SUFFIX = ".exe" if sys.platform == "win32" else ""


@dataclass(frozen=True)
class Toolchain:
    """A compiler of this machine.

    Attributes:
        kind: "gcc", "clang" or "zig".
        program: where it is.
    """

    kind: str
    program: Path

    @property
    def version(self) -> str:
        """The line with which it states its name and version.

        Raises:
            ToolError: it does not run.
        """
        if self.kind == "zig":
            return f"zig {run([self.program, 'version'], timeout=60).output.strip()}"
        first = run([self.program, "--version"], timeout=60).output.splitlines()
        return first[0].strip() if first else self.program.name


def find_zig() -> Path | None:
    """The program zig: from the Python package `ziglang`, else from the PATH."""
    spec = importlib.util.find_spec("ziglang")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        program = Path(folder) / f"zig{_SUFFIX}"
        if program.is_file():
            return program
    path = shutil.which("zig")
    return Path(path) if path else None


def find_compiler(target: Target, kind: str) -> Toolchain | None:
    """The compiler of a kind for a target, if there is one."""
    if kind not in target.flags:
        return None
    if kind == "zig":
        zig = find_zig()
        return Toolchain("zig", zig) if zig else None
    path = shutil.which(target.compilers[kind]) if kind in target.compilers else None
    if path is None and kind == "gcc" and target.here:
        path = shutil.which("cc") or shutil.which("gcc")  # they build for this machine alone
    return Toolchain(kind, Path(path)) if path else None


def available(target: Target) -> tuple[Toolchain, ...]:
    """Every compiler there is for a target, in the order in which they are tried."""
    return tuple(t for t in (find_compiler(target, kind) for kind in KINDS) if t is not None)


def install_hint(target: Target, kind: str | None = None) -> str:
    """How to get a compiler for a target."""
    kinds = [k for k in KINDS if k in target.flags and kind in (None, k)]
    packages = [target.packages[k] for k in kinds if k in target.packages]
    ways = list(dict.fromkeys(install_command(package) for package in packages))
    if "zig" in kinds:
        ways.append("pip install edgeq[zig]")
    return ", or ".join(ways)


def find_toolchain(target: Target, kind: str | None = None) -> Toolchain:
    """A compiler for a target.

    Args:
        target: what to compile for.
        kind: "gcc", "clang" or "zig"; None takes the first that is installed.

    Raises:
        UsageError: no compiler of that kind can build for the target.
        ToolError: none is installed; the hint says what to install.
    """
    if kind is not None and kind not in target.flags:
        raise UsageError(
            f"{kind!r} cannot compile for {target.name}",
            hint=f"use one of {', '.join(k for k in KINDS if k in target.flags)}",
        )
    toolchains = [t for t in available(target) if kind in (None, t.kind)]
    if not toolchains:
        raise ToolError(f"there is no compiler for {target.name}", hint=install_hint(target, kind))
    return toolchains[0]


def has_incbin(target: Target) -> bool:
    """Whether every compiler of a target is GCC or Clang for little-endian ELF, whose assembler includes files."""
    return not target.native or (sys.platform.startswith(("linux", "freebsd")) and sys.byteorder == "little")
