"""Rows of LSTMs: the four gates of a unit at once, then its cell."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Site
from edgeq.kernels._shared.recurrent import by_unit, is_plain
from edgeq.kernels.thumb.fours import fits_fours, fours
from edgeq.ops.lstm import CELLS, Integers, lower_ref

SIZES = ("batch", "steps", "in_c", "units", "reverse", "initial_hidden", "initial_cell", "cell_bits", "cell_clip")
KEPT = (*SIZES, "hidden_mantissa", "hidden_zero_point", "sigmoid", "tanh", "cell_tanh")
"""Members that are those of the portable kernel."""


def is_direct(site: Site) -> bool:
    """Its hidden state is a multiple below 1 of what makes it"""
    return not Integers(site).hidden_factor.shift.any()


def lower(site: Site, isa: str) -> Mapping[str, Param]:
    """Parameters of `eq_lstm_thumb` and `eq_lstm_thumb2`."""
    plain = lower_ref(site)
    return {**{key: plain[key] for key in KEPT}, **fours(site, by_unit(4, Integers(site).units), isa)}


def scratch(site: Site) -> int:
    """Two hidden states."""
    return 2 * site.outputs[2].shape[1]


def lstm_rows() -> tuple[Kernel, ...]:
    """The rows."""

    def row(isa: str, *sources: str) -> Kernel:
        return Kernel(
            f"eq_lstm_{isa}",
            (f"{isa}/lstm.c", *sources),
            "eq/lstm_thumb.h",
            "eq_lstm_thumb_params",
            partial(lower, isa=isa),
            elements=CELLS,
            isa=frozenset({isa}),
            fits=all_of(is_plain, fits_fours, is_direct),
            scratch=scratch,
            variadic="inputs",
        )

    return row("thumb2"), row("thumb", "thumb/rows.c")
