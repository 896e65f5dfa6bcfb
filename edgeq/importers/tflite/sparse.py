"""Sparse constants as dense arrays.

A sparse tensor of the schema is a tree: its levels are dimensions, or blocks along one, in an order of traversal. A
dense level has every index, a sparse one lists those that it has (compressed sparse rows). The leaves are the stored
elements.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.ir.tensor import Array, Shape

MOST_STORED = 1 << 23
"""Elements that a sparse tensor has in its tree."""


@dataclass(frozen=True, eq=False)
class Level:
    """One level of the tree.

    Attributes:
        size: how many indices a dense level has; None: it is sparse.
        segments: for each node above, where its indices begin, and after the last one where they end.
        indices: the indices that are there.
    """

    size: int | None
    segments: Array
    indices: Array


@dataclass(frozen=True, eq=False)
class Layout:
    """How the elements of a sparse tensor are stored.

    Attributes:
        order: for each level the dimension that it indexes; from the tensor's rank on they are its blocks.
        blocked: for each block the dimension of the tensor that it divides.
        levels: in the order of traversal.
    """

    order: tuple[int, ...]
    blocked: tuple[int, ...]
    levels: tuple[Level, ...]


def densify(values: Array, layout: Layout, shape: Shape) -> Array:
    """The dense array of a sparse tensor; what is not stored is zero.

    Args:
        values: the stored elements in the order of traversal, those of blocks with all their elements.
        layout: how they are stored.
        shape: of the tensor.

    Raises:
        ValueError: the layout contradicts itself or the shape.
    """
    rank, depth = len(shape), len(layout.levels)
    if sorted(layout.order) != list(range(depth)) or depth != rank + len(layout.blocked):
        raise ValueError("its order of traversal is not one of its dimensions")
    if any(not 0 <= d < rank for d in layout.blocked) or len(set(layout.blocked)) != len(layout.blocked):
        raise ValueError("its blocks divide dimensions that it does not have")
    at = np.zeros((depth, 1), np.int64)
    position = np.zeros(1, np.int64)
    for dimension, level in zip(layout.order, layout.levels, strict=True):
        parents, position, index = _below(level, position)
        at = at[:, parents]
        at[dimension] = index
    places = [at[d] for d in range(rank)]
    for block, d in enumerate(layout.blocked):
        size = layout.levels[layout.order.index(rank + block)].size
        if not size:
            raise ValueError("a block has no size")
        places[d] = places[d] * size + at[rank + block]
    outside = position.size and any(p.max() >= n for p, n in zip(places, shape, strict=True))
    if outside or (position.size and position.max() >= values.size):
        raise ValueError("an element lies outside of it")
    dense = np.zeros(shape, values.dtype)
    dense[tuple(places)] = values[position]
    return dense


def _below(level: Level, position: Array) -> tuple[Array, Array, Array]:
    """The nodes of a level below those at `position`: for each its parent, its own position, and its index."""
    if level.size is not None:
        if not 0 < level.size * position.size <= MOST_STORED:
            raise ValueError(f"a dimension has {level.size} indices")
        parents = np.repeat(np.arange(position.size), level.size)
        index = np.tile(np.arange(level.size), position.size)
        return parents, position[parents] * level.size + index, index
    ends, starts = _segments(level, position)
    counts = ends - starts
    if counts.sum() > MOST_STORED:
        raise ValueError("it has too many elements")
    parents = np.repeat(np.arange(position.size), counts)
    first = np.cumsum(counts) - counts
    own = starts[parents] + np.arange(parents.size) - first[parents]
    return parents, own, level.indices[own].astype(np.int64)


def _segments(level: Level, position: Array) -> tuple[Array, Array]:
    segments = level.segments.astype(np.int64)
    if position.size and position.max() + 1 >= segments.size:
        raise ValueError("it has too few segments")
    starts, ends = segments[position], segments[position + 1]
    if np.any(ends < starts) or np.any(starts < 0) or np.any(ends > level.indices.size):
        raise ValueError("a segment has no indices")
    if level.indices.size and level.indices.min() < 0:
        raise ValueError("an index is negative")
    return ends, starts
