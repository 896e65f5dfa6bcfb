"""The row of GRU: all gates as one product, then four units at once."""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.gru import KEPT, narrows
from edgeq.kernels._shared.site import padded
from edgeq.kernels.mve.isa import MVE
from edgeq.kernels.mve.pack import pack_groups
from edgeq.kernels.mve.recurrent import filled, room, takes_sums
from edgeq.ops._recurrent import symmetric
from edgeq.ops.gru import Integers, lower_ref


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_gru_mve`."""
    plain, n = lower_ref(site), Integers(site)
    gates, candidate = slice(0, 2 * n.units), slice(2 * n.units, None)
    return {
        **{key: plain[key] for key in KEPT},
        "weights": pack_groups(site.const(1)),
        "gates": pack_groups(site.const(2)[gates]),
        "candidate": pack_groups(site.const(2)[candidate]),
        "bias": filled(n.bias),
        "gates_bias": filled(n.recurrent_bias[gates]),
        "candidate_bias": filled(n.recurrent_bias[candidate]),
        "mantissa": filled(n.factors.mantissa),
        "recurrent_mantissa": filled(n.recurrent_factors.mantissa),
        "left": int(n.factors.shift[0]),
        "recurrent_left": int(n.recurrent_factors.shift[0]),
        "narrow_mantissa": int(n.narrowed.mantissa[0]),
    }


def scratch(site: Site) -> int:
    """Sums of all rows of both matrices; of each unit two values of 16 bits and one of 8."""
    units = site.outputs[1].shape[1]
    return 4 * (room(3 * units) + room(2 * units) + room(units)) + padded(5 * units, 4)


def gru_row() -> Kernel:
    """The row."""
    return Kernel(
        "eq_gru_mve",
        ("mve/gru.c",),
        "eq/gru_mve.h",
        "eq_gru_mve_params",
        lower,
        isa=MVE,
        fits=all_of(symmetric, takes_sums, narrows),
        scratch=scratch,
        variadic="inputs",
    )
