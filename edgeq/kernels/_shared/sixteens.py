"""Pools and means that are computed 16 channels at once; the last ones may overlap those before."""

from __future__ import annotations

from edgeq.ir.site import Site
from edgeq.kernels._shared.mean import images_of
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


def mean_overlap(site: Site) -> Overlaps:
    """The distances of a mean over pixels."""
    images = images_of(site)
    return in_sixteens(site, *images.starts(), images.channels)


def pool_overlap(site: Site, first: Ints) -> Overlaps:
    """The distances of a pool whose windows need these pixels first."""
    pixels = tiles(first)
    return in_sixteens(site, pixels.start, pixels.read, site.input(0).shape[3])
