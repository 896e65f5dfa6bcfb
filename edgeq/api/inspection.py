"""What is in a model or a build folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from edgeq.codegen.folder import restore
from edgeq.codegen.manifest import FILE, edited_files, model_folder, read_manifest
from edgeq.errors import UsageError
from edgeq.warnings import warn


def inspect(
    path: str | Path,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
    dump_ir: str | Path | None = None,
    inputs: Iterable[str] = (),
    outputs: Iterable[str] = (),
    model: str | None = None,
) -> dict[str, Any]:
    """Inputs, outputs and layers of a model after edgeq's passes; for a build folder, its manifest.

    Args:
        path: a model or a build folder.
        input_shapes: shapes of inputs that have dynamic dimensions beyond the batch.
        dump_ir: a folder for the graph after every pass that changed it, or None.
        inputs, outputs: where a model is cut, as for `load`.
        model: the name of one of a build folder's models, whose own manifest is wanted.

    Raises:
        UsageError, ModelError: as `load`.
    """
    path = Path(path)
    restore(path)
    if (path / FILE).is_file():
        own = path if model is None else model_folder(path, model)
        return {**read_manifest(own), "edited": list(warn_of_edits(path))}
    from edgeq.api.layers import summary  # here, so that a build folder is shown at once

    return summary(path, dict(input_shapes or {}), tuple(inputs), tuple(outputs), dump_ir)


def warn_of_edits(folder: Path) -> tuple[str, ...]:
    """Warn if generated files are not as they were generated; returns their paths."""
    edited = edited_files(folder)
    if edited:
        others = f" and {len(edited) - 3} more" if len(edited) > 3 else ""
        warn(
            f"files are no longer as they were generated: {', '.join(edited[:3])}{others}",
            hint="build it again, unless this is intended: what is said of the program may not hold",
            where=str(folder),
            strict=UsageError,
        )
    return edited
