"""Bias correction: quantization must not shift the mean of a layer's outputs.

Rounded weights and clipped activations move the mean of every output channel a little, and layers add these shifts up.
The difference can be measured on calibration data and taken out of the int32 biases, at no cost on the device (Nagel et
al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019, the empirical variant).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from edgeq.executor import Executor, Operands
from edgeq.ir.graph import Graph, GraphEditor, Node
from edgeq.ir.op import Op
from edgeq.ir.quant_rule import Product
from edgeq.ir.tensor import Array, DType, QParams
from edgeq.numerics.fixedpoint import INT32_MAX
from edgeq.quantize.calibrate import Samples, Wanted, channel_means, choose
from edgeq.quantize.operands import operand, rule_of, with_operand
from edgeq.quantize.ranges import channel_rows
from edgeq.quantize.statistics import Floats, Means
from edgeq.quantize.step import Draft, Step
from edgeq.quantize.weights import INPUT_SPAN

MOST_IN_INT16 = 255
"""So many int8 values have a sum that fits 16 bits, where NumPy adds several times faster."""


def correct_biases(
    graph: Graph,
    means: Means,
    samples: Samples,
    layers: Mapping[str, tuple[int, ...]],
    watch: Callable[[str, Array], None] | None = None,
) -> Graph:
    """Shift biases so that the sums they are part of have the mean they have in float.

    Layers are corrected one after the other, each with what the corrected layers before it really yield. Sums are
    affine in a layer's inputs, so their mean is that of the mean inputs.

    Args:
        graph: the integer graph.
        means: the mean of each sum in float, over the samples.
        samples: real values of the inputs.
        layers: names of nodes, and which of their biases may be corrected.
        watch: called with the name and the integers (samples, …) of every activation of the corrected graph.
    """
    editor = graph.edit()
    arithmetic = EditedIntegers(editor)

    def correct(node: Node, operands: Operands) -> Node:
        if node.name not in layers:
            return node
        actual = channel_means(node, [_mean(editor, n, x) for n, x in zip(node.inputs, operands, strict=True)])
        for product in rule_of(graph, node).products:
            if product.bias in layers[node.name] and product.bias in actual:
                shift = means[node.name][product.bias] - actual[product.bias]
                node = _shift_bias(editor, graph, node, product, shift)
        return node

    inputs = {
        name: graph.type(name).holding(np.stack([np.asarray(s[name], np.float64) for s in samples]))
        for name in graph.inputs
    }
    for name, array in Executor(graph, arithmetic).walk(inputs, correct):
        if watch is not None:
            watch(name, array)
    return editor.finish()


class EditedIntegers:
    """The integers of a graph that is being edited."""

    def __init__(self, editor: GraphEditor) -> None:
        self._editor = editor

    def constant(self, name: str) -> Array:
        data = self._editor.values[name].data
        assert data is not None
        return data

    def compute(self, op: Op, node: Node, operands: Operands) -> tuple[Array, ...]:
        return op.run(self._editor.site(node), operands)


def _mean(editor: GraphEditor, name: str | None, data: Array | None) -> Array | None:
    """A constant, or the mean of an activation (samples, …) over the samples, in real numbers."""
    if name is None or data is None:
        return None
    value = editor.values[name]
    if value.data is not None:
        return data if value.type.q is None else value.type.q.dequantize(data)
    q, total = value.type.qp, np.zeros(data.shape[1:], np.int64)
    for start in range(0, len(data), MOST_IN_INT16):
        total += data[start : start + MOST_IN_INT16].sum(axis=0, dtype=np.int16 if data.itemsize == 1 else np.int64)
    return np.asarray((total / len(data) - q.zp) * q.s)


def _shift_bias(editor: GraphEditor, graph: Graph, node: Node, product: Product, shift: Floats) -> Node:
    """Add real values to a layer's bias. Returns the changed node."""
    assert product.bias is not None
    weight = graph.type(str(node.inputs[product.weight])).qp
    scales = graph.type(str(node.inputs[product.input])).qp.s * np.asarray(weight.scale, np.float64)
    name = operand(node, product.bias)
    room = _room(graph, node, product)
    steps = np.clip(np.rint(shift / scales), -room, room)
    if name is None:
        q = QParams.per_tensor(float(scales[0]), 0) if len(scales) == 1 else QParams.per_channel(scales, 0, 0)
        changed = with_operand(node, product.bias, editor.constant(f"{node.name}_bias", steps.astype(np.int32), q))
    else:
        old = graph.values[name]
        data = (np.asarray(old.data, np.float64) + steps).astype(np.int32)
        changed = node
        if len(graph.consumers[name]) == 1 and node.inputs.count(name) == 1:
            data.flags.writeable = False
            editor.values[name] = replace(old, data=data)
        else:
            changed = with_operand(node, product.bias, editor.constant(name, data, old.type.q))
    editor.replace_node(node.name, changed)
    return changed


def _room(graph: Graph, node: Node, product: Product) -> Floats:
    """By how much biases may change, in their own units, with sums that still fit into 32 bits."""
    weights = graph.data(str(node.inputs[product.weight]))
    assert weights is not None
    bias = graph.data(operand(node, product.bias))
    wide = graph.type(str(node.inputs[product.input])).dtype is DType.INT16
    taken = (0 if wide else INPUT_SPAN) * np.abs(channel_rows(weights, product.axis)).sum(axis=1)
    return np.maximum(INT32_MAX - taken - np.abs(np.float64(0.0) if bias is None else bias.astype(np.float64)), 0.0)


def _apply(draft: Draft) -> Draft:
    layers = draft.corrected()
    draft = draft.measured(Wanted(means=draft.mean_samples))
    assert draft.statistics is not None and draft.samples is not None
    samples = [draft.samples[k] for k in choose(draft.reference, len(draft.samples))]
    return replace(draft, graph=correct_biases(draft.graph, draft.statistics.means, samples, layers))


STEP = Step("correct_biases", _apply, lambda draft: bool(draft.corrected()))
