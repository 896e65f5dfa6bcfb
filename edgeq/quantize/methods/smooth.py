"""Smoothing: channels of unequal range before layers that sum over them, as transformers have them.

Behind a layer normalization some channels of every token are much greater than the others, and the one scale of the
tensor follows them. A channel can be divided by any number if all layers that read the tensor multiply by it again in
their weights; what makes the tensor, a normalization's scale and bias or a layer's weights, takes the division (Xiao
et al., "SmoothQuant", 2023). How much of the inequality moves from activations into weights is an exponent, which is
chosen for each tensor by the noise that rounding both to 8 bits adds to the sums, expected from the ranges of channels,
as AWQ (Lin et al., 2024) chooses it by trying. Where nothing lessens it, nothing changes.

Equalization does the same between two layers; this is for what several layers read, and for normalizations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from edgeq.ir.graph import Graph, Node
from edgeq.ir.traits import NO_CLAMP, is_homogeneous
from edgeq.ops._normalize_last import NormalizeLast
from edgeq.quantize.calibrate import Wanted
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.operands import float_products, operand, rule_of
from edgeq.quantize.ranges import channel_rows
from edgeq.quantize.scaling import multiply_along
from edgeq.quantize.statistics import Floats, Statistics, TensorStatistics, fingerprint
from edgeq.quantize.step import Draft, Step

QUARTERS = (0, 1, 2, 3, 4)
"""Exponents that are tried, in quarters: 0 leaves activations their ranges and evens out weights, 4 the other way."""
MOST = 64.0
"""Greatest ratio of factors."""
WORTH = 0.9
"""Part of the noise below which smoothing must bring it."""


@dataclass(frozen=True)
class _Place:
    """A tensor whose channels may be divided.

    Attributes:
        name: the tensor.
        maker: the node that computes it.
        scaled: constants of the maker of which each channel is divided, with the axis of channels.
        readers: weights that its readers multiply it with, channels along the last dimension.
    """

    name: str
    maker: Node
    scaled: tuple[tuple[str, int], ...]
    readers: tuple[str, ...]


def places(graph: Graph, config: QuantConfig) -> Iterator[_Place]:
    """The tensors that can be smoothed."""
    for node in graph.nodes:
        name = node.outputs[0]
        readers = graph.consumers[name]
        wanted = config.for_layer(node.name).smooth and all(config.for_layer(r.name).smooth for r in readers)
        entry = config.layer(node.name)
        if not wanted or len(node.outputs) != 1 or name in graph.outputs or graph.type(name).q is not None:
            continue
        if (entry is not None and entry.range is not None) or not is_homogeneous(node.op.fused_clamp or NO_CLAMP):
            continue
        scaled = _scaled(graph, node)
        weights = [_weight(graph, reader, name) for reader in readers]
        if scaled and weights and None not in weights:
            yield _Place(name, node, scaled, tuple(dict.fromkeys(w for w in weights if w is not None)))


def _own(graph: Graph, name: str | None) -> bool:
    """Whether an operand is a float constant that one node reads, once."""
    if name is None or graph.data(name) is None or graph.type(name).q is not None or name in graph.outputs:
        return False
    return len(graph.consumers[name]) == 1 and graph.consumers[name][0].inputs.count(name) == 1


def _scaled(graph: Graph, node: Node) -> tuple[tuple[str, int], ...]:
    """The constants of a node that multiply each channel of its output; nothing: it cannot be scaled so."""
    channels = graph.type(node.outputs[0]).shape[-1:]
    rule = rule_of(graph, node)
    if isinstance(node.op, NormalizeLast):
        found = [n for n in (operand(node, k) for k in (1, 2)) if n is not None]
        fits = operand(node, 1) is not None and all(graph.type(n).shape == channels for n in found)
        return tuple((n, -1) for n in found) if fits and all(_own(graph, n) for n in found) else ()
    if len(rule.products) != 1 or rule.products != float_products(graph, node) or node.op.linear is None:
        return ()
    (product,) = rule.products
    if product.axis is None:
        return ()
    weight, bias = str(node.inputs[product.weight]), operand(node, product.bias)
    held = (weight, product.axis), *(() if bias is None else ((bias, 0),))
    return held if all(_own(graph, n) for n, _ in held) else ()


def _weight(graph: Graph, node: Node, name: str) -> str | None:
    """The weight with which a node multiplies all channels of a tensor; None if it does anything else with it."""
    rule = rule_of(graph, node)
    if len(rule.products) != 1 or rule.products != float_products(graph, node) or node.inputs.count(name) != 1:
        return None
    (product,) = rule.products
    weight, linear = str(node.inputs[product.weight]), node.op.linear
    if linear is None or not linear.is_dense or node.inputs[product.input] != name or not _own(graph, weight):
        return None
    shape = graph.type(weight).shape
    last = linear.in_axis in (len(shape) - 1, -1) and shape[-1] == graph.type(name).shape[-1]
    return weight if last else None


def factors_for(tensor: TensorStatistics, weights: list[Floats]) -> Floats | None:
    """What channels (C,) of a tensor are to be divided by; None: nothing lessens the noise enough.

    Args:
        tensor: its statistics.
        weights: (outputs, taps, C) of every layer that reads it.
    """
    least, most = np.minimum(tensor.low, 0.0), np.maximum(tensor.high, 0.0)
    size = np.maximum(-least, most)
    heavy = np.max([np.abs(w).max(axis=(0, 1)) for w in weights], axis=0)
    if not np.isfinite(size).all() or size.max(initial=0.0) == 0.0 or heavy.max(initial=0.0) == 0.0:
        return None
    size, heavy = (np.maximum(x, x.max() / MOST**2) for x in (size, heavy))
    plain = _noise(np.ones(len(size)), least, most, weights)
    best, noise = None, WORTH * plain
    for quarter in QUARTERS:
        factors = _power(size, quarter) / _power(heavy, 4 - quarter)
        factors = np.clip(factors, factors.max() / MOST, None)
        factors = factors / np.sqrt(factors.max() * factors.min())
        found = _noise(factors, least, most, weights)
        if found < noise:
            best, noise = factors, found
    return best


def _power(x: Floats, quarters: int) -> Floats:
    """x to the power of so many quarters. Square roots are rounded alike on every CPU, powers are not."""
    root = np.sqrt(np.sqrt(x))
    result = np.ones_like(x)
    for _ in range(quarters):
        result = result * root
    return result


def _noise(factors: Floats, least: Floats, most: Floats, weights: list[Floats]) -> float:
    """The mean square that rounding adds to sums, in arbitrary units: values of a channel are taken to be spread as a
    third of the square of its greatest one, weights to be rounded with a scale for each output."""
    step = (float((most / factors).max()) - float((least / factors).min())) / 255.0
    squares = np.square(np.maximum(-least, most) / factors) / 9.0
    total = 0.0
    for weight in weights:
        w = weight * factors
        steps = np.abs(w).max(axis=(1, 2)) / 127.0
        total += float(step * step * np.cumsum(np.square(w).ravel())[-1])
        total += float(np.cumsum(np.square(steps))[-1] * np.cumsum(squares)[-1] * w.shape[1])
    return total


def smooth(graph: Graph, statistics: Statistics, config: QuantConfig) -> tuple[Graph, Statistics]:
    """The same function of its inputs, with tensors smoothed, and its statistics.

    Args:
        graph: a float graph.
        statistics: of it.
        config: layers that are left out; both the one that makes a tensor and all that read it must take part.
    """
    editor = graph.edit()
    tensors, means = dict(statistics.tensors), dict(statistics.means)
    for place in places(graph, config):
        known = tensors.get(place.name)
        if known is None:
            continue
        weights = []
        for reader in graph.consumers[place.name]:
            (product,) = rule_of(graph, reader).products
            data = np.asarray(editor.values[str(reader.inputs[product.weight])].data, np.float64)
            rows = channel_rows(data, product.axis)
            weights.append(rows.reshape(len(rows), -1, data.shape[-1]))
        factors = factors_for(known, weights)
        if factors is None:
            continue
        for name, axis in place.scaled:
            multiply_along(editor, name, 1.0 / factors, axis)
        for name in place.readers:
            multiply_along(editor, name, factors, -1)
        tensors[place.name] = known.scaled(1.0 / factors)
        if place.maker.name in means:
            means[place.maker.name] = {k: mean / factors for k, mean in means[place.maker.name].items()}
    changed = editor.finish()
    return changed, replace(statistics, graph=fingerprint(changed), tensors=tensors, means=means)


def _applies(draft: Draft) -> bool:
    return draft.measurable and any(True for _ in places(draft.graph, draft.config))


def _apply(draft: Draft) -> Draft:
    draft = draft.measured(Wanted(means=draft.mean_samples))
    assert draft.statistics is not None
    return draft.rescaled(*smooth(draft.graph, draft.statistics, draft.config))


STEP = Step("smooth", _apply, _applies)
