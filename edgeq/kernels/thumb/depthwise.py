"""Rows of depthwise convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgeq.ir.kernel import Kernel, Param, always, never
from edgeq.ir.site import Site
from edgeq.ir.tensor import DType
from edgeq.kernels._shared.nibbles import pack_halves, unpacked_bytes
from edgeq.kernels._shared.site import flat_weights, op_of
from edgeq.kernels.thumb.isa import DSP
from edgeq.kernels.thumb.sums import fits_sums
from edgeq.ops._overlap import NOTHING, Overlaps, Tiles, collected, pixels_of
from edgeq.ops._requant import effective_multiplier, folded_bias, requant_params
from edgeq.ops._window import geometry
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D

COLUMNS = 4
"""Columns that are computed at once (EQ_ROW_TILE)."""


def _depthwise(site: Site) -> tuple[DepthwiseConv2D, int, int]:
    """The operator, and rows and columns of its window."""
    w = site.input(1).shape
    return op_of(site, DepthwiseConv2D), w[0], w[1]


def _tiles(site: Site) -> int:
    return -(-site.outputs[0].shape[2] // COLUMNS)


def _slots(site: Site) -> int:
    op, kernel_h, _ = _depthwise(site)
    return op.dilation[0] * (kernel_h - 1) + 1


def padded_columns(site: Site) -> int:
    """Columns of a padded row: those that whole tiles of outputs read, and at least those of the image."""
    op, _, kernel_w = _depthwise(site)
    read = (_tiles(site) * COLUMNS - 1) * op.stride[1] + op.dilation[1] * (kernel_w - 1) + 1
    return max(read, op.padding[1] + site.input(0).shape[2])


def lower_depthwise(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_depthwise_conv2d_thumb`."""
    op, kernel_h, kernel_w = _depthwise(site)
    x, flat = site.input(0), flat_weights(site)
    return {
        **geometry(x.shape, site.outputs[0].shape, (kernel_h, kernel_w), op.stride, op.dilation, op.padding),
        "pad_value": x.qp.zp,
        "columns": padded_columns(site),
        "weights": flat,
        "bias": folded_bias(site, flat.astype(np.int64), len(flat)),
        **requant_params(site, effective_multiplier(site, len(flat)), op.clamp),
    }


def lower_int4(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_depthwise_conv2d_int4_thumb` and `eq_depthwise_conv2d_int4_thumb2`."""
    plain = {f"plain.{key}": value for key, value in lower_depthwise(site).items()}
    return {**plain, "plain.weights": 0, "weights": pack_halves(flat_weights(site))}


def depthwise_scratch(site: Site) -> int:
    """Sums of a row, pointers to the window's rows (of eight bytes on some hosts), the rows."""
    _, kernel_h, _ = _depthwise(site)
    rows = _slots(site) * padded_columns(site) * site.input(0).shape[3]
    return 4 * COLUMNS * _tiles(site) + 8 * kernel_h + -(-rows // 4) * 4


def depthwise_overlap(site: Site) -> Overlaps:
    """Before an output row is written, the rows of its window that were not copied yet are copied."""
    op, _, _ = _depthwise(site)
    n, h, w, _ = site.input(0).shape
    _, oh, ow, _ = site.outputs[0].shape
    first = np.arange(oh, dtype=np.int64) * op.stride[0] - op.padding[0]
    end = first + _slots(site)
    fresh = np.maximum(np.maximum(first, np.concatenate([[0], end[:-1]])), 0)
    rows = np.where(fresh < np.minimum(end, h), fresh, NOTHING)
    pixels = pixels_of(rows, np.zeros(1, np.int64), w, np.arange(n, dtype=np.int64) * (h * w))
    row_tiles = Tiles(np.arange(n * oh, dtype=np.int64) * ow, np.full(n * oh, ow), pixels.ravel())
    return collected(site, row_tiles)


def depthwise_rows() -> tuple[Kernel, ...]:
    """The rows, for any window."""

    def row(isa: str, *sources: str) -> Kernel:
        return Kernel(
            f"eq_depthwise_conv2d_{isa}",
            (f"{isa}/depthwise_conv2d.c", *sources),
            "eq/depthwise_conv2d_thumb.h",
            "eq_depthwise_conv2d_thumb_params",
            lower_depthwise,
            isa=frozenset({isa}),
            fits=fits_sums,
            scratch=depthwise_scratch,
            overlap=depthwise_overlap,
            rounded=True,
            instances=always if isa == "thumb2" else never,
        )

    def int4(row: Kernel, isa: str) -> Kernel:
        return replace(
            row,
            function=f"eq_depthwise_conv2d_int4_{isa}",
            sources=(f"{isa}/depthwise_int4.c", *row.sources),
            struct="eq_depthwise_conv2d_int4_thumb_params",
            lower=lower_int4,
            scratch=lambda site: unpacked_bytes(site.const(1).size) + depthwise_scratch(site),
            weights=frozenset({DType.INT4}),
            lacks=DSP,
            instances=never,
        )

    thumb2, thumb = row("thumb2"), row("thumb", "thumb/store.c")
    return thumb2, thumb, int4(thumb2, "thumb2"), int4(thumb, "thumb")
