"""Rows of GRU: two gates of two units at once, then four candidates."""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.gru import KEPT, gru_rows_order, narrows
from edgeq.kernels._shared.site import padded
from edgeq.kernels.thumb.fours import both_sets, fits_fours, fours
from edgeq.ops._recurrent import symmetric
from edgeq.ops.gru import Integers, lower_ref


def lower(site: Site, isa: str) -> Mapping[str, Param]:
    """Parameters of `eq_gru_thumb` and `eq_gru_thumb2`."""
    plain, n = lower_ref(site), Integers(site)
    return {
        **{key: plain[key] for key in KEPT},
        **fours(site, gru_rows_order(n.units), isa),
        "narrow_mantissa": int(n.narrowed.mantissa[0]),
    }


def scratch(site: Site) -> int:
    """Of each unit three values of 16 bits and three of 8."""
    return padded(9 * site.outputs[1].shape[1], 4)


def gru_rows() -> tuple[Kernel, ...]:
    """The rows."""
    return both_sets("gru", lower, fits=all_of(symmetric, fits_fours, narrows), scratch=scratch)
