"""Instructions of an inference in QEMU's user emulator, counted by a plugin of our own, which is compiled on demand."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from edgeq.errors import ToolError
from edgeq.ir.tensor import Array
from edgeq.runners import ways
from edgeq.target import Target
from edgeq.toolchain.process import run

SOURCE = Path(__file__).with_name("instructions.c")


@dataclass(frozen=True)
class Counts:
    """What an inference costs.

    Attributes:
        total: instructions, of all that it calls as well.
        calls: those of each of its calls, in the order in which they stand in the program: layer by layer.
    """

    total: int
    calls: tuple[int, ...]


def function_of(program: Path, name: str) -> tuple[int, int]:
    """Address and size of a function.

    Raises:
        ToolError: the program has no such function.
    """
    with program.open("rb") as file:
        for section in ELFFile(file).iter_sections():
            if isinstance(section, SymbolTableSection):
                for symbol in section.get_symbol_by_name(name) or ():
                    return symbol["st_value"] & ~1, symbol["st_size"]
    raise ToolError(f"the program has no function {name}", where=str(program))


def plugin(folder: Path) -> Path:
    """The plugin, compiled into a folder.

    Raises:
        ToolError: there is no compiler, or it fails.
    """
    made = folder / "instructions.so"
    run(["gcc", "-shared", "-fPIC", "-O2", SOURCE, "-o", made], install="apt-get install gcc")
    return made


def count(program: Path, function: str, target: Target, inputs: Sequence[Array]) -> Counts:
    """Run one inference and count.

    Args:
        program: a compiled model.
        function: of one inference.
        target: what it was built for.
        inputs: integers of one inference, one array per input.

    Raises:
        ToolError: the target's programs are not run in QEMU's user emulator; or that, a compiler or the function are
            missing.
    """
    spec = next((way.spec for way in ways(target) if way.runner.kind == "qemu-user"), None)
    if spec is None:
        raise ToolError(f"programs for {target.name} are not run in QEMU's user emulator")
    address, size = function_of(program, function)
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        folder = Path(name)
        np.concatenate([np.ascontiguousarray(a).view(np.uint8).ravel() for a in inputs]).tofile(folder / "input")
        words = f"{plugin(folder)},entry={address:#x},size={size},out={folder / 'counts'}"
        emulator = [spec.text("program"), "-cpu", spec.text("cpu"), "-plugin", words]
        install = f"apt-get install {spec.text('package')}"
        run([*emulator, program.resolve(), "run", "input", "output"], cwd=folder, timeout=600, install=install)
        lines = [tuple(map(int, line.split())) for line in (folder / "counts").read_text("utf-8").splitlines()]
    (_, total), *sites = lines
    return Counts(total, tuple(value for offset, value in sites if offset))
