"""Slicing."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from edgeq.ir.op import IMAGE_ROWS, Op, Rows, Sample, Shapes, Stripe
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, Shape
from edgeq.ir.traits import Commuted, Parts, Perm, Tie, inverse, permuted
from edgeq.ops._broadcast import Strides, contiguous_strides
from edgeq.ops._int16 import INTS16
from edgeq.ops._real import REALS
from edgeq.ops._strided import StridedOp, only_input

Indices = tuple[int, ...]


@dataclass(frozen=True)
class Slice(StridedOp):
    """Along each dimension the elements begin, begin + step, … before end.

    Attributes:
        begin: first index per dimension, not negative.
        end: index per dimension that is not reached; with a negative step it may be −1, which is before index 0.
        step: per dimension, not 0.
    """

    begin: Indices
    end: Indices
    step: Indices

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x = only_input(self.kind, shapes)
        if not len(self.begin) == len(self.end) == len(self.step) == len(x):
            raise ValueError(f"begin, end and step must have one entry for each of the {len(x)} dimensions")
        sizes = []
        for size, begin, end, step in zip(x, self.begin, self.end, self.step, strict=True):
            if step == 0:
                raise ValueError("a step of 0 never ends")
            count = len(range(begin, end, step))
            if not 0 <= begin < size or count == 0 or not 0 <= begin + (count - 1) * step < size:
                raise ValueError(f"the slice {begin}:{end}:{step} is empty or leaves a dimension of {size}")
            sizes.append(count)
        return (tuple(sizes),)

    def stripe(self, shapes: Shapes, rows: Rows, axis: int = IMAGE_ROWS) -> Stripe | None:
        if axis >= len(self.begin) or self.step[axis] < 1:
            return None
        step, count = self.step[axis], rows[1] - rows[0]
        first = self.begin[axis] + rows[0] * step
        reach = (count - 1) * step + 1

        def there(values: Indices, value: int) -> Indices:
            return (*values[:axis], value, *values[axis + 1 :])

        return Stripe(replace(self, begin=there(self.begin, 0), end=there(self.end, reach)), ((first, first + reach),))

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        assert shapes[0] is not None
        if (self.begin[:1], self.end[:1], self.step[:1]) != ((0,), shapes[0][:1], (1,)):
            return None
        return replace(self, end=(self.end[0] * count, *self.end[1:]))

    def view(self, x: Array) -> Array:
        return x[
            tuple(
                builtins.slice(b, None if e < 0 else e, s)
                for b, e, s in zip(self.begin, self.end, self.step, strict=True)
            )
        ]

    def walk(self, shape: Shape) -> tuple[int, Strides]:
        own = contiguous_strides(shape)
        first = sum(b * s for b, s in zip(self.begin, own, strict=True))
        return first, tuple(step * s for step, s in zip(self.step, own, strict=True))

    def is_copy(self, site: Site) -> bool:
        # at full size, a negative step reverses
        return site.input(0).shape == site.outputs[0].shape and all(step > 0 for step in self.step)

    def commute(self, perm: Perm) -> Commuted | None:
        begin, end, step = (permuted(values, inverse(perm)) for values in (self.begin, self.end, self.step))
        return Commuted(replace(self, begin=begin, end=end, step=step), perm)

    def tied_channels(self, site: Site) -> tuple[Tie, ...] | None:
        shape = site.input(0).shape
        if not shape or (self.begin[-1], self.end[-1], self.step[-1]) != (0, shape[-1], 1):
            return None
        return (Tie.shifted(0, 0, shape[-1]),)

    def with_channels(self, site: Site, counts: Sequence[int]) -> Slice:
        return replace(self, end=(*self.end[:-1], counts[0]))

    def parts(self, site: Site) -> Parts | None:
        x, y = site.input(0), site.outputs[0]
        axis = next((i for i, (a, b) in enumerate(zip(x.shape, y.shape, strict=True)) if a != b), 0)
        inner = x.shape[axis + 1 :]
        if any(s != 1 for s in self.step) or inner != y.shape[axis + 1 :] or prod(x.shape[:axis]) != 1:
            return None
        start = self.begin[axis] * prod(inner) * (x.nbytes // x.size)
        return Parts("input", (start,)) if (x.q, x.dtype) == (y.q, y.dtype) else None

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        image = (1, 6, 7, 5)
        return (
            Sample("rows", cls((0, 1, 0, 0), (1, 5, 7, 5), (1, 1, 1, 1)), (image,)),
            Sample("window", cls((0, 1, 2, 0), (1, 5, 7, 5), (1, 1, 1, 1)), (image,)),
            Sample("channels", cls((0, 0, 0, 1), (1, 6, 7, 4), (1, 1, 1, 1)), (image,)),
            Sample("steps", cls((0, 1, 0, 0), (1, 6, 7, 5), (1, 2, 3, 2)), (image,)),
            Sample("reverse", cls((0, 5, 0, 4), (1, -1, 7, -1), (1, -1, 1, -2)), (image,)),
            Sample("vector", cls((3,), (30,), (1,)), ((33,),)),
            Sample("flipped_vector", cls((32,), (-1,), (-1,)), ((33,),)),
            Sample("five", cls((0, 1, 0, 1, 0), (2, 3, 2, 4, 3), (1, 1, 1, 2, 1)), ((2, 3, 2, 4, 3),)),
            Sample("all", cls((0, 0), (3, 4), (1, 1)), ((3, 4),)),
            Sample("real", cls((1, 0), (5, 6), (2, 1)), ((6, 6),), elements=REALS),
            Sample("int16", cls((1, 0), (5, 6), (2, 1)), ((6, 6),), elements=INTS16),
        )
