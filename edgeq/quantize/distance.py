"""How far integer models are from the float model at its outputs, as a number to compare them by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edgeq.executor import Executor, FloatArithmetic, IntArithmetic, batch_size, in_batches
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array


def power(x: Array) -> float:
    """The sum of squares, the same on every CPU: one after the other; what is not finite is left out."""
    wide = np.asarray(x, np.float64).ravel()
    finite = wide[np.isfinite(wide)]
    return float(np.cumsum(np.square(finite))[-1]) if len(finite) else 0.0


class Distance:
    """The outputs of a float model on some samples, to compare integer models with.

    Args:
        graph: the float graph.
        samples: real values of all inputs, those of states too.
    """

    def __init__(self, graph: Graph, samples: Sequence[Mapping[str, Array]]) -> None:
        self._samples, self._size = list(samples), batch_size(graph)
        executor, wanted = Executor(graph, FloatArithmetic(graph)), frozenset(graph.outputs)
        self._exact: list[dict[str, Array]] = []
        for batch in in_batches(self._samples, self._size):
            reals = {n: batch[n].astype(graph.type(n).dtype.numpy) for n in graph.inputs}
            self._exact.append({n: x for n, x in executor.walk(reals) if n in wanted})

    def error(self, graph: Graph) -> float:
        """The sum, over the outputs of an integer graph, of noise divided by signal."""
        names = [n for n in graph.outputs if not graph.type(n).is_whole and n in graph.producers]
        signal, noise = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
        executor = Executor(graph, IntArithmetic(graph))
        for batch, exact in zip(in_batches(self._samples, self._size), self._exact, strict=True):
            inputs = {n: graph.type(n).holding(batch[n]) for n in graph.inputs}
            for name, array in executor.walk(inputs):
                if name in signal and name in exact:
                    q, real = graph.type(name).q, exact[name].astype(np.float64)
                    signal[name] += power(real)
                    noise[name] += power(real - (array if q is None else q.dequantize(array)))
        return sum(noise[n] / signal[n] for n in names if signal[n] > 0.0)
