"""Keras files and SavedModels → Graph, by way of TensorFlow's own converter to a float .tflite."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from edgeq import children
from edgeq.errors import EdgeqError, ModelError, ToolError, UsageError
from edgeq.importers.cut import Cut
from edgeq.importers.tflite import import_raw
from edgeq.importers.tflite.raw import RawModel
from edgeq.importers.tflite.reader import read
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Shape

INSTALL = 'pip install "edgeq[tensorflow]"'
LONGEST = 1800.0
"""Seconds after which a conversion counts as hung."""
ERRORS: dict[str, type[EdgeqError]] = {"ModelError": ModelError, "ToolError": ToolError, "UsageError": UsageError}
QUIET = {
    "CUDA_VISIBLE_DEVICES": "",
    "KERAS_BACKEND": "tensorflow",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
}
"""Environment of the converter: no logging, and nothing that could change its result from run to run."""
PLACES = ("HOME", "KERAS_HOME", "TMPDIR")
"""Variables that say where the converter writes: it may only write to its own folder."""


def load(path: str | Path, input_shapes: Mapping[str, Shape] | None = None, cut: Cut | None = None) -> Graph:
    """Read a .keras or .h5 file or a SavedModel folder, or the part that `cut` names; all else as in
    `edgeq.importers.load`.

    Inputs and outputs keep the names they have in the model.
    """
    source = Path(path)
    if importlib.util.find_spec("tensorflow") is None:
        raise ToolError(
            "reading this model needs TensorFlow, which is not installed",
            hint=f"{INSTALL}, or export the model to .tflite or .onnx",
            where=str(path),
        )
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        report = _convert(source, dict(input_shapes or {}), cut or Cut(), Path(folder))
        if "error" in report:
            kind = ERRORS.get(str(report["error"]), ModelError)
            raise kind(str(report["message"]), hint=str(report["hint"]), where=str(path))
        model = read((Path(folder) / "model.tflite").read_bytes(), str(path))
    rest = cut if source.is_dir() else None  # a Keras model was cut at its layers
    return import_raw(_named(model, report), source.stem, where=str(path), cut=rest)[0]


def _convert(source: Path, shapes: Mapping[str, Shape], cut: Cut, folder: Path) -> dict[str, object]:
    """Run the converter; returns its report."""
    request = folder / "request.json"
    content = {
        "source": str(source.resolve()),
        "shapes": shapes,
        "inputs": cut.inputs,
        "outputs": cut.outputs,
        "result": str(folder),
    }
    request.write_text(json.dumps(content), encoding="utf-8")
    package = str(Path(__file__).resolve().parents[2])
    search = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    try:
        converter = children.run(
            [sys.executable, "-m", "edgeq.importers._tf_convert", str(request)],
            cwd=folder,
            environment={**os.environ, **QUIET, **dict.fromkeys(PLACES, str(folder)), "PYTHONPATH": search},
            timeout=LONGEST,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(
            f"TensorFlow's converter did not finish: {error}",
            hint="convert the model to .tflite yourself",
            where=str(source),
        ) from error
    report_file = folder / "report.json"
    if not report_file.exists():
        lines = converter.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ToolError(
            f"TensorFlow's converter failed ({converter.returncode}): {lines[-1] if lines else 'it said nothing'}",
            hint=f"check the installation ({INSTALL}), or convert the model to .tflite yourself",
            where=str(source),
        )
    report: dict[str, object] = json.loads(report_file.read_text(encoding="utf-8"))
    return report


def _named(model: RawModel, report: Mapping[str, object]) -> RawModel:
    """The model with its inputs and outputs named and ordered as in the source."""
    tensors = list(model.tensors)
    ports = {"inputs": model.inputs, "outputs": model.outputs}
    for key, indices in ports.items():
        names = report.get(key)
        labels = [f"{key[:-1]}_{k}" for k in range(len(indices))]
        if all(label in model.signature for label in labels):
            ports[key] = tuple(model.signature[label] for label in labels)
        if isinstance(names, list) and len(names) == len(indices):
            for index, name in zip(ports[key], names, strict=True):
                tensors[index] = replace(tensors[index], name=str(name))
    return replace(model, tensors=tuple(tensors), inputs=ports["inputs"], outputs=ports["outputs"])
