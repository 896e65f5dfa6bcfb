"""Weights and multipliers as the x86 kernels read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from edgeq.ir.condition import AllOf, Condition, all_of
from edgeq.ir.kernel import Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared.site import flat_weights, is_symmetric, op_of, output_params, padded
from edgeq.kernels.x86.isa import Vectors
from edgeq.kernels.x86.nearest import Factors, float_bits, nearest_factors
from edgeq.numerics.fixedpoint import Ints, Multiplier, Rounding
from edgeq.ops._requant import Clamp, folded_bias, output_range
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.conv_transpose2d import ConvTranspose2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected

Product = Conv2D | ConvTranspose2D | DepthwiseConv2D | FullyConnected

Channels = npt.NDArray[np.intp]

MOST_OF_A_PAIR = 128
"""What two weights may add up to: 255 times that fits 16 bits, signed."""
MOST = 1 << 30
"""What sums must stay below, so that half of what they are divided by can be added."""
_GREATEST_SHIFT = {Rounding.FAST: 0, Rounding.SINGLE: -2, Rounding.DOUBLE: -1}
"""Factors below one, with SINGLE below 1/4, with DOUBLE below 1/2: no sum is shifted before it is multiplied."""


def takes_multiplier(multiplier: Multiplier, rounding: Rounding) -> bool:
    """Whether the kernels can multiply by the factors; nearly all factors are far below one."""
    shifts = multiplier.shift
    return int(shifts.max()) <= _GREATEST_SHIFT[rounding] and (rounding is Rounding.FAST or int(shifts.min()) >= -30)


def has_room(site: Site) -> bool:
    """Sums stay in the lower half of 32 bits"""
    offset, weights = _offset_and_weights(site)
    return bool((offset + 255 * weights).max() < MOST)


def _offset_and_weights(site: Site) -> tuple[Ints, Ints]:
    """Per channel: the magnitude of the bias with the input's zero-point folded in, or a bound of it, and Σ |w|."""
    wide = flat_weights(site).astype(np.int64)
    weights = np.abs(wide).sum(axis=1)
    if not isinstance(site.op, ConvTranspose2D):
        return np.abs(folded_bias(site, wide, len(wide)).astype(np.int64)), weights
    bias = site.const_or_none(2)  # of a transposed convolution's taps an output sees some
    return (0 if bias is None else np.abs(bias.astype(np.int64))) + abs(site.input(0).qp.zp) * weights, weights


def takes_weights(multiplier_of: Callable[[Site], Multiplier]) -> AllOf:
    """Symmetric weights, and factors of requantization that the vectors can take."""
    words = "Vectors can take the factors of requantization"
    factors = Condition(words, lambda site: takes_multiplier(multiplier_of(site), site.rounding))
    return all_of(is_symmetric, factors, has_room)


def pair_order(channels: int, vectors: Vectors) -> Channels:
    """The channel of each lane, −1 where there is none.

    They are in order, but of every eight channels of a whole pair of vectors four are in each, as instructions pack two
    vectors into one.
    """
    lanes, pair = np.arange(padded(channels, vectors.lanes)), 2 * vectors.lanes
    whole = channels // pair * pair
    paired = lanes[:whole].reshape(-1, pair // 8, 2, 4).transpose(0, 2, 1, 3).ravel()
    return np.concatenate([paired, np.where(lanes[whole:] < channels, lanes[whole:], -1)])


def pack_steps(weights: Array, vectors: Vectors) -> Array:
    """Weights (OC, K): per vector of channels, per step of K, the step of each lane; zeros fill both up."""
    depth = padded(weights.shape[1], vectors.step)
    w = np.pad(weights, ((0, 1), (0, depth - weights.shape[1])))[pair_order(len(weights), vectors)]
    return w.reshape(-1, vectors.lanes, depth // vectors.step, vectors.step).transpose(0, 2, 1, 3).ravel()


def parts_of(weights: Array) -> tuple[Array, Array]:
    """Weights (…, 2n) in two parts, in each of which neighbours have a sum of at most 128 in magnitude."""
    pairs = weights.astype(np.int16).reshape(-1, 2)
    sums = pairs.sum(axis=1)
    rest = np.zeros_like(pairs)
    rest[:, 0] = np.sign(sums) * np.where(
        pairs[:, 0] * pairs[:, 1] > 0, np.maximum(np.abs(sums) - MOST_OF_A_PAIR, 0), 0
    )
    return (pairs - rest).astype(np.int8).reshape(weights.shape), rest.astype(np.int8).reshape(weights.shape)


def pack_parts(weights: Array, offsets: Array, vectors: Vectors) -> tuple[Array, Array, Array]:
    """Weights (OC, K) and the offsets of their steps, steps in two parts twice.

    Returns: weights as `pack_steps` has them, but every pair of vectors on its own; its offsets, one pair's after
        another's; for each pair the first of its steps, and how many there are.
    """
    first, rest = (np.pad(part, ((0, 1), (0, 0)))[pair_order(len(weights), vectors)] for part in parts_of(weights))
    found: list[tuple[Array, Array]] = []
    for begin in range(0, len(first), 2 * vectors.lanes):
        rows = slice(begin, begin + 2 * vectors.lanes)
        both = np.concatenate(
            [part[rows].reshape(len(first[rows]), -1, vectors.step) for part in (first, rest)], axis=1
        )
        kept = np.flatnonzero((np.arange(both.shape[1]) < len(offsets)) | both.any(axis=(0, 2)))
        steps = both[:, kept].reshape(-1, vectors.lanes, len(kept), vectors.step)
        found.append((steps.transpose(0, 2, 1, 3).ravel(), np.tile(offsets, 2)[kept]))
    counts = np.array([len(steps) for _, steps in found])
    strips = np.stack([np.cumsum(counts) - counts, counts], axis=1).ravel().astype(np.int32)
    return np.concatenate([packed for packed, _ in found]), np.concatenate([steps for _, steps in found]), strips


def right_shift(multiplier: Multiplier, rounding: Rounding) -> Array:
    """By how much a product's high word (SINGLE: of 64 bits; DOUBLE: of twice the product) is shifted to the right."""
    return (-multiplier.shift - (1 if rounding is Rounding.SINGLE else 0)).astype(np.int32)


def factors_of(site: Site, multiplier: Multiplier, clamp: Clamp, form: str) -> Factors | None:
    """What a form of `nearest` multiplies the site's sums by; None if that is not proved to give the same."""
    offset, weights = _offset_and_weights(site)
    reach = offset + 128 * weights
    (low, high), zero = output_range(site.outputs[0].qp, clamp), site.outputs[0].qp.zp
    return nearest_factors(multiplier, site.rounding, (low - zero, high - zero), reach, form)


def function_name(base: str, vectors: Vectors, form: str | None) -> str:
    """The C name of a row, to which its rounding is appended where there is no form."""
    return f"{base}_{vectors.name}" + (f"_{form}" if form else "")


def proof_of(
    form: str | None, multiplier_of: Callable[[Site], Multiplier], kind: type[Product]
) -> tuple[Condition, ...]:
    """What a row of a form asks of its sites besides what all ask of them."""

    def proved(site: Site) -> bool:
        return factors_of(site, multiplier_of(site), op_of(site, kind).clamp, form or "") is not None

    words = "One float32 multiplication is proved to give every output"
    return (Condition(words, proved),) if form else ()


def requant_members(
    site: Site, bias: Array, multiplier: Multiplier, clamp: Clamp, order: Channels, form: str | None
) -> Mapping[str, Param]:
    """The members that make outputs of sums, those of channels in the kernels' order, which has −1 where there is none.

    Args:
        site: any with a requantization.
        bias: (C,) of the sums.
        multiplier, clamp: of the outputs.
        order: of the channels.
        form: of `nearest`, one that `factors_of` has found; None: as the site's rounding says.
    """

    def ordered(values: Array, spare: int = 0) -> Array:
        return np.where(order < 0, spare, values[order]).astype(np.int32)

    members = output_params(site, clamp)
    factors = factors_of(site, multiplier, clamp, form) if form else None
    if factors:
        return {
            "bias": ordered(bias - factors.centre.astype(np.int64)),
            "multiplier": ordered(float_bits(factors.factor)),
            "shift": ordered(float_bits(factors.nudge)),
            **members,
            "zero_point": site.outputs[0].qp.zp + factors.level,
        }
    fast = site.rounding is Rounding.FAST
    return {
        "bias": ordered(bias),
        "multiplier": ordered(multiplier.mantissa),
        "shift": 0 if fast else ordered(right_shift(multiplier, site.rounding), 1),
        **members,
    }
