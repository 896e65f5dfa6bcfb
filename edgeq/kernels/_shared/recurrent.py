"""What rows of recurrent layers ask of a site, and the matrices that they multiply with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.numerics.fixedpoint import Multiplier, Rounding
from edgeq.ops._recurrent import MOST_SHIFT, Integers, RecurrentOp, centred, reach, symmetric


@dataclass(frozen=True, eq=False)
class Matrix:
    """What a kernel multiplies with.

    Attributes:
        weights: (rows, K), centred.
        bias: int32 (rows), with the zero-point of what is multiplied folded in.
        factors: from accumulators to pre-activations.
    """

    weights: Array
    bias: Array
    factors: Multiplier

    @property
    def reach(self) -> int:
        """What no accumulator exceeds in absolute value."""
        return int(reach(self.weights.astype(np.int64), self.bias).max())

    def __getitem__(self, rows: Array) -> Matrix:
        """Some rows of it, in any order; row −1 has zeros only."""
        none = rows < 0

        def picked(values: Array) -> Array:
            found = values[rows].copy()
            found[none] = 0
            return found

        factors = Multiplier(picked(self.factors.mantissa), self.factors.shift[rows])
        return Matrix(picked(self.weights), picked(self.bias), factors)


def integers(site: Site) -> Integers:
    """The integer arithmetic of a recurrent layer."""
    assert isinstance(site.op, RecurrentOp)
    return site.op.integers(site)


def matrices(site: Site) -> tuple[Matrix, Matrix]:
    """Of the input, and of the hidden state."""
    n = integers(site)
    return (
        Matrix(centred(site, 1), n.bias, n.factors),
        Matrix(centred(site, 2), n.recurrent_bias, n.recurrent_factors),
    )


def by_unit(gates: int, units: int) -> Array:
    """Rows of one unit after the other, where they are those of one gate after the other."""
    return np.arange(gates * units).reshape(gates, units).T.ravel()


def in_fours(rows: Array) -> Array:
    """Rows, with −1 up to a multiple of four."""
    return np.pad(rows, (0, -len(rows) % 4), constant_values=-1)


def is_plain(site: Site) -> bool:
    """It has neither peepholes nor a projection, and symmetric weights"""
    return symmetric(site) and all(site.const_or_none(k) is None for k in (6, 7))


def has_one_shift(site: Site) -> bool:
    """Arithmetic `fast` with factors below 128: one multiplication requantizes"""
    if site.rounding is not Rounding.FAST:
        return False
    return all(
        bool((m.factors.mantissa < 2**30).all() and (m.factors.shift <= MOST_SHIFT).all()) for m in matrices(site)
    )


def shifted_bound(site: Site) -> int:
    """What an accumulator cannot exceed in absolute value once it is shifted, where all have one shift."""
    return max(m.reach << int(m.factors.shift[0]) for m in matrices(site))
