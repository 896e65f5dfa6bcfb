"""Rows of operators that move elements, or mix neighbours: Concat and Resize."""

from __future__ import annotations

from edgeq.ir.condition import Condition, all_of
from edgeq.ir.kernel import Kernel, disjoint
from edgeq.kernels.neon.isa import NEON
from edgeq.ops import concat, resize

EIGHT = 8
"""Channels that are mixed at once."""


def concat_row() -> Kernel:
    """The row of Concat; where nothing is converted, the portable kernel copies whole rows and may work in place."""
    converts = Condition("An operand has another scale than the output", lambda site: not concat.shares_scale(site))
    return Kernel(
        "eq_concat_neon",
        ("neon/concat.c",),
        "eq/concat_neon.h",
        "eq_concat_params",
        concat.lower_ref,
        NEON,
        converts,
        overlap=disjoint,
        variadic="inputs",
    )


def resize_rows() -> tuple[Kernel, ...]:
    """The rows of Resize."""
    has_eight = Condition("There are at least 8 channels", lambda site: site.input(0).shape[3] >= EIGHT)
    return (
        Kernel(
            "eq_resize_nearest_neon",
            ("neon/resize.c",),
            "eq/resize_neon.h",
            "eq_resize_nearest_params",
            resize.lower_nearest,
            NEON,
            resize.is_nearest,
            overlap=disjoint,
        ),
        Kernel(
            "eq_resize_bilinear_neon",
            ("neon/resize.c",),
            "eq/resize_neon.h",
            "eq_resize_bilinear_params",
            resize.lower_bilinear,
            NEON,
            all_of(resize.needs_integers, has_eight),
            overlap=disjoint,
        ),
    )
