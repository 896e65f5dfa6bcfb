"""Rows of LSTMs: the four gates of a unit at once, then its cell."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.recurrent import by_unit, is_plain, matrices
from edgeq.kernels.thumb.fours import both_sets, fits_fours, fours
from edgeq.kernels.thumb.sums import MAX_SUM
from edgeq.numerics.fixedpoint import Rounding
from edgeq.numerics.gemmlowp16 import MOST_CELL_BITS, exp_table
from edgeq.ops.lstm import CELLS, Integers, lower_ref

SIZES = ("batch", "steps", "in_c", "units", "reverse", "initial_hidden", "initial_cell", "cell_bits", "cell_clip")
KEPT = (*SIZES, "hidden_mantissa", "hidden_shift", "hidden_zero_point", "sigmoid", "tanh", "cell_tanh")
"""Members that are those of the portable kernel."""


def is_fast(site: Site) -> bool:
    """Arithmetic `fast` with factors below 128 and small sums, and a hidden state that is a multiple below 1"""
    return fits_fours(site) and not Integers(site).hidden_factor.shift.any()


def is_double(site: Site) -> bool:
    """Two roundings, with sums that stay below 2²⁹ when they are shifted"""
    if site.rounding is not Rounding.DOUBLE or Integers(site).cell_bits > MOST_CELL_BITS:
        return False
    return all(m.reach << max(0, int(m.factors.shift.max())) < MAX_SUM for m in matrices(site))


def is_direct(site: Site) -> bool:
    """Arithmetic `fast` with factors below 128, or two roundings; sums stay below 2²⁹ when they are shifted"""
    return is_fast(site) or is_double(site)


def lower(site: Site, isa: str) -> Mapping[str, Param]:
    """Parameters of `eq_lstm_thumb` and `eq_lstm_thumb2`."""
    plain, order, fast = lower_ref(site), by_unit(4, Integers(site).units), site.rounding is Rounding.FAST
    shifts = [m[order].factors.shift.astype(np.int8) for m in matrices(site)]
    return {
        **{key: plain[key] for key in KEPT},
        **fours(site, order, isa),
        "shift": 0 if fast else shifts[0],
        "recurrent_shift": 0 if fast else shifts[1],
        "exp": 0 if fast else exp_table(),
    }


def scratch(site: Site) -> int:
    """Two hidden states."""
    return 2 * site.outputs[2].shape[1]


def lstm_rows() -> tuple[Kernel, ...]:
    """The rows."""
    return both_sets(
        "lstm",
        lower,
        elements=CELLS,
        fits=all_of(is_plain, is_direct),
        scratch=scratch,
        rounded=True,
        roundings=frozenset({Rounding.FAST, Rounding.DOUBLE}),
    )
