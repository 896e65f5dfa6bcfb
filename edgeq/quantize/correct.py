"""Bias correction: quantization must not shift the mean of a layer's outputs.

Rounded weights and clipped activations move the mean of every output channel a little, and layers add these shifts up.
The difference can be measured on calibration data and taken out of the int32 biases, at no cost on the device (Nagel et
al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019, the empirical variant).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from edgeq.ir.graph import Graph, GraphEditor, Node
from edgeq.ir.op import Op, QuantRule
from edgeq.ir.tensor import Array, DType, QParams
from edgeq.ir.traits import NO_CLAMP
from edgeq.quantize.calibrate import real_constants
from edgeq.quantize.solver import rule_of

LEAST_SAMPLES = 16
"""With fewer samples the measured mean is mostly chance."""
MOST_SAMPLES = 256
MEMORY = 256 << 20
"""Bytes of activations held at once, about; fewer samples are used where they would exceed it."""


def correct_biases(
    float_graph: Graph, graph: Graph, samples: Sequence[Mapping[str, Array]], layers: frozenset[str]
) -> Graph:
    """Shift biases so that every layer's outputs, before its activation function, have the mean they have in float.

    Layers are corrected one after the other, each on what the corrected ones before it really give.

    Args:
        float_graph: the graph that was quantized.
        graph: the integer graph; the same nodes under the same names.
        samples: real values of the inputs.
        layers: names of nodes that may be corrected.

    Returns:
        The integer graph with other biases; unchanged if there are fewer than LEAST_SAMPLES samples.
    """
    chosen = _choose(graph, samples)
    if len(chosen) < LEAST_SAMPLES or not layers:
        return graph
    editor = graph.edit()
    floats = [{name: np.asarray(sample[name], np.float32) for name in graph.inputs} for sample in chosen]
    integers = [{name: graph.type(name).qp.quantize(f[name], DType.INT8) for name in graph.inputs} for f in floats]
    real, stored = real_constants(float_graph), real_constants(graph)
    nodes = {node.name: node for node in float_graph.nodes}
    last = {name: node.name for node in graph.nodes for name in node.inputs if name is not None}
    for node in graph.nodes:
        twin = nodes[node.name]
        if node.name in layers:
            shift = _mean_error(graph, node, twin, floats, integers, real, stored)
            node = _shift_bias(editor, graph, node, rule_of(graph, node), shift)
        site = editor.site(node)
        for f, q in zip(floats, integers, strict=True):
            _store(f, twin.outputs, twin.op.run_float([_pick(n, f, real) for n in twin.inputs]))
            constants = [None if n is None else q[n] if n in q else editor.values[n].data for n in node.inputs]
            _store(q, node.outputs, node.op.run_int(site, constants))
            for held, used in ((f, twin.inputs), (q, node.inputs)):
                for name in set(used):
                    if name in held and last.get(str(name)) == node.name:
                        del held[str(name)]
    return editor.finish()


def _choose(graph: Graph, samples: Sequence[Mapping[str, Array]]) -> list[Mapping[str, Array]]:
    """As many samples, evenly spread, as are worth it and fit into memory."""
    widest = max((sum(graph.type(o).size for o in n.outputs) for n in graph.nodes), default=1)
    most = min(MOST_SAMPLES, max(LEAST_SAMPLES, MEMORY // (10 * widest)))
    if len(samples) <= most:
        return list(samples)
    return [samples[k] for k in np.linspace(0, len(samples) - 1, most).round().astype(int)]


def _pick(name: str | None, values: Mapping[str, Array], constants: Mapping[str, Array]) -> Array | None:
    return None if name is None else values[name] if name in values else constants[name]


def _store(values: dict[str, Array], names: Sequence[str], arrays: Sequence[Array]) -> None:
    values.update(zip(names, arrays, strict=True))


def _unclamped(op: Op) -> Op:
    return op if op.fused_clamp is None else op.with_clamp(NO_CLAMP)


def _mean_error(
    graph: Graph,
    node: Node,
    twin: Node,
    floats: Sequence[Mapping[str, Array]],
    integers: Sequence[Mapping[str, Array]],
    real: Mapping[str, Array],
    stored: Mapping[str, Array],
) -> npt.NDArray[np.float64]:
    """What the outputs of a layer lack on average, per channel, before the activation function."""
    op = _unclamped(node.op)
    total: npt.NDArray[np.float64] | None = None
    source = str(node.inputs[0])
    for f, q in zip(floats, integers, strict=True):
        (exact,) = op.run_float([_pick(n, f, real) for n in twin.inputs])
        x = stored[source] if source in stored else graph.type(source).qp.dequantize(q[source])
        (found,) = op.run_float([x, *(None if n is None else stored[n] for n in node.inputs[1:])])
        error = (exact.astype(np.float64) - found).reshape(-1, exact.shape[-1]).mean(axis=0)
        total = error if total is None else total + error
    assert total is not None
    return total / len(floats)


def _shift_bias(editor: GraphEditor, graph: Graph, node: Node, rule: QuantRule, shift: npt.NDArray[np.float64]) -> Node:
    """Add real values to a layer's bias. Returns the node with it."""
    assert rule.weight is not None and rule.bias is not None
    weight = graph.type(str(node.inputs[rule.weight])).qp
    scales = graph.type(str(node.inputs[0])).qp.s * np.asarray(weight.scale, np.float64)
    steps = np.rint(shift / scales)
    name = node.inputs[rule.bias] if rule.bias < len(node.inputs) else None
    if name is None:
        q = QParams.per_tensor(float(scales[0]), 0) if len(scales) == 1 else QParams.per_channel(scales, 0, 0)
        inputs = [*node.inputs, *[None] * (rule.bias + 1 - len(node.inputs))]
        inputs[rule.bias] = editor.constant(f"{node.name}_bias", steps.astype(np.int32), q)
    else:
        old = graph.values[name]
        data = (np.asarray(old.data, np.float64) + steps).astype(np.int32)
        inputs = list(node.inputs)
        if len(graph.consumers[name]) == 1:
            data.flags.writeable = False
            editor.values[name] = replace(old, data=data)
        else:
            inputs[rule.bias] = editor.constant(name, data, old.type.q)
    changed = replace(node, inputs=tuple(inputs))
    editor.replace_node(node.name, changed)
    return changed
