"""Rows of operators that move elements, or mix neighbours: Concat and Resize."""

from __future__ import annotations

from math import prod

from edgeq.ir.condition import Condition, all_of
from edgeq.ir.kernel import Kernel, disjoint
from edgeq.ir.site import Site
from edgeq.kernels.neon.isa import NEON
from edgeq.ops import concat, resize
from edgeq.ops.concat import Concat

EIGHT = 8
"""Channels that are mixed at once."""


FEW = 64
"""Bytes that the kernel copies without a call (EQ_FEW)."""


def _gains(site: Site) -> bool:
    """An operand has another scale than the output, or is copied in short pieces."""
    assert isinstance(site.op, Concat)
    axis, (x, *_) = site.op.axis, site.inputs
    short = any(t is not None and prod(t.shape[axis:]) <= FEW for t in site.inputs)
    return not concat.shares_scale(site) or (short and x is not None and prod(x.shape[:axis]) > 1)


def concat_row() -> Kernel:
    """The row of Concat; the portable kernel copies whole rows as fast, and may work in place."""
    return Kernel(
        "eq_concat_neon",
        ("neon/concat.c",),
        "eq/concat_neon.h",
        "eq_concat_params",
        concat.lower_ref,
        NEON,
        _gains,
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
