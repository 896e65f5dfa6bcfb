"""Slicing."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, replace

from edgeq.ir.op import Op, Sample, Shapes
from edgeq.ir.tensor import Array, Shape
from edgeq.ops._broadcast import Strides, contiguous_strides
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
        )
