"""How far each kernel's output may start before its inputs: what its row declares and what trying finds.

Run as a program, it prints a table of all rows.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from c_program import Call, compile_program

from edgeq.memory import ALIGNMENT
from edgeq.target import load_target
from edgeq.toolchain import find_toolchain, run

UNSURE = ("-Wno-maybe-uninitialized",)
"""Vectors of Arm are written element by element here, and GCC does not follow that everywhere."""
LINE = re.compile(r"(\S+) (\S+): input (\d+), declared (-?\d+), found (-?\d+)")
BESIDE = re.compile(r"(\S+) (\S+): input (\d+), exactly (-?\d+)( is wrong)?, (\d) of 2 beside it are wrong")


@dataclass(frozen=True)
class Distance:
    """What a case of a kernel says of one of its inputs.

    Attributes:
        case, function: names.
        input: its index among those computed at run time.
        declared: by the kernel's row; bytes of the output where that is none.
        found: the least distance from which on results are right.
    """

    case: str
    function: str
    input: int
    declared: int
    found: int


@dataclass(frozen=True)
class Beside:
    """The one distance of a row that allows it: whether it is right, and how many of its two neighbours are not."""

    case: str
    function: str
    right: bool
    wrong_beside: int


def step_of(call: Call) -> int:
    """Bytes in which distances are searched: those of the smallest element.

    The rows of the depthwise kernels of the dsp set rely on it that all of them are multiples of ALIGNMENT.
    """
    if "_depthwise" in call.kernel.function and "simd32" in call.kernel.isa:
        return ALIGNMENT
    return min(array.itemsize for array in (*call.case.inputs.values(), *call.case.expected))


def find(place: Path, wanted: Sequence[Call]) -> tuple[tuple[Distance, ...], tuple[Beside, ...]]:
    """Try all calls on the host, in an empty folder.

    Raises:
        ToolError: it does not compile or run.
    """
    target = load_target("host")
    tool = find_toolchain(target, "gcc")
    program = compile_program(place, wanted, target, tool, UNSURE, runner="distances.c", step=step_of)
    done = run([program])
    said = f"{done.output}\n{done.errors}"
    found = (Distance(m[1], m[2], int(m[3]), int(m[4]), int(m[5])) for m in LINE.finditer(said))
    beside = (Beside(m[1], m[2], m[5] is None, int(m[6])) for m in BESIDE.finditer(said))
    return tuple(found), tuple(beside)


def _table(found: Sequence[Distance]) -> Iterator[str]:
    rows: dict[tuple[str, int], list[Distance]] = {}
    for one in found:
        rows.setdefault((one.function, one.input), []).append(one)
    yield f"{'kernel':44}{'input':>6}{'cases':>7}{'tight':>7}{'unsound':>9}   largest gap"
    for (function, index), cases in sorted(rows.items()):
        gaps = [d.declared - d.found for d in cases]
        worst = max(cases, key=lambda d: d.declared - d.found)
        gap = f"{worst.declared} - {worst.found} in {worst.case}" if max(gaps) > 0 else ""
        yield f"{function:44}{index:6}{len(cases):7}{gaps.count(0):7}{sum(g < 0 for g in gaps):9}   {gap}"


def _beside(found: Sequence[Beside]) -> Iterator[str]:
    yield f"{'kernel that works at one distance':44}{'cases':>13}{'wrong':>7}   wrong on both sides"
    for function in sorted({b.function for b in found}):
        cases = [b for b in found if b.function == function]
        wrong, both = sum(not b.right for b in cases), sum(b.wrong_beside == 2 for b in cases)
        yield f"{function:44}{len(cases):13}{wrong:7}   {both}"


if __name__ == "__main__":
    from c_program import calls
    from cases import all_cases

    from edgeq.isa import FEATURES

    everything = calls(all_cases(), frozenset(FEATURES))
    with tempfile.TemporaryDirectory() as folder:
        distances, beside = find(Path(folder), everything)
    print("\n".join([*_table(distances), "", *_beside(beside)]))
