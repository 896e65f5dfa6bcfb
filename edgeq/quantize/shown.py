"""What samples show of activations: the ranges that their parameters should hold."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.executor import FloatArithmetic
from edgeq.ir.graph import Graph, Node
from edgeq.ir.quant_rule import Scale
from edgeq.ir.tensor import Array, DType
from edgeq.ir.traits import Monotone
from edgeq.quantize.calibrate import LEAST_SAMPLES, not_finite
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.floors import floors
from edgeq.quantize.observers import range_of
from edgeq.quantize.operands import rule_of
from edgeq.quantize.ranges import Range
from edgeq.quantize.solver import Ranges, free_sources
from edgeq.quantize.statistics import Statistics

USUAL_COST = 10.0 ** (1 / 20)
"""The usual parameters are taken where their step is not larger than this times the least possible one: 1 dB."""
WORTHWHILE = 4.0
"""A range ends at a tensor's floor where that makes the step this much finer. What saturates is no longer what it is in
float, though nobody sees it: for less, a layer's error is not made to look bad."""


def source_range(graph: Graph, known: Statistics, name: str, config: QuantConfig, floor: float | None = None) -> Range:
    """The range of an activation by itself, as its observer decides, which clips only what lies inside the model.

    A function with bounds has no outliers to clip, and the greatest score of an output is the one that counts.

    Args:
        graph: the graph that was measured.
        known: its statistics.
        name: the activation.
        config: its configuration.
        floor: below what nothing is seen of it (`floors`); None: all is seen.

    Raises:
        QuantizationError: it becomes NaN or infinite.
    """
    low, high = known.tensors[name].range
    if not np.isfinite((low if floor is None else max(low, floor), high)).all():
        raise not_finite(graph, name)
    clips = not (is_bounded(graph, name) or leaves(graph, name))
    shown = range_of(known.tensors[name], config) if clips else known.tensors[name].range
    low, high = with_usual(graph, name, shown, known.samples >= LEAST_SAMPLES, config.activation_bits == 16)
    end = low if floor is None else min(floor, high)
    return (end if high - low > WORTHWHILE * (high - end) else low), high


def is_bounded(graph: Graph, name: str) -> bool:
    """Whether an activation is that of a function with bounds, such as a softmax."""
    node = graph.producers.get(name)
    return node is not None and rule_of(graph, node).usual is not None


def leaves(graph: Graph, name: str) -> bool:
    """Whether elements of an activation are outputs of the model, at once or through operators that keep its scale."""
    if name in graph.outputs:
        return True
    same = [node for node in graph.consumers[name] if rule_of(graph, node).output is Scale.SAME]
    return any(leaves(graph, out) for node in same for out in node.outputs)


def ranges_of(graph: Graph, known: Statistics, config: QuantConfig) -> Ranges:
    """What every activation of a float graph, in which nothing was added for quantization, asks of its parameters.

    Raises:
        QuantizationError: one that needs a range becomes NaN or infinite.
    """
    lowest = floors(graph, known.tensors, {})
    sources = [(name, layer) for name, layer in free_sources(graph, config) if name in known.tensors]
    own = {name: source_range(graph, known, name, layer, lowest.get(name)) for name, layer in sources}
    _check_shared(graph, known, lowest)
    own.update((name, seen(graph, known, {}, name, fill)) for name, fill in fills_of(graph).items() if name not in own)
    return Ranges(own, {name: tensor.range for name, tensor in known.tensors.items()})


def _check_shared(graph: Graph, known: Statistics, lowest: Mapping[str, float]) -> None:
    """Make sure that what shares the parameters of a finite source shows nothing infinite: no integer stands for it.

    A pad with minus infinity is fine where only operators read it that choose among elements, such as pools of maxima;
    what they yield is looked at itself.

    Raises:
        QuantizationError: such a tensor is an output, or something computes with it.
    """
    for name, tensor in known.tensors.items():
        low, high = tensor.range
        finite = np.isfinite((max(low, lowest.get(name, -np.inf)), high)).all()
        if not finite and _scale_of(graph, name) is Scale.SAME and _computed_with(graph, name):
            raise not_finite(graph, name)


def _scale_of(graph: Graph, name: str) -> Scale | None:
    """How the operator that computes a tensor gives it its scale; None for an input."""
    node = graph.producers.get(name)
    return None if node is None else rule_of(graph, node).output


def _computed_with(graph: Graph, name: str) -> bool:
    def chooses(node: Node) -> bool:
        return node.op.monotone is Monotone.RISING and rule_of(graph, node).output is Scale.SAME

    return name in graph.outputs or not all(chooses(node) for node in graph.consumers[name])


def fills_of(graph: Graph) -> dict[str, Range]:
    """Ranges of what operators that keep their input's scale add to it (a pad's value, a concatenated constant)."""
    constants, fills = FloatArithmetic(graph), {}
    for node in graph.nodes:
        if rule_of(graph, node).output is not Scale.SAME:
            continue
        zeros = [None if i is None else _constant_or_zero(graph, constants, i) for i in node.inputs]
        for name, array in zip(node.outputs, node.op.run_float(zeros), strict=True):
            finite = array[np.isfinite(array)]
            fills[name] = float(finite.min(initial=0.0)), float(finite.max(initial=0.0))
    return fills


def _constant_or_zero(graph: Graph, constants: FloatArithmetic, name: str) -> Array:
    return (
        np.zeros(graph.type(name).shape, graph.type(name).dtype.numpy)
        if graph.data(name) is None
        else constants.constant(name)
    )


def seen(graph: Graph, known: Statistics, twins: Mapping[str, str], name: str, fill: Range) -> Range:
    """How far what is filled in can be seen by the readers of a tensor.

    Operators that only choose among elements, such as pools of maxima after a Pad, may never have chosen it on the
    samples. It then saturates like any other value beyond the range, and the choice stays the same.
    """
    readers, low, high = graph.consumers[name], [], []
    if name in graph.outputs or not readers:
        return fill
    for node in readers:
        if node.op.monotone is not Monotone.RISING or rule_of(graph, node).output is not Scale.SAME:
            return fill
        for out in node.outputs:
            measured = known.tensors.get(twins.get(out, out))
            least, most = fill if measured is None else measured.range
            beyond = seen(graph, known, twins, out, fill) if least <= fill[0] or most >= fill[1] else fill
            low.append(least if least > fill[0] else beyond[0])
            high.append(most if most < fill[1] else beyond[1])
    return min(low), max(high)


def with_usual(graph: Graph, name: str, shown: Range, enough: bool, wide: bool = False) -> Range:
    """The range of what an operator has usual parameters for: that of these, or of what samples show.

    The usual one holds whatever the operator may yield, so it is taken where there are not enough samples, too. With 16
    bits it reaches one step of 8 bits further, to its end.
    """
    node = graph.producers.get(name)
    rule = None if node is None else rule_of(graph, node)
    if rule is None or rule.usual is None:
        return shown
    least, most = DType.INT8.range
    usual = tuple(rule.usual.s * (end - rule.usual.zp) for end in (least, most + wide))
    low, high = (end * rule.headroom for end in shown)
    holds = usual[0] <= shown[0] + rule.usual.s and shown[1] - rule.usual.s <= usual[1]
    if holds and (not enough or usual[1] - usual[0] <= USUAL_COST * (high - low)):
        return usual[0], usual[1]
    return low, high
