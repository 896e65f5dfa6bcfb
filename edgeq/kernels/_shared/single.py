"""Depthwise convolutions with one weight per channel, which scale and shift the channels of all pixels alike."""

from __future__ import annotations

import numpy as np

from edgeq.ir.site import Site
from edgeq.kernels._shared.site import op_of
from edgeq.ops._overlap import Overlaps, of_first_input
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D


def is_single(site: Site) -> bool:
    """Every output is an input, times the weight of its channel, plus the bias."""
    op, w = op_of(site, DepthwiseConv2D), site.input(1).shape
    return w[:2] == (1, 1) and op.stride == (1, 1) and not any(op.padding) and w[2] == site.input(0).shape[3]


def overlap_by_lanes(site: Site, period: int, lanes: int) -> Overlaps:
    """The distances of a kernel that computes the first `lanes` elements of every period, then the next ones."""
    size = site.outputs[0].size
    periods = np.arange(-(-size // period), dtype=np.int64)
    first = np.where(periods > 0, (periods - 1) * period + lanes, 0), periods * period
    later = np.arange(lanes, period, lanes, dtype=np.int64)  # of each of these only the first step matters
    return of_first_input(site, first, (np.minimum(periods[-1] * period + later, size), later))
