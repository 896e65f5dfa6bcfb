"""Rows of weights of 2 bits, of 1, and of codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from edgeq.ir.condition import Condition, Predicate, all_of
from edgeq.ir.kernel import Goal, Kernel, Param, always
from edgeq.ir.site import Site
from edgeq.ir.tensor import DType
from edgeq.kernels._shared.fields import FAST, KINDS, Fields
from edgeq.kernels._shared.site import is_symmetric, padded
from edgeq.kernels.dsp.conv2d import conv_matrix, is_pointwise
from edgeq.kernels.dsp.fully_connected import FEWEST_ALONE, dense_matrix, is_long_row
from edgeq.kernels.dsp.gemm import (
    TILE,
    MatrixOf,
    direct_int4_numbers,
    direct_int4_of,
    direct_of,
    pixels_of,
    pointwise_overlap,
    spare_bytes,
)
from edgeq.kernels.dsp.isa import DSP
from edgeq.kernels.dsp.pack import fields_step, pack_codes, pack_fields
from edgeq.ops._overlap import Overlaps, in_rows
from edgeq.ops._requant import requant_params

MOST_SUM = 1 << 29
SIZE: frozenset[Goal] = frozenset({"size"})
AT_ONCE = 8
"""Values of a row that a fully connected layer reads at once."""


def _small_sums(matrix_of: MatrixOf) -> Condition:
    def holds(site: Site) -> bool:
        product = matrix_of(site)
        reach = np.abs(product.bias.astype(np.int64)) + 128 * np.abs(product.weights.astype(np.int64)).sum(axis=1)
        return bool((reach < MOST_SUM).all())

    return Condition("Sums surely stay below 2²⁹", holds)


def _members(site: Site, matrix_of: MatrixOf, kind: Fields, size: int, direct: bool) -> Mapping[str, Param]:
    """The members of matrices, `size` channels at once."""
    product = matrix_of(site)
    q = requant_params(site, product.multiplier, product.clamp)
    bias, factors = direct_int4_numbers(product)
    keys = ("zero_point",) if direct else ("zero_point", "mantissa", "shift", "qmin", "qmax")
    return {
        "weights": pack_fields(product.weights, size, kind.bits, bias, factors if direct else None),
        "out_c": len(product.weights),
        **{key: q[key] for key in keys},
    }


def _rows(
    row: Kernel, lower: Callable[[Site, bool], Mapping[str, Param]], matrix_of: MatrixOf, kind: Fields, shape: Predicate
) -> tuple[Kernel, ...]:
    """The row that requantizes by one multiplication, then the other."""
    rounded = replace(
        row,
        lower=lambda site: lower(site, False),
        isa=DSP,
        fits=all_of(shape, is_symmetric, _small_sums(matrix_of)),
        rounded=True,
        weights=kind.types,
        negative_scales=True,
        goals=kind.goals,
    )
    direct = replace(
        rounded,
        function=f"{row.function}_direct",
        lower=lambda site: lower(site, True),
        fits=all_of(rounded.fits, direct_int4_of(matrix_of)),
        rounded=False,
    )
    return direct, rounded


def _pointwise_rows(shape: Predicate, matrix_of: MatrixOf, kind: Fields) -> tuple[Kernel, ...]:
    step = fields_step(2, kind.bits)

    def lower(site: Site, direct: bool) -> Mapping[str, Param]:
        depth = matrix_of(site).weights.shape[1]
        members = {**_members(site, matrix_of, kind, 2, direct), "k": padded(depth, step)}
        return {
            **{f"gemm.{key}": value for key, value in members.items()},
            "pixels": pixels_of(site),
            "in_c": depth,
        }

    row = Kernel(
        f"eq_pointwise_{kind.name}_dsp",
        ("dsp/pointwise_narrow.c", "dsp/gemm_narrow.c", "dsp/gemm.c"),
        "eq/pointwise_narrow_dsp.h",
        "eq_pointwise_dsp_params",
        lambda site: {},
        scratch=lambda site: 2 * TILE * padded(site.const(1)[0].size, step) + spare_bytes(site),
        overlap=pointwise_overlap,
    )
    return _rows(row, lower, matrix_of, kind, shape)


def _is_row(site: Site) -> bool:
    return site.outputs[0].size == site.outputs[0].shape[-1]


SINGLE_ROW = Condition("There is a single row of activations", _is_row)


LONG_ROW = Condition(f"There are at least {FEWEST_ALONE} weights", is_long_row)


def row_overlap(site: Site) -> Overlaps:
    """The row is widened before anything is written."""
    return in_rows(site, 0)


def _dense_rows(kind: Fields) -> tuple[Kernel, ...]:
    def lower(site: Site, direct: bool) -> Mapping[str, Param]:
        return {**_members(site, dense_matrix, kind, 4, direct), "in_c": site.const(1).shape[1]}

    row = Kernel(
        f"eq_fully_connected_{kind.name}_dsp",
        ("dsp/fully_connected_narrow.c",),
        "eq/fully_connected_narrow_dsp.h",
        "eq_fully_connected_dsp_params",
        lambda site: {},
        scratch=lambda site: 2 * padded(site.const(1).shape[1], AT_ONCE),
        overlap=row_overlap,
    )
    return tuple(one for each in _rows(row, lower, dense_matrix, kind, SINGLE_ROW) for one in _for_goals(each))


def _for_goals(row: Kernel) -> Iterator[Kernel]:
    """The row for speed; for size, only where there are weights enough for it."""
    yield replace(row, goals=FAST)
    if "size" in row.goals:
        yield replace(row, goals=SIZE, fits=all_of(row.fits, LONG_ROW))


def _code_rows(dtype: DType) -> tuple[Kernel, ...]:
    """Rows of weights that are places in a table."""
    bits = dtype.bits

    def lower(site: Site, direct: bool) -> Mapping[str, Param]:
        product = dense_matrix(site)
        q = requant_params(site, product.multiplier, product.clamp)
        factors = 2 * product.multiplier.mantissa.astype(np.int64) if direct else None
        table, words = pack_codes(product.weights, bits, product.bias, factors)
        keys = ("zero_point",) if direct else ("zero_point", "mantissa", "shift", "qmin", "qmax")
        return {
            "rows": pixels_of(site),
            "in_c": product.weights.shape[1],
            "out_c": len(product.weights),
            "table": table,
            "weights": words,
            **{key: q[key] for key in keys},
        }

    rounded = Kernel(
        f"eq_fully_connected_{dtype.value}_dsp",
        ("dsp/fully_connected_codes.c",),
        "eq/fully_connected_codes_dsp.h",
        "eq_fully_connected_codes_dsp_params",
        lambda site: lower(site, False),
        isa=DSP,
        fits=is_symmetric,
        scratch=lambda site: 4 * (1 << 2 * bits) + 2 * padded(site.const(1).shape[1], 4),
        overlap=row_overlap,
        rounded=True,
        weights=frozenset({dtype}),
        goals=frozenset({"balanced", "size"}),  # bytes take a bit more than half the time
        lacks=frozenset({"mve"}),
    )
    direct = replace(
        rounded,
        function=f"{rounded.function}_direct",
        lower=lambda site: lower(site, True),
        fits=direct_of(dense_matrix),
        rounded=False,
    )
    return direct, rounded


def narrow_conv2d_rows() -> tuple[Kernel, ...]:
    """Rows of 1×1 convolutions that read every pixel in place."""
    return tuple(row for kind in KINDS for row in _pointwise_rows(is_pointwise, conv_matrix, kind))


def narrow_fully_connected_rows() -> tuple[Kernel, ...]:
    """Rows of fully connected layers, those of one row of activations first."""
    one = tuple(row for kind in KINDS for row in _dense_rows(kind))
    several = (row for kind in KINDS for row in _pointwise_rows(always, dense_matrix, kind))
    return *one, *several, *_code_rows(DType.CODE4), *_code_rows(DType.CODE2)
