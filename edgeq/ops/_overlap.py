"""How far an output may overlap an input, derived from the order in which a kernel reads and writes.

A kernel is a sequence of steps, each of which reads, then writes. If the output starts d bytes before the input, its
byte j is the input's byte j − d. That goes wrong where a step reads byte i of the input and byte i + d of the output
was written before: the worst d of a step is the last byte written before it less the first byte that it reads. The
least distance from which on nothing goes wrong is one more than the worst of all steps.

So a kernel's row states, for every step, how many elements are written before it (to the end of the highest one) and
the first element that it reads; distances are in bytes. Reading what is not used, or reading earlier than stated, does
no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import lcm, prod

import numpy as np
import numpy.typing as npt

from edgeq.ir.site import Site
from edgeq.ir.tensor import DType, TensorType
from edgeq.ops._window import Padding, Pair

Ints = npt.NDArray[np.int64]
Overlaps = tuple[int | None, ...]
Steps = tuple[Ints, Ints]
"""For every step: the end of the highest element of the output that is written before it, and the first element of the
input that it reads, or at least NOTHING."""

ALIGNMENT = 16
"""The memory planner places tensors at multiples of this many bytes (edgeq.memory.ALIGNMENT)."""
NOTHING = 2**40
"""Larger than every index."""


def least_distance(x: TensorType, y: TensorType, *steps: Steps) -> int:
    """The least distance in bytes for an input of type x and an output of type y; minus x's bytes if all of the input
    is read before any write."""
    least = -x.nbytes
    for written, read in steps:
        matters = (written > 0) & (read < NOTHING)
        ends, starts = written * y.itemsize, read * x.itemsize
        least = max(least, int((ends - starts).max(where=matters, initial=-x.nbytes)))
    return least


def of_first_input(site: Site, *steps: Steps) -> Overlaps:
    """The distances of a kernel that reads only input 0 at run time."""
    return (least_distance(site.input(0), site.outputs[0], *steps), *(None,) * (len(site.inputs) - 1))


def of_elements(site: Site, sources: Sequence[npt.ArrayLike | None]) -> Overlaps:
    """The distances of a kernel that computes one element of the output after another.

    Args:
        site: the site.
        sources: for every input, the lowest of its elements that each output needs, in any shape that broadcasts to the
            output's, or NOTHING; None for constants.
    """
    distances: list[int | None] = []
    for type, source in zip(site.inputs, sources, strict=True):
        if type is None or source is None:
            distances.append(None)
            continue
        shape = site.outputs[0].shape
        written = np.arange(prod(shape), dtype=np.int64)
        read = np.broadcast_to(np.asarray(source, np.int64), shape).ravel()
        distances.append(least_distance(type, site.outputs[0], (written, read)))
    return tuple(distances)


def indices(shape: tuple[int, ...]) -> Ints:
    """The index of every element of a dense tensor."""
    return np.arange(prod(shape), dtype=np.int64).reshape(shape)


def elementwise(site: Site) -> Overlaps:
    """The distances of an operator whose operands are broadcast: 0 for one of the output's size.

    A kernel may read several neighbours before it writes them, and an element that is repeated along a row only once.
    """
    return of_elements(
        site,
        [
            None if t is None or site.const_or_none(i) is not None else indices(t.shape)
            for i, t in enumerate(site.inputs)
        ],
    )


def first_taps(size: int, out: int, kernel: int, stride: int, dilation: int, before: int) -> Ints:
    """For every window along one dimension: its first element that is inside, or NOTHING."""
    taps = np.arange(out)[:, None] * stride - before + np.arange(kernel) * dilation
    return np.where((taps >= 0) & (taps < size), taps, NOTHING).min(axis=1)


def pixels_of(rows: Ints, columns: Ints, width: int, images: Ints) -> Ints:
    """Index of the pixel in these rows (R) and columns (C) of images that start at these pixels (N): (N, R·C)."""
    nothing = np.maximum(rows[:, None], columns) >= NOTHING
    pixels = np.where(nothing, NOTHING, rows[:, None] * width + columns).ravel()
    return images[:, None] + pixels


def first_pixels(site: Site, kernel: Pair, stride: Pair, dilation: Pair, padding: Padding) -> Ints:
    """For every pixel of the output, (N, OH·OW): the first pixel of the input that its window needs, or NOTHING."""
    n, h, w, _ = site.input(0).shape
    out = site.outputs[0].shape
    rows, columns = (first_taps((h, w)[i], out[1 + i], kernel[i], stride[i], dilation[i], padding[i]) for i in range(2))
    return pixels_of(rows, columns, w, np.arange(n, dtype=np.int64) * (h * w))


@dataclass(frozen=True, eq=False)
class Tiles:
    """Neighbouring pixels of the output that are computed together, in order.

    Attributes:
        start: pixels of the output before each tile.
        count: pixels in it.
        read: the first pixel of the input that it needs, or at least NOTHING.
    """

    start: Ints
    count: Ints
    read: Ints


def tiles(first: Ints, size: int = 1) -> Tiles:
    """Tiles of `size` pixels, fewer at the end of each row of `first` (N, P), which comes from `first_pixels`."""
    images, pixels = first.shape
    at = np.arange(0, pixels, size)
    start = np.arange(images)[:, None] * pixels + at
    count = np.tile(np.minimum(size, pixels - at), images)
    return Tiles(start.ravel(), count, np.minimum.reduceat(first, at, axis=1).ravel())


def collected(site: Site, tiles: Tiles) -> Overlaps:
    """The distances of a kernel that copies everything that a tile needs before it writes the tile."""
    x, y = site.input(0).shape, site.outputs[0].shape
    return of_first_input(site, (tiles.start * y[-1], tiles.read * x[-1]))


def in_groups(site: Site, first: Ints, groups: int, size: int = 1) -> Overlaps:
    """The distances of a kernel that computes output channels one by one (or `size` at once), pixel by pixel.

    Output channels are in as many groups as input channels; each needs those of its group.
    """
    x, y, pixels = site.input(0).shape, site.outputs[0].shape, tiles(first)
    own = y[-1] // groups
    steps = []
    for group in {0, groups - 1}:
        last = (group + 1) * own - 1
        for channel in {group * own, last}:
            written, read = channel // size * size, channel // size * size // own * (x[-1] // groups)
            steps.append((pixels.start * y[-1] + written, pixels.read * x[-1] + read))
    return of_first_input(site, *steps)


def in_blocks(site: Site, first: Ints, groups: int, size: int) -> Overlaps:
    """The distances of a kernel that computes `size` output channels of a group at once, pixel by pixel.

    Output channels are in as many groups as input channels; each needs those of its group.
    """
    x, y, pixels = site.input(0).shape, site.outputs[0].shape, tiles(first)
    own = y[-1] // groups
    steps = [
        (pixels.start * y[-1] + group * own + written, pixels.read * x[-1] + group * (x[-1] // groups))
        for group in {0, groups - 1}
        for written in {0, (own - 1) // size * size}
    ]
    return of_first_input(site, *steps)


def in_tiles(site: Site, first: Ints, pixels: int, blocks: Iterable[tuple[int, int]]) -> Overlaps:
    """The distances of a kernel that computes a block of output channels for `pixels` pixels of an image, then the next
    block for these.

    Args:
        site: the site.
        first: from `first_pixels`.
        pixels: see above.
        blocks: the first output channel, and the first input channel that it needs, of those that may be the worst.
    """
    x, y, single, several = site.input(0).shape, site.outputs[0].shape, tiles(first), tiles(first, pixels)
    before = (several.start + several.count - 1) * y[-1]
    steps: list[Steps] = [(single.start * y[-1], single.read * x[-1])]
    steps += [(before + written, several.read * x[-1] + read) for written, read in blocks if written]
    return of_first_input(site, *steps)


def fours(channels: int, start: Ints, read: Ints) -> tuple[Steps, Steps]:
    """The first and last step of a kernel that computes four channels of a pixel at once; the last may repeat some.

    There are at least four channels.

    Args:
        channels: of input and output.
        start: pixels of the output before each pixel.
        read: the first pixel of the input that it needs.
    """
    last = (channels - 1) // 4 * 4
    return (start * channels, read * channels), (start * channels + last, read * channels + channels - 4)


def in_fours(site: Site, first: Ints) -> Overlaps:
    """The distances of a kernel that computes pixel by pixel, with `fours` of channels."""
    pixels = tiles(first)
    return of_first_input(site, *fours(site.input(0).shape[3], pixels.start, pixels.read))


def in_rows(site: Site, last: int) -> Overlaps:
    """The distances of a kernel that computes rows of a matrix, each in steps that all read the same row of the input.

    Args:
        site: rows are along the last axes.
        last: elements of a row that are written before its last step.
    """
    in_width, out_width = site.input(0).shape[-1], site.outputs[0].shape[-1]
    rows = np.arange(site.outputs[0].size // out_width, dtype=np.int64)
    return of_first_input(site, (rows * out_width + last, rows * in_width))


def of_whole_pixels(site: Site, *steps: Steps) -> Overlaps:
    """The one distance of a kernel that computes some channels of many pixels, then the next channels.

    If it is a whole number of pixels, which have as many channels in the output as in the input, channels keep their
    bytes: bytes that are written can only meet bytes still to be read if both are of the same channels.

    Args:
        site: the site.
        steps: of one group of channels, in pixels: those written before, and the first one that is read.
    """
    channels, none = site.input(0).shape[-1], (None,) * (len(site.inputs) - 1)
    if site.outputs[0].shape[-1] != channels or site.outputs[0].itemsize != site.input(0).itemsize:
        return (None, *none)
    unit = lcm(ALIGNMENT, channels * site.input(0).itemsize)
    pixel = TensorType((site.input(0).size // channels,), DType.INT8)
    needed = least_distance(pixel, pixel, *steps) * channels * site.input(0).itemsize
    return (max(0, -(-needed // unit) * unit), *none)
