"""Rows of weights of 2 bits, of 1, and of codes in fully connected layers and 1×1 convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgeq.ir.condition import Condition, all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import DType
from edgeq.kernels._shared.fields import KINDS, Fields
from edgeq.kernels._shared.site import flat_weights, padded
from edgeq.kernels.mve.conv2d import conv2d_rows, last_blocks, tiles_of
from edgeq.kernels.mve.fully_connected import fully_connected_rows
from edgeq.kernels.mve.pack import BLOCK, channel_order, channel_params, pack_codes, pack_fields
from edgeq.numerics.fixedpoint import Multiplier
from edgeq.ops._overlap import Overlaps, of_first_input
from edgeq.ops._requant import effective_multiplier, folded_bias
from edgeq.ops.fully_connected import multiplier

MOST_PRODUCTS = 1 << 16
"""Products of a sum that surely fit 32 bits 256 times."""
SPAN = 15
"""Pixels of 1×1 convolutions that share what is unpacked."""
FILLED = 8
"""Channels to a multiple of which numbers are filled up."""


def _has_few_products(site: Site) -> bool:
    return site.const(1)[0].size < MOST_PRODUCTS


FEW_PRODUCTS = Condition("There are fewer than 65536 products in a sum", _has_few_products)


def _filled_up(site: Site, factors: Multiplier) -> Mapping[str, Param]:
    """Numbers of channels, in the kernels' order."""
    weights = flat_weights(site)
    order = channel_order(len(weights)) if site.op.kind == "Conv2D" else np.arange(len(weights))
    return channel_params(site, folded_bias(site, weights.astype(np.int64), len(weights)), factors, order, FILLED)


def _overlap_1x1(site: Site) -> Overlaps:
    """Each block of channels of some tiles reads these, tile by tile, in place."""
    first = tiles_of(site)
    begin = first.start * site.outputs[0].shape[3], first.read * site.input(0).shape[3]
    return of_first_input(site, begin, *last_blocks(site, tiles_of(site, SPAN)))


def narrow_conv2d_rows() -> tuple[Kernel, ...]:
    """Rows of 1×1 convolutions, beside those for bytes."""
    base = conv2d_rows()[0]

    def row(kind: Fields) -> Kernel:
        def lower(site: Site) -> Mapping[str, Param]:
            flat = flat_weights(site)
            weights = pack_fields(flat[channel_order(len(flat))], kind.bits).ravel()
            return {**base.lower(site), "weights": weights, **_filled_up(site, effective_multiplier(site, len(flat)))}

        return replace(
            base,
            function=f"eq_conv2d_1x1_{kind.name}_mve",
            sources=("mve/conv2d_1x1_narrow.c", *base.sources[1:]),
            lower=lower,
            scratch=lambda site: BLOCK * padded(site.input(0).shape[3], BLOCK),
            overlap=_overlap_1x1,
            weights=kind.types,
            negative_scales=True,
            goals=kind.goals,
        )

    return tuple(map(row, KINDS))


def narrow_fully_connected_rows() -> tuple[Kernel, ...]:
    """Rows of fully connected layers, beside those for bytes."""
    base = fully_connected_rows()[0]

    def row(kind: Fields) -> Kernel:
        def lower(site: Site) -> Mapping[str, Param]:
            weights = pack_fields(site.const(1), kind.bits).ravel()
            return {**base.lower(site), "weights": weights, **_filled_up(site, multiplier(site))}

        return replace(
            base,
            function=f"eq_fully_connected_{kind.name}_mve",
            sources=("mve/fully_connected_narrow.c", "mve/finish.c"),
            lower=lower,
            fits=all_of(base.fits, FEW_PRODUCTS),
            weights=kind.types,
            negative_scales=True,
            goals=kind.goals,
        )

    return *map(row, KINDS), *(_codes_row(base, dtype) for dtype in (DType.CODE4, DType.CODE2))


def _codes_row(base: Kernel, dtype: DType) -> Kernel:
    """The row of weights that are places in a table."""

    def lower(site: Site) -> Mapping[str, Param]:
        table, codes = pack_codes(site.const(1), dtype.bits)
        layer = {**base.lower(site), "weights": codes.ravel(), **_filled_up(site, multiplier(site))}
        return {**{f"layer.{key}": value for key, value in layer.items()}, "table": table}

    return replace(
        base,
        function=f"eq_fully_connected_{dtype.value}_mve",
        sources=("mve/fully_connected_codes.c", "mve/finish.c"),
        struct="eq_fully_connected_codes_mve_params",
        lower=lower,
        weights=frozenset({dtype}),
        goals=frozenset({"size"}),  # with bytes they are almost three times as fast
    )
