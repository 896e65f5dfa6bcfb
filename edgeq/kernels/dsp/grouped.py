"""Rows of fully connected layers whose weights have a factor for every group of inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgeq.ir.condition import Condition, all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import DType
from edgeq.kernels._shared.fields import FAST
from edgeq.kernels._shared.site import is_symmetric, padded
from edgeq.kernels.dsp.gemm import pixels_of
from edgeq.kernels.dsp.isa import DSP
from edgeq.kernels.dsp.narrow import AT_ONCE, row_overlap
from edgeq.kernels.dsp.pack import pack_grouped, pack_grouped_bytes
from edgeq.ops._overlap import in_rows
from edgeq.ops.fully_connected import has_zeros, lower_ref

MOST_PRODUCTS = 1 << 19
"""Inputs of a group whose sum with fields of 4 bits surely fits 32 bits."""


def _is_whole(site: Site) -> bool:
    groups = site.input(1).qp.groups
    return groups is not None and groups.size % AT_ONCE == 0 and groups.size < MOST_PRODUCTS


WHOLE = Condition("Groups have a multiple of 8 inputs", _is_whole)


def _is_mixed(site: Site) -> bool:
    """Weights of two rows can share a half word: none is −128, and the sums of groups of whole words fit 24 bits"""
    groups, w = site.input(1).qp.groups, site.const(1).astype(np.int64)
    if groups is None or groups.size % 4 or (w == -128).any():
        return False
    starts = np.arange(0, w.shape[1], groups.size)
    return bool(128 * np.add.reduceat(np.abs(w), starts, axis=1).max() < 1 << 23)


def _factors(site: Site) -> tuple[int, int]:
    """Inputs of a group, and how many there are."""
    groups = site.input(1).qp.groups
    assert groups is not None
    return groups.size, -(-site.const(1).shape[1] // groups.size)


def _row(name: str, bits: int, dtype: DType, zeros: bool = False) -> Kernel:
    def lower(site: Site) -> Mapping[str, Param]:
        w, groups, members = site.const(1), site.input(1).qp.groups, lower_ref(site)
        assert groups is not None
        bias = members["bias"]
        kept = ("mantissa", "shift", "zero_point", "qmin", "qmax")
        return {
            "rows": pixels_of(site),
            "in_c": w.shape[1],
            "out_c": len(w),
            "group": groups.size,
            "weights": pack_grouped(
                w,
                bits,
                np.asarray(bias),
                groups.table(len(w)),
                groups.size,
                groups.zeros_table(len(w)) if zeros else None,
            ),
            **{key: members[key] for key in kept},
        }

    return Kernel(
        f"eq_fully_connected_grouped_{'zeros_' if zeros else ''}{name}_dsp",
        ("dsp/fully_connected_grouped.c",),
        "eq/fully_connected_grouped_dsp.h",
        "eq_fully_connected_grouped_dsp_params",
        lower,
        isa=DSP,
        fits=all_of(has_zeros if zeros else is_symmetric, WHOLE),
        scratch=lambda site: 2 * padded(site.const(1).shape[1], AT_ONCE) + 4 * _factors(site)[1],
        overlap=row_overlap,
        rounded=True,
        weights=frozenset({dtype}),
        groups=True,
    )


def _bytes_row() -> Kernel:
    def lower(site: Site) -> Mapping[str, Param]:
        w, groups, members = site.const(1), site.input(1).qp.groups, lower_ref(site)
        assert groups is not None
        kept = ("rows", "in_c", "out_c", "mantissa", "shift", "zero_point", "qmin", "qmax")
        return {
            **{key: members[key] for key in kept},
            "group": groups.size,
            "weights": pack_grouped_bytes(w, np.asarray(members["bias"]), groups.table(len(w)), groups.size),
        }

    return Kernel(
        "eq_fully_connected_grouped_dsp",
        ("dsp/fully_connected_grouped_bytes.c", "dsp/rows.c"),
        "eq/fully_connected_grouped_dsp.h",
        "eq_fully_connected_grouped_dsp_params",
        lower,
        isa=DSP,
        fits=all_of(is_symmetric, _is_mixed),
        scratch=lambda site: padded(min(_factors(site)[0], site.const(1).shape[1]), 4),
        overlap=lambda site: in_rows(site, (site.outputs[0].shape[-1] - 1) // 4 * 4),
        rounded=True,
        groups=True,
    )


def grouped_rows() -> tuple[Kernel, ...]:
    """The rows."""
    ternary = replace(_row("int2", 2, DType.TERNARY), goals=FAST)
    narrow = _row("int4", 4, DType.INT4), _row("int2", 2, DType.INT2), ternary, _row("binary", 1, DType.BINARY)
    return _bytes_row(), *narrow, _row("int4", 4, DType.INT4, True), _row("int2", 2, DType.INT2, True)
