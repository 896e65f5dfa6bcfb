"""Sums of real products that are the same on every CPU.

BLAS chooses the order of additions, and whether to fuse them with multiplications, by the CPU and the shape of the
matrices, so sums in float32 differ in their last bits. Here both factors are first rounded to multiples of powers of
two, to so few bits that no sum of their products can exceed 53 of them: then float64 holds every product and every
partial sum exactly, and the order does not matter. The bits are shared out so that both factors keep about what a
float32 has: 24 and 24 up to 32 products, 23 of the activation and 22 of the weight at 256, 22 and 20 at 2048.

All numbers that are added up together share one grid. It depends on nothing else, so the result for one sample does
not depend on the others beside it.
"""

from __future__ import annotations

from math import inf, prod
from typing import Any
from weakref import finalize

import numpy as np
import numpy.typing as npt

from edgeq.numerics.runs import in_runs, room, rows_together

Reals = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
SUM_BITS, FACTOR_BITS = 53, 24
"""Integers of SUM_BITS bits are exact in float64; a factor needs no more than the FACTOR_BITS of a float32."""
BLOCK = 1 << 16
"""Elements of a product that stay in the nearest cache until they are rounded."""
LEAST_ROWS = 256
"""Rows that a product has at least, where there are so many: for each, BLAS lays out all of the weights anew."""
ROOM = 1 << 26
"""Bytes of rounded weights that are kept."""
_kept: dict[tuple[int, int, tuple[int, ...]], npt.NDArray[np.float32]] = {}
LEAST, TOP, UNROUNDED = -100, 120, 2000
"""Numbers below 2^LEAST count as zero. From 2^TOP on, and where they are not finite, numbers stay as they are."""


def bits(depth: int) -> tuple[int, int]:
    """Bits of an activation and of a weight with which a sum of `depth` products is exact.

    All activations of a sample share a grid but only the weights of one channel do, so activations get the odd bit.
    """
    room = SUM_BITS - (depth - 1).bit_length()
    activation = min(FACTOR_BITS, (room + 2) // 2)
    return activation, min(FACTOR_BITS, room - activation)


def activations(x: Reals, depth: int, axes: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Activations rounded for sums of `depth` products.

    Args:
        x: float32, any shape.
        depth: products in a sum.
        axes: dimensions that are summed over; along them the grid is the same.
    """
    x = np.asarray(x, np.float32)
    exponents = _exponents(x, axes)
    if (exponents == UNROUNDED).any():
        return np.where(exponents == UNROUNDED, x, activations(np.where(exponents == UNROUNDED, 0, x), depth, axes))
    shift = bits(depth)[0] - exponents
    result = x * np.ldexp(np.float32(1.0), shift).astype(np.float32)
    np.rint(result, out=result)
    result *= np.ldexp(np.float32(1.0), -shift).astype(np.float32)
    return result


def weights(w: Reals, depth: int, axes: tuple[int, ...]) -> Floats:
    """Weights rounded for sums of `depth` products, as float64; see `activations`.

    Those of an array that cannot be written, as the constants of a graph are, are kept as long as it lives, while there
    is room. A float32 holds each: it has FACTOR_BITS bits at most, and none is so small that it loses some of them.
    Where all but the first dimension are summed over they are kept, and given, with that as the last one in memory, as
    BLAS reads the transposed factor fastest.
    """
    if w.flags.writeable:
        return _rounded(np.asarray(w, np.float64), bits(depth)[1], axes)
    key, turned = (id(w), depth, axes), axes == tuple(range(1, w.ndim))
    if key not in _kept:
        rounded = _rounded(np.asarray(w, np.float64), bits(depth)[1], axes)
        if sum(kept.nbytes for kept in _kept.values()) + w.size * 4 > ROOM:
            return rounded
        _kept[key] = rounded.reshape(len(w), -1).T.astype(np.float32, "C") if turned else rounded.astype(np.float32)
        finalize(w, _kept.pop, key)
    wide = _kept[key].astype(np.float64)
    return wide.T.reshape(w.shape) if turned else wide


def product(a: npt.NDArray[np.float32], b: Floats) -> Floats:
    """a (…, M, K) from `activations` times b (…, K, N) from `weights`, exact."""
    return np.asarray(a.astype(np.float64) @ b)


def rounded_product(
    a: npt.NDArray[np.float32],
    b: Floats,
    bias: npt.NDArray[np.float32] | None = None,
    clamp: tuple[float, float] = (-inf, inf),
) -> npt.NDArray[np.float32]:
    """`product`, plus a bias (…, 1, N), rounded to float32 once, within the bounds of a fused activation."""
    result = np.empty((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1]), np.float32)
    at_once = max(LEAST_ROWS, BLOCK // max(1, *b.shape[-2:]))
    added = None if bias is None else np.broadcast_to(bias, (*result.shape[:-2], 1, result.shape[-1]))
    tiles = {} if added is None else {index: _tiled(added[index][0]) for index in np.ndindex(added.shape[:-2])}
    for start in range(0, a.shape[-2], at_once):
        rows = slice(start, start + at_once)
        part = a[..., rows, :]
        wide = room("exact_factors", part.shape, np.float64)
        wide[...] = part
        sums = room("exact_sums", (*result.shape[:-2], part.shape[-2], b.shape[-1]), np.float64)
        np.matmul(wide, b, out=sums)
        for index, tile in tiles.items():
            for run in in_runs(sums[index], tile.size):
                run += tile[: run.shape[1]]
        result[..., rows, :] = sums
        if clamp != (-inf, inf):
            done = result[..., rows, :]
            np.clip(done, np.float32(clamp[0]), np.float32(clamp[1]), out=done)
    return result


def _tiled(row: npt.NDArray[np.float32]) -> Floats:
    """A row (N,) for as many rows side by side as operations should find."""
    return np.tile(row.astype(np.float64), rows_together(row.size))


def total(x: Reals, axes: tuple[int, ...], keepdims: bool = False) -> Floats:
    """The sum over dimensions, exact as float64; addends lose less than they do in float32.

    Args:
        x: any shape; at most 2²⁰ elements make a sum.
        axes: dimensions that are summed over.
        keepdims: whether these dimensions stay, with one element each.
    """
    wide = np.asarray(x, np.float64)
    room = min(50, SUM_BITS - (prod(x.shape[a] for a in axes) - 1).bit_length())
    return np.asarray(_rounded(wide, room, axes).sum(axis=axes, keepdims=keepdims))


def _rounded(x: Floats, bits: int, axes: tuple[int, ...]) -> Floats:
    exponents = _exponents(x, axes)
    offset = np.ldexp(1.5, 52 - bits + np.where(exponents == UNROUNDED, -UNROUNDED, exponents))
    # From `offset` on float64 is a grid of the wanted step: adding it rounds, subtracting it again is exact.
    return (x + offset) - offset


def _exponents(x: Reals, axes: tuple[int, ...]) -> npt.NDArray[np.int32]:
    """The least e with |x| < 2ᵉ along the axes, which stay with one element each; UNROUNDED where that is too great."""
    greatest = np.maximum(x.max(axis=axes, keepdims=True, initial=0.0), -x.min(axis=axes, keepdims=True, initial=0.0))
    exponents = np.maximum(np.frexp(greatest)[1], LEAST)
    return np.where(np.isfinite(greatest) & (exponents < TOP), exponents, UNROUNDED).astype(np.int32)
