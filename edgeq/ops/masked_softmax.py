"""Softmax over a part of every row, which a mask chooses: attention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import INT8, INT16, Kernel, Param
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import ACTIVATION, Index, QuantRule
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.numerics.fixedpoint import Ints
from edgeq.ops import softmax
from edgeq.ops._int16 import as_int16
from edgeq.ops._softmax import columns, portable_rows, rows_are_last
from edgeq.ops.softmax import Softmax

Bools = npt.NDArray[np.bool_]
SEEN, FLAT = 1, 2
"""Elements of a mask: the element of x counts, or it counts and all such elements of its row count alike; 0: masked."""


def rows_of(mask: Array, shape: Shape, axis: int) -> tuple[Bools, Bools]:
    """What a mask says of every row of x.

    Args:
        mask: broadcasts to `shape`.
        shape: of x.
        axis: of the rows.

    Returns:
        Which elements count, of x's shape with the rows last; and (…, 1) whether they all count alike. Where a mask
        leaves nothing of a row, all of it counts alike.
    """
    whole = np.moveaxis(np.broadcast_to(mask, shape), axis, -1)
    seen = whole >= SEEN
    nothing = ~seen.any(axis=-1, keepdims=True)
    return seen | nothing, np.asarray((whole >= FLAT).any(axis=-1, keepdims=True) | nothing)


def row_groups(shape: Shape, mask: Shape) -> tuple[int, int, int] | None:
    """Rows of x as (outer, repeat, inner): those that differ in the second place alone have one row of the mask.

    None: the dimensions along which the mask is repeated are not neighbours.
    """
    aligned = (1,) * (len(shape) - len(mask)) + mask
    sizes = [(n, m == 1) for n, m in zip(shape[:-1], aligned[:-1], strict=True) if n != 1]
    repeated = [k for k, (_, again) in enumerate(sizes) if again]
    begin, end = (repeated[0], repeated[-1] + 1) if repeated else (len(sizes), len(sizes))
    if not all(again for _, again in sizes[begin:end]):
        return None
    outer, repeat, inner = (prod(n for n, _ in part) for part in (sizes[:begin], sizes[begin:end], sizes[end:]))
    return outer, repeat, inner


def _grouped(groups: tuple[int, int, int]) -> dict[str, Param]:
    return dict(zip(("outer", "repeat", "inner"), groups, strict=True))


def _mask_rows(site: Site) -> tuple[dict[str, Param], Array]:
    """The members `outer, repeat, inner`, and a constant mask (rows, columns), each of which they say the place of."""
    shape, mask = site.outputs[0].shape, site.const(1)
    groups = row_groups(shape, mask.shape)
    if groups is None:
        mask, groups = np.broadcast_to(mask, shape), (prod(shape[:-1]), 1, 1)
    lead = mask.shape[:-1] if mask.ndim else ()
    return _grouped(groups), np.broadcast_to(mask, (*lead, columns(site))).reshape(-1, columns(site))


def mask_params(site: Site) -> Mapping[str, Param]:
    """The members `outer, repeat, inner, first, spans`: runs of elements that count, for every row of the mask."""
    groups, mask = _mask_rows(site)
    seen, flat = rows_of(mask, mask.shape, 1)
    first, spans = [0], list[int]()
    for row, alike in zip(seen, flat.ravel(), strict=True):
        edges = np.flatnonzero(np.diff(row.astype(np.int8), prepend=0, append=0))
        first[-1] |= int(alike)
        spans += edges.tolist()
        first.append(len(spans) // 2 << 1)
    return {**groups, "first": np.array(first, np.int32), "spans": np.array(spans, np.uint16)}


def is_constant(site: Site) -> bool:
    """The mask is constant."""
    return site.const_or_none(1) is not None


def is_computed(site: Site) -> bool:
    """The mask is computed, has as many columns as x, and the dimensions along which it is repeated are neighbours."""
    x, mask = site.outputs[0].shape, site.input(1).shape
    return not is_constant(site) and mask[-1:] == x[-1:] and row_groups(x, mask) is not None


def _groups_at(site: Site) -> Mapping[str, Param]:
    groups = row_groups(site.outputs[0].shape, site.input(1).shape)
    assert groups is not None
    return _grouped(groups)


def lower_at_fast(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_masked_softmax_at_ref_fast`."""
    return {**_without_rows(softmax.lower_fast(site)), **_groups_at(site)}


def lower_at_double(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_masked_softmax_at_ref_double`."""
    return {**_without_rows(softmax.lower_double(site)), **_groups_at(site)}


def lower_int16(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_masked_softmax_int16_ref`: the mask in rows of whole numbers."""
    groups, mask = _mask_rows(site)
    return {**_rows16(site), **groups, "mask": np.ascontiguousarray(mask, np.int32).ravel()}


def lower_at_int16(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_masked_softmax_at_int16_ref`."""
    return {**_rows16(site), **_groups_at(site), "mask": 0}


def _rows16(site: Site) -> Mapping[str, Param]:
    return {f"row.{name}": value for name, value in softmax.lower_int16(site).items()}


def int16_rows() -> tuple[Kernel, Kernel]:
    """The portable rows of int16 elements: of a constant mask, and of one that is computed."""
    plain = replace(
        softmax.int16_row(),
        function="eq_masked_softmax_int16_ref",
        sources=("ref/masked_softmax_int16.c",),
        header="eq/masked_softmax_int16.h",
        struct="eq_masked_softmax_int16_params",
        lower=lower_int16,
    )
    return (
        replace(plain, fits=all_of(is_constant, rows_are_last)),
        replace(
            plain,
            function="eq_masked_softmax_at_int16_ref",
            lower=lower_at_int16,
            elements=INT16 | {DType.INT32},
            fits=all_of(rows_are_last, is_computed),
            overlap=lambda site: (0, None),
        ),
    )


def at_rows() -> tuple[Kernel, ...]:
    """The portable rows of a mask that is computed."""
    plain = portable_rows("masked_softmax_at", lower_at_fast, lower_at_double)
    return tuple(
        replace(
            row,
            header="eq/masked_softmax.h",
            fits=all_of(row.fits, is_computed),
            elements=INT8 | {DType.INT32},
            overlap=lambda site: (0, None),
        )
        for row in plain
    )


def constant_rows() -> tuple[Kernel, ...]:
    """The portable rows of a constant mask."""
    rows = portable_rows("masked_softmax", lower_fast, lower_double)
    return tuple(replace(row, fits=all_of(is_constant, row.fits)) for row in rows)


def lower_fast(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_masked_softmax_ref_fast`."""
    return {**_without_rows(softmax.lower_fast(site)), **mask_params(site)}


def lower_double(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_masked_softmax_ref_double`."""
    return {**_without_rows(softmax.lower_double(site)), **mask_params(site)}


def _without_rows(params: Mapping[str, Param]) -> dict[str, Param]:
    return {name: value for name, value in params.items() if name != "rows"}


@dataclass(frozen=True)
class MaskedSoftmax(Softmax):
    """Inputs: x, mask (whole numbers, broadcast to x). Output: softmax of what the mask lets count.

    An element of x counts where the mask is 1; where it is 0, the output is zero. Where a row of the mask holds a 2,
    its elements that are not 0 count, all of them alike: such rows are those in which float32 loses x beside a huge
    addend. In a row whose mask is 0 throughout, everything counts alike.
    The arithmetic is that of Softmax over what counts; with int16 elements it is FAST's whatever that of the graph.
    """

    onnx: ClassVar[str] = ""
    kernels: ClassVar = (*constant_rows(), *at_rows(), *int16_rows())

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        (shape,) = super().out_shapes(shapes[:1])
        if len(shapes) != 2 or shapes[1] is None:
            raise ValueError(f"{self.kind} needs x and a mask")
        try:
            fits = np.broadcast_shapes(shape, shapes[1]) == shape
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(f"a mask of shape {shapes[1]} does not broadcast to {shape}")
        return (shape,)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        x, mask = shapes[0], shapes[1]
        assert x is not None and mask is not None
        return super().batched(shapes, count) if len(mask) < len(x) or mask[0] == 1 else None

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x, mask = inputs[0], inputs[1]
        assert x is not None and mask is not None
        seen, flat = rows_of(mask, x.shape, self.axis)
        rows = np.where(flat, np.float32(0), np.moveaxis(x, self.axis, -1))
        chosen = np.where(seen, rows, np.float32(-np.inf))
        return super().run_float([np.ascontiguousarray(np.moveaxis(chosen, -1, self.axis))])

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x, mask = inputs[0], inputs[1]
        assert x is not None and mask is not None
        seen, flat = (a.reshape(-1, a.shape[-1]) for a in rows_of(mask, x.shape, self.axis))
        moved = np.moveaxis(x, self.axis, -1)
        rows = np.where(flat, 0, moved.reshape(seen.shape).astype(np.int64))
        wide = x.dtype == np.int16
        share = self.fast_rows16 if wide else self.quantized_rows
        q: Ints = np.full(rows.shape, site.outputs[0].qp.zp, np.int64)
        patterns, which = np.unique(seen, axis=0, return_inverse=True)
        for k, pattern in enumerate(patterns):
            chosen = rows[np.ix_(which.ravel() == k, pattern)]
            differences = chosen.max(axis=-1, keepdims=True) - chosen
            q[np.ix_(which.ravel() == k, pattern)] = share(site, differences)
        q = q.astype(x.dtype)
        return (np.ascontiguousarray(np.moveaxis(q.reshape(moved.shape), -1, self.axis)),)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return replace(super().quant_rule(shapes), roles=(ACTIVATION, Index(limit=2)), reach=None)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        def case(name: str, x: Shape, mask: Shape, low: float = -4.0, high: float = 4.0, fixed: bool = True) -> Sample:
            return Sample(name, cls(len(x) - 1), (x, mask), const=(1,) if fixed else (), low=low, high=high)

        return (
            case("attention", (1, 3, 5, 5), (1, 1, 5, 5)),
            case("keys", (2, 2, 3, 7), (2, 1, 1, 7)),
            case("heads", (1, 2, 4, 6), (2, 1, 6), -9.0, 9.0),
            case("row", (4, 9), (9,)),
            case("one_for_all", (2, 3), (1, 1)),
            case("windows", (3, 2, 4, 4), (3, 1, 4, 4), -0.5, 0.5),
            case("apart", (2, 3, 2, 3, 5), (1, 3, 1, 3, 5)),
            case("long", (1, 2, 300), (1, 2, 300), -20.0, 20.0),
            as_int16(case("attention", (1, 3, 5, 5), (1, 1, 5, 5))),
            as_int16(case("row", (4, 9), (9,))),
            as_int16(case("computed", (1, 3, 5, 9), (1, 1, 1, 9), fixed=False)),
            case("computed", (1, 3, 5, 9), (1, 1, 1, 9), fixed=False),
            case("computed_rows", (2, 3, 2, 4), (2, 1, 2, 4), fixed=False),
        )
