"""The parameters of activations as they are learned: one scale for all that share theirs, zero-points as they are."""

from __future__ import annotations

from itertools import pairwise

import torch

from edgeq.ir.graph import Graph
from edgeq.ir.quant_rule import Scale
from edgeq.quantize.operands import rule_of
from edgeq.torch.functions import Tensor
from edgeq.torch.rounding import as_float32


class Scales(torch.nn.Module):  # type: ignore[misc]
    """The scales of a quantized graph's activations, as logarithms of how they change.

    Those of inputs and of values that share theirs with a constant are fixed.
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self._group = _groups(graph)
        roots = sorted(set(self._group.values()))
        place = {root: k for k, root in enumerate(roots)}
        self._place = {name: place[root] for name, root in self._group.items()}
        fixed = {self._group[name] for name in _fixed(graph)}
        first = torch.tensor([graph.type(root).qp.s for root in roots], dtype=torch.float32)
        self.logarithms = torch.nn.Parameter(torch.zeros(len(roots)))
        self.register_buffer("_first", first)
        self.register_buffer("_open", torch.tensor([0.0 if root in fixed else 1.0 for root in roots]))

    def forward(self) -> Tensor:
        """All scales; `at` says which is whose."""
        return as_float32(self._first * (self.logarithms * self._open).exp())

    def at(self, name: str) -> int:
        """The place of a value's scale."""
        return self._place[name]


def _computed(graph: Graph) -> list[str]:
    return [*graph.inputs, *(out for node in graph.nodes for out in node.outputs)]


def _groups(graph: Graph) -> dict[str, str]:
    """For every computed value one of those that share its scale."""
    parent = {name: name for name in _computed(graph)}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    for node in graph.nodes:
        rule = rule_of(graph, node)
        together: list[str] = []
        if rule.output is not Scale.FREE:
            together = [*(n for n in node.inputs if n is not None and n in parent), *node.outputs]
        pairs = [
            *pairwise(together),
            *((node.outputs[a], node.outputs[b]) for a, b in rule.alike),
        ]
        for a, b in pairs:
            if graph.type(a).qp.s == graph.type(b).qp.s:
                parent[root(a)] = root(b)
    return {name: root(name) for name in parent}


def _fixed(graph: Graph) -> set[str]:
    """Values whose scales are not learned."""
    fixed = set(graph.inputs)
    for node in graph.nodes:
        constants = [n for n in node.inputs if n is not None and graph.data(n) is not None]
        if rule_of(graph, node).output is not Scale.FREE and any(graph.type(n).q is not None for n in constants):
            fixed.update(node.outputs)
        if node.op.kind == "Requantize" and {*node.inputs, *node.outputs} & set(graph.ports):
            fixed.update((*(n for n in node.inputs if n is not None), *node.outputs))
    return fixed
