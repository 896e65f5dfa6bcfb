"""Rows of tables, and of sums and products of two operands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import BYTES, Kernel, Param, always, in_place
from edgeq.ir.site import Site
from edgeq.kernels._shared.contiguous import rows_are_contiguous, rows_are_contiguous_or_repeated
from edgeq.kernels.neon.isa import NEON
from edgeq.kernels.neon.pack import takes_multiplier
from edgeq.ops import _table, mul, requantize
from edgeq.ops._addsub import fast_sum, has_small_factors, lower_double, lower_fast
from edgeq.ops._broadcast import both_computed, one_constant
from edgeq.ops._fits import is_double, is_fast
from edgeq.ops._overlap import elementwise

MOST = 1 << 25
"""What sums must stay below."""
LEAST_SHIFT = 10


def has_small_sums(site: Site) -> bool:
    """The operands' scales are neither much larger nor much smaller than the output's."""
    c = fast_sum(site)
    return c.shift >= LEAST_SHIFT and abs(c.offset) + 128 * sum(map(abs, c.factors)) < MOST


def _table_row(lower: Callable[[Site], Mapping[str, Param]], fits: Callable[[Site], bool] = always) -> Kernel:
    return Kernel(
        "eq_table_neon",
        ("neon/table.c",),
        "eq/table_neon.h",
        "eq_table_params",
        lower,
        NEON,
        fits,
        overlap=in_place,
    )


def function_row() -> Kernel:
    """The row of operators on one tensor, element by element."""
    return _table_row(_table.lower_table)


def _is_no_flip(site: Site) -> bool:
    """It is more than a flip of sign bits, for which the portable kernel is faster."""
    return not requantize.is_flip(site)


def requantize_row() -> Kernel:
    """The row of Requantize; where that only flips sign bits, its portable kernel is faster."""
    return replace(_table_row(requantize.lower_table, _is_no_flip), elements=BYTES)


def sum_rows() -> tuple[Kernel, ...]:
    """The rows of Add and Sub."""
    takes_fast, takes_double = all_of(is_fast, has_small_sums), all_of(is_double, has_small_factors)
    return tuple(
        _row(name, kind, takes)
        for kind, takes in (("fast", takes_fast), ("double", takes_double))
        for name in ("eq_add_neon", "eq_add_const_neon")
    )


def _row(name: str, kind: str, takes: Callable[[Site], bool]) -> Kernel:
    return Kernel(
        f"{name}_{kind}",
        ("neon/add.c",),
        "eq/add_neon.h",
        f"eq_add_{kind}_params",
        lower_fast if kind == "fast" else lower_double,
        NEON,
        all_of(one_constant if "const" in name else both_computed, takes, rows_are_contiguous),
        overlap=elementwise,
    )


def has_vector_factor(site: Site) -> bool:
    """Vectors can take the factor of requantization."""
    return takes_multiplier(mul.factor(site), site.rounding)


def product_rows() -> tuple[Kernel, ...]:
    """The rows of Mul."""
    return tuple(
        Kernel(
            name,
            ("neon/mul.c",),
            "eq/mul_neon.h",
            "eq_mul_params",
            mul.lower_ref,
            NEON,
            all_of(operands, has_vector_factor, rows_are_contiguous_or_repeated),
            overlap=elementwise,
            rounded=True,
        )
        for name, operands in (("eq_mul_neon", both_computed), ("eq_mul_const_neon", one_constant))
    )
