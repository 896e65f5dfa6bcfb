"""Inputs and outputs far from zero: their origin is moved into their range.

Zero must be an integer where padding, a rectifier or a product of activations needs it. A pressure around 1013 hPa or a
temperature in kelvin does not: of a range 990 … 1040 widened to 0 … 1040, one step in twenty is used. Where all that
reads such a tensor can take the offset over exactly, in its bias, its table or a constant that it adds, the network
computes with x − c, and the tensor that the caller sees has a zero-point beyond 8 bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from edgeq.ir.graph import Graph, GraphEditor, Node, Value
from edgeq.ir.quant_rule import Product, Scale
from edgeq.ir.tensor import Array, QParams
from edgeq.ir.traits import NO_CLAMP, Affine
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops._table import TableOp
from edgeq.ops.function import ELEMENT, Function, composed
from edgeq.ops.shift import FARTHEST, Shift
from edgeq.quantize.calibrate import LEAST_SAMPLES, Wanted
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.observers import OBSERVERS, range_of
from edgeq.quantize.operands import float_products, operand, rule_of, with_operand
from edgeq.quantize.ranges import SMALLEST_SCALE, Range, channel_rows, decibels_lost, joined
from edgeq.quantize.solver import MOST_LOST, free_sources
from edgeq.quantize.statistics import Floats, Statistics, TensorStatistics, fingerprint
from edgeq.quantize.step import Draft, Step


@dataclass
class Move:
    """What reads a tensor, and how it takes over that c is subtracted from the tensor.

    Attributes:
        numerics: the arithmetic of the integer graph to be.
        layers: c times the sum of each channel's weights goes into their biases.
        addends: nodes that add a constant: its position, and the sign with which c goes into it.
        tables: functions of single elements, which become those of x + c.
        moved: the tensor, and those made of its elements, from which c is subtracted, too.
        ends: those of them that the caller reads.
    """

    numerics: Numerics
    layers: list[tuple[Node, Product]] = field(default_factory=list)
    addends: list[tuple[Node, int, int]] = field(default_factory=list)
    tables: list[Node] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)


def centre(
    graph: Graph, statistics: Statistics, config: QuantConfig, numerics: Numerics = Numerics.FAST
) -> tuple[Graph, Statistics]:
    """The same function, with origins moved into the ranges of inputs, and of layers' outputs, that are far from zero.

    Args:
        graph: an optimized float graph.
        statistics: of the graph.
        config: what has a given range, or is symmetric, is left alone.
        numerics: the arithmetic of the integer graph to be; but for FAST, LiteRT's tables stay.

    Returns:
        The graph, in which what was moved has parameters, and its statistics.
    """
    work = _Work(graph, config, graph.edit(), dict(statistics.tensors), dict(statistics.means))
    for name, maker in candidates(graph, config):
        bounds = _range(graph, statistics, name, config.for_layer(name if maker is None else maker.name))
        move = None if bounds is None else follow(graph, name, config, numerics)
        if bounds is not None and move is not None:
            inner = QParams.per_tensor((bounds[1] - bounds[0]) / 255, 0)
            work.apply(move, name, maker, inner, round(bounds[0] / inner.s) + 128)
    changed = work.editor.finish()
    return changed, replace(statistics, graph=fingerprint(changed), tensors=work.tensors, means=work.means)


def candidates(graph: Graph, config: QuantConfig) -> list[tuple[str, Node | None]]:
    """Inputs without parameters, and outputs of layers that can add a constant to them; each with its layer."""
    tied = {end for state in graph.states for end in (state.input, state.output)}
    found: list[tuple[str, Node | None]] = [
        (name, None) for name in graph.inputs if name not in graph.outputs and not _has_range(config, name)
    ]
    found += [(node.outputs[0], node) for node in graph.nodes if _can_add(graph, node, config)]
    return [(name, maker) for name, maker in found if name not in tied and graph.type(name).q is None]


def _has_range(config: QuantConfig, layer: str) -> bool:
    entry = config.layer(layer)
    return entry is not None and entry.range is not None


def _layer(graph: Graph, node: Node) -> Product | None:
    """The product of a linear layer whose weights and bias are float constants, and which may have a bias."""
    products = float_products(graph, node)
    if node.op.linear is None or len(products) != 1 or products != rule_of(graph, node).products:
        return None
    return products[0] if products[0].bias is not None and products[0].axis is not None else None


def _can_add(graph: Graph, node: Node, config: QuantConfig) -> bool:
    """Whether a node is a layer that can add a constant to its output."""
    clamped = (node.op.fused_clamp or NO_CLAMP) != NO_CLAMP
    return _layer(graph, node) is not None and not clamped and not _has_range(config, node.name)


def _range(graph: Graph, statistics: Statistics, name: str, config: QuantConfig) -> Range | None:
    """The range of a tensor, without zero, if the tensor gains by that; None if not, or if too little is known."""
    known = statistics.tensors.get(name)
    if known is None or statistics.samples < LEAST_SAMPLES or config.is_symmetric:
        return None
    low, high = float(known.low.min(initial=np.inf)), float(known.high.max(initial=-np.inf))
    if not np.isfinite((low, high)).all() or low <= 0.0 <= high:
        return None
    shown = range_of(known, config)
    low, high = (low, shown[1]) if low > 0.0 else (shown[0], high)
    scale = (high - low) / 255
    far = max(-low, high) > FARTHEST * scale
    if scale < SMALLEST_SCALE or far or decibels_lost((low, high), joined((low, high)), False) <= MOST_LOST:
        return None
    return low, high


def follow(graph: Graph, name: str, config: QuantConfig, numerics: Numerics) -> Move | None:
    """How all that reads a tensor takes over that a constant is subtracted from it; None: something cannot."""
    move = Move(numerics)
    return move if _follow(graph, name, config, move, True) else None


def _follow(graph: Graph, name: str, config: QuantConfig, move: Move, same: bool) -> bool:
    """Whether all readers of a tensor take it over; `same`: it has the parameters of the one that is moved."""
    move.moved.append(name)
    if name in graph.outputs:
        move.ends.append(name)
    return (same or name not in graph.outputs) and all(
        _takes(graph, node, name, config, move, same) for node in graph.consumers[name]
    )


def _takes(graph: Graph, node: Node, name: str, config: QuantConfig, move: Move, same: bool) -> bool:
    """Whether one reader takes it over; how is added to `move`."""
    if node.inputs.count(name) != 1:
        return False
    if node.op.ignores_offset:
        return node.inputs[0] == name
    if isinstance(node.op, TableOp):
        move.tables.append(node)
        return move.numerics is Numerics.FAST or (isinstance(node.op, Function) and not node.op.dequantized)
    if node.op.linear is not None:
        product = _layer(graph, node)
        if product is None or not node.op.linear.complete or node.inputs[product.input] != name:
            return False
        move.layers.append((node, product))
        return True
    if node.op.signs is not None:
        here = node.inputs.index(name)
        other = node.inputs[1 - here]
        if graph.data(other) is None or graph.type(str(other)).q is not None:
            return False
        move.addends.append((node, 1 - here, node.op.signs[0] * node.op.signs[1]))
        return True
    if len(node.inputs) != 1 or not _keeps_values(graph, node) or _has_range(config, node.name):
        return False
    same = same and rule_of(graph, node).output is Scale.SAME
    return all(graph.type(out).q is None and _follow(graph, out, config, move, same) for out in node.outputs)


def _keeps_values(graph: Graph, node: Node) -> bool:
    """Whether an operator of one tensor adds to its output what is added to its input: a rearrangement, a pool."""
    if (node.op.fused_clamp or NO_CLAMP) != NO_CLAMP:
        return False
    if node.op.affine(graph.site(node)) is not Affine.NONE:
        return True
    if rule_of(graph, node).output is not Scale.SAME:
        return False
    shape = graph.type(str(node.inputs[0])).shape
    return all(
        np.all(out == level) for level in (1.0, -3.0) for out in node.op.run_float([np.full(shape, level, np.float32)])
    )


@dataclass
class _Work:
    """The graph and its statistics while they change."""

    graph: Graph
    config: QuantConfig
    editor: GraphEditor
    tensors: dict[str, TensorStatistics]
    means: dict[str, Mapping[int, Floats]]

    def apply(self, move: Move, name: str, maker: Node | None, inner: QParams, steps: int) -> None:
        """Subtract `steps` steps from a tensor and let its readers take them over."""
        amount = steps * inner.s
        for node, product in move.layers:
            weights = channel_rows(np.asarray(self.graph.data(operand(node, product.weight))), product.axis)
            self._add_to_bias(node, product, amount * weights.sum(axis=1))
        for node, index, sign in move.addends:
            addend = np.asarray(self.graph.data(node.inputs[index]), np.float64)
            self._replace_operand(node, index, addend + sign * amount)
        for node in move.tables:
            expression = composed(node.op, [f"Add({ELEMENT}, {float(np.float32(amount))!r})"])
            self.editor.replace_node(node.name, replace(self.editor.nodes[node.name], op=Function(expression)))
        for moved in move.moved:
            if moved in self.tensors and (maker is not None or moved != name):
                self.tensors[moved] = self.tensors[moved].moved(-amount)
        if maker is None:
            self._split(name, inner, steps)
        else:
            (own,) = float_products(self.graph, maker)
            self._add_to_bias(maker, own, np.full(self.graph.type(name).shape[-1], -amount))
            if maker.name in self.means:
                self.means[maker.name] = {index: mean - amount for index, mean in self.means[maker.name].items()}
            self.editor.set_type(name, replace(self.graph.type(name), q=inner))
        for end in move.ends:
            self._restore(end, inner, steps)

    def _replace_operand(self, node: Node, index: int, data: Array) -> None:
        current = self.editor.nodes[node.name]
        name = self.editor.constant(operand(node, index) or f"{node.name}_bias", data.astype(np.float32))
        self.editor.replace_node(node.name, with_operand(current, index, name))

    def _add_to_bias(self, node: Node, product: Product, addend: Floats) -> None:
        assert product.bias is not None
        old = operand(self.editor.nodes[node.name], product.bias)
        bias = np.float64(0.0) if old is None else np.asarray(self.editor.values[old].data, np.float64)
        self._replace_operand(node, product.bias, bias + addend)

    def _split(self, name: str, inner: QParams, steps: int) -> None:
        """Let the readers of an input read a tensor that is nearer to zero."""
        type = self.graph.type(name)
        readers = [node for node in self.editor.nodes.values() if name in node.inputs]
        self.editor.set_type(name, replace(type, q=QParams.per_tensor(inner.s, -steps)))
        fresh = self.editor.unique(f"{name}_centred")
        (new,) = self.editor.add(Shift(steps * inner.s), [name], fresh, types=[replace(type, q=inner)])
        for node in readers:
            inputs = tuple(new if i == name else i for i in node.inputs)
            self.editor.replace_node(node.name, replace(node, inputs=inputs))
        if name in self.tensors:
            self.tensors[new] = self.tensors[name].moved(-steps * inner.s)

    def _restore(self, end: str, inner: QParams, steps: int) -> None:
        """Let an output of the graph be what it was, beside a tensor that is nearer to zero."""
        editor, type = self.editor, self.graph.type(end)
        fresh = editor.unique(f"{end}_centred")
        editor.values[fresh] = Value(fresh, replace(type, q=inner))
        for node in list(editor.nodes.values()):
            inputs = tuple(fresh if i == end else i for i in node.inputs)
            outputs = tuple(fresh if o == end else o for o in node.outputs)
            if (inputs, outputs) != (node.inputs, node.outputs):
                editor.replace_node(node.name, replace(node, inputs=inputs, outputs=outputs))
        outer = replace(type, q=QParams.per_tensor(inner.s, -steps))
        editor.set_type(end, outer)
        editor.add(Shift(-steps * inner.s), [fresh], editor.unique(f"{end}_back"), outputs=[end], types=[outer])
        if end in self.tensors:
            self.tensors[fresh] = self.tensors[end]
            self.tensors[end] = self.tensors[end].moved(steps * inner.s)


def _applies(draft: Draft) -> bool:
    return draft.measurable and any(
        follow(draft.graph, name, draft.config, draft.numerics) is not None
        for name, _ in candidates(draft.graph, draft.config)
    )


def _apply(draft: Draft) -> Draft:
    needs = {name: OBSERVERS[config.observer][0] for name, config in free_sources(draft.graph, draft.config)}
    draft = draft.measured(Wanted(needs, draft.config.bins, means=draft.mean_samples))
    assert draft.statistics is not None
    graph, statistics = centre(draft.graph, draft.statistics, draft.config, draft.numerics)
    if graph.nodes == draft.graph.nodes:
        return draft
    return draft.rescaled(graph, statistics)


STEP = Step("centre", _apply, _applies)
