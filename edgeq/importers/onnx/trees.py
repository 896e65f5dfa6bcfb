"""Ensembles of decision trees (ai.onnx.ml), as scikit-learn's converters and those of boosting libraries write them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from edgeq.errors import ModelError
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.node import OnnxNode
from edgeq.ir.tensor import DType
from edgeq.ops.label import Label
from edgeq.ops.sigmoid import Sigmoid
from edgeq.ops.softmax import Softmax
from edgeq.ops.tree_ensemble import TreeEnsemble
from edgeq.ops.whole_to_real import WholeToReal

DOMAIN = "ai.onnx.ml"
Reals = npt.NDArray[np.float64]
_DAMAGED = "the file is damaged or unusual; convert the model again"
MODES = ("LEQ", "LT", "GTE", "GT", "EQ", "NEQ", "MEMBER")
"""How nodes compare, in the order of TreeEnsemble's numbers; others call it BRANCH_LEQ and so on."""
GREATEST = 32767
"""Of the whole numbers that leaves give."""
EXACTLY = 3e-7
"""What whole numbers may miss, in proportion to the greatest of them, where values are held exactly: float32's own."""
MOST_NODES = 4_000_000


@dataclass(frozen=True)
class Branch:
    """A decision, with the numbers of the nodes on either side."""

    feature: int
    mode: str
    values: tuple[float, ...]
    holds: int
    fails: int


@dataclass(frozen=True)
class Leaf:
    """What a leaf gives, by target."""

    given: tuple[tuple[int, float], ...]


Trees = Mapping[int, Branch | Leaf]


@dataclass(frozen=True)
class Ensemble:
    """Trees as a file has them.

    Attributes:
        nodes: by number.
        roots: of each tree.
        base: what each target begins with.
    """

    nodes: Trees
    roots: Sequence[int]
    base: Reals


class _Flat:
    """Nodes that go left where a feature is at most a threshold, made of those of a file."""

    def __init__(self, nodes: Trees, step: float) -> None:
        self.nodes, self.step = nodes, step
        self.features: list[int] = []
        self.thresholds: list[float] = []
        self.lefts: list[int] = []
        self.rights: list[int] = []
        self.leaves: dict[tuple[int, ...], int] = {}
        self._known: dict[int, int] = {}

    def tree(self, root: int) -> int:
        """The number of a root here."""
        open: set[int] = set()
        waiting = [root]
        while waiting:  # depth first, without Python's limit on recursion
            index = waiting[-1]
            node = self.nodes.get(index)
            if node is None:
                raise ModelError("a node of a tree is missing", hint=_DAMAGED)
            sides = (node.holds, node.fails) if isinstance(node, Branch) else ()
            missing = [side for side in sides if side not in self._known]
            if index in self._known or not missing:
                waiting.pop()
                open.discard(index)
                if index not in self._known:
                    self._known[index] = self._leaf(node) if isinstance(node, Leaf) else self._branch(node)
                continue
            open.add(index)
            if open.intersection(missing):
                raise ModelError("a tree goes round in a circle", hint=_DAMAGED)
            waiting += missing
        return self._known[root]

    def _add(self, feature: int, threshold: float, left: int, right: int) -> int:
        if len(self.features) >= MOST_NODES:
            raise ModelError(f"the trees have more than {MOST_NODES:,} nodes", hint="train fewer or smaller trees")
        for values, value in (*((self.features, feature), (self.lefts, left), (self.rights, right)),):
            values.append(value)
        self.thresholds.append(threshold)
        return len(self.features) - 1

    def _leaf(self, leaf: Leaf) -> int:
        sums: dict[int, int] = defaultdict(int)
        for target, value in leaf.given:
            sums[target] += int(np.rint(value / self.step))
        row = tuple(number for target in sorted(sums) if sums[target] for number in (target, sums[target]))
        return self._add(-1, 0.0, self.leaves.setdefault(row, len(self.leaves)), 0)

    def _branch(self, branch: Branch) -> int:
        holds, fails = self._known[branch.holds], self._known[branch.fails]
        at_most, feature = branch.values, branch.feature
        match branch.mode:
            case "LEQ":
                return self._add(feature, at_most[0], holds, fails)
            case "LT":
                return self._add(feature, _below(at_most[0]), holds, fails)
            case "GT":
                return self._add(feature, at_most[0], fails, holds)
            case "GTE":
                return self._add(feature, _below(at_most[0]), fails, holds)
            case "EQ" | "NEQ" | "MEMBER":
                found, other = (fails, holds) if branch.mode == "NEQ" else (holds, fails)
                for value in branch.values:
                    lower = self._add(feature, _below(value), other, found)
                    other = self._add(feature, value, lower, other)
                return other
        raise ModelError(f"decisions of mode {branch.mode!r} are unknown", hint=_DAMAGED)


def _below(value: float) -> float:
    """The greatest float32 below one."""
    with np.errstate(all="ignore"):  # below 0 it is subnormal
        return float(np.nextafter(np.float32(value), np.float32(-np.inf)))


def flat(ensemble: Ensemble) -> tuple[TreeEnsemble, float]:
    """The operator, and the real number that 1 of its sums stands for."""
    leaves = [node for node in ensemble.nodes.values() if isinstance(node, Leaf)]
    step = step_of(np.array([value for leaf in leaves for _, value in leaf.given], np.float64))
    base = np.rint(ensemble.base / step)
    if np.abs(base).max(initial=0.0) > 2**30:
        raise ModelError("what sums begin with is out of all proportion to the leaves", hint=_DAMAGED)
    made = _Flat(ensemble.nodes, step)
    roots = tuple(made.tree(root) for root in ensemble.roots)
    op = TreeEnsemble(
        tuple(made.features),
        tuple(made.thresholds),
        tuple(made.lefts),
        tuple(made.rights),
        tuple(made.leaves),
        roots,
        tuple(int(b) for b in base),
    )
    return op, step


def step_of(values: Reals) -> float:
    """A step of which values are whole multiples, as few as possible; else the finest for 16 bits."""
    if not np.isfinite(values).all():
        raise ModelError("leaves hold NaN or infinity", hint="train the model again, without them")
    known = np.unique(np.abs(values))
    most = float(known.max(initial=0.0))
    if most == 0.0:
        return 1.0
    shares = known / most
    for count in range(1, GREATEST):
        wanted = shares[:16] * count  # most counts fail with the first few
        if (np.abs(wanted - np.rint(wanted)) > EXACTLY * count).any():
            continue
        wanted = shares * count
        if (np.abs(wanted - np.rint(wanted)) <= EXACTLY * count).all():
            return most / count
    return most / GREATEST


def _thresholds(node: OnnxNode, name: str) -> Reals:
    """Real attributes as float32 is compared with them: of float64 the greatest float32 that is not above."""
    tensor = node.attr_tensor(f"{name}_as_tensor")
    values = np.asarray(node.attr_floats(name) or () if tensor is None else tensor, np.float64)
    nearest = values.astype(np.float32)
    below = np.array([_below(value) for value in nearest.tolist()])
    return np.where(nearest > values, below, nearest).astype(np.float64)


def _reals(node: OnnxNode, name: str) -> Reals:
    tensor = node.attr_tensor(f"{name}_as_tensor")
    return np.asarray(node.attr_floats(name) or () if tensor is None else tensor, np.float64).ravel()


def _lists(node: OnnxNode, *names: str) -> list[tuple[int, ...]]:
    found = [node.attr_ints(name) or () for name in names]
    if len({len(values) for values in found}) != 1:
        raise ModelError(f"attributes {', '.join(names)} are not of one length", hint=_DAMAGED)
    return found


def _by_numbers(node: OnnxNode, prefix: str, targets: int) -> Ensemble:
    """Trees whose nodes are listed with the number of their tree (TreeEnsembleClassifier, TreeEnsembleRegressor)."""
    trees, numbers, features, holds, fails = _lists(
        node, *(f"nodes_{name}" for name in ("treeids", "nodeids", "featureids", "truenodeids", "falsenodeids"))
    )
    modes = node.attr_strings("nodes_modes") or ()
    values = _thresholds(node, "nodes_values")
    if not len(modes) == len(values) == len(trees):
        raise ModelError("nodes lack modes or values", hint=_DAMAGED)
    index = {key: k for k, key in enumerate(zip(trees, numbers, strict=True))}
    given: dict[int, list[tuple[int, float]]] = defaultdict(list)
    of_trees, of_nodes, ids = _lists(node, *(f"{prefix}_{name}" for name in ("treeids", "nodeids", "ids")))
    weights = _reals(node, f"{prefix}_weights")
    if len(weights) != len(ids):
        raise ModelError("leaves lack weights", hint=_DAMAGED)
    if ids and not 0 <= min(ids) <= max(ids) < targets:
        raise ModelError(f"leaves give to targets beyond {targets}", hint=_DAMAGED)
    for tree, number, target, weight in zip(of_trees, of_nodes, ids, weights.tolist(), strict=True):
        if (tree, number) not in index:
            raise ModelError("a leaf is no node", hint=_DAMAGED)
        given[index[tree, number]].append((target, weight))
    nodes: dict[int, Branch | Leaf] = {}
    for k, mode in enumerate(modes):
        if mode == "LEAF":
            nodes[k] = Leaf(tuple(given[k]))
            continue
        sides = (index.get((trees[k], holds[k])), index.get((trees[k], fails[k])))
        if None in sides or features[k] < 0:
            raise ModelError("a node of a tree is missing", hint=_DAMAGED)
        nodes[k] = Branch(
            features[k], mode.removeprefix("BRANCH_"), (float(values[k]),), int(sides[0] or 0), int(sides[1] or 0)
        )
    children = {c for n in nodes.values() if isinstance(n, Branch) for c in (n.holds, n.fails)}
    roots = [k for k in nodes if k not in children]
    if len(roots) != len(set(trees)):
        raise ModelError("trees do not have one root each", hint=_DAMAGED)
    base = _reals(node, "base_values")
    return Ensemble(nodes, roots, np.zeros(targets) if not base.size else np.broadcast_to(base, (targets,)))


def _aggregated(node: OnnxNode, ensemble: Ensemble, how: str) -> Ensemble:
    if how == "AVERAGE":
        count = len(ensemble.roots)
        nodes = {
            k: Leaf(tuple((t, v / count) for t, v in n.given)) if isinstance(n, Leaf) else n
            for k, n in ensemble.nodes.items()
        }
        return Ensemble(nodes, ensemble.roots, ensemble.base)
    if how != "SUM" and len(ensemble.roots) > 1:
        raise ModelError(f"trees of which the {how.lower()} counts are not supported", hint="use sums or averages")
    return ensemble


def summed(node: OnnxNode, op: TreeEnsemble) -> str:
    """Add the operator, for features that are real or whole numbers; returns its sums."""
    x = node.value(0)
    return node.emit(replace(op, whole=node.type(x).is_whole), [x], "sums")


@handles("TreeEnsembleRegressor", domain=DOMAIN, integers=True)
def regressor(node: OnnxNode) -> None:
    """Trees with sums or averages of their leaves' values; any mode of comparison."""
    targets = node.attr_int("n_targets", 1)
    if not 1 <= targets <= 1 << 13:
        raise ModelError(f"{targets} targets are not supported", hint=_DAMAGED)
    ensemble = _by_numbers(node, "target", targets)
    op, step = flat(_aggregated(node, ensemble, node.attr_str("aggregate_function", "SUM")))
    sums = summed(node, op)
    y = node.emit(WholeToReal(step), [sums], "real")
    node.result(transformed(node, y, node.attr_str("post_transform", "NONE")))


@handles("TreeEnsembleClassifier", domain=DOMAIN, integers=True)
def classifier(node: OnnxNode) -> None:
    """The class, exactly, and scores or probabilities; names of classes are those of the generated header."""
    numbers, names = class_labels(node)
    count = max(len(numbers), len(names))
    post = node.attr_str("post_transform", "NONE")
    ids = set(node.attr_ints("class_ids") or ())
    if not count:
        raise ModelError("it has no classes", hint=_DAMAGED)
    ensemble = _by_numbers(node, "class", max(count, 2))
    if len(ids) != 1 or count > 2:
        op, step = flat(ensemble)
        sums = summed(node, op)
        label = node.emit(Label(numbers, names), [sums])
        scores = transformed(node, node.emit(WholeToReal(step), [sums], "scores"), post)
        node.result(scores, 1)
        node.result(label, integers=DType.INT64)
        return
    (single,) = ids
    nodes = {
        k: Leaf(tuple((1, v) for _, v in n.given)) if isinstance(n, Leaf) else n for k, n in ensemble.nodes.items()
    }
    op, step = flat(Ensemble(nodes, ensemble.roots, np.array([0.0, ensemble.base[single]])))
    share = post in ("NONE", "PROBIT")
    limit = int(np.floor(0.5 / step + 1e-6)) if share else 0  # what the sum of the second class has to exceed
    op = replace(op, base=(limit, op.base[1]))
    sums = summed(node, op)
    pair = (0, numbers[0]) if len(numbers) == 1 else numbers
    label = node.emit(Label(pair, names if len(names) == 2 else ()), [sums])
    whole = int(np.rint(1 / step)) if share else 0
    scores = node.emit(WholeToReal(step, (1, 1), (-1, 1), (whole, 0)), [sums], "scores")
    node.result(transformed(node, scores, post), 1)
    node.result(label, integers=DType.INT64)


def class_labels(node: OnnxNode) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Numbers of classes, empty where they are 0, 1, … and so is the index; and their names.

    Raises:
        ModelError: a number does not fit 32 bits.
    """
    numbers = node.attr_ints("classlabels_int64s") or node.attr_ints("classlabels_ints") or ()
    names = node.attr_strings("classlabels_strings") or ()
    if numbers and not -(2**31) <= min(numbers) <= max(numbers) < 2**31:
        raise ModelError("numbers of classes do not fit 32 bits", hint="give the classes other labels")
    return numbers, names


def transformed(node: OnnxNode, scores: str, post: str) -> str:
    """Scores after the function that a classifier or regressor ends with.

    Raises:
        ModelError: it is one that is not supported.
    """
    if post == "SOFTMAX":
        return node.emit(Softmax(len(node.type(scores).shape) - 1), [scores], "softmax")
    if post == "LOGISTIC":
        return node.emit(Sigmoid(), [scores], "logistic")
    if post != "NONE":
        raise ModelError(f"post_transform {post} is not supported", hint="use NONE, LOGISTIC or SOFTMAX")
    return scores


@handles("TreeEnsemble", domain=DOMAIN, integers=True)
def ensemble_of_leaves(node: OnnxNode) -> None:
    """Trees with leaves of their own (ai.onnx.ml 5), sets of members among them."""
    features, holds, fails, true_leafs, false_leafs = _lists(
        node,
        *(f"nodes_{name}" for name in ("featureids", "truenodeids", "falsenodeids", "trueleafs", "falseleafs")),
    )
    tensors = {name: node.attr_tensor(name) for name in ("nodes_splits", "nodes_modes", "leaf_weights")}
    splits, modes, weights = tensors.values()
    targets, roots = node.attr_ints("leaf_targetids") or (), node.attr_ints("tree_roots") or ()
    if splits is None or modes is None or weights is None or not len(splits) == len(modes) == len(features):
        raise ModelError("nodes lack modes or values", hint=_DAMAGED)
    count = node.attr_int("n_targets", max(targets, default=0) + 1)
    if len(weights) != len(targets) or not targets or not 0 <= min(targets) <= max(targets) < count:
        raise ModelError("leaves lack weights, or give to targets that are not there", hint=_DAMAGED)
    members = _members(node, modes)
    first = len(features)  # leaves are numbered behind the nodes
    nodes: dict[int, Branch | Leaf] = {
        first + k: Leaf(((t, float(w)),)) for k, (t, w) in enumerate(zip(targets, weights.tolist(), strict=True))
    }
    for k, feature in enumerate(features):
        sides = (holds[k] + first * true_leafs[k], fails[k] + first * false_leafs[k])
        mode = MODES[int(modes[k])] if 0 <= int(modes[k]) < len(MODES) else str(modes[k])
        values = members[k] if mode == "MEMBER" else (float(splits[k]),)
        nodes[k] = Branch(feature, mode, values, *sides)
    ensemble = Ensemble(nodes, roots, np.zeros(count))
    how = ("AVERAGE", "SUM", "MIN", "MAX")[node.attr_int("aggregate_function", 1) & 3]
    op, step = flat(_aggregated(node, ensemble, how))
    y = node.emit(WholeToReal(step), [summed(node, op)], "real")
    posts = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")
    number = node.attr_int("post_transform", 0)
    node.result(transformed(node, y, posts[number] if 0 <= number < len(posts) else str(number)))


def _members(node: OnnxNode, modes: npt.NDArray[np.uint8]) -> dict[int, tuple[float, ...]]:
    """The members of each set, which lists of a node end with NaN."""
    stored = node.attr_tensor("membership_values")
    wanted = [k for k, mode in enumerate(modes.tolist()) if mode == MODES.index("MEMBER")]
    sets: list[list[float]] = [[]]
    for value in [] if stored is None else stored.ravel().tolist():
        if np.isnan(value):
            sets.append([])
        else:
            sets[-1].append(value)
    if len(sets) - 1 != len(wanted):
        raise ModelError("sets of members are missing", hint=_DAMAGED)
    return {k: tuple(sorted(values)) for k, values in zip(wanted, sets[:-1], strict=True)}


@handles("ZipMap", domain=DOMAIN)
def zip_map(node: OnnxNode) -> None:
    """Probabilities, in the order of the classes: C has no dictionaries."""
    node.result(node.value(0))
