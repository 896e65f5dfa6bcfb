"""Rows of Softmax."""

from __future__ import annotations

from edgeq.ir.condition import Condition, all_of
from edgeq.ir.kernel import Kernel, in_place
from edgeq.ir.site import Site
from edgeq.kernels._shared.site import padded
from edgeq.kernels.neon.isa import NEON
from edgeq.ops._softmax import columns, rows_are_last, uses_double, uses_fast
from edgeq.ops.softmax import is_wide, lower_double, lower_fast

LANES = 16
FEW = 64
"""Elements for which splitting the table of exponentials pays."""
TABLES = 512
"""Bytes of the table of exponentials, upper and lower ones apart."""


def _columns(site: Site) -> int:
    return padded(columns(site), LANES)


def softmax_rows() -> tuple[Kernel, ...]:
    """The rows of Softmax, one for each arithmetic."""
    in_bytes = Condition("The output has 8 bits", lambda site: not is_wide(site))
    is_worth = Condition(f"There are at least {FEW} elements", lambda site: site.outputs[0].size >= FEW)
    return (
        Kernel(
            "eq_softmax_neon_fast",
            ("neon/softmax.c",),
            "eq/softmax_neon.h",
            "eq_softmax_fast_params",
            lower_fast,
            NEON,
            all_of(rows_are_last, is_worth, in_bytes, uses_fast),
            lambda site: TABLES + 4 * _columns(site),
            in_place,
        ),
        Kernel(
            "eq_softmax_neon_double",
            ("neon/softmax.c",),
            "eq/softmax_neon.h",
            "eq_softmax_double_params",
            lower_double,
            NEON,
            all_of(rows_are_last, in_bytes, uses_double),
            lambda site: 5 * _columns(site),
            in_place,
        ),
    )
