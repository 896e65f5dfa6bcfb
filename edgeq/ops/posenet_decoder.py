"""Poses of people in an image, from heatmaps of their keypoints and offsets between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, log
from typing import ClassVar

import numpy as np

from edgeq.ir.condition import Condition
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams, Shape
from edgeq.ir.traits import TRAITS, Trait
from edgeq.numerics import float32
from edgeq.numerics.float32 import F, Floats

REAL = DType.FLOAT32
KEYPOINTS = 17
"""Nose; eyes, ears, shoulders, elbows, wrists, hips, knees, ankles, of each the left one first."""
TREE = (
    *((0, 1), (1, 3), (0, 2), (2, 4), (0, 5), (5, 7), (7, 9), (5, 11), (11, 13), (13, 15)),
    *((0, 6), (6, 8), (8, 10), (6, 12), (12, 14), (14, 16)),
)
"""Edges from keypoint to keypoint, away from the nose."""
EDGES = len(TREE)
REFINEMENTS = 5
"""How often a place that an edge leads to is moved by the short offset there."""
MOST_POSES = 1 << 12


def _channels(edge: int) -> tuple[int, int]:
    """Channels of the y and the x of an edge, those towards the nose last.

    The first of these reads two others than the layout suggests, as Coral's decoder does.
    """
    first = edge + (EDGES if edge > EDGES else 0)
    return first, first + EDGES


WAYS = np.array([(a, b, *_channels(k)) for k, (a, b) in enumerate((*TREE, *((b, a) for a, b in TREE)))], np.int32)
"""From which keypoint to which, and the channels of the way: all edges in both directions."""


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of both kernels."""
    op, (_, height, width, _) = site.op, site.input(0).shape
    assert isinstance(op, PosenetDecoder)
    held = [QParams.per_tensor(1.0, 0) if t.q is None else t.q for t in map(site.input, range(3))]
    scales = op.scales([q.s for q in held])
    return {
        "height": height,
        "width": width,
        "limit": op.limit,
        "ways": WAYS,
        "zero_points": np.array([q.zp for q in held], np.int32),
        "scales": np.array(scales, np.float32),
        "threshold": op.threshold,
        "score": op.score,
        "near": float(op.near),
        "stride": float(op.stride),
    }


def scratch(site: Site) -> int:
    """Poses before they are in order: of each keypoints, their scores, its score twice."""
    assert isinstance(site.op, PosenetDecoder)
    return 4 * site.op.limit * (3 * KEYPOINTS + 2)


def all_of(dtype: DType) -> Condition:
    """Whether all three operands have one element type."""
    words = f"Heatmaps and offsets are all {dtype.value}"
    return Condition(words, lambda site: {site.input(k).dtype for k in range(3)} == {dtype})


def _between(x: Floats, y: np.float32, x_place: np.float32) -> Floats:
    """The elements (channels) at a place between rows and columns of x (H, W, channels)."""
    rows, columns = (int(place) for place in (y, x_place))
    down, right = y - F(rows), x_place - F(columns)
    below, beside = min(rows + (down > 0), len(x) - 1), min(columns + (right > 0), x.shape[1] - 1)
    up, left = F(1.0) - down, F(1.0) - right
    above = left * x[rows, columns] + right * x[rows, beside]
    under = left * x[below, columns] + right * x[below, beside]
    return np.asarray(up * above + down * under, np.float32)


@dataclass(frozen=True)
class PosenetDecoder(Op):
    """Inputs: heatmaps (1, H, W, 17), logarithms of odds; short offsets (1, H, W, 34) from an element to the keypoint
    near it; mid offsets (1, H, W, 64) along the edges of the skeleton; all offsets in pixels, y before x. Outputs, all
    real: keypoints (1, limit, 17, 2), which are y and x in pixels; their scores (1, limit, 17); scores of poses (1,
    limit); how many were found (1). What is behind the last one found is 0.

    Elements of heatmaps that are high enough, and not below the eight around them, are gone through from the highest to
    the lowest, of equal ones by their index. One that is near to the same keypoint of no pose so far begins a pose:
    offsets lead from it along the edges, each place being read between elements. A pose with a mean score that is high
    enough is kept. Then keypoints near to those of a pose with a higher score no longer count; poses are
    returned by the scores that are left, if these are high enough. Each operation is rounded to float32; quantized
    operands are dequantized first. A place that is no number is 0.

    As the operator of Coral's PoseNet (Papandreou et al., PersonLab, 2018).

    Attributes:
        limit: how many poses are kept, at most.
        score: the threshold of scores, from 0 to below 1.
        stride: pixels between elements.
        radius: pixels up to which keypoints of two poses are near.
    """

    limit: int
    score: float
    stride: int
    radius: float

    gives_real: ClassVar[bool | None] = True
    declines: ClassVar[frozenset[Trait]] = frozenset(TRAITS)
    kernels: ClassVar = tuple(
        Kernel(
            f"eq_posenet_decoder{suffix}_ref",
            ("ref/posenet_decoder.c",),
            "eq/posenet_decoder.h",
            "eq_posenet_decoder_params",
            lower,
            elements=frozenset({dtype, REAL}),
            fits=all_of(dtype),
            scratch=scratch,
        )
        for suffix, dtype in (("", DType.INT8), ("_float32", REAL))
    )

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        heat = shapes[0] if len(shapes) == 3 else None
        if heat is None or len(heat) != 4:
            raise ValueError("heatmaps (1, H, W, 17), short offsets and mid offsets are needed")
        wanted = tuple((1, *heat[1:3], n) for n in (KEYPOINTS, 2 * KEYPOINTS, 4 * EDGES))
        if tuple(shapes) != wanted:
            raise ValueError(f"heatmaps and offsets {tuple(shapes)} are not {wanted}")
        if not 1 <= self.limit <= MOST_POSES or self.stride < 1:
            raise ValueError(f"{self.limit} poses at a stride of {self.stride} would be found")
        if not 0.0 <= self.score < 0.999 or not isfinite(self.radius) or self.radius < 0:
            raise ValueError(f"scores from {self.score} on, and keypoints {self.radius} apart would be kept")
        return (1, self.limit, KEYPOINTS, 2), (1, self.limit, KEYPOINTS), (1, self.limit), (1,)

    @property
    def threshold(self) -> float:
        """The logarithm of odds that the threshold of scores is."""
        return float(F(-log(1.0 / (float(F(self.score)) + 1e-6) - 1.0)))

    @property
    def near(self) -> np.float32:
        """The square of the radius, in elements."""
        radius = F(self.radius) / F(self.stride)
        return np.float32(radius * radius)

    def scales(self, held: list[float]) -> list[float]:
        """What the operands are multiplied with: offsets become elements."""
        inverse = F(1.0 / self.stride)
        return [float(F(held[0])), *(float(F(s) * inverse) for s in held[1:])]

    def _roots(self, heat: Floats) -> Iterator[tuple[int, int, int]]:
        """Row, column and keypoint of elements that may begin a pose, the highest first."""
        around = np.pad(heat, ((1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
        greatest = np.fmax.reduce(
            [around[i : i + heat.shape[0], j : j + heat.shape[1]] for i in range(3) for j in range(3)]
        )
        places = np.flatnonzero((heat >= F(self.threshold)) & ~(greatest > heat))
        for place in places[np.argsort(-heat.ravel()[places], kind="stable")]:
            y, x, k = np.unravel_index(place, heat.shape)
            yield int(y), int(x), int(k)

    def _pose(self, heat: Floats, short: Floats, mid: Floats, root: int, at: Floats) -> tuple[Floats, Floats]:
        """Places (17, 2), in elements, and logarithms of odds (17) of a pose that begins with one keypoint."""
        high = np.array([len(heat) - 1, heat.shape[1] - 1], np.float32)
        places, known = np.zeros((KEYPOINTS, 2), np.float32), {root}
        places[root] = at
        while len(known) < KEYPOINTS:
            for source, target, *channels in WAYS.tolist():
                if source in known and target not in known:
                    place = _moved(places[source], _between(mid, *places[source])[channels], high)
                    for _ in range(REFINEMENTS):
                        place = _moved(place, _between(short, *place)[[target, KEYPOINTS + target]], high)
                    places[target] = place
                    known.add(target)
        return places, np.array([_between(heat, *places[k])[k] for k in range(KEYPOINTS)], np.float32)

    def found(self, heat: Floats, short: Floats, mid: Floats) -> tuple[Array, ...]:
        """The outputs; heatmaps (H, W, 17), offsets (H, W, …) in elements."""
        high = np.array([len(heat) - 1, heat.shape[1] - 1], np.float32)
        poses: list[tuple[Floats, Floats, np.float32]] = []
        with np.errstate(all="ignore"):
            for y, x, k in self._roots(heat):
                if len(poses) == self.limit:
                    break
                at = _moved(np.array([y, x], np.float32), short[y, x, [k, KEYPOINTS + k]], high)
                if any(_square(at, places[k]) <= self.near for places, _, _ in poses):
                    continue
                places, odds = self._pose(heat, short, mid, k, at)
                scores = float32.sigmoid(odds)
                mean = _mean(scores)
                if mean >= F(self.score):
                    poses.append((places, scores, mean))
            poses.sort(key=lambda pose: -pose[2])
            left = [self._left(poses, k) for k in range(len(poses))]
        rows = sorted((k for k, score in enumerate(left) if score >= F(self.score)), key=lambda k: -left[k])
        shapes = self.out_shapes([(1, *heat.shape[:2], n) for n in (KEYPOINTS, 2 * KEYPOINTS, 4 * EDGES)])
        outputs = [np.zeros(shape, np.float32) for shape in shapes]
        for row, k in enumerate(rows):
            outputs[0][0, row], outputs[1][0, row], outputs[2][0, row] = (
                poses[k][0] * F(self.stride),
                poses[k][1],
                left[k],
            )
        outputs[3][0] = len(rows)
        return tuple(outputs)

    def _left(self, poses: list[tuple[Floats, Floats, np.float32]], index: int) -> np.float32:
        """The score of a pose without keypoints that are near to those of better poses."""
        places, scores, _ = poses[index]
        hidden = [
            any(_square(places[k], better[k]) <= self.near for better, _, _ in poses[:index]) for k in range(KEYPOINTS)
        ]
        return _mean(np.where(hidden, F(0.0), scores))

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        given = [np.asarray(x, np.float32)[0] for x in inputs[:3] if x is not None]
        return self.found(*(x * F(scale) for x, scale in zip(given, self.scales([1.0] * 3), strict=True)))

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        if site.input(0).q is None:
            return self.run_float(inputs)
        held = [site.input(k).qp for k in range(3)]
        given = zip([x for x in inputs[:3] if x is not None], held, self.scales([q.s for q in held]), strict=True)
        return self.found(*((x[0].astype(np.int64) - q.zp).astype(np.float32) * F(scale) for x, q, scale in given))

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return self.run_float(inputs)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        def case(name: str, op: PosenetDecoder, height: int, width: int) -> tuple[Sample, ...]:
            shapes = tuple((1, height, width, n) for n in (KEYPOINTS, 2 * KEYPOINTS, 4 * EDGES))
            return (
                Sample(name, op, shapes, elements=(DType.INT8, REAL)),
                Sample(f"real_{name}", op, shapes, elements=(REAL, REAL)),
            )

        return (
            *case("some", cls(5, 0.4, 2, 3.0), 6, 5),
            *case("many", cls(12, 0.2, 1, 1.5), 4, 7),
            *case("one", cls(1, 0.0, 16, 20.0), 2, 1),
            *case("none", cls(2, 0.99, 8, 20.0), 3, 3),
        )


def _moved(place: Floats, offset: Floats, high: Floats) -> Floats:
    """A place (2) moved by an offset, and kept within the image."""
    moved = place + offset
    return np.where(moved > 0, np.where(moved < high, moved, high), F(0.0)).astype(np.float32)


def _square(a: Floats, b: Floats) -> np.float32:
    """The square of the distance of two places (2)."""
    down, right = b - a
    return np.float32(down * down + right * right)


def _mean(scores: Floats) -> np.float32:
    """Of the 17 scores, added in their order."""
    total = F(0.0)
    for score in scores:
        total = total + score
    return np.float32(float32.quotient(total, F(KEYPOINTS)))
