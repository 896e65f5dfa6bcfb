"""Rows of fully connected layers by Arm's CMSIS-NN."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.other_library import (
    fits_sums,
    fully_connected_params,
    has_one_factor,
    has_several_factors,
)
from edgeq.kernels._shared.site import flat_weights
from edgeq.kernels.cmsis_nn.library import Variant, everywhere, library_rows
from edgeq.ops._requant import folded_bias
from edgeq.ops.fully_connected import multiplier

STRUCT = "eq_fully_connected_cmsis_nn_params"


def _lower(site: Site, variant: Variant) -> Mapping[str, Param]:
    if variant is not Variant.MVE:
        return {**fully_connected_params(site), "sums": 0}
    weights = flat_weights(site)
    sums = folded_bias(site, weights.astype(np.int64), len(weights))
    return {**fully_connected_params(site), "bias": 0, "sums": sums}


def fully_connected_rows() -> tuple[Kernel, ...]:
    """The rows, those of layers with one factor first."""
    name = "fully_connected"
    return (
        *library_rows(name, name, STRUCT, _lower, everywhere(has_one_factor, fits_sums(multiplier))),
        *library_rows(
            f"{name}_per_channel",
            name,
            STRUCT,
            _lower,
            everywhere(has_several_factors, fits_sums(multiplier)),
            file=name,
        ),
    )
