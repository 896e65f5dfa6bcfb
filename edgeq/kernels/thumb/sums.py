"""How large the sums of a layer become, which decides whether a kernel can compute it."""

from __future__ import annotations

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.site import Site
from edgeq.kernels._shared.site import flat_weights, is_symmetric
from edgeq.ops._requant import folded_bias

MAX_SUM = 2**29
"""Bound of the accumulators that the kernels requantize."""
MAX_LANE = 2**22
"""Bound of a sum in the lower lane of the Armv7-M kernels."""


def has_small_sums(site: Site) -> bool:
    """No accumulator reaches 2²⁹, beyond which the kernels cannot requantize."""
    w = flat_weights(site).astype(np.int64)
    bias = np.abs(folded_bias(site, w, len(w)).astype(np.int64))
    return bool((bias + 128 * np.abs(w).sum(axis=1)).max() < MAX_SUM)


fits_sums = all_of(is_symmetric, has_small_sums)


def stays_in_lane(site: Site) -> bool:
    """The sum of the products alone stays within a lane of 23 bits."""
    return bool(128 * np.abs(flat_weights(site).astype(np.int64)).sum(axis=1).max() < MAX_LANE)


fits_lane = all_of(fits_sums, stays_in_lane)
