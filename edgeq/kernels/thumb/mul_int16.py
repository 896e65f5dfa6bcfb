"""Rows of products of two int16 operands."""

from __future__ import annotations

from dataclasses import replace

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import INT16, Kernel
from edgeq.kernels._shared.contiguous import rows_are_contiguous_or_repeated
from edgeq.kernels._shared.int16 import SMALL_PRODUCT
from edgeq.kernels.thumb.isa import THUMB
from edgeq.ops import mul
from edgeq.ops._broadcast import both_computed, one_constant
from edgeq.ops._int16 import WIDE
from edgeq.ops._overlap import elementwise


def mul_int16_rows() -> tuple[Kernel, Kernel]:
    """The rows of Mul with two computed operands and with one."""
    fits = all_of(WIDE, SMALL_PRODUCT, rows_are_contiguous_or_repeated)
    row = Kernel(
        "eq_mul_int16_thumb",
        ("thumb/mul_int16.c",),
        "eq/pair_int16.h",
        "eq_mul_int16_params",
        mul.lower_int16,
        isa=THUMB,
        fits=all_of(both_computed, fits),
        overlap=elementwise,
        elements=INT16,
    )
    return row, replace(row, function="eq_mul_int16_const_thumb", fits=all_of(one_constant, fits))
