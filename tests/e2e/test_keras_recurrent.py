"""Recurrent layers of Keras: LiteRT's numbers, one operator for each, and programs that equal the simulator."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import edgeq
from edgeq.errors import ModelError
from edgeq.importers import _tf_convert, load
from edgeq.passes.pipeline import optimize_float
from edgeq.simulator import run_float

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("tensorflow") is None, reason='needs TensorFlow: pip install "edgeq[tensorflow]"'
    ),
]

LAYERS = {
    "gru": ("L.GRU(5)", {"Gru": 1}),
    "gru_before": ("L.GRU(5, reset_after=False, return_sequences=True)", {"Gru": 1}),
    "rnn": ("L.SimpleRNN(5, activation='relu')", {"SimpleRnn": 1}),
    "rnn_back": ("L.SimpleRNN(5, return_sequences=True, go_backwards=True)", {"SimpleRnn": 1}),
    "lstm": ("L.LSTM(5, return_sequences=True), L.LSTM(4)", {"Lstm": 2}),
    "bilstm": ("L.Bidirectional(L.LSTM(5))", {"Lstm": 2}),
    "bigru": ("L.Bidirectional(L.GRU(5, return_sequences=True)), L.TimeDistributed(L.Dense(3))", {"Gru": 2}),
    "odd": ("L.LSTM(5, activation='relu')", {}),
}
MAKE = """
import sys, keras, numpy as np
from pathlib import Path
import tensorflow as tf
from edgeq.importers import _tf_convert
L = keras.layers
keras.utils.set_random_seed(1)
rng = np.random.default_rng(2)
x = rng.normal(0, 1, (16, 1, 8, 6)).astype(np.float32)
found = {{}}
for name, layers in {layers!r}.items():
    model = keras.Sequential([L.Input((8, 6)), *eval("[" + layers + "]")])
    model.set_weights([w + rng.normal(0, 0.2, w.shape) for w in model.get_weights()])
    path = Path({folder!r}) / (name + ".keras")
    model.save(path)
    request = {{"source": str(path), "shapes": {{}}, "inputs": [], "outputs": []}}
    path.with_suffix(".tflite").write_bytes(_tf_convert.convert(request)[0])
    found[name] = np.stack([model(sample).numpy() for sample in x])
np.savez(Path({folder!r}) / "wanted.npz", samples=x, **found)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models as .keras and .tflite, and what Keras says of 16 samples."""
    made = tmp_path_factory.mktemp("keras")
    script = MAKE.format(layers={name: layers for name, (layers, _) in LAYERS.items()}, folder=str(made))
    root = str(Path(_tf_convert.__file__).parents[2])
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, cwd=root)
    return made


@pytest.mark.parametrize("name", [name for name, (_, kinds) in LAYERS.items() if kinds])
def test_equals_keras(name: str, folder: Path) -> None:
    graph = optimize_float(load(folder / f"{name}.tflite"))
    kinds = Counter(node.op.kind for node in graph.nodes)
    assert {kind: kinds[kind] for kind in ("Gru", "Lstm", "SimpleRnn") if kinds[kind]} == LAYERS[name][1]
    assert graph.states == ()
    with np.load(folder / "wanted.npz") as wanted:
        for sample, expected in zip(wanted["samples"], wanted[name], strict=True):
            found = run_float(graph, {graph.inputs[0]: sample})[graph.outputs[0]]
            np.testing.assert_allclose(found, expected, atol=1e-5)


def test_another_cell_is_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match="no LSTM, GRU or plain recurrent layer") as caught:
        load(folder / "odd.tflite")
    assert "unroll=True" in str(caught.value)


@pytest.mark.parametrize("name", ["gru.keras", "bilstm.tflite"])
def test_program_equals_the_simulator(name: str, folder: Path, tmp_path: Path) -> None:
    with np.load(folder / "wanted.npz") as wanted:
        np.savez(tmp_path / "samples.npz", x=wanted["samples"][:, 0])
    options = edgeq.BuildOptions(
        model=str(folder / name), calibration=str(tmp_path / "samples.npz"), target="host", output=str(tmp_path / "out")
    )
    report = edgeq.verify(edgeq.build(options)["folder"], str(tmp_path / "samples.npz"))
    assert report["mismatches"] == 0 and report["sqnr_db"] >= 30.0
