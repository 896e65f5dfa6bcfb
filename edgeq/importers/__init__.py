"""Foreign model files → Graph. The only place that imports the libraries that read them, each when it is needed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edgeq.errors import ModelError, UsageError
from edgeq.importers.cut import Cut
from edgeq.importers.foreign import FOREIGN

if TYPE_CHECKING:
    from edgeq.ir.graph import Graph
    from edgeq.ir.tensor import Array, Shape

Kind = Literal["onnx", "tflite", "tensorflow"]
SAVED_MODEL = "saved_model.pb"
"""The file that makes a folder a SavedModel."""
_KINDS: Mapping[str, Kind] = {
    ".onnx": "onnx",
    ".tflite": "tflite",
    ".lite": "tflite",
    ".keras": "tensorflow",
    ".h5": "tensorflow",
    ".hdf5": "tensorflow",
    SAVED_MODEL: "tensorflow",
}
FORMATS = "ONNX (.onnx), TensorFlow Lite (.tflite), Keras (.keras, .h5) or a SavedModel folder"


def load(path: str | Path, input_shapes: Mapping[str, Shape] | None = None, cut: Cut | None = None) -> Graph:
    """Read a model file of any format edgeq knows, or a part of it.

    Args:
        path: the file, or the folder of a SavedModel.
        input_shapes: shapes of inputs, by name, in the model's own layout and with the batch; needed where the file
            leaves a dimension other than the batch open.
        cut: the part that is wanted; by default all.

    Returns:
        A float graph (`numerics` is None); annotated with quantization parameters if the model was quantized.

    Raises:
        UsageError: the path does not exist or its format is unknown, a shape is missing or does not fit, or `cut` names
            what is not there.
        ModelError: the file is damaged or holds what edgeq cannot take; every such node is named.
        ToolError: TensorFlow is needed and absent.
    """
    file, kind = Path(path), kind_of(path)
    shapes = dict(input_shapes or {})
    if kind == "onnx":
        from edgeq.importers import onnx

        return onnx.load(file, shapes, cut)
    if kind == "tflite":
        from edgeq.importers import tflite

        return tflite.load(file, shapes, cut)
    from edgeq.importers import tensorflow

    return tensorflow.load(file.parent if file.name == SAVED_MODEL else file, shapes, cut)


def first_values(path: str | Path, names: Collection[str]) -> dict[str, Array]:
    """What an ONNX file stores for those of its inputs that are among the names; nothing in files of other formats.

    Raises:
        ModelError: the file is damaged.
    """
    if kind_of(path) != "onnx":
        return {}
    from edgeq.importers.onnx import model

    return model.first_values(Path(path), names)


def kind_of(path: str | Path) -> Kind:
    """Which importer reads a model; looks at names and sizes, and imports nothing.

    Raises:
        UsageError: the path does not exist or its format is unknown.
        ModelError: the file is empty.
    """
    file = Path(path)
    if not file.exists():
        raise UsageError("there is no such model", hint="check the path of the model file", where=str(path))
    if file.is_dir():
        if not (file / SAVED_MODEL).exists():
            raise UsageError(
                f"the folder is not a SavedModel: it has no {SAVED_MODEL}", hint=f"give {FORMATS}", where=str(path)
            )
        return "tensorflow"
    if not file.is_file():
        raise UsageError("is no regular file", hint=f"give {FORMATS}", where=str(path))
    kind = _KINDS.get(file.name if file.name == SAVED_MODEL else file.suffix.lower())
    if kind is not None:
        return kind
    if not file.stat().st_size:
        raise ModelError("the file is empty", hint="export the model again", where=str(path))
    foreign = FOREIGN.get(file.suffix.lower())
    if foreign is not None:
        raise UsageError(f"is {foreign.kind}, which edgeq does not read", hint=foreign.export, where=str(path))
    raise UsageError(
        f"the suffix {file.suffix.lower()!r} is not that of a model", hint=f"give {FORMATS}", where=str(path)
    )
