"""Makes detection.npz: .tflite files with custom operators, inputs for them, and what LiteRT computes.

Needs `pip install ai-edge-litert`:

    PYTHONPATH=../.. python make_detection.py
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from flatbuffers import flexbuffers
from tflite_file import Operator, Tensor, build

BOXES, COLUMNS, SCORES = 60, 5, 4
TYPES = {
    "FLOAT32": ({}, {}),
    "UINT8": ({"scale": 0.05, "zero": 128}, {"scale": 1 / 256, "zero": 0}),
    "INT8": ({"scale": 0.05, "zero": 3}, {"scale": 1 / 256, "zero": -128}),
}
"""Of the operands, with the parameters of boxes and of scores; int8 ones stand behind a DEQUANTIZE."""


def detector(kind: str, anchors: np.ndarray, options: dict[str, float]) -> bytes:
    """A file with a TFLite_Detection_PostProcess."""
    rows = int(options["max_detections"] * options["max_classes_per_detection"])
    box, score = TYPES[kind]
    tensors = [
        Tensor("boxes", (1, BOXES, COLUMNS), kind, **box),
        Tensor("scores", (1, BOXES, SCORES), kind, **score),
        Tensor("anchors", (BOXES, 4), "UINT8", data=np.rint(anchors * 200), scale=1 / 200)
        if kind == "UINT8"
        else Tensor("anchors", (BOXES, 4), data=anchors),
        *(Tensor(f"y{k}", shape) for k, shape in enumerate([(1, rows, 4), (1, rows), (1, rows), (1,)])),
        Tensor("real_boxes", (1, BOXES, COLUMNS)),
        Tensor("real_scores", (1, BOXES, SCORES)),
    ]
    borders = [Operator("DEQUANTIZE", [k], [7 + k]) for k in (0, 1)] if kind == "INT8" else []
    operands = [7, 8, 2] if borders else [0, 1, 2]
    custom = bytes(flexbuffers.Dumps(options))
    last = Operator("CUSTOM TFLite_Detection_PostProcess", operands, [3, 4, 5, 6], custom=custom)
    return build(tensors, [*borders, last], [0, 1], [3, 4, 5, 6])


def detectors(rng: np.random.Generator) -> dict[str, tuple[bytes, list[np.ndarray]]]:
    """Files and inputs, by the names of their cases."""
    found = {}
    for kind, regular, per_box, background in product(TYPES, (False, True), (1, 2), (0, 1)):
        places, sizes = rng.random((BOXES, 2)), 0.1 + 0.3 * rng.random((BOXES, 2))
        options: dict[str, float] = {
            "max_detections": 7,
            "max_classes_per_detection": per_box,
            "nms_score_threshold": 0.95 if background else 0.3,
            "nms_iou_threshold": 0.3,
            "num_classes": SCORES - background,
            "y_scale": 10.0,
            "x_scale": 9.0,
            "h_scale": 5.0,
            "w_scale": 4.0,
        }
        if regular:
            options |= {"use_regular_nms": True, "detections_per_class": 3}
        data = detector(kind, np.concatenate([places, sizes], axis=1).astype(np.float32), options)
        if kind == "FLOAT32":
            shapes = (1, BOXES, COLUMNS), (1, BOXES, SCORES)
            inputs = [rng.normal(size=shapes[0]).astype(np.float32), rng.random(shapes[1], np.float32)]
        else:
            drawn = [rng.integers(0, 256, (1, BOXES, n)).astype(np.uint8) for n in (COLUMNS, SCORES)]
            inputs = [x.view(kind.lower()) for x in drawn]
        found[f"{kind.lower()}_{'each' if regular else 'all'}_{per_box}_{background}"] = data, inputs
    return found


def spread(rng: np.random.Generator) -> dict[str, tuple[bytes, list[np.ndarray]]]:
    """Files with a Convolution2DTransposeBias, and inputs: paddings, strides and sizes of which no two are alike."""
    found = {}
    cases = ((1, 2, 2, 2, (8, 10)), (2, 2, 1, 3, (6, 11)), (1, 2, 1, 3, (4, 10)), (2, 1, 2, 3, (9, 7)))
    for number, (padding, width, height, kernel, size) in enumerate(cases):
        weights = rng.normal(size=(3, kernel, kernel, 2)).astype(np.float32)
        tensors = [
            Tensor("x", (1, 4, 5, 2)),
            Tensor("w", weights.shape, data=weights),
            Tensor("b", (3,), data=rng.normal(size=3)),
            Tensor("y", (1, *size, 3)),
        ]
        custom = np.array([padding, width, height], "<i4").tobytes()
        op = Operator("CUSTOM Convolution2DTransposeBias", [0, 1, 2], [3], custom=custom)
        found[f"spread_{number}"] = build(tensors, [op], [0], [3]), [rng.normal(size=(1, 4, 5, 2)).astype(np.float32)]
    return found


def main() -> None:
    rng, arrays = np.random.default_rng(0), {}
    for name, (data, inputs) in {**detectors(rng), **spread(rng)}.items():
        interpreter = Interpreter(model_content=data, num_threads=1)
        interpreter.allocate_tensors()
        arrays[f"{name}/model"] = np.frombuffer(data, np.uint8)
        for port, x in zip(interpreter.get_input_details(), inputs, strict=True):
            interpreter.set_tensor(port["index"], x)
            arrays[f"{name}/{port['name']}"] = x
        interpreter.invoke()
        for port in interpreter.get_output_details():
            arrays[f"{name}/{port['name']}"] = interpreter.get_tensor(port["index"])
    np.savez_compressed(Path(__file__).with_name("detection.npz"), **arrays)


if __name__ == "__main__":
    main()
