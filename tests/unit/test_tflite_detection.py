"""Custom operators of detectors and segmenters in .tflite files, against LiteRT (vectors/make_detection.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flatbuffers import flexbuffers
from tflite_file import Operator, Tensor, build

from edgeq import api
from edgeq.errors import ModelError
from edgeq.importers.tflite import import_bytes
from edgeq.ops.detection_post_process import DetectionPostProcess
from edgeq.simulator import run_float, run_int

VECTORS = dict(np.load(Path(__file__).with_name("vectors") / "detection.npz"))
NAMES = sorted({key.split("/")[0] for key in VECTORS})
OPTIONS = {
    "max_detections": 2,
    "max_classes_per_detection": 1,
    "num_classes": 2,
    "nms_score_threshold": 0.5,
    "nms_iou_threshold": 0.5,
    **dict.fromkeys(("y_scale", "x_scale", "h_scale", "w_scale"), 1),
}


def case(name: str) -> dict[str, np.ndarray]:
    return {key.removeprefix(f"{name}/"): array for key, array in VECTORS.items() if key.startswith(f"{name}/")}


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("spread")])
def test_detections_are_those_of_litert(name: str) -> None:
    """Which boxes, in which order, of which class, with which score: exactly; where they are, but for rounding."""
    arrays = case(name)
    graph = import_bytes(arrays["model"].tobytes(), "net")
    assert [node.op.kind for node in graph.nodes if node.outputs[0] in graph.outputs] == ["DetectionPostProcess"]
    real = name.startswith("float32")
    inputs = {port: arrays[port] for port in graph.inputs}
    found = run_float(graph, inputs) if real else run_int(api.quantize(graph).graph, inputs)
    count = int(arrays["y3"][0])
    assert found["y3"].tolist() == [count] and 0 < count <= 7
    rows = count * (1 if "each" in name else int(name.split("_")[2]))
    for port in ("y1", "y2"):
        np.testing.assert_array_equal(found[port][:, :rows], arrays[port][:, :rows])
        assert not found[port][:, rows:].any()
    np.testing.assert_allclose(found["y0"][:, :rows], arrays["y0"][:, :rows], rtol=0, atol=1e-6)
    assert not found["y0"][:, rows:].any()


def test_some_vectors_have_fewer_detections_than_rows() -> None:
    counts = {name: int(VECTORS[f"{name}/y3"][0]) for name in NAMES if not name.startswith("spread")}
    assert {"float32", "uint8"} <= {name.split("_")[0] for name, count in counts.items() if count < 7}


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("spread")])
def test_transposed_convolutions_with_a_bias_are_those_of_litert(name: str) -> None:
    arrays = case(name)
    found = run_float(import_bytes(arrays["model"].tobytes(), "net"), {"x": arrays["x"]})["y"]
    np.testing.assert_allclose(found, arrays["y"], rtol=0, atol=1e-5)


def test_integers_are_dequantized_by_the_operator_itself() -> None:
    """A model in 8 bits keeps no real copy of its boxes and scores."""
    graph = api.quantize(import_bytes(case("int8_all_1_0")["model"].tobytes(), "net")).graph
    assert [node.op.kind for node in graph.nodes] == ["DetectionPostProcess"]
    assert [graph.type(name).dtype.value for name in graph.outputs] == ["float32"] * 4


def file(options: object, anchors: object = (0.5, 0.5, 1.0, 1.0), outputs: int = 4) -> bytes:
    tensors = [Tensor("boxes", (1, 3, 4)), Tensor("scores", (1, 3, 2))]
    tensors.append(Tensor("anchors", (3, 4), data=None if anchors is None else np.tile(anchors, (3, 1))))
    tensors += [Tensor(f"y{k}", shape) for k, shape in enumerate([(1, 2, 4), (1, 2), (1, 2), (1,)])]
    places = list(range(3, 3 + outputs))
    kind = "CUSTOM TFLite_Detection_PostProcess"
    custom = options if isinstance(options, bytes) else bytes(flexbuffers.Dumps(options))
    inputs = [0, 1] if anchors is not None else [0, 1, 2]
    return build(tensors, [Operator(kind, [0, 1, 2], places, custom=custom)], inputs, places)


def test_options_that_are_absent() -> None:
    """100 boxes of each class are kept, and boxes of all classes hide each other."""
    (node,) = import_bytes(file(OPTIONS), "net").nodes
    assert node.op == DetectionPostProcess(2, 2, 0.5, 0.5, 0, 1, (1.0, 1.0, 1.0, 1.0))
    (node,) = import_bytes(file({**OPTIONS, "use_regular_nms": True}), "net").nodes
    assert isinstance(node.op, DetectionPostProcess) and node.op.per_class == 100


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (file(OPTIONS, None), "its anchors are computed at run time"),
        (file(OPTIONS, (0.5, 0.5, -1.0, 1.0)), "its anchors are not y, x, h and w"),
        (file(OPTIONS, outputs=3), "it has 3 inputs and 3 outputs, not 3 and 4"),
        (file({**OPTIONS, "num_classes": 4}), "scores of 2 classes, and 4 are to be found"),
        (file({**OPTIONS, "max_detections": 1 << 20}), "1048576 boxes of 1 classes each would be found"),
        (file({**OPTIONS, "nms_iou_threshold": 0}), "overlaps up to 0.0 would be kept"),
        (file({**OPTIONS, "nms_score_threshold": float("inf")}), "its option nms_score_threshold is inf"),
        (file({**OPTIONS, "y_scale": "wide"}), "are no numbers by their names"),
        (file({**OPTIONS, "num_classes": 1.5}), "are no integers by their names"),
        (file({**OPTIONS, "use_regular_nms": True, "detections_per_class": 0}), "it keeps 0 boxes of each class"),
        (file(b"\1\4\1"), "are no numbers by their names"),
    ],
)
def test_what_is_refused(data: bytes, text: str) -> None:
    with pytest.raises(ModelError) as error:
        import_bytes(data, "net")
    assert text in str(error.value)


@pytest.mark.parametrize(("custom", "text"), [(b"\1\0\0\0", "have 4 bytes"), (bytes(12), "its padding is 0")])
def test_a_transposed_convolution_that_is_damaged(custom: bytes, text: str) -> None:
    tensors = [Tensor("x", (1, 2, 2, 1)), Tensor("w", (1, 2, 2, 1), data=np.ones(4)), Tensor("y", (1, 4, 4, 1))]
    op = Operator("CUSTOM Convolution2DTransposeBias", [0, 1], [2], custom=custom)
    with pytest.raises(ModelError) as error:
        import_bytes(build(tensors, [op], [0], [2]), "net")
    assert text in str(error.value)
