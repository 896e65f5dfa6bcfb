"""Transposition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.op import Op, Sample, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, Shape
from edgeq.ir.traits import Pattern, Tie, Trait
from edgeq.ops._broadcast import Strides, contiguous_strides
from edgeq.ops._int16 import INTS16
from edgeq.ops._real import REALS
from edgeq.ops._strided import StridedOp, only_input


@dataclass(frozen=True)
class Transpose(StridedOp):
    """Dimension i of the output is dimension perm[i] of the input.

    Attributes:
        perm: a permutation of the dimensions.
    """

    perm: tuple[int, ...]

    pattern: ClassVar[Pattern] = Pattern.REARRANGEMENT
    declines: ClassVar[frozenset[Trait]] = StridedOp.declines | {"commute", "parts"}

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x = only_input(self.kind, shapes)
        if sorted(self.perm) != list(range(len(x))):
            raise ValueError(f"{self.perm} is no permutation of the {len(x)} dimensions of {x}")
        return (tuple(x[i] for i in self.perm),)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self if self.perm and self.perm[0] == 0 else None

    def view(self, x: Array) -> Array:
        return np.transpose(x, self.perm)

    def walk(self, shape: Shape) -> tuple[int, Strides]:
        own = contiguous_strides(shape)
        return 0, tuple(own[i] for i in self.perm)

    def is_copy(self, site: Site) -> bool:
        moved = [p for p in self.perm if site.input(0).shape[p] != 1]
        return moved == sorted(moved)

    def tied_channels(self, site: Site) -> tuple[Tie, ...] | None:
        if self.perm[-1:] != (len(self.perm) - 1,):
            return None
        return (Tie.shifted(0, 0, site.outputs[0].shape[-1]),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        image = (1, 6, 7, 5)
        return (
            Sample("to_nchw", cls((0, 3, 1, 2)), (image,)),
            Sample("to_nhwc", cls((0, 2, 3, 1)), (image,)),
            Sample("few_channels_apart", cls((0, 2, 3, 1)), ((2, 3, 5, 5),)),
            Sample("few_channels_together", cls((0, 3, 1, 2)), ((2, 5, 5, 3),)),
            Sample("more_than_squares", cls((0, 2, 1)), ((2, 21, 37),)),
            Sample("among_others", cls((2, 1, 0)), ((19, 3, 17),)),
            Sample("few_among_others", cls((2, 1, 0)), ((5, 2, 37),)),
            Sample("inner_kept", cls((0, 2, 1, 3)), (image,)),
            Sample("nothing", cls((0, 1, 2, 3)), (image,)),
            Sample("matrix", cls((1, 0)), ((5, 9),)),
            Sample("vector", cls((0,)), ((9,),)),
            Sample("five", cls((4, 1, 3, 0, 2)), ((2, 3, 2, 4, 3),)),
            Sample("six", cls((5, 4, 3, 2, 1, 0)), ((2, 1, 2, 3, 2, 3),)),
            Sample("real", cls((2, 0, 1)), ((3, 4, 5),), elements=REALS),
            Sample("int16", cls((2, 0, 1)), ((3, 4, 5),), elements=INTS16),
        )
