"""Options that more than one command takes, and how they become BuildOptions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeq.api.project import FILE, BuildOptions, load_project, parse_shape
from edgeq.errors import UsageError
from edgeq.ir.tensor import Shape
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.preprocess import InputSpec

ModelArgument = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL",
        help="ONNX, TFLite or Keras file, SavedModel folder, or a folder or file edgeq.toml.",
        show_default=False,
    ),
]
CalibrationOption = Annotated[
    Path | None,
    typer.Option("--calibration", metavar="X.npz", help="Calibration samples: array x, batch first, real values."),
]
ObserverOption = Annotated[
    str | None,
    typer.Option(
        "--observer", metavar="O", help="How ranges are found: min-max, moving-average, percentile, mse or entropy."
    ),
]
WeightsOption = Annotated[
    str | None, typer.Option("--weights", metavar="W", help="Weight scales: per-channel (default) or per-tensor.")
]
ActivationsOption = Annotated[
    str | None, typer.Option("--activations", metavar="A", help="Activations: asymmetric (default) or symmetric.")
]
MeanOption = Annotated[
    str | None,
    typer.Option(
        "--input-mean",
        metavar="X,X,X",
        help="Of raw bytes the model sees (raw * scale - mean) / std. One value, or one per channel; default: 0.",
    ),
]
StdOption = Annotated[
    str | None, typer.Option("--input-std", metavar="X,X,X", help="The same formula's std; default: 1.")
]
ScaleOption = Annotated[
    str | None, typer.Option("--input-scale", metavar="X,X,X", help="The same formula's scale; default: 1.")
]


def given_shapes(shapes: list[str] | None) -> dict[str, Shape]:
    """What --input-shape said."""
    return dict(parse_shape(s) for s in shapes or [])


def base_options(model: Path, shapes: list[str] | None) -> BuildOptions:
    """Options from edgeq.toml if `model` is one, else only the model; with --input-shape applied."""
    is_project = model.name.endswith(".toml") or (model.is_dir() and (model / FILE).is_file())
    options = load_project(model) if is_project else BuildOptions(model)
    return options.override(input_shapes={**options.input_shapes, **given_shapes(shapes)})


def with_quantization(
    config: QuantConfig, observer: str | None, weights: str | None, activations: str | None
) -> QuantConfig:
    """`config` with what was said on the command line."""
    given = {"observer": observer, "weights": weights, "activations": activations}
    return config.override({k: v for k, v in given.items() if v is not None})


def _numbers(text: str) -> list[float]:
    try:
        return [float(v) for v in text.split(",")]
    except ValueError as error:
        raise UsageError(f"{text!r} is not a number or a list such as 0.485,0.456,0.406") from error


def input_spec(spec: InputSpec | None, mean: str | None, std: str | None, scale: str | None) -> InputSpec | None:
    """`spec` with what was said on the command line."""
    given: dict[str, object] = {}
    for key, text in (("mean", mean), ("std", std), ("scale", scale)):
        if text is not None:
            given[key] = _numbers(text)
    if not given:
        return spec
    return InputSpec.from_dict({**(spec.to_dict() if spec else {}), **given})
