"""Rows of SVDF: all features as one product, then each filter's products over time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.svdf import SIZES, features, folded_time, folds, has_bytes, has_halves, is_symmetric
from edgeq.kernels.mve.isa import MVE
from edgeq.kernels.mve.pack import WORDS, fill, fits_multiplier, pack_groups, vector_shift
from edgeq.kernels.mve.recurrent import filled, room
from edgeq.numerics.fixedpoint import INT32_MAX, Rounding
from edgeq.ops.svdf import TYPES, integers, lower_ref


def takes_factors(site: Site) -> bool:
    """Vectors can take the factors: of features below 1, or with arithmetic `fast` what leaves sums within 32 bits"""
    _, first, _, last = integers(site)
    if not fits_multiplier(last, site.rounding):
        return False
    if site.rounding is not Rounding.FAST:
        return fits_multiplier(first, site.rounding)
    return bool((first.shift == first.shift[0]).all()) and features(site).reach << int(first.shift[0]) <= INT32_MAX


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_svdf_mve`."""
    plain, m, (time, bias) = lower_ref(site), features(site), folded_time(site)
    last, shift = integers(site)[3], vector_shift(m.factors, site.rounding)
    kind = np.int8 if has_bytes(site) else np.int16
    return {
        **{key: plain[key] for key in SIZES},
        "weights": pack_groups(m.weights.astype(np.int8)),
        "feature_bias": filled(m.bias),
        "multiplier": fill(m.factors.mantissa, WORDS),
        "shift": 0 if shift is None else fill(shift, WORDS),
        "left": int(m.factors.shift[0]) if site.rounding is Rounding.FAST else 0,
        "state_zero_point": site.outputs[1].qp.zp,
        "time": np.ascontiguousarray(time.astype(kind)),
        "bias": bias.astype(np.int32),
        "out_multiplier": int(last.mantissa[0]),
        "out_shift": int(last.shift[0]),
    }


def scratch(site: Site) -> int:
    """Sums of all filters."""
    return 4 * room(site.input(1).shape[0])


def svdf_rows() -> tuple[Kernel, ...]:
    """The rows, of a state of 16 and of 8 bits."""
    return tuple(
        Kernel(
            name,
            ("mve/svdf.c",),
            "eq/svdf_mve.h",
            "eq_svdf_mve_params",
            lower,
            elements=TYPES,
            isa=MVE,
            fits=all_of(kind, is_symmetric, folds, takes_factors),
            scratch=scratch,
            rounded=True,
            variadic="inputs",
        )
        for name, kind in (("eq_svdf_mve", has_halves), ("eq_svdf_bytes_mve", has_bytes))
    )
