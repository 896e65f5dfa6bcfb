"""Rows of Resize and of Softmax."""

from __future__ import annotations

from edgeq.ir.condition import Condition, all_of
from edgeq.ir.kernel import Kernel, disjoint, in_place
from edgeq.ir.site import Site
from edgeq.kernels._shared.site import padded
from edgeq.kernels.x86.isa import AVX2
from edgeq.ops import resize
from edgeq.ops._softmax import columns, rows_are_last, uses_double, uses_fast
from edgeq.ops.softmax import is_wide, lower_double, lower_fast

LANES = 8


def resize_rows() -> tuple[Kernel, ...]:
    """The rows of Resize."""
    has_eight = Condition(f"There are at least {LANES} channels", lambda site: site.input(0).shape[3] >= LANES)
    return (
        Kernel(
            "eq_resize_nearest_avx2",
            ("x86/resize_avx2.c",),
            "eq/resize_x86.h",
            "eq_resize_nearest_params",
            resize.lower_nearest,
            AVX2,
            resize.is_nearest,
            overlap=disjoint,
        ),
        Kernel(
            "eq_resize_bilinear_avx2",
            ("x86/resize_avx2.c",),
            "eq/resize_x86.h",
            "eq_resize_bilinear_params",
            resize.lower_bilinear,
            AVX2,
            all_of(resize.needs_integers, has_eight),
            overlap=disjoint,
        ),
    )


def softmax_rows() -> tuple[Kernel, ...]:
    """The rows of Softmax, one for each arithmetic."""
    in_bytes = Condition("The output has 8 bits", lambda site: not is_wide(site))
    is_worth = Condition(f"Rows have at least {LANES} elements", lambda site: columns(site) >= LANES)
    kinds = (("fast", lower_fast, uses_fast), ("double", lower_double, uses_double))
    return tuple(
        Kernel(
            f"eq_softmax_avx2_{name}",
            ("x86/softmax_avx2.c",),
            "eq/softmax_x86.h",
            f"eq_softmax_{name}_params",
            lower,
            AVX2,
            all_of(rows_are_last, is_worth, in_bytes, uses),
            _scratch,
            in_place,
        )
        for name, lower, uses in kinds
    )


def _scratch(site: Site) -> int:
    return 4 * padded(columns(site), LANES)
