"""The row of plain recurrent layers: four units at once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.recurrent import has_one_shift, in_fours
from edgeq.kernels._shared.simple_rnn import KEPT, narrows
from edgeq.kernels._shared.site import padded
from edgeq.kernels.dsp.isa import DSP
from edgeq.kernels.dsp.recurrent import is_mixed, packed
from edgeq.ops._recurrent import symmetric
from edgeq.ops.simple_rnn import Integers, lower_ref


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_simple_rnn_dsp`."""
    plain, n = lower_ref(site), Integers(site)
    return {
        **{key: plain[key] for key in KEPT},
        **packed(site, in_fours(np.arange(n.units))),
        "hidden_mantissa": 2 * int(n.narrowed.mantissa[0]),
    }


def scratch(site: Site) -> int:
    """Two hidden states and a row of the input, each of whole words."""
    return 2 * padded(site.outputs[1].shape[1], 4) + padded(site.input(0).shape[2], 4)


def simple_rnn_row() -> Kernel:
    """The row."""
    return Kernel(
        "eq_simple_rnn_dsp",
        ("dsp/simple_rnn.c", "dsp/rows.c"),
        "eq/simple_rnn_dsp.h",
        "eq_simple_rnn_dsp_params",
        lower,
        isa=DSP,
        fits=all_of(symmetric, has_one_shift, narrows, is_mixed),
        scratch=scratch,
        variadic="inputs",
    )
