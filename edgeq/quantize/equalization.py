"""Equalization: channels of a tensor that share one scale should use it alike.

A layer's output channel can be multiplied by any positive number if the next layer divides by it again and what lies
between is positively homogeneous, as ReLU and pools are. With one scale per output channel of the weights, the first
layer's weights lose nothing by it, and channels with a small range gain precision (after Nagel et al., "Data-Free
Quantization Through Weight Equalization and Bias Correction", 2019; here with ranges from calibration data).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from edgeq.ir.graph import Graph, GraphEditor, Node
from edgeq.ir.tensor import Array, DType
from edgeq.ir.traits import NO_CLAMP, is_homogeneous
from edgeq.quantize.calibrate import Samples, real_constants, walk
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.solver import rule_of

Floats = npt.NDArray[np.float64]
MOST = 64.0
"""Greatest ratio of ranges that is evened out; below 1/64 of the greatest, a channel hardly counts."""
EXPONENT = 0.75
MIXING_EXPONENT = 0.5
"""Where the next layer sums over channels, their inequality moves into its weights, which share a scale per output:
only its square root goes there."""


@dataclass(frozen=True)
class _Pair:
    """Two layers between which channels can be scaled.

    Attributes:
        first, second: the layers.
        tensor: what the first computes.
        separate: whether the second keeps channels apart (depthwise).
    """

    first: Node
    second: Node
    tensor: str
    separate: bool


def equalize(graph: Graph, samples: Samples | None, config: QuantConfig | None = None) -> Graph:
    """The same function of its inputs, with ranges of channels evened out between layers.

    Args:
        graph: an optimized float graph; what carries quantization parameters already is left alone.
        samples: real values of every graph input; None changes nothing.
        config: `equalize`, and layers whose range is given, which are left alone.
    """
    config = config or QuantConfig()
    pairs = [pair for node in graph.nodes if (pair := _pair(graph, node, config)) is not None]
    if samples is None or not config.equalize or not pairs:
        return graph
    greatest: dict[str, Floats] = {}
    watched = {pair.tensor for pair in pairs}
    constants = real_constants(graph)
    for sample in samples:
        for name, array in walk(graph, constants, sample):
            if name in watched:
                found = np.abs(array.reshape(-1, array.shape[-1])).max(axis=0).astype(np.float64)
                greatest[name] = np.maximum(greatest[name], found) if name in greatest else found
    editor = graph.edit()
    for pair in pairs:
        if pair.tensor in greatest and np.isfinite(greatest[pair.tensor]).all():
            _scale(editor, graph, pair, greatest[pair.tensor])
    return editor.finish()


def _pair(graph: Graph, node: Node, config: QuantConfig) -> _Pair | None:
    rule, tensor = rule_of(graph, node), node.outputs[0]
    if rule.weight is None or not _scalable(graph, node, config) or not is_homogeneous(node.op.fused_clamp or NO_CLAMP):
        return None
    channels, end = graph.type(tensor).shape[-1], tensor
    while end not in graph.outputs and len(graph.consumers[end]) == 1 and graph.type(end).q is None:
        reader = graph.consumers[end][0]
        if rule_of(graph, reader).weight is not None:
            shape = graph.type(str(reader.inputs[rule_of(graph, reader).weight or 0])).shape
            separate = rule_of(graph, reader).weight_axis == len(shape) - 1
            fits = shape[-1] % channels == 0 if separate else shape[-1] == channels
            if reader.inputs[0] == end and fits and _scalable(graph, reader, config):
                return _Pair(node, reader, tensor, separate)
            return None
        if not _keeps_channels(graph, reader, config):
            return None
        end = reader.outputs[0]
    return None


def _scalable(graph: Graph, node: Node, config: QuantConfig) -> bool:
    """Whether weights and bias are float constants that nothing else reads, and the range is not prescribed."""
    rule, entry = rule_of(graph, node), config.layer(node.name)
    assert rule.weight is not None
    names = [n for n in (node.inputs[rule.weight], *node.inputs[rule.bias or 0 :][:1]) if n is not None]
    return (
        rule.bias is not None
        and rule.weight_axis is not None
        and (entry is None or entry.range is None)
        and all(
            graph.data(n) is not None and graph.type(n).dtype is DType.FLOAT32 and len(graph.consumers[n]) == 1
            for n in names
        )
    )


def _keeps_channels(graph: Graph, node: Node, config: QuantConfig) -> bool:
    """Whether a node commutes with scaling the channels of its one input by positive numbers."""
    entry = config.layer(node.name)
    if len(node.inputs) != 1 or len(node.outputs) != 1 or (entry is not None and entry.range is not None):
        return False
    ties = node.op.tied_channels(graph.site(node)) if node.op.homogeneous else None
    return ties is not None and all(np.array_equal(tie.pairs[:, 0], tie.pairs[:, 1]) for tie in ties)


def _scale(editor: GraphEditor, graph: Graph, pair: _Pair, ranges: Floats) -> None:
    top = float(ranges.max(initial=0.0))
    if top == 0.0:
        return
    ratio = np.where(ranges > 0.0, top / np.maximum(ranges, top / MOST), 1.0)
    factors = ratio ** (EXPONENT if pair.separate else MIXING_EXPONENT)
    rule = rule_of(graph, pair.first)
    assert rule.weight is not None and rule.bias is not None and rule.weight_axis is not None
    _multiply(editor, str(pair.first.inputs[rule.weight]), factors, rule.weight_axis)
    if rule.bias < len(pair.first.inputs) and pair.first.inputs[rule.bias] is not None:
        _multiply(editor, str(pair.first.inputs[rule.bias]), factors, 0)
    weight = str(pair.second.inputs[rule_of(graph, pair.second).weight or 0])
    last = graph.type(weight).shape[-1]
    _multiply(editor, weight, np.repeat(1.0 / factors, last // len(factors)), -1)


def _multiply(editor: GraphEditor, name: str, factors: Floats, axis: int) -> None:
    value = editor.values[name]
    data: Array = np.asarray(value.data, np.float64)
    shape = [1] * data.ndim
    shape[axis] = -1
    scaled = (data * factors.reshape(shape)).astype(np.float32)
    scaled.flags.writeable = False
    editor.values[name] = replace(value, data=scaled)
