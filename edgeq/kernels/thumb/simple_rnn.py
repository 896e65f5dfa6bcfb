"""Rows of plain recurrent layers: four units at once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.recurrent import in_fours
from edgeq.kernels._shared.simple_rnn import KEPT, narrows
from edgeq.kernels.thumb.fours import both_sets, fits_fours, fours
from edgeq.ops._recurrent import symmetric
from edgeq.ops.simple_rnn import Integers, lower_ref


def lower(site: Site, isa: str) -> Mapping[str, Param]:
    """Parameters of `eq_simple_rnn_thumb` and `eq_simple_rnn_thumb2`."""
    plain, n = lower_ref(site), Integers(site)
    return {
        **{key: plain[key] for key in KEPT},
        **fours(site, in_fours(np.arange(n.units)), isa),
        "hidden_mantissa": int(n.narrowed.mantissa[0]),
    }


def scratch(site: Site) -> int:
    """Two hidden states."""
    return 2 * site.outputs[1].shape[1]


def simple_rnn_rows() -> tuple[Kernel, ...]:
    """The rows."""
    return both_sets("simple_rnn", lower, fits=all_of(symmetric, fits_fours, narrows), scratch=scratch)
