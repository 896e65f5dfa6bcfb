"""Layers with a copy of their kernel, in which the compiler sees the layer's parameters as literals."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath

from edgeq.codegen.program import KernelCall, Program
from edgeq.ir.kernel import Kernel
from edgeq.ir.op import registry
from edgeq.kernels import rows


@dataclass(frozen=True, eq=False)
class Instances:
    """A C file that includes a kernel's source.

    Attributes:
        path: in the build folder.
        source: the kernel's, below firmware/kernels.
        functions: those that the source defines. They are renamed here, as another model may have instances too.
        calls: the layers.
    """

    path: str
    source: str
    functions: tuple[str, ...]
    calls: tuple[KernelCall, ...]

    @property
    def headers(self) -> tuple[str, ...]:
        """Headers of the kernels, sorted."""
        return tuple(sorted({call.header for call in self.calls}))


def instances(program: Program) -> tuple[Instances, ...]:
    """One for each source that the program has instances of, sorted."""
    by_source: dict[str, list[KernelCall]] = defaultdict(list)
    for call in program.calls:
        if call.instance:
            by_source[call.sources[0]].append(call)
    return tuple(
        Instances(_path(program, s), s, functions_of(s), tuple(calls)) for s, calls in sorted(by_source.items())
    )


def _path(program: Program, source: str) -> str:
    kernel = PurePosixPath(source)
    return f"kernels/instances/{program.name}_{kernel.parent.name}_{kernel.name}"


def functions_of(source: str) -> tuple[str, ...]:
    """The functions of all rows that a source defines, sorted."""
    defined = {row for op in registry().values() for row in rows(op) if row.sources[0] == source}
    return tuple(sorted({name for row in defined for name in _names(row)}))


def _names(row: Kernel) -> tuple[str, ...]:
    return tuple(f"{row.function}_{r.value}" for r in row.roundings) if row.rounded else (row.function,)
