"""Normalization of int8 sets: exact statistics, a reciprocal root in fixed point, and one rounding at the end.

This file is normative: `firmware/include/eq/normalize.h` has the same functions in C, and both give the same bits.

A set holds n integers q that stand for s · (q − zp). What is normalized is (n·q − T) / √V, where T is the sum of all q
and V = n·Σq² − T² (n² times the variance), or T = n·zp and V = n·Σ(q − zp)² where the mean is not subtracted. Both are
exact. E = ε · n² / s² is added to V in fixed point. The zero-point of the input cancels; its scale is in E alone.

The reciprocal root is floor(2³¹ / √m) of the leading 21 or 22 bits m of V + E, an exact and thus monotone function;
with the bits of m that are cut off, 1/√(V + E) is wrong by less than one part in 2²⁰. An element is then

    clamp(((q·A + B) · scale[c] >> 32 >> k) + offset[c] >> fraction)

with A and B from the root, one multiply-add in 32 bits, and a shift k of the set. All shifts round down, so that this
is one rounding of an exact expression; the half is in `offset`, with bias and zero-point.

int16 elements need products of 64 bits, d = n·q − T with its sign:

    clamp(((d·root >> k) · scale[c] >> product_shift) + offset[c] >> fraction)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from edgeq.errors import QuantizationError
from edgeq.numerics.fixedpoint import INT32_MAX, Ints, Reals

MAX_COUNT, MAX_COUNT16 = 2**20, 2**14
"""The most elements of a set, of int8 and of int16."""
ROOT_BITS = 20
"""m is in 2²⁰ … 2²² − 1, and its reciprocal root in 2²⁰ … 2²¹."""
SUM_BITS, MAX_SHIFT, MAX_FRACTION, MAX_FRACTION16 = 61, 24, 14, 13
"""Bits of V + E; most fraction bits of it; most fraction bits of results."""


def inverse_root(m: Ints) -> Ints:
    """floor(2³¹ / √m) for m in 2²⁰ … 2²² − 1."""
    root = np.floor(2.0**31 / np.sqrt(m.astype(np.float64))).astype(np.int64)
    root -= root * root * m > 1 << 62
    return root + ((root + 1) * (root + 1) * m <= 1 << 62)


def leading(w: Ints) -> tuple[Ints, Ints]:
    """m and e with w = m · 4ᵉ, m in 2²⁰ … 2²² − 1, rounded down; of w < 1, those of 1."""
    m, e = np.maximum(w, 1), np.zeros(w.shape, np.int64)
    for _ in range((64 - ROOT_BITS) // 2):
        high, low = m >> (ROOT_BITS + 2) > 0, m >> ROOT_BITS == 0
        m = np.where(high, m >> 2, np.where(low, m << 2, m))
        e += high.astype(np.int64) - low
    return m, e


@dataclass(frozen=True, eq=False)
class Normalization:
    """The constants of a normalization.

    Attributes:
        count: n, elements of a set.
        epsilon, epsilon_shift: E = epsilon · 2^(epsilon_shift − shift).
        shift: fraction bits with which V and E are added; negative: bits of V that are cut off.
        greater: whether the greater of V and E is taken instead of their sum.
        exponent: k less the exponent e of V + E (see `leading`).
        fraction: fraction bits of `offset`.
        scale: int32, one for all elements or one each.
        offset: int32, likewise.
        product_shift: of int16 elements, by how many bits products with `scale` are shifted to the right.
    """

    count: int
    epsilon: int
    epsilon_shift: int
    shift: int
    greater: bool
    exponent: int
    fraction: int
    scale: npt.NDArray[np.int32]
    offset: npt.NDArray[np.int32]
    product_shift: int = 0

    @property
    def root_bits(self) -> int:
        """Bits by which normalized int16 elements, of which none exceeds √n, are cut: they have 30 in all."""
        return (self.count_bits + 1) // 2 + 1

    @property
    def count_bits(self) -> int:
        """Bits of n − 1."""
        return (self.count - 1).bit_length()

    def joined(self, spread: Ints) -> Ints:
        """V and E in fixed point, joined; V ≥ 0."""
        shifted = spread << self.shift if self.shift >= 0 else spread >> -self.shift
        e = np.int64(self.epsilon << self.epsilon_shift)
        return np.maximum(shifted, e) if self.greater else shifted + e

    def factors(self, total: Ints, spread: Ints) -> tuple[Ints, Ints, Ints]:
        """A, B and k of sets.

        Args:
            total: T.
            spread: V.
        """
        m, e = leading(self.joined(spread))
        root = inverse_root(m)
        mean = np.sign(total) * (np.abs(total) // self.count)  # C's division truncates
        rest = total - mean * self.count
        a = (4 * self.count * root) >> self.count_bits
        b = -((4 * rest * root) >> self.count_bits) - mean * a
        return a, b, np.clip(e + self.exponent, 0, 31)

    def apply(self, q: Ints, factors: tuple[Ints, Ints, Ints], low: int, high: int) -> npt.NDArray[np.int8]:
        """Normalized elements, between bounds; q, factors and the constants broadcast."""
        a, b, k = factors
        product = ((q * a + b) * self.scale.astype(np.int64)) >> 32
        return np.clip(((product >> k) + self.offset) >> self.fraction, low, high).astype(np.int8)

    def apply16(self, q: Ints, total: Ints, spread: Ints, low: int, high: int) -> npt.NDArray[np.int16]:
        """Normalized int16 elements, between bounds.

        Args:
            q: the elements; `total`, `spread` and the constants broadcast to them.
            total: T.
            spread: V.
            low, high: bounds.
        """
        m, e = leading(self.joined(spread))
        shift = e + self.exponent
        product = (self.count * q - total) * inverse_root(m)
        z = np.where(shift < 0, product << np.maximum(-shift, 0), product >> np.clip(shift, 0, 63))
        y = ((z * self.scale.astype(np.int64) >> self.product_shift) + self.offset) >> self.fraction
        return np.clip(y, low, high).astype(np.int16)


def normalization(
    count: int, epsilon: float, spread: tuple[int, int], scale: Reals, offset: Reals, greater: bool = False
) -> Normalization:
    """The constants for real parameters.

    Args:
        count: n.
        epsilon: E.
        spread: the least V above zero, and the greatest.
        scale: what (n·q − T) / √V is multiplied by, in steps of the output.
        offset: what is added to that, likewise, the zero-point included.
        greater: whether the greater of V and E is taken instead of their sum.

    Raises:
        QuantizationError: the parameters are out of all proportion to the scales.
    """
    scale, offset = np.asarray(scale, np.float64), np.asarray(offset, np.float64)
    least, most = spread
    made = _without_results(count, epsilon, most, scale, offset, greater)
    exponent = 31 - int(np.frexp(np.abs(scale).max(initial=0.0))[1])
    reach = 1 - made.count_bits - made.shift // 2 + exponent
    lowest = int(leading(made.joined(np.array(least, np.int64)))[1])
    fraction = min(MAX_FRACTION, lowest + reach, 29 - int(np.frexp(np.abs(offset).max(initial=0.0))[1]))
    if fraction < 1:
        raise _disproportionate("need more than 32 bits")
    return replace(
        made,
        exponent=reach - fraction,
        fraction=fraction,
        scale=np.minimum(np.rint(np.ldexp(scale, exponent)), INT32_MAX).astype(np.int32),
        offset=np.floor(np.ldexp(offset, fraction) + 0.5 + 2.0 ** (fraction - 1)).astype(np.int32),
    )


def _without_results(
    count: int, epsilon: float, most: int, scale: Reals, offset: Reals, greater: bool
) -> Normalization:
    """How V and E are joined; nothing yet of what becomes of elements.

    Raises:
        QuantizationError: as `normalization`.
    """
    if not (np.isfinite(epsilon) and np.isfinite(scale).all() and np.isfinite(offset).all()):
        raise _disproportionate("are not all finite")
    shift = min(MAX_SHIFT, (SUM_BITS - int(np.frexp(most + epsilon)[1])) // 2 * 2)
    if shift < -62:
        raise _disproportionate("make its epsilon the only thing that matters")
    fixed = np.ldexp(epsilon, shift)
    epsilon_shift = max(0, int(np.frexp(fixed)[1]) - 31)
    mantissa = min(int(np.rint(np.ldexp(fixed, -epsilon_shift))), INT32_MAX)
    none = np.zeros(1, np.int32)
    return Normalization(count, mantissa, epsilon_shift, shift, greater, 0, 0, none, none)


def normalization16(
    count: int, epsilon: float, most: int, scale: Reals, offset: Reals, greater: bool = False
) -> Normalization:
    """The constants for int16 elements; arguments as of `normalization`, `most` being the greatest V.

    Raises:
        QuantizationError: the parameters are out of all proportion to the scales.
    """
    scale, offset = np.asarray(scale, np.float64), np.asarray(offset, np.float64)
    made = _without_results(count, epsilon, most, scale, offset, greater)
    fraction = min(MAX_FRACTION16, 30 - int(np.frexp(np.abs(offset).max(initial=0.0))[1]))
    of_scale = 30 - int(np.frexp(np.abs(scale).max(initial=0.0))[1])
    bits = min(of_scale, 62 + fraction - 31 + made.root_bits)
    if fraction < 1 or 31 - made.root_bits + bits < fraction:
        raise _disproportionate("need more than 32 bits")
    return replace(
        made,
        exponent=made.root_bits - made.shift // 2,
        fraction=fraction,
        product_shift=31 - made.root_bits + bits - fraction,
        scale=np.rint(np.ldexp(scale, bits)).astype(np.int32),
        offset=np.floor(np.ldexp(offset, fraction) + 0.5 + 2.0 ** (fraction - 1)).astype(np.int32),
    )


def _disproportionate(what: str) -> QuantizationError:
    return QuantizationError(
        f"scale, offset, epsilon and the scales of input and output {what}",
        hint="look for parameters, or calibration data, that are far too large or too small",
    )
