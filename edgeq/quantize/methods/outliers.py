"""Channels far greater than the others of a tensor are computed apart, with a scale of their own.

One scale for a tensor follows its greatest channel. Where a function of single elements stands between two layers,
neither equalization nor smoothing nor rotation can even its channels out. A layer that reads such a tensor is a sum of
two: one over the few great channels and one over the rest (Dettmers et al., "LLM.int8()", 2022). Here what makes the
tensor is split as well, so that each part is computed once, in steps of its own, by operators that are there anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from glob import escape

import numpy as np
import numpy.typing as npt

from edgeq.ir.graph import Graph, GraphEditor, Node
from edgeq.ir.op import registry
from edgeq.ir.tensor import Array
from edgeq.ir.traits import NO_CLAMP, Pattern
from edgeq.quantize.calibrate import Wanted
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.operands import float_products, operand, rule_of
from edgeq.quantize.statistics import Statistics
from edgeq.quantize.step import Draft, Step
from edgeq.warnings import warn

WORTH = 2.0
"""How much smaller the range of the rest must be than that of all."""
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Place:
    """A layer whose input is to be split.

    Attributes:
        reader: the layer.
        chain: functions of single elements before it, the last one first.
        maker: the layer before these.
    """

    reader: Node
    chain: tuple[Node, ...]
    maker: Node


def places(graph: Graph, config: QuantConfig) -> Iterator[Place | tuple[Node, str]]:
    """Layers that may be split, and those of which the user wants it but that cannot, with why."""
    for node in graph.nodes:
        if config.for_layer(node.name).outliers == 0 or not rule_of(graph, node).products:
            continue
        if not _is_dense(graph, node):
            if config.layer(node.name) is not None:
                yield node, f"a {node.op.kind} like this is no sum over all channels with weights of its own"
            continue
        chain, at = list[Node](), graph.producers.get(str(node.inputs[0]))
        while at is not None and at.op.pattern is Pattern.ELEMENTWISE and len(at.inputs) == 1 and _alone(graph, at):
            chain.append(at)
            at = graph.producers.get(str(at.inputs[0]))
        if at is not None and _is_dense(graph, at) and _alone(graph, at):
            given = next((n.name for n in (at, *chain) if getattr(config.layer(n.name), "range", None)), None)
            yield Place(node, tuple(chain), at) if given is None else (node, f"the range of {given} is given")
        elif config.layer(node.name) is not None:
            what = "the model" if at is None else f"{at.name} ({at.op.kind})"
            yield node, f"its input comes from {what}, which is no layer that only it reads"


def _alone(graph: Graph, node: Node) -> bool:
    """Whether one node reads what a node computes, and nobody else."""
    name = node.outputs[0]
    return len(graph.consumers[name]) == 1 and name not in graph.outputs and graph.type(name).q is None


def _is_dense(graph: Graph, node: Node) -> bool:
    """Whether a node is a fully connected layer, or a convolution, with float constants, to be cut by channels."""
    products, linear = rule_of(graph, node).products, node.op.linear
    if linear is None or not linear.is_dense or len(products) != 1 or products != float_products(graph, node):
        return False
    shape = graph.type(str(node.inputs[1])).shape
    return products[0].input == 0 and linear.columns in (len(shape) - 1, -1) and linear.out_axis == 0


def great(statistics: Statistics, name: str, most: int) -> Indices:
    """The channels of a tensor without which its range is far smaller, at most so many; none: it is not worth it."""
    tensor = statistics.tensors[name]
    low, high = np.minimum(tensor.low, 0.0), np.maximum(tensor.high, 0.0)
    order = np.argsort(-np.maximum(-low, high), kind="stable")
    whole = float(high.max() - low.min())
    for count in range(1, min(most, len(order) - 1) + 1):
        rest = order[count:]
        if float(high[rest].max() - low[rest].min()) * WORTH <= whole:
            return np.sort(order[:count])
    return np.zeros(0, np.int64)


def _taken(editor: GraphEditor, name: str, some: Indices, axis: int) -> str:
    data = np.take(np.asarray(editor.values[name].data), some, axis)
    return editor.constant(name, data)


def _last(editor: GraphEditor) -> str:
    return next(reversed(editor.nodes))


def split(editor: GraphEditor, place: Place, some: Indices) -> dict[str, str]:
    """Compute some channels before a layer apart from the rest, and add up what it makes of both.

    Returns:
        The new nodes, by name, and whose parts they are.
    """
    reader, maker = place.reader, place.maker
    weights: Array = np.asarray(editor.values[str(reader.inputs[1])].data)
    rest = np.setdiff1d(np.arange(weights.shape[-1]), some)
    ends, clamp, parts = list[str](), reader.op.fused_clamp or NO_CLAMP, dict[str, str]()
    for label, part in (("rest", rest), ("great", some)):
        inputs = [maker.inputs[0], *(_taken(editor, str(n), part, 0) for n in maker.inputs[1:] if n is not None)]
        (x,) = editor.add(maker.op, inputs, f"{maker.name}_{label}")
        parts[_last(editor)] = maker.name
        for node in reversed(place.chain):
            (x,) = editor.add(node.op, [x], f"{node.name}_{label}")
            parts[_last(editor)] = node.name
        bias = operand(reader, 2) if label == "rest" else None
        read = [x, _taken(editor, str(reader.inputs[1]), part, -1), bias]
        ends += editor.add(reader.op.with_clamp(NO_CLAMP), read, f"{reader.name}_{label}")
        parts[_last(editor)] = reader.name
    for node in (reader, *place.chain, maker):
        del editor.nodes[node.name]
    total = registry()["Add"]()
    type = editor.values[reader.outputs[0]].type
    editor.add(total.with_clamp(clamp), ends, reader.name, outputs=reader.outputs, types=[type])
    return parts


def outliers(draft: Draft) -> Draft:
    """The same function, with great channels apart."""
    draft = draft.measured(Wanted(means=draft.mean_samples))
    assert draft.statistics is not None
    editor, config = draft.graph.edit(), draft.config
    gone, told, parts = set[str](), False, dict[str, str]()
    for place in places(draft.graph, config):
        if isinstance(place, tuple):
            node, why = place
            warn("no channels are computed apart: " + why, hint="leave `outliers` out for it", where=node.name)
            told = True
            continue
        some = great(draft.statistics, str(place.reader.inputs[0]), config.for_layer(place.reader.name).outliers)
        if len(some) and not gone.intersection((place.reader.name, place.maker.name)):
            parts |= split(editor, place, some)
            gone.update((place.reader.name, place.maker.name))
    if not parts:
        if not told:
            warn(
                "outliers found no channels to compute apart",
                hint="it is for channels far greater than others, between two layers that sum over all channels; give "
                "more of them, or leave it out",
                where=draft.graph.name,
            )
        return draft
    changed = editor.finish()
    return replace(draft, graph=changed, reference=changed, config=_of_parts(config, parts))


def _of_parts(config: QuantConfig, parts: dict[str, str]) -> QuantConfig:
    """A configuration in which what is said of a layer is said of its parts, too, except for its range."""
    said = {part: config.layer(whole) for part, whole in parts.items()}
    copies = (replace(e, pattern=escape(part), range=None) for part, e in said.items() if e is not None)
    return replace(config, layers=(*copies, *config.layers))


def _applies(draft: Draft) -> bool:
    wanted = draft.config.outliers or any(e.outliers for e in draft.config.layers)
    if wanted and draft.samples is None:
        warn(
            "outliers was left out: it looks for great channels on calibration samples",
            hint="give samples with --calibration",
            where=draft.graph.name,
        )
    return bool(wanted) and draft.samples is not None


STEP = Step("outliers", outliers, _applies)
