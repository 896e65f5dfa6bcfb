"""Rows of 3×3 convolutions by Winograd's F(2×2, 3×3), in integers, on cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared.site import flat_weights, is_symmetric, op_of
from edgeq.kernels.dsp.conv2d import conv_matrix
from edgeq.kernels.dsp.gemm import direct_of
from edgeq.kernels.dsp.isa import DSP
from edgeq.kernels.dsp.pack import pack_winograd
from edgeq.ops._overlap import Overlaps, first_taps, of_first_input, pixels_of
from edgeq.ops._requant import effective_multiplier, folded_bias, requant_params
from edgeq.ops._window import geometry
from edgeq.ops.conv2d import Conv2D

TILE = 2
"""Rows and columns of outputs that are computed at once."""
BLOCK = 2 * TILE
"""Columns of outputs of two tiles, which share what is read."""
FACTOR = 4
"""By what factor sums are greater than those of the convolution."""
WORTH = 0.9
"""It must save a tenth of the instructions to be chosen: its weights take 3.6 times the bytes."""


def _bias(site: Site) -> npt.NDArray[np.int32]:
    flat = flat_weights(site)
    return folded_bias(site, flat.astype(np.int64), len(flat))


def fits_sums(weights: Array, bias: Array) -> bool:
    """Whether no sum, times FACTOR, exceeds 32 bits; intermediate values may, as they are taken modulo 2³²."""
    reach = np.abs(bias.astype(np.int64)) + 128 * np.abs(weights.reshape(len(weights), -1).astype(np.int64)).sum(axis=1)
    return bool(reach.max(initial=0) * FACTOR < 2**31)


def _is_3x3(site: Site) -> bool:
    """It is a 3×3 convolution in one group, with stride 1 and not dilated."""
    op, w = op_of(site, Conv2D), site.input(1).shape
    return op.groups == 1 and op.stride == (1, 1) and op.dilation == (1, 1) and w[1:3] == (3, 3)


def pays(site: Site) -> bool:
    """It takes fewer instructions than the other kernels, by an estimate."""
    (n, oh, ow, oc), c = site.outputs[0].shape, site.input(0).shape[3]
    block = -(-oc // 4) * (88 * c + 670) + 70 * c + 200
    return n * -(-oh // TILE) * -(-ow // BLOCK) * block < WORTH * site.outputs[0].size * (6.75 * c + 15)


def _has_fours(site: Site) -> bool:
    """Input channels are a multiple of four, and there are four output channels."""
    return site.input(0).shape[3] % 4 == 0 and site.outputs[0].shape[3] >= 4


def _has_small_sums(site: Site) -> bool:
    """Sums of transformed weights and inputs fit 32 bits."""
    return fits_sums(site.const(1), _bias(site))


_FITS = all_of(_is_3x3, _has_fours, pays, is_symmetric, _has_small_sums)


def _members(site: Site, direct: bool) -> Mapping[str, Param]:
    op, x, y = op_of(site, Conv2D), site.input(0), site.outputs[0].shape
    shapes = geometry(x.shape, y, (3, 3), op.stride, op.dilation, op.padding)
    unneeded = ("kernel", "stride", "dilation")
    multiplier = effective_multiplier(site, y[3])
    rounding = dict(requant_params(site, multiplier, op.clamp))
    if direct:
        rounding |= {"mantissa": (multiplier.mantissa.astype(np.int64) * 2).astype(np.int32), "shift": 0}
    return {
        "weights": pack_winograd(site.const(1), _bias(site)),
        **{key: value for key, value in shapes.items() if not key.startswith(unneeded)},
        "pad_value": x.qp.zp,
        **rounding,
    }


def _beside(site: Site) -> int:
    """Scratch bytes for inputs and outputs of blocks that do not lie wholly within the image."""
    x, y, padding = site.input(0).shape, site.outputs[0].shape, op_of(site, Conv2D).padding
    composed = any(padding) or y[1] % TILE or y[2] % BLOCK
    return max(24 * x[3] if composed else 0, 8 * y[3] if y[1] % TILE or y[2] % BLOCK else 0)


def _overlap(site: Site) -> Overlaps:
    """Blocks are computed row after row. All of one is read before any of it is written."""
    (n, h, w, c), (_, oh, ow, oc) = site.input(0).shape, site.outputs[0].shape
    top, left = op_of(site, Conv2D).padding[:2]
    y, x, images = np.arange(0, oh, TILE), np.arange(0, ow, BLOCK), np.arange(n)
    rows = first_taps(h, len(y), TILE + 2, TILE, 1, top)
    columns = first_taps(w, len(x), BLOCK + 2, BLOCK, 1, left)
    read = pixels_of(rows, columns, w, images * (h * w)).ravel() * c
    end = pixels_of(np.minimum(y + TILE, oh) - 1, np.minimum(x + BLOCK, ow), ow, images * (oh * ow)).ravel() * oc
    written = np.append(0, np.maximum.accumulate(end)[:-1])
    return of_first_input(site, (written, read))


def winograd_rows() -> tuple[Kernel, ...]:
    """Rows of 3×3 convolutions with stride 1 in one group, which trade bytes of weights for speed."""
    row = Kernel(
        "eq_winograd_dsp",
        ("dsp/winograd.c",),
        "eq/winograd_dsp.h",
        "eq_winograd_dsp_params",
        lambda site: _members(site, direct=False),
        isa=DSP,
        fits=_FITS,
        scratch=lambda site: 64 * site.input(0).shape[3] + _beside(site),
        overlap=_overlap,
        rounded=True,
        goals=frozenset({"speed"}),
    )
    direct = replace(
        row,
        function="eq_winograd_dsp_direct",
        lower=lambda site: _members(site, direct=True),
        fits=all_of(_FITS, direct_of(conv_matrix)),
        rounded=False,
    )
    return direct, row
