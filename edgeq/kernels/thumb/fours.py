"""Matrices of recurrent layers, multiplied four rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared.recurrent import Matrix, has_one_shift, matrices, shifted_bound
from edgeq.kernels.thumb.pack import pack_fours
from edgeq.kernels.thumb.sums import MAX_SUM


def fits_fours(site: Site) -> bool:
    """Arithmetic `fast` with factors below 128, whose accumulators stay below 2²⁹ when they are shifted"""
    return has_one_shift(site) and shifted_bound(site) < MAX_SUM


def packed(matrix: Matrix, isa: str) -> Array:
    """Weights as a set's products take them, whose rows are a multiple of four."""
    weights = matrix.weights.astype(np.int8)
    return pack_fours(weights) if isa == "thumb2" else weights


def fours(site: Site, rows: Array, isa: str) -> Mapping[str, Param]:
    """Members of both matrices.

    Args:
        site: a recurrent layer.
        rows: in the order in which they are computed, −1: none; a multiple of four.
        isa: whose packing of weights.
    """
    members: dict[str, Param] = {}
    for prefix, weights, matrix in zip(("", "recurrent_"), ("weights", "recurrent"), matrices(site), strict=True):
        made = matrix[rows]
        members[weights] = packed(made, isa)
        members[f"{prefix}bias"] = made.bias
        members[f"{prefix}mantissa"] = made.factors.mantissa
        members[f"{prefix}left"] = int(made.factors.shift[0])
    return members


def both_sets(name: str, lower: Callable[[Site, str], Mapping[str, Param]], **more: Any) -> tuple[Kernel, ...]:
    """The rows of a recurrent layer's kernel for Thumb-2 and for Armv6-M.

    Args:
        name: of the C function, without `eq_` and the instruction set.
        lower: the parameters, for a site and an instruction set.
        more: what else both rows have.
    """

    def row(isa: str, *sources: str) -> Kernel:
        return Kernel(
            f"eq_{name}_{isa}",
            (f"{isa}/{name}.c", *sources),
            f"eq/{name}_thumb.h",
            f"eq_{name}_thumb_params",
            lambda site: lower(site, isa),
            isa=frozenset({isa}),
            variadic="inputs",
            **more,
        )

    return row("thumb2"), row("thumb", "thumb/rows.c")
