"""A commented `edgeq.toml` for a model: what `edgeq init` writes."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeq.api.inspection import inspect
from edgeq.api.project import FILE, BuildOptions
from edgeq.errors import UsageError
from edgeq.options import options, sections

if TYPE_CHECKING:
    from edgeq.options.declare import Declaration

SET = ("model", "calibration", "target")
"""Keys that the file sets; the others stand in it as comments."""
SAMPLES = "samples.npz"


def starter(
    model: str | Path,
    folder: str | Path,
    target: str = "cortex-m4",
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
) -> str:
    """The text of an `edgeq.toml`, with every option as a comment.

    Args:
        model: ONNX, TFLite or Keras file, or SavedModel folder.
        folder: where the file is to lie; the model's path is relative to it.
        target: what to build for.
        input_shapes: shapes of inputs that have dynamic dimensions beyond the batch.

    Raises:
        UsageError, ModelError: as `edgeq.load`.
    """
    summary = inspect(model, input_shapes)
    lines = [f"# {summary['name']}: {summary['macs']:,} MACs, {summary['weights_bytes']:,} bytes of weights"]
    for kind in ("inputs", "outputs"):
        lines += [f"#   {kind[:-1]} {p['name']}: {p['dtype']} {tuple(p['shape'])}" for p in summary[kind]]
    lines += [
        "# `edgeq build` in this folder builds it; what is commented out is not needed. All options: docs/options.md",
        "",
    ]
    lines += [f"model = {json.dumps(_relative(Path(model), Path(folder)))}", *_calibration(summary)]
    lines += [f"target = {json.dumps(target)} # `edgeq targets` lists them; `board` in its place names a board"]
    if input_shapes:
        shapes = ", ".join(f"{json.dumps(name)} = {list(shape)}" for name, shape in input_shapes.items())
        lines += [f"input_shapes = {{ {shapes} }}"]
    lines += [*_comments(BuildOptions, "", {*SET, *(["input_shapes"] if input_shapes else [])}), ""]
    return "\n".join(lines)


def _relative(model: Path, folder: Path) -> str:
    """The model's path as the file says it: relative to its folder, if it lies within."""
    whole = model.resolve()
    inside = whole.is_relative_to(folder.resolve())
    return (whole.relative_to(folder.resolve()) if inside else whole).as_posix()


def _calibration(summary: Mapping[str, Any]) -> list[str]:
    """The line about samples: a model that is quantized already needs none."""
    if all(port.get("scale") for port in summary["inputs"]):
        return ["# The model is quantized: it needs no calibration."]
    shapes = ", ".join(
        f"{'x' if len(summary['inputs']) == 1 else port['name']} of shape (N, {', '.join(map(str, port['shape'][1:]))})"
        for port in summary["inputs"]
    )
    return [
        f"# 100 to 1000 samples of all kinds that occur, prepared as in training: {shapes}, real values.",
        f"# numpy.savez({SAMPLES!r}, …) writes such a file; a folder of images or .wav files does as well.",
        f"calibration = {json.dumps(SAMPLES)}",
    ]


def _comments(type: Declaration, path: str, known: set[str]) -> Iterator[str]:
    """Every option of a dataclass, commented out, and its tables."""
    for item in options(type):
        if item.key in known:
            continue
        default = f" (default: {item.default_text})" if item.default_text else ""
        yield ""
        yield from textwrap.wrap(f"{item.meaning}{default}", 110, initial_indent="# ", subsequent_indent="# ")
        yield f"# {item.assignment}"
    for name, section in sections(type).items():
        below = f"{path}{name}" + ('."NAME"' if section.each else "")
        yield ""
        for kinds, inner in section.variants.items():
            yield f"# [{below}] # " + (f"kind = {' or '.join(kinds)}" if kinds else section.help)
            yield from _comments(inner, f"{below}.", set())


def write_starter(text: str, folder: str | Path) -> Path:
    """Write the file into a folder that has none yet.

    Raises:
        UsageError: it is there already, or cannot be written.
    """
    path = Path(folder) / FILE
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError("is there already", hint="delete it, or choose another --output", where=str(path)) from None
    except OSError as error:
        raise UsageError(
            f"cannot be written: {error.strerror}", hint="choose another --output", where=str(path)
        ) from error
    return path
