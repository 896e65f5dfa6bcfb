"""Rows of convolutions and pools by Espressif's ESP-NN.

Scratch memory is what the library's functions for ESP32-S3 ask for, which is the most of all chips; an adapter calls
the portable function where it is not enough.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edgeq.ir.condition import Condition, Predicate
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.other_library import channel_params, fits_sums
from edgeq.kernels._shared.site import op_of, output_params
from edgeq.kernels.esp_nn.library import EXACT, LARGEST, library_row
from edgeq.numerics.fixedpoint import Multiplier
from edgeq.ops._requant import effective_multiplier, output_range
from edgeq.ops._window import Padding, Pair, geometry, inside_counts
from edgeq.ops.average_pool2d import AveragePool2D, halves_away
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.max_pool2d import MaxPool2D

VECTOR = 16
"""Bytes that a chip's instructions take at once."""
WINDOW = "The library computes windows of this size, stride and padding as the model says"
MARGIN = 96
"""Bytes for aligning what lies in scratch memory, and for what is read beyond it."""
_Op = Conv2D | DepthwiseConv2D | AveragePool2D | MaxPool2D


@dataclass(frozen=True)
class Window:
    """A window as the library sees it. Sizes are rows and columns."""

    image: Pair
    in_c: int
    out: Pair
    out_c: int
    kernel: Pair
    stride: Pair
    padding: Padding

    @property
    def is_pixel(self) -> bool:
        """One pixel, multiplied without looking at the padding."""
        return self.kernel == (1, 1)


def window_of(site: Site, op: _Op, kernel: Pair) -> Window:
    """The window of a site."""
    (_, h, w, c), (_, oh, ow, oc) = site.input(0).shape, site.outputs[0].shape
    return Window((h, w), c, (oh, ow), oc, kernel, op.stride, op.padding)


def fits_window(w: Window) -> bool:
    """Whether sizes fit 16 bits, every window has a tap on the image, and padding is as TensorFlow pads."""
    sizes = (*w.image, w.in_c, *w.out, w.out_c, *w.stride, *w.kernel, w.kernel[0] * w.kernel[1] * w.in_c)
    top, left, bottom, right = w.padding
    if max(sizes) > LARGEST or (w.is_pixel and any(w.padding)):
        return False
    if not (top <= bottom <= top + 1 and left <= right <= left + 1):
        return False
    around = ((w.padding[0], w.padding[2]), (w.padding[1], w.padding[3]))
    return all(inside_counts(w.image[k], w.kernel[k], w.stride[k], 1, *around[k]).all() for k in (0, 1))


def _up(value: int, to: int) -> int:
    return -(-value // to) * to


def _reach(w: Window, k: int) -> int:
    """Rows or columns of the image with what windows reach beyond it."""
    return max(w.image[k], w.out[k] * w.stride[k] + w.kernel[k] - 1)


def conv_bytes(w: Window) -> int:
    """At least what `esp_nn_get_conv_scratch_size` gives on any chip."""
    (h, width), taps, channels = w.image, w.kernel[0] * w.kernel[1], _up(w.in_c, VECTOR)
    gathered = channels * (h * width + VECTOR) if w.is_pixel else 0
    padded = (h + 2 * w.padding[0]) * (width + 2 * w.padding[1]) * w.in_c if any(w.padding) else 0
    beyond = _reach(w, 0) * _reach(w, 1) * (w.in_c if taps * w.in_c >= VECTOR else VECTOR)
    filters = (taps * channels + w.kernel[0] * _up(w.kernel[1] * w.in_c, VECTOR)) * w.out_c
    return gathered + padded + beyond + filters + 4 * w.out_c + MARGIN


def depthwise_bytes(w: Window) -> int:
    """At least what `esp_nn_get_depthwise_conv_scratch_size` gives on any chip."""
    taps, channels = w.kernel[0] * w.kernel[1], _up(w.out_c, VECTOR)
    rows, columns = (_reach(w, k) + 2 * w.padding[k] for k in (0, 1))
    return channels * (2 * taps + 2 * rows * columns + w.out[0] * w.out[1] + 12) + MARGIN


def _is_plain(site: Site) -> bool:
    """Its window is not dilated, and it has one group."""
    op = op_of(site, Conv2D)
    return op.dilation == (1, 1) and op.groups == 1


def _is_undilated(site: Site) -> bool:
    """The window is not dilated."""
    op = op_of(site, DepthwiseConv2D)
    return op.dilation == (1, 1)


def _conv(site: Site) -> Window:
    w = site.const(1).shape
    return window_of(site, op_of(site, Conv2D), (w[1], w[2]))


def _depthwise(site: Site) -> Window:
    w = site.const(1).shape
    return window_of(site, op_of(site, DepthwiseConv2D), (w[0], w[1]))


def _factors(site: Site) -> Multiplier:
    return effective_multiplier(site, site.outputs[0].shape[3])


def _fits(window: Callable[[Site], Window]) -> Predicate:
    return Condition(WINDOW, lambda site: fits_window(window(site)))


def _lower(site: Site, op: Conv2D | DepthwiseConv2D, w: Window, scratch: int) -> Mapping[str, Param]:
    return {
        **geometry(site.input(0).shape, site.outputs[0].shape, w.kernel, w.stride, (1, 1), w.padding),
        "input_offset": -site.input(0).qp.zp,
        "scratch_bytes": scratch,
        "weights": site.const(1),
        **channel_params(site, _factors(site)),
        **output_params(site, op.clamp),
    }


def conv2d_rows() -> tuple[Kernel, ...]:
    """The row of Conv2D."""

    def lower(site: Site) -> Mapping[str, Param]:
        return _lower(site, op_of(site, Conv2D), _conv(site), conv_bytes(_conv(site)))

    fits = (_is_plain, _fits(_conv), fits_sums(_factors, EXACT))
    return (library_row("conv2d", "conv", lower, *fits, scratch=lambda site: conv_bytes(_conv(site))),)


def depthwise_rows() -> tuple[Kernel, ...]:
    """The row of DepthwiseConv2D."""

    def lower(site: Site) -> Mapping[str, Param]:
        return _lower(site, op_of(site, DepthwiseConv2D), _depthwise(site), depthwise_bytes(_depthwise(site)))

    def scratch(site: Site) -> int:
        return depthwise_bytes(_depthwise(site))

    fits = (_is_undilated, _fits(_depthwise), fits_sums(_factors, EXACT))
    return (library_row("depthwise_conv2d", "conv", lower, *fits, scratch=scratch),)


def _pool(site: Site, op: AveragePool2D | MaxPool2D) -> Mapping[str, Param]:
    qmin, qmax = output_range(site.outputs[0].qp, op.clamp)
    shapes = (site.input(0).shape, site.outputs[0].shape)
    return {**geometry(*shapes, op.kernel, op.stride, (1, 1), op.padding), "qmin": qmin, "qmax": qmax}


def _counts_no_padding(site: Site) -> bool:
    """Padding does not count."""
    op = op_of(site, AveragePool2D)
    return not (any(op.padding) and op.count_include_pad)


def _is_undilated_pool(site: Site) -> bool:
    """The window is not dilated."""
    return op_of(site, MaxPool2D).dilation == (1, 1)


def average_pool2d_rows() -> tuple[Kernel, ...]:
    """The row of AveragePool2D: padding does not count, halves are rounded away from zero."""

    def window(site: Site) -> Window:
        op = op_of(site, AveragePool2D)
        return window_of(site, op, op.kernel)

    fits = (_counts_no_padding, halves_away, _fits(window))
    return (library_row("average_pool2d", "pool", lambda site: _pool(site, op_of(site, AveragePool2D)), *fits),)


def max_pool2d_rows() -> tuple[Kernel, ...]:
    """The row of MaxPool2D."""

    def window(site: Site) -> Window:
        op = op_of(site, MaxPool2D)
        return window_of(site, op, op.kernel)

    lower = lambda site: _pool(site, op_of(site, MaxPool2D))  # noqa: E731
    return (library_row("max_pool2d", "pool", lower, _is_undilated_pool, _fits(window)),)
