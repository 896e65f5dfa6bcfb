"""What rows of SVDF ask of a site."""

from __future__ import annotations

import numpy as np

from edgeq.ir.site import Site
from edgeq.ir.tensor import DType
from edgeq.kernels._shared.recurrent import Matrix
from edgeq.numerics.fixedpoint import INT32_MAX, Ints, Rounding
from edgeq.ops._recurrent import MOST_SHIFT, centred
from edgeq.ops.svdf import integers, time_weights

SIZES = ("batch", "in_c", "filters", "memory", "rank", "initial", "zero_point", "qmin", "qmax")
"""Members that are those of the portable kernel."""


def features(site: Site) -> Matrix:
    """What is multiplied with the input."""
    bias, factors, _, _ = integers(site)
    return Matrix(centred(site, 1), bias, factors)


def folded_time(site: Site) -> tuple[Ints, Ints]:
    """Weights over time (filters, memory), and biases (units) with the state's zero-point folded in."""
    time, _ = time_weights(site)
    _, _, steps, _ = integers(site)
    return time, steps - site.outputs[1].qp.zp * time.reshape(len(steps), -1).sum(axis=1)


def is_symmetric(site: Site) -> bool:
    """Its weights are symmetric"""
    return not any(site.input(1).qp.zero_point)


def has_bytes(site: Site) -> bool:
    """Its state has 8 bits"""
    return site.outputs[1].dtype is DType.INT8


def has_halves(site: Site) -> bool:
    """Its state has 16 bits"""
    return site.outputs[1].dtype is DType.INT16


def folds(site: Site) -> bool:
    """Its biases fit into 32 bits with the state's zero-point folded in"""
    return bool((np.abs(folded_time(site)[1]) <= INT32_MAX).all())


def has_one_shift(site: Site) -> bool:
    """Arithmetic `fast` with factors below 128 for the features and below 1/2 for what is made of them"""
    if site.rounding is not Rounding.FAST:
        return False
    _, factors, _, last = integers(site)
    own = bool((factors.mantissa < 2**30).all() and (factors.shift <= MOST_SHIFT).all())
    return own and not last.shift.any() and bool((last.mantissa < 2**30).all())
