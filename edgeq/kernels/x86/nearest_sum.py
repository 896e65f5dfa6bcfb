"""Sums of two operands by two multiplications of floats, where all pairs of values prove that they give the same bytes.

The vectors compute round(b·factor_b + (a·factor_a + offset)) in float32, each sum with one rounding (an FMA), the last
one halves to even. An operand has 256 values: all pairs are tried, with neighbours of the ideal factors and offset.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.ops._addsub import range_of, signs_of
from edgeq.ops._broadcast import operands

Reals = npt.NDArray[np.float64]

_LEAST, _MOST = 2.0**-16, 2.0**7
"""Magnitudes of factors between which sums are exact in float64, so that the search rounds once, as an FMA does."""
_FEW = (0, 1, -1, 2, -2, 3, -3)
_MORE = sorted(range(-8, 9), key=abs)


@dataclass(frozen=True)
class NearestSum:
    """The constants, as float32: of operands a and b, and what is added."""

    a_factor: float
    b_factor: float
    offset: float


def nearest_sum(site: Site) -> NearestSum | None:
    """Constants that give the site's output for every pair of values; None if none were found."""
    pair, y = operands(site), site.outputs[0].qp
    x = [site.input(index).qp for index in (pair.a, pair.b)]
    signs = [signs_of(site)[index] for index in (pair.a, pair.b)]
    ideal = [sign * q.s / y.s for sign, q in zip(signs, x, strict=True)]
    if not all(_LEAST < abs(factor) < _MOST for factor in ideal):
        return None
    values = np.arange(-128, 128, dtype=np.int8)
    grids: list[Array | None] = [None, None]
    grids[pair.a], grids[pair.b] = np.meshgrid(values, values, indexing="ij")
    (outputs,) = site.op.run_int(site, grids)
    offset = y.zp - sum(factor * q.zp for factor, q in zip(ideal, x, strict=True))
    return _search((ideal[0], ideal[1]), offset, range_of(site), outputs.tobytes())


@lru_cache(maxsize=64)
def _search(ideal: tuple[float, float], offset: float, bounds: tuple[int, int], outputs: bytes) -> NearestSum | None:
    expected = np.frombuffer(outputs, np.int8).reshape(256, 256)
    for a, b, c in _candidates(*ideal, offset):
        if np.array_equal(np.clip(_computed(a, b, c), *bounds), expected):
            return NearestSum(float(a), float(b), float(c))
    return None


def _candidates(a: float, b: float, offset: float) -> Iterator[tuple[np.float32, np.float32, np.float32]]:
    """Float32 near the ideal ones, the nearest first."""

    def near(value: float) -> list[np.float32]:
        return [(np.float32(value).view(np.int32) + step).view(np.float32) for step in _FEW]

    for step in _MORE:
        moved = np.float32(offset + step * 2.0**-19)
        for first in near(a):
            for second in near(b):
                yield first, second, moved


def _computed(a: np.float32, b: np.float32, offset: np.float32) -> Reals:
    """(256, 256): as the vectors compute it."""
    values = np.arange(-128.0, 128.0)
    first = (values * float(a) + float(offset)).astype(np.float32)
    return np.rint((first[:, None].astype(np.float64) + values * float(b)).astype(np.float32)).astype(np.float64)
