"""Rows of sums of two operands."""

from __future__ import annotations

from collections.abc import Callable

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel
from edgeq.ir.op import Site
from edgeq.kernels._shared.contiguous import rows_are_contiguous
from edgeq.kernels.x86.isa import AVX2
from edgeq.ops._addsub import has_small_factors, lower_double, lower_fast
from edgeq.ops._broadcast import both_computed, one_constant
from edgeq.ops._fits import is_double, is_fast
from edgeq.ops._overlap import elementwise


def sum_rows() -> tuple[Kernel, ...]:
    """The rows of Add and Sub."""
    return tuple(
        _row(name, kind, takes)
        for kind, takes in (("fast", is_fast), ("double", all_of(is_double, has_small_factors)))
        for name in ("eq_add_avx2", "eq_add_const_avx2")
    )


def _row(name: str, kind: str, takes: Callable[[Site], bool]) -> Kernel:
    return Kernel(
        f"{name}_{kind}",
        ("x86/add_avx2.c",),
        "eq/add_x86.h",
        f"eq_add_{kind}_params",
        lower_fast if kind == "fast" else lower_double,
        AVX2,
        all_of(one_constant if "const" in name else both_computed, takes, rows_are_contiguous),
        overlap=elementwise,
    )
