"""What a search writes: the project that builds its choice, its result, a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from glob import escape
from pathlib import Path
from typing import Any

from edgeq.api.project import FILE, BuildOptions
from edgeq.numerics.fixedpoint import Numerics
from edgeq.options import options as declared
from edgeq.quantize.config import LayerConfig, QuantConfig
from edgeq.report.pictures import scatter

RESULT = "search.json"
PICTURE = "search.svg"


def write_result(folder: Path, found: Mapping[str, Any]) -> None:
    """Write the result, and the picture of its front with the uniform settings."""
    (folder / RESULT).write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    points = [
        (float(t["flash_bytes"]), float(t["sqnr_db"]), str(t["label"]))
        for t in found["front"]
        if t["sqnr_db"] is not None
    ]
    others = [
        (float(t["flash_bytes"]), float(t["sqnr_db"]))
        for t in found["uniform"]
        if t["sqnr_db"] is not None and t not in found["front"]
    ]
    picture = scatter(points, "flash, bytes", "SQNR, dB", others)
    (folder / PICTURE).write_text(_standing_alone(picture), encoding="utf-8")


def _standing_alone(svg: str) -> str:
    """A drawing whose colours come from a page, with colours of its own."""
    colours = {"--a": "#2b7a9b", "--line": "#dfe5ea", "--ink": "#1f2933", "--faint": "#66737f"}
    for name, colour in colours.items():
        svg = svg.replace(f"var({name})", colour)
    return svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" ', 1) + "\n"


def write_project(folder: Path, options: BuildOptions, config: QuantConfig, chosen: Mapping[str, Any]) -> None:
    """Write the `edgeq.toml` that builds a setting.

    Args:
        folder: where.
        options: what the search was given.
        config: how the setting is quantized.
        chosen: what is known of it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = _project(folder, options, config, chosen)
    (folder / FILE).write_text(text, encoding="utf-8", newline="\n")


def _project(folder: Path, options: BuildOptions, config: QuantConfig, chosen: Mapping[str, Any]) -> str:
    lines = [f"# {chosen['mean_bits']:.2f} bits a weight, found by `edgeq search`"]
    lines.append(f"model = {_text(_from(folder, options.model_path))}")
    if isinstance(options.calibration, str | Path):
        lines.append(f"calibration = {_text(_from(folder, Path(options.calibration)))}")
    lines += [f"target = {_text(options.target)}", f"optimize = {_text(chosen['optimize'])}"]
    numerics = options.numerics.value if isinstance(options.numerics, Numerics) else options.numerics
    kept = {
        "key": options.key,
        "name": options.name,
        "numerics": numerics,
        "toolchain": options.toolchain,
        "inputs": list(options.inputs),
        "outputs": list(options.outputs),
        "flash": options.flash,
        "ram": options.ram,
    }
    lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in kept.items() if value]
    if options.input_shapes:
        shapes = ", ".join(f"{_text(n)} = {list(shape)}" for n, shape in options.input_shapes.items())
        lines.append(f"input_shapes = {{ {shapes} }}")
    by_layer = {**{escape(n): g for n, g in chosen["optimize_layers"].items()}, **options.optimize_layers}
    if by_layer:
        lines += ["", "[optimize_layers]", *(f"{_text(name)} = {_text(goal)}" for name, goal in by_layer.items())]
    if options.input is not None:
        known = {key: value for key, value in options.input.to_dict().items() if value is not None}
        lines += ["", "[input]", *(f"{key} = {json.dumps(value)}" for key, value in known.items())]
    lines += ["", "[quantize]", *_assignments(config)]
    for entry in config.layers:
        lines += ["", f"[quantize.layers.{_text(entry.pattern)}]", *_assignments(entry)]
    return "\n".join(lines) + "\n"


def _assignments(config: QuantConfig | LayerConfig) -> list[str]:
    """The options that are not as they are by default, as edgeq.toml says them."""
    lines = []
    for item in declared(type(config)):
        value = getattr(config, item.path[-1])
        if value != item.default:
            plain = value.value if isinstance(value, Enum) else value
            lines.append(f"{item.key} = {json.dumps(plain, ensure_ascii=False)}")
    return lines


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _from(folder: Path, path: Path) -> str:
    """A path as a file in `folder` says it."""
    whole = path.resolve()
    inside = whole.is_relative_to(folder.resolve())
    return (whole.relative_to(folder.resolve()) if inside else whole).as_posix()
