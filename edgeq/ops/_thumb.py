"""Rows of the kernels for cores without SIMD: Armv6-M ("thumb") and Armv7-M ("thumb2")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from edgeq.ir.kernel import Kernel, Param, always, disjoint, never
from edgeq.ir.op import Site
from edgeq.ops._overlap import NOTHING, Overlaps, Tiles, collected, first_pixels, in_rows, pixels_of, tiles
from edgeq.ops._pack_thumb import pack_blocks, pack_fours
from edgeq.ops._requant import effective_multiplier, folded_bias, requant_params, weight_zero_points
from edgeq.ops._window import geometry, is_window

if TYPE_CHECKING:
    from edgeq.ops.conv2d import Conv2D
    from edgeq.ops.depthwise_conv2d import DepthwiseConv2D

THUMB, THUMB2 = frozenset({"thumb"}), frozenset({"thumb2"})
TILE = 8
"""Pixels that a convolution reads before it writes them (EQ_TILE)."""
COLUMNS = 4
"""Columns that a depthwise convolution computes at once (EQ_ROW_TILE)."""
MAX_SUM = 2**29
"""Bound of the accumulators that the kernels requantize."""
MAX_LANE = 2**22
"""Bound of a sum in the lower lane of the Armv7-M kernels."""

Lower = Callable[[Site], Mapping[str, Param]]


def flat_weights(site: Site) -> npt.NDArray[np.int8]:
    """The weights as one row per output channel; the channels are the last axis of a depthwise convolution's."""
    w, channels = site.const(1), site.outputs[0].shape[-1]
    rows = w.reshape(channels, -1) if site.op.kind != "DepthwiseConv2D" else w.reshape(-1, channels).T
    return np.ascontiguousarray(rows, dtype=np.int8)


def fits_sums(site: Site) -> bool:
    """The weights are symmetric, and no accumulator leaves what the kernels requantize."""
    w = flat_weights(site).astype(np.int64)
    if weight_zero_points(site, len(w)).any():
        return False
    bias = np.abs(folded_bias(site, w, len(w)).astype(np.int64))
    return bool((bias + 128 * np.abs(w).sum(axis=1)).max() < MAX_SUM)


def fits_lane(site: Site) -> bool:
    """Also, the products alone stay within a lane of 23 bits."""
    return fits_sums(site) and bool(128 * np.abs(flat_weights(site).astype(np.int64)).sum(axis=1).max() < MAX_LANE)


def _one_group(site: Site) -> bool:
    return cast("Conv2D", site.op).groups == 1


def _has_few_channels(site: Site) -> bool:
    """A first layer, in which the products take little of the time."""
    return is_window(site) and site.input(1).shape[3] <= 4


def lower_conv_blocks(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_conv2d_thumb`."""
    op, x, y, w = cast("Conv2D", site.op), site.input(0), site.outputs[0].shape, site.const(1)
    flat = flat_weights(site)
    blocks = pack_blocks(flat)
    return {
        **geometry(x.shape, y, (w.shape[1], w.shape[2]), op.stride, op.dilation, op.padding),
        "pad_value": x.qp.zp,
        "weights": blocks.data,
        "blocks": blocks.counts,
        "bias": folded_bias(site, flat.astype(np.int64), len(flat)),
        **requant_params(site, effective_multiplier(site, len(flat)), op.clamp),
    }


def conv_scratch(site: Site) -> int:
    """A tile, and a pixel of padding."""
    depth, channels = site.const(1)[0].size, site.input(0).shape[3]
    return 16 * depth + -(-channels // 4) * 4


def conv_overlap(site: Site) -> Overlaps:
    """Tiles of an image are read whole before they are written, in order."""
    op, w = cast("Conv2D", site.op), site.input(1).shape
    return collected(site, tiles(first_pixels(site, (w[1], w[2]), op.stride, op.dilation, op.padding), TILE))


def conv2d_rows(lower_ref: Lower) -> tuple[Kernel, ...]:
    """Rows of convolutions in one group.

    Args:
        lower_ref: parameters of the portable kernel, which the Armv7-M kernel takes too.
    """
    return (
        Kernel(
            "eq_conv2d_thumb2",
            ("thumb2/conv2d.c", "thumb2/gemm.c"),
            "eq/conv2d_thumb2.h",
            "eq_conv2d_params",
            lower_ref,
            isa=THUMB2,
            fits=lambda site: _one_group(site) and fits_lane(site),
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
            fits=lambda site: _one_group(site) and fits_sums(site),
            scratch=conv_scratch,
            overlap=conv_overlap,
            rounded=True,
        ),
    )


def _depthwise(site: Site) -> tuple[DepthwiseConv2D, int, int]:
    """The operator, and rows and columns of its window."""
    kernel_h, kernel_w, _ = site.input(1).shape if len(site.input(1).shape) == 3 else (0, 0, 0)
    return cast("DepthwiseConv2D", site.op), kernel_h, kernel_w


def _tiles(site: Site) -> int:
    return -(-site.outputs[0].shape[2] // COLUMNS)


def _slots(site: Site) -> int:
    op, kernel_h, _ = _depthwise(site)
    return op.dilation[0] * (kernel_h - 1) + 1


def padded_columns(site: Site) -> int:
    """Columns of a padded row: what whole tiles of outputs read, and no less than the image has."""
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


def depthwise_scratch(site: Site) -> int:
    """Sums of a row, pointers to the window's rows (of eight bytes on some hosts), the rows."""
    _, kernel_h, _ = _depthwise(site)
    rows = _slots(site) * padded_columns(site) * site.input(0).shape[3]
    return 4 * COLUMNS * _tiles(site) + 8 * kernel_h + -(-rows // 4) * 4


def depthwise_overlap(site: Site) -> Overlaps:
    """For an output row, the rows of its window that were not there yet are copied before it is written."""
    op, _, _ = _depthwise(site)
    n, h, w, _ = site.input(0).shape
    _, oh, ow, _ = site.outputs[0].shape
    first = np.arange(oh, dtype=np.int64) * op.stride[0] - op.padding[0]
    end = first + _slots(site)
    fresh = np.maximum(np.maximum(first, np.concatenate([[0], end[:-1]])), 0)
    rows = np.where(fresh < np.minimum(end, h), fresh, NOTHING)
    pixels = pixels_of(rows, np.zeros(1, np.int64), w, np.arange(n, dtype=np.int64) * (h * w))
    found = Tiles(np.arange(n * oh, dtype=np.int64) * ow, np.full(n * oh, ow), pixels.ravel())
    return collected(site, found)


def depthwise_rows() -> tuple[Kernel, ...]:
    """Rows of depthwise convolutions of any window."""

    def one(isa: str, *sources: str) -> Kernel:
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

    return one("thumb2"), one("thumb", "thumb/store.c")


def fours_overlap(site: Site) -> Overlaps:
    """Every four channels read the whole row."""
    return in_rows(site, (site.outputs[0].shape[-1] - 1) // 4 * 4)


def ones_overlap(site: Site) -> Overlaps:
    """So do those that are left, one by one."""
    channels = site.outputs[0].shape[-1]
    return in_rows(site, channels - 1 if channels % 4 else channels - 4)


def fully_connected_rows(lower_ref: Lower) -> tuple[Kernel, ...]:
    """Rows of fully connected layers.

    Args:
        lower_ref: parameters of the portable kernel, which the Armv6-M kernel takes too.
    """

    def lower_fours(site: Site) -> Mapping[str, Param]:
        return {**lower_ref(site), "weights": pack_fours(flat_weights(site))}

    def one(isa: str, lower: Lower, overlap: Callable[[Site], Overlaps], *sources: str) -> Kernel:
        return Kernel(
            f"eq_fully_connected_{isa}",
            (f"{isa}/fully_connected.c", *sources),
            "eq/fully_connected_thumb.h",
            "eq_fully_connected_params",
            lower,
            isa=frozenset({isa}),
            fits=fits_sums,
            overlap=overlap,
            rounded=True,
        )

    return one("thumb2", lower_fours, fours_overlap), one("thumb", lower_ref, ones_overlap, "thumb/store.c")


def elementwise_row(
    name: str,
    file: str,
    struct: str,
    lower: Lower,
    *,
    fits: Callable[[Site], bool] = always,
    overlap: Callable[[Site], tuple[int | None, ...]] = disjoint,
    rounded: bool = False,
) -> Kernel:
    """The row of an addition, a pool or a mean, which takes the parameters of the portable kernel.

    Args:
        name: C function.
        file: its source, without folder and ending.
        struct, lower, fits, overlap, rounded: see Kernel.
    """
    return Kernel(
        name,
        (f"thumb/{file}.c",),
        "eq/elementwise_thumb.h",
        struct,
        lower,
        isa=THUMB,
        fits=fits,
        overlap=overlap,
        rounded=rounded,
    )
