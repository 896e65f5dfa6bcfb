"""Parts of an image, each as a picture of one size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from edgeq.ir.condition import Condition
from edgeq.ir.kernel import Kernel, Param, no_scratch
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import ACTIVATION, Index, QuantRule
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams, Shape
from edgeq.ir.traits import TRAITS, Trait
from edgeq.numerics import float32
from edgeq.numerics.float32 import F, Floats
from edgeq.ops._real import REAL, REALS

MOST_SAMPLES = 256
"""Along each axis of a bin, where the size of the region decides how many there are."""
Places = npt.NDArray[np.int64]


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of both kernels; those of integers are of no account for real numbers."""
    op, (batches, height, width, channels) = site.op, site.input(0).shape
    assert isinstance(op, RoiAlign)
    x, regions, y = (QParams.per_tensor(1.0, 0) if t.q is None else t.q for t in (*site.inputs[:2], *site.outputs) if t)
    return {
        "batches": batches,
        "height": height,
        "width": width,
        "channels": channels,
        "regions": site.input(1).shape[0],
        "rows": op.rows,
        "columns": op.columns,
        "grid": op.grid,
        "greatest": int(op.greatest),
        "shifted": int(op.shifted),
        "x_zero_point": x.zp,
        "region_zero_point": regions.zp,
        "y_zero_point": y.zp,
        "scale": op.scale,
        "region_scale": regions.s,
        "steps": steps(x, y),
        "images": 0 if site.const_or_none(2) is None else np.ravel(site.const(2)).astype(np.int32),
    }


COMPUTED = Condition(
    "Regions, and the images that they are of, are computed", lambda site: site.const_or_none(2) is None
)
CONSTANT = Condition("The images that regions are of are constant", lambda site: site.const_or_none(2) is not None)


def steps(x: QParams, y: QParams) -> float:
    """Steps of the output in one of the image."""
    return float(F(x.s / y.s))


def scratch(site: Site) -> int:
    """The sums of a bin, one for each channel."""
    return 4 * site.input(0).shape[3]


def _around(places: Floats, size: int) -> tuple[Places, Places, Floats, npt.NDArray[np.bool_]]:
    """Of samples along an axis the elements before and behind, the share of the one behind, and whether they count."""
    inside = (places >= F(-1.0)) & (places <= F(size))
    known = np.where(inside & (places > F(0.0)), places, F(0.0))
    low = np.minimum(np.floor(known).astype(np.int64), size - 1)
    share = np.where(low >= size - 1, F(0.0), known - low.astype(np.float32))
    return low, np.minimum(low + 1, size - 1), share.astype(np.float32), inside


def _terms(x: Floats, down: Floats, right: Floats) -> list[Floats]:
    """What the four elements around each sample contribute, (rows, columns, C); 0 where it is outside."""
    (top, bottom, below, in_rows), (left, behind, beside, in_columns) = (
        _around(places, size) for places, size in zip((down, right), x.shape[:2], strict=True)
    )
    inside = (in_rows[:, None] & in_columns)[..., None]
    above, before = F(1.0) - below, F(1.0) - beside
    corners = ((top, above, left, before), (top, above, behind, beside), (bottom, below, left, before))
    return [
        np.where(inside, (p[:, None] * q)[..., None] * x[rows[:, None], columns], F(0.0)).astype(np.float32)
        for rows, p, columns, q in (*corners, (bottom, below, behind, beside))
    ]


@dataclass(frozen=True)
class RoiAlign(Op):
    """Inputs: x (N, H, W, C); regions (R, 4), which are left, top, right, bottom; whole numbers (R), which say of which
    image. Output: (R, rows, columns, C).

    A region is divided into rows · columns bins, each of which has samples in a regular grid. A sample mixes the four
    elements around it; beyond the border, as far as one element, it is that of the border, and 0 further away. A bin is
    the mean of its samples, or the greatest of what the elements contribute to them. Each operation is rounded to
    float32; quantized operands are whole numbers less their zero point.

    As ONNX's RoiAlign (Mask R-CNN, He et al. 2017).

    Attributes:
        rows, columns: bins of a region.
        grid: samples along each axis of a bin; 0: as many as elements that the bin covers, up to 256.
        scale: of elements to the units of regions.
        shifted: whether the middle of the first element is at 0.5; else at 0, and regions are at least one element
            large.
        greatest: whether a bin is the greatest contribution, not the mean.
    """

    rows: int = 1
    columns: int = 1
    grid: int = 0
    scale: float = 1.0
    shifted: bool = True
    greatest: bool = False

    declines: ClassVar[frozenset[Trait]] = frozenset(TRAITS)
    kernels: ClassVar = tuple(
        Kernel(
            f"eq_roi_align{constant}{suffix}_ref",
            ("ref/roi_align.c",),
            "eq/roi_align.h",
            "eq_roi_align_params",
            lower,
            elements=elements,
            fits=fits,
            scratch=room,
        )
        for suffix, elements, room in (("", frozenset({DType.INT8}), scratch), ("_float32", REAL, no_scratch))
        for constant, fits in (("", COMPUTED), ("_const", CONSTANT))
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x, regions, images = shapes[:3] if len(shapes) == 3 else (None, None, None)
        if x is None or regions is None or images is None or len(x) != 4 or len(regions) != 2:
            raise ValueError("an image (N, H, W, C), regions (R, 4) and their images (R) are needed")
        if regions[1] != 4 or images != regions[:1]:
            raise ValueError(f"regions {regions} and their images {images} do not fit each other")
        if min(self.rows, self.columns) < 1 or not 0 <= self.grid <= MOST_SAMPLES:
            raise ValueError(f"{self.rows} × {self.columns} bins of {self.grid} samples are not possible")
        if not (isfinite(self.scale) and self.scale > 0):
            raise ValueError(f"the scale {self.scale} is not a positive number")
        return ((regions[0], self.rows, self.columns, x[3]),)

    def _grid(self, first: Floats, last: Floats, bins: int) -> Floats:
        """Where samples are along an axis of a region, (bins, samples)."""
        offset = F(0.5 if self.shifted else 0.0)
        start, end = first * F(self.scale) - offset, last * F(self.scale) - offset
        size = end - start
        if not self.shifted and not size > F(1.0):
            size = F(1.0)
        each = float32.quotient(size, F(bins))
        count = self.grid or int(float32.bounded(float32.ceil(each), F(0.0), F(MOST_SAMPLES)))
        inside = (np.arange(count, dtype=np.float32) + F(0.5)) * each
        if count:
            inside = float32.quotient(inside, F(count))
        return np.asarray((start + np.arange(bins, dtype=np.float32)[:, None] * each) + inside, np.float32)

    def aligned(self, x: Floats, regions: Floats, images: Array) -> Floats:
        """The bins (R, rows, columns, C), of which each operation is rounded to float32."""
        found = np.zeros((len(regions), self.rows, self.columns, x.shape[3]), np.float32)
        with np.errstate(all="ignore"):
            for region, image, y in zip(regions, np.clip(images, 0, len(x) - 1), found, strict=True):
                down = self._grid(region[1], region[3], self.rows)
                right = self._grid(region[0], region[2], self.columns)
                count = down.shape[1] * right.shape[1]
                for k in range(count):
                    i, j = divmod(k, right.shape[1])
                    terms = _terms(x[image], down[:, i], right[:, j])
                    if self.greatest:
                        best = terms[0]
                        for term in terms[1:]:
                            best = np.where(best < term, term, best)
                        y[:] = best if k == 0 else np.where(y < best, best, y)
                    else:
                        y += ((terms[0] + terms[1]) + terms[2]) + terms[3]
                if not self.greatest:
                    y[:] = float32.quotient(y, F(max(count, 1)))
        return found

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x, regions, images = inputs[:3]
        assert x is not None and regions is not None and images is not None
        return (float32.number(self.aligned(x.astype(np.float32), regions.astype(np.float32), images)),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x, regions, images = inputs[:3]
        assert x is not None and regions is not None and images is not None
        q, y = site.input(1).qp, site.outputs[0].qp
        centred = (x.astype(np.int64) - site.input(0).qp.zp).astype(np.float32)
        means = self.aligned(centred, float32.dequantize(regions, q.s, q.zp), images)
        made = float32.bounded(means * F(steps(site.input(0).qp, y)), F(-128 - y.zp), F(127 - y.zp))
        return ((float32.to_nearest(made).astype(np.int64) + y.zp).astype(np.int8),)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return self.run_float(inputs)

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(roles=(ACTIVATION, ACTIVATION, Index(limit=1 if shapes[0] is None else shapes[0][0])))

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        def case(name: str, op: RoiAlign, image: Shape, regions: int, high: float = 9.0) -> tuple[Sample, ...]:
            shapes = image, (regions, 4), (regions,)
            return (
                Sample(name, op, shapes, (), -2.0, high),
                Sample(f"real_{name}", op, shapes, (), -2.0, high, REALS),
            )

        return (
            *case("mean", cls(2, 3, shifted=False), (2, 7, 6, 5), 4),
            *case("samples", cls(3, 2, 2, 0.5), (1, 5, 8, 3), 3, 20.0),
            *case("greatest", cls(2, 2, 1, greatest=True), (3, 6, 6, 4), 5),
            *case("greatest_of_many", cls(1, 2, 0, 2.0, False, True), (1, 4, 3, 1), 2, 3.0),
            Sample("constant", cls(2, 1, 2), ((3, 5, 4, 2), (4, 4), (4,)), (2,), 0.0, 5.0),
            Sample("real_constant", cls(2, 1, 2), ((3, 5, 4, 2), (4, 4), (4,)), (2,), 0.0, 5.0, REALS),
            Sample("real_turned", cls(2, 2), ((2, 6, 6, 4), (6, 4), (6,)), (), -2.0, 9.0, REALS),
        )
