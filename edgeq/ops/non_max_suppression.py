"""Boxes that overlap none with a higher score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor
from typing import Any, ClassVar

import numpy as np

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import QuantRule
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.ir.traits import TRAITS, Trait
from edgeq.numerics.float32 import GREATEST
from edgeq.ops._index_of import FROM_INT8, FROM_REAL

ONE = 1 << 16
"""Steps of the threshold of overlaps in integer arithmetic."""
NONE = -1
"""What fills the rows that no box takes."""


def walk(site: Site) -> dict[str, Param]:
    """The members that all kernels share."""
    op, boxes, scores = site.op, site.input(0).shape, site.input(1).shape
    assert isinstance(op, NonMaxSuppression)
    return {
        "batches": boxes[0],
        "classes": scores[1],
        "boxes": boxes[1],
        "limit": min(op.limit, boxes[1]),
        "centred": int(op.centred),
    }


def least_score(site: Site) -> int:
    """The step that a score must exceed."""
    op, q = site.op, site.input(1).qp
    assert isinstance(op, NonMaxSuppression)
    if op.score is None:
        return -129
    return floor(min(max(op.score / q.s + q.zp, -129.0), 127.0))


def most_overlap(site: Site) -> int:
    """The share of a union, in steps of 1 / ONE, that an intersection must exceed."""
    assert isinstance(site.op, NonMaxSuppression)
    return round(site.op.overlap * ONE)


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_non_max_suppression_ref`."""
    return {
        **walk(site),
        "zero_point": site.input(0).qp.zp,
        "score": least_score(site),
        "overlap": most_overlap(site),
    }


def lower_real(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_non_max_suppression_float32_ref`."""
    op = site.op
    assert isinstance(op, NonMaxSuppression)
    return {**walk(site), "score": -GREATEST if op.score is None else op.score, "overlap": op.overlap}


def edges(boxes: Array, centred: bool) -> tuple[Array, Array]:
    """Twice the lower and the upper ends (boxes, 2) of boxes (boxes, 4)."""
    first, second = boxes[:, :2], boxes[:, 2:]
    if centred:
        return first + first - second, first + first + second
    low, high = np.minimum(first, second), np.maximum(first, second)
    return low + low, high + high


@dataclass(frozen=True)
class NonMaxSuppression(Op):
    """Inputs: boxes (batches, boxes, 4), scores (batches, classes, boxes). Output: int32 (rows, 3), rows = batches ·
    classes · limit.

    Of each class of each batch the boxes are gone through from the highest score to the lowest, of equal ones by their
    index; one is kept if its score exceeds the threshold and its overlap with each box that was kept (intersection over
    union; 0 where one of them has no area) does not. A row of the output is batch, class and box of one that is kept,
    row after row without gaps; the rest is −1. Quantized boxes and scores are compared exactly, in their own steps.

    Attributes:
        limit: how many are kept in a class, at most.
        overlap: the threshold of overlaps, from 0 to 1.
        score: the threshold of scores; None: there is none.
        centred: boxes are centre and size (x, y, width, height), not two corners in any order (y, x, y, x).
    """

    limit: int
    overlap: float = 0.0
    score: float | None = None
    centred: bool = False

    gives_real: ClassVar[bool | None] = False
    gives_whole: ClassVar[bool] = True
    declines: ClassVar[frozenset[Trait]] = frozenset(TRAITS)
    kernels: ClassVar = tuple(
        Kernel(
            f"eq_non_max_suppression{suffix}_ref",
            ("ref/non_max_suppression.c",),
            "eq/non_max_suppression.h",
            f"eq_non_max_suppression{suffix}_params",
            parameters,
            elements=frozenset(elements),
        )
        for suffix, parameters, elements in (("", lower, FROM_INT8), ("_float32", lower_real, FROM_REAL))
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        boxes, scores = shapes[0], shapes[1]
        if boxes is None or scores is None or len(boxes) != 3 or len(scores) != 3:
            raise ValueError("boxes (batches, boxes, 4) and scores (batches, classes, boxes) are needed")
        if boxes[2] != 4 or (boxes[0], boxes[1]) != (scores[0], scores[2]):
            raise ValueError(f"boxes {boxes} and scores {scores} do not fit each other")
        if self.limit < 1 or not 0.0 <= self.overlap <= 1.0:
            raise ValueError(f"at most {self.limit} boxes with overlaps up to {self.overlap} would be kept")
        return ((boxes[0] * scores[1] * min(self.limit, boxes[1]), 3),)

    def _kept(self, boxes: Array, scores: Array, least: Any, share: Any) -> tuple[Array, ...]:
        """The output for coordinates and scores of a type that is exact or rounds as the generated code."""
        limit, rows = min(self.limit, boxes.shape[1]), list[tuple[int, int, int]]()
        for batch, classes in enumerate(scores):
            low, high = edges(boxes[batch], self.centred)
            area = (high[:, 0] - low[:, 0]) * (high[:, 1] - low[:, 1])
            for kind, row in enumerate(classes):
                order = np.argsort(-row, kind="stable")
                chosen: list[int] = []
                for box in order[row[order] > least]:
                    sides = np.minimum(high[box], high[chosen]) - np.maximum(low[box], low[chosen])
                    meet = (sides > 0).all(axis=1) & (area[box] > 0) & (area[chosen] > 0)
                    common = sides[:, 0] * sides[:, 1]
                    if not (meet & share(common, area[box] + area[chosen] - common)).any():
                        chosen.append(int(box))
                    if len(chosen) == limit:
                        break
                rows.extend((batch, kind, box) for box in chosen)
        found = np.full(self.out_shapes((boxes.shape, scores.shape))[0], NONE, np.int32)
        found[: len(rows)] = np.array(rows, np.int32).reshape(-1, 3)
        return (found,)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        boxes, scores = inputs[0], inputs[1]
        assert boxes is not None and scores is not None

        def share(common: Array, union: Array) -> Array:
            return np.asarray(common / union > np.float32(self.overlap))

        least = np.float32(-GREATEST if self.score is None else self.score)
        with np.errstate(all="ignore"):
            return self._kept(boxes.astype(np.float32), scores.astype(np.float32), least, share)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        boxes, scores = inputs[0], inputs[1]
        assert boxes is not None and scores is not None
        if site.input(0).dtype is DType.FLOAT32:
            return self.run_float(inputs)

        def share(common: Array, union: Array) -> Array:
            return np.asarray(common * ONE > union * most_overlap(site))

        whole = boxes.astype(np.int64) - site.input(0).qp.zp
        return self._kept(whole, scores.astype(np.int64), least_score(site), share)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule()

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        def shapes(batches: int, classes: int, boxes: int) -> tuple[Shape, Shape]:
            return (batches, boxes, 4), (batches, classes, boxes)

        return (
            Sample("corners", cls(5, 0.3), shapes(1, 2, 40), elements=FROM_INT8),
            Sample("batches", cls(9, 0.1, 0.5), shapes(2, 3, 9), elements=FROM_INT8),
            Sample("centred", cls(6, 0.2, -1.0, True), shapes(1, 2, 30), elements=FROM_INT8),
            Sample("all", cls(50, 1.0), shapes(1, 1, 12), elements=FROM_INT8),
            Sample("nothing", cls(4, 0.5, 100.0), shapes(1, 1, 12), elements=FROM_INT8),
            Sample("real", cls(5, 0.3, 0.5), shapes(2, 2, 30), elements=FROM_REAL),
            Sample("real_centred", cls(6, 0.2, None, True), shapes(1, 2, 30), elements=FROM_REAL),
        )
