"""Real numbers as whole ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import QuantRule
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.ir.traits import TRAITS, Trait
from edgeq.numerics.fixedpoint import INT32_MAX, INT32_MIN
from edgeq.ops._index_of import FROM_INT8, FROM_REAL
from edgeq.ops._overlap import Overlaps, indices, of_elements


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_real_to_whole_ref`: what each of the 256 integers stands for."""
    return {"size": site.outputs[0].size, "table": site.once(table)}


def lower_real(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_real_to_whole_float32_ref`."""
    op = site.op
    assert isinstance(op, RealToWhole)
    return {"size": site.outputs[0].size, "low": op.low, "high": op.high}


def table(site: Site) -> Array:
    """The whole number for each int8 number, from −128 on."""
    op = site.op
    assert isinstance(op, RealToWhole)
    return op.whole(site.input(0).qp.dequantize(np.arange(-128, 128)))


def overlap(site: Site) -> Overlaps:
    """One element after another."""
    return of_elements(site, [indices(site.input(0).shape)])


@dataclass(frozen=True)
class RealToWhole(Op):
    """Input: x of any shape. Output: int32, x rounded towards 0, within bounds; NaN becomes 0.

    Attributes:
        low, high: the bounds.
    """

    low: int = INT32_MIN
    high: int = INT32_MAX

    gives_real: ClassVar[bool | None] = False
    gives_whole: ClassVar[bool] = True
    declines: ClassVar[frozenset[Trait]] = frozenset(TRAITS)
    kernels: ClassVar = tuple(
        Kernel(
            f"eq_real_to_whole{suffix}_ref",
            ("ref/real_to_whole.c",),
            "eq/real_to_whole.h",
            f"eq_real_to_whole{suffix}_params",
            parameters,
            elements=frozenset(elements),
            overlap=overlap,
        )
        for suffix, parameters, elements in (("", lower, FROM_INT8), ("_float32", lower_real, FROM_REAL))
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        if shapes[0] is None:
            raise ValueError("there is no input")
        if not INT32_MIN <= self.low <= self.high <= INT32_MAX:
            raise ValueError(f"the bounds {self.low} and {self.high} are not in order")
        return (shapes[0],)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self if shapes[0] else None

    def whole(self, x: Array) -> Array:
        """Whole numbers for real ones."""
        known = np.trunc(np.nan_to_num(x.astype(np.float64), posinf=np.inf, neginf=-np.inf))
        return np.asarray(np.clip(known, self.low, self.high), np.int32)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        return (self.whole(inputs[0]),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        if site.input(0).dtype is DType.FLOAT32:
            return self.run_float(inputs)
        return (np.asarray(site.once(table)[x.astype(np.int64) + 128]),)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule()

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 5, 3, 7),), low=-100.0, high=70.0, elements=FROM_INT8),
            Sample("bounds", cls(-1, 2), ((40,),), elements=FROM_INT8),
            Sample("real", cls(), ((1, 5, 3, 7),), low=-3e9, high=3e9, elements=FROM_REAL),
            Sample("real_bounds", cls(0, 255), ((60,),), low=-100.0, high=400.0, elements=FROM_REAL),
        )
