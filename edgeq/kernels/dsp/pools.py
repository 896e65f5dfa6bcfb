"""Rows of pools: four channels at once; the last four may overlap those before."""

from __future__ import annotations

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel
from edgeq.ir.site import Site
from edgeq.kernels._shared.site import op_of
from edgeq.kernels.dsp.isa import DSP
from edgeq.ops import average_pool2d, max_pool2d
from edgeq.ops._overlap import in_fours
from edgeq.ops.average_pool2d import AveragePool2D

MOST_TAPS = 256
"""The most elements of a window for which the sum is certain to fit 16 bits."""


def has_fours(site: Site) -> bool:
    """There are at least four channels."""
    return site.input(0).shape[3] >= 4


def has_small_sums(site: Site) -> bool:
    """The window has at most 256 elements, so that sums fit 16 bits."""
    kernel = op_of(site, AveragePool2D).kernel
    return kernel[0] * kernel[1] <= MOST_TAPS


def average_pool2d_row() -> Kernel:
    """The row of AveragePool2D."""
    return Kernel(
        "eq_average_pool2d_dsp",
        ("dsp/average_pool2d.c",),
        "eq/average_pool2d_dsp.h",
        "eq_average_pool2d_params",
        average_pool2d.lower_ref,
        isa=DSP,
        fits=all_of(has_fours, has_small_sums, average_pool2d.halves_away),
        overlap=lambda site: in_fours(site, average_pool2d.first(site)),
    )


def max_pool2d_row() -> Kernel:
    """The row of MaxPool2D."""
    return Kernel(
        "eq_max_pool2d_dsp",
        ("dsp/max_pool2d.c",),
        "eq/max_pool2d_dsp.h",
        "eq_max_pool2d_params",
        max_pool2d.lower_ref,
        isa=DSP,
        fits=has_fours,
        overlap=lambda site: in_fours(site, max_pool2d.first(site)),
    )
