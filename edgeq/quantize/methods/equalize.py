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
from edgeq.ir.quant_rule import Product
from edgeq.ir.traits import NO_CLAMP, is_homogeneous
from edgeq.quantize.calibrate import Wanted
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.operands import float_products, operand, rule_of
from edgeq.quantize.scaling import multiply_along
from edgeq.quantize.statistics import Statistics, fingerprint
from edgeq.quantize.step import Draft, Step

Floats = npt.NDArray[np.float64]
MOST = 64.0
"""Greatest ratio of ranges that is evened out; a channel below 1/64 of the greatest hardly matters."""
EXPONENT = 0.75
"""Exponent of a channel's ratio, where the next layer keeps channels apart. Where it sums over them, the inequality
moves into its weights, which share a scale per output: only the square root goes there."""


@dataclass(frozen=True)
class _Pair:
    """Two layers between which channels can be scaled.

    Attributes:
        first, second: the layers.
        between: the first layer's output, and all that is computed from it up to the second layer's input.
        separate: whether the second keeps channels apart (depthwise).
    """

    first: Node
    second: Node
    between: tuple[str, ...]
    separate: bool


def equalize(graph: Graph, statistics: Statistics, config: QuantConfig) -> tuple[Graph, Statistics]:
    """The same function of its inputs, with ranges of channels evened out between layers.

    Args:
        graph: an optimized float graph; tensors that carry quantization parameters already are left alone.
        statistics: of the graph.
        config: layers that are left out, and those whose range is given, which are left alone.

    Returns:
        The graph, and its statistics: channels that were multiplied have the ranges that were measured, multiplied.
    """
    editor = graph.edit()
    tensors, means = dict(statistics.tensors), dict(statistics.means)
    for pair in pairs(graph, config):
        factors = _factors(pair, statistics)
        if factors is None:
            continue
        _scale(editor, graph, pair, factors)
        for name in pair.between:
            if name in tensors:
                tensors[name] = tensors[name].scaled(factors)
        if pair.first.name in means:
            means[pair.first.name] = {index: mean * factors for index, mean in means[pair.first.name].items()}
    changed = editor.finish()
    return changed, replace(statistics, graph=fingerprint(changed), tensors=tensors, means=means)


def pairs(graph: Graph, config: QuantConfig) -> list[_Pair]:
    """The pairs of layers between which channels can be scaled."""
    candidates = (_pair(graph, node, config) for node in graph.nodes)
    return [pair for pair in candidates if pair is not None]


def _pair(graph: Graph, node: Node, config: QuantConfig) -> _Pair | None:
    if _scalable(graph, node, config) is None or not is_homogeneous(node.op.fused_clamp or NO_CLAMP):
        return None
    between = [node.outputs[0]]
    channels = graph.type(between[0]).shape[-1]
    while (end := between[-1]) not in graph.outputs and len(graph.consumers[end]) == 1 and graph.type(end).q is None:
        reader = graph.consumers[end][0]
        if rule_of(graph, reader).products:
            product = _scalable(graph, reader, config)
            if product is None or reader.inputs[product.input] != end:
                return None
            shape = graph.type(str(reader.inputs[product.weight])).shape
            separate = product.axis == len(shape) - 1
            fits = shape[-1] % channels == 0 if separate else shape[-1] == channels
            return _Pair(node, reader, tuple(between), separate) if fits else None
        if not _keeps_channels(graph, reader, config):
            return None
        between.append(reader.outputs[0])
    return None


def _scalable(graph: Graph, node: Node, config: QuantConfig) -> Product | None:
    """The only product of a node, if its weight and bias are float constants that nothing else reads.

    None, too, where the range is prescribed, or the layer is left out.
    """
    entry, rule = config.layer(node.name), rule_of(graph, node)
    if not config.for_layer(node.name).equalize or (entry is not None and entry.range is not None):
        return None
    if len(rule.products) != 1 or rule.products != float_products(graph, node):
        return None
    (product,) = rule.products
    constants = [n for n in (operand(node, product.weight), operand(node, product.bias)) if n is not None]
    own = all(len(graph.consumers[n]) == 1 for n in constants)
    return product if own and product.bias is not None and product.axis is not None else None


def _keeps_channels(graph: Graph, node: Node, config: QuantConfig) -> bool:
    """Whether a node commutes with scaling the channels of its one input by positive numbers."""
    entry = config.layer(node.name)
    if len(node.inputs) != 1 or len(node.outputs) != 1 or (entry is not None and entry.range is not None):
        return False
    ties = node.op.tied_channels(graph.site(node)) if node.op.homogeneous else None
    return ties is not None and all(np.array_equal(tie.pairs[:, 0], tie.pairs[:, 1]) for tie in ties)


def _factors(pair: _Pair, statistics: Statistics) -> Floats | None:
    """The factor of every channel of the first layer's output; None if nothing is known or to be done."""
    measured = statistics.tensors.get(pair.between[0])
    if measured is None:
        return None
    ranges = np.maximum(np.abs(measured.low), np.abs(measured.high))
    top = float(ranges.max(initial=0.0))
    if top == 0.0 or not np.isfinite(top):
        return None
    ratio = np.where(ranges > 0.0, top / np.maximum(ranges, top / MOST), 1.0)
    # Square roots are rounded alike on every CPU, powers are not.
    root = np.sqrt(ratio)
    return root * np.sqrt(root) if pair.separate else root


def _scale(editor: GraphEditor, graph: Graph, pair: _Pair, factors: Floats) -> None:
    (first,), (second,) = rule_of(graph, pair.first).products, rule_of(graph, pair.second).products
    assert first.axis is not None
    multiply_along(editor, str(pair.first.inputs[first.weight]), factors, first.axis)
    bias = operand(pair.first, first.bias)
    if bias is not None:
        multiply_along(editor, bias, factors, 0)
    weight = str(pair.second.inputs[second.weight])
    last = graph.type(weight).shape[-1]
    multiply_along(editor, weight, np.repeat(1.0 / factors, last // len(factors)), -1)


def _applies(draft: Draft) -> bool:
    return draft.measurable and bool(pairs(draft.graph, draft.config))


def _apply(draft: Draft) -> Draft:
    draft = draft.measured(Wanted(means=draft.mean_samples))
    assert draft.statistics is not None
    return draft.rescaled(*equalize(draft.graph, draft.statistics, draft.config))


STEP = Step("equalize", _apply, _applies)
