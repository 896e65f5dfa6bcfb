"""Remove channels that are the same for every input, or that nothing reads. Lossless: no output changes for any input.

A trained network can be half dead: batch normalization and a rectifier leave channels that never leave zero. Here that
is not guessed from data but proven: interval analysis with the integer references gives what every element can reach
(see `_ranges`), padding and rounding included. A channel, an index of the last axis, goes if everything that reads it
can do without it:

- a convolution or fully connected layer drops the channel's weights. If they are not all zero, the channel must be
  constant; its contribution moves into the bias, exactly. Beside padding that needs the constant to be the zero-point,
  which is what the padding holds.
- an operator that works on each channel by itself drops the same channel of its result, and so of its other operands:
  such channels go together or stay together.
- every other operator, and the caller of the graph, needs all channels.

One removal makes others possible, so it is repeated until nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from edgeq.ir.graph import Graph, GraphEditor, Node
from edgeq.ir.kernel import BYTES
from edgeq.ir.op import Op
from edgeq.ir.tensor import Array, DType, QParams
from edgeq.ir.traits import Linear, Tie, channels
from edgeq.passes._ranges import Interval, reachable

Pairs = Iterable[tuple[str, int, str, int]]
"""Channels that stay or go together: a value and its channel, and another one."""


def _mixing(graph: Graph, node: Node) -> Linear | None:
    """How a node sums bytes over all input channels with constant weights; None if it does not."""
    linear = node.op.linear
    if linear is None or not linear.is_dense or graph.data(node.inputs[1]) is None:
        return None
    if graph.type(str(node.inputs[1])).dtype is DType.TRELLIS:  # no weight of a path can be left out
        return None
    return linear if graph.site(node).element_types[0] <= BYTES else None


def _channels(graph: Graph, name: str) -> int:
    return channels(graph.type(name).shape)


def _computed(graph: Graph, node: Node) -> list[str]:
    return [n for n in node.inputs if n is not None and graph.data(n) is None]


def _tied(graph: Graph, node: Node, ties: Iterable[Tie]) -> Iterator[tuple[str, int, str, int]]:
    """The channels of a node's computed inputs and of its outputs that go together."""
    for tie in ties:
        source, out = node.inputs[tie.input], node.outputs[tie.output]
        if source is not None and graph.data(source) is None:
            yield from ((source, a, out, b) for a, b in tie.pairs.tolist())


class _Classes:
    """Channels of all values, joined into classes that stay or go together (union-find)."""

    def __init__(self, graph: Graph) -> None:
        names = [n for n, v in graph.values.items() if v.data is None]
        sizes = [_channels(graph, n) for n in names]
        self.start = dict(zip(names, np.cumsum([0, *sizes]).tolist(), strict=False))
        self.parent = list(range(sum(sizes)))

    def find(self, index: int) -> int:
        while self.parent[index] != index:
            self.parent[index] = self.parent[self.parent[index]]
            index = self.parent[index]
        return index

    def of(self, name: str, channel: int) -> int:
        """The class of a value's channel."""
        return self.find(self.start[name] + channel)

    def join(self, pairs: Pairs) -> None:
        for a, i, b, j in pairs:
            first, second = sorted((self.of(a, i), self.of(b, j)))
            self.parent[second] = first


def _constants(low: Array, high: Array) -> tuple[Array, Array]:
    """Per channel: whether all its elements always hold one value, and that value."""
    rows_low, rows_high = (a.reshape(-1, a.shape[-1] if a.ndim else 1) for a in (low, high))
    least, most = rows_low.min(axis=0), rows_high.max(axis=0)
    return least == most, least if least.dtype.kind == "f" else least.astype(np.int64)


def _centred_weights(graph: Graph, node: Node, linear: Linear) -> Array:
    """Weights of a mixing node less their zero-point: (output channels, …, input channels)."""
    site = graph.site(node)
    w = site.const(1).astype(np.int64)
    zero = linear.along(np.asarray(site.input(1).qp.zero_point), w.ndim)
    return np.moveaxis(w - zero, (linear.out_axis, linear.columns), (0, -1))


def _foldable(graph: Graph, node: Node, linear: Linear, constant: Array, value: Array) -> Array:
    """For each input channel of a mixing node, whether its weights can go."""
    w = _centred_weights(graph, node, linear)
    unused = np.all(w == 0, axis=tuple(range(w.ndim - 1)))
    at_zero = value == graph.type(str(node.inputs[0])).qp.zp
    return np.asarray(unused | (constant & (at_zero | linear.complete)))


def _kept_channels(graph: Graph, ranges: Mapping[str, Interval]) -> dict[str, Array]:
    """For each value whose channels are not all needed, the indices of those that are."""
    classes = _Classes(graph)
    needed: list[tuple[str, Array]] = [
        (n, np.arange(_channels(graph, n))) for n in (*graph.inputs, *graph.outputs) if graph.data(n) is None
    ]
    for node in graph.nodes:
        sources, linear = _computed(graph, node), _mixing(graph, node)
        if linear is not None and len(sources) == 1:
            constant, value = _constants(*ranges[sources[0]])
            needed.append((sources[0], np.flatnonzero(~_foldable(graph, node, linear, constant, value))))
            continue
        ties = node.op.tied_channels(graph.site(node))
        if ties is None:
            needed += [(n, np.arange(_channels(graph, n))) for n in (*sources, *node.outputs)]
        else:
            classes.join(_tied(graph, node, ties))
    stay = {classes.of(name, int(c)) for name, channels in needed for c in channels}
    # A tensor without any channels cannot exist: its first channel stays, and with it whatever is tied to that.
    again = True
    while again:
        again = False
        for name in classes.start:
            if not any(classes.of(name, c) in stay for c in range(_channels(graph, name))):
                stay.add(classes.of(name, 0))
                again = True
    kept = {}
    for name in classes.start:
        left = [c for c in range(_channels(graph, name)) if classes.of(name, c) in stay]
        if len(left) < _channels(graph, name):
            kept[name] = np.asarray(left)
    return kept


class _Slicer:
    """Builds the graph that has only some channels of its values."""

    def __init__(self, graph: Graph, kept: dict[str, Array], constants: dict[str, Array]) -> None:
        self.graph, self.kept, self.constants = graph, kept, constants
        self.edit = GraphEditor(graph.name)
        self.edit.numerics, self.edit.preferred, self.edit.ports = graph.numerics, graph.preferred, dict(graph.ports)
        self.edit.outside = dict(graph.outside)
        self.edit.states, self.edit.batch = list(graph.states), graph.batch

    def left(self, name: str) -> Array:
        """The channels of a value that stay."""
        return self.kept.get(name, np.arange(_channels(self.graph, name)))

    def constant(
        self, name: str | None, channels: Sequence[tuple[int, Array]], addend: Array | None = None
    ) -> str | None:
        """A constant of which only some indices of some axes are taken, and to which something is added."""
        if name is None:
            return None
        old, data, q = self.graph.values[name], self.graph.data(name), self.graph.type(name).q
        assert data is not None
        for axis, index in channels:
            data = data.take(index, axis)
            if q is not None and q.axis == axis:
                q = QParams(tuple(q.scale[i] for i in index), tuple(q.zero_point[i] for i in index), axis)
        if addend is not None and addend.any():
            data = (data.astype(np.int64) + addend).astype(data.dtype)
        elif data.shape == old.type.shape:
            self.edit.values[name] = old
            return name
        return self.edit.constant(name, data, q, old.type)

    def mixing(self, node: Node, linear: Linear) -> tuple[str | None, ...]:
        """Operands of a node that sums over all channels; what the removed ones contribute goes to the bias."""
        graph, site = self.graph, self.graph.site(node)
        source, weights, bias = (*node.inputs, None)[:3]
        assert source is not None and weights is not None
        rows, columns, w = self.left(node.outputs[0]), self.left(source), _centred_weights(graph, node, linear)
        removed = np.setdiff1d(np.arange(_channels(graph, source)), columns)
        offsets = (self.constants[source][removed] - site.input(0).qp.zp) if removed.size else np.zeros(0, np.int64)
        contribution = (w[..., removed] * offsets).reshape(w.shape[0], -1).sum(axis=1)[rows]
        new_weights = self.constant(weights, [(linear.out_axis, rows), (linear.columns, columns)])
        if bias is None and contribution.any():
            scale = np.broadcast_to(site.input(0).qp.s * np.asarray(site.input(1).qp.scale), w.shape[:1])[rows]
            new_bias = self.edit.constant(
                f"{node.name}_bias", contribution.astype(np.int32), QParams.per_channel(scale, 0, 0)
            )
            return source, new_weights, new_bias
        return source, new_weights, self.constant(bias, [(0, rows)], contribution)

    def operands(self, node: Node) -> tuple[str | None, ...]:
        """A node's inputs, constants among them cut to what stays."""
        graph, out, linear = self.graph, self.left(node.outputs[0]), _mixing(self.graph, node)
        if linear is not None:
            return self.mixing(node, linear)
        operands: list[str | None] = []
        for name in node.inputs:
            data = graph.data(name)
            if name is None or data is None:
                operands.append(name)
                continue
            last = data.ndim - 1
            matches = data.ndim > 0 and data.shape[last] == _channels(graph, node.outputs[0])
            operands.append(self.constant(name, [(last, out)] if matches and node.outputs[0] in self.kept else []))
        return tuple(operands)

    def op(self, node: Node) -> Op:
        """A node's operator, with the attributes that refer to channels adapted."""
        if not any(name in self.kept for name in node.outputs):
            return node.op
        return node.op.with_channels(self.graph.site(node), [len(self.left(name)) for name in node.outputs])

    def run(self) -> Graph:
        """The smaller graph."""
        for name in self.graph.inputs:
            self.edit.input(name, self.graph.type(name))
        for name in self.graph.outputs:
            if self.graph.data(name) is not None:
                self.edit.values[name] = self.graph.values[name]
        for node in self.graph.nodes:
            types = []
            for out in node.outputs:
                type = self.graph.type(out)
                types.append(type if out not in self.kept else type.reshaped((*type.shape[:-1], len(self.kept[out]))))
            self.edit.add(self.op(node), self.operands(node), node.name, node.outputs, types)
        self.edit.outputs = list(self.graph.outputs)
        return self.edit.finish()


def eliminate_constant_channels(graph: Graph) -> Graph:
    """A quantized graph without the channels whose absence no output can show; float graphs are returned unchanged."""
    if graph.numerics is None:
        return graph
    while True:
        ranges = reachable(graph)
        kept = _kept_channels(graph, ranges)
        if not kept:
            return graph
        constants = {name: _constants(*bounds)[1] for name, bounds in ranges.items() if name in kept}
        graph = _Slicer(graph, kept, constants).run()
