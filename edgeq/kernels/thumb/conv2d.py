"""Rows of convolutions in one group."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import DType
from edgeq.kernels._shared.site import flat_weights, op_of
from edgeq.kernels.thumb.isa import DSP, THUMB, THUMB2
from edgeq.kernels.thumb.pack import pack_blocks, pack_int4
from edgeq.kernels.thumb.sums import fits_lane, fits_sums
from edgeq.ops._overlap import Overlaps, collected, first_pixels, tiles
from edgeq.ops._requant import effective_multiplier, folded_bias, requant_params
from edgeq.ops._window import geometry, is_window
from edgeq.ops.conv2d import Conv2D, lower_ref

TILE = 8
"""Pixels that a convolution reads before it writes them (EQ_TILE)."""


def one_group(site: Site) -> bool:
    """The convolution has one group."""
    return op_of(site, Conv2D).groups == 1


def _has_few_channels(site: Site) -> bool:
    """A first layer, where products take only a small part of the time."""
    return is_window(site) and site.input(1).shape[3] <= 4


def without_weights(site: Site) -> dict[str, Param]:
    """Members that do not depend on how weights are packed."""
    op, x, y, w = op_of(site, Conv2D), site.input(0), site.outputs[0].shape, site.const(1)
    return {
        **geometry(x.shape, y, (w.shape[1], w.shape[2]), op.stride, op.dilation, op.padding),
        "pad_value": x.qp.zp,
        "bias": folded_bias(site, flat_weights(site).astype(np.int64), len(w)),
        **requant_params(site, effective_multiplier(site, len(w)), op.clamp),
    }


def lower_conv_blocks(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_conv2d_thumb`."""
    blocks = pack_blocks(flat_weights(site))
    return {**without_weights(site), "weights": blocks.data, "blocks": blocks.counts}


def lower_int4(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_conv2d_int4_thumb` and `eq_conv2d_int4_thumb2`."""
    packed = pack_int4(flat_weights(site))
    shape = {"words": packed.words, "block": packed.block, "skipped": packed.skipped}
    return {**without_weights(site), "weights": packed.data, **shape}


def conv_scratch(site: Site) -> int:
    """A tile, and a pixel of padding."""
    depth, channels = site.const(1)[0].size, site.input(0).shape[3]
    return 16 * depth + -(-channels // 4) * 4


def conv_overlap(site: Site) -> Overlaps:
    """Tiles of an image are read whole before they are written, in order."""
    op, w = op_of(site, Conv2D), site.input(1).shape
    return collected(site, tiles(first_pixels(site, (w[1], w[2]), op.stride, op.dilation, op.padding), TILE))


def _int4_row(isa: str, *sources: str) -> Kernel:
    return Kernel(
        f"eq_conv2d_int4_{isa}",
        (f"{isa}/conv2d_int4.c", f"{isa}/gemm_int4.c", *sources),
        "eq/conv2d_int4_thumb.h",
        "eq_conv2d_int4_thumb_params",
        lower_int4,
        isa=frozenset({isa}),
        fits=all_of(one_group, fits_sums),
        scratch=conv_scratch,
        overlap=conv_overlap,
        rounded=True,
        weights=frozenset({DType.INT4}),
        lacks=DSP,
    )


def conv2d_rows() -> tuple[Kernel, ...]:
    """The rows; the Armv7-M kernel takes the parameters of the portable one."""
    return (
        Kernel(
            "eq_conv2d_thumb2",
            ("thumb2/conv2d.c", "thumb2/gemm.c"),
            "eq/conv2d_thumb2.h",
            "eq_conv2d_params",
            lower_ref,
            isa=THUMB2,
            fits=all_of(one_group, fits_lane),
            scratch=conv_scratch,
            overlap=conv_overlap,
            rounded=True,
            instances=_has_few_channels,
        ),
        Kernel(
            "eq_conv2d_thumb",
            ("thumb/conv2d.c", "thumb/gemm.c", "thumb/store.c"),
            "eq/conv2d_thumb.h",
            "eq_conv2d_thumb_params",
            lower_conv_blocks,
            isa=THUMB,
            fits=all_of(one_group, fits_sums),
            scratch=conv_scratch,
            overlap=conv_overlap,
            rounded=True,
        ),
        _int4_row("thumb2"),
        _int4_row("thumb", "thumb/store.c"),
    )
