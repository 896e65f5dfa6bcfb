"""What kernels that multiply by a matrix of weights share, and their rows for pixels read in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from edgeq.ir.condition import Condition, all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType
from edgeq.kernels._shared.site import flat_weights, is_symmetric, padded
from edgeq.kernels.dsp.isa import DSP
from edgeq.kernels.dsp.pack import fit_mixed, pack_fours, pack_int4_groups, pack_pairs
from edgeq.numerics.fixedpoint import Multiplier, Rounding
from edgeq.ops._overlap import Overlaps, collected, tiles
from edgeq.ops._requant import QMAX, QMIN, Clamp, folded_bias, output_range, requant_params

TILE = 3
"""Pixels that are computed at once; all of them are read before one is written."""
MOST_INT4 = 1 << 12
"""Sums of magnitudes of a channel's 4-bit weights below which 4096 times its sums of products fit into 32 bits."""
FEWEST_MIXED = 8
"""With fewer products per output, unpacking the second channel costs less than separating its sum."""


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


MatrixOf = Callable[[Site], Matrix]
"""Gives the matrix of a site, whose weights are symmetric."""
Members = Callable[[Site, str], Mapping[str, Param]]


def matrix(site: Site, multiplier: Multiplier, clamp: Clamp) -> Matrix:
    """The matrix of a convolution or a fully connected layer with symmetric weights."""
    flat = flat_weights(site)
    return Matrix(flat, folded_bias(site, flat.astype(np.int64), len(flat)), multiplier, clamp)


def is_direct(site: Site, matrix_of: MatrixOf) -> bool:
    """One SMMLAR and one SSAT requantize: FAST, every factor below 1/2, clamped only to int8."""
    if site.rounding is not Rounding.FAST or not is_symmetric(site):
        return False
    product = matrix_of(site)
    limits = output_range(site.outputs[0].qp, product.clamp)
    small = not product.multiplier.shift.any() and bool((product.multiplier.mantissa < 2**30).all())
    return small and limits == (QMIN, QMAX)


def is_mixed(site: Site, matrix_of: MatrixOf, size: int) -> bool:
    """As `is_direct`, and two channels' weights can share a half, with `size` channels computed at once."""
    if not is_direct(site, matrix_of):
        return False
    product = matrix_of(site)
    return product.weights.shape[1] >= FEWEST_MIXED and fit_mixed(product.weights, product.bias, size)


def is_shifted(site: Site, matrix_of: MatrixOf, rounding: Rounding) -> bool:
    """SINGLE with factors below 1/4 or DOUBLE with factors below 1/2, clamped to int8 only; no weight is −128.

    Then one instruction gives the upper half of the product, exactly rounded for DOUBLE, and its sum with rounding and
    zero-point, which are added before the shift, cannot overflow.
    """
    if site.rounding is not rounding or not is_symmetric(site):
        return False
    product = matrix_of(site)
    shift, mantissa = product.multiplier.shift, product.multiplier.mantissa
    if rounding is Rounding.SINGLE:
        exact = bool((shift <= -2).all() and (shift >= -23).all())
    else:
        exact = bool((shift <= -1).all() and (shift >= -31).all() and (mantissa >= 2**30).all())
    fits = product.weights.shape[1] >= FEWEST_MIXED and bool((product.weights > -128).all())
    limits = output_range(site.outputs[0].qp, product.clamp)
    return exact and fits and limits == (QMIN, QMAX) and fit_mixed(product.weights, product.bias, 2)


def finish_words(variant: str, multiplier: Multiplier, zero_point: int) -> tuple[Array | None, int]:
    """The words packed after the weights of every channel, (rows, OC), and the member `zero_point`."""
    mantissa, shift = multiplier.mantissa.astype(np.int64), -multiplier.shift.astype(np.int64)
    if variant == "mixed_single":
        return np.stack([mantissa, (1 << shift - 2) + (zero_point << shift - 1), shift - 1]), zero_point
    if variant == "mixed_double":
        return np.stack([2 * mantissa, shift - 1]), 2 * zero_point + 1
    return (2 * mantissa if variant else None), zero_point


def lower_matrix(
    site: Site, product: Matrix, variant: str, order: Array | None = None, fours: bool = False
) -> Mapping[str, Param]:
    """The members `weights`, `out_c`, `zero_point`, and what the rounding needs beyond them.

    Args:
        site: the site.
        product: its matrix.
        variant: "mixed", "plain", "mixed_single", "mixed_double", or "" for a kernel whose name ends in a rounding.
        order: of the products of an output; None: as they are.
        fours: whether four channels are computed at once, not two.
    """
    pack = pack_fours if fours else pack_pairs
    weights = product.weights if order is None else product.weights[:, order]
    q = requant_params(site, product.multiplier, product.clamp)
    words, zero_point = finish_words(variant, product.multiplier, site.outputs[0].qp.zp)
    extra = {} if variant else {key: q[key] for key in ("mantissa", "shift", "qmin", "qmax")}
    return {
        "weights": pack(weights, product.bias, words, variant.startswith("mixed")),
        "out_c": len(product.weights),
        "zero_point": zero_point,
        **extra,
    }


def spare_bytes(site: Site) -> int:
    """Memory for the outputs of a last tile of two pixels."""
    channels = site.outputs[0].shape[-1]
    odd = site.outputs[0].size // channels % TILE == 2 and channels > 1
    return padded(TILE * channels, 4) if odd else 0


def scratch(site: Site, beside: int) -> int:
    """Three widened windows, `spare_bytes`, and `beside` bytes."""
    return 2 * TILE * padded(site.const(1)[0].size, 4) + spare_bytes(site) + beside


def has_one_factor(product: Matrix) -> bool:
    """Whether all channels are requantized by the same multiplier."""
    mantissa, shift = product.multiplier.mantissa, product.multiplier.shift
    return bool((mantissa == mantissa[0]).all() and (shift == shift[0]).all())


def one_factor_of(matrix_of: MatrixOf) -> Condition:
    """`has_one_factor` of a matrix, as a condition."""
    return Condition("All channels share a factor", lambda site: is_symmetric(site) and has_one_factor(matrix_of(site)))


def is_unsigned_mix(product: Matrix, size: int) -> bool:
    """Two channels' weights can share a half without negating any of them, with `size` channels computed at once."""
    return fit_mixed(product.weights, product.bias, size) and bool((product.weights > -128).all())


DIRECT = "One multiplication requantizes: arithmetic `fast`, symmetric weights, factors below 1/2, clamped to int8 only"
MIXED = "Weights of two channels can share a half word, and a sum has products enough"
SHIFTED = {
    Rounding.SINGLE: "The rounding is `single`, with factors below 1/4, clamped to int8 only, no weight −128",
    Rounding.DOUBLE: "The rounding is `double`, with factors below 1/2, clamped to int8 only, no weight −128",
}


def direct_of(matrix_of: MatrixOf) -> Condition:
    """`is_direct` of a matrix, as a condition."""
    return Condition(DIRECT, lambda site: is_direct(site, matrix_of))


def variants(
    row: Kernel,
    members: Members,
    shape: Callable[[Site], bool],
    matrix_of: MatrixOf,
    size: int = 2,
    shifted: tuple[Rounding, ...] = (),
) -> tuple[Kernel, ...]:
    """The rows of a kernel for sites that `shape` takes, fastest first.

    Args:
        row: what they share; its function lacks the variant.
        members: the parameters of a variant.
        shape: whether the kernel takes the shapes and attributes of a site.
        matrix_of: the matrix of a site.
        size: output channels that are computed at once.
        shifted: roundings that have a kernel of their own, besides FAST.
    """

    def variant_row(variant: str, arithmetic: Callable[[Site], bool]) -> Kernel:
        return replace(
            row,
            function=f"{row.function}_{variant}" if variant else row.function,
            lower=lambda site: members(site, variant),
            fits=all_of(shape, arithmetic),
            isa=DSP,
            rounded=not variant,
        )

    def shifted_row(rounding: Rounding) -> Kernel:
        shifts = Condition(SHIFTED[rounding], partial(is_shifted, matrix_of=matrix_of, rounding=rounding))
        kernel = variant_row(f"mixed_{rounding.value}", shifts)
        return replace(kernel, goals=row.goals - {"size"})

    return (
        variant_row(
            "mixed", all_of(direct_of(matrix_of), Condition(MIXED, lambda site: is_mixed(site, matrix_of, size)))
        ),
        variant_row("plain", direct_of(matrix_of)),
        *(shifted_row(rounding) for rounding in shifted),
        variant_row("", is_symmetric),
    )


def gemm_members(site: Site, product: Matrix, variant: str, order: Array | None = None) -> Mapping[str, Param]:
    """The members of `eq_gemm_dsp`, as members of the struct around it."""
    members = {**lower_matrix(site, product, variant, order), "k": padded(product.weights.shape[1], 4)}
    return {f"gemm.{key}": value for key, value in members.items()}


def pixels_of(site: Site) -> int:
    """Pixels of the output: rows of the matrix that is multiplied."""
    return site.outputs[0].size // site.outputs[0].shape[-1]


def pointwise_overlap(site: Site) -> Overlaps:
    """Tiles of pixels in order, each read before it is written."""
    return collected(site, tiles(np.arange(pixels_of(site), dtype=np.int64)[None], TILE))


def is_light(site: Site) -> bool:
    """No sum of magnitudes of weights, times 128 and 4096, can leave 32 bits."""
    return bool((np.abs(flat_weights(site).astype(np.int64)).sum(axis=1) < MOST_INT4).all())


def is_direct_int4(site: Site, matrix_of: MatrixOf, most_shift: int = 0) -> bool:
    """As `is_direct`, with factors below 1, or 2 to the power of `most_shift`.

    Sums of products of 4-bit weights have room to be doubled, and to be shifted where they and the biases are small.
    """
    if site.rounding is not Rounding.FAST or not is_symmetric(site):
        return False
    product = matrix_of(site)
    shift = product.multiplier.shift.astype(np.int64)
    reach = np.abs(product.bias.astype(np.int64)) + 128 * np.abs(product.weights.astype(np.int64)).sum(axis=1)
    room = bool((np.where(shift > 0, reach << shift.clip(0, most_shift), np.abs(product.bias)) < 1 << 29).all())
    limits = output_range(site.outputs[0].qp, product.clamp)
    return room and bool(((shift >= 0) & (shift <= most_shift)).all()) and limits == (QMIN, QMAX)


def direct_int4_of(matrix_of: MatrixOf, most_shift: int = 0) -> Condition:
    """`is_direct_int4` of a matrix, as a condition."""
    text = DIRECT.replace("1/2", str(1 << most_shift))
    return Condition(text, lambda site: is_direct_int4(site, matrix_of, most_shift))


def direct_int4_numbers(product: Matrix) -> tuple[Array, Array]:
    """Doubled biases, and multipliers, for `is_direct_int4`."""
    return 2 * product.bias.astype(np.int64), product.multiplier.mantissa.astype(np.int64)


LIGHT = Condition("128 times the sum of a channel's magnitudes is below 2¹⁹, and weights are symmetric", is_light)


def lower_int4(site: Site, product: Matrix, direct: bool, size: int, order: Array | None = None) -> Mapping[str, Param]:
    """As `lower_matrix` for weights of 4 bits, `size` channels at once; `direct`: one multiplication requantizes."""
    q = requant_params(site, product.multiplier, product.clamp)
    numbers = direct_int4_numbers(product) if direct else (product.bias,)
    keys = ("zero_point",) if direct else ("zero_point", "mantissa", "shift", "qmin", "qmax")
    weights = product.weights if order is None else product.weights[:, order]
    return {"weights": pack_int4_groups(weights, size, numbers), "out_c": len(weights), **{key: q[key] for key in keys}}


def int4_members(site: Site, product: Matrix, direct: bool, order: Array | None = None) -> Mapping[str, Param]:
    """As `gemm_members` for weights of 4 bits."""
    members = {**lower_int4(site, product, direct, 2, order), "k": padded(product.weights.shape[1], 4)}
    return {f"gemm.{key}": value for key, value in members.items()}


def int4_rows(
    row: Kernel,
    members: Callable[[Site, bool], Mapping[str, Param]],
    shape: Callable[[Site], bool],
    matrix_of: MatrixOf,
) -> tuple[Kernel, ...]:
    """The rows of a kernel for weights of 4 bits, the one that requantizes by one multiplication first.

    Args:
        row: what they share.
        members: the parameters, of the direct one or not.
        shape, matrix_of: as in `variants`.
    """
    rounded = replace(
        row,
        lower=lambda site: members(site, False),
        isa=DSP,
        fits=all_of(shape, is_symmetric, LIGHT),
        rounded=True,
        weights=frozenset({DType.INT4}),
    )
    direct = replace(
        rounded,
        function=f"{row.function}_direct",
        lower=lambda site: members(site, True),
        fits=all_of(rounded.fits, direct_int4_of(matrix_of)),
        rounded=False,
    )
    return direct, rounded


def pointwise_int4_rows(shape: Callable[[Site], bool], matrix_of: MatrixOf) -> tuple[Kernel, ...]:
    """The rows of `eq_pointwise_int4_dsp`, for what `pointwise_rows` are for."""

    def members(site: Site, direct: bool) -> Mapping[str, Param]:
        product = matrix_of(site)
        sizes = {"pixels": pixels_of(site), "in_c": product.weights.shape[1]}
        return {**int4_members(site, product, direct), **sizes}

    row = Kernel(
        "eq_pointwise_int4_dsp",
        ("dsp/pointwise_int4.c", "dsp/gemm_int4.c", "dsp/gemm.c"),
        "eq/pointwise_int4_dsp.h",
        "eq_pointwise_dsp_params",
        lambda site: {},
        scratch=lambda site: scratch(site, 0),
        overlap=pointwise_overlap,
    )
    return int4_rows(row, members, shape, matrix_of)


def pointwise_rows(
    shape: Callable[[Site], bool], matrix_of: MatrixOf, shifted: tuple[Rounding, ...]
) -> tuple[Kernel, ...]:
    """Rows of `eq_pointwise_dsp`, for an operator whose output is every pixel of the input times a matrix.

    `shifted`: see `variants`.
    """

    def members(site: Site, variant: str) -> Mapping[str, Param]:
        product = matrix_of(site)
        sizes = {"pixels": pixels_of(site), "in_c": product.weights.shape[1]}
        return {**gemm_members(site, product, variant), **sizes}

    row = Kernel(
        "eq_pointwise_dsp",
        ("dsp/pointwise.c", "dsp/gemm.c"),
        "eq/pointwise_dsp.h",
        "eq_pointwise_dsp_params",
        lambda site: {},
        scratch=lambda site: scratch(site, 0),
        overlap=pointwise_overlap,
    )
    return variants(row, members, shape, matrix_of, 2, shifted)
