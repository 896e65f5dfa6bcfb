"""Rows of pools and of the mean over pixels."""

from __future__ import annotations

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel
from edgeq.kernels._shared.mean import is_over_pixels, mean_params
from edgeq.kernels._shared.sixteens import has_sixteen, mean_overlap, pool_overlap
from edgeq.kernels.neon.isa import NEON
from edgeq.ops import average_pool2d, max_pool2d


def mean_row() -> Kernel:
    """The row of Mean."""
    return Kernel(
        "eq_mean_neon",
        ("neon/mean.c",),
        "eq/mean_neon.h",
        "eq_mean_neon_params",
        mean_params,
        NEON,
        all_of(is_over_pixels, has_sixteen),
        overlap=mean_overlap,
        rounded=True,
    )


def average_pool2d_row() -> Kernel:
    """The row of AveragePool2D."""
    return Kernel(
        "eq_average_pool2d_neon",
        ("neon/average_pool2d.c",),
        "eq/pool2d_neon.h",
        "eq_average_pool2d_params",
        average_pool2d.lower_ref,
        NEON,
        all_of(has_sixteen, average_pool2d.halves_away),
        overlap=lambda site: pool_overlap(site, average_pool2d.first(site)),
    )


def max_pool2d_row() -> Kernel:
    """The row of MaxPool2D."""
    return Kernel(
        "eq_max_pool2d_neon",
        ("neon/max_pool2d.c",),
        "eq/pool2d_neon.h",
        "eq_max_pool2d_params",
        max_pool2d.lower_ref,
        NEON,
        has_sixteen,
        overlap=lambda site: pool_overlap(site, max_pool2d.first(site)),
    )
