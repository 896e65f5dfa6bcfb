"""`edgeq build`: from a model to a build folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edgeq import api
from edgeq.api.project import KERNELS, OPTIMIZE, choice, parse_numerics
from edgeq.cli import _options as o
from edgeq.cli._common import JsonFlag, ShapesOption, messages, print_json, progress, results, size
from edgeq.errors import UsageError


def command(
    model: o.ModelArgument,
    target: Annotated[str | None, typer.Option("--target", "-t", help="See `edgeq targets`.")] = None,
    calibration: o.CalibrationOption = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="DIR", help="Build folder.")] = None,
    numerics: Annotated[
        str | None,
        typer.Option(
            "--numerics",
            help="fast; tflite (as LiteRT, default for a quantized .tflite); tflm (as TFLite Micro).",
        ),
    ] = None,
    optimize: Annotated[str | None, typer.Option("--optimize", help="speed, balanced (default) or size.")] = None,
    kernels: Annotated[str | None, typer.Option("--kernels", help="edgeq (default) or cmsis-nn.")] = None,
    toolchain: Annotated[
        str | None, typer.Option("--toolchain", help="gcc, clang or zig; by default the first that is found.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="C name of the model; default: the file's.")] = None,
    observer: o.ObserverOption = None,
    weights: o.WeightsOption = None,
    activations: o.ActivationsOption = None,
    input_mean: o.MeanOption = None,
    input_std: o.StdOption = None,
    input_scale: o.ScaleOption = None,
    input_shape: ShapesOption = None,
    sanitize: Annotated[
        bool, typer.Option("--sanitize", help="Host only: AddressSanitizer and UndefinedBehaviorSanitizer.")
    ] = False,
    no_compile: Annotated[bool, typer.Option("--no-compile", help="Only generate the folder.")] = False,
    json: JsonFlag = False,
) -> None:
    """Quantize a model, generate C for a target, and compile it."""
    base = o.base_options(model, input_shape)
    options = base.override(
        target=target,
        calibration=calibration,
        output=output,
        name=name,
        numerics=parse_numerics(numerics) if numerics else None,
        optimize=choice(optimize, OPTIMIZE, "--optimize") if optimize else None,
        kernels=choice(kernels, KERNELS, "--kernels") if kernels else None,
        toolchain=toolchain,
        sanitize=sanitize or None,
        compile=False if no_compile else None,
        quantize=o.with_quantization(base.quantize, observer, weights, activations),
        input=o.input_spec(base.input, input_mean, input_std, input_scale),
    )
    if options.sanitize and options.target != "host":
        raise UsageError("--sanitize is for --target host", hint="leave it out, or build for the host")
    with progress("calibrating", quiet=json) as advance:
        made = api.build(options, step=lambda text: messages.print(text, style="dim"), progress=advance)
    print_json(made) if json else _show(options.folder, made)


def _show(folder: Path, made: dict[str, Any]) -> None:
    results.print(f"{made['name']} for {made['target']} in {folder}", markup=False)
    rows = [
        ("MACs", f"{made['macs']:,}"),
        ("weights", size(made["weights_bytes"])),
        ("arena", size(made["arena_bytes"])),
    ]
    if made.get("flash_bytes") is not None:
        rows += [("flash", size(made["flash_bytes"])), ("RAM", size(made["ram_bytes"]))]
        rows += [("compiler", made["toolchain"])]
    for label, value in rows:
        results.print(f"  {label:<10}{value}", markup=False)
