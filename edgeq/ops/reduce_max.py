"""Maximum over axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import INT16, Kernel
from edgeq.ir.op import Arrays, Sample, Shapes
from edgeq.ir.quant_rule import QuantRule, Scale
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.ir.traits import Affine, Trait
from edgeq.numerics import float32
from edgeq.ops._int16 import as_int16
from edgeq.ops._real import of_single, reduction_row
from edgeq.ops._reduce import Reduction, keeps_channels, overlap, walk_params


@dataclass(frozen=True)
class ReduceMax(Reduction):
    """Input: x of any rank. Output: x's shape without `axes`, or with ones there, in x's scale.

    Attributes: those of `Reduction`.
    """

    declines: ClassVar[frozenset[Trait]] = Reduction.declines - {"affine"}
    onnx: ClassVar[str] = "ReduceMax"

    kernels: ClassVar = (
        Kernel(
            "eq_reduce_max_ref",
            ("ref/reduce_max.c",),
            "eq/reduce_max.h",
            "eq_reduce_max_params",
            walk_params,
            overlap=overlap,
        ),
        Kernel(
            "eq_reduce_max_int16_ref",
            ("ref/reduce_max_int16.c",),
            "eq/reduce_max.h",
            "eq_reduce_max_params",
            walk_params,
            elements=INT16,
            overlap=overlap,
        ),
        reduction_row("reduce_max", walk_params, overlap),
    )

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return of_single(lambda x: float32.greatest(x, self.axes, self.keepdims), inputs)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        return (np.asarray(x.max(axis=self.axes, keepdims=self.keepdims), np.float32),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        return (np.asarray(x.max(axis=self.axes, keepdims=self.keepdims)),)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(output=Scale.SAME)

    def affine(self, site: Site) -> Affine:
        return Affine.POSITIVE if keeps_channels(site) else Affine.NONE

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            *super().samples(),
            as_int16(Sample("rows", cls((1,)), ((3, 33),))),
            Sample("negative", cls((1,)), ((1, 33),), low=-4.0, high=-1.0),
        )
