"""The label of the greatest of whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Param
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import Index, QuantRule
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, Shape
from edgeq.ops._labels import WHOLES, LabelOp, label_row
from edgeq.ops._overlap import Overlaps, of_elements


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_label_ref`."""
    op, shape = site.op, site.input(0).shape
    assert isinstance(op, Label)
    return {
        "rows": prod(shape[:-1]),
        "count": shape[-1],
        "labels": np.array(op.labels, np.int32) if op.labels else 0,
    }


def overlap(site: Site) -> Overlaps:
    """One label after another, each of a row."""
    y, count = site.outputs[0], site.input(0).shape[-1]
    return of_elements(site, [(np.arange(y.size) * count).reshape(y.shape)])


@dataclass(frozen=True)
class Label(LabelOp):
    """Input: whole numbers (…, classes). Output: whole numbers (…), the label of the greatest; of equal ones the first.

    Attributes:
        labels: a whole number per class; without any, its index.
        names: what the classes are called, or nothing; for readers of the generated code.
    """

    labels: tuple[int, ...] = ()
    names: tuple[str, ...] = ()

    kernels: ClassVar = label_row("label", lower, overlap)

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.names

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x = shapes[0]
        if x is None or not x:
            raise ValueError("a label needs one number per class")
        for given in (self.labels, self.names):
            if given and len(given) != x[-1]:
                raise ValueError(f"{len(given)} labels do not fit {x[-1]} classes")
        return (x[:-1],)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return None if shapes[0] is None or len(shapes[0]) < 2 else self

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        found = np.asarray(inputs[0].argmax(axis=-1))
        return (np.asarray(np.take(self.labels, found) if self.labels else found, np.int32),)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(roles=(Index(limit=1000),))

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("index", cls(), ((12, 7),), elements=WHOLES),
            Sample("labels", cls(labels=(5, -3, 2**31 - 1, 8)), ((2, 9, 4),), elements=WHOLES),
            Sample("names", cls(names=("a", "b", "c", "d", "e")), ((30, 5),), elements=WHOLES),
        )
