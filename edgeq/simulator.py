"""Executing a graph in NumPy: in float, and in the integer arithmetic that is normative for the generated code.

Nothing here knows an operator: each brings its own reference, and `edgeq.executor` hands values from one to the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from edgeq.errors import UsageError
from edgeq.executor import Executor, FloatArithmetic, IntArithmetic, Values, batch_size
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


class FloatExecutor:
    """Runs a graph in float32: constants are dequantized once, quantization parameters of activations are ignored."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._executor = Executor(graph, FloatArithmetic(graph))
        self.batch = batch_size(graph)

    def run(self, inputs: Mapping[str, Array]) -> Values:
        """Every computed value of one sample, float32, by name; the graph's inputs are among them.

        Args:
            inputs: real values of each graph input, in its shape; any numeric type, taken as real or whole numbers.

        Raises:
            UsageError: an input is missing, unknown, of another shape or not numeric.
        """
        return self._executor.run(self._checked(inputs))

    def outputs(self, samples: Sequence[Mapping[str, Array]]) -> list[Values]:
        """The outputs of each of several samples of a graph without states, computed together: the same bits.

        Args:
            samples: of each what `run` takes.

        Raises:
            UsageError: as `run`.
        """
        return _together(self._executor, [self._checked(sample) for sample in samples])

    def _checked(self, inputs: Mapping[str, Array]) -> Values:
        _check_names(self.graph, inputs)
        arrays: Values = {}
        for name in self.graph.inputs:
            array = np.asarray(inputs[name])
            _check_shape(self.graph, name, array)
            if array.dtype.kind not in "fiub":
                raise UsageError(
                    f"input {name!r} holds {array.dtype}",
                    hint="give real numbers",
                    where=self.graph.name,
                )
            arrays[name] = array.astype(self.graph.type(name).dtype.numpy)
        return arrays


class IntExecutor:
    """Runs an integer graph exactly as the generated code does.

    Raises:
        InternalError: the graph is not quantized.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._executor = Executor(graph, IntArithmetic(graph))
        self.batch = batch_size(graph)

    def run(self, inputs: Mapping[str, Array]) -> Values:
        """Every computed value of one sample, in the element type of its tensor; the graph's inputs are among them.

        Args:
            inputs: each graph input in its shape and element type.

        Raises:
            UsageError: an input is missing, unknown, or of another shape or element type.
        """
        return self._executor.run(self._checked(inputs))

    def outputs(self, samples: Sequence[Mapping[str, Array]]) -> list[Values]:
        """The outputs of each of several samples of a graph without states, computed together: the same bits.

        Args:
            samples: of each what `run` takes.

        Raises:
            UsageError: as `run`.
        """
        return _together(self._executor, [self._checked(sample) for sample in samples])

    def _checked(self, inputs: Mapping[str, Array]) -> Values:
        _check_names(self.graph, inputs)
        arrays: Values = {}
        for name in self.graph.inputs:
            array = np.asarray(inputs[name])
            _check_shape(self.graph, name, array)
            expected: DType = self.graph.type(name).dtype
            if array.dtype != expected.numpy:
                raise UsageError(
                    f"input {name!r} holds {array.dtype}",
                    hint=f"give {expected.value}, quantized as the model's input is",
                    where=self.graph.name,
                )
            arrays[name] = array
        return arrays


def _together(executor: Executor, samples: Sequence[Values]) -> list[Values]:
    graph = executor.graph
    stacked = {name: np.stack([sample[name] for sample in samples]) for name in graph.inputs}
    found = executor.outputs(stacked, len(samples))
    return [{name: array[k] for name, array in found.items()} for k in range(len(samples))]


_float_executor = lru_cache(maxsize=4)(FloatExecutor)
_int_executor = lru_cache(maxsize=4)(IntExecutor)


def run_float(graph: Graph, inputs: Mapping[str, Array]) -> Values:
    """`FloatExecutor(graph).run(inputs)`, the executor kept for further calls with the same graph."""
    return _float_executor(graph).run(inputs)


def run_int(graph: Graph, inputs: Mapping[str, Array]) -> Values:
    """`IntExecutor(graph).run(inputs)`, the executor kept for further calls with the same graph."""
    return _int_executor(graph).run(inputs)
