"""A constant that the caller gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import QuantRule, Scale
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.ir.traits import TRAITS, Trait


def lower_ref(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_store_ref`."""
    data = np.ascontiguousarray(site.const(0))
    return {"size": data.nbytes, "constant": data.reshape(-1).view(np.int8)}


@dataclass(frozen=True)
class Store(Op):
    """Input: a constant. Output: the same elements, written where the caller reads them.

    It takes part in no optimization: it exists because an output must be in memory.
    """

    declines: ClassVar[frozenset[Trait]] = frozenset(TRAITS)
    kernels: ClassVar = (
        Kernel("eq_store_ref", ("ref/store.c",), "eq/store.h", "eq_store_params", lower_ref),
        Kernel(
            "eq_store_ref_float32",
            ("ref/store.c",),
            "eq/store.h",
            "eq_store_params",
            lower_ref,
            elements=frozenset({DType.FLOAT32}),
        ),
        Kernel(
            "eq_store_int32_ref",
            ("ref/store.c",),
            "eq/store.h",
            "eq_store_params",
            lower_ref,
            elements=frozenset({DType.INT32}),
        ),
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        if len(shapes) != 1 or shapes[0] is None:
            raise ValueError("Store needs exactly one input")
        return (shapes[0],)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        whole = inputs[0].dtype == np.int32
        return (np.array(inputs[0], np.int32 if whole else np.float32),)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return self.run_float(inputs)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return (site.const(0),)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(Scale.SAME)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("image", cls(), ((1, 5, 3, 7),), const=(0,)),
            Sample("real", cls(), ((33,),), const=(0,), elements=(DType.FLOAT32, DType.FLOAT32)),
            Sample("scalar", cls(), ((),), const=(0,)),
            Sample("whole", cls(), ((3, 4),), const=(0,), elements=(DType.INT32, DType.INT32)),
        )
