"""Rows of convolutions that are made of others: those in several groups, and transposed ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from math import gcd

import numpy as np

from edgeq.ir.condition import AllOf, Condition, all_of
from edgeq.ir.kernel import Kernel, Param, disjoint
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared.site import flat_weights, op_of, output_params
from edgeq.kernels.neon.conv2d import BY_DOT, BY_PAIR, Products, Windows, lines_for, scratch_of, together
from edgeq.kernels.neon.pack import (
    are_small,
    blocks_of,
    factor_params,
    has_no_least_weight,
    in_order,
    order_of,
    padded_lines,
    per_block,
    takes_weights,
    weights_in_order,
)
from edgeq.numerics.fixedpoint import Ints, Multiplier
from edgeq.ops._requant import Clamp, effective_multiplier, folded_bias
from edgeq.ops._window import Pair
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.conv_transpose2d import ConvTranspose2D, tap_bias


@dataclass(frozen=True, eq=False)
class Part:
    """A convolution of some channels of the input, whose outputs are some channels of some rows and columns.

    Attributes:
        weights: (channels of the output, rows, columns, channels of the input).
        bias: one per channel of the output, the input's zero-point folded in.
        group: which of the groups of channels it is of.
        pad: rows above and columns left of the input that windows see; negative: that they pass over.
        first: row and column of its first output.
        out: rows and columns of it.
    """

    weights: Array
    bias: Array
    group: int
    pad: Pair
    first: Pair
    out: Pair


@dataclass(frozen=True, eq=False)
class Parts:
    """All parts of a convolution.

    Attributes:
        each: the parts, of groups of one size.
        stride, dilation: of windows.
        apart: rows and columns of the output between those of a part.
        clamp: bounds of the outputs.
    """

    each: tuple[Part, ...]
    stride: Pair
    dilation: Pair
    apart: Pair
    clamp: Clamp


@dataclass(frozen=True)
class Member:
    """What the kernel is told of a part: `eq_conv_part`."""

    kernel_h: int
    kernel_w: int
    pad_top: int
    pad_left: int
    out_h: int
    out_w: int
    first_in: int
    first_out: int
    band: int
    gather: int
    lines: int
    run: int
    first_weight: int
    first_channel: int


def _multiplier(site: Site) -> Multiplier:
    return effective_multiplier(site, site.outputs[0].shape[3])


def groups_of(site: Site) -> Parts:
    """The groups of a convolution."""
    op, w, (_, height, width, channels) = op_of(site, Conv2D), site.const(1), site.outputs[0].shape
    bias, own = folded_bias(site, flat_weights(site).astype(np.int64), channels), channels // op.groups
    parts = (
        Part(w[g * own : (g + 1) * own], bias[g * own : (g + 1) * own], g, op.padding[:2], (0, 0), (height, width))
        for g in range(op.groups)
    )
    return Parts(tuple(parts), op.stride, op.dilation, (1, 1), op.clamp)


@dataclass(frozen=True, eq=False)
class Phase:
    """Output rows (or columns) of a transposed convolution that are a stride apart, as those of a convolution.

    Attributes:
        first: the first of them.
        count: of them.
        taps: of the kernel, in the order of the rows of the input that they meet; none: those outputs get none.
        pad: rows above the input that the first window sees.
    """

    first: int
    count: int
    taps: Ints
    pad: int


def phases_of(out: int, taps: int, stride: int, dilation: int, cut: int) -> tuple[Phase, ...]:
    """The phases along one dimension that have outputs.

    Output y is at Y = y + cut, and tap k brings it input (Y − k·dilation) / stride where that is whole. With
    Y = stride·m + r those are the taps with k·dilation = stride·o + r, and their inputs m − o: for all m windows of one
    convolution, whose taps are dilation / gcd(stride, dilation) apart.
    """
    found = []
    for r in range(stride):
        first = (r - cut) % stride
        at = np.arange(taps, dtype=np.int64) * dilation - r
        own = np.flatnonzero(at % stride == 0)[::-1]
        if first < out:
            reach = int(at[own[0]]) // stride if own.size else 0
            found.append(Phase(first, -(-(out - first) // stride), own, reach - (first + cut) // stride))
    return tuple(found)


def phases(site: Site) -> Parts:
    """The phases of rows and columns of a transposed convolution, of each of its groups."""
    op, w, y = op_of(site, ConvTranspose2D), site.const(1), site.outputs[0].shape
    folded, bias = tap_bias(site, w.astype(np.int64)), site.const_or_none(2)
    start = np.zeros(y[3], np.int64) if bias is None else bias.astype(np.int64)
    own = y[3] // op.groups
    rows, columns = (phases_of(y[1 + i], w.shape[1 + i], op.stride[i], op.dilation[i], op.padding[i]) for i in range(2))
    each = []
    for g in range(op.groups):
        some = slice(g * own, (g + 1) * own)
        for row in rows:
            for column in columns:
                weights = w[some][:, row.taps][:, :, column.taps]
                meets = folded[some][:, row.taps][:, :, column.taps]
                if not weights.size:  # one tap that is 0
                    weights = np.zeros((own, 1, 1, w.shape[3]), w.dtype)
                sums = start[some] + meets.sum(axis=(1, 2))
                first, out = (row.first, column.first), (row.count, column.count)
                each.append(Part(weights, sums, g, (row.pad, column.pad), first, out))
    between = tuple(op.dilation[i] // gcd(op.dilation[i], op.stride[i]) for i in range(2))
    return Parts(tuple(each), (1, 1), (between[0], between[1]), op.stride, op.clamp)


def _is_inside(site: Site, parts: Parts, part: Part) -> bool:
    """Windows are in the image, and begin with its first pixel."""
    _, high, wide, _ = part.weights.shape
    ends = (
        (part.out[i] - 1) * parts.stride[i] + (size - 1) * parts.dilation[i] + 1 <= site.input(0).shape[1 + i]
        for i, size in enumerate((high, wide))
    )
    return part.pad == (0, 0) and all(ends)


def _windows(site: Site, parts: Parts, part: Part) -> Windows:
    """A pixel has channels of other groups, too, so that only windows of one column lie side by side."""
    wide, channels = part.weights.shape[2:]
    side_by_side = wide == 1 or channels == site.input(0).shape[3]
    return Windows(part.out, parts.stride, parts.dilation, not (side_by_side and _is_inside(site, parts, part)))


def _lower(site: Site, parts: Parts, by: Products) -> Mapping[str, Param]:
    x, y = site.input(0).shape, site.outputs[0].shape
    made, _, _, taken = parts.each[0].weights.shape
    multiplier = _multiplier(site)
    blocks = blocks_of(made)
    order = order_of(blocks, made)
    members: list[Member] = []
    weights: list[Array] = []
    for part in parts.each:
        lines = lines_for(_windows(site, parts, part), part.weights.shape, by.cost)
        lined = padded_lines(weights_in_order(part.weights.reshape(made, -1), order), lines.count)
        members.append(
            Member(
                part.weights.shape[1],
                part.weights.shape[2],
                *part.pad,
                *part.out,
                part.group * taken,
                (part.first[0] * y[2] + part.first[1]) * y[3] + part.group * made,
                lines.band.rows if lines.band else 0,
                int(lines.gather),
                lines.count,
                lines.run,
                sum(map(len, weights)),
                len(members) * len(order),
            )
        )
        weights.append(per_block(lined, blocks, by.pack))
    orders = np.concatenate([np.where(order < 0, -1, order + part.group * made) for part in parts.each])
    return {
        **dict(zip(("batch", "in_h", "in_w", "in_c"), x, strict=True)),
        **dict(zip(("out_h", "out_w", "out_c"), y[1:], strict=True)),
        "part_in": taken,
        "part_out": made,
        **_pairs("stride", parts.stride),
        **_pairs("dilation", parts.dilation),
        **_pairs("out_stride", parts.apart),
        "pad_value": site.input(0).qp.zp,
        "together": together(site.const(1)),
        "count": len(members),
        "parts": np.array([astuple(member) for member in members], np.int32).ravel(),
        "weights": np.concatenate(weights),
        "bias": np.concatenate([in_order(part.bias, order) for part in parts.each]),
        **factor_params(site, multiplier, orders),
        **output_params(site, parts.clamp),
        "small": int(all(are_small(part.weights, part.bias, _of_group(multiplier, part)) for part in parts.each)),
    }


def _of_group(multiplier: Multiplier, part: Part) -> Multiplier:
    """The factors of the channels of a part."""
    own = slice(part.group * len(part.bias), (part.group + 1) * len(part.bias))
    return Multiplier(multiplier.mantissa[own], multiplier.shift[own])


def _pairs(name: str, values: Pair) -> Mapping[str, Param]:
    return {f"{name}_h": values[0], f"{name}_w": values[1]}


def _scratch(site: Site, parts: Parts, by: Products) -> int:
    some = together(site.const(1))
    each = (lines_for(_windows(site, parts, part), part.weights.shape, by.cost) for part in parts.each)
    return max(scratch_of(lines, some) for lines in each)


def _rows(parts_of: Callable[[Site], Parts], takes: AllOf) -> tuple[Kernel, ...]:
    """The rows of an operator, fastest first."""

    def row(by: Products, fits: AllOf) -> Kernel:
        return Kernel(
            f"eq_conv_parts_{by.name}",
            (f"neon/conv_parts_{by.name}.c",),
            "eq/conv_parts_neon.h",
            "eq_conv_parts_neon_params",
            lambda site: _lower(site, parts_of(site), by),
            by.isa,
            fits,
            lambda site: _scratch(site, parts_of(site), by),
            disjoint,
            rounded=True,
        )

    return row(BY_DOT, takes), row(BY_PAIR, all_of(takes, has_no_least_weight))


def grouped_rows() -> tuple[Kernel, ...]:
    """The rows of Conv2D in several groups."""
    several = Condition("The convolution has several groups", lambda site: op_of(site, Conv2D).groups > 1)
    return _rows(groups_of, all_of(several, takes_weights(_multiplier)))


def transposed_rows() -> tuple[Kernel, ...]:
    """The rows of ConvTranspose2D."""
    return _rows(phases, all_of(takes_weights(_multiplier)))
