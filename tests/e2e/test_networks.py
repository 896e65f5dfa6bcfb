"""Kinds of networks from their files to programs: detectors and poses with their decoders, segments, embeddings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flatbuffers import flexbuffers
from tflite_file import Operator, Tensor, build

import edgeq
from edgeq.importers.tflite import import_bytes
from edgeq.simulator import run_int

SIDE, CELLS, PER_CELL, CLASSES = 24, 6, 2, 3
BOXES = CELLS * CELLS * PER_CELL
ROWS = 8


def anchors() -> np.ndarray:
    """Two boxes around the middle of each cell, one flat and one high."""
    middles = (np.arange(CELLS) + 0.5) / CELLS
    y, x = np.meshgrid(middles, middles, indexing="ij")
    sizes = np.array([[0.2, 0.4], [0.4, 0.2]])
    each = [np.stack([y, x, np.full_like(y, h), np.full_like(x, w)], axis=-1) for h, w in sizes]
    return np.stack(each, axis=2).reshape(BOXES, 4).astype(np.float32)


class Network:
    """Collects the tensors and operators of the file."""

    def __init__(self, first: Tensor) -> None:
        self.rng = np.random.default_rng(15)
        self.tensors = [first]
        self.ops: list[Operator] = []

    def add(self, kind: str, inputs: list[int], tensors: list[Tensor], *options: object, custom: bytes = b"") -> int:
        """The first output of an operator."""
        outputs = [len(self.tensors) + k for k in range(len(tensors))]
        self.tensors += tensors
        self.ops.append(Operator(kind, inputs, outputs, *options, custom=custom))  # type: ignore[arg-type]
        return outputs[0]

    def constant(self, tensor: Tensor) -> int:
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def conv(self, x: int, channels: int, kernel: int, stride: int, scale: float, relu: bool) -> int:
        before, inside = self.tensors[x], self.tensors[x].shape[3]
        data = self.rng.integers(-127, 128, (channels, kernel, kernel, inside))
        step = 1.5 / (127 * kernel * np.sqrt(inside))
        w = self.constant(Tensor(f"w{x}", data.shape, "INT8", data=data, scale=step))
        bias = self.rng.integers(-4000, 4000, channels)
        b = self.constant(Tensor(f"b{x}", (channels,), "INT32", data=bias, scale=float(before.scale) * step))
        side = before.shape[1] // stride
        made = Tensor(f"conv{len(self.ops)}", (1, side, side, channels), "INT8", scale=scale, zero=-128 if relu else 0)
        options = {"StrideH": stride, "StrideW": stride, "FusedActivationFunction": int(relu)}
        return self.add("CONV_2D", [x, w, b], [made], "Conv2DOptions", options)

    def finished(self, last: int) -> bytes:
        """The file that ends with an operator of TensorFlow Lite's own."""
        return build(self.tensors, self.ops, [0], [last])

    def flat(self, x: int, columns: int) -> int:
        given = self.tensors[x]
        shape = self.constant(Tensor(f"shape{x}", (3,), "INT32", data=[1, BOXES, columns]))
        made = Tensor(f"flat{x}", (1, BOXES, columns), "INT8", scale=given.scale, zero=given.zero)
        return self.add("RESHAPE", [x, shape], [made])

    def real(self, x: int) -> int:
        return self.add("DEQUANTIZE", [x], [Tensor(f"real{x}", self.tensors[x].shape)])

    def decoded(self, kind: str, operands: list[int], made: list[Tensor], options: dict[str, object]) -> bytes:
        """The file that ends with a custom operator."""
        first = self.add(f"CUSTOM {kind}", operands, made, custom=bytes(flexbuffers.Dumps(options)))
        return build(self.tensors, self.ops, [0], list(range(first, first + len(made))))


def image(side: int) -> Tensor:
    return Tensor("image", (1, side, side, 3), "INT8", scale=1 / 128)


def detector(regular: bool) -> bytes:
    """Two convolutions, two heads, and TFLite_Detection_PostProcess."""
    net = Network(image(SIDE))
    features = net.conv(net.conv(0, 8, 3, 2, 1 / 100, True), 16, 3, 2, 1 / 80, True)
    boxes = net.flat(net.conv(features, 4 * PER_CELL, 1, 1, 1 / 30, False), 4)
    logits = net.flat(net.conv(features, PER_CELL * (CLASSES + 1), 3, 1, 1 / 30, False), CLASSES + 1)
    scores = Tensor("scores", (1, BOXES, CLASSES + 1), "INT8", scale=1 / 256, zero=-128)
    operands = [net.real(boxes), net.real(net.add("LOGISTIC", [logits], [scores]))]
    operands.append(net.constant(Tensor("anchors", (BOXES, 4), data=anchors())))
    sizes = {"max_detections": ROWS, "max_classes_per_detection": 1, "detections_per_class": 4}
    thresholds = {"nms_score_threshold": 0.55, "nms_iou_threshold": 0.4}
    scales = dict(zip(("y_scale", "x_scale", "h_scale", "w_scale"), (10, 10, 5, 5), strict=True))
    options = {**sizes, **thresholds, **scales, "num_classes": CLASSES, "use_regular_nms": regular}
    names = zip(("boxes", "classes", "best", "count"), ((1, ROWS, 4), (1, ROWS), (1, ROWS), (1,)), strict=True)
    made = [Tensor(name, shape) for name, shape in names]
    return net.decoded("TFLite_Detection_PostProcess", operands, made, options)


def poses() -> bytes:
    """Two convolutions, heads for keypoints, short and mid offsets, and PosenetDecoderOp."""
    net = Network(image(2 * SIDE))
    features = net.conv(net.conv(0, 8, 3, 2, 1 / 100, True), 16, 3, 2, 1 / 80, True)
    heads = [net.conv(features, n, 1, 1, s, False) for n, s in ((17, 1 / 16), (34, 1 / 16), (64, 1 / 8))]
    options = {"max_detections": ROWS, "score_threshold": 0.4, "stride": 4, "nms_radius": 10.0}
    shapes = {"keypoints": (1, ROWS, 17, 2), "scores": (1, ROWS, 17), "poses": (1, ROWS), "count": (1,)}
    made = [Tensor(name, shape) for name, shape in shapes.items()]
    return net.decoded("PosenetDecoderOp", [net.real(head) for head in heads], made, options)


def segments() -> bytes:
    """Three convolutions, scores at the size of the image, and the class of each pixel."""
    net, side = Network(image(2 * SIDE)), 2 * SIDE
    features = net.conv(net.conv(0, 8, 3, 2, 1 / 100, True), 16, 3, 2, 1 / 80, True)
    scores = net.conv(features, CLASSES + 2, 1, 1, 1 / 30, False)
    size = net.constant(Tensor("size", (2,), "INT32", data=[side, side]))
    made = Tensor("scores", (1, side, side, CLASSES + 2), "INT8", scale=1 / 30)
    wide = net.add("RESIZE_BILINEAR", [scores, size], [made], "ResizeBilinearOptions", {"HalfPixelCenters": True})
    axis = net.constant(Tensor("axis", (), "INT32", data=3))
    classes = Tensor("classes", (1, side, side), "INT64")
    return net.finished(net.add("ARG_MAX", [wide, axis], [classes], "ArgMaxOptions", {"OutputType": 4}))


WORDS, LENGTH, FEATURES, DIRECTIONS = 50, 12, 16, 8


def embeddings() -> bytes:
    """Rows of a table for each word, their mean, a layer, and a vector of length 1."""
    net = Network(Tensor("words", (1, LENGTH), "INT32"))
    data = net.rng.integers(-127, 128, (WORDS, FEATURES))
    table = net.constant(Tensor("table", data.shape, "INT8", data=data, scale=1 / 64))
    rows = Tensor("rows", (1, LENGTH, FEATURES), "INT8", scale=1 / 64)
    looked_up = net.add("GATHER", [table, 0], [rows], "GatherOptions", {"Axis": 0})
    axis = net.constant(Tensor("axis", (1,), "INT32", data=[1]))
    mean = net.add("MEAN", [looked_up, axis], [Tensor("mean", (1, FEATURES), "INT8", scale=1 / 100)])
    data = net.rng.integers(-127, 128, (DIRECTIONS, FEATURES))
    w = net.constant(Tensor("w", data.shape, "INT8", data=data, scale=1 / 127))
    b = net.constant(Tensor("b", (DIRECTIONS,), "INT32", data=np.zeros(DIRECTIONS), scale=1 / 12700))
    layer = net.add("FULLY_CONNECTED", [mean, w, b], [Tensor("layer", (1, DIRECTIONS), "INT8", scale=1 / 30)])
    unit = Tensor("unit", (1, DIRECTIONS), "INT8", scale=1 / 128)
    return net.finished(net.add("L2_NORMALIZATION", [layer], [unit]))


MODELS = {
    "each": (detector(True), "DetectionPostProcess"),
    "all": (detector(False), "DetectionPostProcess"),
    "poses": (poses(), "PosenetDecoder"),
    "segments": (segments(), "ArgMax"),
    "embeddings": (embeddings(), "StoredL2Norm"),
}
"""Files, and the operator at their end."""


@pytest.mark.parametrize("target", ["host", pytest.param("cortex-m7", marks=pytest.mark.qemu)])
@pytest.mark.parametrize("name", ["all", "poses", "segments", "embeddings"])
def test_networks(name: str, target: str, tmp_path: Path) -> None:
    """Programs find what the simulator finds, bit for bit."""
    name = "each" if name == "all" and target != "host" else name
    model, (data, last) = tmp_path / f"{name}.tflite", MODELS[name]
    model.write_bytes(data)
    manifest = edgeq.build(edgeq.BuildOptions(model=model, target=target, output=tmp_path / "out"))
    assert [layer["op"] for layer in manifest["layers"]].count(last) == 1
    assert not any(layer["op"] == "Dequantize" for layer in manifest["layers"])
    dtypes = {"segments": ["int32"], "embeddings": ["int8"]}
    assert [port["dtype"] for port in manifest["outputs"]] == dtypes.get(name, ["float32"] * 4)
    found = edgeq.verify(tmp_path / "out", samples=10)
    assert (found["samples"], found["mismatches"], found["max_abs_diff"]) == (10, 0, 0)


def found_in_images(name: str) -> list[dict[str, np.ndarray]]:
    """What a network finds in six pictures."""
    graph = edgeq.quantize(import_bytes(MODELS[name][0], name)).graph
    images = np.random.default_rng(2).integers(-128, 128, (6, *graph.type("image").shape)).astype(np.int8)
    return [run_int(graph, {"image": image}) for image in images]


def test_what_the_detector_finds_depends_on_the_image() -> None:
    found = found_in_images("each")
    assert all(0 < row["count"][0] <= ROWS for row in found)
    assert {kind for row in found for kind in row["classes"][0, : int(row["count"][0])]} == {0, 1, 2}
    assert len({row["boxes"].tobytes() for row in found}) == 6


def test_poses_depend_on_the_image() -> None:
    found = found_in_images("poses")
    assert all(0 < row["count"][0] <= ROWS for row in found)
    assert len({row["keypoints"].tobytes() for row in found}) == 6
    places = np.concatenate([row["keypoints"][0, : int(row["count"][0])].reshape(-1, 2) for row in found])
    assert places.min() >= 0 and places.max() <= 2 * SIDE and len(np.unique(places)) > 100


def test_each_pixel_has_a_class() -> None:
    found = [row["classes"] for row in found_in_images("segments")]
    assert {classes.shape for classes in found} == {(1, 2 * SIDE, 2 * SIDE)}
    assert len(np.unique(found)) > CLASSES and len({classes.tobytes() for classes in found}) == 6


def test_embeddings_of_other_words_differ_and_have_length_1() -> None:
    graph = edgeq.quantize(import_bytes(MODELS["embeddings"][0], "embeddings")).graph
    words = np.random.default_rng(2).integers(0, WORDS, (6, 1, LENGTH)).astype(np.int32)
    found = np.concatenate([run_int(graph, {"words": row})["unit"] for row in words]) / 128.0
    np.testing.assert_allclose(np.sqrt((found**2).sum(axis=1)), 1.0, atol=0.02)
    assert len(np.unique(found, axis=0)) == 6
