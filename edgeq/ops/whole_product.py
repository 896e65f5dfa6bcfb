"""Matrix product of whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Kernel
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import Index, QuantRule
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.ir.traits import TRAITS, Trait
from edgeq.ops._labels import WHOLES
from edgeq.ops.mat_mul import DIMS, OPERANDS, lower_plain, overlap
from edgeq.ops.whole_pair import WIDTH, wrapped


@dataclass(frozen=True)
class WholeProduct(Op):
    """Inputs: whole numbers a (…, M, K), b (…, K, N); batch dimensions broadcast. Output: (…, M, N), of 32 bits.

    At most one of the two is constant.
    """

    gives_real: ClassVar[bool | None] = False
    gives_whole: ClassVar[bool] = True
    declines: ClassVar[frozenset[Trait]] = frozenset(TRAITS)
    kernels: ClassVar = tuple(
        Kernel(
            f"eq_whole_product_{constant}ref",
            ("ref/whole_product.c",),
            "eq/whole_product.h",
            "eq_whole_product_params",
            lower_plain,
            elements=frozenset({DType.INT32}),
            fits=fits,
            overlap=overlap,
        )
        for constant, fits in OPERANDS.items()
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        a, b = shapes[0], shapes[1]
        if a is None or b is None or len(a) < 2 or len(b) < 2 or a[-1] != b[-2]:
            raise ValueError(f"a matrix product needs matrices whose columns and rows match, not {a} and {b}")
        if max(len(a), len(b)) > DIMS + 2:
            raise ValueError(f"{a} and {b} have more than {DIMS} batch dimensions")
        try:
            batch = np.broadcast_shapes(a[:-2], b[:-2])
        except ValueError:
            raise ValueError(f"the batch dimensions of {a} and {b} do not fit each other") from None
        return ((*(int(s) for s in batch), a[-2], b[-1]),)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        a, b = inputs[0], inputs[1]
        assert a is not None and b is not None
        return (wrapped(a.astype(np.int64) @ b.astype(np.int64), WIDTH, True).astype(np.int32),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return self.run_float(inputs)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(roles=(Index(limit=256, least=-256), Index(limit=256, least=-256)))

    def macs(self, site: Site) -> int:
        return site.outputs[0].size * site.input(0).shape[-1]

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("plain", cls(), ((5, 7), (7, 9)), elements=WHOLES),
            Sample("broadcast", cls(), ((2, 1, 3, 5), (4, 5, 2)), elements=WHOLES),
            Sample("constant_a", cls(), ((3, 6), (2, 6, 5)), const=(0,), elements=WHOLES),
            Sample("constant_b", cls(), ((2, 4, 13), (13, 17)), const=(1,), elements=WHOLES),
        )
