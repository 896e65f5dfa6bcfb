"""Search: how many bits each layer's weights get, measured layer by layer and decided for all at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from glob import escape
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from edgeq import __version__
from edgeq.api.building import build
from edgeq.api.check import profile
from edgeq.api.data import Dataset, Samples, load_data
from edgeq.api.flow import Advance, QuantizedModel, Step, loaded, quantize, silent
from edgeq.api.paths import check_sources
from edgeq.api.project import FILE, BuildOptions
from edgeq.api.reporting import quality
from edgeq.api.threads import one_thread
from edgeq.codegen.lower import lower
from edgeq.codegen.program import Program
from edgeq.errors import CapacityError, MismatchError, ToolError, UsageError
from edgeq.ir.goals import Goal
from edgeq.numerics.fixedpoint import Numerics
from edgeq.options import options as declared
from edgeq.quantize.config import LayerConfig, QuantConfig
from edgeq.quantize.distance import Distance
from edgeq.quantize.statistics import Calibration
from edgeq.report.pictures import scatter
from edgeq.search.assign import Choice, Front, front
from edgeq.target import load_target
from edgeq.warnings import unheard

BITS = (8, 4, 3, 2)
GOALS: tuple[Goal, ...] = ("balanced", "size")
MOST_COMPARED = 128
"""Samples on which settings are compared."""
VERIFIED = 6
"""Assignments along the front that are verified where nothing says which one is wanted."""
COUNTED = 2
"""How many of them are counted in the emulator; of the others the instructions are predicted."""
ROUNDS = 6
"""Times that the wanted assignment is looked for anew with what verification showed."""
STATE = "search-state.json"
RESULT = "search.json"
PICTURE = "search.svg"


@dataclass
class _Memory:
    """What was measured, by what was measured, in a file that grows with every measurement."""

    path: Path | None
    known: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def at(path: Path | None, identity: str) -> _Memory:
        """What an earlier search of the same model, samples and options left there."""
        if path is not None and path.is_file():
            try:
                data = json.loads(path.read_text("utf-8"))
                if data.get("identity") == identity:
                    return _Memory(path, data)
            except (OSError, ValueError):
                pass  # measured again
        return _Memory(path, {"identity": identity, "errors": {}, "trials": {}, "costs": {}})

    def keep(self, kind: str, key: str, value: Any) -> Any:
        """Remember a measurement; returns it."""
        self.known[kind][key] = value
        if self.path is not None:
            part = self.path.with_name(self.path.name + ".part")
            part.write_text(json.dumps(self.known, indent=1, sort_keys=True), encoding="utf-8")
            part.replace(self.path)
        return value


@one_thread()
def search(
    options: BuildOptions,
    output: str | Path | None = None,
    max_drop: float | None = None,
    min_sqnr: float | None = None,
    data: Samples | None = None,
    goals: Sequence[Goal] = (),
    step: Step = silent,
    progress: Advance | None = None,
) -> dict[str, Any]:
    """Find how many bits the weights of each layer need.

    How much each layer's weights of 4, 3 and 2 bits do to the output is measured, one layer at a time, on the
    calibration samples. What they cost is counted in the programs of uniform settings: bytes exactly, instructions in
    the emulator.
    The assignment is then the best one, or one with a known distance from it, and is quantized, built and measured.

    Args:
        options: model, calibration, target, and what holds for all layers; `flash` and `ram` are what there is.
        output: a folder for `edgeq.toml`, which builds the result, `search.json`, `search.svg`, and what was measured:
            a search that was interrupted goes on from there. None: nothing is written.
        max_drop, min_sqnr: how much accuracy may be lost: points of top-1, dB.
        data: samples on which they are measured; by default the calibration samples.
        goals: settings of `optimize` to try; by default balanced and size.
        step: called with a line of text as each step begins.
        progress: called with measurements done and in all.

    Returns:
        front: the settings that were verified and that no other one beats, each with label, optimize, sqnr_db, drop,
        agreement, flash_bytes, ram_bytes, stack_bytes, mean_bits, instructions (predicted unless `counted`) and bits by
        layer; uniform: the same of
        settings that are the same for all layers; chosen: the one that keeps to what is asked for; gap: how much
        predicted noise an assignment may have more than the best one, as a part of that of 8 bits; layers: what was
        measured of each; cost_error_percent: by how much counted instructions and predicted ones differ at most.

    Raises:
        UsageError: there are no samples, no limit can be measured, or nothing can have fewer bits.
        CapacityError: nothing fits flash or RAM.
        MismatchError: nothing that fits is accurate enough.
    """
    check_sources(options)
    if options.calibration is None:
        raise UsageError("a search needs calibration samples", hint="give them with --calibration")
    folder = None if output is None else Path(output)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    task = _Task(options, goals or GOALS, data, max_drop, min_sqnr, folder, step, progress)
    found = task.solve()
    if folder is not None:
        (folder / RESULT).write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        points = [(float(t["flash_bytes"]), float(t["sqnr_db"]), str(t["label"])) for t in found["front"]]
        (folder / PICTURE).write_text(_standing_alone(scatter(points, "flash, bytes", "SQNR, dB")), encoding="utf-8")
        if found["chosen"] is not None:
            (folder / FILE).write_text(task.project(found["chosen"], folder), encoding="utf-8", newline="\n")
    task.refuse(found["chosen"])
    return found


def _standing_alone(svg: str) -> str:
    """A drawing whose colours come from a page, with colours of its own."""
    colours = {"--a": "#2b7a9b", "--line": "#dfe5ea", "--ink": "#1f2933", "--faint": "#66737f"}
    for name, colour in colours.items():
        svg = svg.replace(f"var({name})", colour)
    return svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" ', 1) + "\n"


class _Task:
    """One search."""

    statistics: Calibration | None = None
    samples: Dataset | None = None

    def __init__(
        self,
        options: BuildOptions,
        goals: Sequence[Goal],
        data: Samples | None,
        max_drop: float | None,
        min_sqnr: float | None,
        folder: Path | None,
        step: Step,
        progress: Advance | None,
    ) -> None:
        self.options, self.goals, self.step, self.progress = options, tuple(goals), step, progress
        self.max_drop, self.min_sqnr = max_drop, min_sqnr
        self.target = load_target(options.target)
        self.graph = loaded(options)
        if self.graph.states:
            raise UsageError("a search of models with states is not possible", hint="give bits in edgeq.toml")
        step("measuring the float model")
        with unheard():
            first = self._quantized(options.quantize)
        self.statistics, self.samples = first.calibration, first.samples
        assert self.samples is not None
        self.float_graph = first.float_graph
        held = list(self.samples)
        every = max(1, len(held) // MOST_COMPARED)
        self.distance = Distance(first.float_graph, held[::every][:MOST_COMPARED])
        spec = options.input
        self.data = (
            self.samples if data is None else load_data(data, first.float_graph, spec, options.key, first.layouts)
        )
        self.layers = self._narrowable()
        if not self.layers:
            raise UsageError("no layer can have weights of fewer bits than 8", hint="build it as it is")
        self.memory = _Memory.at(None if folder is None else folder / STATE, self._identity())
        self._check_limits()

    def _quantized(self, config: QuantConfig) -> QuantizedModel:
        options = self.options
        return quantize(
            self.graph,
            options.calibration if self.statistics is None else self.samples,
            config,
            options.numerics,
            options.input,
            statistics=self.statistics,
            key=options.key,
        )

    def _narrowable(self) -> dict[str, int]:
        """The layers whose weights can have fewer bits, and how many weights they have."""
        with unheard():
            narrow = self._quantized(replace(self.options.quantize, weight_bits=4, rounding=None)).graph
        found = {}
        for node in narrow.nodes:
            sizes = [
                narrow.type(name).size
                for name in node.inputs
                if name is not None and narrow.data(name) is not None and narrow.type(name).dtype.bits < 8
            ]
            if sizes:
                found[node.name] = sum(sizes)
        return found

    def _identity(self) -> str:
        """A text that is the same where measurements are worth keeping."""
        digest = hashlib.sha256()
        options = self.options
        for item in (__version__, options.quantize, options.numerics, options.input, self.target.name, self.layers):
            digest.update(repr(item).encode())
        for name, value in self.float_graph.values.items():
            digest.update(name.encode())
            if value.data is not None:
                digest.update(value.data.tobytes())
        for data in (self.samples, self.data):
            assert data is not None
            for array in data.inputs.values():
                digest.update(array.tobytes())
        return digest.hexdigest()

    def _check_limits(self) -> None:
        if self.max_drop is not None and self.data.labels is None:
            raise UsageError(
                "--max-drop needs labels", hint="give samples with an array y, with --data", where="search"
            )

    def config(self, bits: Mapping[str, int]) -> QuantConfig:
        """The configuration with these bits of layers' weights."""
        base = self.options.quantize
        entries = tuple(
            replace(base.layer(name) or LayerConfig(name), pattern=escape(name), weight_bits=count)
            for name, count in bits.items()
        )
        return replace(base, weight_bits=8, layers=(*entries, *base.layers))

    def error(self, bits: Mapping[str, int]) -> float:
        """Noise over signal at the output, measured once."""
        key = _key(bits)
        if key not in self.memory.known["errors"]:
            with unheard():
                model = self._quantized(self.config(bits))
            self.memory.keep("errors", key, self.distance.error(model.graph))
        return float(self.memory.known["errors"][key])

    def uniform(self, count: int) -> dict[str, int]:
        """The same number of bits for all layers."""
        return dict.fromkeys(self.layers, count)

    def noises(self) -> dict[str, dict[int, float]]:
        """By layer and bits, how much noise it adds at the output to that of 8 bits."""
        base = self.error(self.uniform(8))
        found: dict[str, dict[int, float]] = {}
        wanted = [(name, bits) for name in self.layers for bits in BITS[1:]]
        for done, (name, bits) in enumerate(wanted):
            if self.progress is not None:
                self.progress(done, len(wanted))
            self.step(f"{name}: {bits} bits")
            added = self.error({**self.uniform(8), name: bits}) - base
            found.setdefault(name, {8: 0.0})[bits] = max(added, 0.0)
        for noise in found.values():  # fewer bits are never better: where they measure so, it is luck
            for few, fewer in pairwise(BITS):
                noise[fewer] = max(noise[fewer], noise[few])
        return found

    def costs(self, goal: Goal, bits: int) -> dict[str, Any]:
        """What the uniform setting costs: constants of each layer, code, and instructions of each layer."""
        key = f"{goal},{bits}"
        if key not in self.memory.known["costs"]:
            self.step(f"{bits} bits, optimize {goal}: counting")
            trial = self.trial(self.uniform(bits), goal, f"all {bits} bits")
            program = self._program(self.uniform(bits), goal)
            known = {constant.name: constant.array.nbytes for constant in program.constants}
            layers = {
                call.name: sum(known[m] for m in call.params.values() if isinstance(m, str) and m in known)
                for call in program.calls
            }
            code = trial["flash_bytes"] - sum(layers.values())
            self.memory.keep("costs", key, {"layers": layers, "code": code, "values": trial["values"]})
        return dict(self.memory.known["costs"][key])

    def _program(self, bits: Mapping[str, int], goal: Goal) -> Program:
        with unheard():
            model = self._quantized(self.config(bits))
        return lower(model.graph, self.target, self.options.model_name, goal)

    def trial(self, bits: Mapping[str, int], goal: Goal, label: str, counted: bool = True) -> dict[str, Any]:
        """What a setting measures when it is quantized and built, and, in an emulator, counted; measured once."""
        key = f"{goal};{_key(bits)}"
        known = self.memory.known["trials"].get(key)
        if known is None or (counted and known["values"] is None and self.target.counter == "instructions"):
            self.step(f"verifying {label}, optimize {goal}")
            with unheard():
                model = self._quantized(self.config(bits))
                quiet = replace(self.options, report=None, flash=None, ram=None, optimize=goal, dump_ir=None)
                with TemporaryDirectory(prefix="edgeq-search-") as place:
                    manifest = build(replace(quiet, output=Path(place) / "out"), model=model)
                    values = self._values(Path(place) / "out") if counted else None
            kpis = quality(model.float_graph, model.graph, self.data)["kpis"]
            figures = {key: kpis[key] for key in ("sqnr_db", "centred_sqnr_db", "drop", "agreement")}
            figures |= {key: manifest[key] for key in ("flash_bytes", "ram_bytes", "stack_bytes")}
            self.memory.keep("trials", key, {**figures, "values": values})
        figures = dict(self.memory.known["trials"][key])
        weights = sum(self.layers.values())
        mean = sum(count * self.layers[name] for name, count in bits.items()) / weights
        values = figures["values"]
        total = self.predicted(goal, bits) if values is None else sum(values.values())
        return {
            "label": label,
            "optimize": goal,
            **figures,
            "mean_bits": mean,
            "instructions": total,
            "counted": values is not None,
            "bits": dict(bits),
        }

    def _values(self, folder: Path) -> dict[str, int] | None:
        """Instructions of each layer; None where no emulator counts them."""
        if self.target.counter != "instructions":
            return None
        try:
            return {layer["name"]: layer["value"] for layer in profile(folder)["layers"]}
        except ToolError:
            return None

    def fronts(self, goal: Goal, noises: Mapping[str, Mapping[int, float]]) -> tuple[Front, int]:
        """The front of predicted assignments, and the bytes that all of them take besides."""
        costs = {bits: self.costs(goal, bits) for bits in BITS}
        choices = [
            [Choice(bits, costs[bits]["layers"][name], noises[name][bits]) for bits in BITS] for name in self.layers
        ]
        fixed = sum(size for name, size in costs[8]["layers"].items() if name not in self.layers)
        return front(choices), fixed + max(cost["code"] for cost in costs.values())

    def predicted(self, goal: Goal, bits: Mapping[str, int]) -> int | None:
        """The instructions of an assignment, from those of uniform settings; None where those are not counted."""
        if self.target.counter != "instructions":
            return None
        counted = {count: self.costs(goal, count)["values"] for count in BITS}
        if any(values is None for values in counted.values()):
            return None
        return sum(counted[bits.get(name, 8)][name] for name in counted[8])

    def solve(self) -> dict[str, Any]:
        """Measure, decide, verify."""
        noises = self.noises()
        trials: list[dict[str, Any]] = []
        gap = 0.0
        for goal in self.goals:
            uniform = [self.trial(self.uniform(bits), goal, f"all {bits} bits") for bits in BITS]
            trials += uniform
            found, besides = self.fronts(goal, noises)
            base = self.error(self.uniform(8))
            gap = max(gap, found.gap / base)
            trials += self._verified(goal, found, besides)
        unique = {(t["optimize"], _key(t["bits"])): t for t in trials}
        best = _undominated(list(unique.values()))
        return {
            "model": self.options.model_path.name,
            "target": self.target.name,
            "front": [_public(trial) for trial in best],
            "uniform": [_public(t) for t in unique.values() if len(set(t["bits"].values())) == 1],
            "chosen": _public_or_none(self._chosen(list(unique.values()))),
            "gap": gap,
            "layers": {
                name: {"weights": self.layers[name], "noise": {str(b): n for b, n in noises[name].items()}}
                for name in self.layers
            },
            "cost_error_percent": self._cost_error(list(unique.values())),
        }

    def _verified(self, goal: Goal, found: Front, besides: int) -> list[dict[str, Any]]:
        """Verify what the limits ask for, and points along the front."""
        trials: dict[str, dict[str, Any]] = {}

        def verify(index: int) -> dict[str, Any]:
            bits = dict(zip(self.layers, found.points[index].settings, strict=True))
            trial = self.trial(bits, goal, "mixed", counted=len(trials) < COUNTED)
            if len(set(bits.values())) > 1:
                trial["label"] = f"{trial['mean_bits']:.2f} bits"
            trials[_key(bits)] = trial
            return trial

        last = len(found.points) - 1
        low, high = found.points[0].bytes, found.points[-1].bytes
        for k in range(1, VERIFIED):  # evenly over what can be saved
            limit = low + (high - low) * k // VERIFIED
            verify(max(i for i, point in enumerate(found.points) if point.bytes <= limit))
        if self.options.flash is not None:
            excess = besides
            for _ in range(ROUNDS):
                within = [i for i, p in enumerate(found.points) if p.bytes + excess <= self.options.flash]
                if not within:
                    break
                trial = verify(within[-1])
                own = trial["flash_bytes"] - found.points[within[-1]].bytes
                if trial["flash_bytes"] <= self.options.flash and own >= excess:
                    break
                excess = own
        if self.max_drop is not None or self.min_sqnr is not None:
            below, above = 0, last
            for _ in range(ROUNDS):
                middle = (below + above) // 2
                if self._accurate(verify(middle)):
                    above = middle
                else:
                    below = middle + 1
                if below >= above:
                    break
        return list(trials.values())

    def _accurate(self, trial: Mapping[str, Any]) -> bool:
        drop, sqnr = trial["drop"], trial["sqnr_db"]
        few = self.max_drop is None or (drop is not None and drop <= self.max_drop)
        return few and (self.min_sqnr is None or sqnr is None or sqnr >= self.min_sqnr)

    def _fits(self, trial: Mapping[str, Any]) -> bool:
        ram = trial["ram_bytes"] + (trial["stack_bytes"] or 0)
        flash = self.options.flash is None or trial["flash_bytes"] <= self.options.flash
        return flash and (self.options.ram is None or ram <= self.options.ram)

    def _chosen(self, trials: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
        """The most accurate that fits; where accuracy has a limit and flash has none, the smallest within it."""
        fitting = [t for t in trials if self._fits(t) and self._accurate(t)]
        if not fitting:
            return None
        limited = self.max_drop is not None or self.min_sqnr is not None
        if limited and self.options.flash is None:
            return min(fitting, key=lambda t: (t["flash_bytes"], -_sqnr(t)))
        return min(fitting, key=lambda t: (-_sqnr(t), t["flash_bytes"]))

    def refuse(self, chosen: Mapping[str, Any] | None) -> None:
        """Complain if nothing keeps to what is asked for."""
        if chosen is not None:
            return
        trials = [t for t in self.memory.known["trials"].values() if self._fits(t)]
        if not trials:
            raise CapacityError(
                "no setting fits", hint="give more --flash or --ram, or a smaller model", where="search"
            )
        raise MismatchError(
            "no setting that fits is accurate enough",
            hint="the front is in search.json; allow more --max-drop or a lower --min-sqnr, or give more --flash",
        )

    def _cost_error(self, trials: Iterable[Mapping[str, Any]]) -> float | None:
        """By how much predicted and counted instructions differ at most, in percent."""
        errors = [
            abs(100.0 * (predicted - t["instructions"]) / t["instructions"])
            for t in trials
            if t["counted"]
            and t["instructions"]
            and (predicted := self.predicted(t["optimize"], t["bits"])) is not None
        ]
        return max(errors, default=None)

    def project(self, chosen: Mapping[str, Any], folder: Path) -> str:
        """The `edgeq.toml` that builds a setting."""
        options = self.options
        lines = [f"# {chosen['mean_bits']:.2f} bits a weight, found by `edgeq search`"]
        lines.append(f"model = {_text(_from(folder, options.model_path))}")
        if isinstance(options.calibration, str | Path):
            lines.append(f"calibration = {_text(_from(folder, Path(options.calibration)))}")
        lines += [f"target = {_text(options.target)}", f"optimize = {_text(chosen['optimize'])}"]
        numerics = options.numerics.value if isinstance(options.numerics, Numerics) else options.numerics
        kept = {
            "key": options.key,
            "name": options.name,
            "numerics": numerics,
            "toolchain": options.toolchain,
            "inputs": list(options.inputs),
            "outputs": list(options.outputs),
            "flash": options.flash,
            "ram": options.ram,
        }
        lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in kept.items() if value]
        if options.input_shapes:
            shapes = ", ".join(f"{_text(n)} = {list(shape)}" for n, shape in options.input_shapes.items())
            lines.append(f"input_shapes = {{ {shapes} }}")
        if options.input is not None:
            known = {key: value for key, value in options.input.to_dict().items() if value is not None}
            lines += ["", "[input]", *(f"{key} = {json.dumps(value)}" for key, value in known.items())]
        config = self.config(chosen["bits"])
        lines += ["", "[quantize]", *_assignments(config)]
        for entry in config.layers:
            lines += ["", f"[quantize.layers.{_text(entry.pattern)}]", *_assignments(entry)]
        return "\n".join(lines) + "\n"


def _assignments(config: QuantConfig | LayerConfig) -> list[str]:
    """The options that are not as they are by default, as edgeq.toml says them."""
    lines = []
    for item in declared(type(config)):
        value = getattr(config, item.path[-1])
        if value != item.default:
            plain = value.value if isinstance(value, Enum) else value
            lines.append(f"{item.key} = {json.dumps(plain, ensure_ascii=False)}")
    return lines


def _key(bits: Mapping[str, int]) -> str:
    return ",".join(str(count) for count in bits.values())


def _sqnr(trial: Mapping[str, Any]) -> float:
    return float("inf") if trial["sqnr_db"] is None else float(trial["sqnr_db"])


def _undominated(trials: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that are more accurate than all that take no more flash, the smallest first."""
    kept: list[dict[str, Any]] = []
    for trial in sorted(trials, key=lambda t: (t["flash_bytes"], -_sqnr(t))):
        if not kept or _sqnr(trial) > _sqnr(kept[-1]):
            kept.append(trial)
    return kept


def _public(trial: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in trial.items() if key != "values"}


def _public_or_none(trial: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if trial is None else _public(trial)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _from(folder: Path, path: Path) -> str:
    """A path as a file in `folder` says it."""
    whole = path.resolve()
    inside = whole.is_relative_to(folder.resolve())
    return (whole.relative_to(folder.resolve()) if inside else whole).as_posix()
