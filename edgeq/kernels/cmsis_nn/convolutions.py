"""Rows of convolutions by Arm's CMSIS-NN.

Scratch memory is what the functions `…_get_buffer_size` of the library's release return; where the library computes
anything other than the convolution, the site is left to edgeq's own kernels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgeq.ir.condition import Condition, Predicate, all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared.other_library import channel_params, fits_sums
from edgeq.kernels._shared.site import op_of, output_params
from edgeq.kernels.cmsis_nn.library import LARGEST, Variant, library_rows
from edgeq.numerics.fixedpoint import Multiplier
from edgeq.ops._requant import Clamp, effective_multiplier
from edgeq.ops._window import Padding, Pair, geometry, inside_counts
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D

MOST_TAPS = 2**16 - 1
WINDOW = "The library computes windows of this shape, stride, padding and grouping as the model says"
BLOCK = 124
"""Channels that a depthwise convolution on Helium gathers at once."""
VECTOR = 4
"""Channels that it requantizes at once."""


@dataclass(frozen=True)
class Window:
    """A convolution as the library sees it. Sizes are rows and columns; `in_c` is of the image, not of a group."""

    batch: int
    image: Pair
    in_c: int
    out: Pair
    out_c: int
    kernel: Pair
    stride: Pair
    dilation: Pair
    padding: Padding
    groups: int

    @property
    def is_pointwise(self) -> bool:
        """Multiplied without gathering windows; the library looks only at the padding above and on the left."""
        return self.kernel == (1, 1) and self.padding[:2] == (0, 0) and self.dilation == (1, 1)

    @property
    def is_row(self) -> bool:
        """One row of pixels, whose windows lie contiguous in memory."""
        flat = self.image[0] == 1 and self.kernel[0] == 1 and self.dilation[1] == 1
        return flat and self.stride[1] * self.in_c % 4 == 0 and not self.is_pointwise


def window_of(site: Site, op: Conv2D | DepthwiseConv2D, kernel: Pair, groups: int) -> Window:
    """The window of a convolution's site."""
    (n, h, w, c), (_, oh, ow, oc) = site.input(0).shape, site.outputs[0].shape
    return Window(n, (h, w), c, (oh, ow), oc, kernel, op.stride, op.dilation, op.padding, groups)


def _is_small(w: Window) -> bool:
    sizes = (w.batch, *w.image, w.in_c, *w.out, w.out_c, *w.stride, *w.dilation, *w.padding)
    return max(sizes) <= LARGEST and w.kernel[0] * w.kernel[1] * w.in_c <= MOST_TAPS


@dataclass(frozen=True)
class _RowEnds:
    """How many outputs of a row the library computes from padded copies, and whether the counts make up the row."""

    left: int
    right: int
    surplus: int
    whole: bool


def _row_ends(w: Window) -> _RowEnds:
    size, kernel, stride, out, pad = w.image[1], w.kernel[1], w.stride[1], w.out[1], w.padding[1]
    surplus = int(np.fmod((out - 1) * stride + kernel - size, 2))  # as C's %
    right = max(1, (pad + surplus + stride - 1) // stride) if pad + surplus else 0
    left = max(1, (pad + stride - 1) // stride) if pad else 0
    return _RowEnds(left, right, surplus, left + right + max(out - left - right, 0) == out)


def _fits_row(w: Window) -> bool:
    """Helium's path for rows assumes a right padding equal to the left or one more, and copies whole windows."""
    size, kernel, stride, out, pad = w.image[1], w.kernel[1], w.stride[1], w.out[1], w.padding[1]
    total, ends = (out - 1) * stride + kernel - size, _row_ends(w)
    if total < 0 or 2 * pad + ends.surplus != total or w.out[0] != 1 or w.padding[0]:
        return False
    first = stride * (out - ends.right) - pad  # column of the first window that is computed from the right copy
    padded = ends.right if ends.surplus else pad
    right = size - first == kernel - 1 and (ends.right - 1) * stride + 1 <= padded
    return not ends.whole or (kernel <= size and (ends.right == 0 or right))


def conv_bytes(w: Window, variant: Variant) -> int:
    """`arm_convolve_wrapper_s8_get_buffer_size`."""
    if w.is_pointwise:
        return 0
    taps = w.kernel[0] * w.kernel[1] * w.in_c
    if variant is not Variant.MVE:
        return 4 * (-(-taps // 4) * 4)
    ends = _row_ends(w)
    if not w.is_row or not ends.whole:
        return 4 * (-(-taps // 16) * 16)
    left = taps + w.padding[1] * w.in_c
    right = taps - w.in_c + (ends.right if ends.surplus else w.padding[1]) * w.in_c
    return max(left, right)


def _fits_window(w: Window, variant: Variant) -> bool:
    if not _is_small(w) or (w.groups > 1 and (w.is_pointwise or w.is_row)):
        return False
    if w.is_pointwise:
        return not any(w.padding)
    return variant is not Variant.MVE or not w.is_row or _fits_row(w)


def _conv_window(site: Site) -> Window:
    op, w = op_of(site, Conv2D), site.const(1).shape
    return window_of(site, op, (w[1], w[2]), op.groups)


def _lower(
    site: Site, w: Window, clamp: Clamp, weights: Array, channels: Mapping[str, Array], scratch: int
) -> Mapping[str, Param]:
    return {
        **geometry(site.input(0).shape, site.outputs[0].shape, w.kernel, w.stride, w.dilation, w.padding),
        "groups": w.groups,
        "input_offset": -site.input(0).qp.zp,
        "scratch_bytes": scratch,
        "weights": weights,
        **channels,
        **output_params(site, clamp),
    }


def _factors(site: Site) -> Multiplier:
    return effective_multiplier(site, site.outputs[0].shape[3])


def conv2d_rows() -> tuple[Kernel, ...]:
    """The rows of Conv2D."""

    def fits(variant: Variant) -> Predicate:
        window = Condition(WINDOW, lambda site: _fits_window(_conv_window(site), variant))
        return all_of(window, fits_sums(_factors))

    def scratch(site: Site, variant: Variant) -> int:
        return conv_bytes(_conv_window(site), variant)

    def lower(site: Site, variant: Variant) -> Mapping[str, Param]:
        channels = channel_params(site, effective_multiplier(site, site.outputs[0].shape[3]))
        clamp = op_of(site, Conv2D).clamp
        return _lower(site, _conv_window(site), clamp, site.const(1), channels, scratch(site, variant))

    return library_rows("conv2d", "conv", "eq_conv_cmsis_nn_params", lower, fits, scratch)


def _depthwise_window(site: Site) -> Window:
    w = site.const(1).shape
    return window_of(site, op_of(site, DepthwiseConv2D), (w[0], w[1]), 1)


def _becomes_conv(w: Window, variant: Variant) -> bool:
    """With one input channel the library for Helium transposes the weights and computes an ordinary convolution."""
    return variant is Variant.MVE and w.in_c == 1 and w.out_c > 1


def _is_simple(w: Window) -> bool:
    return w.in_c == w.out_c and w.batch == 1 and w.dilation == (1, 1)


def _is_3x3(w: Window, variant: Variant) -> bool:
    return variant is not Variant.MVE and w.kernel == (3, 3) and max(w.padding[:2]) <= 1


def depthwise_bytes(w: Window, variant: Variant) -> int:
    """`arm_depthwise_conv_wrapper_s8_get_buffer_size`."""
    taps = w.kernel[0] * w.kernel[1]
    if _becomes_conv(w, variant):
        return conv_bytes(w, variant) + taps * w.out_c
    if not _is_simple(w) or _is_3x3(w, variant) or variant is Variant.PLAIN:
        return 0
    return 4 * BLOCK * taps if variant is Variant.MVE else 2 * taps * w.in_c


def _fits_depthwise(w: Window, variant: Variant) -> bool:
    if not _is_small(w):
        return False
    if _becomes_conv(w, variant):
        return _fits_window(w, variant)
    if not _is_simple(w):
        return True
    if _is_3x3(w, variant):  # the middle column of a window is read wherever it lies
        return (w.out[1] - 1) * w.stride[1] - w.padding[1] + 1 < w.image[1]
    rows = inside_counts(w.image[0], w.kernel[0], w.stride[0], 1, w.padding[0], w.padding[2])
    return bool(rows.all())


def depthwise_rows() -> tuple[Kernel, ...]:
    """The rows of DepthwiseConv2D."""

    def fits(variant: Variant) -> Predicate:
        window = Condition(WINDOW, lambda site: _fits_depthwise(_depthwise_window(site), variant))
        return all_of(window, fits_sums(_factors))

    def scratch(site: Site, variant: Variant) -> int:
        return depthwise_bytes(_depthwise_window(site), variant)

    def lower(site: Site, variant: Variant) -> Mapping[str, Param]:
        # Helium reads whole vectors of weights, even the last one.
        whole, weights = (VECTOR if variant is Variant.MVE else 1), site.const(1)
        padded = np.pad(weights.ravel(), (0, -weights.shape[2] % whole))
        channels = channel_params(site, effective_multiplier(site, weights.shape[2]), whole)
        clamp = op_of(site, DepthwiseConv2D).clamp
        return _lower(site, _depthwise_window(site), clamp, padded, channels, scratch(site, variant))

    return library_rows("depthwise_conv2d", "conv", "eq_conv_cmsis_nn_params", lower, fits, scratch)
