"""Statistics of samples of sensors, in float32."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import QuantRule
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.ir.traits import TRAITS, Trait
from edgeq.numerics.moments import STATISTICS, statistics
from edgeq.numerics.spectrum import LONGEST
from edgeq.ops._real import REAL
from edgeq.ops._whole import SAMPLES, frames


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_sample_statistics_ref`."""
    op, x = site.op, site.input(0).shape
    assert isinstance(op, SampleStatistics)
    return {
        "rows": frames(x, 1),
        "samples": x[-1] // op.axes,
        "axes": op.axes,
        "count": len(op.chosen),
        "chosen": np.array(op.chosen, np.uint8),
        "scale": op.scale,
    }


@dataclass(frozen=True)
class SampleStatistics(Op):
    """Input: whole samples (…, n · axes), those of all axes together. Output: real, (…, axes, statistics).

    Attributes:
        axes: of the sensor.
        chosen: numbers of `edgeq.numerics.moments.STATISTICS`.
        scale: what a sample of 1 stands for.
    """

    axes: int
    chosen: tuple[int, ...]
    scale: float = 1.0

    gives_real: ClassVar[bool | None] = True
    declines: ClassVar[frozenset[Trait]] = frozenset(TRAITS)
    kernels: ClassVar = (
        Kernel(
            "eq_sample_statistics_ref",
            ("ref/sample_statistics.c",),
            "eq/spectrum.h",
            "eq_sample_statistics_params",
            lower,
            elements=REAL,
        ),
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x = shapes[0]
        if x is None or not x or self.axes < 1 or x[-1] % self.axes or not 1 <= x[-1] // self.axes <= LONGEST:
            raise ValueError(f"{x} are no samples of {self.axes} axes, up to {LONGEST} of each")
        if not self.chosen or not all(0 <= k < len(STATISTICS) for k in self.chosen) or not isfinite(self.scale):
            raise ValueError(f"statistics {self.chosen} of samples times {self.scale} are impossible")
        return ((*x[:-1], self.axes, len(self.chosen)),)

    def compute(self, inputs: Arrays) -> tuple[Array, ...]:
        """What it gives."""
        x = inputs[0]
        assert x is not None
        apart = np.swapaxes(x.astype(np.int16).reshape(*x.shape[:-1], -1, self.axes), -1, -2)
        return (np.ascontiguousarray(statistics(apart, self.scale)[..., self.chosen]),)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        return self.compute(inputs)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return self.compute(inputs)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return self.compute(inputs)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(roles=(SAMPLES,))

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        types, every = (DType.INT16, DType.FLOAT32), tuple(range(len(STATISTICS)))
        return (
            Sample("all", cls(3, every, 0.25), ((1, 60),), elements=types),
            Sample("some", cls(1, (4, 0), 1e-3), ((2, 17),), elements=types),
        )
