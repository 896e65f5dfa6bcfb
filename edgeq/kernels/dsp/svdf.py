"""Rows of SVDF: the features of four filters at once, then each filter's products over time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared.site import padded
from edgeq.kernels._shared.svdf import (
    SIZES,
    features,
    folded_time,
    folds,
    has_bytes,
    has_halves,
    has_one_shift,
    is_symmetric,
)
from edgeq.kernels.dsp.isa import DSP
from edgeq.kernels.dsp.pack import Words, fit_mixed, pack_groups
from edgeq.numerics.fixedpoint import Rounding
from edgeq.ops.svdf import TYPES, integers, lower_ref

FILTERS = 4


def is_mixed(site: Site) -> bool:
    """Weights of two filters can share a half word: none is −128, and accumulators fit into 24 bits"""
    m = features(site)
    return bool((m.weights > -128).all()) and fit_mixed(m.weights, m.bias, FILTERS)


def is_direct(site: Site) -> bool:
    """Arithmetic `fast` with factors below 128 and 1/2, or another one"""
    return site.rounding is not Rounding.FAST or has_one_shift(site)


def pack_time(weights: Array, bytes: bool) -> Words:
    """Weights over time (filters, memory) as words.

    For a state of 16 bits pairs, the last filled with a zero. For one of 8 bits, of every four the pairs (0, 2) and
    (1, 3); those left over have a word each.
    """
    w = weights.astype(np.int64)

    def pairs(low: Array, high: Array) -> Array:
        return (low & 0xFFFF) | (high & 0xFFFF) << 16

    if bytes:
        whole = w.shape[1] // 4 * 4
        fours = w[:, :whole].reshape(len(w), -1, 4)
        made = pairs(fours[:, :, :2], fours[:, :, 2:]).reshape(len(w), -1)
        words = np.concatenate([made, w[:, whole:] & 0xFFFFFFFF], axis=1)
    else:
        filled = np.pad(w, ((0, 0), (0, w.shape[1] % 2)))
        words = pairs(filled[:, 0::2], filled[:, 1::2])
    return words.astype(np.uint32).view(np.int32).ravel()


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_svdf_dsp`."""
    plain, m, (time, bias) = lower_ref(site), features(site), folded_time(site)
    rows, fast = len(m.bias), site.rounding is Rounding.FAST
    groups = range(0, rows, FILTERS)
    filled = [(0, padded(rows, FILTERS) - rows)]
    weights, offsets = np.pad(m.weights, [*filled, (0, 0)]), np.pad(m.bias, filled)
    last = integers(site)[3]
    double = 2 if fast else 1
    return {
        **{key: plain[key] for key in SIZES},
        "weights": pack_groups(weights, offsets, None, groups, FILTERS, True),
        "mantissa": (double * np.pad(m.factors.mantissa, filled).astype(np.int64)).astype(np.int32),
        "shift": 0 if fast else np.pad(m.factors.shift, filled).astype(np.int8),
        "left": int(m.factors.shift[0]) if fast else 0,
        "state_zero_point": site.outputs[1].qp.zp,
        "time": pack_time(time, has_bytes(site)),
        "bias": bias.astype(np.int32),
        "out_mantissa": double * int(last.mantissa[0]),
        "out_shift": int(last.shift[0]),
    }


def scratch(site: Site) -> int:
    """A row of the input, of whole words."""
    return padded(site.input(0).shape[1], 4)


def svdf_rows() -> tuple[Kernel, ...]:
    """The rows, of a state of 16 and of 8 bits."""
    return tuple(
        Kernel(
            name,
            ("dsp/svdf.c", "dsp/rows.c"),
            "eq/svdf_dsp.h",
            "eq_svdf_dsp_params",
            lower,
            elements=TYPES,
            isa=DSP,
            fits=all_of(kind, is_symmetric, is_mixed, folds, is_direct),
            scratch=scratch,
            rounded=True,
            variadic="inputs",
        )
        for name, kind in (("eq_svdf_dsp", has_halves), ("eq_svdf_bytes_dsp", has_bytes))
    )
