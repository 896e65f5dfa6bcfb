"""Sequences: running a network with states step by step.

An executor computes one step and knows nothing of the steps around it. Here the states that a step leaves become the
inputs of the next one, and a sequence begins with a reset: states have their first values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Protocol

from edgeq.errors import UsageError
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array


class Executor(Protocol):
    """What computes every value of one step, by name, from all inputs of its graph."""

    @property
    def graph(self) -> Graph:
        """The graph that is executed."""

    def run(self, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
        """Every computed value of one step; the graph's inputs are among them."""


class BatchExecutor(Executor, Protocol):
    """One that can also compute several samples of a network without states."""

    @property
    def batch(self) -> int:
        """How many samples it should compute together."""

    def outputs(self, samples: Sequence[Mapping[str, Array]]) -> Sequence[Mapping[str, Array]]:
        """The graph's outputs for each of the samples."""


def reset(graph: Graph) -> dict[str, Array]:
    """The inputs of states at a sequence's first step: their first values, zero in real numbers if they have none."""
    return {state.input: state.begin(graph.type(state.input)) for state in graph.states}


def run_sequences(
    executor: Executor, samples: Iterable[Mapping[str, Array]], steps: int | None = None
) -> Iterator[Mapping[str, Array]]:
    """Every value of every step, one step after the other; for a network without states, samples are simply steps.

    Args:
        executor: computes one step.
        samples: for each step the public inputs, in the executor's element types.
        steps: how many samples make one sequence, so that the next one begins with a reset; None: all of them.

    Raises:
        UsageError: a sample gives a state, or does not fit the executor's other inputs.
    """
    graph = executor.graph
    kept: dict[str, Array] = {}
    for index, sample in enumerate(samples):
        if index == 0 or (steps is not None and index % steps == 0):
            kept = reset(graph)
        extra = [repr(name) for name in sample if name in kept]
        if extra:
            raise UsageError(
                f"a step takes its states from the step before, not from the caller: {', '.join(extra)}",
                hint=f"give {', '.join(repr(n) for n in graph.public_inputs)} alone",
                where=graph.name,
            )
        values = executor.run({**sample, **kept})
        yield values
        kept = {state.input: values[state.output] for state in graph.states}


def run_outputs(
    executor: BatchExecutor, samples: Iterable[Mapping[str, Array]], steps: int | None = None
) -> Iterator[Mapping[str, Array]]:
    """The outputs alone of every step; of a network without states several are computed together.

    Args:
        executor, samples, steps: as for `run_sequences`.

    Raises:
        UsageError: as `run_sequences`.
    """
    graph = executor.graph
    if graph.states or not graph.inputs:
        for values in run_sequences(executor, samples, steps):
            yield {name: values[name] for name in graph.outputs}
        return
    rest = iter(samples)
    while batch := list(islice(rest, executor.batch)):
        yield from executor.outputs(batch)


def unroll(
    executor: Executor, samples: Iterable[Mapping[str, Array]], steps: int | None = None
) -> list[dict[str, Array]]:
    """The samples of a network with states as samples of one without: each together with the states before it.

    Code that looks at one step at a time then needs no sequence, and may take the steps in any order.

    Args:
        executor, samples, steps: as for `run_sequences`.

    Returns:
        For each step every input of the graph, those of states included.

    Raises:
        UsageError: as `run_sequences`.
    """
    inputs = executor.graph.inputs
    return [{name: values[name] for name in inputs} for values in run_sequences(executor, samples, steps)]
