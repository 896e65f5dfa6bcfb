"""The row of LSTMs: the four gates of a unit at once, then its cell."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared.site import padded
from edgeq.kernels.dsp.isa import DSP
from edgeq.kernels.dsp.pack import fit_mixed, pack_groups
from edgeq.numerics.fixedpoint import Multiplier, Rounding
from edgeq.ops._recurrent import MOST_SHIFT, centred, symmetric
from edgeq.ops.lstm import CELLS, Integers, lower_ref

GATES = 4
ARITHMETIC = ("hidden_mantissa", "hidden_shift", "hidden_zero_point", "sigmoid", "tanh", "cell_tanh")
SIZES = ("batch", "steps", "in_c", "units", "reverse", "initial_hidden", "initial_cell", "cell_bits", "cell_clip")
KEPT = (*SIZES, *ARITHMETIC)
"""Members that are those of the portable kernel."""


def by_unit(rows: Array) -> Array:
    """Rows (4·units, …) of one gate after the other as those of one unit after the other."""
    return np.swapaxes(rows.reshape(GATES, -1, *rows.shape[1:]), 0, 1).reshape(rows.shape)


def matrices(site: Site) -> tuple[tuple[Array, Array, Multiplier], ...]:
    """Weights, biases and factors of the input and of the hidden state, by unit."""
    n = Integers(site)
    given = (centred(site, 1), n.bias, n.factors), (centred(site, 2), n.recurrent_bias, n.recurrent_factors)
    return tuple((by_unit(w), by_unit(b), Multiplier(by_unit(m.mantissa), by_unit(m.shift))) for w, b, m in given)


def is_plain(site: Site) -> bool:
    """It has neither peepholes nor a projection, and symmetric weights"""
    return symmetric(site) and all(site.const_or_none(k) is None for k in (6, 7))


def is_mixed(site: Site) -> bool:
    """Weights of two gates can share a half word: none is −128, and accumulators fit into 24 bits"""
    return all(bool((w > -128).all()) and fit_mixed(w, b, GATES) for w, b, _ in matrices(site))


def is_direct(site: Site) -> bool:
    """One multiplication requantizes: arithmetic `fast` with factors below 128, or two roundings"""
    if site.rounding is not Rounding.FAST:
        return site.rounding is Rounding.DOUBLE
    hidden = Integers(site).hidden_factor
    gates = all(bool((m.mantissa < 2**30).all() and (m.shift <= MOST_SHIFT).all()) for _, _, m in matrices(site))
    return gates and not hidden.shift.any() and bool((hidden.mantissa < 2**30).all())


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_lstm_dsp`."""
    plain, made = lower_ref(site), matrices(site)
    groups = range(0, len(made[0][0]), GATES)
    words = [pack_groups(w, b, None, groups, GATES, True).reshape(len(groups), -1) for w, b, _ in made]
    mantissa = np.concatenate([m.mantissa.reshape(-1, GATES) for _, _, m in made], axis=1)
    shift = np.concatenate([m.shift.reshape(-1, GATES) for _, _, m in made], axis=1)
    fast = site.rounding is Rounding.FAST
    double = 2 if fast else 1
    members = {key: plain[key] for key in KEPT}
    hidden = members["hidden_mantissa"]
    assert isinstance(hidden, int)
    return {
        **members,
        "weights": np.concatenate(words, axis=1).ravel(),
        "mantissa": (double * mantissa.astype(np.int64)).astype(np.int32).ravel(),
        "left": int(made[0][2].shift[0]) if fast else 0,
        "recurrent_left": int(made[1][2].shift[0]) if fast else 0,
        "shift": 0 if fast else shift.astype(np.int8).ravel(),
        "hidden_mantissa": double * hidden,
    }


def scratch(site: Site) -> int:
    """Two hidden states and a row of the input, each of whole words."""
    return 2 * padded(site.outputs[2].shape[1], 4) + padded(site.input(0).shape[2], 4)


def lstm_row() -> Kernel:
    """The row."""
    return Kernel(
        "eq_lstm_dsp",
        ("dsp/lstm.c",),
        "eq/lstm_dsp.h",
        "eq_lstm_dsp_params",
        lower,
        elements=CELLS,
        isa=DSP,
        fits=all_of(is_plain, is_mixed, is_direct),
        scratch=scratch,
        rounded=True,
        variadic="inputs",
    )
