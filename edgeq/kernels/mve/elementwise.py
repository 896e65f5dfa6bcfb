"""Rows of tables and of operators of two operands, element by element."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from edgeq.ir.kernel import BYTES, Kernel, Param, always, in_place
from edgeq.ir.op import Site
from edgeq.kernels.mve.isa import MVE
from edgeq.kernels.mve.pack import fits_multiplier
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


def requantize_row() -> Kernel:
    """The row of Requantize; where that only flips sign bits, its portable kernel is faster."""
    row = table_row(requantize.lower_table, lambda site: not requantize.is_flip(site))
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
            lambda site: condition(site) and fits(site),
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
            lambda site: is_double(site) and has_small_factors(site),
            "_double",
        ),
    )


def mul_rows() -> tuple[Kernel, ...]:
    """The rows of Mul."""
    return binary_rows(
        "mul",
        "eq_mul_params",
        mul.lower_ref,
        lambda site: fits_multiplier(mul.factor(site), site.rounding),
        rounded=True,
    )
