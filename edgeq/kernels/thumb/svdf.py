"""Rows of SVDF: the features of four filters at once, then each filter's products over time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.recurrent import in_fours
from edgeq.kernels._shared.svdf import SIZES, features, folded_time, folds, has_bytes, has_halves, is_symmetric
from edgeq.kernels.thumb.fours import packed
from edgeq.kernels.thumb.sums import MAX_SUM
from edgeq.numerics.fixedpoint import Multiplier, Rounding
from edgeq.ops.svdf import TYPES, integers, lower_ref, time_weights


def reach_over_time(site: Site) -> int:
    """What no sum over time exceeds in absolute value."""
    time, bias = folded_time(site)
    most = 2 ** (site.outputs[1].dtype.bits - 1)
    return int((np.abs(bias) + most * np.abs(time).reshape(len(bias), -1).sum(axis=1)).max())


def stays_small(site: Site) -> bool:
    """Sums stay below 2²⁹, also when they are shifted"""

    def shifted(reach: int, factors: Multiplier) -> int:
        return reach << max(0, int(factors.shift.max()))

    _, first, _, last = integers(site)
    return max(shifted(features(site).reach, first), shifted(reach_over_time(site), last)) < MAX_SUM


def has_one_shift(site: Site) -> bool:
    """With arithmetic `fast` all features have one shift"""
    shift = integers(site)[1].shift
    return site.rounding is not Rounding.FAST or bool((shift == shift[0]).all())


def lower(site: Site, isa: str) -> Mapping[str, Param]:
    """Parameters of `eq_svdf_thumb` and `eq_svdf_thumb2`."""
    plain, matrix, (_, bias) = lower_ref(site), features(site), folded_time(site)
    last, fast = integers(site)[3], site.rounding is Rounding.FAST
    made = matrix[in_fours(np.arange(len(matrix.bias)))]
    return {
        **{key: plain[key] for key in SIZES},
        "weights": packed(made, isa),
        "feature_bias": made.bias,
        "mantissa": made.factors.mantissa,
        "shift": 0 if fast else made.factors.shift.astype(np.int8),
        "left": int(made.factors.shift[0]) if fast else 0,
        "state_zero_point": site.outputs[1].qp.zp,
        "time": time_weights(site)[0].astype(np.int16),
        "bias": bias.astype(np.int32),
        "out_mantissa": int(last.mantissa[0]),
        "out_shift": int(last.shift[0]),
    }


def svdf_rows() -> tuple[Kernel, ...]:
    """The rows, of a state of 16 and of 8 bits."""

    def row(isa: str, kind: str, *sources: str) -> Kernel:
        return Kernel(
            f"eq_svdf_{kind}{isa}",
            (f"{isa}/svdf.c", *sources),
            "eq/svdf_thumb.h",
            "eq_svdf_thumb_params",
            partial(lower, isa=isa),
            elements=TYPES,
            isa=frozenset({isa}),
            fits=all_of(has_bytes if kind else has_halves, is_symmetric, folds, stays_small, has_one_shift),
            rounded=True,
            variadic="inputs",
        )

    return tuple(row("thumb2", kind) for kind in ("", "bytes_")) + tuple(
        row("thumb", kind, "thumb/rows.c") for kind in ("", "bytes_")
    )
