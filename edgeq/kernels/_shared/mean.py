"""Means over pixels, whose channels lie side by side: the means that kernels with vectors compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgeq.ir.kernel import Param
from edgeq.ir.site import Site
from edgeq.ops._overlap import Ints
from edgeq.ops._reduce import axes_of, reduced_count, runs
from edgeq.ops._requant import NO_CLAMP, scalar_requant_params
from edgeq.ops.mean import multiplier


def is_over_pixels(site: Site) -> bool:
    """The mean is over one group of dimensions that contiguous elements follow: pixels before channels."""
    kept, folded = runs(site.input(0).shape, axes_of(site))
    return len(folded) == 1 and bool(kept) and kept[-1][1] == 1 and len(kept) <= 2


@dataclass(frozen=True)
class Images:
    """The input of a mean over pixels, as three dimensions."""

    count: int
    pixels: int
    channels: int

    def starts(self) -> tuple[Ints, Ints]:
        """For every image, its pixel in the output and its first pixel in the input."""
        images = np.arange(self.count, dtype=np.int64)
        return images, images * self.pixels


def images_of(site: Site) -> Images:
    """The dimensions of a mean over pixels."""
    x, axes = site.input(0), axes_of(site)
    pixels, channels = reduced_count(x.shape, axes), runs(x.shape, axes)[0][-1][0]
    return Images(x.size // (pixels * channels), pixels, channels)


def mean_params(site: Site) -> Mapping[str, Param]:
    """The members `images, pixels, channels, offset`, and those of a requantization with one factor."""
    images = images_of(site)
    return {
        "images": images.count,
        "pixels": images.pixels,
        "channels": images.channels,
        "offset": -site.input(0).qp.zp * images.pixels,
        **scalar_requant_params(site, multiplier(site), NO_CLAMP),
    }
