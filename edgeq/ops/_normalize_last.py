"""What normalizations over the last axes share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from edgeq.ir.op import IMAGE_ROWS, Op, Rows, Sample, Shapes, Stripe
from edgeq.ir.tensor import Shape
from edgeq.ir.traits import Commuted, Perm
from edgeq.ops._normalize import Normalize, Sets


@dataclass(frozen=True)
class NormalizeLast(Normalize):
    """Base of normalizations over the last axes. Input and output: of any rank.

    Attributes:
        axis: the first of the axes that are normalized, not negative; scale and bias broadcast along these.
    """

    axis: int = 1

    def arrange(self, shape: Shape) -> Sets:
        if not 0 <= self.axis < len(shape):
            raise ValueError(f"axis {self.axis} does not exist in shape {shape}")
        return Sets(prod(shape[: self.axis]), 1, 1, prod(shape[self.axis :]))

    def constant_rank(self, x: Shape) -> int:
        return len(x) - self.axis

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self if self.axis else None

    def commute(self, perm: Perm) -> Commuted | None:
        """Where the normalized axes are the last ones before the Transpose, too."""
        first = min(perm[self.axis :])
        return Commuted(replace(self, axis=first), perm) if first == self.axis else None

    def stripe(self, shapes: Shapes, rows: Rows, axis: int = IMAGE_ROWS) -> Stripe | None:
        """Rows of an image whose normalized elements are of one row."""
        assert shapes[0] is not None
        if axis >= self.axis or (axis == IMAGE_ROWS and len(shapes[0]) != 4):
            return None
        return Stripe(self, (rows, *(None,) * (len(shapes) - 1)))

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        return (
            Sample("rows", cls(1e-5, axis=2), ((1, 7, 32), (32,), (32,)), const=(1, 2)),
            Sample("no_bias", cls(1e-3, axis=1), ((5, 19), (19,)), const=(1,)),
            Sample("plain", cls(1e-5, axis=1), ((9, 24),), low=-1.0, high=3.0),
            Sample("vector", cls(0.0, axis=0), ((37,), None, (37,)), const=(2,)),
            Sample("pixels", cls(1e-6, axis=3), ((2, 3, 5, 7), (7,), (7,)), const=(1, 2)),
            Sample("image", cls(1e-5, axis=1), ((2, 3, 5, 4), (3, 5, 4), (3, 5, 4)), const=(1, 2)),
            Sample("columns", cls(1e-5, axis=1), ((2, 6, 5), (5,), (1,)), const=(1, 2), low=-0.1, high=0.1),
            Sample("flat", cls(1e-2, axis=1), ((3, 600), (600,), (600,)), const=(1, 2), low=-0.01, high=0.01),
        )
