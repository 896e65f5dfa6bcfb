"""`edgeq build`: from a model to a build folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edgeq import api
from edgeq.api.project import choice, parse_numerics
from edgeq.cli import _options as o
from edgeq.cli._common import JsonFlag, ShapesOption, messages, print_json, progress, results, size
from edgeq.codegen.weights import WEIGHTS_IN
from edgeq.errors import UsageError
from edgeq.ir.kernel import GOALS, LIBRARIES
from edgeq.target import list_boards, load_target


def command(
    model: o.ModelArgument,
    target: Annotated[
        str | None,
        typer.Option("--target", "-t", metavar="T", help="What to build for, see `edgeq targets`; default: host."),
    ] = None,
    board: Annotated[
        str | None,
        typer.Option("--board", "-b", metavar="B", help="A board in place of --target: its memory, its clock."),
    ] = None,
    calibration: o.CalibrationOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Build folder; default: build/NAME-TARGET.")
    ] = None,
    numerics: Annotated[
        str | None,
        typer.Option(
            "--numerics",
            metavar="MODE",
            help="fast (default); tflite (as LiteRT; default for a quantized .tflite); tflm (as TFLite Micro).",
        ),
    ] = None,
    optimize: Annotated[
        str | None, typer.Option("--optimize", metavar="GOAL", help="speed, balanced (default) or size.")
    ] = None,
    kernels: Annotated[
        str | None, typer.Option("--kernels", metavar="SET", help="edgeq (default) or cmsis-nn.")
    ] = None,
    weights_in: Annotated[
        str | None,
        typer.Option(
            "--weights-in",
            metavar="PLACE",
            help="inline (default); section: one of their own, for a linker script to place; file: weights.bin.",
        ),
    ] = None,
    weights_address: Annotated[
        str | None,
        typer.Option(
            "--weights-address",
            metavar="ADDRESS",
            help="Where weights.bin is programmed, such as 0x90000000; default: the target's memory for weights.",
        ),
    ] = None,
    cmsis_nn_root: Annotated[
        Path | None,
        typer.Option(
            "--cmsis-nn-root", metavar="DIR", help="A copy of CMSIS-NN for --kernels cmsis-nn; default: fetched."
        ),
    ] = None,
    ram_budget: Annotated[
        int | None,
        typer.Option(
            "--ram-budget",
            metavar="N",
            min=1,
            help="Keep the arena to N bytes: compute layers in stripes if need be, fail if that is not enough.",
        ),
    ] = None,
    toolchain: Annotated[
        str | None,
        typer.Option("--toolchain", metavar="C", help="gcc, clang or zig; default: the first that is found."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="C name of the model; default: the file's.")
    ] = None,
    observer: o.ObserverOption = None,
    weights: o.WeightsOption = None,
    activations: o.ActivationsOption = None,
    input_mean: o.MeanOption = None,
    input_std: o.StdOption = None,
    input_scale: o.ScaleOption = None,
    input_shape: ShapesOption = None,
    simulate: Annotated[
        str | None,
        typer.Option("--simulate", metavar="TARGET", help="Host only: run this target's kernels, instructions as C."),
    ] = None,
    sanitize: Annotated[
        bool, typer.Option("--sanitize", help="Host only: AddressSanitizer and UndefinedBehaviorSanitizer.")
    ] = False,
    no_compile: Annotated[bool, typer.Option("--no-compile", help="Only generate the folder.")] = False,
    json: JsonFlag = False,
) -> None:
    """Quantize a model, generate C for a target, and compile it."""
    base = o.base_options(model, input_shape)
    options = base.override(
        target=_target(target, board),
        weights_in=choice(weights_in, WEIGHTS_IN, "--weights-in") if weights_in else None,
        weights_address=_address(weights_address) if weights_address else None,
        ram_budget=ram_budget,
        calibration=calibration,
        output=output,
        name=name,
        numerics=parse_numerics(numerics) if numerics else None,
        optimize=choice(optimize, GOALS, "--optimize") if optimize else None,
        kernels=choice(kernels, LIBRARIES, "--kernels") if kernels else None,
        cmsis_nn_root=cmsis_nn_root,
        toolchain=toolchain,
        sanitize=sanitize or None,
        simulate=simulate,
        compile=False if no_compile else None,
        quantize=o.with_quantization(base.quantize, observer, weights, activations),
        input=o.input_spec(base.input, input_mean, input_std, input_scale),
    )
    with progress("calibrating", quiet=json) as advance:
        made = api.build(options, step=lambda text: messages.print(text, style="dim"), progress=advance)
    print_json(made) if json else _show(options.folder, made)


def _target(target: str | None, board: str | None) -> str | None:
    if board is None:
        return target
    if target is not None:
        raise UsageError("--target and --board exclude each other", hint="a board says what its CPU is")
    boards = [b.name for b in list_boards()]
    return choice(board, tuple(boards), "--board")


def _address(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError as error:
        raise UsageError(f"{text!r} is not an address", hint="write it as 0x90000000") from error


def _show(folder: Path, made: dict[str, Any]) -> None:
    results.print(f"{made['name']} for {made['target']} in {folder}")
    rows = [
        ("MACs", f"{made['macs']:,}"),
        ("weights", f"{size(made['weights_bytes'])}{_elsewhere(made)}"),
        ("arena", size(made["arena_bytes"])),
    ]
    if made["states"]:
        rows.append(("states", size(made["state_bytes"])))
    if made["streaming"]:
        rows.append(("stripes", _stripes(made["streaming"])))
    if made.get("flash_bytes") is not None:
        rows += [(kind, share(made, kind)) for kind in ("flash", "RAM")]
        rows += [("stack", size(made["stack_bytes"])), ("compiler", made["toolchain"])]
    for label, value in rows:
        results.print(f"  {label:<10}{value}")


def _elsewhere(made: dict[str, Any]) -> str:
    """Where the weights are, if not in the program."""
    if made["weights_file"] is None:
        return ""
    return f", in {made['weights_file']} for address {made['weights_address']:#x}"


def _stripes(found: dict[str, Any]) -> str:
    layers, percent = found["layers"], found["extra_macs_percent"]
    run = f"{layers[0]} to {layers[-1]}" if len(layers) > 1 else layers[0]
    return f"{found['stripes']} of {run}: {found['extra_macs']:,} MACs more ({percent} %)"


def share(made: dict[str, Any], kind: str) -> str:
    """What the model takes of the target's "flash" or "RAM", with startup, console and stack, which are given apart."""
    taken = made[f"{kind.lower()}_bytes"]
    text = size(taken)
    region = load_target(made["target"]).memory.get(kind.lower())
    if region is None:
        return text
    beside = made["memory"]["platform" if kind == "flash" else "platform_ram"]
    apart = kind == "flash" and made.get("weights_region", "flash") != "flash"
    elsewhere = made["memory"]["weights"] if apart else 0
    used = taken + beside - elsewhere
    if elsewhere:
        text += f", of which {size(elsewhere)} elsewhere"
    return f"{text}, with {size(beside)} of the platform {100 * used / region.size:.1f} % of {size(region.size)}"
