"""What reductions over arbitrary axes share."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from edgeq.ir.kernel import Param
from edgeq.ir.op import Site
from edgeq.ir.tensor import Shape
from edgeq.ops._overlap import Overlaps, indices, of_elements

DIMS = 4
"""Groups of kept and of reduced dimensions that the kernels walk (EQ_REDUCE_DIMS)."""
MAX_COUNT = 2**23
"""Elements whose sum, zero-point included, surely fits 32 bits."""

Run = tuple[int, int]
"""Elements along a group of dimensions, and how far apart they lie."""


def reduced_shape(shape: Shape | None, axes: tuple[int, ...], keepdims: bool) -> Shape:
    """The shape of the output.

    Raises:
        ValueError: the axes do not fit the shape, or there are too many elements or groups of dimensions.
    """
    if shape is None:
        raise ValueError("a reduction needs an input")
    if list(axes) != sorted(set(axes)) or any(a < 0 or a >= len(shape) for a in axes):
        raise ValueError(f"axes {axes} must be distinct, ascending and within the {len(shape)} dimensions of {shape}")
    if not 0 < reduced_count(shape, axes) <= MAX_COUNT:
        raise ValueError(f"axes {axes} of {shape} hold {reduced_count(shape, axes)} elements; 1 to {MAX_COUNT} can be")
    kept, folded = runs(shape, axes)
    if max(len(kept), len(folded)) > DIMS:
        raise ValueError(f"axes {axes} of {shape} are more than {DIMS} separate groups of dimensions")
    return tuple(1 if i in axes else s for i, s in enumerate(shape) if keepdims or i not in axes)


def reduced_count(shape: Shape, axes: tuple[int, ...]) -> int:
    """How many elements make one result."""
    return prod(shape[a] for a in axes)


def runs(shape: Shape, axes: tuple[int, ...]) -> tuple[list[Run], list[Run]]:
    """Kept and reduced dimensions, outermost first; neighbours of the same kind are one, those of size 1 vanish."""
    found: tuple[list[Run], list[Run]] = ([], [])
    last = None
    for axis, size in enumerate(shape):
        if size == 1:
            continue
        group, stride = found[axis in axes], prod(shape[axis + 1 :])
        if last is group:
            group[-1] = (group[-1][0] * size, stride)
        else:
            group.append((size, stride))
        last = group
    return found


def walk_params(site: Site, axes: tuple[int, ...]) -> Mapping[str, Param]:
    """The members that all reduction kernels share: sizes and strides of both kinds, padded in front with size 1."""
    kept, folded = ([(1, 0)] * (DIMS - len(g)) + g for g in runs(site.input(0).shape, axes))
    return {
        "keep": tuple(size for size, _ in kept),
        "keep_stride": tuple(stride for _, stride in kept),
        "fold": tuple(size for size, _ in folded),
        "fold_stride": tuple(stride for _, stride in folded),
    }


def overlap(site: Site, axes: tuple[int, ...]) -> Overlaps:
    """Results in order, each of which reads the elements from its first one on."""
    x = indices(site.input(0).shape)
    return of_elements(site, [x.min(axis=axes, keepdims=True).reshape(site.outputs[0].shape)])


def sum_params(site: Site, axes: tuple[int, ...]) -> Mapping[str, Param]:
    """The walk, and what makes Σ q of it Σ (q − zero_point)."""
    return {
        **walk_params(site, axes),
        "offset": -site.input(0).qp.zp * reduced_count(site.input(0).shape, axes),
    }
