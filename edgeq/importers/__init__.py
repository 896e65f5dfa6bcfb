"""Foreign model files → Graph. The only place that imports the libraries that read them, each when it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgeq.errors import ModelError, UsageError
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Shape

FORMATS = "ONNX (.onnx), TensorFlow Lite (.tflite), Keras (.keras, .h5) or a SavedModel folder"


def load(path: str | Path, input_shapes: Mapping[str, Shape] | None = None) -> Graph:
    """Read a model file of any format edgeq knows.

    Args:
        path: the file, or the folder of a SavedModel.
        input_shapes: shapes of inputs, by name, in the model's own layout and with the batch; needed where the file
            leaves a dimension other than the batch open.

    Returns:
        A float graph (`numerics` is None); annotated with quantization parameters if the model was quantized.

    Raises:
        UsageError: the path does not exist or its format is unknown, or a shape is missing or does not fit.
        ModelError: the file is damaged or holds what edgeq cannot take; every such node is named.
        ToolError: TensorFlow is needed and absent.
    """
    file = Path(path)
    shapes = dict(input_shapes or {})
    if not file.exists():
        raise UsageError("there is no such model", hint="check the path of the model file", where=str(path))
    if file.is_dir():
        if not (file / "saved_model.pb").exists():
            raise UsageError(
                "the folder is not a SavedModel: it has no saved_model.pb", hint=f"give {FORMATS}", where=str(path)
            )
        from edgeq.importers import tensorflow

        return tensorflow.load(file, shapes)
    suffix = file.suffix.lower()
    if suffix == ".onnx":
        from edgeq.importers import onnx

        return onnx.load(file, shapes)
    if suffix in (".tflite", ".lite"):
        from edgeq.importers import tflite

        return tflite.load(file, shapes)
    if suffix in (".keras", ".h5", ".hdf5"):
        from edgeq.importers import tensorflow

        return tensorflow.load(file, shapes)
    if file.name == "saved_model.pb":
        from edgeq.importers import tensorflow

        return tensorflow.load(file.parent, shapes)
    if not file.stat().st_size:
        raise ModelError("the file is empty", hint="export the model again", where=str(path))
    raise UsageError(f"the suffix {suffix!r} is not that of a model", hint=f"give {FORMATS}", where=str(path))
