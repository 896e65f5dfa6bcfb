"""The row of plain recurrent layers: all units as one product, then four at once."""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.simple_rnn import KEPT, narrows
from edgeq.kernels.mve.isa import MVE
from edgeq.kernels.mve.pack import pack_groups
from edgeq.kernels.mve.recurrent import filled, room, takes_sums
from edgeq.ops._recurrent import symmetric
from edgeq.ops.simple_rnn import Integers, lower_ref


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_simple_rnn_mve`."""
    plain, n = lower_ref(site), Integers(site)
    return {
        **{key: plain[key] for key in KEPT},
        "weights": pack_groups(site.const(1)),
        "recurrent": pack_groups(site.const(2)),
        "bias": filled(n.bias),
        "recurrent_bias": filled(n.recurrent_bias),
        "mantissa": filled(n.factors.mantissa),
        "recurrent_mantissa": filled(n.recurrent_factors.mantissa),
        "left": int(n.factors.shift[0]),
        "recurrent_left": int(n.recurrent_factors.shift[0]),
        "hidden_mantissa": int(n.narrowed.mantissa[0]),
    }


def scratch(site: Site) -> int:
    """The sums of all units, of the input and of the hidden state."""
    return 8 * room(site.outputs[1].shape[1])


def simple_rnn_row() -> Kernel:
    """The row."""
    return Kernel(
        "eq_simple_rnn_mve",
        ("mve/simple_rnn.c",),
        "eq/simple_rnn_mve.h",
        "eq_simple_rnn_mve_params",
        lower,
        isa=MVE,
        fits=all_of(symmetric, takes_sums, narrows),
        scratch=scratch,
        variadic="inputs",
    )
