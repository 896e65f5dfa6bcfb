"""Rows of fully connected layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from edgeq.ir.condition import Condition, all_of
from edgeq.ir.kernel import Goal, Kernel, Param, always
from edgeq.ir.site import Site
from edgeq.ir.tensor import DType
from edgeq.kernels._shared.site import op_of
from edgeq.kernels.dsp.gemm import (
    LIGHT,
    MIXED,
    Matrix,
    direct_int4_of,
    direct_of,
    has_one_factor,
    is_mixed,
    is_unsigned_mix,
    lower_int4,
    lower_matrix,
    matrix,
    one_factor_of,
    pointwise_int4_rows,
    pointwise_rows,
    variants,
)
from edgeq.kernels.dsp.isa import DSP
from edgeq.kernels.dsp.pack import pack_fours
from edgeq.numerics.fixedpoint import Rounding
from edgeq.ops._overlap import Overlaps, in_rows
from edgeq.ops.fully_connected import FullyConnected, multiplier

FEWEST_ALONE = 1024
"""With fewer weights, a layer of one row is not worth the code of a kernel of its own."""


def dense_matrix(site: Site) -> Matrix:
    """The matrix of a fully connected layer."""
    return matrix(site, multiplier(site), op_of(site, FullyConnected).clamp)


def row_overlap(site: Site) -> Overlaps:
    """Four channels at once read all whole words of the row; the rest of it is copied first."""
    channels = site.outputs[0].shape[-1]
    return in_rows(site, (channels - 1) // 4 * 4 if site.input(0).shape[-1] >= 4 else 0)


def _is_row(site: Site) -> bool:
    """There is a single row of activations."""
    return site.outputs[0].size == site.outputs[0].shape[-1]


def is_long_row(site: Site) -> bool:
    """There is a single row of activations, and weights enough for a kernel of its own."""
    return _is_row(site) and site.const(1).size >= FEWEST_ALONE


def _members(site: Site, variant: str) -> Mapping[str, Param]:
    product = dense_matrix(site)
    members = {**lower_matrix(site, product, variant, fours=True), "in_c": site.const(1).shape[1]}
    if variant:
        return members
    kept = slice(0, 1 if has_one_factor(product) else None)
    factors = {key: np.asarray(members[key])[kept] for key in ("mantissa", "shift")}
    return {**members, **factors, "every": 0 if has_one_factor(product) else -1}


def _shared_rows(row: Kernel) -> tuple[Kernel, ...]:
    """Of `eq_fully_connected_dsp_mixed_shared` and `eq_fully_connected_dsp_plain_shared`."""

    def members(site: Site, mixed: bool) -> Mapping[str, Param]:
        product = dense_matrix(site)
        return {
            "weights": pack_fours(product.weights, product.bias, None, mixed),
            "in_c": site.const(1).shape[1],
            "out_c": len(product.weights),
            "zero_point": site.outputs[0].qp.zp,
            "mantissa": 2 * product.multiplier.mantissa[:1],
        }

    wants = all_of(_is_row, direct_of(dense_matrix), one_factor_of(dense_matrix))
    mixes = Condition(MIXED, lambda site: is_mixed(site, dense_matrix, 4) and is_unsigned_mix(dense_matrix(site), 4))
    row = replace(row, isa=DSP, goals=frozenset({"speed", "balanced"}))
    return (
        replace(
            row,
            function=f"{row.function}_mixed_shared",
            lower=lambda site: members(site, True),
            fits=all_of(wants, mixes),
        ),
        replace(row, function=f"{row.function}_plain_shared", lower=lambda site: members(site, False), fits=wants),
    )


def fully_connected_rows() -> tuple[Kernel, ...]:
    """The rows, those of one row of activations first."""
    row = Kernel(
        "eq_fully_connected_dsp",
        ("dsp/fully_connected.c",),
        "eq/fully_connected_dsp.h",
        "eq_fully_connected_dsp_params",
        lambda site: {},
        overlap=row_overlap,
    )

    def rows(shape: Callable[[Site], bool], *goals: Goal) -> tuple[Kernel, ...]:
        return variants(replace(row, goals=frozenset(goals)), _members, shape, dense_matrix, 4)

    narrow = replace(
        row,
        function="eq_fully_connected_dsp_int4",
        lower=lambda site: {
            **lower_int4(site, dense_matrix(site), True, 4),
            "in_c": site.const(1).shape[1],
        },
        isa=DSP,
        fits=all_of(_is_row, direct_int4_of(dense_matrix), LIGHT),
        weights=frozenset({DType.INT4}),
    )
    return (
        *_shared_rows(row),
        *rows(_is_row, "speed", "balanced"),
        *rows(is_long_row, "size"),
        *pointwise_rows(always, dense_matrix, (Rounding.SINGLE, Rounding.DOUBLE)),
        narrow,
        *pointwise_int4_rows(always, dense_matrix),
    )
