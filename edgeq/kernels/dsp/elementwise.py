"""Rows of operators of two operands, element by element."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import INT16, Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.contiguous import rows_are_contiguous, rows_are_contiguous_or_repeated
from edgeq.kernels._shared.int16 import SMALL_PRODUCT
from edgeq.kernels.dsp.isa import DSP
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops import mul
from edgeq.ops._addsub import has_small_factors, has_whole_mantissas, lower_double, lower_fast
from edgeq.ops._broadcast import both_computed, one_constant
from edgeq.ops._fits import is_double, is_fast
from edgeq.ops._int16 import WIDE
from edgeq.ops._overlap import elementwise


def binary_rows(
    name: str,
    struct: str,
    lower: Callable[[Site], Mapping[str, Param]],
    fits: Callable[[Site], bool],
    suffix: str = "_fast",
    walked: Callable[[Site], bool] = rows_are_contiguous,
) -> tuple[Kernel, Kernel]:
    """The rows `eq_<name>_dsp<suffix>` with two computed operands and `eq_<name>_const_dsp<suffix>` with one.

    Args:
        name: of the operator and its file.
        struct: C type of the parameters.
        lower: their members.
        fits: further condition on the site.
        suffix: end of the C names.
        walked: how operands lie.
    """

    def row(function: str, condition: Callable[[Site], bool]) -> Kernel:
        return Kernel(
            f"{function}{suffix}",
            (f"dsp/{name}.c",),
            f"eq/{name}_dsp.h",
            struct,
            lower,
            isa=DSP,
            fits=all_of(condition, fits, walked),
            overlap=elementwise,
        )

    return row(f"eq_{name}_dsp", both_computed), row(f"eq_{name}_const_dsp", one_constant)


FITS_DOUBLE = all_of(is_double, has_small_factors, has_whole_mantissas)


def _add16(row: Kernel) -> Kernel:
    """The row of a sum with int16 operands in place of int8 ones."""
    return replace(
        row,
        function=row.function.replace("eq_add", "eq_add_int16"),
        sources=("dsp/add_int16.c",),
        header="eq/pair_int16.h",
        elements=INT16,
    )


def sum_rows() -> tuple[Kernel, ...]:
    """The rows of Add and Sub."""
    return (
        *binary_rows("add", "eq_add_fast_params", lower_fast, is_fast),
        *binary_rows("add", "eq_add_double_params", lower_double, FITS_DOUBLE, "_double"),
        *(
            _add16(row)
            for row in binary_rows(
                "add", "eq_add_int16_params", lower_fast, is_fast, "", rows_are_contiguous_or_repeated
            )
        ),
    )


def has_small_factor(site: Site) -> bool:
    """One multiplication requantizes: the arithmetic is `fast`, and the factor below 1/2."""
    m = mul.factor(site)
    return site.numerics is Numerics.FAST and int(m.shift[0]) == 0 and int(m.mantissa[0]) < 1 << 30


def _mul16(row: Kernel) -> Kernel:
    """The row of a product with int16 operands in place of int8 ones."""
    return replace(
        row,
        function=row.function.replace("eq_mul", "eq_mul_int16"),
        sources=("dsp/mul_int16.c",),
        header="eq/pair_int16.h",
        elements=INT16,
    )


def mul_rows() -> tuple[Kernel, ...]:
    """The rows of Mul."""
    fits = all_of(WIDE, SMALL_PRODUCT)
    int16 = binary_rows("mul", "eq_mul_int16_params", mul.lower_int16, fits, "", rows_are_contiguous_or_repeated)
    return *binary_rows("mul", "eq_mul_params", mul.lower_ref, has_small_factor), *map(_mul16, int16)
