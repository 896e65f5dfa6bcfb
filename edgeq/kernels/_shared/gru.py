"""What rows of GRU ask of a site, and how their rows of weights are ordered."""

from __future__ import annotations

import numpy as np

from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared.recurrent import in_fours
from edgeq.ops.gru import Integers

SIZES = ("batch", "steps", "in_c", "units", "reverse", "reset_after", "initial_hidden")
KEPT = (*SIZES, "clip", "hidden_bits", "widen_mantissa", "widen_shift", "zero_point", "sigmoid", "tanh")
"""Members that are those of the portable kernel."""


def gru_rows_order(units: int) -> Array:
    """The gates z and r of one unit after the other, then the candidates; both up to a multiple of four."""
    gates = np.arange(2 * units).reshape(2, units).T.ravel()
    return np.concatenate([in_fours(gates), in_fours(np.arange(2 * units, 3 * units))])


def narrows(site: Site) -> bool:
    """Its hidden state has steps of more than two of those that it has in 16 bits"""
    factor = Integers(site).narrowed
    return not factor.shift.any() and bool((factor.mantissa < 2**30).all())
