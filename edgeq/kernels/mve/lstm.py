"""The row of LSTMs: all gates as one product, then four units at once."""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Site
from edgeq.kernels._shared.recurrent import is_plain
from edgeq.kernels.mve.isa import MVE
from edgeq.kernels.mve.pack import pack_groups
from edgeq.kernels.mve.recurrent import filled, room, takes_sums
from edgeq.ops.lstm import CELLS, Integers, lower_ref

ARITHMETIC = ("cell_bits", "cell_clip", "hidden_mantissa", "hidden_zero_point", "sigmoid", "tanh", "cell_tanh")
KEPT = ("batch", "steps", "in_c", "units", "reverse", "initial_hidden", "initial_cell", *ARITHMETIC)
"""Members that are those of the portable kernel."""


def is_direct(site: Site) -> bool:
    """Its hidden state is a multiple below 1 of what makes it"""
    return not Integers(site).hidden_factor.shift.any()


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_lstm_mve`."""
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
    }


def scratch(site: Site) -> int:
    """The sums of all gates, of the input and of the hidden state."""
    return 8 * room(4 * site.outputs[2].shape[1])


def lstm_row() -> Kernel:
    """The row."""
    return Kernel(
        "eq_lstm_mve",
        ("mve/lstm.c",),
        "eq/lstm_mve.h",
        "eq_lstm_mve_params",
        lower,
        elements=CELLS,
        isa=MVE,
        fits=all_of(is_plain, takes_sums, is_direct),
        scratch=scratch,
        variadic="inputs",
    )
