"""Rows of tables and of operators of two operands, element by element."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import BYTES, Kernel, Param, always, in_place
from edgeq.ir.site import Site
from edgeq.kernels.mve.isa import MVE
from edgeq.kernels.mve.pack import takes_factors
from edgeq.ops import _table, mul, requantize
from edgeq.ops._addsub import has_small_factors, lower_double, lower_fast
from edgeq.ops._broadcast import both_computed, one_constant
from edgeq.ops._fits import is_double, is_fast
from edgeq.ops._overlap import elementwise

Lower = Callable[[Site], Mapping[str, Param]]
Fits = Callable[[Site], bool]


def table_row(lower: Lower, fits: Fits = always) -> Kernel:
    """The row of an operator that is a table of 256 bytes."""
    return Kernel(
        "eq_table_mve",
        ("mve/table.c",),
        "eq/table_mve.h",
        "eq_table_params",
        lower,
        MVE,
        fits,
        overlap=in_place,
    )


def function_row() -> Kernel:
    """The row of operators on one tensor, element by element."""
    return table_row(_table.lower_table)


def _is_no_flip(site: Site) -> bool:
    """It is more than a flip of sign bits, for which the portable kernel is faster."""
    return not requantize.is_flip(site)


def requantize_row() -> Kernel:
    """The row of Requantize; where that only flips sign bits, its portable kernel is faster."""
    row = table_row(
        requantize.lower_table,
        _is_no_flip,
    )
    return replace(row, elements=BYTES)


def binary_rows(
    name: str, struct: str, lower: Lower, fits: Fits, suffix: str = "", rounded: bool = False
) -> tuple[Kernel, Kernel]:
    """The rows `eq_<name>_mve<suffix>` with two computed operands and `eq_<name>_const_mve<suffix>` with one.

    Args:
        name: of the operator and its file.
        struct: C type of the parameters.
        lower: their members.
        fits: further condition on the site.
        suffix: end of the C names.
        rounded: see Kernel.
    """

    def row(function: str, condition: Fits) -> Kernel:
        return Kernel(
            f"{function}{suffix}",
            (f"mve/{name}.c",),
            f"eq/{name}_mve.h",
            struct,
            lower,
            MVE,
            all_of(condition, fits),
            overlap=elementwise,
            rounded=rounded,
        )

    return row(f"eq_{name}_mve", both_computed), row(f"eq_{name}_const_mve", one_constant)


def sum_rows() -> tuple[Kernel, ...]:
    """The rows of Add and Sub."""
    return (
        *binary_rows("add", "eq_add_fast_params", lower_fast, is_fast, "_fast"),
        *binary_rows(
            "add",
            "eq_add_double_params",
            lower_double,
            all_of(is_double, has_small_factors),
            "_double",
        ),
    )


def mul_rows() -> tuple[Kernel, ...]:
    """The rows of Mul."""
    return binary_rows(
        "mul",
        "eq_mul_params",
        mul.lower_ref,
        takes_factors(mul.factor),
        rounded=True,
    )
