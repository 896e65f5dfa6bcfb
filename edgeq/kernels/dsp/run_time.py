"""Rows of real recurrent layers whose vectors are quantized at run time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

from edgeq.ir.kernel import INT8, Kernel
from edgeq.kernels.dsp.isa import DSP
from edgeq.ops._matrix import are_dynamic


def run_time_row(row: Kernel) -> Kernel:
    """The row of a portable kernel that is given a function for products, with another one."""
    own = f"dsp/{PurePosixPath(row.sources[0]).name}"
    return replace(
        row,
        function=row.function.replace("_ref", "_dsp"),
        sources=(own, "dsp/matrix_float32.c", "dsp/dynamic.c"),
        isa=DSP,
        fits=are_dynamic,
        weights=INT8,
    )
