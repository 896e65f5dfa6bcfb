"""Cycles of the inner loop of matrix products, as llvm-mca simulates a processor's pipelines."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeq.errors import ToolError
from edgeq.resources import folder
from edgeq.target import load_target
from edgeq.toolchain.process import run

ITERATIONS = 200
SUMS = 64
"""Of four pixels and 16 channels, which each tap adds a product to."""


@dataclass(frozen=True)
class Loop:
    """A kernel's source, the processor as LLVM calls it that stands for a target's, and the taps of one turn."""

    source: str
    model: str
    taps: int


LOOPS: Mapping[str, Loop] = {
    "rpi3": Loop("conv2d_neon.c", "cortex-a53", 16),
    "rpi4": Loop("conv2d_neon.c", "cortex-a57", 16),  # there is no model of the A72
    "rpi5": Loop("conv2d_dotprod.c", "neoverse-n1", 32),  # the A76's design, for servers
}


def loop_text(assembly: str) -> str:
    """The longest loop with four pixels in a compiled kernel.

    Raises:
        ToolError: there is none.
    """
    loops = [body for body in re.findall(r"\n2:\n(.*?)b\.ne 2b", assembly, re.DOTALL) if re.search(r"ld[rp] q7", body)]
    if not loops:
        raise ToolError("the kernel has no loop over four pixels")
    return f"{max(loops, key=len)}b.ne end\nend:\n"


def cycles_per_product(target: str) -> float:
    """Cycles of a multiply-accumulate in a target's inner loop.

    Raises:
        ToolError: compiler or llvm-mca are missing, or fail.
    """
    loop, cpu, firmware = LOOPS[target], load_target(target), folder("firmware")
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        made = Path(name) / "loop.s"
        compiler, flags = cpu.compilers["gcc"], ("-O3", "-S", "-I", firmware / "include", "-o", made)
        source = firmware / "kernels" / "neon" / loop.source
        run([compiler, *cpu.flags["gcc"], *flags, source], install=f"apt-get install {cpu.packages['gcc']}")
        made.write_text(loop_text(made.read_text("utf-8")), "utf-8")
        machine = ["-mtriple=aarch64", f"-mcpu={loop.model}", f"-iterations={ITERATIONS}"]
        said = run(["llvm-mca", *machine, made], install="apt-get install llvm").output
    found = re.search(r"Total Cycles:\s+(\d+)", said)
    if found is None:
        raise ToolError("llvm-mca told no cycles")
    return int(found[1]) / ITERATIONS / (SUMS * loop.taps)
