"""Elements of an image at places that are computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams, Shape
from edgeq.ir.traits import TRAITS, Trait
from edgeq.numerics import float32
from edgeq.numerics.float32 import F, Floats
from edgeq.ops._real import REAL, REALS
from edgeq.ops.roi_align import steps


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of both kernels; those of integers are of no account for real numbers."""
    batches, height, width, channels = site.input(0).shape
    types = site.input(0), site.input(1), site.outputs[0]
    x, places, y = (QParams.per_tensor(1.0, 0) if t.q is None else t.q for t in types)
    return {
        "batches": batches,
        "height": height,
        "width": width,
        "channels": channels,
        "places": site.input(1).shape[1],
        "x_zero_point": x.zp,
        "place_zero_point": places.zp,
        "y_zero_point": y.zp,
        "place_scale": places.s,
        "steps": steps(x, y),
    }


@dataclass(frozen=True)
class SampleAt(Op):
    """Inputs: x (N, H, W, C); places (N, P, 2), which are column and row, from 0 on. Output: (N, P, C).

    An element between others is mixed of the four around it, of which those outside are 0. Each operation is rounded to
    float32; quantized elements are whole numbers less their zero point.
    """

    declines: ClassVar[frozenset[Trait]] = frozenset(TRAITS)
    kernels: ClassVar = tuple(
        Kernel(
            f"eq_sample_at{suffix}_ref",
            ("ref/sample_at.c",),
            "eq/sample_at.h",
            "eq_sample_at_params",
            lower,
            elements=elements,
        )
        for suffix, elements in (("", frozenset({DType.INT8})), ("_float32", REAL))
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x, places = shapes[:2] if len(shapes) == 2 else (None, None)
        if x is None or places is None or len(x) != 4 or len(places) != 3:
            raise ValueError("an image (N, H, W, C) and places (N, P, 2) are needed")
        if places[0] != x[0] or places[2] != 2:
            raise ValueError(f"places {places} do not fit an image {x}")
        return ((x[0], places[1], x[3]),)

    def sampled(self, x: Floats, places: Floats) -> Floats:
        """The elements (N, P, C)."""
        batches, height, width, _ = x.shape
        column, row = places[..., 0], places[..., 1]
        with np.errstate(all="ignore"):
            inside = (row > F(-1)) & (row < F(height)) & (column > F(-1)) & (column < F(width))
            row, column = (np.where(inside, v, F(0)) for v in (row, column))
            top, left = float32.floor(row), float32.floor(column)
            down, right = row - top, column - left
            up, beside = F(1) - down, F(1) - right
            total = np.zeros((*places.shape[:2], x.shape[3]), np.float32)
            terms = []
            for i, j, share in ((0, 0, up * beside), (0, 1, up * right), (1, 0, down * beside), (1, 1, down * right)):
                at, to = top.astype(np.int64) + i, left.astype(np.int64) + j
                there = inside & (at >= 0) & (at < height) & (to >= 0) & (to < width)
                found = x[np.arange(batches)[:, None], np.clip(at, 0, height - 1), np.clip(to, 0, width - 1)]
                terms.append(np.where(there[..., None], share[..., None] * found, total))
            return np.asarray(((terms[0] + terms[1]) + terms[2]) + terms[3], np.float32)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x, places = inputs[:2]
        assert x is not None and places is not None
        return (float32.number(self.sampled(x.astype(np.float32), places.astype(np.float32))),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        x, places = inputs[:2]
        assert x is not None and places is not None
        q, y = site.input(1).qp, site.outputs[0].qp
        centred = (x.astype(np.int64) - site.input(0).qp.zp).astype(np.float32)
        mixed = self.sampled(centred, float32.dequantize(places, q.s, q.zp)) * F(steps(site.input(0).qp, y))
        bounded = float32.bounded(mixed, F(-128 - y.zp), F(127 - y.zp))
        return ((float32.to_nearest(bounded).astype(np.int64) + y.zp).astype(np.int8),)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return self.run_float(inputs)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        def case(name: str, image: Shape, count: int, high: float) -> tuple[Sample, ...]:
            shapes = image, (image[0], count, 2)
            return (
                Sample(name, cls(), shapes, (), -2.0, high),
                Sample(f"real_{name}", cls(), shapes, (), -2.0, high, REALS),
            )

        return (*case("images", (2, 6, 5, 3), 20, 7.0), *case("column", (1, 9, 1, 4), 17, 9.0))
