"""The row of LSTMs: all gates as one product, then four units at once."""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.recurrent import is_plain, matrices
from edgeq.kernels.mve.isa import MVE
from edgeq.kernels.mve.pack import pack_groups
from edgeq.kernels.mve.recurrent import filled, room, takes_sums
from edgeq.numerics.fixedpoint import INT32_MAX, Rounding
from edgeq.numerics.gemmlowp16 import MOST_CELL_BITS, exp_table
from edgeq.ops.lstm import CELLS, Integers, lower_ref

ARITHMETIC = (
    "cell_bits",
    "cell_clip",
    "hidden_mantissa",
    "hidden_shift",
    "hidden_zero_point",
    "sigmoid",
    "tanh",
    "cell_tanh",
)
KEPT = ("batch", "steps", "in_c", "units", "reverse", "initial_hidden", "initial_cell", *ARITHMETIC)
"""Members that are those of the portable kernel."""


def is_double(site: Site) -> bool:
    """Two roundings, with sums that fit into 32 bits when they are shifted"""
    n = Integers(site)
    if site.rounding is not Rounding.DOUBLE or n.cell_bits > MOST_CELL_BITS or (n.hidden_factor.shift > 0).any():
        return False
    return all(m.reach << max(0, int(m.factors.shift.max())) <= INT32_MAX for m in matrices(site))


def is_direct(site: Site) -> bool:
    """Arithmetic `fast` with factors below 128, or two roundings; sums fit into 32 bits when they are shifted"""
    return is_double(site) or (takes_sums(site) and not Integers(site).hidden_factor.shift.any())


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_lstm_mve`."""
    plain, n, fast = lower_ref(site), Integers(site), site.rounding is Rounding.FAST
    return {
        **{key: plain[key] for key in KEPT},
        "weights": pack_groups(site.const(1)),
        "recurrent": pack_groups(site.const(2)),
        "bias": filled(n.bias),
        "recurrent_bias": filled(n.recurrent_bias),
        "mantissa": filled(n.factors.mantissa),
        "recurrent_mantissa": filled(n.recurrent_factors.mantissa),
        "shift": 0 if fast else filled(n.factors.shift),
        "recurrent_shift": 0 if fast else filled(n.recurrent_factors.shift),
        "left": int(n.factors.shift[0]) if fast else 0,
        "recurrent_left": int(n.recurrent_factors.shift[0]) if fast else 0,
        "exp": 0 if fast else exp_table(),
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
        fits=all_of(is_plain, is_direct),
        scratch=scratch,
        rounded=True,
        roundings=frozenset({Rounding.FAST, Rounding.DOUBLE}),
        variadic="inputs",
    )
