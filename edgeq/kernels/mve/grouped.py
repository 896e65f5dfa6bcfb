"""Rows of fully connected layers whose weights have a factor for every group of inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared.fields import KINDS, Fields
from edgeq.kernels.mve.fully_connected import CHUNK, fully_connected_rows
from edgeq.kernels.mve.narrow import FEW_PRODUCTS, FILLED
from edgeq.kernels.mve.pack import GROUP, channel_params, fill, pack_fields, pack_groups, pack_int4
from edgeq.ops._linear import factors_of
from edgeq.ops._requant import folded_bias
from edgeq.ops.fully_connected import multiplier


def pack_grouped(weights: Array, size: int, pack: Callable[[Array], Array]) -> Array:
    """Weights (OC, K) for eq/fully_connected_grouped_mve.h; `pack` is that of layers without groups."""
    channels, depth = weights.shape
    chunks = [weights[first : first + CHUNK] for first in range(0, channels, CHUNK)]
    return np.concatenate([pack(chunk[:, k : k + size]) for chunk in chunks for k in range(0, depth, size)])


def _row(base: Kernel, pack: Callable[[Array], Array], step: int = 2 * GROUP) -> Kernel:
    def lower(site: Site) -> Mapping[str, Param]:
        w, groups = site.const(1), site.input(1).qp.groups
        assert groups is not None
        layer = {
            **base.lower(site),
            "weights": pack_grouped(w, groups.size, pack),
            **channel_params(
                site, folded_bias(site, factors_of(site, 0), len(w)), multiplier(site), np.arange(len(w)), step
            ),
        }
        return {
            **{f"layer.{key}": value for key, value in layer.items()},
            "group": groups.size,
            "factors": fill(groups.table(len(w)).astype(np.uint8), 4).T.ravel(),
        }

    return replace(
        base,
        function=base.function.replace("fully_connected", "fully_connected_grouped"),
        sources=(base.sources[0].replace("fully_connected", "fully_connected_grouped"), "mve/finish.c"),
        header="eq/fully_connected_grouped_mve.h",
        struct="eq_fully_connected_grouped_mve_params",
        lower=lower,
        groups=True,
    )


def _narrow_row(base: Kernel, kind: Fields) -> Kernel:
    row = _row(base, lambda weights: pack_fields(weights, kind.bits).ravel(), FILLED)
    source = "mve/fully_connected_grouped_narrow.c"
    return replace(
        row,
        function=f"eq_fully_connected_grouped_{kind.name}_mve",
        sources=(source, *row.sources[1:]),
        fits=all_of(row.fits, FEW_PRODUCTS),
        weights=kind.types,
        goals=kind.goals,
    )


def grouped_rows() -> tuple[Kernel, ...]:
    """The rows, of bytes, of 4 bits, of 2 and of 1."""
    bytes_row, narrow = fully_connected_rows()
    return (
        _row(bytes_row, pack_groups),
        _row(narrow, lambda weights: pack_int4(weights, GROUP)),
        *(_narrow_row(bytes_row, kind) for kind in KINDS),
    )
