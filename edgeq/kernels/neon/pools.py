"""Rows of pools and of the mean over pixels: 16 channels at once; the last ones may overlap those before."""

from __future__ import annotations

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel
from edgeq.ir.op import Site
from edgeq.kernels._shared.mean import images_of, is_over_pixels, mean_params
from edgeq.kernels.neon.isa import NEON
from edgeq.ops import average_pool2d, max_pool2d
from edgeq.ops._overlap import Ints, Overlaps, of_first_input, tiles

LANES = 16


def has_sixteen(site: Site) -> bool:
    """There are at least 16 channels."""
    return site.input(0).shape[-1] >= LANES


def in_sixteens(site: Site, start: Ints, read: Ints, channels: int) -> Overlaps:
    """Pixels in order, and 16 channels at once.

    Args:
        site: the site.
        start: pixels of the output before each pixel.
        read: the first pixel of the input that it needs.
        channels: of both.
    """
    last = (channels - 1) // LANES * LANES
    steps = (start * channels, read * channels), (start * channels + last, read * channels + channels - LANES)
    return of_first_input(site, *steps)


def _mean_overlap(site: Site) -> Overlaps:
    images = images_of(site)
    return in_sixteens(site, *images.starts(), images.channels)


def _pool_overlap(site: Site, first: Ints) -> Overlaps:
    pixels = tiles(first)
    return in_sixteens(site, pixels.start, pixels.read, site.input(0).shape[3])


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
        overlap=_mean_overlap,
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
        overlap=lambda site: _pool_overlap(site, average_pool2d.first(site)),
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
        overlap=lambda site: _pool_overlap(site, max_pool2d.first(site)),
    )
