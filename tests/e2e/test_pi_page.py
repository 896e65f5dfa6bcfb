"""The programs of docs/raspberry-pi.md, as they stand there, with a camera that is made up."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import needs
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgeq import api
from edgeq.quantize.preprocess import InputSpec

PAGE = (Path(__file__).parents[2] / "docs" / "raspberry-pi.md").read_text("utf-8")
SIDE, WIDTH, HEIGHT = 96, 640, 480
RNG = np.random.default_rng(4)
COLOURS = np.array([[100, 90, 200], [110, 60, 80], [60, 210, 110]]).repeat(2, 0)
"""Of frames in YUV: red, green, blue, each twice."""
_NOISE = RNG.integers(-25, 26, (len(COLOURS), HEIGHT // 80, WIDTH // 80, 3))
FRAMES = (COLOURS[:, None, None] + _NOISE).repeat(80, 1).repeat(80, 2).astype(np.uint8)
"""In squares of one colour."""


def listing(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def network(path: Path) -> None:
    """A network for images from 0 to 1, channels first: which of red, green and blue is strongest."""
    weights = {
        "w": np.broadcast_to(np.eye(3)[..., None, None] / 64, (3, 3, 8, 8)),
        "b": np.zeros(3),
        "dense": 1.5 * np.eye(3) - 0.5,
        "bias": np.zeros(3),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], strides=[8, 8]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "dense", "bias"], ["y"], transB=1),
    ]
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    scores = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])
    stored = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "frames", [image], [scores], stored)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))


def seen(frame: np.ndarray) -> np.ndarray:
    """The middle square of a frame, as the page's formula makes it of YUV: bytes (96, 96, 3)."""
    at = (np.arange(SIDE) * HEIGHT + HEIGHT // 2) // SIDE
    y, u, v = np.moveaxis(frame[at][:, (WIDTH - HEIGHT) // 2 + at].astype(np.float32), -1, 0)
    y, u, v = 1.164 * (y - 16), u - 128, v - 128
    rgb = np.stack([y + 1.596 * v, y - 0.392 * u - 0.813 * v, y + 2.017 * u], axis=-1)
    return np.clip(np.floor(rgb + 0.5), 0, 255).astype(np.uint8)


@pytest.mark.slow
def test_the_pages_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    needs.programs("gcc", "g++")
    network(tmp_path / "frames.onnx")
    images = np.stack([seen(frame) for frame in FRAMES])
    np.savez(tmp_path / "frames.npz", x=images.transpose(0, 3, 1, 2))
    options = api.BuildOptions(
        tmp_path / "frames.onnx",
        "host",
        tmp_path / "frames.npz",
        tmp_path / "library",
        input=InputSpec(std=(255.0,)),
        input_layout="nhwc",
        emit="library",
    )
    api.build(options)
    program = tmp_path / "camera.cpp"
    program.write_text(listing("cpp"))
    library = [f"-I{tmp_path / 'library' / 'include'}", tmp_path / "library" / "lib" / "libframes.a"]
    flags = ["-O2", "-std=c++17", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(["g++", *flags, program, *library, "-o", tmp_path / "camera"], check=True)
    video = b"".join(f[..., 0].tobytes() + f[::2, ::2, 1].tobytes() + f[::2, ::2, 2].tobytes() for f in FRAMES)
    told = subprocess.run([tmp_path / "camera"], input=video, check=True, capture_output=True).stdout.decode().split()

    api.build(replace(options, emit="firmware", output=tmp_path / "folder"))
    compiled = api.load_compiled(tmp_path / "folder")
    wanted = compiled.predict(images.transpose(0, 3, 1, 2)).argmax(axis=1)
    assert told == [str(k) for k in wanted] == ["0", "0", "1", "1", "2", "2"]

    class Camera:
        """What the page calls of Picamera2; its frames end at some time."""

        frames: Iterator[np.ndarray] = iter(images)

        def create_video_configuration(self, **kinds: Any) -> Any:
            assert kinds == {"main": {"size": (SIDE, SIDE), "format": "BGR888"}}
            return kinds

        def configure(self, configuration: Any) -> None:
            assert configuration

        def start(self) -> None:
            pass

        def capture_array(self) -> np.ndarray:
            return next(self.frames)

    for name, members in (("picamera2", {"Picamera2": Camera}), ("frames", {"predict": compiled.predict})):
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    with pytest.raises(StopIteration):
        exec(listing("python"), {})
    assert capsys.readouterr().out.split() == told
