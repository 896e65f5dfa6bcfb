"""How the error of a block's output changes with weights and biases inside, from the integers that it computes.

Going forward a block is executed in its own integers. Going back rounding counts as nothing, and what saturates, as
rectifiers do, lets nothing pass (the straight-through estimator of Bengio et al. 2013). Layers, sums of two tensors,
functions of one and what only moves elements let gradients pass; at all else they end. Sums are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeq.ir.graph import Graph, GraphEditor, Node
from edgeq.ir.quant_rule import Product
from edgeq.ir.tensor import Array, QParams, Shape, TensorType
from edgeq.ir.traits import NO_CLAMP, Pattern
from edgeq.numerics import exact
from edgeq.quantize.statistics import Floats

Reals = npt.NDArray[np.float32]
LARGEST_MOVED = 1 << 24
"""Elements whose places float32 counts."""


@dataclass(frozen=True, eq=False)
class Places:
    """Where the factors of a layer's weights come from.

    Attributes:
        taken: (groups, sums, taps) index of each factor among the elements of a sample; one beyond them where padded.
        outputs: (groups, outputs per group) index of each channel.
    """

    taken: npt.NDArray[np.int64]
    outputs: npt.NDArray[np.int64]

    @staticmethod
    def of(node: Node, product: Product, x: Shape, weights: Shape) -> Places:
        """Of a layer's inputs x (N, …) and its weights."""
        size, op = int(np.prod(x)), node.op
        found = op.factors(np.arange(1, size + 1).reshape(x), weights)
        assert found is not None and product.axis is not None
        shape = [-1 if k == product.axis else 1 for k in range(len(weights))]
        channel = np.broadcast_to(np.arange(weights[product.axis]).reshape(shape), weights)
        return Places(np.where(found == 0, size, found - 1), op.by_group(channel)[:, :, 0])


@dataclass(frozen=True, eq=False)
class Slopes:
    """What half the squared error gains for each step of an integer weight, if biases keep the means of sums.

    Attributes:
        weights: (groups, outputs, taps).
    """

    weights: Floats


def passes(graph: Graph, node: Node) -> bool:
    """Whether gradients go through a node of an integer graph to what it computes with."""
    return _layer(graph, node) or _sum(graph, node) or _function(graph, node) or _moves(graph, node)


def _computed(graph: Graph, node: Node) -> list[int]:
    return [k for k, name in enumerate(node.inputs) if name is not None and graph.data(name) is None]


def _layer(graph: Graph, node: Node) -> bool:
    products = node.op.quant_rule([None if n is None else graph.type(n).shape for n in node.inputs]).products
    if len(products) != 1 or _computed(graph, node) != [0] or graph.type(str(node.inputs[0])).q is None:
        return False
    shape = graph.type(str(node.inputs[0])).shape
    return node.op.factors(np.zeros(shape, np.int8), graph.type(str(node.inputs[1])).shape) is not None


def _sum(graph: Graph, node: Node) -> bool:
    shapes = {graph.type(n).shape for n in (*node.inputs, *node.outputs) if n is not None and graph.data(n) is None}
    return node.op.signs is not None and len(shapes) == 1


def _function(graph: Graph, node: Node) -> bool:
    return node.op.pattern is Pattern.ELEMENTWISE and len(node.inputs) == 1 and not node.op.gives_whole


def _moves(graph: Graph, node: Node) -> bool:
    few = graph.type(node.outputs[0]).size < LARGEST_MOVED
    return node.op.pattern in (Pattern.REARRANGEMENT, Pattern.MOVEMENT) and len(node.inputs) == 1 and few


class Backward:
    """Gradients of a block.

    Args:
        graph: the block, in integers.
        layers: the layers whose weights and biases are asked for.
    """

    def __init__(self, graph: Graph, layers: Mapping[str, Product]) -> None:
        self._graph, self._layers = graph, layers
        wanted: set[str] = set()
        for node in graph.nodes:  # values on which something depends
            if node.name in layers or wanted.intersection(n for n in node.inputs if n is not None):
                wanted.update(node.outputs)
        self._wanted = wanted
        self._places: dict[str, Places] = {}
        self._slopes: dict[str, Reals] = {}
        self.means: dict[str, Floats] = {}

    def run(self, editor: GraphEditor, values: Mapping[str, Array], lost: Reals) -> dict[str, Slopes]:
        """Gradients of half the squared error.

        Args:
            editor: the block's constants as they are now.
            values: integers (samples, …) of everything that the block computed and was given.
            lost: (samples, …) the block's output less what it should be, in real numbers.
        """
        (end,) = self._graph.outputs
        slopes: dict[str, Reals] = {end: lost.astype(np.float32)}
        found: dict[str, Slopes] = {}
        for node in reversed(self._graph.nodes):
            slope = slopes.pop(node.outputs[0], None)
            if slope is None or len(node.outputs) != 1 or not passes(self._graph, node):
                continue
            slope = slope * self._open(node, values[node.outputs[0]])
            for name, part in self._through(editor, node, values, slope, found):
                if name in self._wanted:
                    slopes[name] = slopes[name] + part if name in slopes else part
        return found

    def places(self, name: str) -> Places:
        """Of a layer."""
        if name not in self._places:
            (node,) = (n for n in self._graph.nodes if n.name == name)
            shapes = [None if n is None else self._graph.type(n).shape for n in node.inputs]
            (product,) = node.op.quant_rule(shapes).products
            x, weights = shapes[0], shapes[1]
            assert x is not None and weights is not None
            self._places[name] = Places.of(node, product, x, weights)
        return self._places[name]

    def _open(self, node: Node, y: Array) -> npt.NDArray[np.bool_]:
        """Where an output is not at an end of its range."""
        type = self._graph.type(node.outputs[0])
        least, most = type.dtype.range
        clamp = node.op.fused_clamp or NO_CLAMP
        q = type.qp
        low = least if clamp[0] == -np.inf else max(least, int(q.quantize(clamp[0], type.dtype)))
        high = most if clamp[1] == np.inf else min(most, int(q.quantize(clamp[1], type.dtype)))
        return np.asarray((y > low) & (y < high))

    def _through(
        self,
        editor: GraphEditor,
        node: Node,
        values: Mapping[str, Array],
        slope: Reals,
        found: dict[str, Slopes],
    ) -> list[tuple[str, Reals]]:
        """Gradients of a node's inputs from those of its output."""
        graph = self._graph
        computed = [str(node.inputs[k]) for k in _computed(graph, node)]
        if _layer(graph, node):
            part = self._through_layer(editor, node, values[computed[0]], slope, found)
            return [] if part is None else [(computed[0], part)]
        if node.op.signs is not None:
            signs = zip(node.inputs, node.op.signs, strict=True)
            return [(str(n), slope if sign > 0 else -slope) for n, sign in signs if n in computed]
        (name,) = computed
        if node.op.pattern is Pattern.ELEMENTWISE:
            return [(name, slope * self._slope_of(node, graph.type(name), values[name]))]
        shape = graph.type(name).shape
        size = int(np.prod(shape))
        (places,) = node.op.run_float([np.arange(1, size + 1, dtype=np.float32).reshape(shape)])
        return [(name, _added(slope, places.astype(np.int64).ravel() - 1, size).reshape(-1, *shape))]

    def _slope_of(self, node: Node, type: TensorType, x: Array) -> Reals:
        """The slope of a function of one element at integers x."""
        q, (least, most) = type.qp, type.dtype.range
        if type.dtype.bits == 16:
            return _difference(node, q, x.astype(np.float64))
        if node.name not in self._slopes:
            self._slopes[node.name] = _difference(node, q, np.arange(least, most + 1, dtype=np.float64))
        return self._slopes[node.name][x.astype(np.int64) - least]

    def _through_layer(
        self, editor: GraphEditor, node: Node, x: Array, slope: Reals, found: dict[str, Slopes]
    ) -> Reals | None:
        graph, source, weight = self._graph, str(node.inputs[0]), str(node.inputs[1])
        shape, type = graph.type(source).shape, graph.type(source)
        value = editor.values[weight]
        assert value.data is not None
        places, samples = self.places(node.name), len(x)
        groups, sums, taps = places.taken.shape
        by_channel = slope.reshape(samples * sums, -1)[:, places.outputs]  # (rows, groups, outputs)
        rows = np.ascontiguousarray(np.moveaxis(by_channel, 0, 1))  # (groups, rows, outputs)
        steps = value.type.qp._steps(value.type.shape)
        scale = node.op.by_group(np.broadcast_to(steps, value.type.shape))
        if node.name in self._layers:
            centred = (x.astype(np.int32) - type.qp.zp).reshape(samples, -1)
            padded = np.concatenate([centred, np.zeros((samples, 1), np.int32)], axis=1)
            seen = np.moveaxis(padded[:, places.taken], 0, 1).reshape(groups, samples * sums, taps)
            if node.name not in self.means:
                self.means[node.name] = seen.sum(axis=1, keepdims=True) / seen.shape[1]
            seen = seen - self.means[node.name]
            depth = samples * sums
            left = exact.activations(np.ascontiguousarray(rows.swapaxes(1, 2)), depth, (2,))
            products = exact.product(left, exact.weights(seen, depth, (1,)))
            found[node.name] = Slopes(products * scale * type.qp.s)
        if source not in self._wanted:
            return None
        outputs = places.outputs.shape[1]
        real = node.op.by_group(value.data.astype(np.float64)) * scale
        back = exact.product(exact.activations(rows, outputs, (2,)), exact.weights(real, outputs, (1,)))
        each = np.moveaxis(back.reshape(groups, samples, sums, taps), 1, 0)
        return _added(each, places.taken.ravel(), int(np.prod(shape))).reshape(samples, *shape)


def _difference(node: Node, q: QParams, x: Floats) -> Reals:
    ends = [node.op.run_float([(q.s * (x - q.zp + half)).astype(np.float32)])[0] for half in (0.5, -0.5)]
    return np.asarray((ends[0] - ends[1]) / np.float32(q.s), np.float32)


def _added(parts: Array, places: npt.NDArray[np.int64], size: int) -> Reals:
    """(samples, size): parts (samples, …), each added at its place; those at places beyond are left out."""
    flat = parts.reshape(len(parts), -1)
    result = np.empty((len(parts), size), np.float32)
    for k, row in enumerate(flat):
        result[k] = np.bincount(places, row, size + 1)[:size]
    return result
