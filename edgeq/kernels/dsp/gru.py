"""The row of GRU: two gates of two units at once, then four candidates."""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.gru import KEPT, gru_rows_order, narrows
from edgeq.kernels._shared.recurrent import has_one_shift
from edgeq.kernels._shared.site import padded
from edgeq.kernels.dsp.isa import DSP
from edgeq.kernels.dsp.recurrent import is_mixed, packed
from edgeq.ops._recurrent import symmetric
from edgeq.ops.gru import Integers, lower_ref


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_gru_dsp`."""
    plain, n = lower_ref(site), Integers(site)
    return {
        **{key: plain[key] for key in KEPT},
        **packed(site, gru_rows_order(n.units)),
        "narrow_mantissa": 2 * int(n.narrowed.mantissa[0]),
    }


def scratch(site: Site) -> int:
    """Of each unit three values of 16 bits and three of 8, and a row of the input, of whole words."""
    return 9 * padded(site.outputs[1].shape[1], 4) + padded(site.input(0).shape[2], 4)


def gru_row() -> Kernel:
    """The row."""
    return Kernel(
        "eq_gru_dsp",
        ("dsp/gru.c", "dsp/rows.c"),
        "eq/gru_dsp.h",
        "eq_gru_dsp_params",
        lower,
        isa=DSP,
        fits=all_of(symmetric, has_one_shift, narrows, is_mixed),
        scratch=scratch,
        variadic="inputs",
    )
