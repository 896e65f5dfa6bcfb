"""Whole numbers looked up in a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Param, in_place
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import Index, QuantRule
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, Shape
from edgeq.ops._labels import WHOLES, LabelOp, label_row


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_relabel_ref`."""
    assert isinstance(site.op, Relabel)
    return {
        "size": site.outputs[0].size,
        "first": site.op.first,
        "count": len(site.op.labels),
        "labels": np.array(site.op.labels, np.int32),
    }


@dataclass(frozen=True)
class Relabel(LabelOp):
    """Input: whole numbers x. Output: labels[x − first], of the same shape; what is beyond the table, its nearest end.

    Attributes:
        labels: the table.
        first: the number that the first entry is for.
        names: what the numbers 0, 1, … of the output are called, or nothing; for readers of the generated code.
    """

    labels: tuple[int, ...]
    first: int = 0
    names: tuple[str, ...] = ()

    kernels: ClassVar = label_row("relabel", lower, in_place)

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.names

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        if shapes[0] is None or not self.labels:
            raise ValueError("a table needs entries, and numbers to look up")
        return (shapes[0],)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self if shapes[0] else None

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        places = np.clip(inputs[0].astype(np.int64) - self.first, 0, len(self.labels) - 1)
        return (np.take(np.array(self.labels, np.int32), places),)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(roles=(Index(limit=max(2, self.first + len(self.labels))),))

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("table", cls((5, -3, 2**31 - 1, 8, 7, 6)), ((3, 40),), elements=WHOLES),
            Sample("offset", cls((9, 8, 7, 1, 2, 3), first=2), ((50,),), elements=WHOLES),
        )
