"""From a model file to a build folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeq.api.data import Dataset, load_data
from edgeq.api.project import BuildOptions
from edgeq.codegen.emit import emit
from edgeq.codegen.lower import lower
from edgeq.errors import UsageError
from edgeq.importers import load as import_model
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array, Shape
from edgeq.numerics.fixedpoint import Numerics
from edgeq.passes.pipeline import optimize_float, optimize_integer
from edgeq.quantize import quantize as quantize_graph
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.preprocess import InputSpec, apply_preprocessing
from edgeq.target import load_target

Step = Callable[[str], None]
Advance = Callable[[int, int], None]


def _silent(text: str) -> None:
    pass


@dataclass(frozen=True, eq=False)
class QuantizedModel:
    """A model in both worlds: the float graph that was quantized, and the integer graph that came of it."""

    float_graph: Graph
    graph: Graph


def load(path: str | Path, input_shapes: Mapping[str, Shape] | None = None) -> Graph:
    """Read an ONNX, TFLite or Keras file or a SavedModel folder.

    Args:
        path: the model.
        input_shapes: shapes of inputs that have dynamic dimensions beyond the batch.

    Returns:
        The float graph, NHWC, static shapes; a model quantized elsewhere carries its parameters.

    Raises:
        UsageError: there is no such file, or a dimension is dynamic.
        ModelError: the file is broken or holds what edgeq cannot take; every such node is listed.
    """
    return import_model(Path(path), dict(input_shapes or {}))


def quantize(
    model: Graph | str | Path,
    calibration: str | Path | Dataset | Iterable[Mapping[str, Array]] | None = None,
    config: QuantConfig | None = None,
    numerics: Numerics | None = None,
    input: InputSpec | None = None,
    progress: Advance | None = None,
) -> QuantizedModel:
    """Quantize a model to int8 by calibration (static post-training quantization).

    Args:
        model: what `load` gave, or a path for it.
        calibration: an .npz file, a Dataset or samples; not needed for models that are quantized already.
        config: observers, granularity, overrides.
        numerics: the arithmetic; by default what the model was made for.
        input: preprocessing of raw sensor data to fold in.
        progress: called with samples done and samples in all.

    Raises:
        QuantizationError: calibration is missing or useless.
    """
    graph = model if isinstance(model, Graph) else load(model)
    if input is not None:
        graph = apply_preprocessing(graph, input)
    float_graph = optimize_float(graph)
    samples = load_data(calibration, graph) if isinstance(calibration, str | Path) else calibration
    chosen = numerics or graph.preferred
    integer = quantize_graph(float_graph, samples, config or QuantConfig(), chosen, progress)
    return QuantizedModel(float_graph, optimize_integer(integer))


def build(options: BuildOptions, step: Step = _silent, progress: Advance | None = None) -> dict[str, Any]:
    """Generate, and unless told otherwise compile, the build folder of a model.

    Args:
        options: what to build and how.
        step: called with a line of text as each step begins.
        progress: called with calibration samples done and in all.

    Returns:
        The manifest (docs/build-folder.md).

    Raises:
        EdgeqError: see edgeq.errors for what each of them means. Nothing is left behind.
    """
    target = load_target(options.target)
    if options.kernels != "edgeq":
        raise UsageError(f"kernels {options.kernels!r} are not available in this version", hint="use --kernels edgeq")
    step(f"reading {options.model.name}")
    graph = load(options.model, options.input_shapes)
    step("quantizing")
    model = quantize(graph, options.calibration, options.quantize, options.numerics, options.input, progress)
    step(f"generating C for {target.name}")
    program = lower(model.graph, target, options.model_name)
    return emit(program, model.graph, model.float_graph, target, options.folder)


def manifest(folder: str | Path) -> dict[str, Any]:
    """The manifest of a build folder.

    Raises:
        UsageError: it is no build folder.
    """
    file = Path(folder) / "manifest.json"
    try:
        data = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            "not a build folder", hint="give the folder that `edgeq build --output` wrote", where=str(folder)
        ) from error
    return dict(data)
