"""Rows of the kernels that take the least flash on cores with the DSP extension, for `--optimize size`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from edgeq.ir.condition import AllOf, Condition, Predicate, all_of
from edgeq.ir.kernel import Goal, Kernel, Param, always
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType
from edgeq.kernels._shared.site import op_of, padded
from edgeq.kernels.dsp.conv2d import conv_matrix, conv_overlap, has_one_group, is_pointwise
from edgeq.kernels.dsp.fully_connected import dense_matrix, is_long_row, row_overlap
from edgeq.kernels.dsp.gemm import (
    LIGHT,
    MIXED,
    TILE,
    Matrix,
    MatrixOf,
    direct_int4_numbers,
    direct_int4_of,
    direct_of,
    is_unsigned_mix,
    one_factor_of,
    pixels_of,
    pointwise_overlap,
)
from edgeq.kernels.dsp.isa import DSP
from edgeq.kernels.dsp.octaves import Octaves, pack_octaves
from edgeq.kernels.dsp.pack import pack_biases, pack_entries, pack_int4_groups, pack_weights
from edgeq.ops._requant import scalar_requant_params
from edgeq.ops.conv2d import Conv2D

INT8_MAX, INT16_MAX = 127, 32767
PAIR_BYTES = 20
MOST_SHIFT = 4
"""Fully connected layers of 4 bits take factors below 2 to the power of this."""
SIZE_ONLY: frozenset[Goal] = frozenset({"size"})
Variant = Literal["mixed", "plain", "int4"]
"""How weights are packed."""


@dataclass(frozen=True)
class Windows:
    """What a convolution reads for an output.

    Attributes:
        x, y: N, H, W, C of input and output.
        kernel, stride, dilation, before: rows and columns; `before` is the padding above and on the left.
        apart: whether a window can lie partly in the padding, or its columns are not side by side.
    """

    x: tuple[int, ...]
    y: tuple[int, ...]
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    before: tuple[int, int] = (0, 0)
    apart: bool = False

    @property
    def row(self) -> int:
        """Values of a row of the window."""
        return self.kernel[1] * self.x[3]

    @property
    def k(self) -> int:
        """Products per output, every row of the window filled up."""
        return self.kernel[0] * padded(self.row, 4)

    @property
    def is_small(self) -> bool:
        """Its members fit the struct's."""
        small = max(*self.kernel, *self.stride, *self.dilation, *self.before) <= INT8_MAX
        return small and max(*self.x, *self.y, self.k) <= INT16_MAX


def windows(site: Site) -> Windows:
    """The windows of a convolution."""
    op, x, y, w = op_of(site, Conv2D), site.input(0).shape, site.outputs[0].shape, site.input(1).shape
    apart = any(op.padding) or (op.dilation[1] > 1 and w[2] > 1)
    before = (op.padding[0], op.padding[1])
    return Windows(x, y, (w[1], w[2]), op.stride, op.dilation, before, apart)


def _has_group(group: int) -> Condition:
    return Condition(f"There are at least {group} output channels", lambda site: site.input(1).shape[0] >= group)


def _gemm(site: Site, product: Matrix, weights: Array, group: int, variant: Variant) -> Mapping[str, Param]:
    """The members of `eq_compact_dsp`; weights: (OC, K)."""
    narrow = variant == "int4"
    bias, factor = direct_int4_numbers(product)
    entries = pack_entries(bias, factor) if narrow else pack_entries(product.bias, 2 * factor)
    shift = product.multiplier.shift
    shifted = bool(shift.any())
    members: dict[str, Param] = {
        "weights": pack_int4_groups(weights, group) if narrow else pack_weights(weights, group, variant == "mixed"),
        "entries": np.hstack([shift.astype(np.int8)[:, None], entries.data]) if shifted else entries.data,
        "k": padded(weights.shape[1], 4),
        "out_c": len(weights),
        **entries.members("entry"),
        "zero_point": site.outputs[0].qp.zp,
        "shifted": int(shifted),
    }
    return {f"gemm.{key}": value for key, value in members.items()}


def _window_members(site: Site, variant: Variant) -> Mapping[str, Param]:
    """Parameters of `eq_compact_conv2d_dsp`."""
    window, product = windows(site), conv_matrix(site)
    rows = product.weights.reshape(len(product.weights), window.kernel[0], window.row)
    filled = np.pad(rows, ((0, 0), (0, 0), (0, padded(window.row, 4) - window.row)))
    return {
        **_gemm(site, product, filled.reshape(len(rows), -1), 2, variant),
        "pad_value": site.input(0).qp.zp,
        "kernel_h": window.kernel[0],
        "kernel_w": window.kernel[1],
        "stride_h": window.stride[0],
        "stride_w": window.stride[1],
        "dilation_h": window.dilation[0],
        "dilation_w": window.dilation[1],
        "pad_top": window.before[0],
        "pad_left": window.before[1],
        "batch": window.x[0],
        "in_h": window.x[1],
        "in_w": window.x[2],
        "in_c": window.x[3],
        "out_h": window.y[1],
        "out_w": window.y[2],
    }


def _variants(
    row: Kernel,
    members: Callable[[Site, Variant], Mapping[str, Param]],
    fits: Predicate,
    matrix_of: MatrixOf,
    group: int,
    most_shift: int = 0,
) -> tuple[Kernel, ...]:
    """The rows for mixed and for plain weights, and for those of 4 bits."""
    mixes = Condition(MIXED, lambda site: is_unsigned_mix(matrix_of(site), group))
    direct = all_of(_has_group(group), direct_of(matrix_of))
    wants: dict[Variant, AllOf] = {
        "mixed": all_of(direct, mixes),
        "plain": direct,
        "int4": all_of(_has_group(group), direct_int4_of(matrix_of, most_shift), LIGHT),
    }

    def variant_row(variant: Variant) -> Kernel:
        return replace(
            row,
            function=f"{row.function}_{variant}",
            lower=lambda site: members(site, variant),
            fits=all_of(fits, wants[variant]),
            isa=DSP,
            goals=SIZE_ONLY,
            weights=frozenset({DType.INT4 if variant == "int4" else DType.INT8}),
        )

    return tuple(variant_row(variant) for variant in wants)


def _scratch(k: int, channels: int, row: int) -> int:
    """Three widened windows, what is unpacked of pairs of channels, three outputs, and a row of a window."""
    return 2 * TILE * padded(k, 4) + PAIR_BYTES * -(-channels // 2) + padded(TILE * channels + row, 4)


def _pointwise_rows(shape: Predicate, matrix_of: MatrixOf) -> tuple[Kernel, ...]:
    """Rows for an operator whose output is every pixel of the input times a matrix."""

    def members(site: Site, variant: Variant) -> Mapping[str, Param]:
        product = matrix_of(site)
        sizes = {"in_c": product.weights.shape[1], "pixels": pixels_of(site)}
        return {**_gemm(site, product, product.weights, 2, variant), **sizes}

    def is_small(site: Site) -> bool:
        """Channels and pixels fit 16 bits."""
        w = site.const(1)
        return max(len(w), padded(w[0].size, 4), pixels_of(site)) <= INT16_MAX

    row = Kernel(
        "eq_compact_pointwise_dsp",
        ("dsp/compact_conv2d.c",),
        "eq/compact_dsp.h",
        "eq_compact_pointwise_dsp_params",
        lambda site: {},
        scratch=lambda site: _scratch(site.const(1)[0].size, site.outputs[0].shape[-1], 0),
        overlap=pointwise_overlap,
    )
    return _variants(row, members, all_of(shape, is_small), matrix_of, 2)


def compact_conv2d_rows() -> tuple[Kernel, ...]:
    """Rows of convolutions in one group."""

    def scratch(site: Site) -> int:
        window = windows(site)
        return _scratch(window.k, window.y[3], window.row if window.apart else 0)

    row = Kernel(
        "eq_compact_conv2d_dsp",
        ("dsp/compact_conv2d.c",),
        "eq/compact_dsp.h",
        "eq_compact_conv2d_dsp_params",
        lambda site: {},
        scratch=scratch,
        overlap=conv_overlap,
    )

    def is_small(site: Site) -> bool:
        """Windows, strides and padding fit 8 bits, sizes 16."""
        return windows(site).is_small

    fits = all_of(has_one_group, is_small)
    return *_pointwise_rows(is_pointwise, conv_matrix), *_variants(row, _window_members, fits, conv_matrix, 2)


def compact_fully_connected_rows() -> tuple[Kernel, ...]:
    """Rows of fully connected layers; short ones and those of several rows are 1×1 convolutions."""

    def members(site: Site, variant: Variant) -> Mapping[str, Param]:
        product = dense_matrix(site)
        return {**_gemm(site, product, product.weights, 4, variant), "in_c": product.weights.shape[1]}

    def is_small(site: Site) -> bool:
        """Channels fit 16 bits."""
        return max(site.const(1).shape) <= INT16_MAX - 3

    fits = all_of(is_long_row, is_small)

    row = Kernel(
        "eq_compact_fully_connected_dsp",
        ("dsp/compact_fully_connected.c",),
        "eq/compact_dsp.h",
        "eq_compact_fully_connected_dsp_params",
        lambda site: {},
        overlap=row_overlap,
    )
    return (
        *_shared_rows(row, fits),
        *_octave_rows(row, fits),
        *_variants(row, members, fits, dense_matrix, 4, MOST_SHIFT),
        *_pointwise_rows(always, dense_matrix),
    )


def _shared_rows(row: Kernel, fits: Predicate) -> tuple[Kernel, ...]:
    """Rows of fully connected layers whose channels share a factor."""

    def members(site: Site, mixed: bool) -> Mapping[str, Param]:
        product = dense_matrix(site)
        biases, size = pack_biases(product.bias)
        return {
            "weights": pack_weights(product.weights, 4, mixed),
            "biases": biases,
            "bias_bytes": size,
            "in_c": product.weights.shape[1],
            "out_c": len(product.weights),
            **scalar_requant_params(site, product.multiplier, product.clamp),
        }

    shares = all_of(_has_group(4), fits, one_factor_of(dense_matrix))
    return _mixed_and_plain(replace(row, rounded=True), "shared", members, shares)


def _mixed_and_plain(
    row: Kernel, kind: str, members: Callable[[Site, bool], Mapping[str, Param]], fits: Predicate
) -> tuple[Kernel, ...]:
    """The two rows of a kind of fully connected layers: with mixed weights where these can be, and with plain ones."""
    mixes = Condition(MIXED, lambda site: is_unsigned_mix(dense_matrix(site), 4))

    def variant(name: str, mixed: bool, wants: Predicate) -> Kernel:
        return replace(
            row,
            function=f"eq_{kind}_fully_connected_dsp_{name}",
            struct=f"eq_{kind}_fully_connected_dsp_params",
            lower=lambda site: members(site, mixed),
            fits=wants,
            isa=DSP,
            goals=SIZE_ONLY,
        )

    return variant("mixed", True, all_of(fits, mixes)), variant("plain", False, fits)


def _octave_rows(row: Kernel, fits: Predicate) -> tuple[Kernel, ...]:
    """Rows of fully connected layers with few factors, but for whole octaves between them."""

    def packed(site: Site) -> Octaves | None:
        product = dense_matrix(site)
        mantissa, shift = product.multiplier.mantissa, product.multiplier.shift
        return pack_octaves(product.bias, mantissa, shift) if mantissa.min() > 0 else None

    def members(site: Site, weights: Array) -> Mapping[str, Param]:
        found = packed(site)
        assert found is not None
        return {
            "weights": weights,
            "entries": found.entries,
            "factors": found.factors,
            "in_c": site.const(1).shape[1],
            "out_c": len(site.const(1)),
            "bits": found.bits,
            "factor_bits": found.factor_bits,
            "octave_bits": found.octave_bits,
            "left": found.left,
            "zero_point": site.outputs[0].qp.zp,
        }

    def is_packed(site: Site) -> bool:
        """Channels have few factors but for whole octaves, which lie in 32 bits beside biases."""
        return packed(site) is not None

    every = all_of(_has_group(4), fits)
    of_bytes = _mixed_and_plain(
        row,
        "octave",
        lambda site, mixed: members(site, pack_weights(dense_matrix(site).weights, 4, mixed)),
        all_of(every, direct_of(dense_matrix), is_packed),
    )
    narrow = replace(
        of_bytes[0],
        function="eq_octave_fully_connected_dsp_int4",
        lower=lambda site: members(site, pack_int4_groups(dense_matrix(site).weights, 4)),
        fits=all_of(every, direct_int4_of(dense_matrix, MOST_SHIFT), LIGHT, is_packed),
        weights=frozenset({DType.INT4}),
    )
    return *of_bytes, narrow
