"""Rows of convolutions in groups and of transposed ones: several products with each copy of some rows of the input."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgeq.ir.condition import Condition, all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, Shape
from edgeq.kernels._shared.site import op_of, padded
from edgeq.kernels.x86.conv2d import BEYOND, TILE
from edgeq.kernels.x86.isa import VECTORS, Vectors, goals_of
from edgeq.kernels.x86.nearest import FORMS
from edgeq.kernels.x86.pack import (
    Product,
    function_name,
    pack_steps,
    pair_order,
    proof_of,
    requant_members,
    takes_weights,
)
from edgeq.numerics.fixedpoint import Multiplier
from edgeq.ops._overlap import Overlaps, of_first_input
from edgeq.ops._requant import effective_multiplier
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.conv_transpose2d import ConvTranspose2D

HEADER, STRUCT = "eq/conv2d_parts_x86.h", "eq_conv2d_parts_x86_params"
NUMBERS = 9
"""Of a part: EQ_PART_NUMBERS."""
AT_LEAST = 4 * TILE
"""Windows that are computed from one copy of rows at least, if there are so many."""
FINISHED = 16
"""Steps that take as long as making outputs of the sums."""

Convolution = Conv2D | ConvTranspose2D


@dataclass(frozen=True, eq=False)
class Taps:
    """Outputs that see the same taps.

    Attributes:
        first: row and column of the first of them.
        size: rows and columns of them.
        rows, columns: (T,): where each tap is in the rows and columns that are copied for the first window.
        weights: (OC, T, C / groups).
    """

    first: tuple[int, int]
    size: tuple[int, int]
    rows: Array
    columns: Array
    weights: Array


@dataclass(frozen=True, eq=False)
class Windows:
    """How windows move over the input: with `stride`, from `padding` rows above and columns left of it on.

    Attributes:
        stride, padding: rows and columns.
        apart: rows and columns from an output to the next one that sees the same taps.
        every: these outputs, by their taps.
    """

    stride: tuple[int, int]
    padding: tuple[int, int]
    apart: tuple[int, int]
    every: tuple[Taps, ...]

    @property
    def size(self) -> tuple[int, int]:
        """The most rows and columns of windows."""
        return max(taps.size[0] for taps in self.every), max(taps.size[1] for taps in self.every)

    @property
    def height(self) -> int:
        """Rows of the input that a window reads."""
        return 1 + max(int(taps.rows.max()) for taps in self.every)

    @property
    def width(self) -> int:
        """Columns of the input, with borders, that all windows read."""
        last = max(int(taps.columns.max()) for taps in self.every)
        return (self.size[1] - 1) * self.stride[1] + last + 1

    @property
    def together(self) -> int:
        """Rows of windows that are computed from one copy."""
        return min(self.size[0], -(-AT_LEAST // self.size[1]))

    @property
    def copied(self) -> int:
        """Rows of the input that are copied for them."""
        return (self.together - 1) * self.stride[0] + self.height


def grouped_rows() -> tuple[Kernel, ...]:
    """The rows of Conv2D in groups, fastest first."""
    several = Condition("The convolution has several groups", lambda site: op_of(site, Conv2D).groups > 1)
    return _rows(Conv2D, grouped, (several,))


def transposed_rows() -> tuple[Kernel, ...]:
    """The rows of ConvTranspose2D, fastest first."""
    return _rows(ConvTranspose2D, transposed, ())


def _rows(kind: type[Product], windows: Callable[[Site], Windows], asked: Sequence[Condition]) -> tuple[Kernel, ...]:
    def row(vectors: Vectors, form: str | None) -> Kernel:
        return Kernel(
            function_name("eq_conv2d_parts", vectors, form),
            (f"x86/conv2d_parts_{vectors.name}.c",),
            HEADER,
            STRUCT,
            lambda site: _lower(site, windows(site), vectors, form),
            vectors.isa,
            all_of(*asked, takes_weights(_multiplier), *proof_of(form, _multiplier, kind)),
            lambda site: _scratch(site, windows(site), vectors),
            lambda site: _overlap(site, windows(site)),
            rounded=form is None,
            goals=goals_of(form),
        )

    return tuple(row(vectors, form) for vectors in VECTORS for form in (*FORMS, None))


def grouped(site: Site) -> Windows:
    """The windows of a Conv2D: every output sees all taps."""
    op, w, out = op_of(site, Conv2D), site.const(1), site.outputs[0].shape
    channels, high, wide, depth = w.shape
    rows, columns = np.divmod(np.arange(high * wide), wide)
    taps = Taps(
        (0, 0),
        (out[1], out[2]),
        rows * op.dilation[0],
        columns * op.dilation[1],
        w.reshape(channels, high * wide, depth),
    )
    return Windows(op.stride, (op.padding[0], op.padding[1]), (1, 1), (taps,))


def transposed(site: Site) -> Windows:
    """The windows of a ConvTranspose2D: outputs a stride apart see the same taps, and windows move pixel by pixel.

    Output y is where (y + padding − k·dilation) / stride is a row of the input, for those taps k for which it is whole.
    """
    op, w, out = op_of(site, ConvTranspose2D), site.const(1), site.outputs[0].shape

    def along(side: int) -> tuple[int, list[tuple[int, int, list[tuple[int, int]]]]]:
        """What is padded; for every first output, how many it is the first of, and its taps with their places."""
        stride, before = op.stride[side], op.padding[side]
        found = []
        for first in range(min(stride, out[1 + side])):
            at, rest = divmod(first + before, stride)
            taps = [k for k in range(w.shape[1 + side]) if k * op.dilation[side] % stride == rest]
            places = [(k, at - (k * op.dilation[side] - rest) // stride) for k in taps]
            found.append((first, -(-(out[1 + side] - first) // stride), places[::-1]))
        padding = max(0, *(-place for _, _, places in found for _, place in places), 0)
        return padding, [(f, n, [(k, place + padding) for k, place in places]) for f, n, places in found]

    (above, rows), (left, columns) = along(0), along(1)
    every = []
    for y, high, down in rows:
        for x, wide, across in columns:
            pairs = [(ky, kx, row, column) for ky, row in down for kx, column in across]
            ky, kx, tap_rows, tap_columns = np.array(pairs or [(0, 0, 0, 0)], np.int64).T
            weights = w[:, ky, kx] if pairs else np.zeros_like(w[:, ky, kx])  # a tap of none, where they see none
            every.append(Taps((y, x), (high, wide), tap_rows, tap_columns, weights))
    return Windows((1, 1), (above, left), op.stride, tuple(every))


def _multiplier(site: Site) -> Multiplier:
    return effective_multiplier(site, site.outputs[0].shape[3])


def groups_of(site: Site) -> int:
    """Groups of the site's channels."""
    return site.input(0).shape[3] // site.input(1).shape[3]


def groups_together(groups: int, per_in: int, per_out: int, vectors: Vectors) -> int:
    """How many groups to multiply as one, with zeros between them: what leaves vectors empty otherwise."""

    def cost(count: int) -> int:
        vectors_of = -(-count * per_out // vectors.lanes)
        return -(-groups // count) * vectors_of * (-(-count * per_in // vectors.step) + FINISHED)

    return min(range(1, groups + 1), key=cost)


@dataclass(frozen=True, eq=False)
class Part:
    """One product.

    Attributes:
        taps: what its outputs see.
        first_in: its first input channel.
        channels: (N,): of the output.
        weights: (N, T, groups together · C / groups).
    """

    taps: Taps
    first_in: int
    channels: Array
    weights: Array


def parts(windows: Windows, groups: int, vectors: Vectors) -> Iterator[Part]:
    """The products that some windows are."""
    for taps in windows.every:
        total, count, per_in = taps.weights.shape
        per_out = total // groups
        together = groups_together(groups, per_in, per_out, vectors)
        for begin in range(0, groups, together):
            some = range(begin, min(groups, begin + together))
            weights = np.zeros((len(some), per_out, count, len(some), per_in), np.int8)
            for k, g in enumerate(some):
                weights[k, :, :, k] = taps.weights[g * per_out : (g + 1) * per_out]
            channels = np.arange(begin * per_out, some.stop * per_out)
            yield Part(taps, begin * per_in, channels, weights.reshape(len(channels), count, len(some) * per_in))


def _lower(site: Site, windows: Windows, vectors: Vectors, form: str | None) -> Mapping[str, Param]:
    x, out, row = site.input(0).shape, site.outputs[0].shape, windows.width * site.input(0).shape[3]
    numbers: list[int] = []
    arrays: dict[str, list[Array]] = {"offsets": [], "weights": [], "bias": [], "multiplier": [], "shift": []}
    scalars: dict[str, Param] = {}
    for part in parts(windows, groups_of(site), vectors):
        taps, members = part.taps, _members(site, part, row, vectors, form)
        first = (taps.first[0] * out[2] + taps.first[1]) * out[3] + int(part.channels[0])
        before = [sum(array.size for array in arrays[name]) for name in ("offsets", "weights", "bias")]
        steps = members["offsets"]
        assert isinstance(steps, np.ndarray)
        numbers += [part.first_in, first, *taps.size, len(part.channels), steps.size * vectors.step, *before]
        for name, value in members.items():
            if isinstance(value, np.ndarray):
                arrays[name].append(value)
            else:
                scalars[name] = value
    return {
        **dict(zip(("batch", "in_h", "in_w", "in_c"), x, strict=True)),
        "out_size": _size(out),
        "stride_h": windows.stride[0],
        "stride_w": windows.stride[1],
        "pad_top": windows.padding[0],
        "pad_left": windows.padding[1],
        "pad_value": site.input(0).qp.zp,
        "row": row,
        "rows": windows.size[0],
        "together": windows.together,
        "height": windows.height,
        "out_row": windows.apart[0] * out[2] * out[3],
        "out_step": windows.apart[1] * out[3],
        "count": len(numbers) // NUMBERS,
        "parts": np.array(numbers, np.int32),
        **{name: np.concatenate(found) for name, found in arrays.items() if found},
        **scalars,
    }


def _members(site: Site, part: Part, row: int, vectors: Vectors, form: str | None) -> Mapping[str, Param]:
    """Those of `eq_conv2d_x86_params` that concern a part's product; `row`: activations of a copied row."""
    op, given, taps = site.op, site.const_or_none(2), part.taps
    assert isinstance(op, Convolution)
    depth = part.weights.shape[2]
    filled = np.pad(part.weights, ((0, 0), (0, 0), (0, padded(depth, vectors.step) - depth)))
    starts = taps.rows * row + taps.columns * site.input(0).shape[3]
    bias = np.zeros(site.outputs[0].shape[3], np.int64) if given is None else given.astype(np.int64)
    bias[part.channels] -= (site.input(0).qp.zp + 128 * vectors.unsigned) * filled.sum(axis=(1, 2), dtype=np.int64)
    local = pair_order(len(part.channels), vectors)
    order = np.where(local < 0, -1, part.channels[local])
    return {
        "offsets": (starts[:, None] + np.arange(0, depth, vectors.step)).ravel().astype(np.int32),
        "weights": pack_steps(filled.reshape(len(filled), -1), vectors),
        **requant_members(site, bias, _multiplier(site), op.clamp, order, form),
    }


def _scratch(site: Site, windows: Windows, vectors: Vectors) -> int:
    row = windows.width * site.input(0).shape[3]
    return padded((windows.copied * row + BEYOND) * vectors.activation_bytes, 4)


def _overlap(site: Site, windows: Windows) -> Overlaps:
    """What windows that are computed together need is copied before any of their outputs is written."""
    x, y = site.input(0).shape, site.outputs[0].shape
    starts = np.arange(0, windows.size[0], windows.together)
    read = np.clip(starts * windows.stride[0] - windows.padding[0], 0, x[1]) * x[2] * x[3]
    written = np.zeros_like(starts)
    for taps in windows.every:
        last_row = taps.first[0] + (np.minimum(starts, taps.size[0]) - 1) * windows.apart[0]
        last = last_row * y[2] + taps.first[1] + (taps.size[1] - 1) * windows.apart[1]
        written = np.maximum(written, np.where(starts > 0, (last + 1) * y[3], 0))
    images = np.arange(x[0])[:, None]
    return of_first_input(site, ((images * _size(y) + written).ravel(), (images * _size(x) + read).ravel()))


def _size(shape: Shape) -> int:
    return shape[1] * shape[2] * shape[3]
