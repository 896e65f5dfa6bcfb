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
from edgeq.importers.cut import Cut
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


# Files that would run code

PLANT = """
import sys
import tensorflow as tf
place, mark = sys.argv[1], sys.argv[2]
for package, suffixes in ((__import__("keras"), (".keras", ".h5")), (__import__("tf_keras"), (".keras", ".h5"))):
    code = eval(f"lambda t: (open({mark!r}, 'w').close(), t * 2.0)[1]")
    x = package.Input((4,))
    inner = package.Sequential([package.Input((4,)), package.layers.Lambda(code, output_shape=(4,))])
    outer = package.Model(x, package.layers.Dense(2)(inner(x)))
    for kind, model in (("lambda", inner), ("nested", outer)):
        for suffix in suffixes:
            model.save(f"{place}/{package.__name__}_{kind}{suffix}")

class Resource(tf.saved_model.experimental.TrackableResource):
    def __init__(self):
        super().__init__()
        self.resource_handle
    def _create_resource(self):
        return tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[], shared_name="r")
    def _initialize(self):
        tf.io.write_file(mark, "x")

class Initialized(tf.Module):
    def __init__(self):
        super().__init__()
        self.resource = Resource()
    @tf.function(input_signature=[tf.TensorSpec([1, 4], tf.float32)])
    def call(self, x):
        self.resource.resource_handle
        return {"y": tf.nn.relu(x)}

class Reading(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([1, 4], tf.float32)])
    def call(self, x):
        def deep(x):
            text = tf.io.read_file("/etc/hostname")
            return x + tf.cast(tf.strings.length(text), tf.float32)
        return {"y": tf.cond(tf.reduce_sum(x) > 0, lambda: tf.function(deep)(x), lambda: x)}

class Printing(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([1, 4], tf.float32)])
    def call(self, x):
        tf.print(1, output_stream="file://" + mark)
        return {"y": tf.nn.relu(x)}

class Calling(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([1, 4], tf.float32)])
    def call(self, x):
        return {"y": tf.py_function(lambda t: t, [x], tf.float32)}

for kind in (Initialized, Reading, Printing, Calling):
    module = kind()
    tf.saved_model.save(module, f"{place}/saved_{kind.__name__}", signatures={"serving_default": module.call})

graph = tf.Graph()
with graph.as_default(), tf.compat.v1.Session(graph=graph) as session:
    x = tf.compat.v1.placeholder(tf.float32, (1, 4), "x")
    with tf.control_dependencies([tf.io.write_file(mark, "x")]):
        start = tf.no_op()
    tf.compat.v1.saved_model.simple_save(session, f"{place}/saved_v1", {"x": x}, {"y": tf.nn.relu(x)}, start)

from pathlib import Path
from edgeq.importers._refused import Refused
from edgeq.importers._tf_convert import check_saved_model
for path in sorted(Path(place).glob("saved_*")):
    try:
        check_saved_model(path)
    except Refused as refused:
        print(path.name, str(refused).split(" has ")[1].split(" (")[0])
"""
REFUSED = """saved_Calling the operation EagerPyFunc
saved_Initialized the operation WriteFile
saved_Printing the operation StringFormat
saved_Reading the operation ReadFile
saved_v1 the operation WriteFile
"""


def test_no_file_runs_code(tmp_path: Path) -> None:
    place, mark = tmp_path / "files", tmp_path / "ran"
    place.mkdir()
    planted = subprocess.run([sys.executable, "-c", PLANT, place, mark], check=True, capture_output=True, text=True)
    assert planted.stdout == REFUSED
    mark.unlink(missing_ok=True)  # saving traces the models
    files = [*sorted(place.glob("*keras*")), place / "saved_Initialized"]
    assert len(files) == 8 + 1
    for file in files:
        with pytest.raises(ModelError, match=r"must not run code|only compute") as caught:
            load(file)
        assert "convert it to .tflite yourself" in caught.value.hint
        assert not mark.exists(), file


def test_layers_that_only_compute_are_taken(tmp_path: Path) -> None:
    """As Keras 2 and 3 save them: initializers, regularizers, functions of TensorFlow, a compiled model within."""
    script = """
import sys
import keras, tf_keras, tensorflow as tf
for package in (keras, tf_keras):
    layers = package.layers
    x = package.Input((8, 8, 3))
    y = layers.Conv2D(4, 3, kernel_regularizer=package.regularizers.l2(1e-4), kernel_initializer="he_normal")(x)
    y = layers.Dropout(0.2)(layers.ReLU(6.0)(layers.BatchNormalization()(y)))
    mean = keras.ops.mean(y, axis=-1, keepdims=True) if package is keras else tf.reduce_mean(y, -1, keepdims=True)
    y = y * 2.0 + mean
    inner = package.Sequential([package.Input(y.shape[1:]), layers.GlobalAveragePooling2D(), layers.Dense(4, "gelu")])
    inner.compile(package.optimizers.Adam(1e-3), package.losses.MeanSquaredError(), metrics=["mae"])
    model = package.Model(x, layers.Softmax()(inner(y)))
    model.save(f"{sys.argv[1]}/{package.__name__}.keras")
model.save(f"{sys.argv[1]}/tf_keras.h5")
model.export(f"{sys.argv[1]}/exported")
"""
    subprocess.run([sys.executable, "-c", script, tmp_path], check=True, capture_output=True)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 4
    for file in files:
        graph = load(file)
        assert graph.type(graph.outputs[0]).shape == (1, 4), file


@pytest.mark.shared
def test_a_keras_model_is_cut_at_its_layers(shared_models: Path) -> None:
    """Layers that the converter merges, such as a convolution before its normalization, are still layers here."""
    path = shared_models / "ic_keras.h5"
    whole = load(path)
    (image,), (result,) = whole.inputs, whole.outputs
    first = load(path, cut=Cut(outputs=("conv2d_3", "activation_2")))
    assert first.inputs == (image,) and first.outputs == ("conv2d_3", "activation_2")
    second = load(path, cut=Cut(inputs=("activation_2",)))
    assert second.inputs == ("activation_2",) and second.outputs == (result,)
    x = np.random.default_rng(3).uniform(0, 255, whole.type(image).shape).astype(np.float32)
    middle = run_float(first, {image: x})["activation_2"]
    expected = run_float(whole, {image: x})[result]
    np.testing.assert_allclose(run_float(second, {"activation_2": middle})[result], expected, atol=1e-5)
    with pytest.raises(UsageError, match="no tensor or node 'activation_99'") as caught:
        load(path, cut=Cut(outputs=("activation_99",)))
    assert "activation_" in str(caught.value.hint)
    with pytest.raises(UsageError, match="no output depends on 'dense'"):
        load(path, cut=Cut(inputs=("dense",), outputs=("flatten",)))


def test_a_part_with_several_inputs(tmp_path: Path) -> None:
    path = tmp_path / "two.keras"
    subprocess.run([sys.executable, "-c", MAKE_KERAS.format(path=str(path))], check=True, capture_output=True)
    graph = load(path, {"z_image": (1, 5, 6, 2)}, Cut(outputs=("add", "global_average_pooling2d")))
    assert graph.inputs == ("z_image", "a_number") and graph.outputs == ("add", "global_average_pooling2d")
    graph = load(path, cut=Cut(inputs=("global_average_pooling2d",), outputs=("narrow",)))
    assert graph.inputs == ("global_average_pooling2d", "a_number")
    assert graph.type("global_average_pooling2d").shape == (1, 3)
