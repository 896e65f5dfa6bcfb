"""Mean over axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Arrays, Sample, Site
from edgeq.ir.tensor import Array
from edgeq.numerics.exact import total
from edgeq.numerics.fixedpoint import Multiplier, Numerics, Rounding, quantize_multiplier
from edgeq.ops._elementwise_mve import mve_row
from edgeq.ops._overlap import Ints, Overlaps, fours, of_first_input
from edgeq.ops._pack_mve import BLOCK, fits_multiplier
from edgeq.ops._reduce import Summation, axes_of, overlap, reduced_count, runs, sum_params
from edgeq.ops._requant import NO_CLAMP, scalar_requant_params
from edgeq.ops._thumb import elementwise_row


def multiplier(site: Site) -> Multiplier:
    """s_in / (s_out · count of the elements that make one).

    TensorFlow Lite quantizes s_in / s_out and divides the mantissa, which it first shifts left as far as the count has
    bits, by the count; the quotient is not rounded and not normalized again.
    """
    scale, count = site.input(0).qp.s / site.outputs[0].qp.s, reduced_count(site.input(0).shape, axes_of(site))
    if site.numerics is Numerics.FAST:
        return quantize_multiplier(scale / count, site.rounding)
    whole = quantize_multiplier(scale, site.rounding)
    mantissa, shift = int(whole.mantissa[0]), int(whole.shift[0])
    left = min(count.bit_length() - 1, 32, 31 + shift)
    return Multiplier(np.array([(mantissa << left) // count], np.int32), np.array([shift - left], np.int32))


def is_nested(site: Site) -> bool:
    """At most one group of dimensions is kept, and one is reduced."""
    return max(len(group) for group in runs(site.input(0).shape, axes_of(site))) <= 1


def fits_dsp(site: Site) -> bool:
    """The mean over one group of dimensions that at least four contiguous elements follow: pixels before channels."""
    kept, folded = runs(site.input(0).shape, axes_of(site))
    return len(folded) == 1 and bool(kept) and kept[-1][1] == 1 and kept[-1][0] >= 4 and len(kept) <= 2


def fits_mve(site: Site) -> bool:
    """The mean over one group of dimensions that contiguous elements follow: pixels before channels."""
    kept, folded = runs(site.input(0).shape, axes_of(site))
    nested = len(folded) == 1 and bool(kept) and kept[-1][1] == 1 and len(kept) <= 2
    return nested and fits_multiplier(multiplier(site), site.rounding)


def lower_dsp(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_mean_dsp` and `eq_mean_mve`."""
    x, axes = site.input(0), axes_of(site)
    pixels, channels = reduced_count(x.shape, axes), runs(x.shape, axes)[0][-1][0]
    return {
        "images": x.size // (pixels * channels),
        "pixels": pixels,
        "channels": channels,
        "offset": -x.qp.zp * pixels,
        **scalar_requant_params(site, multiplier(site), NO_CLAMP),
    }


def pixels(site: Site) -> tuple[int, Ints, Ints]:
    """Channels of `lower_dsp`, every image, and its first pixel."""
    params = lower_dsp(site)
    count, per_image, channels = (cast(int, params[key]) for key in ("images", "pixels", "channels"))
    images = np.arange(count, dtype=np.int64)
    return channels, images, images * per_image


def overlap_dsp(site: Site) -> Overlaps:
    """Images in order, and four channels at once, of which the last four may overlap those before."""
    return of_first_input(site, *fours(*pixels(site)))


def overlap_mve(site: Site) -> Overlaps:
    """Images in order, and 16 channels at once."""
    channels, start, read = pixels(site)
    last = (channels - 1) // BLOCK * BLOCK
    return of_first_input(site, *((start * channels + c, read * channels + c) for c in (0, last)))


def overlap_compact(site: Site) -> Overlaps:
    """Images in order, and channels one by one."""
    channels, start, read = pixels(site)
    return of_first_input(site, *((start * channels + c, read * channels + c) for c in (0, channels - 1)))


def fits_compact(site: Site) -> bool:
    """As `fits_dsp`, and one multiplication of twice the factor requantizes."""
    factor = multiplier(site)
    return site.rounding is Rounding.FAST and fits_dsp(site) and not factor.shift.any() and factor.mantissa[0] < 2**30


def lower_compact(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_compact_mean_dsp`."""
    members = dict(lower_dsp(site))
    return {**members, "mantissa": 2 * cast(int, members["mantissa"])}


@dataclass(frozen=True)
class Mean(Summation):
    """Input: x of any rank. Output: x's shape without `axes`, or with ones there.

    Attributes: those of `Reduction`.
    """

    kernels: ClassVar = (
        mve_row("mean", "eq_mean_mve_params", lower_dsp, fits_mve, overlap_mve, rounded=True),
        Kernel(
            "eq_compact_mean_dsp",
            ("dsp/compact_mean.c",),
            "eq/mean_dsp.h",
            "eq_mean_dsp_params",
            lower_compact,
            isa=frozenset({"dsp"}),
            fits=fits_compact,
            overlap=overlap_compact,
            goals=frozenset({"size"}),
        ),
        Kernel(
            "eq_mean_dsp",
            ("dsp/mean.c",),
            "eq/mean_dsp.h",
            "eq_mean_dsp_params",
            lower_dsp,
            isa=frozenset({"dsp"}),
            fits=fits_dsp,
            overlap=overlap_dsp,
            rounded=True,
        ),
        elementwise_row(
            "eq_mean_thumb", "mean", "eq_reduce_params", sum_params, fits=is_nested, overlap=overlap, rounded=True
        ),
        Kernel(
            "eq_mean_ref", ("ref/mean.c",), "eq/mean.h", "eq_reduce_params", sum_params, overlap=overlap, rounded=True
        ),
    )

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        count = reduced_count(x.shape, self.axes)
        return (np.asarray(total(x, self.axes, self.keepdims) / count, np.float32),)

    def multiplier(self, site: Site) -> Multiplier:
        return multiplier(site)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            *super().samples(),
            Sample("five_d", cls((1, 3), True), ((2, 3, 5, 7, 2),)),
            Sample("everything", cls((0, 1, 2)), ((1, 6, 13),)),
            Sample("long", cls((1, 2)), ((1, 25, 25, 3),), low=-1.0, high=4.0),
        )
