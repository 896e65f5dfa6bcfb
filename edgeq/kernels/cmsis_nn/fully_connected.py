"""Rows of fully connected layers by Arm's CMSIS-NN."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Site
from edgeq.kernels._shared.other_library import channel_params, fits_sums
from edgeq.kernels._shared.site import flat_weights, op_of, output_params
from edgeq.kernels.cmsis_nn.library import Variant, everywhere, library_rows
from edgeq.numerics.fixedpoint import Multiplier
from edgeq.ops._requant import folded_bias
from edgeq.ops.fully_connected import FullyConnected, multiplier

STRUCT = "eq_fully_connected_cmsis_nn_params"


def _has_one_factor(site: Site) -> bool:
    """All channels have one factor of requantization."""
    factors = multiplier(site)
    return len({*zip(factors.mantissa.tolist(), factors.shift.tolist(), strict=True)}) == 1


def _has_several_factors(site: Site) -> bool:
    """Channels have factors of requantization of their own."""
    return not _has_one_factor(site)


def _lower(site: Site, variant: Variant) -> Mapping[str, Param]:
    weights, factors = site.const(1), multiplier(site)
    folded = {"bias": 0, "sums": folded_bias(site, flat_weights(site).astype(np.int64), len(weights))}
    if _has_one_factor(site):
        factors = Multiplier(factors.mantissa[:1], factors.shift[:1])
    return {
        "rows": site.outputs[0].size // len(weights),
        "in_c": weights.shape[1],
        "out_c": len(weights),
        "input_offset": -site.input(0).qp.zp,
        "weights": weights,
        **channel_params(site, factors),
        **(folded if variant is Variant.MVE else {"sums": 0}),
        **output_params(site, op_of(site, FullyConnected).clamp),
    }


def fully_connected_rows() -> tuple[Kernel, ...]:
    """The rows, those of layers with one factor first."""
    name = "fully_connected"
    return (
        *library_rows(name, name, STRUCT, _lower, everywhere(_has_one_factor, fits_sums(multiplier))),
        *library_rows(
            f"{name}_per_channel",
            name,
            STRUCT,
            _lower,
            everywhere(_has_several_factors, fits_sums(multiplier)),
            file=name,
        ),
    )
