"""The row of depthwise convolutions with one weight per channel."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param, in_place
from edgeq.ir.site import Site
from edgeq.kernels._shared.single import is_single, overlap_by_lanes
from edgeq.kernels.dsp.depthwise import requant_members, requantizes
from edgeq.kernels.dsp.isa import DSP
from edgeq.ops._overlap import Overlaps


def lower_1x1(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_depthwise_conv2d_1x1_dsp`."""
    members, channels = requant_members(site), site.outputs[0].shape[3]
    weights = site.const(1).astype(np.int64).ravel() << np.asarray(members["weight_shift"])
    return {
        "pixels": site.outputs[0].size // channels,
        "channels": channels,
        "weights": weights.astype(np.int16),
        **{name: value for name, value in members.items() if name != "weight_shift"},
    }


def overlap_1x1(site: Site) -> Overlaps:
    """A channel of all pixels after another."""
    return overlap_by_lanes(site, site.outputs[0].shape[3], 1)


def row_1x1() -> Kernel:
    """The kernel for one weight per channel."""
    return Kernel(
        "eq_depthwise_conv2d_1x1_dsp",
        ("dsp/depthwise_1x1.c",),
        "eq/depthwise_conv2d_dsp.h",
        "eq_depthwise_conv2d_1x1_dsp_params",
        lower_1x1,
        isa=DSP,
        fits=all_of(is_single, requantizes),
        overlap=overlap_1x1,
        exactly=in_place,
        rounded=True,
    )
