"""Measurements of settings, each made once, by whoever works for the search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgeq.api.flow import Advance, Step
from edgeq.api.searching import problem as measured
from edgeq.api.searching.memory import Memory
from edgeq.api.searching.problem import Problem
from edgeq.api.searching.workers import Task, Workers
from edgeq.ir.goals import Goal
from edgeq.quantize.config import QuantConfig
from edgeq.search.space import key_of

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "errors": measured.error,
    "qualities": measured.accuracy,
    "builds": measured.built,
    "arenas": measured.arena,
}


class Measuring:
    """Asks for what is not known yet.

    Args:
        problem: the model.
        target: what is built for.
        memory: what is known.
        workers: who measures.
        step: called with a line of text as each batch begins.
        progress: called with measurements done and in all.
    """

    def __init__(
        self, problem: Problem, target: str, memory: Memory, workers: Workers, step: Step, progress: Advance | None
    ) -> None:
        self.problem, self.target, self.memory = problem, target, memory
        self._workers, self._step, self._progress = workers, step, progress

    def errors(self, configs: Sequence[QuantConfig], what: str) -> list[float]:
        """Noise over signal of settings, on calibration samples."""
        return [float(x) for x in self._all("errors", [(key_of(config), (config,)) for config in configs], what)]

    def qualities(self, configs: Sequence[QuantConfig], what: str) -> list[dict[str, Any]]:
        """How good settings are on the samples that were given for that."""
        return self._all("qualities", [(key_of(config), (config,)) for config in configs], what)

    def builds(
        self, wanted: Sequence[tuple[QuantConfig, Goal, Mapping[str, Goal]]], counted: bool, what: str
    ) -> list[dict[str, Any]]:
        """What settings cost, each with what the program and some layers are optimized for; one that was counted
        earlier stays so."""
        tasks = []
        for config, goal, by_layer in wanted:
            key = key_of(self.target, config, goal, *sorted(by_layer.items()))
            count = counted or self.memory.has("builds", f"{key}-counted")
            tasks.append((f"{key}-counted" if count else key, (config, goal, by_layer, self.target, count)))
        return self._all("builds", tasks, what)

    def arenas(self, configs: Sequence[QuantConfig], goal: Goal, what: str) -> list[int]:
        """Bytes that the activations of settings take at once."""
        tasks = [(key_of(self.target, config, goal), (config, goal, self.target)) for config in configs]
        return [int(x) for x in self._all("arenas", tasks, what)]

    def _all(self, kind: str, tasks: Sequence[tuple[str, Task]], what: str) -> list[Any]:
        wanted = {key: task for key, task in tasks if not self.memory.has(kind, key)}
        if wanted:
            self._step(what)
            if self._progress is not None:
                self._progress(0, len(wanted))
            listed = list(wanted.items())
            results = self._workers.run(FUNCTIONS[kind], self.problem, listed)
            for done, (index, result) in enumerate(results, 1):
                self.memory.keep(kind, listed[index][0], result)
                if self._progress is not None:
                    self._progress(done, len(wanted))
        return [self.memory.get(kind, key) for key, _ in tasks]
