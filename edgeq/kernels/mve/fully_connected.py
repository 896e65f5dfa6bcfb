"""Rows of fully connected layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import DType
from edgeq.kernels._shared.site import op_of, output_params
from edgeq.kernels.mve.conv2d import INT4_SUMS
from edgeq.kernels.mve.isa import MVE
from edgeq.kernels.mve.pack import GROUP, channel_params, pack_groups, pack_int4, takes_weights
from edgeq.ops._overlap import Overlaps, in_rows
from edgeq.ops._requant import folded_bias
from edgeq.ops.fully_connected import FullyConnected, multiplier

CHUNK = 96
"""Channels whose sums are held before they are written."""


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_fully_connected_mve`."""
    w = site.const(1)
    bias = folded_bias(site, w.astype(np.int64), len(w))
    return {
        "rows": site.outputs[0].size // len(w),
        "in_c": w.shape[1],
        "out_c": len(w),
        "weights": pack_groups(w),
        **channel_params(site, bias, multiplier(site), np.arange(len(w)), 2 * GROUP),
        **output_params(site, op_of(site, FullyConnected).clamp),
    }


def overlap(site: Site) -> Overlaps:
    """The sums of a chunk of channels are complete before they are written."""
    return in_rows(site, (site.outputs[0].shape[-1] - 1) // CHUNK * CHUNK)


def lower_int4(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_fully_connected_int4_mve`."""
    return {**lower(site), "weights": pack_int4(site.const(1), GROUP)}


def fully_connected_rows() -> tuple[Kernel, ...]:
    """The rows, of bytes and of 4 bits."""
    row = Kernel(
        "eq_fully_connected_mve",
        ("mve/fully_connected.c", "mve/finish.c"),
        "eq/fully_connected_mve.h",
        "eq_fully_connected_mve_params",
        lower,
        MVE,
        takes_weights(multiplier),
        overlap=overlap,
        rounded=True,
    )
    narrow = replace(
        row,
        function="eq_fully_connected_int4_mve",
        sources=("mve/fully_connected_int4.c", "mve/finish.c"),
        lower=lower_int4,
        fits=all_of(row.fits, INT4_SUMS),
        weights=frozenset({DType.INT4}),
    )
    return row, narrow
