"""A single-shot detector from its file to programs: backbone, two heads, and the decoder of boxes behind them."""

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


class Detector:
    """Collects the tensors and operators of the file."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(15)
        self.tensors = [Tensor("image", (1, SIDE, SIDE, 3), "INT8", scale=1 / 128)]
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

    def flat(self, x: int, columns: int) -> int:
        given = self.tensors[x]
        shape = self.constant(Tensor(f"shape{x}", (3,), "INT32", data=[1, BOXES, columns]))
        made = Tensor(f"flat{x}", (1, BOXES, columns), "INT8", scale=given.scale, zero=given.zero)
        return self.add("RESHAPE", [x, shape], [made])

    def real(self, x: int) -> int:
        return self.add("DEQUANTIZE", [x], [Tensor(f"real{x}", self.tensors[x].shape)])

    def file(self, regular: bool) -> bytes:
        features = self.conv(self.conv(0, 8, 3, 2, 1 / 100, True), 16, 3, 2, 1 / 80, True)
        boxes = self.flat(self.conv(features, 4 * PER_CELL, 1, 1, 1 / 30, False), 4)
        logits = self.flat(self.conv(features, PER_CELL * (CLASSES + 1), 3, 1, 1 / 30, False), CLASSES + 1)
        scores = Tensor("scores", (1, BOXES, CLASSES + 1), "INT8", scale=1 / 256, zero=-128)
        operands = [self.real(boxes), self.real(self.add("LOGISTIC", [logits], [scores]))]
        operands.append(self.constant(Tensor("anchors", (BOXES, 4), data=anchors())))
        sizes = {"max_detections": ROWS, "max_classes_per_detection": 1, "detections_per_class": 4}
        thresholds = {"nms_score_threshold": 0.55, "nms_iou_threshold": 0.4}
        scales = dict(zip(("y_scale", "x_scale", "h_scale", "w_scale"), (10, 10, 5, 5), strict=True))
        options = {**sizes, **thresholds, **scales, "num_classes": CLASSES, "use_regular_nms": regular}
        names = zip(("boxes", "classes", "best", "count"), ((1, ROWS, 4), (1, ROWS), (1, ROWS), (1,)), strict=True)
        made = [Tensor(name, shape) for name, shape in names]
        kind, custom = "CUSTOM TFLite_Detection_PostProcess", bytes(flexbuffers.Dumps(options))
        first = self.add(kind, operands, made, custom=custom)
        return build(self.tensors, self.ops, [0], list(range(first, first + 4)))


@pytest.mark.parametrize(
    ("target", "regular"), [("host", False), pytest.param("cortex-m7", True, marks=pytest.mark.qemu)]
)
def test_a_detector(target: str, regular: bool, tmp_path: Path) -> None:
    """Programs find what the simulator finds, bit for bit."""
    model = tmp_path / "detector.tflite"
    model.write_bytes(Detector().file(regular))
    manifest = edgeq.build(edgeq.BuildOptions(model=model, target=target, output=tmp_path / "out"))
    assert [layer["op"] for layer in manifest["layers"]].count("DetectionPostProcess") == 1
    assert not any(layer["op"] == "Dequantize" for layer in manifest["layers"])
    assert [port["dtype"] for port in manifest["outputs"]] == ["float32"] * 4
    found = edgeq.verify(tmp_path / "out", samples=10)
    assert (found["samples"], found["mismatches"], found["max_abs_diff"]) == (10, 0, 0)


def test_what_the_detector_finds_depends_on_the_image() -> None:
    graph = edgeq.quantize(import_bytes(Detector().file(True), "detector")).graph
    images = np.random.default_rng(2).integers(-128, 128, (6, 1, SIDE, SIDE, 3)).astype(np.int8)
    found = [run_int(graph, {"image": image}) for image in images]
    assert all(0 < row["count"][0] <= ROWS for row in found)
    assert {kind for row in found for kind in row["classes"][0, : int(row["count"][0])]} == {0, 1, 2}
    assert len({row["boxes"].tobytes() for row in found}) == 6
