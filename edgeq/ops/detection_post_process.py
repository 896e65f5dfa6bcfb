"""What a single-shot detector found: boxes decoded from anchors, of which none hides another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import ClassVar

import numpy as np

from edgeq.ir.condition import Condition
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import ACTIVATION, QuantRule, Real
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams, Shape
from edgeq.ir.traits import TRAITS, Trait
from edgeq.numerics import float32
from edgeq.numerics.float32 import Floats

REAL = DType.FLOAT32
FROM_INT8 = (DType.INT8, REAL)
FROM_REAL = (REAL, REAL)
MOST_CLASSES = 1 << 16
MOST_ROWS = 1 << 16
Row = tuple[np.float32, int, int]
"""Score, class and box of something found."""


def least_score(q: QParams, score: float) -> int:
    """The least integer that stands for a score which is high enough; 128: there is none."""
    steps = np.arange(-128, 128)
    enough = steps[float32.dequantize(steps, q.s, q.zp) >= np.float32(score)]
    return int(enough[0]) if enough.size else 128


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of both kernels; those of integers are of no account for real numbers."""
    op, boxes, scores = site.op, site.input(0), site.input(1)
    assert isinstance(op, DetectionPostProcess)
    of_boxes, of_scores = (QParams.per_tensor(1.0, 0) if t.q is None else t.q for t in (boxes, scores))
    return {
        "boxes": boxes.shape[1],
        "box_columns": boxes.shape[2],
        "score_columns": scores.shape[2],
        "background": scores.shape[2] - op.classes,
        "classes": op.classes,
        "limit": op.limit,
        "per_box": op.per_box,
        "per_class": op.per_class,
        "box_zero_point": of_boxes.zp,
        "score_zero_point": of_scores.zp,
        "least": 0 if scores.q is None else least_score(scores.q, op.score),
        "score": op.score,
        "overlap": op.overlap,
        "box_scale": of_boxes.s,
        "score_scale": of_scores.s,
        "coding": np.array(op.coding, np.float32),
        "anchors": np.ascontiguousarray(site.const(2), np.float32),
    }


def scratch(site: Site) -> int:
    """The best score of each box, where boxes of all classes hide each other."""
    assert isinstance(site.op, DetectionPostProcess)
    return 0 if site.op.per_class else site.input(1).shape[1] * site.input(1).dtype.numpy.itemsize


def both(dtype: DType) -> Condition:
    """Whether boxes and scores have one element type."""
    return Condition(
        f"Boxes and scores are both {dtype.value}", lambda site: {site.input(k).dtype for k in (0, 1)} == {dtype}
    )


def real(x: Array, q: QParams | None) -> Floats:
    """The numbers that the elements of an operand stand for."""
    return x.astype(np.float32) if q is None else float32.dequantize(x, q.s, q.zp)


@dataclass(frozen=True)
class DetectionPostProcess(Op):
    """Inputs: boxes (1, boxes, columns), of which the first four columns are y, x, h, w; scores (1, boxes, classes), or
    with another column for the background first; anchors (boxes, 4), which are y, x, h, w, constant. Outputs, all real:
    boxes (1, rows, 4), which are the least y and x and the greatest; classes (1, rows); scores (1, rows); how many were
    found (1); rows = limit · per_box. What is behind the last one found is 0.

    A box has the centre `y / coding · h of the anchor + y of the anchor` and the height `exp(h / coding) · h of the
    anchor`, and likewise along x. Boxes are gone through from the highest score to the lowest, of equal ones by their
    index; one is kept if its score is not below the threshold and its overlap with each one kept (intersection over
    union; 0 where one of them has no area) does not exceed another. Each operation is rounded to float32; quantized
    operands are dequantized first. A score that is no number, or minus infinity, is the least finite one.

    As TensorFlow Lite's TFLite_Detection_PostProcess, which rounds boxes once where this does several times.

    Attributes:
        classes: without the background.
        limit: how many are found, at most.
        score: the threshold of scores.
        overlap: the threshold of overlaps, above 0, at most 1.
        per_class: 0: boxes of all classes hide each other, the score of a box being the best of its classes. Else only
            those of the same class do, so many of each class are kept at most, and of all classes the best ones.
        per_box: of how many classes, the best first, there is a row for each box that is kept. Where `per_class` is not
            0 only the number of rows depends on it.
        coding: what y, x, h and w of boxes are divided by.
    """

    classes: int
    limit: int
    score: float
    overlap: float
    per_class: int = 0
    per_box: int = 1
    coding: tuple[float, float, float, float] = (10.0, 10.0, 5.0, 5.0)

    gives_real: ClassVar[bool | None] = True
    declines: ClassVar[frozenset[Trait]] = frozenset(TRAITS)
    kernels: ClassVar = tuple(
        Kernel(
            f"eq_detection_post_process{suffix}_ref",
            ("ref/detection_post_process.c",),
            "eq/detection_post_process.h",
            "eq_detection_post_process_params",
            lower,
            elements=frozenset(elements),
            fits=fits,
            scratch=scratch,
        )
        for suffix, elements, fits in (
            ("", FROM_INT8, both(DType.INT8)),
            ("_float32", FROM_REAL, both(REAL)),
        )
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        boxes, scores, anchors = shapes[:3] if len(shapes) == 3 else (None, None, None)
        if boxes is None or scores is None or anchors is None or len(boxes) != 3 or len(scores) != 3:
            raise ValueError("boxes (1, boxes, 4), scores (1, boxes, classes) and anchors (boxes, 4) are needed")
        if boxes[0] != 1 or boxes[2] < 4 or scores[:2] != boxes[:2] or anchors != (boxes[1], 4):
            raise ValueError(f"boxes {boxes}, scores {scores} and anchors {anchors} do not fit each other")
        if not 1 <= self.classes <= MOST_CLASSES or scores[2] - self.classes not in (0, 1):
            raise ValueError(f"there are scores of {scores[2]} classes, and {self.classes} are to be found")
        if self.limit < 1 or self.per_box < 1 or self.per_class < 0 or self.limit * self.per_box > MOST_ROWS:
            raise ValueError(f"{self.limit} boxes of {self.per_box} classes each would be found")
        if not isfinite(self.score) or not 0.0 < self.overlap <= 1.0:
            raise ValueError(f"scores from {self.score} on, and overlaps up to {self.overlap} would be kept")
        if not all(isfinite(s) and s > 0 for s in self.coding):
            raise ValueError(f"boxes would be divided by {self.coding}")
        rows = self.limit * self.per_box
        return (1, rows, 4), (1, rows), (1, rows), (1,)

    def decoded(self, boxes: Floats, anchors: Floats) -> Floats:
        """The corners (boxes, 4) of boxes (boxes, columns)."""
        coding = np.array(self.coding, np.float32)
        with np.errstate(all="ignore"):
            centre = float32.quotient(boxes[:, :2], coding[:2]) * anchors[:, 2:] + anchors[:, :2]
            half = (np.float32(0.5) * float32.exp(float32.quotient(boxes[:, 2:4], coding[2:]))) * anchors[:, 2:]
            return float32.number(np.concatenate([centre - half, centre + half], axis=1))

    def _shown(self, order: Array, boxes: Floats, limit: int) -> list[int]:
        """Those boxes in an order that none before hides."""
        shown: list[int] = []
        area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        for index in order.tolist():
            if len(shown) == limit:
                break
            a, b = boxes[index], boxes[shown]
            low = np.where(a[:2] > b[:, :2], a[:2], b[:, :2])
            sides = np.where(a[2:] < b[:, 2:], a[2:], b[:, 2:]) - low
            common = sides[:, 0] * sides[:, 1]
            meet = (sides > 0).all(axis=1) & (area[index] > 0) & (area[shown] > 0)
            if not (meet & (common / (area[index] + area[shown] - common) > np.float32(self.overlap))).any():
                shown.append(index)
        return shown

    def _in_order(self, scores: Floats) -> Array:
        """The indices of scores that are high enough, the best first."""
        order = np.argsort(-scores, kind="stable")
        return order[scores[order] >= np.float32(self.score)]

    def _of_all(self, boxes: Floats, scores: Floats) -> list[list[Row]]:
        """What is kept where boxes of all classes hide each other, box by box."""
        found = []
        for box in self._shown(self._in_order(scores.max(axis=1)), boxes, self.limit):
            best = np.argsort(-scores[box], kind="stable")[: self.per_box]
            found.append([(scores[box, kind], int(kind), box) for kind in best])
        return found

    def _of_each(self, boxes: Floats, scores: Floats) -> list[list[Row]]:
        """What is kept where boxes of a class hide each other."""
        found: list[Row] = []
        for kind, column in enumerate(scores.T):
            shown = self._shown(self._in_order(column), boxes, self.per_class)
            found += [(column[box], kind, box) for box in shown]
        return [[row] for row in sorted(found, key=lambda row: -row[0])[: self.limit]]

    def found(self, boxes: Floats, scores: Floats, anchors: Floats) -> tuple[Array, ...]:
        """The outputs for real boxes and scores."""
        greatest = np.float32(float32.GREATEST)
        keys = scores[0, :, scores.shape[2] - self.classes :]
        keys = np.where(keys >= -greatest, keys, -greatest).astype(np.float32)
        corners = self.decoded(boxes[0], anchors)
        with np.errstate(all="ignore"):
            groups = (self._of_each if self.per_class else self._of_all)(corners, keys)
        rows = self.limit * self.per_box
        where, kinds, best = (np.zeros(s, np.float32) for s in ((1, rows, 4), (1, rows), (1, rows)))
        stride = 1 if self.per_class else self.per_box
        for first, group in enumerate(groups):
            for row, (score, kind, box) in enumerate(group, first * stride):
                where[0, row], kinds[0, row], best[0, row] = corners[box], kind, score
        return where, kinds, best, np.array([len(groups)], np.float32)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        boxes, scores, anchors = inputs[:3]
        assert boxes is not None and scores is not None and anchors is not None
        return self.found(*(x.astype(np.float32) for x in (boxes, scores, anchors)))

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        boxes, scores, anchors = inputs[:3]
        assert boxes is not None and scores is not None and anchors is not None
        return self.found(real(boxes, site.input(0).q), real(scores, site.input(1).q), anchors.astype(np.float32))

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return self.run_float(inputs)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(roles=(ACTIVATION, ACTIVATION, Real()))

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        def case(name: str, op: DetectionPostProcess, boxes: int, scores: int, columns: int = 4) -> tuple[Sample, ...]:
            shapes = (1, boxes, columns), (1, boxes, scores), (boxes, 4)
            return (
                Sample(name, op, shapes, (2,), elements=FROM_INT8),
                Sample(f"real_{name}", op, shapes, (2,), elements=FROM_REAL),
            )

        return (
            *case("all", cls(3, 6, 0.5, 0.4), 40, 4),
            *case("classes", cls(4, 5, 0.1, 0.3, per_box=3, coding=(9.5, 8.25, 4.125, 3.3)), 23, 4, 7),
            *case("more_rows", cls(1, 12, -5.0, 1.0, per_box=2), 7, 1),
            *case("each", cls(3, 6, 0.5, 0.4, per_class=3), 40, 3),
            *case("each_once", cls(2, 9, 0.0, 0.2, per_class=100, per_box=2), 17, 3),
            *case("nothing", cls(2, 4, 90.0, 0.5), 9, 2),
        )
