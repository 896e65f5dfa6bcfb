"""From a model file to a quantized model."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.api.data import Dataset, Samples, in_own_layout, load_data, random_data, real_ranges
from edgeq.api.doubts import check_calibration
from edgeq.api.dump import dump_into
from edgeq.api.measure import measure as measure_accuracy
from edgeq.api.paths import check_report, check_result, check_sources
from edgeq.api.project import BuildOptions
from edgeq.api.threads import one_thread
from edgeq.errors import InternalError, UsageError
from edgeq.exporters.qdq import save_qdq
from edgeq.importers import first_values, kind_of
from edgeq.importers import load as import_model
from edgeq.importers.cut import Cut
from edgeq.ir.graph import Graph
from edgeq.ir.layouts import Layout
from edgeq.ir.observe import Observe, unobserved
from edgeq.ir.tensor import Array, Shape
from edgeq.ir.traits import Perm
from edgeq.ir.verify import verify
from edgeq.numerics.fixedpoint import Numerics
from edgeq.numerics.modes import FLOAT, Float
from edgeq.passes.pipeline import optimize_float, optimize_integer, optimize_real
from edgeq.passes.with_frontend import with_frontend
from edgeq.passes.with_layouts import with_layouts
from edgeq.passes.with_states import with_states
from edgeq.passes.with_steps import Beyond, Steps, check_window, macs, time_axis, with_steps
from edgeq.passes.without_padding import without_padding
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.doubts import unused_in_float
from edgeq.quantize.element_types import wants16
from edgeq.quantize.groups import refuse_unused
from edgeq.quantize.pipeline import run as quantize_graph
from edgeq.quantize.preprocess import InputSpec, apply_preprocessing
from edgeq.quantize.real import as_real, is_best_real, refuse_reals, without_parameters
from edgeq.quantize.statistics import Calibration
from edgeq.quantize.store_weights import store_weights, wants_stored
from edgeq.report.accuracy import LayerError, layer_errors, quantize_inputs, real_output
from edgeq.report.causes import worst_layers
from edgeq.sequence import run_sequences, unroll
from edgeq.simulator import FloatExecutor, IntExecutor
from edgeq.warnings import EdgeqWarning, collecting, refuse, warn

LOG = logging.getLogger("edgeq")
WHOLE = 0.8
"""Share of a window's multiply-accumulates above which computing step by step saves little."""
Step = Callable[[str], None]
Advance = Callable[[int, int], None]


def silent(text: str) -> None:
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
        window: for a model of one step of a window (`stream`), that of the window, and how it became one of a step.
    """

    float_graph: Graph
    graph: Graph
    calibration: Calibration = field(default_factory=Calibration)
    warnings: tuple[EdgeqWarning, ...] = ()
    samples: Dataset | None = None
    layouts: Mapping[str, Perm] = field(default_factory=dict)
    input: InputSpec | None = None
    window: tuple[QuantizedModel, Steps] | None = None

    def __repr__(self) -> str:
        doubts = f", {len(self.warnings)} warnings" if self.warnings else ""
        return f"<QuantizedModel of {self.graph!r}{doubts}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: how accurate it is, and its layers."""
        from edgeq.api.reporting import notebook  # it is above

        return notebook(self)

    @cached_property
    def accuracy(self) -> dict[str, Any] | None:
        """How far the first output is from the float model's, on calibration samples (`edgeq.api.measure.measure`).

        None if there were no samples. That of a stream is its window's, whose outputs it gives.
        """
        if self.window is not None:
            return self.window[0].accuracy
        if not self.samples or not self.graph.public_outputs:
            return None
        with one_thread():
            return measure_accuracy(self.float_graph, self.graph, self.samples)

    def stream(self, rows: int = 1, axis: int | None = None, padding: Beyond = "window") -> QuantizedModel:
        """The model of one step, if this one is over a window in time: it takes newest rows and keeps what it needs.

        From the step on that fills the window, its outputs are exactly those of this model for the window that ends
        with that step.

        Args:
            rows: rows of the window that a step takes.
            axis: the dimension of the inputs that is time; by default the first one along which a layer reaches over
                more than one row.
            padding: what layers meet beyond the ends of a window: what they pad with, or ("stream") rows of the stream,
                of which there is then one more window's reach, and none is computed twice. Outputs are then those of
                the model without padding in time, over the longer window.

        Raises:
            UsageError: as `edgeq.passes.with_steps.with_steps`.
        """
        time = time_axis(self.graph) if axis is None else axis
        window, window_float = self.graph, self.float_graph
        if padding == "stream":
            check_window(window, rows, time)
            window, window_float = without_padding(window, time), without_padding(window_float, time)
        steps = with_steps(window, rows, time)
        steps = replace(steps, window_macs=macs(self.graph), padding=padding)
        if steps.window_macs and steps.macs > WHOLE * steps.window_macs:
            warn(
                f"a step computes {100 * steps.macs / steps.window_macs:.0f} % of what the window does",
                hint=f"{steps.whole or 'padding in time'} needs all rows in every step: "
                + ("--stream-step takes more at once" if steps.whole else "--stream-padding stream avoids that"),
                where=self.graph.name,
            )
        reference = with_steps(window_float, rows, time).graph
        renamed = dict(zip(self.graph.public_outputs, steps.graph.public_outputs, strict=True))
        return replace(
            self,
            float_graph=reference,
            graph=verify(steps.graph, InternalError, "with_steps"),
            samples=None,
            layouts={renamed.get(name, name): perm for name, perm in self.layouts.items()},
            window=(self, steps),
        )

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
            For each value of both graphs name, op, value, sqnr_db, max_error (in real units), cosine. Without data,
            those of a stream are its window's.

        Raises:
            UsageError: the samples do not fit the model.
        """
        if self.window is not None and data is None:
            return self.window[0].layer_errors(None, samples)
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
    numerics: Numerics | Float | None = None,
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
        numerics: the arithmetic; by default what the model was made for, and "float" for trees whose features 8 bits do
            not tell apart. "float": nothing is quantized, and samples are only what accuracy is measured on.
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
        open_to_both = config is None or not (config.no_float or config.real or wants16(config))
        chosen = numerics is None and open_to_both and is_best_real(graph)
        if chosen:
            LOG.info("trees compare features as real numbers, which 8 bits do not tell apart (--numerics fast: int8)")
        in_float = chosen or numerics == FLOAT
        if in_float:
            graph = without_parameters(graph)
        data = None if calibration is None else load_data(calibration, graph, input, key, layouts)
        if in_float:
            return _in_float(graph, config, data, layouts, observe, warnings, chosen)
        float_graph = optimize_float(graph, observe)
        if data is not None:
            check_calibration(data, float_graph, str(calibration) if isinstance(calibration, str | Path) else "")
        earlier = Calibration.load(statistics) if isinstance(statistics, str | Path) else statistics
        samples = _steps(data, float_graph)
        arithmetic = numerics if isinstance(numerics, Numerics) else graph.preferred
        result = quantize_graph(float_graph, samples, config, arithmetic, progress, observe, earlier)
        integer = optimize_integer(result.graph, observe)
        if config is not None and wants_stored(config):
            integer = store_weights(integer, config)
            observe("store_weights", integer)
        if config is not None:
            refuse_unused(integer, config)
        if config is not None and config.no_float:
            refuse_reals(integer)
    return QuantizedModel(result.float_graph, integer, result.calibration, tuple(warnings), data, layouts, input)


def _in_float(
    graph: Graph,
    config: QuantConfig | None,
    data: Dataset | None,
    layouts: Mapping[str, Perm],
    observe: Observe,
    warnings: list[EdgeqWarning],
    chosen: bool = False,
) -> QuantizedModel:
    """The model with all its layers in float32; `chosen` for it, not asked for."""
    if data is not None and not chosen:
        warn(
            "--numerics float quantizes nothing: calibration samples are not needed",
            hint="what is measured on them is how far float32 is from the float model",
            where=graph.name,
        )
    if config is not None and (config.no_float or config.real):
        raise UsageError(
            "--numerics float keeps all layers in float32", hint="leave --float and --no-float out", where=graph.name
        )
    if config is not None:
        unused_in_float(config, graph.name)
    reference = optimize_real(graph, observe)
    real = as_real(reference)
    observe("as_real", real)
    if config is not None and wants_stored(config):
        real = store_weights(real, config)
        observe("store_weights", real)
    if config is not None:
        refuse_unused(real, config)
    return QuantizedModel(reference, real, Calibration(), tuple(warnings), data, layouts)


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


def loaded(options: BuildOptions) -> Graph:
    """Read the model, or the part of it that is wanted, with the states that the options declare.

    Raises:
        UsageError, ModelError: as `load`; UsageError: both ends of a state do not fit each other.
    """
    becomes = {before: after for after, before in options.state.items()}
    cut = Cut(tuple(options.inputs), tuple(options.outputs), tuple(becomes))
    graph = import_model(options.model_path, dict(options.input_shapes), cut)
    if len(becomes) < len(options.state):
        twice = next(name for name in becomes if list(options.state.values()).count(name) > 1)
        raise UsageError(f"two outputs become the input {twice!r}", hint="name one of them", where="--state")
    graph = with_states(graph, becomes, first=first_values(options.model_path, becomes)) if becomes else graph
    return graph if options.frontend is None else with_frontend(graph, options.frontend)


def quantized(options: BuildOptions, step: Step, progress: Advance | None) -> QuantizedModel:
    """Read and quantize the model."""
    step(f"reading {options.model_path.name}")
    graph = loaded(options)
    step("quantizing")
    return _quantize(graph, options, progress)


def _quantize(graph: Graph, options: BuildOptions, progress: Advance | None) -> QuantizedModel:
    observe = dump_into(options.dump_ir)
    if not options.stream and (options.stream_step, options.stream_axis, options.stream_padding) != (1, None, "window"):
        raise UsageError(
            "--stream-step, --stream-axis and --stream-padding are for --stream", hint="add that, or leave them out"
        )
    model = quantize(
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
    if not options.stream:
        return model
    model = model.stream(options.stream_step, options.stream_axis, options.stream_padding)
    observe("with_steps", model.graph)
    return model


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
    if options.report is not None:
        check_report(Path(options.report))
    with collecting() as warnings:
        graph = loaded(options)
        model = _quantize(graph, options, progress)
        layers = model.layer_errors(samples=samples)
        if options.strict:
            refuse(warnings)
        if output is not None:
            model.save_qdq(output)
    if options.report is not None:
        from edgeq.api.reporting import report_on_model  # it is above

        report_on_model(model, options.model_name, options.model_path.resolve().name, options.report)
    return {
        "name": options.model_name,
        "numerics": model.graph.arithmetic,
        "output": str(output) if output else None,
        "layers": layers,
        "worst": worst_layers(layers, model.graph if model.window is None else model.window[0].graph),
        "warnings": [warning.to_dict() for warning in warnings],
    }
