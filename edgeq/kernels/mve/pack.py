"""Weights and multipliers as the mve kernels read them. Every packing has a test that unpacks it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from edgeq.ir.condition import AllOf, Condition, all_of
from edgeq.ir.kernel import Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared.site import is_symmetric, padded
from edgeq.numerics.fixedpoint import Multiplier, Rounding

BLOCK = 16
"""Bytes of a vector."""
WORDS = 4
"""32-bit lanes of a vector."""
SIDE = 4
"""Rows and columns of the largest window whose weights are one vector."""
GROUP = 6
"""Output channels of a fully connected layer computed at once."""
NARROWING = np.array([0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15])
"""Channels of a block in the order in which four vectors of 32-bit lanes narrow into one of bytes."""
SINGLE_MAX_SHIFT = -2
"""Multipliers below 1/4: the whole rounding then takes place in the high word of a product."""

Channels = npt.NDArray[np.intp]


def channel_order(channels: int) -> Channels:
    """Channels in the kernels' order: whole blocks in the order of narrowing, then the rest as they are."""
    whole = channels // BLOCK * BLOCK
    blocks = np.arange(0, whole, BLOCK)[:, None] + NARROWING
    return np.concatenate([blocks.ravel(), np.arange(whole, channels)])


def fill(values: Array, step: int) -> Array:
    """Values (n, …) with zeros after them up to a multiple of `step`."""
    spare = padded(len(values), step) - len(values)
    return np.concatenate([values, np.zeros((spare, *values.shape[1:]), values.dtype)])


def interleave(weights: Array, together: int, block: int = BLOCK) -> Array:
    """Weights (OC, K): for every `together` channels, for every block of K, that of one channel after another."""
    w = fill(weights, together)
    w = np.pad(w, ((0, 0), (0, padded(w.shape[1], block) - w.shape[1])))
    return w.reshape(len(w) // together, together, -1, block).transpose(0, 2, 1, 3).ravel()


def pack_pairs(weights: Array) -> Array:
    """Weights (OC, K) for `eq_gemm`."""
    return interleave(weights[channel_order(len(weights))], 2)


def pack_groups(weights: Array) -> Array:
    """Weights (OC, K) for `eq_fully_connected_mve`."""
    return interleave(weights, GROUP)


def half_bytes(first: Array, second: Array) -> Array:
    """Weights of 4 bits as bytes: `first` in the low halves, `second` in the high ones."""
    return (first.astype(np.int64) & 15 | (second.astype(np.int64) & 15) << 4).astype(np.uint8).view(np.int8)


def pack_int4(weights: Array, together: int) -> Array:
    """Weights (OC, K) of 4 bits: as `interleave`, two channels in a byte."""
    vectors = interleave(weights, together).reshape(-1, 2, BLOCK)
    return half_bytes(vectors[:, 0], vectors[:, 1]).ravel()


def pack_fields(weights: Array, bits: int) -> Array:
    """Weights (OC, K) of 2 bits, or of 1: int8 (⌈OC / n⌉, K filled up to 16), n = 8 / bits channels in a byte.

    The first channel is in the lowest bits. Fields are not negative, 2 more than the weight, for 1 bit 1 for 1 and 0
    for −1; but that in the highest bits counts as negative: two's complement, for 1 bit 0 for 1 and 1 for −1.
    """
    per = 8 // bits
    filled = np.pad(
        fill(weights.astype(np.int64), per), ((0, 0), (0, padded(weights.shape[1], BLOCK) - weights.shape[1]))
    )
    groups = filled.reshape(-1, per, filled.shape[1])
    fields = groups + 2 if bits == 2 else (groups + 1) // 2
    fields[:, -1] = (groups[:, -1] & 3) if bits == 2 else 1 - fields[:, -1]
    return (fields << bits * np.arange(per)[:, None]).sum(axis=1).astype(np.uint8).view(np.int8)


def pack_codes(weights: Array, bits: int) -> tuple[Array, Array]:
    """Weights (OC, K), at most 2 to the power of `bits` different ones, for `eq_fully_connected_codes_mve_params`.

    Returns their table, int8, and int8 (groups of n channels, K filled up to 16), n = 8 / bits, groups of four whole.
    """
    table, places = np.unique(weights.astype(np.int8), return_inverse=True)
    codes = fill(places.reshape(weights.shape).astype(np.int64), 4)
    filled = np.pad(codes, ((0, 0), (0, padded(codes.shape[1], BLOCK) - codes.shape[1])))
    per = 8 // bits
    groups = (filled.reshape(-1, per, filled.shape[1]) << bits * np.arange(per)[:, None]).sum(axis=1)
    return np.pad(table, (0, (1 << bits) - len(table))), groups.astype(np.uint8).view(np.int8)


def pack_vectors(packed: Array) -> Array:
    """Bytes of vectors of 16 weights of 4 bits, one vector in the low and the next in the high halves of a third."""
    vectors = fill(packed.reshape(-1, BLOCK), 2).reshape(-1, 2, BLOCK)
    return half_bytes(vectors[:, 0], vectors[:, 1]).ravel()


def fits_multiplier(multiplier: Multiplier, rounding: Rounding) -> bool:
    """Whether the kernels can multiply by the factors; nearly all factors are far below one."""
    greatest = int(multiplier.shift.max())
    if rounding is Rounding.FAST:
        return greatest == 0
    return greatest <= (SINGLE_MAX_SHIFT if rounding is Rounding.SINGLE else 0)


def takes_weights(multiplier_of: Callable[[Site], Multiplier]) -> AllOf:
    """Symmetric weights, and factors of requantization that the vectors can take."""
    return all_of(is_symmetric, takes_factors(multiplier_of))


def takes_factors(multiplier_of: Callable[[Site], Multiplier]) -> Condition:
    """Factors of requantization that the vectors can take."""
    words = "Vectors can take the factors of requantization: below 1, for single rounding below 1/4"
    return Condition(words, lambda site: fits_multiplier(multiplier_of(site), site.rounding))


def vector_shift(multiplier: Multiplier, rounding: Rounding) -> npt.NDArray[np.int32] | None:
    """By how much a product's high word (SINGLE: of 64 bits; DOUBLE: of twice the product) is shifted; None: not."""
    if rounding is Rounding.FAST:
        return None
    return (multiplier.shift + (1 if rounding is Rounding.SINGLE else 0)).astype(np.int32)


def channel_params(
    site: Site, bias: Array, multiplier: Multiplier, order: Channels, step: int = WORDS
) -> Mapping[str, Param]:
    """The members `bias, multiplier, shift` in the kernels' order, 0 for −1, filled up to a multiple of `step`."""
    shift = vector_shift(multiplier, site.rounding)

    def ordered(values: Array) -> Array:
        return fill(np.where(order < 0, 0, values[order]).astype(np.int32), step)

    return {
        "bias": ordered(bias),
        "multiplier": ordered(multiplier.mantissa),
        "shift": 0 if shift is None else ordered(shift),
    }


def pack_taps(weights: Array) -> Array:
    """Depthwise weights (taps, C): int8 (blocks, taps, 16)."""
    w = np.pad(weights, ((0, 0), (0, padded(weights.shape[1], BLOCK) - weights.shape[1])))
    return w.reshape(len(w), -1, BLOCK).transpose(1, 0, 2)


def block_order(channels: int, together: int) -> Channels:
    """Channels in blocks, all in the order of narrowing; −1 where there is no channel."""
    known = np.tile(np.arange(channels), together)
    lanes = np.concatenate([known, np.full(padded(len(known), BLOCK) - len(known), -1)])
    return lanes.reshape(-1, BLOCK)[:, NARROWING].ravel()


def pack_windows(weights: Array, order: Channels) -> Array:
    """Depthwise weights (KH, KW, C), KH and KW at most 4: per channel of `order` 4 columns of 4 rows, zeros added."""
    high, wide, _ = weights.shape
    packed = np.zeros((len(order), SIDE, SIDE), np.int8)
    packed[:, :wide, :high] = np.where(order[:, None, None] < 0, 0, weights.transpose(2, 1, 0)[order])
    return packed.ravel()
