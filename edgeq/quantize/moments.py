"""Second moments of a layer's inputs, and systems of equations in them.

Each number is computed by the same operations on every CPU.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.ir.tensor import Array
from edgeq.numerics import exact
from edgeq.quantize.statistics import Floats

GRID = 4096.0
"""Steps of the float model's inputs, in units of the integer ones: a sum of 32768 products of such numbers up to
`FAR` with integers is exact in float64."""
FAR = 4096.0
WIDE_GRID, WIDE_FAR = 64.0, 65536.0
"""The same where inputs have 16 bits."""
TINY = 2.0**-40
"""Least second moment, and least greatest one."""


@dataclass(frozen=True, eq=False)
class Moments:
    """What is known of the inputs of one group of a layer's channels; K of them make a sum. In steps of the input.

    Attributes:
        rows: sums that were looked at.
        mean: (K,) of the integer model's inputs.
        real_mean: (K,) of the float model's.
        second: (K, K) centred second moments of the integer model's inputs, summed.
        difference: (K, K) the same of the float model's inputs with the integer model's, less `second`.
    """

    rows: int
    mean: Floats
    real_mean: Floats
    second: Floats
    difference: Floats


def moments(integers: Array, reals: Array, wide: bool = False) -> Moments:
    """Of inputs (rows, K): integers less their zero-point, of 16 bits if `wide`, and float32 numbers in these steps."""
    q = integers.astype(np.float64)
    far, grid = (WIDE_FAR, WIDE_GRID) if wide else (FAR, GRID)
    f = np.rint(np.clip(reals, -far, far).astype(np.float64) * grid) / grid
    rows = len(q)
    sum_q, sum_f = q.sum(axis=0), f.sum(axis=0)
    second = q.T @ q
    both = f.T @ q
    return Moments(
        rows,
        sum_q / rows,
        sum_f / rows,
        second - np.multiply.outer(sum_q, sum_q) / rows,
        both - second - np.multiply.outer(sum_f - sum_q, sum_q) / rows,
    )


def decompose(matrix: Floats) -> tuple[Floats, Floats]:
    """A positive definite matrix (K, K) as U·D·Uᵀ: U with ones on its diagonal and zeros below it, and D's diagonal."""
    rest, count = matrix.copy(), len(matrix)
    upper, diagonal = np.eye(count), np.empty(count)
    for k in reversed(range(count)):
        diagonal[k] = rest[k, k]
        upper[:k, k] = rest[:k, k] / rest[k, k]
        rest[:k, :k] -= np.multiply.outer(upper[:k, k], rest[:k, k])
    return upper, diagonal


def divide(rows: Floats, upper: Floats, diagonal: Floats) -> Floats:
    """rows (C, K) · (U·D·Uᵀ)⁻¹."""
    x = rows.copy()
    count = len(diagonal)
    for k in reversed(range(count)):  # x·Uᵀ⁻¹
        x[:, :k] -= np.multiply.outer(x[:, k], upper[:k, k])
    x /= diagonal
    for k in range(count):  # ·U⁻¹
        x[:, k + 1 :] -= np.multiply.outer(x[:, k], upper[k, k + 1 :])
    return x


def approached(weights: Floats, known: Moments, damping: float) -> Floats:
    """The weights (C, K) with which the integer model's inputs give the float model's sums with `weights` best."""
    depth = weights.shape[1]
    gap = exact.product(
        exact.activations(weights.astype(np.float32), depth, (1,)), exact.weights(known.difference, depth, (0,))
    )
    upper, diagonal = decompose(known.second + damping * np.eye(depth))
    return weights + divide(gap, upper, diagonal)


def dot(rows: Floats, vector: Floats) -> Floats:
    """rows (C, K) · vector (K,), the same on every CPU."""
    depth = rows.shape[1]
    left = exact.activations(rows.astype(np.float32), depth, (1,))
    return exact.product(left, exact.weights(vector[:, None].copy(), depth, (0,)))[:, 0]


def damping_of(known: Moments, part: float) -> float:
    """What is added to all second moments, as a part of their mean."""
    taps = len(known.mean)
    mean = float(np.cumsum(np.diagonal(known.second))[-1]) / taps
    return max(part * mean, TINY)
