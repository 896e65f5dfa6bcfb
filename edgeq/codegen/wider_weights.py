"""Narrow weights for which the target has no kernel of their own, but one for more bits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from edgeq.ir.graph import Graph
from edgeq.ir.site import Site
from edgeq.ir.tensor import DType
from edgeq.kernels.choice import Wanted

WIDER = (DType.INT4, DType.INT8)
"""Types that hold the integers of narrower ones, the least first."""


def _widened(site: Site, narrow: Sequence[int]) -> Iterator[Site]:
    """The site with its narrow weights in each of the wider types, as far as that holds them."""
    for dtype in WIDER:
        least, greatest = dtype.range
        inputs = list(site.inputs)
        for index in narrow:
            weights, type = site.const(index), site.input(index)
            if dtype.bits > type.dtype.bits and least <= weights.min() and weights.max() <= greatest:
                inputs[index] = replace(type, dtype=dtype)
        yield replace(site, inputs=tuple(inputs))


def with_wider_weights(graph: Graph, wanted: Wanted) -> Graph:
    """The graph with narrow weights as int4 or int8 ones, the same integers, where that spares a portable kernel.

    A portable kernel takes some ten times as long as one for the target's instructions. Where size is what matters
    weights stay narrow, unless no kernel takes their negative scales, and so do those that several layers read.
    """
    editor = graph.edit()
    for node in graph.nodes:
        site = graph.site(node)
        rule = node.op.quant_rule([None if t is None else t.shape for t in site.inputs])
        narrow = [
            index
            for index, name in enumerate(node.inputs)
            if name is not None
            and graph.data(name) is not None
            and graph.type(name).dtype.bits < 8
            and rule.scales_along(index) is not None
            and len(graph.consumers[name]) == 1
        ]
        packed = wanted.choose(site) if narrow else None
        if not narrow or (packed is not None and (packed.isa or wanted.goal_of(node.name) == "size")):
            continue
        lost = packed is None and site.has_negative_scales
        chosen = ((wider, wanted.choose(wider)) for wider in _widened(site, narrow))
        best = next((wider for wider, kernel in chosen if kernel is not None and (kernel.isa or lost)), None)
        if best is not None:
            for index in narrow:
                editor.set_type(str(node.inputs[index]), best.input(index))
    return editor.finish()
