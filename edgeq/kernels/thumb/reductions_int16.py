"""Rows of pools and means of int16 activations, for all Cortex-M cores: those with vectors have others for some."""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.ir.condition import Condition, all_of
from edgeq.ir.kernel import INT16, Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.mean import images_of, is_over_pixels
from edgeq.kernels.thumb.isa import THUMB
from edgeq.ops import average_pool2d, max_pool2d
from edgeq.ops._int16 import WIDE
from edgeq.ops._overlap import Ints, Overlaps, in_groups, of_first_input
from edgeq.ops._requant import NO_CLAMP, type_range
from edgeq.ops.mean import multiplier

AT_ONCE = 4
"""Channels."""
MOST_PIXELS = 1 << 16
"""Elements of int16 whose sum surely fits 32 bits, and one more."""


def _last_step(channels: int) -> int:
    """How many channels come last: four at once, or what is left, one by one."""
    return AT_ONCE if channels % AT_ONCE == 0 else 1


def _pool_overlap(site: Site, first: Ints) -> Overlaps:
    """Pixels in order, and channels four by four, then one by one."""
    channels = site.input(0).shape[3]
    return in_groups(site, first, channels, _last_step(channels))


def average_pool2d_int16_row() -> Kernel:
    """The row of AveragePool2D."""
    return Kernel(
        "eq_average_pool2d_int16_thumb",
        ("thumb/pool2d_int16.c",),
        "eq/pool2d_int16.h",
        "eq_pool2d_int16_params",
        average_pool2d.lower_int16,
        isa=THUMB,
        fits=all_of(average_pool2d.halves_away, average_pool2d.has_narrow_sums),
        overlap=lambda site: _pool_overlap(site, average_pool2d.first(site)),
        elements=INT16,
    )


def max_pool2d_int16_row() -> Kernel:
    """The row of MaxPool2D."""
    return Kernel(
        "eq_max_pool2d_int16_thumb",
        ("thumb/pool2d_int16.c",),
        "eq/pool2d_int16.h",
        "eq_pool2d_int16_params",
        max_pool2d.lower_int16,
        isa=THUMB,
        overlap=lambda site: _pool_overlap(site, max_pool2d.first(site)),
        elements=INT16,
    )


def _lower_mean(site: Site) -> Mapping[str, Param]:
    images, factor = images_of(site), multiplier(site)
    qmin, qmax = type_range(site.outputs[0], NO_CLAMP)
    return {
        "images": images.count,
        "pixels": images.pixels,
        "channels": images.channels,
        "mantissa": int(factor.mantissa[0]),
        "shift": int(factor.shift[0]),
        "qmin": qmin,
        "qmax": qmax,
    }


def _mean_overlap(site: Site) -> Overlaps:
    """Images in order, and channels four by four, then one by one."""
    channels, (start, read) = images_of(site).channels, images_of(site).starts()
    last = channels - _last_step(channels)
    return of_first_input(site, *((start * channels + c, read * channels + c) for c in (0, last)))


def _has_narrow_sums(site: Site) -> bool:
    return images_of(site).pixels < MOST_PIXELS


FEW_PIXELS = Condition("There are fewer than 65536 pixels", _has_narrow_sums)


def mean_int16_row() -> Kernel:
    """The row of Mean."""
    return Kernel(
        "eq_mean_int16_thumb",
        ("thumb/mean_int16.c",),
        "eq/mean_thumb.h",
        "eq_mean_int16_thumb_params",
        _lower_mean,
        isa=THUMB,
        fits=all_of(WIDE, is_over_pixels, FEW_PIXELS),
        overlap=_mean_overlap,
        elements=INT16,
    )
