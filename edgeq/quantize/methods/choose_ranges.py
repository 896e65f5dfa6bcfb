"""Parameters of activations, from their calibration statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgeq.executor import FloatArithmetic
from edgeq.ir.graph import Graph
from edgeq.ir.op import Scale
from edgeq.ir.tensor import Array, DType, QParams
from edgeq.ir.traits import Monotone
from edgeq.quantize.calibrate import LEAST_SAMPLES, Wanted, not_finite
from edgeq.quantize.config import Activations
from edgeq.quantize.floors import floors
from edgeq.quantize.observers import OBSERVERS, Range, range_of
from edgeq.quantize.ranges import activation_params
from edgeq.quantize.solver import Group, requantized_twins, rule_of
from edgeq.quantize.statistics import Need, Statistics
from edgeq.quantize.step import Draft, Step

USUAL_COST = 10.0 ** (1 / 20)
"""The usual parameters are taken where their step is not larger than this times the least possible one: 1 dB."""

WORTHWHILE = 4.0
"""A range ends at a tensor's floor where that makes the step this much finer. What saturates is no longer what it is in
float, though nobody sees it: for less, a layer's error is not made to look bad."""


def choose_ranges(draft: Draft) -> Draft:
    """Give every activation parameters: the prescribed ones, or those that the observer of its group decides on.

    Raises:
        QuantizationError: an activation that needs a range becomes NaN or infinite.
    """
    twins = requantized_twins(draft.reference, draft.graph)
    needs: dict[str, Need] = {}
    for group in draft.groups:
        if group.given is None:
            for name in group.sources:
                needs[twins.get(name, name)] = OBSERVERS[group.config.observer][0]
    if needs:
        draft = draft.measured(Wanted(needs, draft.config.bins, means=draft.mean_samples))
    fills = _fills(draft.graph) if needs else {}
    known = {} if draft.statistics is None else draft.statistics.tensors
    lowest = floors(draft.graph, known, twins) if needs else {}
    parameters: dict[str, QParams] = {}
    for group in draft.groups:
        q = group.given
        if q is None:
            assert draft.statistics is not None
            seen = {n: _seen(draft, n, twins, fills[n]) for n in group.members if n in fills}
            low, high = _joint_range(draft, group, draft.statistics, twins, seen, lowest)
            q = activation_params(low, high, group.config.activations is Activations.SYMMETRIC)
        parameters.update(dict.fromkeys(group.members, q))
    return replace(draft, parameters=parameters)


def _fills(graph: Graph) -> dict[str, Range]:
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
    return np.zeros(graph.type(name).shape, np.float32) if graph.data(name) is None else constants.constant(name)


def _seen(draft: Draft, name: str, twins: Mapping[str, str], fill: Range) -> Range:
    """How far what is filled in can be seen by the readers of a tensor.

    Operators that only choose among elements, such as pools of maxima after a Pad, may never have chosen it on the
    samples. It then saturates like any other value beyond the range, and the choice stays the same.
    """
    graph, known = draft.graph, draft.statistics
    readers, low, high = graph.consumers[name], [], []
    if known is None or name in graph.outputs or not readers:
        return fill
    for node in readers:
        if node.op.monotone is not Monotone.RISING or rule_of(graph, node).output is not Scale.SAME:
            return fill
        for out in node.outputs:
            measured = known.tensors.get(twins.get(out, out))
            least, most = fill if measured is None else measured.range
            beyond = _seen(draft, out, twins, fill) if least <= fill[0] or most >= fill[1] else fill
            low.append(least if least > fill[0] else beyond[0])
            high.append(most if most < fill[1] else beyond[1])
    return min(low), max(high)


def _joint_range(
    draft: Draft,
    group: Group,
    statistics: Statistics,
    twins: Mapping[str, str],
    fills: Mapping[str, Range],
    lowest: Mapping[str, float],
) -> Range:
    graph, known, ranges = draft.reference, statistics.tensors, []
    enough = statistics.samples >= LEAST_SAMPLES
    for source in group.sources:
        name = twins.get(source, source)
        if name not in known:
            continue
        low, high = known[name].range
        if not np.isfinite((max(low, lowest.get(source, low)), high)).all():
            raise not_finite(graph, name)
        low, high = _with_usual(graph, name, range_of(known[name], group.config), enough)
        floor = min(lowest.get(source, low), high)
        ranges.append((floor if high - low > WORTHWHILE * (high - floor) else low, high))
    ranges += [fills[name] for name in group.members if name in fills]
    return min((low for low, _ in ranges), default=0.0), max((high for _, high in ranges), default=0.0)


def _with_usual(graph: Graph, name: str, shown: Range, enough: bool) -> Range:
    """The range of what an operator has usual parameters for: that of these, or of what samples show.

    The usual one holds whatever the operator may yield, so it is taken where there are not enough samples, too.
    """
    node = graph.producers.get(name)
    rule = None if node is None else rule_of(graph, node)
    if rule is None or rule.usual is None:
        return shown
    usual = tuple(rule.usual.s * (end - rule.usual.zp) for end in DType.INT8.range)
    low, high = (end * rule.headroom for end in shown)
    holds = usual[0] <= shown[0] + rule.usual.s and shown[1] - rule.usual.s <= usual[1]
    if holds and (not enough or usual[1] - usual[0] <= USUAL_COST * (high - low)):
        return usual[0], usual[1]
    return low, high


STEP = Step("choose_ranges", choose_ranges)
