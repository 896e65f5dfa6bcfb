"""Rows of fully connected layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Goal, Kernel, Param, always
from edgeq.ir.op import Site
from edgeq.ir.tensor import DType
from edgeq.kernels._shared.site import op_of
from edgeq.kernels.dsp.gemm import (
    LIGHT,
    Matrix,
    direct_int4_of,
    lower_int4,
    lower_matrix,
    matrix,
    pointwise_int4_rows,
    pointwise_rows,
    variants,
)
from edgeq.kernels.dsp.isa import DSP
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
    return {**lower_matrix(site, dense_matrix(site), variant, fours=True), "in_c": site.const(1).shape[1]}


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
        *rows(_is_row, "speed", "balanced"),
        *rows(is_long_row, "size"),
        *pointwise_rows(always, dense_matrix, (Rounding.SINGLE, Rounding.DOUBLE)),
        narrow,
        *pointwise_int4_rows(always, dense_matrix),
    )
