"""Keras files and SavedModels: the same network as its .tflite, under the names of the source."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgeq.errors import ModelError, UsageError
from edgeq.importers import load
from edgeq.simulator import run_float

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("tensorflow") is None, reason='needs TensorFlow: pip install "edgeq[tensorflow]"'
    ),
]

MAKE_KERAS = """
import keras
from keras import layers
image, number = layers.Input((None, 6, 2), name="z_image"), layers.Input((3,), name="a_number")
pooled = layers.GlobalAveragePooling2D()(layers.Conv2D(3, 3, activation="relu")(image))
total = layers.Add()([pooled, number])
model = keras.Model([image, number], [layers.Dense(4, name="wide")(total), layers.Dense(2, name="narrow")(total)])
model.save({path!r})
"""


@pytest.mark.shared
@pytest.mark.parametrize(
    ("source", "model", "names"),
    [
        ("kws_saved_model", "kws", (("input_1",), ("dense",))),
        ("ic_keras.h5", "ic", (("input_1",), ("dense",))),
    ],
)
def test_equals_its_tflite(
    source: str,
    model: str,
    names: tuple[tuple[str, ...], tuple[str, ...]],
    shared_models: Path,
    shared_data: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    graph, twin = load(shared_models / source), load(shared_models / f"{model}_float.tflite")
    assert tuple(capfd.readouterr()) == ("", "")
    assert (graph.inputs, graph.outputs) == names
    (ours,), (theirs,) = graph.inputs, twin.inputs
    assert graph.type(ours).shape == twin.type(theirs).shape
    with np.load(shared_data / f"{model}_eval.npz") as arrays:
        samples = arrays["x"][:20].astype(np.float32)
    for x in samples:
        sample = x.reshape(graph.type(ours).shape)
        got = run_float(graph, {ours: sample})[graph.outputs[0]]
        expected = run_float(twin, {theirs: sample})[twin.outputs[0]]
        np.testing.assert_allclose(got, expected, atol=1e-4)


def test_keras_3_with_several_ports(tmp_path: Path) -> None:
    path = tmp_path / "ports.keras"
    script = MAKE_KERAS.format(path=str(path))
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    with pytest.raises(UsageError, match="open dimensions") as caught:
        load(path)
    assert caught.value.hint == "give them with --input-shape z_image=1x?x6x2"
    graph = load(path, {"z_image": (1, 5, 6, 2)})
    assert [(n, graph.type(n).shape) for n in graph.inputs] == [("z_image", (1, 5, 6, 2)), ("a_number", (1, 3))]
    assert [(n, graph.type(n).shape) for n in graph.outputs] == [("wide", (1, 4)), ("narrow", (1, 2))]


def test_a_damaged_keras_file(tmp_path: Path) -> None:
    path = tmp_path / "broken.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(ModelError, match="Keras cannot load the file") as caught:
        load(path)
    assert caught.value.where == str(path)
