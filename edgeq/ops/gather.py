"""Choice of elements along an axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import BYTES, Kernel, Param
from edgeq.ir.op import ACTIVATION, Arrays, Index, Op, QuantRule, Sample, Scale, Shapes, Site
from edgeq.ir.tensor import Array, Shape
from edgeq.ir.traits import Tie, Trait
from edgeq.ops._broadcast import require_same_scale
from edgeq.ops._movement import MovementOp
from edgeq.ops._overlap import Overlaps, indices, of_elements
from edgeq.ops._real import REAL, REALS


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_gather_ref`: what lies behind the axis is copied as bytes."""
    assert isinstance(site.op, Gather)
    shape, axis = site.input(0).shape, site.op.axis
    run = prod(shape[axis + 1 :]) * site.outputs[0].itemsize
    return {
        "outer": prod(shape[:axis]),
        "step": shape[axis] * run,
        "count": site.input(1).size,
        "run": run,
        "places": site.const(1).astype(np.int32),
    }


def lower_int(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_gather_ref` for quantized elements.

    Raises:
        InternalError: input and output differ in scale.
    """
    require_same_scale(site, site.input(0).qp)
    return lower(site)


def overlap(site: Site) -> Overlaps:
    """One element after another, in order."""
    assert isinstance(site.op, Gather)
    return of_elements(site, [np.take(indices(site.input(0).shape), site.const(1), site.op.axis), None])


@dataclass(frozen=True)
class Gather(MovementOp):
    """Inputs: x, places (1-D, constant, each below x's size along `axis`). Output: numpy's `take(x, places, axis)`.

    Attributes:
        axis: of x, not negative.
    """

    axis: int

    declines: ClassVar[frozenset[Trait]] = MovementOp.declines | {"commute", "is_copy", "parts"}

    kernels: ClassVar = (
        Kernel(
            "eq_gather_ref",
            ("ref/gather.c",),
            "eq/gather.h",
            "eq_gather_params",
            lower_int,
            elements=BYTES,
            overlap=overlap,
        ),
        Kernel(
            "eq_gather_float32_ref",
            ("ref/gather.c",),
            "eq/gather.h",
            "eq_gather_params",
            lower,
            elements=REAL,
            overlap=overlap,
        ),
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x, places = shapes[0], shapes[1]
        if x is None or places is None or len(places) != 1:
            raise ValueError(f"places along one axis must be a list, not of shape {places}")
        if not 0 <= self.axis < len(x):
            raise ValueError(f"axis {self.axis} does not exist in shape {x}")
        return ((*x[: self.axis], places[0], *x[self.axis + 1 :]),)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self if self.axis else None

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x, places = inputs[0], inputs[1]
        assert x is not None and places is not None
        return (np.take(x, places, self.axis),)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return self.run_float(inputs)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        require_same_scale(site, site.input(0).qp)
        return self.run_float(inputs)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        size = 0 if shapes[0] is None else shapes[0][self.axis]
        return QuantRule(Scale.SAME, roles=(ACTIVATION, Index(limit=size)))

    def tied_channels(self, site: Site) -> tuple[Tie, ...] | None:
        rank = len(site.input(0).shape)
        return None if self.axis == rank - 1 else (Tie.shifted(0, 0, site.outputs[0].shape[-1]),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("rows", cls(1), ((1, 6, 7, 5), (9,)), const=(1,)),
            Sample("channels", cls(3), ((1, 3, 4, 11), (5,)), const=(1,)),
            Sample("vector", cls(0), ((33,), (40,)), const=(1,)),
            Sample("pairs", cls(1), ((3, 40, 2), (17,)), const=(1,)),
            Sample("table", cls(0), ((300, 3), (7,)), const=(1,)),
            Sample("real", cls(1), ((2, 6, 3), (8,)), const=(1,), elements=REALS),
        )
