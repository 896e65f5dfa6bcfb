"""Narrow weights for which the target has no kernel of its own, but one for bytes."""

from __future__ import annotations

from dataclasses import replace

from edgeq.ir.graph import Graph
from edgeq.ir.op import Weight
from edgeq.ir.tensor import DType
from edgeq.kernels.choice import Wanted


def with_byte_weights(graph: Graph, wanted: Wanted) -> Graph:
    """The graph with narrow weights as int8 ones, the same integers, where that spares a portable kernel.

    A portable kernel takes some ten times as long as one for the target's instructions. Where size is what matters
    weights stay narrow, and so do those that several layers read.
    """
    if wanted.goal == "size":
        return graph
    editor = graph.edit()
    for node in graph.nodes:
        site = graph.site(node)
        rule = node.op.quant_rule([None if t is None else t.shape for t in site.inputs])
        for index, name in enumerate(node.inputs):
            narrow = name is not None and graph.data(name) is not None and graph.type(name).dtype.bits < 8
            if not narrow or not isinstance(rule.role(index), Weight) or len(graph.consumers[str(name)]) > 1:
                continue
            type = replace(graph.type(str(name)), dtype=DType.INT8)
            inputs = tuple(type if k == index else t for k, t in enumerate(site.inputs))
            packed, bytewise = wanted.choose(site), wanted.choose(replace(site, inputs=inputs))
            if bytewise is not None and bytewise.isa and (packed is None or not packed.isa):
                editor.set_type(str(name), type)
    return editor.finish()
