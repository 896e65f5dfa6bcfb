"""Splitting a tensor into several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import INT16, Kernel, Param
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import QuantRule, Scale
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, Shape
from edgeq.ir.traits import Commuted, Perm, Tie, Trait
from edgeq.ops._broadcast import require_same_scale
from edgeq.ops._int16 import INTS16
from edgeq.ops._movement import WORDS, MovementOp
from edgeq.ops._real import REALS


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_split_ref`.

    Raises:
        InternalError: input and outputs differ in scale.
    """
    require_same_scale(site, site.input(0).qp)
    return lower_real(site)


def lower_real(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_split_float32_ref`."""
    assert isinstance(site.op, Split)
    x, axis = site.input(0).shape, site.op.axis
    return {
        "count": len(site.op.sizes),
        "rows": prod(x[:axis]),
        "sizes": np.array([size * prod(x[axis + 1 :]) for size in site.op.sizes], np.int32),
    }


@dataclass(frozen=True)
class Split(MovementOp):
    """Input: x of any shape. Outputs: consecutive pieces of it along an axis.

    Attributes:
        axis: not negative.
        sizes: elements of each output along the axis.
    """

    axis: int
    sizes: tuple[int, ...]

    kernels: ClassVar = (
        Kernel("eq_split_ref", ("ref/split.c",), "eq/split.h", "eq_split_params", lower_ref, variadic="outputs"),
        Kernel(
            "eq_split_int16_ref",
            ("ref/split.c",),
            "eq/split.h",
            "eq_split_params",
            lower_ref,
            elements=INT16,
            variadic="outputs",
        ),
        Kernel(
            "eq_split_float32_ref",
            ("ref/split.c",),
            "eq/split.h",
            "eq_split_params",
            lower_real,
            elements=WORDS,
            variadic="outputs",
        ),
    )

    declines: ClassVar[frozenset[Trait]] = MovementOp.declines | {"parts"}

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        if len(shapes) != 1 or shapes[0] is None:
            raise ValueError("Split needs exactly one input")
        x, axis = shapes[0], self.axis
        if not 0 <= axis < len(x):
            raise ValueError(f"axis {axis} does not exist in shape {x}")
        if min(self.sizes, default=0) < 1 or sum(self.sizes) != x[axis]:
            raise ValueError(f"pieces of {self.sizes} do not make up the {x[axis]} elements of axis {axis}")
        return tuple((*x[:axis], size, *x[axis + 1 :]) for size in self.sizes)

    def _pieces(self, x: Array) -> tuple[Array, ...]:
        return tuple(np.ascontiguousarray(p) for p in np.split(x, np.cumsum(self.sizes)[:-1], axis=self.axis))

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self if self.axis else None

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        return self._pieces(inputs[0])

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return self.run_float(inputs)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        require_same_scale(site, site.input(0).qp)
        return self._pieces(inputs[0])

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(Scale.SAME)

    def is_copy(self, site: Site) -> bool:
        return len(self.sizes) == 1

    def commute(self, perm: Perm) -> Commuted | None:
        return Commuted(replace(self, axis=perm[self.axis]), perm)

    def cuts_channels(self, site: Site) -> bool:
        """Whether the pieces have channels of their own."""
        return self.axis == len(site.input(0).shape) - 1

    def tied_channels(self, site: Site) -> tuple[Tie, ...] | None:
        starts = np.cumsum([0, *self.sizes]) if self.cuts_channels(site) else [0] * len(self.sizes)
        return tuple(Tie.shifted(0, k, y.shape[-1], int(starts[k]), 0) for k, y in enumerate(site.outputs))

    def with_channels(self, site: Site, counts: Sequence[int]) -> Split:
        return replace(self, sizes=tuple(counts)) if self.cuts_channels(site) else self

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        image = (1, 6, 7, 5)
        return (
            Sample("channels", cls(3, (2, 3)), (image,)),
            Sample("rows", cls(1, (1, 4, 1)), (image,)),
            Sample("int16", cls(1, (1, 4, 1)), (image,), elements=INTS16),
            Sample("real", cls(1, (1, 4, 1)), (image,), elements=REALS),
            Sample("whole", cls(1, (6,)), (image,)),
            Sample("vector", cls(0, (1, 8, 3)), ((12,),)),
            Sample("five", cls(2, (1, 1)), ((2, 3, 2, 4, 3),)),
        )
