"""Ensembles of decision trees: the sums of the values of the leaves that a row of features reaches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from edgeq.errors import ModelError
from edgeq.ir.condition import Condition, all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Arrays, Op, Sample, Shapes
from edgeq.ir.quant_rule import Index, QuantRule
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams, Shape
from edgeq.ir.traits import TRAITS, Trait
from edgeq.ops._overlap import NOTHING, Overlaps, of_first_input

Ints = npt.NDArray[np.int64]
WHOLE = DType.INT32
NARROW_FEATURES = 128
"""Features of which a node names one in 7 bits, beside a threshold of 8."""
MOST_FEATURES = 1 << 15
MOST_TARGETS = 1 << 13
FARTHEST = (1 << 16) - 1
"""Words to a node's right child."""
LEAF, UNIT, MORE = 0x8000, 0x4000, 0x2000
"""Flags of a leaf's word: it is one; its value is the usual one, not the next word; another pair follows."""
NEARLY = 2.0**-10
"""Steps by which a threshold may miss an element that it is equal to: more than float32 loses."""
LEVELS = 253
"""Steps of 8 bits between the least threshold and the greatest: one more is below them."""
MATTERS = 0.02
"""From this part of the thresholds on it is worth a word that they are not told apart."""
PARTS = 8
"""Into so many parts the least distance of two thresholds may be cut to find the grid that all are on."""
LEAST_KEY, GREATEST_KEY = -(2**31), 2**31 - 1


def ordered(x: Array) -> Ints:
    """Whole numbers that are in the order of real ones (any shape): the bits of float32, the negative ones turned over.

    −0 is just below 0; NaN is beyond either infinity, according to its sign.
    """
    bits = np.ascontiguousarray(x, np.float32).view(np.int32)
    return (bits ^ ((bits >> 31) & 0x7FFFFFFF)).astype(np.int64)


def keys(site: Site) -> tuple[Ints, int, int]:
    """The greatest element, as the input holds it, that is not above each threshold.

    Returns:
        One per node (what it is for a leaf does not matter), and the least and greatest element that there are. A key
        below the least is below all elements.
    """
    op, x = site.op, site.input(0)
    assert isinstance(op, TreeEnsemble)
    thresholds = np.asarray(op.thresholds, np.float64)
    if x.dtype is DType.FLOAT32:
        return ordered(np.asarray(op.thresholds, np.float32) + np.float32(0)), LEAST_KEY, GREATEST_KEY
    if x.is_whole:
        return np.clip(np.floor(thresholds), LEAST_KEY, GREATEST_KEY).astype(np.int64), LEAST_KEY, GREATEST_KEY
    low, high = x.dtype.range
    steps = np.floor(thresholds / x.qp.s + NEARLY) + x.qp.zp
    return np.clip(steps, low - 1, high).astype(np.int64), low, high


def grid(thresholds: Ints | npt.NDArray[np.float64]) -> QParams | None:
    """Parameters of 8 bits that hold every threshold, and as many elements between them as possible.

    Features that are themselves multiples of something, such as levels of grey, have thresholds on a grid. On it the
    integers decide all that real numbers do; what is beyond the thresholds on either side may be beyond the range.
    """
    known = np.unique(np.append(thresholds, 0.0))
    if len(known) < 3:
        return None
    low, high = float(known[0]), float(known[-1])
    least = float(np.diff(known).min())
    for part in range(1, PARTS + 1):
        step = least / part
        count = (high - low) / step
        if count > LEVELS:
            return None
        if np.abs(known / step - np.rint(known / step)).max() < NEARLY:
            step /= 2 ** int(np.log2(LEVELS / max(count, 1.0)))
            return QParams.per_tensor(step, int(np.rint(-127 - low / step)))
    return None


def compared(x: Array) -> Array:
    """Elements of an input as they are compared with keys."""
    return ordered(x) if x.dtype.kind == "f" else x


def words(values: Ints, count: int) -> list[list[int]]:
    """The words of a threshold, lower ones first."""
    return [[(int(value) >> (16 * k)) & 0xFFFF for k in range(count)] for value in values]


@dataclass(frozen=True, eq=False)
class Encoded:
    """Trees as the kernels walk them (eq/tree_ensemble.h): words of 16 bits, the first word of each tree, and the value
    that leaves have most often."""

    nodes: npt.NDArray[np.uint16]
    starts: npt.NDArray[np.int32]
    unit: int


def encode(site: Site, width: int) -> Encoded:
    """Trees as words; `width`: of a threshold, in words; 0: it shares one with the feature.

    Decisions that every element answers alike are left out; a leaf that the left side has already is not written again.

    Raises:
        ModelError: a child is too far from its parent.
    """
    op = site.op
    assert isinstance(op, TreeEnsemble)
    known, least, greatest = site.once(keys)
    unit = op.usual_value()
    leaves = [_leaf(row, unit) for row in op.leaves]
    nodes: list[int] = []
    starts = []
    parts = words(known, max(width, 1))
    for root in op.roots:
        starts.append(len(nodes))
        places: dict[tuple[bool, int], int] = {}
        waiting: list[tuple[int, int]] = [(root, -1)]
        while waiting:
            index, parent = waiting.pop()
            while op.features[index] >= 0 and not least <= known[index] < greatest:
                index = op.lefts[index] if known[index] >= greatest else op.rights[index]
            leaf = op.features[index] < 0
            same = (leaf, op.lefts[index] if leaf else index)
            place = len(nodes)
            if parent >= 0 and places.get(same, -1) > parent:
                place = places[same]
            if parent >= 0:
                if place - parent > FARTHEST:
                    raise ModelError(
                        "a tree is too large: a decision's sides are more than 65535 words apart",
                        hint="train with fewer leaves (max_leaf_nodes) or less depth (max_depth)",
                        where=site.name,
                    )
                nodes[parent + 1 + width] = place - parent
            if place < len(nodes):
                continue
            places[same] = place
            if leaf:
                nodes += leaves[op.lefts[index]]
                continue
            feature = op.features[index]
            nodes += [feature, *parts[index], 0] if width else [feature << 8 | parts[index][0] & 0xFF, 0]
            waiting += [(op.rights[index], place), (op.lefts[index], -1)]
    return Encoded(np.array(nodes, np.uint16), np.array(starts, np.int32), unit)


def _leaf(row: tuple[int, ...], unit: int) -> list[int]:
    """The words of a leaf; one that gives nothing adds 0 to the first sum."""
    pairs = [(t, v) for t, v in zip(row[::2], row[1::2], strict=True) if v] or [(0, 0)]
    found: list[int] = []
    for k, (target, value) in enumerate(pairs):
        more = MORE if k + 1 < len(pairs) else 0
        found += [LEAF | UNIT | more | target] if value == unit else [LEAF | more | target, value & 0xFFFF]
    return found


def lowered(width: int) -> Callable[[Site], Mapping[str, Param]]:
    """Parameters of the kernels whose thresholds have so many words."""

    def lower(site: Site) -> Mapping[str, Param]:
        op, shape = site.op, site.input(0).shape
        assert isinstance(op, TreeEnsemble)
        made = encode(site, width)
        return {
            "rows": prod(shape[:-1]),
            "features": shape[-1],
            "targets": op.targets,
            "trees": len(op.roots),
            "unit": made.unit,
            "base": np.array(op.base, np.int32),
            "starts": made.starts,
            "nodes": made.nodes,
        }

    return lower


def overlap(site: Site) -> Overlaps:
    """Row after row; a row's sums are written before any of its features is read."""
    op, x = site.op, site.input(0)
    assert isinstance(op, TreeEnsemble)
    rows = np.arange(prod(x.shape[:-1]), dtype=np.int64)
    used = [feature for feature in op.features if feature >= 0]
    first = rows * x.shape[-1] + min(used) if used else np.full(len(rows), NOTHING)
    return of_first_input(site, ((rows + 1) * op.targets, first))


def _is_narrow(site: Site) -> bool:
    return site.input(0).shape[-1] <= NARROW_FEATURES


NARROW = Condition(f"There are at most {NARROW_FEATURES} features", _is_narrow)


def _row(suffix: str, dtype: DType, width: int) -> Kernel:
    def holds(site: Site) -> bool:
        return site.input(0).dtype is dtype

    named = Condition(f"Features are {dtype.value}", holds)
    return Kernel(
        f"eq_tree_ensemble{suffix}_ref",
        ("ref/tree_ensemble.c",),
        "eq/tree_ensemble.h",
        "eq_tree_ensemble_params",
        lowered(width),
        elements=frozenset({dtype, WHOLE}),
        fits=all_of(named, NARROW) if width == 0 else named,
        overlap=overlap,
    )


@dataclass(frozen=True)
class TreeEnsemble(Op):
    """Input: x (…, features). Output: whole sums (…, targets) of what the leaves that each row reaches give.

    A row begins at each root; where the node's feature is at most its threshold it goes left, else right. Quantized
    features are compared as the real numbers that they stand for, thresholds being 1/1024 of a step greater. NaN is
    greater than everything, as in scikit-learn's trees that saw none.

    Attributes:
        features: per node the feature that decides; −1: it is a leaf.
        thresholds: per node, float32 values.
        lefts, rights: per node the nodes where it goes on; of a leaf `lefts` is its entry of `leaves`.
        leaves: what leaves give: target, value, target, value, …; no target twice, values of 16 bits.
        roots: the first node of each tree.
        base: what each sum begins with, one per target.
        whole: whether features are whole numbers that stand for themselves.
    """

    features: tuple[int, ...]
    thresholds: tuple[float, ...]
    lefts: tuple[int, ...]
    rights: tuple[int, ...]
    leaves: tuple[tuple[int, ...], ...]
    roots: tuple[int, ...]
    base: tuple[int, ...]
    whole: bool = False

    gives_real: ClassVar[bool | None] = False
    gives_whole: ClassVar[bool] = True
    declines: ClassVar[frozenset[Trait]] = frozenset(TRAITS)

    kernels: ClassVar = (
        _row("", DType.INT8, 0),
        _row("_wide", DType.INT8, 1),
        _row("_int16", DType.INT16, 1),
        _row("_int32", DType.INT32, 2),
        _row("_float32", DType.FLOAT32, 2),
    )

    @property
    def targets(self) -> int:
        """Number of sums."""
        return len(self.base)

    def usual_value(self) -> int:
        """The value that leaves give most often; 1 where all leaves give nothing."""
        shown = Counter(self.lefts[n] for n, feature in enumerate(self.features) if feature < 0)
        values: Counter[int] = Counter()
        for leaf, times in shown.items():
            for value in self.leaves[leaf][1::2]:
                values[value] += times if value else 0
        return min(values, key=lambda value: (-values[value], value)) if any(values.values()) else 1

    def collided(self, site: Site) -> tuple[int, int]:
        """How many of the different thresholds of features are the same as another one where the input is integers.

        Returns:
            That number, and how many different ones there are.
        """
        nodes = [n for n, feature in enumerate(self.features) if feature >= 0]
        real = {(self.features[n], self.thresholds[n]) for n in nodes}
        held = {(self.features[n], int(site.once(keys)[0][n])) for n in nodes}
        return len(real) - len(held), len(real)

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x, most = shapes[0], max(self.features, default=-1)
        if x is None or not x or not most < x[-1] <= MOST_FEATURES:
            raise ValueError(f"trees that look at {most + 1} features need that many, up to {MOST_FEATURES}, not {x}")
        if not 1 <= self.targets <= MOST_TARGETS:
            raise ValueError(f"trees have from 1 to {MOST_TARGETS} targets, not {self.targets}")
        return ((*x[:-1], self.targets),)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return None if shapes[0] is None or len(shapes[0]) < 2 else self

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        if x.dtype.kind == "f":
            return (self._sums(ordered(x), ordered(np.asarray(self.thresholds, np.float32) + np.float32(0))),)
        return (self._sums(x, np.floor(np.asarray(self.thresholds, np.float64))),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        assert inputs[0] is not None
        return (self._sums(compared(inputs[0]), site.once(keys)[0]),)

    def _sums(self, x: Array, known: Array) -> Array:
        """Sums of elements that are compared with keys."""
        rows = x.reshape(-1, x.shape[-1])
        features, lefts, rights = (np.asarray(v, np.int64) for v in (self.features, self.lefts, self.rights))
        values = np.zeros((len(self.leaves), self.targets), np.int64)
        for row, leaf in enumerate(self.leaves):
            np.add.at(values[row], list(leaf[::2]), list(leaf[1::2]))
        sums = np.tile(np.asarray(self.base, np.int64), (len(rows), 1))
        at = np.arange(len(rows))
        for root in self.roots:
            node = np.full(len(rows), root)
            while (inner := features[node] >= 0).any():
                goes = rows[at, np.maximum(features[node], 0)] <= known[node]
                node = np.where(inner, np.where(goes, lefts[node], rights[node]), node)
            sums += values[lefts[node]]
        return sums.astype(np.int32).reshape(*x.shape[:-1], self.targets)

    @cached_property
    def _rule(self) -> QuantRule:
        inner = [t for t, feature in zip(self.thresholds, self.features, strict=True) if feature >= 0]
        if self.whole:
            return QuantRule(roles=(Index(limit=8),))
        return QuantRule(fitting=grid(np.array(inner, np.float64)))

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return self._rule

    @property
    def wants_real(self) -> bool:
        return not self.whole and self._rule.fitting is None and any(feature >= 0 for feature in self.features)

    def doubt(self, site: Site) -> tuple[str, str] | None:
        if site.input(0).q is None:
            return None
        lost, count = self.collided(site)
        if lost == 0 or lost < MATTERS * count:
            return None
        return (
            f"{lost} of {count} thresholds of features cannot be told from others in {site.input(0).dtype.value}",
            "--numerics float compares features as they are; --activation-bits 16 is finer",
        )

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        def case(name: str, rows: int, trees: TreeEnsemble, dtype: DType, count: int | None = None) -> Sample:
            return Sample(name, trees, ((rows, count or max(trees.features, default=0) + 1),), elements=(dtype, WHOLE))

        grown = _grown(cls, features=9, depth=6, targets=5, trees=7)
        single = _grown(cls, features=3, depth=4, targets=1, trees=4)
        stump = cls((-1,), (0.0,), (0,), (0,), ((0, 3, 1, -4),), (0,), (7, 8))
        return (
            case("classes", 6, grown, DType.INT8),
            case("one_target", 9, single, DType.INT8),
            case("leaf_only", 2, stump, DType.INT8, 4),
            case("many_features", 4, _grown(cls, features=300, depth=7, targets=3, trees=6), DType.INT8),
            case("int16", 6, grown, DType.INT16),
            case("whole", 8, replace(grown, whole=True), WHOLE),
            case("real", 8, grown, DType.FLOAT32),
            case("real_one_target", 5, single, DType.FLOAT32),
        )


def _numbers(seed: int) -> Iterator[int]:
    """Numbers from 0 to 32767 that look random, the same everywhere."""
    while True:
        seed = (seed * 1103515245 + 12345) % 2**31
        yield seed >> 16


def _grown(cls: type[TreeEnsemble], features: int, depth: int, targets: int, trees: int) -> TreeEnsemble:
    """An ensemble of irregular trees."""
    draw = _numbers(features * 100 + targets)
    nodes: list[tuple[int, float, int, int]] = []
    several = ((t % targets, 3 * t - 40, *((t + 1) % targets, 9 - t)[: 2 * (targets > 1)]) for t in range(30))
    leaves = [(0, 0), *((t, 5) for t in range(targets)), *several]
    roots = []

    def grow(left: int) -> int:
        at = len(nodes)
        if left == 0 or next(draw) % 5 == 0:
            nodes.append((-1, 0.0, next(draw) % len(leaves), 0))
            return at
        nodes.append((0, 0.0, 0, 0))
        feature, threshold = next(draw) % features, float(np.float32(next(draw) / 4096 - 4))
        first = grow(left - 1)
        nodes[at] = (feature, threshold, first, grow(left - 1))
        return at

    for _ in range(trees):
        roots.append(grow(depth))
    base = tuple(3 * t - targets for t in range(targets))
    found, thresholds, lefts, rights = zip(*nodes, strict=True)
    made = cls(found, thresholds, lefts, rights, tuple(leaves), tuple(roots), base)
    used = sorted({f for f in made.features if f >= 0})
    last = made.features.index(used[-1])
    return replace(made, features=tuple(features - 1 if n == last else f for n, f in enumerate(made.features)))
