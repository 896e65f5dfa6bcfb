"""`edgeq build`: from a model to a build folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeq import api
from edgeq.api.paths import check_output, check_sources
from edgeq.cli._common import JsonFlag, messages, print_json, progress, results, size
from edgeq.cli._options import Arguments, ModelArgument, read_options, takes_options
from edgeq.target import Target, load_target


@takes_options("build")
def command(model: ModelArgument, arguments: Arguments, json: JsonFlag = False) -> None:
    """Quantize a model, generate C for a target, and compile it."""
    options = read_options(model, arguments)
    check_sources(options)
    check_output(options)
    with progress("calibrating", quiet=json) as advance:
        manifest = api.build(options, step=lambda text: messages.print(text, style="dim"), progress=advance)
    print_json(manifest) if json else _show(options.folder, manifest, load_target(options.target))


def _show(folder: Path, manifest: dict[str, Any], target: Target) -> None:
    results.print(f"{manifest['name']} for {manifest['target']} in {folder}")
    rows = [
        ("MACs", f"{manifest['macs']:,}"),
        ("weights", f"{size(manifest['weights_bytes'])}{_elsewhere(manifest)}"),
        ("arena", size(manifest["arena_bytes"])),
    ]
    if manifest["states"]:
        rows.append(("states", size(manifest["state_bytes"])))
    if manifest["streaming"]:
        rows.append(("stripes", _stripes(manifest["streaming"])))
    if manifest.get("flash_bytes") is not None:
        rows += [(kind, share(manifest, kind, target)) for kind in ("flash", "RAM")]
        rows += [("stack", size(manifest["stack_bytes"])), ("compiler", manifest["toolchain"])]
    for label, value in rows:
        results.print(f"  {label:<10}{value}")


def _elsewhere(manifest: dict[str, Any]) -> str:
    """Where the weights are, if not in the program."""
    if manifest["weights_file"] is None:
        return ""
    emulated = manifest["weights_emulated_address"]
    there = "" if emulated is None else f" ({emulated:#x} in the emulator)"
    return f", in {manifest['weights_file']} for address {manifest['weights_address']:#x}{there}"


def _stripes(streaming: dict[str, Any]) -> str:
    layers, percent = streaming["layers"], streaming["extra_macs_percent"]
    layers_text = f"{layers[0]} to {layers[-1]}" if len(layers) > 1 else layers[0]
    return f"{streaming['stripes']} of {layers_text}: {streaming['extra_macs']:,} MACs more ({percent} %)"


def share(manifest: dict[str, Any], kind: str, target: Target) -> str:
    """How much of the target's "flash" or "RAM" the model takes, and startup, console and stack beside it."""
    model_bytes = manifest[f"{kind.lower()}_bytes"]
    text = size(model_bytes)
    region = target.memory.get(kind.lower())
    if region is None:
        return text
    platform_bytes = manifest["memory"]["platform" if kind == "flash" else "platform_ram"]
    apart = kind == "flash" and manifest.get("weights_region", "flash") != "flash"
    elsewhere = manifest["memory"]["weights"] if apart else 0
    used = model_bytes + platform_bytes - elsewhere
    if elsewhere:
        text += f", of which {size(elsewhere)} elsewhere"
    return (
        f"{text}, with {size(platform_bytes)} of the platform {100 * used / region.size:.1f} % of {size(region.size)}"
    )
