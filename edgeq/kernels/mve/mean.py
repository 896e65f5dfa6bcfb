"""The row of the mean over pixels."""

from __future__ import annotations

from edgeq.ir.kernel import Kernel
from edgeq.ir.op import Site
from edgeq.kernels._shared.mean import images_of, is_over_pixels, mean_params
from edgeq.kernels.mve.isa import MVE
from edgeq.kernels.mve.pack import BLOCK, fits_multiplier
from edgeq.ops._overlap import Overlaps, of_first_input
from edgeq.ops.mean import multiplier


def fits(site: Site) -> bool:
    """A mean over pixels with a factor that the vectors can take."""
    return is_over_pixels(site) and fits_multiplier(multiplier(site), site.rounding)


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
        fits,
        overlap=overlap,
        rounded=True,
    )
