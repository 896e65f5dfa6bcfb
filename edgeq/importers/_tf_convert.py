"""Converts a Keras file or SavedModel to a float .tflite; runs as a process of its own.

    python -m edgeq.importers._tf_convert REQUEST

REQUEST is a JSON file with `source` (path), `shapes` (input name → shape), `inputs` and `outputs` (where a Keras model
is cut, or nothing) and `result` (folder). Into that folder go
`model.tflite`, whose signature calls inputs `input_0` … and outputs `output_0` …, and `report.json`: their names in the
source, in order; or `error` (a class of edgeq.errors), `message` and `hint`.
TensorFlow writes to both standard streams and keeps threads alive, so edgeq never loads it into its own process.

A model is data, and may come from anybody. Keras and TensorFlow run code that files hold or name, so that a file is
read here first, and refused if it has anything but what computes; and this process can write only into that folder.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edgeq.importers import _keras_config, _saved_model
from edgeq.importers._confine import confine
from edgeq.importers._keras_file import configuration
from edgeq.importers._keras_part import cut_keras
from edgeq.importers._refused import Refused
from edgeq.importers.cut import Cut

INSTALL = 'pip install "edgeq[tensorflow]"'
Shapes = Mapping[str, Sequence[int]]


def first_line(error: BaseException) -> str:
    """The first line of an exception's text that is not empty."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def static_spec(tf: Any, number: int, name: str, spec: Any, shapes: Shapes) -> Any:
    """The TensorSpec of input `number`, with batch 1 and no open dimension."""
    label = f"input_{number}"
    if spec.shape.rank is None and name not in shapes:
        raise Refused("UsageError", f"the input {name!r} has no shape", f"give it with --input-shape {name}=1x…")
    declared = [None if d is None else int(d) for d in spec.shape] if spec.shape.rank is not None else None
    requested = list(shapes[name]) if name in shapes else None
    if requested is not None:
        fits = declared is None or (
            len(requested) == len(declared) and all(d in (None, g) for d, g in zip(declared, requested, strict=True))
        )
        if not fits or any(g < 1 for g in requested):
            message = f"the shape {tuple(requested)} given for input {name!r} does not fit {declared}"
            raise Refused("UsageError", message, "dimensions of None are free, the others are the model's")
        return tf.TensorSpec(requested, spec.dtype, name=label)
    assert declared is not None
    if None in declared[1:]:
        example = "x".join("?" if d is None else str(d) for d in [1, *declared[1:]])
        raise Refused(
            "UsageError",
            f"the input {name!r} has open dimensions: {declared}",
            f"give them with --input-shape {name}={example}",
        )
    return tf.TensorSpec([1 if d is None else d for d in declared], spec.dtype, name=label)


def check_keras(path: Path) -> None:
    """Make sure that loading a Keras file runs nothing but Keras itself.

    Raises:
        Refused: it holds code, names what is not Keras's own, or is not what it seems to be.
    """
    try:
        import h5py
    except ImportError as error:
        raise Refused("ToolError", f"h5py cannot be loaded: {first_line(error)}", INSTALL) from error
    found = _keras_config.complaint(configuration(path, h5py))
    if found is not None:
        raise Refused(
            "ModelError",
            f"the file holds {found}, and a model that is read must not run code",
            "replace it by layers of Keras and save the model again; or, if you trust the file, convert it to .tflite "
            "yourself",
        )


def load_keras(path: Path) -> Any:
    """A Keras model that was checked, with Keras 3 or, for files only it can read, Keras 2."""
    failures = []
    for module in ("keras", "tf_keras"):
        try:
            package = __import__(module)
        except ImportError:
            continue
        try:
            return package.models.load_model(str(path), compile=False, safe_mode=True)
        except Exception as error:
            failures.append(f"{module} {package.__version__}: {first_line(error)[:400]}")
            if "safe_mode" in str(error) or "unsafe_deserialization" in str(error):
                break  # what one of them will not run is not for the other to run
    raise Refused(
        "ModelError",
        f"Keras cannot load the file: {'; '.join(failures) or 'no Keras is installed'}",
        "save the model as .keras or SavedModel with the version of Keras that made it, without custom layers",
    )


def keras_function(tf: Any, path: Path, shapes: Shapes, cut: Cut) -> tuple[Any, Any, list[str], list[str]]:
    """Concrete function, owner of its variables, names of inputs and of outputs of a Keras model, or of its part."""
    model = load_keras(path)
    tensors = getattr(model, "inputs", None)
    if not tensors:
        raise Refused(
            "ModelError", "the Keras model was never built: it has no inputs", "call it once before saving it"
        )
    if cut:
        model, names, outputs = cut_keras(model, cut)
        tensors = model.inputs
    else:
        plain = [t.name.split(":")[0].split("/")[0] for t in tensors]
        names = [getattr(layer, "name", None) or plain[k] for k, layer in enumerate(_input_layers(model, plain))]
        outputs = list(getattr(model, "output_names", []))
    check_names(shapes, names)
    specs = [
        static_spec(tf, k, name, tf.TensorSpec(t.shape, t.dtype), shapes)
        for k, (name, t) in enumerate(zip(names, tensors, strict=True))
    ]

    def call(*inputs: Any) -> Any:
        return model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)

    function = tf.function(call, input_signature=specs).get_concrete_function()
    return function, model, names, outputs


def _input_layers(model: Any, plain: list[str]) -> list[Any]:
    by_name = {layer.name: layer for layer in model.layers}
    names = list(getattr(model, "input_names", plain))
    return [by_name.get(n) for n in (names if len(names) == len(plain) else plain)]


def check_names(shapes: Shapes, names: Sequence[str]) -> None:
    """Refuse shapes of inputs that do not exist."""
    for name in shapes:
        if name not in names:
            raise Refused("UsageError", f"the model has no input {name!r}", f"its inputs are {', '.join(names)}")


def check_saved_model(path: Path) -> None:
    """Make sure that loading a SavedModel only computes.

    Raises:
        Refused: it would run other operations, or is damaged.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    model = saved_model_pb2.SavedModel()
    try:
        model.ParseFromString((path / "saved_model.pb").read_bytes())
    except Exception as error:
        message = f"TensorFlow cannot load the SavedModel: {first_line(error)}"
        raise Refused("ModelError", message, "export the model again") from error
    found = _saved_model.complaint(model)
    if found is not None:
        raise Refused(
            "ModelError",
            f"the SavedModel has {found}, which is not among those that only compute",
            "export the network alone, without tables, files, images to decode or Python functions; or, if you trust "
            "the model, convert it to .tflite yourself",
        )


def saved_model_function(tf: Any, path: Path, shapes: Shapes, cut: Cut) -> tuple[Any, Any, list[str], list[str]]:
    """Concrete function, owner of its variables, names of inputs and of outputs of a SavedModel's signature.

    A part of it is cut out of what it is converted to.
    """
    check_saved_model(path)
    try:
        loaded = tf.saved_model.load(str(path))
    except Exception as error:
        message = f"TensorFlow cannot load the SavedModel: {first_line(error)}"
        raise Refused("ModelError", message, "export the model again") from error
    signatures = dict(loaded.signatures)
    if "serving_default" in signatures:
        signature = signatures["serving_default"]
    elif len(signatures) == 1:
        signature = next(iter(signatures.values()))
    else:
        message = f"the SavedModel has no signature serving_default, but {sorted(signatures) or 'none at all'}"
        raise Refused("ModelError", message, "save it with tf.saved_model.save(model, folder, signatures=…)")
    declared = signature.structured_input_signature[1]
    names = sorted(declared)
    check_names(shapes, names)
    specs = [static_spec(tf, k, name, declared[name], shapes) for k, name in enumerate(names)]
    outputs = sorted(signature.structured_outputs)

    def call(*inputs: Any) -> Any:
        results = signature(**dict(zip(names, inputs, strict=True)))
        return [results[key] for key in outputs]

    function = tf.function(call, input_signature=specs).get_concrete_function()
    return function, loaded, names, outputs


def to_tflite(tf: Any, function: Any, owner: Any) -> bytes:
    """The float .tflite of a concrete function, its variables made constants."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    frozen = convert_variables_to_constants_v2(function)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen], owner)
    try:
        return bytes(converter.convert())
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if "tf." in line and "op" in line.lower()]
        detail = f"{first_line(error)}{' ' + lines[0] if lines and lines[0] != first_line(error) else ''}"
        raise Refused(
            "ModelError",
            f"TensorFlow Lite cannot express the model: {detail[:400]}",
            "replace layers that are no part of TensorFlow Lite, such as string or dynamic operations",
        ) from error


def convert(request: Mapping[str, Any]) -> tuple[bytes, dict[str, Any]]:
    """The converted model and the names in it."""
    source = Path(request["source"])
    if not source.is_dir():
        check_keras(source)  # before TensorFlow, which takes seconds to load
    try:
        import tensorflow as tf
    except ImportError as error:
        raise Refused("ToolError", f"TensorFlow cannot be loaded: {first_line(error)}", INSTALL) from error
    read: Callable[..., tuple[Any, Any, list[str], list[str]]] = (
        saved_model_function if source.is_dir() else keras_function
    )
    cut = Cut(tuple(request["inputs"]), tuple(request["outputs"]))
    function, owner, inputs, outputs = read(tf, source, request["shapes"], cut)
    return to_tflite(tf, function, owner), {"inputs": inputs, "outputs": outputs}


def main(path: str) -> None:
    """Serve one request file."""
    request = json.loads(Path(path).read_text(encoding="utf-8"))
    result = Path(request["result"])
    confine(result)
    try:
        model, report = convert(request)
        (result / "model.tflite").write_bytes(model)
    except Refused as refused:
        report = refused.report
    except Exception as error:
        report = {
            "error": "ModelError",
            "message": f"TensorFlow cannot convert the model: {type(error).__name__}: {first_line(error)}",
            "hint": "export the model again, or as ONNX",
        }
    (result / "report.json").write_text(json.dumps(report), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
