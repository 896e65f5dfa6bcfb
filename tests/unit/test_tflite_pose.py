"""The decoder of poses in .tflite files, against Coral's (vectors/make_pose.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flatbuffers import flexbuffers
from tflite_file import Operator, Tensor, build

from edgeq import api
from edgeq.errors import ModelError
from edgeq.importers.tflite import import_bytes
from edgeq.ops.posenet_decoder import EDGES, KEYPOINTS, PosenetDecoder
from edgeq.simulator import run_float, run_int

VECTORS = dict(np.load(Path(__file__).with_name("vectors") / "pose.npz"))
NAMES = sorted({key.split("/")[0] for key in VECTORS})
LIMIT, SCORE, RADIUS = 6, 0.35, 20.0
STEPS = ((0.06, 140), (0.25, 120), (1.0, 125))
SHAPES = ((1, LIMIT, KEYPOINTS, 2), (1, LIMIT, KEYPOINTS), (1, LIMIT), (1,))
CHANNELS = (KEYPOINTS, 2 * KEYPOINTS, 4 * EDGES)


def file(size: tuple[int, int], options: object, kind: str = "FLOAT32", outputs: int = 4, short: int = 34) -> bytes:
    steps = STEPS if kind == "UINT8" else [(None, 0)] * 3
    channels = (KEYPOINTS, short, 4 * EDGES)
    tensors = [
        Tensor(f"x{k}", (1, *size, n), kind, scale=scale, zero=zero)
        for k, (n, (scale, zero)) in enumerate(zip(channels, steps, strict=True))
    ]
    tensors += [Tensor(f"y{k}", shape) for k, shape in enumerate(SHAPES)]
    places = list(range(3, 3 + outputs))
    custom = bytes(flexbuffers.Dumps(options))
    return build(tensors, [Operator("CUSTOM PosenetDecoderOp", [0, 1, 2], places, custom=custom)], [0, 1, 2], places)


OPTIONS = {"max_detections": LIMIT, "score_threshold": SCORE, "stride": 16, "nms_radius": RADIUS}


@pytest.mark.parametrize("name", NAMES)
def test_poses_are_those_of_coral(name: str) -> None:
    maps = [VECTORS[f"{name}/{k}"] for k in range(3)]
    wanted = [VECTORS[f"{name}/y{k}"].reshape(shape) for k, shape in enumerate(SHAPES)]
    size = (maps[0].shape[1], maps[0].shape[2])
    kind = "FLOAT32" if name == "float32" else "UINT8"
    graph = import_bytes(file(size, OPTIONS | {"stride": int(VECTORS[f"{name}/stride"])}, kind), "net")
    inputs = {f"x{k}": x for k, x in enumerate(maps)}
    found = run_float(graph, inputs) if kind == "FLOAT32" else run_int(api.quantize(graph).graph, inputs)
    count = int(wanted[3][0])
    assert count > 1 and found["y3"].tolist() == [count]
    for k, tolerance in ((0, 1e-3), (1, 1e-6), (2, 1e-6)):
        np.testing.assert_allclose(found[f"y{k}"][:, :count], wanted[k][:, :count], rtol=0, atol=tolerance)
        assert not found[f"y{k}"][:, count:].any()


def test_no_number_is_no_place() -> None:
    op = PosenetDecoder(2, 0.4, 4, 5.0)
    maps = [np.full((1, 3, 4, n), value, np.float32) for n, value in zip(CHANNELS, (1.0, np.nan, np.inf), strict=True)]
    places, scores, _, count = op.run_float(maps)
    assert count[0] >= 1 and np.isfinite(places).all() and np.isfinite(scores).all()
    assert op.run_float([maps[0] * np.nan, *maps[1:]])[3][0] == 0


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (file((4, 5), OPTIONS, outputs=3), "it has 3 inputs and 3 outputs, not 3 and 4"),
        (file((4, 5), OPTIONS, short=33), "heatmaps and offsets"),
        (file((4, 5), {**OPTIONS, "max_detections": 1 << 20}), "1048576 poses at a stride of 16 would be found"),
        (file((4, 5), {**OPTIONS, "stride": 0}), "6 poses at a stride of 0 would be found"),
        (file((4, 5), {**OPTIONS, "score_threshold": 1.0}), "scores from 1.0 on"),
        (file((4, 5), {**OPTIONS, "nms_radius": float("nan")}), "its option nms_radius is nan"),
        (file((4, 5), {**OPTIONS, "stride": "wide"}), "are no integers by their names"),
    ],
)
def test_what_is_refused(data: bytes, text: str) -> None:
    with pytest.raises(ModelError) as error:
        import_bytes(data, "net")
    assert text in str(error.value)
