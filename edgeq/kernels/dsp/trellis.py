"""Rows of fully connected layers whose weights are paths through a trellis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import DType
from edgeq.kernels._shared.site import is_symmetric, padded
from edgeq.kernels.dsp.fully_connected import dense_matrix
from edgeq.kernels.dsp.gemm import direct_of, pixels_of
from edgeq.kernels.dsp.isa import DSP
from edgeq.kernels.dsp.narrow import row_overlap
from edgeq.kernels.dsp.pack import pack_trellis
from edgeq.numerics.trellis import STATES, TABLE, WAYS, codes_of
from edgeq.ops._requant import requant_params

AT_ONCE = 16
"""Values of a row whose codes are in one word."""


def _lower(site: Site, direct: bool) -> Mapping[str, Param]:
    product = dense_matrix(site)
    q = requant_params(site, product.multiplier, product.clamp)
    factors = 2 * product.multiplier.mantissa.astype(np.int64) if direct else None
    keys = ("zero_point",) if direct else ("zero_point", "mantissa", "shift", "qmin", "qmax")
    return {
        "rows": pixels_of(site),
        "in_c": product.weights.shape[1],
        "out_c": len(product.weights),
        "table": TABLE,
        "weights": pack_trellis(codes_of(product.weights), product.bias, factors),
        **{key: q[key] for key in keys},
    }


def trellis_rows() -> tuple[Kernel, ...]:
    """The row that requantizes by one multiplication, then the other."""
    rounded = Kernel(
        "eq_fully_connected_trellis_dsp",
        ("dsp/fully_connected_trellis.c",),
        "eq/fully_connected_trellis_dsp.h",
        "eq_fully_connected_trellis_dsp_params",
        lambda site: _lower(site, False),
        isa=DSP,
        fits=is_symmetric,
        scratch=lambda site: 4 * STATES * WAYS + 2 * padded(site.const(1).shape[1], AT_ONCE),
        overlap=row_overlap,
        rounded=True,
        weights=frozenset({DType.TRELLIS}),
        goals=frozenset({"balanced", "size"}),  # bytes take half the time
        lacks=frozenset({"mve"}),
    )
    direct = replace(
        rounded,
        function=f"{rounded.function}_direct",
        lower=lambda site: _lower(site, True),
        fits=direct_of(dense_matrix),
        rounded=False,
    )
    return direct, rounded
