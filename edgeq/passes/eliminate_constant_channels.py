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

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeGuard

import numpy as np

from edgeq.ir.graph import Graph, GraphEditor, Node
from edgeq.ir.op import Op
from edgeq.ir.tensor import Array, QParams
from edgeq.ops._table import TableOp
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.concat import Concat
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.conv_transpose2d import ConvTranspose2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.mean import Mean
from edgeq.ops.pad import Pad
from edgeq.ops.reduce_max import ReduceMax
from edgeq.ops.requantize import Requantize
from edgeq.ops.reshape import Reshape
from edgeq.ops.resize import Resize
from edgeq.ops.slice import Slice
from edgeq.ops.split import Split
from edgeq.ops.sum import Sum
from edgeq.ops.transpose import Transpose
from edgeq.passes._layout import BINARY
from edgeq.passes._ranges import Interval, reachable

Pairs = Iterable[tuple[str, int, str, int]]
"""Channels that stay or go together: a value and its channel, and another one."""
Mixing = Conv2D | ConvTranspose2D | FullyConnected


def _mixes(op: Op) -> TypeGuard[Mixing]:
    """Whether every output channel is a weighted sum over all input channels."""
    return isinstance(op, FullyConnected) or (isinstance(op, (Conv2D, ConvTranspose2D)) and op.groups == 1)


def _channels(graph: Graph, name: str) -> int:
    shape = graph.type(name).shape
    return shape[-1] if shape else 1


def _computed(graph: Graph, node: Node) -> list[str]:
    return [n for n in node.inputs if n is not None and graph.data(n) is None]


def _keeps_channels(graph: Graph, node: Node) -> bool:
    """Whether an operator on one tensor works on each channel by itself."""
    op, rank = node.op, len(graph.type(node.outputs[0]).shape)
    source = node.inputs[0]
    last = len(graph.type(source).shape) - 1 if source is not None else 0
    if isinstance(op, (TableOp, Requantize, AveragePool2D, MaxPool2D, Resize)):
        return rank > 0
    if isinstance(op, (Mean, Sum, ReduceMax)):
        return last not in op.axes
    if isinstance(op, Pad):
        return op.before[-1] == op.after[-1] == 0
    if isinstance(op, Slice):
        return op.begin[-1] == 0 and op.step[-1] == 1 and op.end[-1] == _channels(graph, str(source))
    if isinstance(op, Transpose):
        return op.perm[-1] == last
    return isinstance(op, Split) and op.axis != last


def _tied(graph: Graph, node: Node) -> Pairs | None:
    """Which channels of a node's inputs and outputs go together; None if it needs all of them."""
    op, out = node.op, node.outputs[0]
    sources = _computed(graph, node)
    width = _channels(graph, out)
    if _keeps_channels(graph, node):
        return [(sources[0], c, o, c) for o in node.outputs for c in range(width)]
    if isinstance(op, DepthwiseConv2D):
        per = width // _channels(graph, sources[0])
        return [(sources[0], c // per, out, c) for c in range(width)]
    if isinstance(op, Reshape):
        inner = _channels(graph, sources[0])
        if max(width, inner) % min(width, inner) == 0:
            return [(sources[0], c % inner, out, c % width) for c in range(max(width, inner))]
    if isinstance(op, BINARY) and all(_channels(graph, s) == width for s in sources):
        return [(s, c, out, c) for s in sources for c in range(width)]
    last = len(graph.type(out).shape) - 1
    if isinstance(op, Concat) and len(sources) == len(node.inputs):
        if op.axis != last:
            return [(s, c, out, c) for s in sources for c in range(width)]
        starts = np.cumsum([0, *(_channels(graph, s) for s in sources)])
        return [
            (s, c, out, int(a) + c) for s, a in zip(sources, starts, strict=False) for c in range(_channels(graph, s))
        ]
    if isinstance(op, Split) and op.axis == last:
        starts = np.cumsum([0, *op.sizes])
        return [
            (sources[0], int(a) + c, o, c)
            for o, a in zip(node.outputs, starts, strict=False)
            for c in range(_channels(graph, o))
        ]
    return None


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
    rows_low, rows_high = (a.reshape(-1, a.shape[-1] if a.ndim else 1).astype(np.int64) for a in (low, high))
    least, most = rows_low.min(axis=0), rows_high.max(axis=0)
    return least == most, least


def _foldable(graph: Graph, node: Node, constant: Array, value: Array) -> Array:
    """For each input channel of a mixing node, whether its weights can go."""
    site = graph.site(node)
    w, q = site.const(1), site.input(1).qp
    zero = np.asarray(q.zero_point).reshape(-1, *(1,) * (w.ndim - 1))
    unused = np.all(w == zero, axis=tuple(range(w.ndim - 1)))
    at_zero = value == site.input(0).qp.zp
    everywhere = isinstance(node.op, FullyConnected) or (isinstance(node.op, Conv2D) and not any(node.op.padding))
    return np.asarray(unused | (constant & (at_zero | everywhere)))


def _kept(graph: Graph, ranges: Mapping[str, Interval]) -> dict[str, Array]:
    """For each value whose channels are not all needed, the indices of those that are."""
    classes = _Classes(graph)
    needed: list[tuple[str, Array]] = [
        (n, np.arange(_channels(graph, n))) for n in (*graph.inputs, *graph.outputs) if graph.data(n) is None
    ]
    for node in graph.nodes:
        sources = _computed(graph, node)
        if _mixes(node.op) and len(sources) == 1 and graph.data(node.inputs[1]) is not None:
            constant, value = _constants(*ranges[sources[0]])
            needed.append((sources[0], np.flatnonzero(~_foldable(graph, node, constant, value))))
            continue
        tied = _tied(graph, node)
        if tied is None:
            needed += [(n, np.arange(_channels(graph, n))) for n in (*sources, *node.outputs)]
        else:
            classes.join(tied)
    stay = {classes.of(name, int(c)) for name, channels in needed for c in channels}
    # A tensor without any channel has no form: its first one stays, and with it whatever is tied to that.
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
        self.edit.states = list(graph.states)

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
        return self.edit.constant(name, data, q)

    def mixing(self, node: Node) -> tuple[str | None, ...]:
        """Operands of a node that sums over all channels; what the removed ones contribute goes to the bias."""
        graph, site = self.graph, self.graph.site(node)
        source, weights, bias = (*node.inputs, None)[:3]
        assert source is not None and weights is not None
        rows, columns, w = self.left(node.outputs[0]), self.left(source), site.const(1)
        gone = np.setdiff1d(np.arange(_channels(graph, source)), columns)
        q = site.input(1).qp
        zero = np.asarray(q.zero_point).reshape(-1, *(1,) * (w.ndim - 1))
        offsets = (self.constants[source][gone] - site.input(0).qp.zp) if gone.size else np.zeros(0, np.int64)
        lost = ((w.astype(np.int64) - zero)[..., gone] * offsets).reshape(w.shape[0], -1).sum(axis=1)[rows]
        new_weights = self.constant(weights, [(0, rows), (w.ndim - 1, columns)])
        if bias is None and lost.any():
            scale = np.broadcast_to(site.input(0).qp.s * np.asarray(q.scale), w.shape[:1])[rows]
            new = self.edit.constant(f"{node.name}_bias", lost.astype(np.int32), QParams.per_channel(scale, 0, 0))
            return source, new_weights, new
        return source, new_weights, self.constant(bias, [(0, rows)], lost)

    def operands(self, node: Node) -> tuple[str | None, ...]:
        """A node's inputs, constants among them cut to what stays."""
        graph, out = self.graph, self.left(node.outputs[0])
        if _mixes(node.op) and graph.data(node.inputs[1]) is not None:
            return self.mixing(node)
        found: list[str | None] = []
        for name in node.inputs:
            data = graph.data(name)
            if name is None or data is None:
                found.append(name)
                continue
            last = data.ndim - 1
            matches = data.ndim > 0 and data.shape[last] == _channels(graph, node.outputs[0])
            found.append(self.constant(name, [(last, out)] if matches and node.outputs[0] in self.kept else []))
        return tuple(found)

    def op(self, node: Node) -> Op:
        """A node's operator, with the attributes that speak of channels brought in line."""
        op, width = node.op, len(self.left(node.outputs[0]))
        if isinstance(op, Reshape):
            return replace(op, shape=(*op.shape[:-1], width))
        if isinstance(op, Slice) and node.inputs[0] in self.kept:
            return replace(op, end=(*op.end[:-1], width))
        if isinstance(op, Split) and op.axis == len(self.graph.type(node.outputs[0]).shape) - 1:
            return replace(op, sizes=tuple(len(self.left(o)) for o in node.outputs))
        return op

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
        kept = _kept(graph, ranges)
        if not kept:
            return graph
        constants = {name: _constants(*bounds)[1] for name, bounds in ranges.items() if name in kept}
        graph = _Slicer(graph, kept, constants).run()
