"""Rows of fully connected layers whose weights have a factor for every group of inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import INT8, Goal, Kernel, Param, no_scratch
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Groups
from edgeq.kernels._shared.fields import KINDS, Fields
from edgeq.kernels._shared.site import is_symmetric, padded
from edgeq.kernels.thumb.fully_connected import fours_overlap
from edgeq.kernels.thumb.isa import DSP
from edgeq.kernels.thumb.pack import pack_field_fours, pack_fours, pack_int4_fours
from edgeq.kernels.thumb.sums import MAX_SUM
from edgeq.ops._linear import factors_of
from edgeq.ops._requant import folded_bias
from edgeq.ops.fully_connected import lower_ref

Pack = Callable[[Array], Array]
COMPACT: frozenset[Goal] = frozenset({"balanced", "size"})
"""Weights of 2 bits and of 1, since those of 4 take four fifths of their time."""


def _pack_rows(weights: Array) -> Array:
    """Four rows one after another."""
    return weights.astype(np.int8).ravel()


def pack_grouped(weights: Array, size: int, pack: Pack) -> Array:
    """Weights (OC, K) for eq/fully_connected_grouped_thumb.h, words; `pack` takes four channels of a group."""
    channels, depth = weights.shape
    filled = np.pad(
        weights,
        (
            (
                0,
                padded(channels, 4) - channels,
            ),
            (0, 0),
        ),
    )
    parts = [pack(filled[c : c + 4, k : k + size]) for c in range(0, len(filled), 4) for k in range(0, depth, size)]
    return np.concatenate([np.ascontiguousarray(part).reshape(-1).view("<u4") for part in parts])


def pack_factors(groups: Groups, channels: int) -> Array:
    """Words (⌈OC/4⌉ · groups) of four channels' factors."""
    table = groups.table(channels)
    filled = np.pad(table, ((0, padded(channels, 4) - channels), (0, 0)))
    fours = filled.reshape(-1, 4, table.shape[1]).transpose(0, 2, 1)
    return np.ascontiguousarray(fours.astype(np.uint8)).reshape(-1).view("<u4")


def _groups(site: Site) -> Groups:
    groups = site.input(1).qp.groups
    assert groups is not None
    return groups


def has_small_sums(site: Site) -> bool:
    """No accumulator reaches 2²⁹, beyond which the kernels cannot requantize."""
    factors = factors_of(site, 0)
    bias = np.abs(folded_bias(site, factors, len(factors)).astype(np.int64))
    return bool((bias + 128 * np.abs(factors).sum(axis=1)).max() < MAX_SUM)


def _row(
    name: str, isa: str, sources: tuple[str, ...], types: frozenset[DType], pack: Pack, totals: bool = True
) -> Kernel:
    def lower(site: Site) -> Mapping[str, Param]:
        w, groups = site.const(1), _groups(site)
        members = {key: value for key, value in lower_ref(site).items() if key != "weight_zero_point"}
        layer = {**members, "weights": pack_grouped(w, groups.size, pack)}
        return {
            **{f"layer.{key}": value for key, value in layer.items()},
            "group": groups.size,
            "factors": pack_factors(groups, len(w)),
        }

    return Kernel(
        f"eq_fully_connected_{name}_{isa}",
        (f"{isa}/fully_connected_{name}.c", *sources),
        "eq/fully_connected_grouped_thumb.h",
        "eq_fully_connected_grouped_thumb_params",
        lower,
        isa=frozenset({isa}),
        fits=all_of(is_symmetric, has_small_sums),
        scratch=(lambda site: 4 * -(-site.const(1).shape[1] // _groups(site).size)) if totals else no_scratch,
        overlap=fours_overlap,
        rounded=True,
        weights=types,
        groups=True,
        lacks=frozenset() if types == INT8 else DSP,
    )


def _narrow_row(kind: Fields) -> Kernel:
    row = _row(
        f"grouped_{kind.name}", "thumb", ("thumb/store.c",), kind.types, lambda w: pack_field_fours(w, kind.bits)
    )
    return replace(
        row, sources=("thumb/fully_connected_grouped_narrow.c", *row.sources[1:]), goals=kind.goals & COMPACT
    )


def grouped_rows() -> tuple[Kernel, ...]:
    """The rows, of bytes, of 4 bits, of 2 and of 1."""
    store = "thumb/store.c"
    return (
        _row("grouped", "thumb2", (), INT8, pack_fours),
        _row("grouped", "thumb", ("thumb/rows.c", store), INT8, _pack_rows, totals=False),
        _row("grouped_int4", "thumb2", ("thumb2/rows_int4.c",), frozenset({DType.INT4}), pack_int4_fours),
        _row("grouped_int4", "thumb", ("thumb/rows_int4.c", store), frozenset({DType.INT4}), pack_int4_fours),
        *map(_narrow_row, KINDS),
    )
