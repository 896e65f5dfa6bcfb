"""What the kernels of depthwise convolutions share: requantization, and the order in which they traverse images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.site import is_symmetric, op_of
from edgeq.numerics.fixedpoint import INT32_MAX, Rounding
from edgeq.ops._overlap import ALIGNMENT, Ints, Overlaps, Steps, of_first_input
from edgeq.ops._requant import effective_multiplier, folded_bias, requant_params
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D

STRIPE_BYTES = 3 * 1024
"""Scratch bytes above which channels are widened in stripes of rows instead of whole."""
HALF_MAX = 32767


@dataclass(frozen=True, eq=False)
class Scaled:
    """How one SMMLAR requantizes every channel: acc · 2^shift · multiplier / 2³².

    Attributes:
        shift: by which weights and bias are scaled ahead of time, so that it takes no instruction.
        multiplier: below 2³¹.
        fits: whether scaled weights fit 16 bits and scaled accumulators 32.
    """

    shift: npt.NDArray[np.int64]
    multiplier: npt.NDArray[np.int64]
    fits: bool


def scaled(site: Site) -> Scaled:
    """The requantization of a FAST site with symmetric weights (…, C)."""
    w = site.const(1).astype(np.int64)
    channels = w.shape[-1]
    m = effective_multiplier(site, channels)
    mantissa = m.mantissa.astype(np.int64)
    large = mantissa >= 1 << 30
    shift = m.shift.astype(np.int64) + large
    flat = w.reshape(-1, channels)
    bias = np.abs(folded_bias(site, flat.T, channels).astype(np.int64))
    reach = (bias + 128 * np.abs(flat).sum(axis=0)) << np.minimum(shift, 31)
    # A shift without a large multiplier does not happen: the multiplier is halved only until it fits.
    fits = bool(
        np.all(shift <= 8)
        and np.all(np.abs(flat).max(axis=0) << shift <= HALF_MAX)
        and np.all(reach <= INT32_MAX)
        and np.all(large | (m.shift == 0))
    )
    return Scaled(shift, np.where(large, mantissa, 2 * mantissa), fits)


def has_scaled_weights(site: Site) -> bool:
    """Weights times the power of two that saves a shift fit 16 bits, and their sums 32."""
    return site.rounding is not Rounding.FAST or scaled(site).fits


requantizes = all_of(is_symmetric, has_scaled_weights)


def requant_members(site: Site) -> Mapping[str, Param]:
    """The members `weight_shift, bias, mantissa, shift, zero_point, qmin, qmax`."""
    channels = site.outputs[0].shape[3]
    flat = site.const(1).astype(np.int64).reshape(-1, channels)
    bias = folded_bias(site, flat.T, channels)
    members = dict(requant_params(site, effective_multiplier(site, channels), op_of(site, DepthwiseConv2D).clamp))
    if site.rounding is not Rounding.FAST:
        return {"weight_shift": 0, "bias": bias, **members}
    scaling = scaled(site)
    members |= {"mantissa": scaling.multiplier.astype(np.int32), "shift": 0}
    shift = scaling.shift.astype(np.int8) if scaling.shift.any() else 0
    return {"weight_shift": shift, "bias": (bias.astype(np.int64) << scaling.shift).astype(np.int32), **members}


def keeps_channels_apart(site: Site) -> bool:
    """Every distance is one of `of_whole_pixels`: all are multiples of ALIGNMENT, which are whole pixels."""
    channels = site.input(0).shape[3]
    return ALIGNMENT % channels == 0 and site.outputs[0].shape[3] == channels


def images(site: Site) -> Ints:
    """The first pixel of every image of the input."""
    n, h, w, _ = site.input(0).shape
    return np.arange(n, dtype=np.int64) * (h * w)


def in_images(site: Site, written: Ints, read: Ints) -> Steps:
    """Steps of one image (S) and what they read (N, S), repeated for every image of the output."""
    n, h, w, _ = site.outputs[0].shape
    return (np.arange(n)[:, None] * (h * w) + written).ravel(), read.ravel()


def over_channels(site: Site, stripes: Steps, together: int, last: int) -> Overlaps:
    """The distances of a kernel that traverses the stripes of an image once for each group of channels.

    Args:
        site: the site.
        stripes: of the first group of every image, in pixels.
        together: output channels of a group.
        last: the first input channel of the last group.
    """
    x, y, (written, read) = site.input(0).shape, site.outputs[0].shape, stripes
    if keeps_channels_apart(site):
        return of_first_input(site, (written * y[3], read * x[3]))
    pixels = y[1] * y[2]
    whole = written % pixels == 0
    first = np.where(whole, written * y[3], (written - 1) * y[3] + together)
    if last == 0:
        return of_first_input(site, (first, read * x[3]))
    before = ((written // pixels + 1) * pixels - 1) * y[3] + last * (y[3] // x[3])
    return of_first_input(site, (first, read * x[3]), (before, read * x[3] + last))
