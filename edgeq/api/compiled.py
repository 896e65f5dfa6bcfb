"""A model of a build folder, called from Python in this very process."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.api.paths import check_built
from edgeq.codegen.manifest import model_folder, read_manifest, read_target
from edgeq.errors import ToolError, UsageError
from edgeq.exporters.projects.binding import CompiledModel
from edgeq.ir.tensor import DType
from edgeq.ir.text import load_graph
from edgeq.quantize.input_spec import InputSpec
from edgeq.quantize.preprocess import raw_bytes
from edgeq.toolchain.cmake import build_shared, shared_path

_loaded: dict[str, tuple[int, ...]] = {}
"""Libraries that were loaded, by path, and what then told the file from others."""


def load_compiled(folder: str | Path, model: str | None = None, threads: int | None = None) -> CompiledModel:
    """A built model as an object that computes in this process: to the last bit what the simulator does.

    The first time, the shared library is compiled into DIR/build.

    Args:
        folder: a build folder for this machine (`--target host`, or another whose programs this machine runs).
        model: which of its models, if it has several.
        threads: how many share the work of a run; by default, and at most, as many as it was built for.

    Raises:
        UsageError: it is no build folder, is for another machine, or has no such model.
        ToolError: the library cannot be compiled or loaded.
    """
    root = Path(folder)
    check_built(root, model)
    target = read_target(root)
    if not target.here:
        raise UsageError(
            f"is for {target.name}, and this machine is not of its kind",
            hint="build it for --target host, or run it there: edgeq build --emit python",
            where=str(root),
        )
    name = str(read_manifest(root)["name"])
    path = shared_path(root, name)
    if not path.is_file():
        path = build_shared(root, name, target)
    return _open(path, _about(model_folder(root, model)), threads)


def _about(folder: Path) -> dict[str, Any]:
    """What the binding needs to know, from a model's manifest and graph."""
    manifest = read_manifest(folder)
    table = manifest.get("preprocessing")
    spec = InputSpec.from_dict(table) if table else None
    graph = load_graph(folder / "reference" / "float") if spec is not None else None

    def port(entry: dict[str, Any]) -> dict[str, Any]:
        about = {**entry, "dtype": str(np.dtype(DType(entry["dtype"]).numpy))}
        raw = None if spec is None or graph is None else raw_bytes(graph, spec, entry["name"])
        return about if raw is None else {**about, "raw": raw}

    return {
        **{key: manifest.get(key) for key in ("name", "arena_bytes", "layouts")},
        "state_bytes": manifest.get("state_bytes") or 0,
        "threads": manifest.get("threads") or 1,
        "inputs": [port(entry) for entry in manifest["inputs"]],
        "outputs": [{**e, "dtype": str(np.dtype(DType(e["dtype"]).numpy))} for e in manifest["outputs"]],
    }


def _open(path: Path, about: dict[str, Any], threads: int | None) -> CompiledModel:
    """Load a library, also where another one with the same path was loaded before: the system would give that again."""
    found = path.stat()
    key, mark = str(path.resolve()), (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)
    try:
        if _loaded.setdefault(key, mark) == mark:
            return CompiledModel(path.resolve(), about, threads)
        with tempfile.TemporaryDirectory(prefix="edgeq-", ignore_cleanup_errors=True) as place:
            return CompiledModel(shutil.copy(path, place), about, threads)
    except OSError as error:
        raise ToolError(f"cannot be loaded: {error}", hint="build it again on this machine", where=str(path)) from error
