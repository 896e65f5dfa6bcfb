"""The row of LSTMs: the four gates of a unit at once, then its cell."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.recurrent import Matrix, by_unit, has_one_shift, is_plain, matrices
from edgeq.kernels._shared.site import padded
from edgeq.kernels.dsp.isa import DSP
from edgeq.kernels.dsp.pack import pack_groups
from edgeq.kernels.dsp.recurrent import is_mixed
from edgeq.numerics.fixedpoint import Rounding
from edgeq.numerics.gemmlowp16 import MOST_CELL_BITS, exp_table
from edgeq.ops.lstm import CELLS, Integers, lower_ref

GATES = 4
ARITHMETIC = ("hidden_mantissa", "hidden_shift", "hidden_zero_point", "sigmoid", "tanh", "cell_tanh")
SIZES = ("batch", "steps", "in_c", "units", "reverse", "initial_hidden", "initial_cell", "cell_bits", "cell_clip")
KEPT = (*SIZES, *ARITHMETIC)
"""Members that are those of the portable kernel."""


def gates(site: Site) -> tuple[Matrix, ...]:
    """What is multiplied with the input and with the hidden state, by unit."""
    return tuple(m[by_unit(GATES, Integers(site).units)] for m in matrices(site))


def is_direct(site: Site) -> bool:
    """One multiplication requantizes: arithmetic `fast` with factors below 128, or two roundings with some below 128"""
    if site.rounding is Rounding.SINGLE:
        return False
    if site.rounding is Rounding.DOUBLE:
        small = all(bool((m.factors.shift < 8).all()) for m in matrices(site))
        return small and Integers(site).cell_bits <= MOST_CELL_BITS
    hidden = Integers(site).hidden_factor
    return has_one_shift(site) and not hidden.shift.any() and bool((hidden.mantissa < 2**30).all())


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_lstm_dsp`."""
    plain, made = lower_ref(site), gates(site)
    groups = range(0, len(made[0].bias), GATES)
    words = [pack_groups(m.weights, m.bias, None, groups, GATES, True).reshape(len(groups), -1) for m in made]
    mantissa = np.concatenate([m.factors.mantissa.reshape(-1, GATES) for m in made], axis=1)
    shift = np.concatenate([m.factors.shift.reshape(-1, GATES) for m in made], axis=1)
    fast = site.rounding is Rounding.FAST
    members = {key: plain[key] for key in KEPT}
    hidden = members["hidden_mantissa"]
    assert isinstance(hidden, int)
    return {
        **members,
        "weights": np.concatenate(words, axis=1).ravel(),
        "mantissa": (2 * mantissa.astype(np.int64)).astype(np.uint32).view(np.int32).ravel(),
        "left": int(made[0].factors.shift[0]) if fast else 0,
        "recurrent_left": int(made[1].factors.shift[0]) if fast else 0,
        "shift": 0 if fast else (-1 - shift).astype(np.int8).ravel(),
        "hidden_mantissa": 2 * hidden if fast else hidden,
        "exp": 0 if fast else exp_table(),
    }


def scratch(site: Site) -> int:
    """Two hidden states and a row of the input, each of whole words."""
    return 2 * padded(site.outputs[2].shape[1], 4) + padded(site.input(0).shape[2], 4)


def lstm_row() -> Kernel:
    """The row."""
    return Kernel(
        "eq_lstm_dsp",
        ("dsp/lstm.c", "dsp/rows.c"),
        "eq/lstm_dsp.h",
        "eq_lstm_dsp_params",
        lower,
        elements=CELLS,
        isa=DSP,
        fits=all_of(is_plain, is_mixed, is_direct),
        scratch=scratch,
        rounded=True,
        roundings=frozenset({Rounding.FAST, Rounding.DOUBLE}),
        variadic="inputs",
    )
