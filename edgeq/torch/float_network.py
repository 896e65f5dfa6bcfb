"""A float graph as a torch module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from edgeq.errors import InternalError
from edgeq.executor import batched_op
from edgeq.ir.graph import Graph, Node
from edgeq.ir.op import Op
from edgeq.torch.functions import LAYERS, Tensor, check_known, real

BIAS = 2
"""The operand of layers that may be absent."""


def operands_of(node: Node) -> tuple[str | None, ...]:
    """A node's operands, with one for the bias of a layer."""
    missing = BIAS + 1 - len(node.inputs) if node.op.kind in LAYERS else 0
    return (*node.inputs, *[None] * missing)


@dataclass(frozen=True)
class Batches:
    """The operators of a graph for several samples at once, concatenated along dimension 0."""

    graph: Graph

    def op(self, node: Node, count: int) -> Op:
        """The operator of a node for `count` samples."""
        shapes = [None if n is None else self.graph.type(n).shape for n in node.inputs]
        computed = [n is not None and self.graph.data(n) is None for n in node.inputs]
        op = batched_op(node.op, shapes, computed, tuple(self.graph.type(n).shape for n in node.outputs), count)
        if op is None:
            raise InternalError("an operator that mixes samples", where=node.name)
        return op

    def count(self, inputs: Mapping[str, Tensor]) -> int:
        """How many samples there are in inputs (samples, …)."""
        return len(next(iter(inputs.values())))

    def folded(self, inputs: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
        """Inputs (samples, batch, …) as (samples · batch, …)."""
        for name in self.graph.inputs:
            yield name, inputs[name].flatten(0, 1)


class FloatNetwork(torch.nn.Module):  # type: ignore[misc]
    """What a float graph computes, with its float constants as parameters.

    Raises:
        ModelError: an operator cannot be differentiated; all are named.
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        check_known(graph)
        self.graph = graph
        self._batches = Batches(graph)
        self._index = {name: str(k) for k, (name, value) in enumerate(graph.values.items()) if value.data is not None}
        constants = {self._index[name]: _parameter(graph, name) for name in self._index}
        self.constants = torch.nn.ParameterDict(constants)

    def values(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Every computed value by name, samples along dimension 0.

        Args:
            inputs: of each graph input, real values (samples, *shape of the graph's input).
        """
        count, held = self._batches.count(inputs), dict(self._batches.folded(inputs))
        for node in self.graph.nodes:
            operands = [
                None if n is None else held[n] if n in held else self.constants[self._index[n]]
                for n in operands_of(node)
            ]
            held.update(zip(node.outputs, real(self._batches.op(node, count), operands), strict=True))
        return held

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The outputs by name; `inputs` as for `values`."""
        held = self.values(inputs)
        return {name: held[name] for name in self.graph.outputs}


def _parameter(graph: Graph, name: str) -> Tensor:
    """A constant in real numbers; those of whole numbers are not learned."""
    value = graph.values[name]
    data = np.asarray(value.data)
    data = data if value.type.q is None else value.type.q.dequantize(data)
    return torch.nn.Parameter(torch.from_numpy(np.array(data)), requires_grad=bool(data.dtype.kind == "f"))
