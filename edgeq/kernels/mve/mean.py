"""The row of the mean over pixels."""

from __future__ import annotations

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel
from edgeq.ir.site import Site
from edgeq.kernels._shared.mean import images_of, is_over_pixels, mean_params
from edgeq.kernels.mve.isa import MVE
from edgeq.kernels.mve.pack import BLOCK, takes_factors
from edgeq.ops._overlap import Overlaps, of_first_input
from edgeq.ops.mean import multiplier


def overlap(site: Site) -> Overlaps:
    """Images in order, and a vector of channels at once."""
    channels, (start, read) = images_of(site).channels, images_of(site).starts()
    last = (channels - 1) // BLOCK * BLOCK
    return of_first_input(site, *((start * channels + c, read * channels + c) for c in (0, last)))


def mean_row() -> Kernel:
    """The row."""
    return Kernel(
        "eq_mean_mve",
        ("mve/mean.c",),
        "eq/mean_mve.h",
        "eq_mean_mve_params",
        mean_params,
        MVE,
        all_of(is_over_pixels, takes_factors(multiplier)),
        overlap=overlap,
        rounded=True,
    )
