"""Cases of random shapes, and of all small numbers of channels, for the operators whose kernels cut up their work."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from cases import FULL, LARGE, PLAIN, Case, build, generator, variants

from edgeq.ir.op import Op, Sample
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.add import Add
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.conv_transpose2d import ConvTranspose2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.group_norm import GroupNorm
from edgeq.ops.layer_norm import LayerNorm
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.mean import Mean
from edgeq.ops.mul import Mul

Rng = np.random.Generator
CASES = 24
"""Of each operator."""


def whole(rng: Rng, low: int, high: int) -> int:
    """A number in low … high."""
    return int(rng.integers(low, high + 1))


def pair(rng: Rng, low: int, high: int) -> tuple[int, int]:
    """Two numbers in low … high."""
    return whole(rng, low, high), whole(rng, low, high)


def window(rng: Rng, pads: int) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int, int, int]]:
    """Size, stride, dilation and padding (at most `pads`, and less than the size) of a window."""
    kernel = pair(rng, 1, 4)
    dilation = pair(rng, 1, 2) if rng.random() < 0.3 else (1, 1)
    top, left, bottom, right = (whole(rng, 0, min(pads, kernel[i % 2] - 1)) for i in range(4))
    return kernel, pair(rng, 1, 3), dilation, (top, left, bottom, right)


def image(rng: Rng, kernel: tuple[int, int], dilation: tuple[int, int]) -> tuple[int, int, int]:
    """Batch, rows and columns into which a window fits."""
    rows, cols = (dilation[i] * (kernel[i] - 1) + 1 + whole(rng, 0, 6) for i in range(2))
    return whole(rng, 1, 2), rows, cols


def conv(rng: Rng) -> tuple[Op, tuple[tuple[int, ...], ...]]:
    kernel, stride, dilation, padding = window(rng, 2)
    groups = whole(rng, 2, 3) if rng.random() < 0.25 else 1
    per_in, per_out = whole(rng, 1, 17 // groups), whole(rng, 1, 17 // groups)
    x = (*image(rng, kernel, dilation), per_in * groups)
    return Conv2D(stride, dilation, padding, groups), (x, (per_out * groups, *kernel, per_in), (per_out * groups,))


def depthwise(rng: Rng) -> tuple[Op, tuple[tuple[int, ...], ...]]:
    kernel, stride, dilation, padding = window(rng, 2)
    channels = whole(rng, 1, 17)
    made = channels * (whole(rng, 2, 3) if rng.random() < 0.25 else 1)
    x = (*image(rng, kernel, dilation), channels)
    return DepthwiseConv2D(stride, dilation, padding), (x, (*kernel, made), (made,))


def conv_transpose(rng: Rng) -> tuple[Op, tuple[tuple[int, ...], ...]]:
    kernel, stride, dilation, _ = window(rng, 0)
    made, channels = whole(rng, 1, 9), whole(rng, 1, 17)
    cut = (kernel[0] - 1) // 2, (kernel[1] - 1) // 2
    op = ConvTranspose2D(stride, dilation, (*cut, *cut), pair(rng, 0, 1))
    return op, ((whole(rng, 1, 2), *pair(rng, 1, 5), channels), (made, *kernel, channels), (made,))


def fully_connected(rng: Rng) -> tuple[Op, tuple[tuple[int, ...], ...]]:
    depth, made = whole(rng, 1, 70), whole(rng, 1, 17)
    return FullyConnected(), ((whole(rng, 1, 3), depth), (made, depth), (made,))


def max_pool(rng: Rng) -> tuple[Op, tuple[tuple[int, ...], ...]]:
    kernel, stride, _, padding = window(rng, 2)
    return MaxPool2D(kernel, stride, (1, 1), padding), ((*image(rng, kernel, (1, 1)), whole(rng, 1, 17)),)


def average_pool(rng: Rng) -> tuple[Op, tuple[tuple[int, ...], ...]]:
    kernel, stride, _, padding = window(rng, 2)
    op = AveragePool2D(kernel, stride, padding, bool(rng.random() < 0.5))
    return op, ((*image(rng, kernel, (1, 1)), whole(rng, 1, 17)),)


MAKERS: tuple[Callable[[Rng], tuple[Op, tuple[tuple[int, ...], ...]]], ...] = (
    conv,
    depthwise,
    conv_transpose,
    fully_connected,
    max_pool,
    average_pool,
)


def random_shapes() -> Iterator[Case]:
    """The cases; always the same ones."""
    for maker in MAKERS:
        for number in range(CASES):
            rng = generator(f"shapes/{maker.__name__}/{number}")
            op, shapes = maker(rng)
            sample = Sample(f"random{number}", op, shapes, const=tuple(range(1, len(shapes))))
            choice = variants(sample)
            numerics = tuple(Numerics)[number % 3]
            yield build(op.kind, sample, choice[whole(rng, 0, len(choice) - 1)], numerics)


MOST = 17
"""Channels: one more than the widest vector has lanes."""


def of_channels(channels: int) -> Iterator[tuple[str, Op, tuple[tuple[int, ...], ...]]]:
    """Name, operator and shapes of sites with so many channels; rows and columns are odd."""
    made = MOST + 1 - channels
    image, same = (1, 5, 7, channels), (1, 1, 1, 1)
    yield "1x1", Conv2D(), (image, (made, 1, 1, channels), (made,))
    yield "3x3", Conv2D(padding=same), (image, (made, 3, 3, channels), (made,))
    yield "3x3_stride2", Conv2D((2, 2), padding=(0, 1, 1, 0)), (image, (made, 3, 3, channels), (made,))
    yield "3x3", DepthwiseConv2D(padding=same), (image, (3, 3, channels), (channels,))
    yield "3x3_stride2", DepthwiseConv2D((2, 2), padding=same), (image, (3, 3, channels), (channels,))
    yield "5x3", DepthwiseConv2D(padding=(2, 1, 2, 1)), (image, (5, 3, channels), (channels,))
    yield "filters", DepthwiseConv2D((1, 2)), (image, (3, 3, 2 * channels), (2 * channels,))
    yield "layer", FullyConnected(), ((1, channels), (made, channels), (made,))
    yield "rows", FullyConnected(), ((3, made), (channels, made), (channels,))
    yield "2x2", MaxPool2D((2, 2), (2, 2)), (image,)
    yield "3x3", MaxPool2D((3, 3), padding=same), (image,)
    yield "2x2", AveragePool2D((2, 2), (2, 2)), (image,)
    yield "3x3", AveragePool2D((3, 3), padding=same), (image,)
    yield "image", Mean((1, 2)), (image,)
    yield "rows", LayerNorm(1e-5, axis=1), ((3, channels), (channels,), (channels,))
    yield "two", GroupNorm(1e-5, groups=2), ((1, 3, 5, 2 * channels), (2 * channels,), (2 * channels,))
    yield "same", Add(), (image, image)
    yield "channels", Mul(), (image, (channels,))
    yield "long", FullyConnected(), ((1, 80), (channels, 80), (channels,))


def channel_sweep() -> Iterator[Case]:
    """1 … MOST channels; those with a bias also with accumulators that reach a limit."""
    for channels in range(1, MOST + 1):
        for turn, (name, op, shapes) in enumerate(of_channels(channels)):
            weights = tuple(range(1, len(shapes))) if len(shapes) == 3 else ()
            sample = Sample(f"{name}_{channels}_channels", op, shapes, const=weights)
            yield build(op.kind, sample, PLAIN, Numerics.FAST)
            yield build(op.kind, sample, PLAIN, (Numerics.TFLITE, Numerics.TFLM)[(channels + turn) % 2])
            if weights:
                yield build(op.kind, sample, (LARGE, FULL)[channels % 2], tuple(Numerics)[(channels + turn) % 3])
