"""`edgeq build`: from a model to a build folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeq import api
from edgeq.cli._common import JsonFlag, messages, print_json, progress, results, size
from edgeq.cli._options import Arguments, ModelArgument, read_options, takes_options
from edgeq.target import Target, load_target


@takes_options("build")
def command(model: ModelArgument, arguments: Arguments, json: JsonFlag = False) -> None:
    """Quantize a model, generate C for a target, and compile it."""
    options = read_options(model, arguments)
    with progress("calibrating", quiet=json) as advance:
        made = api.build(options, step=lambda text: messages.print(text, style="dim"), progress=advance)
    print_json(made) if json else _show(options.folder, made, load_target(options.target))


def _show(folder: Path, made: dict[str, Any], target: Target) -> None:
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
        rows += [(kind, share(made, kind, target)) for kind in ("flash", "RAM")]
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


def share(made: dict[str, Any], kind: str, target: Target) -> str:
    """What the model takes of the target's "flash" or "RAM", with startup, console and stack, which are given apart."""
    taken = made[f"{kind.lower()}_bytes"]
    text = size(taken)
    region = target.memory.get(kind.lower())
    if region is None:
        return text
    beside = made["memory"]["platform" if kind == "flash" else "platform_ram"]
    apart = kind == "flash" and made.get("weights_region", "flash") != "flash"
    elsewhere = made["memory"]["weights"] if apart else 0
    used = taken + beside - elsewhere
    if elsewhere:
        text += f", of which {size(elsewhere)} elsewhere"
    return f"{text}, with {size(beside)} of the platform {100 * used / region.size:.1f} % of {size(region.size)}"
