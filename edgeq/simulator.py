"""Executing a graph in NumPy: in float, and in the integer arithmetic that is normative for the generated code.

Nothing here knows an operator: each brings its own reference, and `edgeq.executor` hands values from one to the next.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from edgeq.errors import UsageError
from edgeq.executor import Arithmetic, Executor, FloatArithmetic, IntArithmetic, Values, batch_size
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array, DType


def _check_names(graph: Graph, inputs: Mapping[str, Array]) -> None:
    missing = [name for name in graph.inputs if name not in inputs]
    unknown = [name for name in inputs if name not in graph.inputs]
    if missing or unknown:
        wrong = [f"{n!r} is missing" for n in missing] + [f"{n!r} is no input" for n in unknown]
        raise UsageError(
            f"the inputs do not fit the model: {', '.join(wrong)}",
            hint=f"the model's inputs are {', '.join(repr(n) for n in graph.inputs)}",
            where=graph.name,
        )


def _check_shape(graph: Graph, name: str, array: Array) -> None:
    if array.shape != graph.type(name).shape:
        raise UsageError(
            f"input {name!r} has shape {array.shape}",
            hint=f"give one sample of shape {graph.type(name).shape}",
            where=graph.name,
        )


class _Samples(ABC):
    """Runs a graph on samples that it has checked."""

    def __init__(self, graph: Graph, arithmetic: Arithmetic) -> None:
        self.graph = graph
        self._executor = Executor(graph, arithmetic)
        self.batch = batch_size(graph)

    def run(self, inputs: Mapping[str, Array]) -> Values:
        """Every computed value of one sample, by name; the graph's inputs are among them.

        Args:
            inputs: of each graph input an array of its shape.

        Raises:
            UsageError: an input is missing, unknown, of another shape or of a type that does not fit.
        """
        return self._executor.run(self._checked(inputs))

    def outputs(self, samples: Sequence[Mapping[str, Array]]) -> list[Values]:
        """The outputs of each of several samples of a graph without states, computed together: the same bits.

        Args:
            samples: of each what `run` takes.

        Raises:
            UsageError: as `run`.
        """
        checked = [self._checked(sample) for sample in samples]
        stacked = {name: np.stack([sample[name] for sample in checked]) for name in self.graph.inputs}
        found = self._executor.outputs(stacked, len(samples))
        return [{name: array[k] for name, array in found.items()} for k in range(len(samples))]

    def _checked(self, inputs: Mapping[str, Array]) -> Values:
        _check_names(self.graph, inputs)
        arrays: Values = {}
        for name in self.graph.inputs:
            array = np.asarray(inputs[name])
            _check_shape(self.graph, name, array)
            arrays[name] = self._typed(name, array)
        return arrays

    @abstractmethod
    def _typed(self, name: str, array: Array) -> Array:
        """An input in the element type in which it is computed with."""


class FloatExecutor(_Samples):
    """Runs a graph in float32: constants are dequantized once, quantization parameters of activations are ignored.

    Inputs are real values, of any numeric type; values float32.
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph, FloatArithmetic(graph))

    def _typed(self, name: str, array: Array) -> Array:
        if array.dtype.kind not in "fiub":
            raise UsageError(
                f"input {name!r} holds {array.dtype}",
                hint="give real numbers",
                where=self.graph.name,
            )
        return array.astype(self.graph.type(name).dtype.numpy)


class IntExecutor(_Samples):
    """Runs an integer graph exactly as the generated code does; inputs and values have the element types of the graph.

    Raises:
        InternalError: the graph is not quantized.
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph, IntArithmetic(graph))

    def _typed(self, name: str, array: Array) -> Array:
        expected: DType = self.graph.type(name).dtype
        if array.dtype != expected.numpy:
            raise UsageError(
                f"input {name!r} holds {array.dtype}",
                hint=f"give {expected.value}, quantized as the model's input is",
                where=self.graph.name,
            )
        return array


_float_executor = lru_cache(maxsize=4)(FloatExecutor)
_int_executor = lru_cache(maxsize=4)(IntExecutor)


def run_float(graph: Graph, inputs: Mapping[str, Array]) -> Values:
    """`FloatExecutor(graph).run(inputs)`, the executor kept for further calls with the same graph."""
    return _float_executor(graph).run(inputs)


def run_int(graph: Graph, inputs: Mapping[str, Array]) -> Values:
    """`IntExecutor(graph).run(inputs)`, the executor kept for further calls with the same graph."""
    return _int_executor(graph).run(inputs)
