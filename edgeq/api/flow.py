"""From a model file to a build folder."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from edgeq.api.data import Dataset, Samples, in_own_layout, load_data, random_data, real_ranges
from edgeq.api.doubts import check_calibration
from edgeq.api.dump import dump_into
from edgeq.api.measure import measure as measure_accuracy
from edgeq.api.paths import check_output, check_result, check_sources
from edgeq.api.project import BuildOptions
from edgeq.api.threads import one_thread
from edgeq.codegen import cmsis_nn
from edgeq.codegen.capacity import check_chip, check_linked
from edgeq.codegen.emit import emit
from edgeq.codegen.folder import staging
from edgeq.codegen.lower import lower
from edgeq.codegen.manifest import update_manifest
from edgeq.codegen.program import Program
from edgeq.codegen.weights import place_weights
from edgeq.errors import CapacityError, InternalError, ModelError, UsageError
from edgeq.exporters.qdq import save_qdq
from edgeq.importers import kind_of
from edgeq.importers import load as import_model
from edgeq.importers.cut import Cut
from edgeq.ir.graph import Graph
from edgeq.ir.layouts import Layout
from edgeq.ir.observe import Observe, unobserved
from edgeq.ir.tensor import Array, Shape
from edgeq.ir.traits import Perm
from edgeq.numerics.fixedpoint import Numerics
from edgeq.passes.pipeline import optimize_float, optimize_integer
from edgeq.passes.with_layouts import with_layouts
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.pipeline import run as quantize_graph
from edgeq.quantize.preprocess import InputSpec, apply_preprocessing
from edgeq.quantize.statistics import Calibration
from edgeq.report.accuracy import LayerError, layer_errors, quantize_inputs, real_output
from edgeq.report.causes import worst_layers
from edgeq.report.library_calls import layers_of, library_calls
from edgeq.report.size import end_within, measure
from edgeq.sequence import run_sequences, unroll
from edgeq.simulator import FloatExecutor, IntExecutor
from edgeq.target import Target, load_target, target_name, with_console, with_isa
from edgeq.toolchain.cmake import build as build_program
from edgeq.toolchain.cmake import check_compilable, forget_place
from edgeq.toolchain.compilers import find_toolchain
from edgeq.warnings import EdgeqWarning, collecting, refuse, warn

LOG = logging.getLogger("edgeq")
Step = Callable[[str], None]
Advance = Callable[[int, int], None]


def _silent(text: str) -> None:
    pass


@dataclass(frozen=True, eq=False)
class QuantizedModel:
    """A model before and after quantization.

    Attributes:
        float_graph: the float graph that was quantized.
        graph: the resulting integer graph.
        calibration: what was measured of the float graph; `calibration.save(path)` keeps it for the next time.
        warnings: what edgeq had doubts about.
        samples: the calibration samples, if there were any.
        layouts: of inputs and outputs that the caller has in another layout than the model, the permutation from the
            model's to the caller's.
        input: the preprocessing of raw sensor data that was folded in.
    """

    float_graph: Graph
    graph: Graph
    calibration: Calibration = field(default_factory=Calibration)
    warnings: tuple[EdgeqWarning, ...] = ()
    samples: Dataset | None = None
    layouts: Mapping[str, Perm] = field(default_factory=dict)
    input: InputSpec | None = None

    def __repr__(self) -> str:
        doubts = f", {len(self.warnings)} warnings" if self.warnings else ""
        return f"<QuantizedModel of {self.graph!r}{doubts}>"

    @cached_property
    def accuracy(self) -> dict[str, Any] | None:
        """How far the first output is from the float model's, on calibration samples (`edgeq.api.measure.measure`).

        None if there were no samples.
        """
        if not self.samples or not self.graph.public_outputs:
            return None
        with one_thread():
            return measure_accuracy(self.float_graph, self.graph, self.samples)

    def save_qdq(self, path: str | Path) -> None:
        """Write the model as QDQ ONNX, which other programs run.

        Raises:
            ModelError: operators that ONNX cannot express; all are listed.
            UsageError: the file cannot be written.
        """
        save_qdq(self.graph, path)

    def layer_errors(self, data: Samples | None = None, samples: int | None = 32) -> list[LayerError]:
        """How far every layer's output is from the float model's, errors of the layers before it included.

        Args:
            data: what it is measured on; by default the calibration samples, or random ones where there were none.
            samples: how many of the first samples to use; None for all.

        Returns:
            For each value of both graphs name, op, value, sqnr_db, max_error (in real units), cosine.

        Raises:
            UsageError: the samples do not fit the model.
        """
        chosen = self.samples if data is None else self._data(data)
        if chosen is None:
            chosen = random_data(self.graph, real_ranges(self.graph), samples or 32)
        chosen = chosen.first(samples)
        with one_thread():
            return layer_errors(self.float_graph, self.graph, chosen, chosen.steps)

    def predict(self, data: Samples, key: str | None = None) -> dict[str, Array]:
        """The model's outputs in its integer arithmetic: to the last bit what `edgeq.run` gives of the built program.

        Args:
            data: samples of the inputs, real values (`edgeq.api.data.load_data`).
            key: the array that holds the samples of a model's only input, if it is not `x`.

        Returns:
            For every output an array of real values, samples first; (sequences, steps, …) where the data are several
            sequences for a model with states.

        Raises:
            UsageError: the samples do not fit the model.
        """
        dataset, graph = self._data(data, key), self.graph
        integers = (quantize_inputs(graph, sample) for sample in dataset)
        values: dict[str, list[Array]] = {name: [] for name in graph.public_outputs}
        with one_thread():
            for result in run_sequences(IntExecutor(graph), integers, dataset.steps):
                for name, rows in values.items():
                    real = real_output(graph, name, result[name])
                    rows.append(np.atleast_1d(in_own_layout(self.layouts, name, real)))
        return dataset.in_sequences({name: np.concatenate(rows) for name, rows in values.items()})

    def _data(self, source: Samples, key: str | None = None) -> Dataset:
        return load_data(source, self.float_graph, self.input, key, self.layouts)


def load(
    path: str | Path,
    input_shapes: Mapping[str, Shape] | None = None,
    inputs: Iterable[str] = (),
    outputs: Iterable[str] = (),
) -> Graph:
    """Read an ONNX, TFLite or Keras file or a SavedModel folder, or a part of it.

    Args:
        path: the model.
        input_shapes: shapes of inputs that have dynamic dimensions beyond the batch.
        inputs: tensors, or nodes for what they compute, that become the inputs; by default the model's.
        outputs: tensors, or nodes for what they compute, that become the outputs; by default the model's.

    Returns:
        The float graph, NHWC, static shapes; a model quantized elsewhere carries its parameters.

    Raises:
        UsageError: there is no such file or tensor, or a dimension is dynamic.
        ModelError: the file is broken or holds what edgeq cannot take; every such node is listed.
    """
    return import_model(Path(path), dict(input_shapes or {}), Cut(tuple(inputs), tuple(outputs)))


@one_thread()
def quantize(
    model: Graph | str | Path,
    calibration: Samples | None = None,
    config: QuantConfig | None = None,
    numerics: Numerics | None = None,
    input: InputSpec | None = None,
    progress: Advance | None = None,
    observe: Observe = unobserved,
    statistics: Calibration | str | Path | None = None,
    key: str | None = None,
    input_layout: Layout | None = None,
    output_layout: Layout | None = None,
    model_layout: Layout | None = None,
) -> QuantizedModel:
    """Quantize a model to int8 by calibration (static post-training quantization).

    Args:
        model: what `load` returned, or the path of a model.
        calibration: an .npz file, an array, arrays by name, or one mapping per sample (`edgeq.api.data.load_data`); not
            needed for models that are quantized already. For a model with states, samples of the public inputs,
            which are steps of one sequence or of several.
        config: observers, granularity, overrides.
        numerics: the arithmetic; by default what the model was made for.
        input: preprocessing of raw sensor data to fold in.
        progress: called with samples done and samples in all.
        observe: called with the name of every step and the graph that resulted, from "import" on.
        statistics: the `calibration` of an earlier result for the same model, or a file of it: what it holds is not
            measured again. If there are no samples as well, biases are not corrected.
        key: the array that holds the samples of a model's only input, if it is not `x`.
        input_layout, output_layout: the layout in which the caller of the program exchanges images; by default the
            model's own, in which samples always are.
        model_layout: the model's own layout, where nothing in it tells; by default that of its file's format.

    Raises:
        UsageError: samples do not fit the model, or there are no images to which a layout applies.
        QuantizationError: calibration is missing or unusable.
    """
    with collecting() as warnings:
        observe = _logged(observe)
        graph = model if isinstance(model, Graph) else load(model)
        observe("import", graph)
        if input is not None:
            graph = apply_preprocessing(graph, input)
            observe("apply_preprocessing", graph)
        own = model_layout or _usual_layout(model)
        graph, layouts = with_layouts(graph, input_layout, output_layout, own)
        observe("with_layouts", graph)
        data = None if calibration is None else load_data(calibration, graph, input, key, layouts)
        float_graph = optimize_float(graph, observe)
        if data is not None:
            check_calibration(data, float_graph, str(calibration) if isinstance(calibration, str | Path) else "")
        earlier = Calibration.load(statistics) if isinstance(statistics, str | Path) else statistics
        samples = _steps(data, float_graph)
        arithmetic = numerics or graph.preferred
        result = quantize_graph(float_graph, samples, config, arithmetic, progress, observe, earlier)
        integer = optimize_integer(result.graph, observe)
    return QuantizedModel(result.float_graph, integer, result.calibration, tuple(warnings), data, layouts, input)


def _logged(observe: Observe) -> Observe:
    """An observer that also logs each step that changed the graph."""
    last: list[Graph] = []

    def seen(name: str, graph: Graph) -> None:
        if graph not in last:
            LOG.debug("%s: %d nodes", name, len(graph.nodes))
        last[:] = [graph]
        observe(name, graph)

    return seen


def _usual_layout(model: Graph | str | Path) -> Layout:
    """The layout that models of a format usually have."""
    return "nhwc" if isinstance(model, str | Path) and kind_of(model) != "onnx" else "nchw"


def _steps(data: Dataset | None, graph: Graph) -> Iterable[Mapping[str, Array]] | None:
    """Samples with all inputs of a graph, those of states too."""
    return unroll(FloatExecutor(graph), data, data.steps) if data is not None and graph.states else data


def build(
    options: BuildOptions,
    step: Step = _silent,
    progress: Advance | None = None,
    model: QuantizedModel | None = None,
) -> dict[str, Any]:
    """Generate the build folder of a model, and compile it unless `options` say otherwise.

    Args:
        options: what to build and how.
        step: called with a line of text as each step begins.
        progress: called with calibration samples done and in all.
        model: what `quantize` returned, to build it for one target after another; what `options` say about
            quantization is then ignored.

    Returns:
        The manifest (docs/build-folder.md).

    Raises:
        EdgeqError: see edgeq.errors for what each subclass means. Nothing is left behind.
    """
    target = _target(options)
    lowered_for = _kernel_target(target, options.simulate)
    options = _with_library(options, model)
    if options.sanitize and not target.native:
        raise UsageError(f"--sanitize is for --target host, not {target.name}", hint="leave one of them out")
    place = place_weights(options.weights_in, options.weights_address, target)
    folder = options.folder
    if model is None:
        check_sources(options)
    check_output(options)
    if options.compile:  # better to learn before the work than after
        find_toolchain(target, options.toolchain)
        check_compilable(folder)
        if options.cmsis_nn_root is not None:
            check_compilable(Path(options.cmsis_nn_root), "--cmsis-nn-root")
    with collecting(() if model is None else model.warnings) as warnings:
        model = model or _quantized(options, step, progress)
        step(f"generating C for {target.name}")
        program = lower(
            model.graph,
            lowered_for,
            options.model_name,
            options.optimize,
            options.kernels,
            place,
            options.ram_budget,
            options.require_fast,
        )
        check_chip(program, options.flash, options.ram)
        if options.strict:
            refuse(warnings)
        entries: dict[str, Any] = {
            "source": options.model_path.resolve().name,
            "cut": {"inputs": list(options.inputs), "outputs": list(options.outputs)},
            "layouts": {name: list(perm) for name, perm in model.layouts.items()},
            "preprocessing": options.input.to_dict() if options.input else None,
            "simulate": target_name(options.simulate) if options.simulate else None,
            "chip": {"flash": options.flash, "ram": options.ram},
            "accuracy": model.accuracy,
        }
        with staging(folder) as stage:
            emit(program, model.graph, model.float_graph, target, stage)
            if options.compile:
                step("compiling")
                entries |= _compile(stage, options, target, program)
                check_linked(entries, options.flash, options.ram)
            if options.strict:
                refuse(warnings)
            entries["warnings"] = [warning.to_dict() for warning in warnings]
            manifest = update_manifest(stage, **entries)
    return {**manifest, "folder": str(folder)}


def _quantized(options: BuildOptions, step: Step, progress: Advance | None) -> QuantizedModel:
    """Read and quantize the model."""
    step(f"reading {options.model_path.name}")
    graph = load(options.model_path, options.input_shapes, options.inputs, options.outputs)
    step("quantizing")
    return _quantize(graph, options, progress)


def _quantize(graph: Graph, options: BuildOptions, progress: Advance | None) -> QuantizedModel:
    observe = dump_into(options.dump_ir)
    return quantize(
        graph,
        options.calibration,
        options.quantize,
        options.numerics,
        options.input,
        progress,
        observe,
        key=options.key,
        input_layout=options.input_layout,
        output_layout=options.output_layout,
        model_layout=_usual_layout(options.model_path),
    )


def _target(options: BuildOptions) -> Target:
    """What is built for; this machine's own vectors are not for programs that run another processor's kernels.

    Raises:
        UsageError: there is no such target, or the instruction set is not one of its.
    """
    target = with_console(load_target(options.target), options.console)
    if options.simulate is None:
        return with_isa(target, options.isa)
    if options.isa is not None:
        raise UsageError("--isa chooses this machine's kernels, --simulate another's", hint="leave one of them out")
    return target


def _kernel_target(target: Target, simulate: str | None) -> Target:
    """The target, with the instruction set of the one that it simulates.

    Raises:
        UsageError: only the host can simulate.
    """
    if simulate is None:
        return target
    if not target.native:
        raise UsageError(f"--simulate is for --target host, not {target.name}", hint="leave one of them out")
    return replace(target, isa=load_target(simulate).isa)


def _with_library(options: BuildOptions, model: QuantizedModel | None) -> BuildOptions:
    """The options, adapted to the library whose kernels are called.

    Raises:
        UsageError: an option, or how the model was quantized, does not fit that library.
    """
    root = None if options.cmsis_nn_root is None else Path(options.cmsis_nn_root)
    if options.kernels != "cmsis-nn":
        if root is not None:
            raise UsageError("--cmsis-nn-root is for --kernels cmsis-nn", hint="add that, or leave it out")
        return options
    numerics = options.numerics if model is None else model.graph.numerics
    if numerics not in (None, Numerics.TFLM):
        raise UsageError(
            f"CMSIS-NN has no numerics {numerics.value!r}",
            hint="--kernels cmsis-nn implies --numerics tflm: leave --numerics out",
        )
    if options.simulate is not None:
        raise UsageError(
            "--simulate runs edgeq's kernels, not those of CMSIS-NN",
            hint="leave --simulate out: the host compiles CMSIS-NN as plain C",
        )
    if root is not None and not cmsis_nn.is_copy(root):
        raise UsageError(
            f"is no copy of CMSIS-NN: there is no {cmsis_nn.HEADER}",
            hint=f"give the folder of release {cmsis_nn.VERSION}, or none, and it is fetched",
            where=str(root),
        )
    return replace(options, numerics=Numerics.TFLM)


def _compile(folder: Path, options: BuildOptions, target: Target, program: Program) -> dict[str, Any]:
    """Compile, and measure the result."""
    built = build_program(
        folder,
        options.model_name,
        target,
        options.toolchain,
        options.sanitize,
        cmsis_nn_root=None if options.cmsis_nn_root is None else Path(options.cmsis_nn_root),
    )
    forget_place(folder)
    kernel_files = {path.name for path in (folder / "kernels").rglob("*.c")}
    size = measure(built.program, target, program.image_bytes, kernel_files)
    weights = size.weights or program.constant_bytes
    entries: dict[str, Any] = {"toolchain": built.toolchain.version, **size.manifest(), "weights_flash_bytes": weights}
    emulated, flash = program.weights.emulated, target.memory.get("flash")
    if emulated is not None and flash is not None and flash.origin <= emulated < end_within(built.program, flash):
        entries["weights_emulated_address"] = None
        warn(
            f"the emulator has no memory for weights at {program.weights.address:#x}, nor elsewhere",
            hint="it cannot be run or verified here; build it once more with --weights-in section for that",
            where=options.model_path.name,
            strict=CapacityError,
        )
    if built.library.is_file():
        entries["library_calls"] = _library_calls(built.library, program)
    return entries


def _library_calls(library: Path, program: Program) -> list[dict[str, Any]]:
    """What a model's code calls of compiler and C library, for the manifest; all of it is warned of.

    Raises:
        InternalError: something that no layer justifies is among it.
    """
    files = {call.name: [PurePosixPath(source).name for source in call.sources] for call in program.calls}
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for call in library_calls(library):
        if call.never:
            hint = "please report this: generated code must not call it"
            raise InternalError(f"{call.file} calls {call.symbol}, which is {call.kind}", hint=hint)
        found.setdefault((call.kind, layers_of(call, files)), []).append(call.symbol)
    real = {call.name for call in program.calls if call.computes_reals}
    for (kind, layers), symbols in found.items():
        if set(layers) - real or not layers:
            warn(
                f"{kind}, which is slow: {', '.join(symbols)}",
                hint="take another core, or operators that need no such thing, where time or flash are short",
                where=", ".join(layers) or program.name,
                strict=ModelError,
            )
    return [{"kind": kind, "symbols": symbols, "layers": list(layers)} for (kind, layers), symbols in found.items()]


@one_thread()
def quantize_report(
    options: BuildOptions, output: str | Path | None = None, samples: int = 32, progress: Advance | None = None
) -> dict[str, Any]:
    """Quantize a model, measure the error of every layer against float, write QDQ ONNX if `output` is given.

    Args:
        options: model, calibration and how to quantize.
        output: the ONNX file to write, or None.
        samples: how many calibration samples the error is measured on; random ones where there is no calibration.
        progress: called with calibration samples done and in all.

    Returns:
        name, numerics, output, layers with name, op, value, sqnr_db, max_error, cosine, rms, worst, up to three layers
        with name, value, sqnr_db and why, and warnings, each with message, hint, where.

    Raises:
        EdgeqError: as `quantize`; UsageError if the file cannot be written.
    """
    check_sources(options)
    check_result(None if output is None else Path(output))
    with collecting() as warnings:
        graph = load(options.model_path, options.input_shapes, options.inputs, options.outputs)
        model = _quantize(graph, options, progress)
        layers = model.layer_errors(samples=samples)
        if options.strict:
            refuse(warnings)
        if output is not None:
            model.save_qdq(output)
    return {
        "name": options.model_name,
        "numerics": (model.graph.numerics or Numerics.FAST).value,
        "output": str(output) if output else None,
        "layers": layers,
        "worst": worst_layers(layers, model.graph),
        "warnings": [warning.to_dict() for warning in warnings],
    }
