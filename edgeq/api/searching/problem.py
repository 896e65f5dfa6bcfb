"""What is measured of settings: functions of a problem and a setting alone, which any process can compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from glob import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from edgeq.api.building import build
from edgeq.api.check import profile
from edgeq.api.data import Dataset
from edgeq.api.flow import QuantizedModel, quantize
from edgeq.api.project import BuildOptions
from edgeq.api.reporting import quality
from edgeq.api.threads import one_thread
from edgeq.codegen.lower import lower
from edgeq.errors import ToolError
from edgeq.ir.goals import Goal
from edgeq.ir.graph import Graph
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.distance import Distance
from edgeq.quantize.statistics import Calibration
from edgeq.report.size import code_of
from edgeq.target import load_target
from edgeq.toolchain.cmake import program_path
from edgeq.warnings import unheard

FIGURES = ("flash_bytes", "ram_bytes", "stack_bytes")
QUALITIES = ("sqnr_db", "centred_sqnr_db", "drop", "agreement")


@dataclass(frozen=True, eq=False)
class Problem:
    """A model with its samples.

    Attributes:
        name: a text that no other problem has.
        options: what to build and how, without limits.
        graph: the model as it was read.
        samples: the calibration samples.
        statistics: what they showed.
        distance: how far models are from the float model.
        data: the samples on which accuracy is measured.
    """

    name: str
    options: BuildOptions
    graph: Graph
    samples: Dataset
    statistics: Calibration
    distance: Distance
    data: Dataset

    def quantized(self, config: QuantConfig) -> QuantizedModel:
        """The model, quantized in another way."""
        options = self.options
        with unheard():
            return quantize(
                self.graph, self.samples, config, options.numerics, options.input, statistics=self.statistics
            )


@one_thread()
def error(problem: Problem, config: QuantConfig) -> float:
    """Noise over signal at the output, on calibration samples."""
    return problem.distance.error(problem.quantized(config).graph)


@one_thread()
def accuracy(problem: Problem, config: QuantConfig) -> dict[str, Any]:
    """How good a setting is on the samples that were given for that."""
    model = problem.quantized(config)
    kpis = quality(model.float_graph, model.graph, problem.data)["kpis"]
    return {key: kpis[key] for key in QUALITIES}


@one_thread()
def built(
    problem: Problem, config: QuantConfig, goal: Goal, layer_goals: Mapping[str, Goal], target: str, counted: bool
) -> dict[str, Any]:
    """What a setting costs.

    Args:
        problem: the model.
        config: how it is quantized.
        goal: what it is optimized for.
        layer_goals: what layers are optimized for, by name, in place of that.
        target: what for.
        counted: whether its instructions are counted, where an emulator can.

    Returns:
        flash_bytes, ram_bytes, stack_bytes; constants: bytes by layer; functions: kernels by layer; code: by kernel the
        functions that it brings with it, with their bytes; values: instructions by layer, or None.
    """
    model = problem.quantized(config)
    by_layer = {**{escape(name): own for name, own in layer_goals.items()}, **problem.options.optimize_layers}
    options = replace(problem.options, target=target, optimize=goal, optimize_layers=by_layer, quantize=config)
    lowered = lower(model.graph, load_target(target), options.model_name, goal, options.kernels, layer_goals=by_layer)
    bytes_of = {constant.name: constant.array.nbytes for constant in lowered.constants}
    with unheard(), TemporaryDirectory(prefix="edgeq-search-") as place:
        folder = Path(place) / "out"
        manifest = build(replace(options, output=folder), model=model)
        values = _values(folder, target) if counted else None
        elf = program_path(folder, lowered.name, load_target(target))
        code = code_of(elf, {call.function for call in lowered.calls}) if elf.is_file() else {}
    return {
        **{key: manifest[key] for key in FIGURES},
        "constants": {
            call.name: sum(bytes_of[m] for m in call.params.values() if isinstance(m, str) and m in bytes_of)
            for call in lowered.calls
        },
        "functions": {call.name: call.function for call in lowered.calls},
        "code": code,
        "values": values,
    }


@one_thread()
def arena(problem: Problem, config: QuantConfig, goal: Goal, target: str) -> int:
    """Bytes that a setting's activations take at once."""
    graph = problem.quantized(config).graph
    known = load_target(target)
    return lower(graph, known, problem.options.model_name, goal, problem.options.kernels).arena_bytes


def _values(folder: Path, target: str) -> dict[str, int] | None:
    """Instructions of each layer; None where no emulator counts them."""
    if load_target(target).counter != "instructions":
        return None
    try:
        return {layer["name"]: layer["value"] for layer in profile(folder)["layers"]}
    except ToolError:
        return None
