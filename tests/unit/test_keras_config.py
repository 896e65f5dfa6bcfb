"""Configurations of Keras models are data from anybody: what in them would run code is found before Keras sees it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from edgeq.importers._keras_config import complaint
from edgeq.importers._keras_file import configuration
from edgeq.importers._refused import Refused


def _model(*layers: Any) -> dict[str, Any]:
    return {"class_name": "Functional", "config": {"name": "net", "layers": [_layer("InputLayer"), *layers]}}


def _layer(kind: str, module: str | None = None, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "module": module, "config": {"name": "evil", **config}}


MARSHALLED = ["4wEAAAAA", None, None]
HOSTILE: dict[str, Any] = {
    "lambda of Keras 2": _layer("Lambda", function=MARSHALLED, function_type="lambda"),
    "lambda of Keras 3": _layer(
        "Lambda", "keras.layers", function={"class_name": "__lambda__", "config": {"code": ""}}
    ),
    "lambda as an activation": _layer("Dense", activation={"class_name": "__lambda__", "config": {"value": ""}}),
    "lambda as an initializer": _layer("Dense", kernel_initializer={"class_name": "Lambda", "config": {}}),
    "lambda in a wrapper": _layer("TimeDistributed", layer=_layer("Lambda", function=MARSHALLED)),
    "lambda in both directions": _layer("Bidirectional", layer=_layer("LSTM"), backward_layer=_layer("Lambda")),
    "lambda in a cell": _layer("RNN", cell={"class_name": "StackedRNNCells", "config": {"cells": [_layer("Lambda")]}}),
    "lambda in a model": _model(_model(_layer("Lambda"))),
    "lambda among arguments": {**_layer("Add"), "inbound_nodes": [[["x", 0, 0, {"y": _layer("Lambda")}]]]},
    "lambda in a compiled model": {**_model(), "compile_config": {"loss": {"class_name": "__lambda__", "config": {}}}},
    "function of another module": _layer(
        "Dense", activation={"class_name": "function", "module": "os", "config": "system"}
    ),
    "function of Keras": _layer(
        "Activation",
        activation={
            "class_name": "function",
            "module": "keras.utils",
            "config": "get_file",
            "registered_name": "get_file",
        },
    ),
    "builtin function": _layer("Dense", activation={"class_name": "function", "module": "builtins", "config": "exec"}),
    "class of another module": _layer("Popen", "subprocess", args="true"),
    "known class of another module": _layer("Dense", "evil.package"),
    "module behind Keras's": _layer("Dense", "keras/../evil"),
    "custom class": {**_layer("Dense", "keras.layers"), "registered_name": "package>Evil"},
    "registered layer": _layer("package>Evil"),
    "type of tensors": {
        "class_name": "__typespec__",
        "spec_name": "system",
        "module": "os",
        "config": [],
        "registered_name": "",
    },
    "type by its name": {"class_name": "TypeSpec", "type_spec": "x", "serialized": []},
    "SavedModel": _layer("TFSMLayer", "keras.layers", filepath="/tmp/evil", call_endpoint="serve"),
    "module of PyTorch": _layer("TorchModuleWrapper", "keras.layers", module_=""),
    "function of JAX": _layer("JaxLayer", "keras.layers", call_fn={}),
    "vocabulary in a file": _layer("StringLookup", "keras.layers", vocabulary="/etc/passwd"),
    "operation that calls": _layer("Map", "keras.src.ops.core", function="system"),
    "what is no operation": _layer("import_module", "keras.src.ops.core"),
    "function of TensorFlow": _layer("TFOpLambda", function="io.write_file"),
    "Python in TensorFlow": _layer("TFOpLambda", function="numpy_function"),
    "function of Keras 2": _layer("TFOpLambda", function="keras.utils.get_file"),
    "function behind a known one": _layer("SlicingOpLambda", function="math.abs.__globals__"),
    "method of a class": _layer("ClassMethod", cls_symbol="RaggedTensor", method_name="x"),
    "property": _layer("InstanceProperty", attr_name="__globals__"),
    "graph of TensorFlow": _layer("TensorFlowOpLayer", node_def="WriteFile"),
    "activation by a name": _layer("Dense", activation="__import__"),
    "recurrent activation": _layer("LSTM", recurrent_activation="deserialize"),
    "initializer by a name": _layer("Dense", kernel_initializer="eval"),
    "name that is no text": {"class_name": ["Dense"], "config": {}},
}
TAKEN: dict[str, Any] = {
    "layers": _model(
        _layer(
            "Conv2D", "keras.layers", activation="relu", kernel_initializer={"class_name": "HeNormal", "config": {}}
        ),
        _layer("TimeDistributed", layer=_layer("Dense", activation="linear", kernel_regularizer=None)),
        _layer("Bidirectional", layer=_layer("LSTM", recurrent_activation="hard_sigmoid")),
        _layer("Activation", activation={"class_name": "function", "module": "builtins", "config": "gelu"}),
        _layer("TFOpLambda", function="math.reduce_mean"),
        _layer("TFOpLambda", function="__operators__.add"),
        _layer("SlicingOpLambda", function="__operators__.getitem"),
        _layer("Mean", "keras.src.ops.numpy", axis=-1),
        _layer("Dense", dtype={"class_name": "DTypePolicy", "module": "keras", "config": {"name": "float32"}}),
    ),
    "model that was compiled": {
        **_model(),
        "compile_config": {
            "optimizer": {"class_name": "Adam", "module": "keras.optimizers", "config": {}},
            "loss": "mse",
        },
    },
    "tensors": {**_layer("Add"), "inbound_nodes": [{"args": [{"class_name": "__keras_tensor__", "config": {}}]}]},
}


@pytest.mark.parametrize("config", HOSTILE.values(), ids=HOSTILE)
def test_what_would_run_is_found(config: dict[str, Any]) -> None:
    found = complaint(_model(config))
    assert found is not None and len(found) < 400
    assert complaint(config) == found, "wherever it is"


@pytest.mark.parametrize("config", TAKEN.values(), ids=TAKEN)
def test_what_computes_is_taken(config: dict[str, Any]) -> None:
    assert complaint(config) is None


def test_it_says_which_layer() -> None:
    assert complaint(_model(HOSTILE["lambda of Keras 2"])) == "Python code (layer 'evil')"
    assert complaint(HOSTILE["function of TensorFlow"]) == "the function 'io.write_file' of TensorFlow (layer 'evil')"


# Files


def _zip(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_json", ".json").replace("_npz", ".weights.npz"), content)
    return path


def test_zip_with_more_in_it_than_keras_writes(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    config = json.dumps(_model()).encode()
    assert configuration(_zip(tmp_path / "a.keras", config_json=config, metadata_json=b"{}"), h5py) == _model()
    with pytest.raises(Refused, match="evil"):
        configuration(_zip(tmp_path / "b.keras", config_json=config, evil=b""), h5py)
    with pytest.raises(Refused, match=r"'assets/\.\./\.\./x'"):
        configuration(_zip(tmp_path / "c.keras", config_json=config, **{"assets__..__..__x": b""}), h5py)
    with pytest.raises(Refused, match="damaged"):
        configuration(_zip(tmp_path / "d.keras", metadata_json=b"{}"), h5py)
    with pytest.raises(Refused, match="nested too deeply"):
        configuration(_zip(tmp_path / "e.keras", config_json=b"[" * 100_000 + b"]" * 100_000), h5py)


def test_zip_that_unpacks_to_much(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(_model()))
        archive.writestr("model.weights.h5", b"")
        archive.filelist[-1].file_size = 5 << 28  # as a few megabytes of zeros, packed, would have it
    with pytest.raises(Refused, match=r"unpacks to 1\.25 GiB; the limit is 1 GiB"):
        configuration(path, h5py)


def test_hdf5_that_refers_to_others(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")

    def file(name: str, fill: Any) -> Path:
        with h5py.File(tmp_path / name, "w") as made:
            made.attrs["model_config"] = json.dumps(_model())
            fill(made)
        return tmp_path / name

    def loop(made: Any) -> None:
        made.create_group("a")["b"] = made["/"]

    assert configuration(file("plain.h5", lambda f: f.create_dataset("w", data=[1.0])), h5py) == _model()
    assert configuration(file("loop.h5", loop), h5py) == _model()
    outside = [("raw", 0, h5py.h5f.UNLIMITED)]
    for name, what, fill in (
        ("external.h5", "is a link", lambda f: f.__setitem__("w", h5py.ExternalLink("/etc/passwd", "/"))),
        ("soft.h5", "is a link", lambda f: f.__setitem__("w", h5py.SoftLink("/x"))),
        ("raw.h5", "lies in another file", lambda f: f.create_dataset("w", (4,), "u1", external=outside)),
        (
            "large.h5",
            "holds arrays of 8 TiB|holds arrays of",
            lambda f: f.create_dataset("w", (1 << 40,), chunks=(1 << 10,)),
        ),
    ):
        with pytest.raises(Refused, match=what):
            configuration(file(name, fill), h5py)


def test_files_of_neither_kind_and_of_both(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    (tmp_path / "text.keras").write_text("text")
    with pytest.raises(Refused, match="neither"):
        configuration(tmp_path / "text.keras", h5py)
    both = tmp_path / "both.h5"
    with h5py.File(both, "w", userblock_size=512) as made:
        made.attrs["model_config"] = "{}"
    archive = _zip(tmp_path / "plain.keras", config_json=b"{}").read_bytes()
    both.write_bytes(both.read_bytes() + archive)
    with pytest.raises(Refused, match=r"both a \.keras and an \.h5 file"):
        configuration(both, h5py)
