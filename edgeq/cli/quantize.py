"""`edgeq quantize`: quantize a model, show the error of every layer, write a QDQ ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeq import api
from edgeq.api.project import parse_numerics
from edgeq.cli import _options as o
from edgeq.cli._common import JsonFlag, ShapesOption, print_json, progress, results, table


def command(
    model: o.ModelArgument,
    calibration: o.CalibrationOption = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="M.onnx", help="QDQ ONNX file.")] = None,
    numerics: Annotated[str | None, typer.Option("--numerics", metavar="MODE", help="fast, tflite or tflm.")] = None,
    observer: o.ObserverOption = None,
    weights: o.WeightsOption = None,
    activations: o.ActivationsOption = None,
    input_mean: o.MeanOption = None,
    input_std: o.StdOption = None,
    input_scale: o.ScaleOption = None,
    input_shape: ShapesOption = None,
    samples: Annotated[
        int, typer.Option("--samples", metavar="N", min=1, help="Samples for the per-layer error.")
    ] = 32,
    json: JsonFlag = False,
) -> None:
    """Quantize a model, write it as QDQ ONNX.

    Reports each layer's error against float. The file is standard ONNX, which other programs run.
    """
    base = o.base_options(model, input_shape)
    options = base.override(
        calibration=calibration,
        numerics=parse_numerics(numerics) if numerics else None,
        quantize=o.with_quantization(base.quantize, observer, weights, activations),
        input=o.input_spec(base.input, input_mean, input_std, input_scale),
    )
    with progress("calibrating", quiet=json) as advance:
        report = api.quantize_report(options, output, samples, advance)
    if json:
        print_json(report)
        return
    rows = [
        [e["name"], e["op"], e["sqnr_db"] if e["sqnr_db"] is not None else "", e["max_error"], e["cosine"]]
        for e in report["layers"]
    ]
    table("layer", "operator", "SQNR dB", "max error", "cosine", rows=rows)
    if output is not None:
        results.print(f"wrote {output}")
