"""One search: measure, decide, verify."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

from edgeq import __version__
from edgeq.api.data import Samples, load_data
from edgeq.api.flow import Advance, QuantizedModel, Step, loaded, quantize
from edgeq.api.project import BuildOptions
from edgeq.api.searching.costs import Costs, Noises
from edgeq.api.searching.layers import count, narrowable, weights_of, widenable
from edgeq.api.searching.limits import Limits, undominated
from edgeq.api.searching.measuring import Measuring
from edgeq.api.searching.memory import STATE, Memory
from edgeq.api.searching.methods import chosen_methods
from edgeq.api.searching.problem import Problem
from edgeq.api.searching.workers import Workers
from edgeq.errors import UsageError
from edgeq.ir.goals import Goal
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.distance import Distance
from edgeq.search.assign import Front, Point
from edgeq.search.exchange import improved
from edgeq.search.space import Bits, Space, with_bits
from edgeq.target import load_target
from edgeq.warnings import unheard

MOST_COMPARED = 128
"""Samples on which settings are compared."""
VERIFIED = 6
"""Parts of the front at whose ends assignments are verified where nothing says which one is wanted."""
COUNTED = 2
"""How many of them are counted in the emulator; of the others the instructions are predicted."""
ATTEMPTS = 6
"""Times that the wanted assignment is looked for anew with what verification showed."""
UNLIMITED = 1 << 62
"""Bytes of flash where it has no limit."""
Assignment = dict[str, Bits]


class Task:
    """One search of a model for a target.

    Args:
        options: model, calibration, target, and what holds for all layers.
        space: what is tried.
        limits: what is asked for.
        budgets: bytes of flash, for each of which the best setting is wanted.
        data: samples on which accuracy is measured; by default those of calibration.
        rounds: how often an assignment is improved by what is measured around it.
        trials: how many combinations of methods Optuna proposes.
        folder: where measurements are kept, or None.
        workers: who measures.
        step, progress: as for `edgeq.search`.

    Raises:
        UsageError: no limit can be measured, or nothing can have fewer bits.
    """

    def __init__(
        self,
        options: BuildOptions,
        space: Space,
        limits: Limits,
        budgets: Sequence[int],
        data: Samples | None,
        rounds: int,
        trials: int,
        folder: Path | None,
        workers: Workers,
        step: Step,
        progress: Advance | None,
    ) -> None:
        self.options, self.space, self.limits, self.budgets = options, space, limits, tuple(budgets)
        self.rounds, self.trials = rounds, trials
        graph = loaded(options)
        if graph.states:
            raise UsageError("a search of models with states is not possible", hint="give bits in edgeq.toml")
        step("measuring the float model")
        with unheard():
            first = quantize(
                graph, options.calibration, options.quantize, options.numerics, options.input, key=options.key
            )
        assert first.samples is not None
        held = list(first.samples)
        every = max(1, len(held) // MOST_COMPARED)
        spec, float_graph = options.input, first.float_graph
        measured = first.samples if data is None else load_data(data, float_graph, spec, options.key, first.layouts)
        if limits.max_drop is not None and measured.labels is None:
            raise UsageError(
                "--max-drop needs labels", hint="give samples with an array y, with --data", where="search"
            )
        quiet = replace(
            options, report=None, flash=None, ram=None, dump_ir=None, calibration=None, output=None, strict=False
        )
        problem = Problem(
            identity(quiet, first, measured.inputs, measured.labels),
            quiet,
            graph,
            first.samples,
            first.calibration,
            Distance(float_graph, held[::every][:MOST_COMPARED]),
            measured,
        )
        memory = Memory.at(None if folder is None else folder / STATE, problem.name)
        self.measuring = Measuring(problem, options.target, memory, workers, step, progress)
        self.base = options.quantize
        self.kinds = space.kinds(self.base, by_layer=limits.instructions is not None)
        self.sizes = narrowable(problem, self.base, self.kinds)
        wide = widenable(problem, self.base) if any(kind.activation_bits == 16 for kind in self.kinds) else ()
        names = [node.name for node in float_graph.nodes]
        self.layers = [name for name in (*float_graph.inputs, *names) if name in self.sizes or name in wide]
        if not self.layers:
            raise UsageError("no layer can have weights of fewer bits than 8", hint="build it as it is")
        self.offered = {name: self._offered(name, wide) for name in self.layers}
        self.every_layer = [*float_graph.inputs, *names]
        self.noises: Noises = {}
        self.costs: dict[Goal, Costs] = {}
        self.trials_made: dict[tuple[Goal, tuple[Bits, ...]], dict[str, Any]] = {}

    def _offered(self, name: str, wide: Sequence[str]) -> tuple[Bits, ...]:
        """What a layer may be: what it cannot change is as in the base."""
        base = self.kinds[0]
        known = self.sizes.get(name, {})
        return tuple(
            kind
            for kind in self.kinds
            if (kind.weight_bits in known or kind.weight_bits == base.weight_bits)
            and (name in wide or kind.activation_bits == base.activation_bits)
        )

    def config(self, bits: Mapping[str, Bits]) -> QuantConfig:
        """The configuration with these bits of layers."""
        return with_bits(self.base, bits)

    def assignment(self, settings: Sequence[int]) -> Assignment:
        """The bits that settings stand for."""
        return {name: self.kinds[k] for name, k in zip(self.layers, settings, strict=True)}

    def uniform(self, kind: Bits) -> Assignment:
        """The same bits for all layers that can have them."""
        return {name: kind if kind in own else self._nearest(own, kind) for name, own in self.offered.items()}

    def _nearest(self, offered: Sequence[Bits], kind: Bits) -> Bits:
        same = [own for own in offered if own.weight_bits == kind.weight_bits]
        return (same or [own for own in offered if own.activation_bits == kind.activation_bits] or list(offered))[0]

    def solve(self) -> dict[str, Any]:
        """Measure, decide, verify."""
        if self.space.methods:
            self.base = chosen_methods(
                self.base, self.space.methods, self.every_layer, self.measuring.errors, self.trials
            )
        self.noises = self._noises()
        for goal in self.space.goals:
            wanted = [self._building(goal, self.uniform(kind)) for kind in self.kinds]
            builds = self.measuring.builds(wanted, True, f"optimize {goal}: counting")
            self.costs[goal] = Costs(self.offered, dict(zip(self.kinds, builds, strict=True)))
        alike = [(goal, kind) for goal in self.space.goals for kind in self.kinds if kind.optimize in (None, goal)]
        self._verify([(goal, self.uniform(kind)) for goal, kind in alike], counted=True)
        if self.limits.ram is not None:
            self._within_ram(self.limits.ram)
        fronts = {goal: costs.front(self.noises, self.limits.instructions) for goal, costs in self.costs.items()}
        points = _joined(fronts)
        self._verify_along(points)
        flash = UNLIMITED if self.limits.flash is None else self.limits.flash
        asked = [] if flash == UNLIMITED and self.limits.ram is None else [flash]
        for budget in self.budgets or asked:
            self._at(points, budget)
        if self.limits.mean_bits is not None:
            self._at_mean_bits(self.limits.mean_bits)
        if self.limits.asks_for_accuracy and points:
            self._accurate_enough(points)
        gap = max((front.gap for front in fronts.values()), default=0.0)
        return self._told(gap / max(self.noise_of(self.uniform(self.kinds[0])), 1e-300))

    def _within_ram(self, ram: int) -> None:
        """Leave out what a layer may be if there is no room for it with all other layers as in the base."""
        whole = self.uniform(self.kinds[0])
        for goal, costs in self.costs.items():
            rest = (costs.base["stack_bytes"] or 0) + costs.base["ram_bytes"]
            wide = [
                (name, kind)
                for name, offered in self.offered.items()
                for kind in offered
                if kind == replace(self.kinds[0], activation_bits=kind.activation_bits) != self.kinds[0]
            ]
            configs = [self.config(whole), *(self.config({**whole, name: kind}) for name, kind in wide)]
            first, *arenas = self.measuring.arenas(configs, goal, "activations by themselves")
            fits = {move: rest - first + more <= ram for move, more in zip(wide, arenas, strict=True)}
            offered = {
                name: tuple(
                    k for k in own if fits.get((name, replace(self.kinds[0], activation_bits=k.activation_bits)), True)
                )
                for name, own in self.offered.items()
            }
            self.costs[goal] = replace(costs, offered=offered)

    def _building(self, goal: Goal, bits: Assignment) -> tuple[QuantConfig, Goal, dict[str, Goal]]:
        """What is to be built of an assignment."""
        return self.config(bits), goal, _own_goals(goal, bits)

    def noise_of(self, bits: Assignment) -> float:
        """The noise of an assignment as it was measured."""
        return self.measuring.errors([self.config(bits)], "measuring")[0]

    def _noises(self) -> dict[str, dict[Bits, float]]:
        """By layer and what it may be how much noise it adds at the output to that of the base."""
        whole = self.uniform(self.kinds[0])
        first = self.kinds[0]
        moves = [
            (name, kind)
            for name, offered in self.offered.items()
            for kind in offered
            if kind.optimize == first.optimize
            and (kind.weight_bits == first.weight_bits) != (kind.activation_bits == first.activation_bits)
        ]
        configs = [self.config(whole), *(self.config({**whole, name: kind}) for name, kind in moves)]
        base, *errors = self.measuring.errors(configs, "each layer by itself")
        added = {move: error - base for move, error in zip(moves, errors, strict=True)}
        found: dict[str, dict[Bits, float]] = {}
        for name, offered in self.offered.items():
            weights = {first.weight_bits: 0.0}
            least = 0.0
            for kind in offered:
                if (name, kind) in added and kind.activation_bits == first.activation_bits:
                    least = max(least, added[name, kind]) if isinstance(kind.weight_bits, int) else least
                    # Fewer bits are never better: where they measure so, it is luck.
                    weights[kind.weight_bits] = (
                        least if isinstance(kind.weight_bits, int) else max(0.0, added[name, kind])
                    )
            found[name] = {
                kind: weights[kind.weight_bits]
                + added.get((name, replace(first, activation_bits=kind.activation_bits)), 0.0)
                for kind in offered
            }
        return found

    def _verify(self, wanted: Sequence[tuple[Goal, Assignment]], counted: bool = False) -> list[dict[str, Any]]:
        """Quantize, build and measure settings."""
        configs = [self.config(bits) for _, bits in wanted]
        qualities = self.measuring.qualities(configs, "measuring accuracy")
        builds = self.measuring.builds([self._building(*one) for one in wanted], counted, "building")
        found = []
        for (goal, bits), quality, build in zip(wanted, qualities, builds, strict=True):
            trial = self._trial(goal, bits, quality, build)
            self.trials_made[goal, tuple(bits.values())] = trial
            found.append(trial)
        return found

    def _trial(
        self, goal: Goal, bits: Assignment, quality: Mapping[str, Any], build: Mapping[str, Any]
    ) -> dict[str, Any]:
        values = build["values"]
        of_weights = {name: own.weight_bits for name, own in bits.items() if name in self.sizes}
        taken = sum(self.sizes[name][own] for name, own in of_weights.items())
        whole = weights_of(self.sizes)
        mean = taken / whole if whole else 8.0
        wide = {
            name: own.activation_bits for name, own in bits.items() if own.activation_bits != self.base.activation_bits
        }
        plain = [kind for kind in self.kinds if kind.optimize in (None, goal)]
        same = next((kind for kind in plain if self.uniform(kind) == bits), None)
        return {
            "label": f"all {same}"
            if same is not None
            else f"{mean:.2f} bits" + (f", {len(wide)} wide" if wide else ""),
            "optimize": goal,
            **quality,
            **{key: build[key] for key in ("flash_bytes", "ram_bytes", "stack_bytes")},
            "mean_bits": mean,
            "instructions": sum(values.values()) if values is not None else self.costs[goal].instructions(bits),
            "counted": values is not None,
            "bits": of_weights,
            "activation_bits": wide,
            "optimize_layers": _own_goals(goal, bits),
        }

    def _verify_along(self, points: Sequence[tuple[Goal, Point]]) -> None:
        """Verify points evenly over what can be saved; only their ends where more is asked for."""
        if not points:
            return
        low, high = points[0][1].bytes, points[-1][1].bytes
        parts = 2 if self.budgets or self.limits.asks_for_accuracy or self.limits.asks_for_size else VERIFIED
        limits = [low + (high - low) * k // parts for k in range(1, parts)]
        chosen = dict.fromkeys(
            max(i for i, (_, point) in enumerate(points) if point.bytes <= limit) for limit in limits
        )
        wanted = [(points[i][0], self.assignment(points[i][1].settings)) for i in chosen]
        self._verify(wanted[:COUNTED], counted=True)
        self._verify(wanted[COUNTED:])

    def _at(self, points: Sequence[tuple[Goal, Point]], flash: int) -> None:
        """Verify the best assignments for so much flash."""
        excess = 0
        for _ in range(ATTEMPTS):
            within = [(goal, point) for goal, point in points if point.bytes + excess <= flash]
            if not within:
                return
            goal, point = within[-1]
            bits = self._improved(self.costs[goal], point, flash - excess, self.limits.instructions)
            (trial,) = self._verify([(goal, bits)])
            if self.limits.within(flash).fits(trial):
                return
            if trial["flash_bytes"] <= flash:  # RAM or time: layers as they are in the base take less
                points = [(g, p) for g, p in points if p.bytes < point.bytes]
                continue
            excess += trial["flash_bytes"] - flash

    def _improved(self, costs: Costs, point: Point, limit: int, time: int | None) -> Assignment:
        """An assignment improved by what is measured around it, with the kinds of layers that it has."""
        if not self.rounds:
            return self.assignment(point.settings)
        used = [kind for k, kind in enumerate(costs.kinds) if k in point.settings]
        layers = costs.choices(self.noises, used)
        start = tuple(
            next(i for i, choice in enumerate(choices) if choice.setting == k)
            for choices, k in zip(layers, point.settings, strict=True)
        )
        numbered = [[replace(choice, setting=i) for i, choice in enumerate(choices)] for choices in layers]

        def bits_of(at: Sequence[int]) -> Assignment:
            return self.assignment([choices[i].setting for choices, i in zip(layers, at, strict=True)])

        def measure(tried: Sequence[tuple[int, ...]]) -> list[float]:
            return self.measuring.errors([self.config(bits_of(at)) for at in tried], "improving")

        rest = None if time is None else time - costs.other_time
        found, _ = improved(numbered, start, limit - costs.besides(used), measure, self.rounds, rest)
        return bits_of(found)

    def _at_mean_bits(self, mean: float) -> None:
        """Verify the best assignment whose weights take so many bits on average."""
        goal = self.space.goals[0]
        costs = replace(self.costs[goal], sizes=self.sizes)
        whole = weights_of(self.sizes)
        front = costs.front(self.noises, self.limits.instructions)
        point = front.within(int(mean * whole))
        if point is not None:
            bits = self._improved(costs, point, int(mean * whole), self.limits.instructions)
            self._verify([(goal, bits) for goal in self.space.goals])

    def _accurate_enough(self, points: Sequence[tuple[Goal, Point]]) -> None:
        """Verify the smallest assignments that are accurate enough."""

        def accurate(bits: Assignment) -> bool:
            (quality,) = self.measuring.qualities([self.config(bits)], "measuring accuracy")
            return self.limits.accurate(quality)

        below, above = 0, len(points) - 1
        while below < above:
            middle = (below + above) // 2
            if accurate(self.assignment(points[middle][1].settings)):
                above = middle
            else:
                below = middle + 1
        goal, point = points[above]
        wanted = [(goal, self.assignment(point.settings))]
        for part in (0.99, 0.97, 0.95, 0.92)[: self.rounds]:  # what is measured around it may make a smaller one do
            limit = int(points[above][1].bytes * part)
            smaller = [(g, p) for g, p in points if p.bytes <= limit]
            if not smaller:
                break
            goal, point = smaller[-1]
            bits = self._improved(self.costs[goal], point, limit, self.limits.instructions)
            if not accurate(bits):
                break
            wanted.append((goal, bits))
        self._verify(wanted)

    def _told(self, gap: float) -> dict[str, Any]:
        """The result."""
        trials = list(self.trials_made.values())
        alike = [trial for trial in trials if trial["label"].startswith("all ")]
        return {
            "model": self.options.model_path.name,
            "target": load_target(self.options.target).name,
            "front": undominated(trials),
            "uniform": alike,
            "chosen": self.limits.chosen(trials),
            "budgets": [{"flash": flash, "chosen": self.limits.within(flash).chosen(trials)} for flash in self.budgets],
            "gap": gap,
            "layers": {
                name: {
                    "weights": count(self.sizes.get(name)),
                    "noise": {str(kind): noise for kind, noise in self.noises[name].items()},
                }
                for name in self.layers
            },
            "methods": _differences(self.options.quantize, self.base),
            "cost_error_percent": self._cost_error(),
        }

    def trial_config(self, trial: Mapping[str, Any]) -> QuantConfig:
        """How a setting that was tried is quantized."""
        (bits,) = (key[1] for key, known in self.trials_made.items() if known == trial)
        return self.config(dict(zip(self.layers, bits, strict=True)))

    def _cost_error(self) -> float | None:
        """By how much predicted and counted instructions differ at most, in percent."""
        worst = -inf
        for (goal, bits), trial in self.trials_made.items():
            predicted = self.costs[goal].instructions(dict(zip(self.layers, bits, strict=True)))
            if trial["counted"] and trial["instructions"] and predicted is not None:
                worst = max(worst, abs(100.0 * (predicted - trial["instructions"]) / trial["instructions"]))
        return None if worst == -inf else worst


def _own_goals(goal: Goal, bits: Assignment) -> dict[str, Goal]:
    """What layers are optimized for, by name, where it is not what the program is."""
    return {name: own.optimize for name, own in bits.items() if own.optimize not in (None, goal)}


def _joined(fronts: Mapping[Goal, Front]) -> list[tuple[Goal, Point]]:
    """The front of all goals together, the cheapest first."""
    every = [(goal, point) for goal, front in fronts.items() for point in front.points]
    kept: list[tuple[Goal, Point]] = []
    for goal, point in sorted(every, key=lambda entry: (entry[1].bytes, entry[1].noise)):
        if not kept or point.noise < kept[-1][1].noise:
            kept.append((goal, point))
    return kept


def identity(options: BuildOptions, model: QuantizedModel, measured: Mapping[str, Any], labels: Any) -> str:
    """A text that is the same where measurements are worth keeping, whatever the target."""
    digest = hashlib.sha256()
    graph = model.float_graph
    for item in (__version__, replace(options, model="", target="host"), graph.inputs, graph.outputs, *graph.nodes):
        digest.update(repr(item).encode())
    for name, value in graph.values.items():
        digest.update(f"{name} {value.type}".encode())
        if value.data is not None:
            digest.update(value.data.tobytes())
    assert model.samples is not None
    for array in (*model.samples.inputs.values(), *measured.values(), *(() if labels is None else (labels,))):
        digest.update(array.tobytes())
    return digest.hexdigest()[:32]


def _differences(before: QuantConfig, after: QuantConfig) -> dict[str, Any]:
    """What was chosen of the methods: by option the value of all layers, or by layer."""

    def plain(value: Any) -> Any:
        return getattr(value, "value", value)

    names = [name for name in vars(before) if name != "layers"]
    found = {n: plain(getattr(after, n)) for n in names if getattr(after, n) != getattr(before, n)}
    for entry in after.layers:
        if entry not in before.layers:
            own = {n: plain(v) for n, v in vars(entry).items() if n != "pattern" and v is not None}
            found.setdefault("layers", {})[entry.pattern] = own
    return found
