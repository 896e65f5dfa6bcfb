"""Rows of pools: a vector of channels at once."""

from __future__ import annotations

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, always
from edgeq.ir.site import Site
from edgeq.kernels._shared.site import op_of
from edgeq.kernels.mve.isa import MVE
from edgeq.kernels.mve.pack import BLOCK
from edgeq.ops import average_pool2d, max_pool2d
from edgeq.ops._overlap import Ints, Overlaps, in_groups
from edgeq.ops.average_pool2d import AveragePool2D

MOST_TAPS = 255
"""The most elements of a window for which the sum is divided by multiplication."""


def has_few_taps(site: Site) -> bool:
    """The window has at most 255 elements."""
    kernel = op_of(site, AveragePool2D).kernel
    return kernel[0] * kernel[1] <= MOST_TAPS


def in_blocks(site: Site, first: Ints) -> Overlaps:
    """Pixels in order, and their channels block by block."""
    return in_groups(site, first, site.input(0).shape[3], BLOCK)


def average_pool2d_row() -> Kernel:
    """The row of AveragePool2D."""
    return Kernel(
        "eq_average_pool2d_mve",
        ("mve/average_pool2d.c",),
        "eq/average_pool2d_mve.h",
        "eq_average_pool2d_params",
        average_pool2d.lower_ref,
        MVE,
        all_of(has_few_taps, average_pool2d.halves_away),
        overlap=lambda site: in_blocks(site, average_pool2d.first(site)),
    )


def max_pool2d_row() -> Kernel:
    """The row of MaxPool2D."""
    return Kernel(
        "eq_max_pool2d_mve",
        ("mve/max_pool2d.c",),
        "eq/max_pool2d_mve.h",
        "eq_max_pool2d_params",
        max_pool2d.lower_ref,
        MVE,
        always,
        overlap=lambda site: in_blocks(site, max_pool2d.first(site)),
    )
