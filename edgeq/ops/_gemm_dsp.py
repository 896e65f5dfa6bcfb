"""Rows of the kernels that multiply by a matrix of weights on cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from edgeq.ir.kernel import Goal, Kernel, Param
from edgeq.ir.op import Site
from edgeq.ir.tensor import Array
from edgeq.numerics.fixedpoint import Multiplier, Rounding
from edgeq.ops._overlap import Overlaps, collected, first_pixels, in_rows, tiles
from edgeq.ops._pack_dsp import fit_mixed, pack_fours, pack_pairs, padded
from edgeq.ops._requant import (
    QMAX,
    QMIN,
    Clamp,
    effective_multiplier,
    folded_bias,
    output_range,
    requant_params,
    weight_zero_points,
)
from edgeq.ops._window import geometry, is_window

if TYPE_CHECKING:
    from edgeq.ops.conv2d import Conv2D

ISA = frozenset({"dsp"})
TILE = 3
"""Pixels that are computed at once; all of them are read before one is written."""
FEWEST_MIXED = 8
"""With fewer products per output, unpacking the second channel costs less than separating its sum."""
FEWEST_ALONE = 1024
"""With fewer weights, a layer of one row is not worth the code of a kernel of its own."""

Scale = Callable[[Site], Multiplier]
Members = Callable[[Site, str], Mapping[str, Param]]


@dataclass(frozen=True, eq=False)
class Matrix:
    """What a site multiplies by.

    Attributes:
        weights: int8 (OC, K).
        bias: int32 (OC), the input's zero-point folded in.
        multiplier: one per output channel.
        clamp: of the operator.
    """

    weights: Array
    bias: Array
    multiplier: Multiplier
    clamp: Clamp


def matrix(site: Site, scale: Scale) -> Matrix:
    """The matrix of a convolution or a fully connected layer with symmetric weights."""
    w = site.const(1)
    flat = w.reshape(w.shape[0], -1)
    clamp = cast("Conv2D", site.op).clamp
    return Matrix(flat, folded_bias(site, flat.astype(np.int64), len(flat)), scale(site), clamp)


def conv_multiplier(site: Site) -> Multiplier:
    """One factor per output channel."""
    return effective_multiplier(site, site.outputs[0].shape[-1])


def is_symmetric(site: Site) -> bool:
    """The weights have no zero-point."""
    return not weight_zero_points(site, site.const(1).shape[0]).any()


def is_direct(site: Site, scale: Scale) -> bool:
    """One SMMLAR and one SSAT requantize: FAST, every factor below 1/2, no clamp but to int8."""
    if site.rounding is not Rounding.FAST or not is_symmetric(site):
        return False
    found = matrix(site, scale)
    limits = output_range(site.outputs[0].qp, found.clamp)
    small = not found.multiplier.shift.any() and bool((found.multiplier.mantissa < 2**30).all())
    return small and limits == (QMIN, QMAX)


def is_mixed(site: Site, scale: Scale, size: int) -> bool:
    """Also, two channels' weights can share a half, with `size` channels computed at once."""
    if not is_direct(site, scale):
        return False
    found = matrix(site, scale)
    return found.weights.shape[1] >= FEWEST_MIXED and fit_mixed(found.weights, found.bias, size)


def is_shifted(site: Site, scale: Scale, rounding: Rounding) -> bool:
    """SINGLE with factors below 1/4 or DOUBLE with factors below 1/2, clamped to int8 only; no weight is −128.

    Then one instruction gives the upper half of the product, exactly rounded for DOUBLE, and no sum of it with rounding
    and zero-point, which are added before the shift, can overflow.
    """
    if site.rounding is not rounding or not is_symmetric(site):
        return False
    found = matrix(site, scale)
    shift, mantissa = found.multiplier.shift, found.multiplier.mantissa
    if rounding is Rounding.SINGLE:
        exact = bool((shift <= -2).all() and (shift >= -23).all())
    else:
        exact = bool((shift <= -1).all() and (shift >= -31).all() and (mantissa >= 2**30).all())
    fits = found.weights.shape[1] >= FEWEST_MIXED and bool((found.weights > -128).all())
    limits = output_range(site.outputs[0].qp, found.clamp)
    return exact and fits and limits == (QMIN, QMAX) and fit_mixed(found.weights, found.bias, 2)


def finish_words(variant: str, multiplier: Multiplier, zero_point: int) -> tuple[Array | None, int]:
    """What is packed of every channel behind its weights, (rows, OC), and the member `zero_point`."""
    mantissa, shift = multiplier.mantissa.astype(np.int64), -multiplier.shift.astype(np.int64)
    if variant == "mixed_single":
        return np.stack([mantissa, (1 << shift - 2) + (zero_point << shift - 1), shift - 1]), zero_point
    if variant == "mixed_double":
        return np.stack([2 * mantissa, shift - 1]), 2 * zero_point + 1
    return (2 * mantissa if variant else None), zero_point


def lower_matrix(
    site: Site, scale: Scale, variant: str, order: Array | None = None, fours: bool = False
) -> Mapping[str, Param]:
    """The members `weights`, `out_c`, `zero_point`, and what the rounding needs beyond them.

    Args:
        site: where.
        scale: its multipliers.
        variant: "mixed", "plain", "mixed_single", "mixed_double", or "" for a kernel that ends in a rounding.
        order: of the products of an output; None as they are.
        fours: four channels are computed at once, not two.
    """
    found = matrix(site, scale)
    pack = pack_fours if fours else pack_pairs
    weights = found.weights if order is None else found.weights[:, order]
    q = requant_params(site, found.multiplier, found.clamp)
    words, zero_point = finish_words(variant, found.multiplier, site.outputs[0].qp.zp)
    extra = {} if variant else {key: q[key] for key in ("mantissa", "shift", "qmin", "qmax")}
    return {
        "weights": pack(weights, found.bias, words, variant.startswith("mixed")),
        "out_c": len(found.weights),
        "zero_point": zero_point,
        **extra,
    }


def pointwise_overlap(site: Site) -> Overlaps:
    """Tiles of pixels in order, each read before it is written."""
    pixels = site.outputs[0].size // site.outputs[0].shape[-1]
    return collected(site, tiles(np.arange(pixels, dtype=np.int64)[None], TILE))


def conv_overlap(site: Site) -> Overlaps:
    """The same; a tile may go on in the next image."""
    op, w = _conv(site), site.input(1).shape
    first = first_pixels(site, (w[1], w[2]), op.stride, op.dilation, op.padding)
    return collected(site, tiles(first.reshape(1, -1), TILE))


def row_overlap(site: Site) -> Overlaps:
    """Four channels at once read all whole words of the row; what these leave is copied first."""
    channels = site.outputs[0].shape[-1]
    return in_rows(site, (channels - 1) // 4 * 4 if site.input(0).shape[-1] >= 4 else 0)


def spare_bytes(site: Site) -> int:
    """Memory for the outputs of a last tile of two pixels."""
    channels = site.outputs[0].shape[-1]
    odd = site.outputs[0].size // channels % TILE == 2 and channels > 1
    return padded(TILE * channels, 4) if odd else 0


def scratch(site: Site, beside: int) -> int:
    """Three widened windows, `spare_bytes`, and `beside` bytes."""
    return 2 * TILE * padded(site.const(1)[0].size, 4) + spare_bytes(site) + beside


def variants(
    row: Kernel,
    members: Members,
    shape: Callable[[Site], bool],
    scale: Scale,
    size: int = 2,
    shifted: tuple[Rounding, ...] = (),
) -> tuple[Kernel, ...]:
    """The rows of a kernel for sites that `shape` takes, fastest first.

    Args:
        row: all that they share; its function without the variant.
        members: the parameters of a variant.
        shape: whether the kernel takes the shapes and attributes of a site.
        scale: the multipliers of a site.
        size: output channels that are computed at once.
        shifted: roundings that have a kernel of their own, besides FAST.
    """

    def one(variant: str, arithmetic: Callable[[Site], bool]) -> Kernel:
        return replace(
            row,
            function=f"{row.function}_{variant}" if variant else row.function,
            lower=lambda site: members(site, variant),
            fits=lambda site: shape(site) and arithmetic(site),
            isa=ISA,
            rounded=not variant,
        )

    def of(rounding: Rounding) -> Kernel:
        kernel = one(f"mixed_{rounding.value}", partial(is_shifted, scale=scale, rounding=rounding))
        return replace(kernel, goals=row.goals - {"size"})

    return (
        one("mixed", lambda site: is_mixed(site, scale, size)),
        one("plain", lambda site: is_direct(site, scale)),
        *(of(rounding) for rounding in shifted),
        one("", is_symmetric),
    )


def gemm_members(site: Site, scale: Scale, variant: str, order: Array | None = None) -> Mapping[str, Param]:
    """The members of `eq_gemm_dsp`, as members of the struct around it."""
    found = {**lower_matrix(site, scale, variant, order), "k": padded(site.const(1)[0].size, 4)}
    return {f"gemm.{key}": value for key, value in found.items()}


def pointwise_members(site: Site, scale: Scale, variant: str) -> Mapping[str, Param]:
    """Parameters of `eq_pointwise_dsp`."""
    y = site.outputs[0]
    pixels = y.size // y.shape[-1]
    return {**gemm_members(site, scale, variant), "pixels": pixels, "in_c": site.const(1)[0].size}


def pointwise_rows(shape: Callable[[Site], bool], scale: Scale, shifted: tuple[Rounding, ...]) -> tuple[Kernel, ...]:
    """Rows of `eq_pointwise_dsp`, for an operator whose output is every pixel of the input times a matrix.

    `shifted`: see `variants`.
    """
    row = Kernel(
        "eq_pointwise_dsp",
        ("dsp/pointwise.c", "dsp/gemm.c"),
        "eq/pointwise_dsp.h",
        "eq_pointwise_dsp_params",
        lambda site: {},
        scratch=lambda site: scratch(site, 0),
        overlap=pointwise_overlap,
    )
    return variants(row, lambda site, variant: pointwise_members(site, scale, variant), shape, scale, 2, shifted)


def _conv(site: Site) -> Conv2D:
    return cast("Conv2D", site.op)


def is_pointwise(site: Site) -> bool:
    """A 1×1 convolution in one group that reads every pixel where it is."""
    op, w = _conv(site), site.input(1).shape
    return op.groups == 1 and w[1:3] == (1, 1) and op.stride == (1, 1) and not any(op.padding)


def _run(site: Site) -> int:
    """Values of a row of the window."""
    w = site.input(1).shape
    return w[2] * w[3]


def window_order(rows: int, run: int) -> npt.NDArray[np.int64]:
    """The order in which a window of `rows` of `run` values is read: whole words of each row, then what they leave."""
    at = np.arange(rows * run).reshape(rows, run)
    return np.concatenate([at[:, : run // 4 * 4].ravel(), at[:, run // 4 * 4 :].ravel()])


def _inside(site: Site) -> dict[str, int]:
    """Which output pixels have their whole window within the image, its columns side by side."""
    op, x, w = _conv(site), site.input(0).shape, site.input(1).shape
    y = site.outputs[0].shape
    found = {}
    for i, (low, high) in enumerate((("top", "bottom"), ("left", "right"))):
        reach = op.dilation[i] * (w[1 + i] - 1) + 1
        found[f"inside_{low}"] = -(-op.padding[i] // op.stride[i])
        found[f"inside_{high}"] = min(y[1 + i], (x[1 + i] + op.padding[i] - reach) // op.stride[i] + 1)
    if op.dilation[1] > 1 and w[2] > 1:
        found["inside_right"] = 0
    return found


def _window_bytes(site: Site) -> int:
    """Scratch bytes for windows that are put together, and for what words leave of their rows."""
    rows, run, y = site.input(1).shape[1], _run(site), site.outputs[0].shape
    inside = _inside(site)
    whole = (0, 0, y[1], y[2]) == tuple(inside[f"inside_{side}"] for side in ("top", "left", "bottom", "right"))
    return TILE * rows * ((0 if whole else run) + run % 4)


def _conv_members(site: Site, variant: str) -> Mapping[str, Param]:
    op, x, y, w = _conv(site), site.input(0), site.outputs[0].shape, site.input(1).shape
    shapes = geometry(x.shape, y, (w[1], w[2]), op.stride, op.dilation, op.padding)
    plain = {key: value for key, value in shapes.items() if key != "out_c"}
    members = gemm_members(site, conv_multiplier, variant, window_order(w[1], _run(site)))
    return {**members, **plain, "pad_value": x.qp.zp, **_inside(site), "spare": spare_bytes(site)}


def conv2d_rows() -> tuple[Kernel, ...]:
    """Rows of convolutions in one group."""
    row = Kernel(
        "eq_conv2d_dsp",
        ("dsp/conv2d.c", "dsp/gemm.c"),
        "eq/conv2d_dsp.h",
        "eq_conv2d_dsp_params",
        lambda site: {},
        scratch=lambda site: scratch(site, _window_bytes(site)),
        overlap=conv_overlap,
        instances=is_window,
    )
    double = (Rounding.DOUBLE,)
    pointwise = pointwise_rows(is_pointwise, conv_multiplier, double)
    return (
        *(replace(k, goals=frozenset({"speed", "balanced"})) for k in pointwise),
        *variants(row, _conv_members, lambda site: _conv(site).groups == 1, conv_multiplier, 2, double),
    )


def _is_row(site: Site) -> bool:
    return site.outputs[0].size == site.outputs[0].shape[-1]


def is_long_row(site: Site) -> bool:
    """Of one row, and large enough for a kernel of its own."""
    return _is_row(site) and site.const(1).size >= FEWEST_ALONE


def _row_members(site: Site, scale: Scale, variant: str) -> Mapping[str, Param]:
    found = lower_matrix(site, scale, variant, fours=True)
    return {**found, "in_c": site.const(1).shape[1]}


def fully_connected_rows(scale: Scale) -> tuple[Kernel, ...]:
    """Rows of fully connected layers."""
    row = Kernel(
        "eq_fully_connected_dsp",
        ("dsp/fully_connected.c",),
        "eq/fully_connected_dsp.h",
        "eq_fully_connected_dsp_params",
        lambda site: {},
        overlap=row_overlap,
    )

    def rows(shape: Callable[[Site], bool], *goals: Goal) -> tuple[Kernel, ...]:
        shared = replace(row, goals=frozenset(goals))
        return variants(shared, lambda site, variant: _row_members(site, scale, variant), shape, scale, 4)

    return (
        *rows(_is_row, "speed", "balanced"),
        *rows(is_long_row, "size"),
        *pointwise_rows(lambda site: True, scale, (Rounding.SINGLE, Rounding.DOUBLE)),
    )
