"""Activations of the float model, beside those of the integer one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from edgeq.executor import Executor, FloatArithmetic
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array


class FloatValues:
    """Activations of the float model, computed as far as they are asked for.

    Args:
        graph: the model.
        inputs: samples of its inputs.
        uses: how often each activation will be taken.
    """

    def __init__(self, graph: Graph, inputs: Mapping[str, Array], uses: Counter[str]) -> None:
        self._walk: Iterator[tuple[str, Array]] = Executor(graph, FloatArithmetic(graph)).walk(inputs)
        self._uses, self._held = uses, dict[str, Array]()

    def take(self, name: str) -> Array:
        """The values (samples, …) of an activation."""
        while name not in self._held:
            found, array = next(self._walk)
            if found in self._uses:
                self._held[found] = array
        self._uses[name] -= 1
        return self._held[name] if self._uses[name] else self._held.pop(name)
