"""Rows of the mean over pixels."""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.mean import images_of, is_over_pixels, mean_params
from edgeq.kernels.dsp.isa import DSP
from edgeq.numerics.fixedpoint import Rounding
from edgeq.ops._overlap import Overlaps, fours, of_first_input
from edgeq.ops.mean import multiplier


def has_fours(site: Site) -> bool:
    """There are at least four channels."""
    return images_of(site).channels >= 4


def overlap(site: Site) -> Overlaps:
    """Images in order, and four channels at once; the last four may overlap those before."""
    images = images_of(site)
    return of_first_input(site, *fours(images.channels, *images.starts()))


def overlap_compact(site: Site) -> Overlaps:
    """Images in order, and channels one by one."""
    channels, (start, read) = images_of(site).channels, images_of(site).starts()
    return of_first_input(site, *((start * channels + c, read * channels + c) for c in (0, channels - 1)))


def is_one_product(site: Site) -> bool:
    """One multiplication requantizes: the arithmetic is `fast`, and the factor below 1/2."""
    factor = multiplier(site)
    return site.rounding is Rounding.FAST and not factor.shift.any() and bool(factor.mantissa[0] < 2**30)


def lower_compact(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_compact_mean_dsp`."""
    return {**mean_params(site), "mantissa": 2 * int(multiplier(site).mantissa[0])}


def mean_rows() -> tuple[Kernel, ...]:
    """The rows, the one for `--optimize size` first."""
    return (
        Kernel(
            "eq_compact_mean_dsp",
            ("dsp/compact_mean.c",),
            "eq/mean_dsp.h",
            "eq_mean_dsp_params",
            lower_compact,
            isa=DSP,
            fits=all_of(is_over_pixels, has_fours, is_one_product),
            overlap=overlap_compact,
            goals=frozenset({"size"}),
        ),
        Kernel(
            "eq_mean_dsp",
            ("dsp/mean.c",),
            "eq/mean_dsp.h",
            "eq_mean_dsp_params",
            mean_params,
            isa=DSP,
            fits=all_of(is_over_pixels, has_fours),
            overlap=overlap,
            rounded=True,
        ),
    )
