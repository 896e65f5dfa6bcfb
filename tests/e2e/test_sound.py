"""A model behind a front end, from edgeq.toml to a program that takes sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper, save
from onnx_models import model_of

from edgeq import api
from edgeq.api.project import load_project
from edgeq.frontend import Frontend, MelFrontend

VECTORS = Path(__file__).parents[1] / "unit" / "vectors" / "frontend.npz"
TOML = """\
model = "net.onnx"
calibration = "sound.npz"
output = "out"

[frontend]
sample_rate = 8000
window_ms = 8
stride_ms = 5
channels = 6
upper_hz = 3500
frames = 2
"""
CLIPS = """\
model = "net.onnx"
calibration = "sound.npz"
output = "out"

[frontend]
kind = "mfcc"
sample_rate = 8000
window_ms = 8
stride_ms = 5
channels = 12
coefficients = 6
upper_hz = 3500
clip_ms = 28
"""


def net(folder: Path) -> None:
    """A dense layer over five frames of six features."""
    rng = np.random.default_rng(2)
    weights = {"w": rng.normal(size=(30, 4)).astype(np.float32), "shape": np.array([1, 30], np.int64)}
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["flat"]), helper.make_node("MatMul", ["flat", "w"], ["y"])]
    save(model_of(nodes, {"x": [1, 5, 6]}, ["y"], weights), folder / "net.onnx")


@pytest.mark.slow
def test_a_program_takes_sound(tmp_path: Path) -> None:
    """Two new frames in each step, three kept ones: bit for bit what the simulator computes."""
    net(tmp_path)
    spec = Frontend(sample_rate=8000, window_ms=8, stride_ms=5, channels=6, upper_hz=3500, frames=2)
    np.savez(tmp_path / "sound.npz", x=spec.steps(np.load(VECTORS)["sound"][:3200]))
    (tmp_path / "edgeq.toml").write_text(TOML)
    manifest = api.build(load_project(tmp_path))
    assert [(port["dtype"], port["shape"]) for port in manifest["inputs"]] == [("int16", [1, 80])]
    assert [state["shape"] for state in manifest["states"]] == [[1, 24], [1, 6], [1, 3, 6]]
    result = api.verify(tmp_path / "out", tmp_path / "sound.npz")
    assert result["samples"] == 40 and result["mismatches"] == 0 and result["sqnr_db"] > 25


@pytest.mark.slow
def test_a_program_takes_clips(tmp_path: Path) -> None:
    """MFCCs in float32 of all frames at once, then integers: the simulator's bits."""
    net(tmp_path)
    (tmp_path / "edgeq.toml").write_text(CLIPS)
    options = load_project(tmp_path)
    assert isinstance(options.frontend, MelFrontend)
    np.savez(tmp_path / "sound.npz", x=options.frontend.steps(np.load(VECTORS)["sound"][:4480]))
    manifest = api.build(options)
    assert [(port["dtype"], port["shape"]) for port in manifest["inputs"]] == [("int16", [1, 224])]
    assert not manifest.get("states")
    result = api.verify(tmp_path / "out", tmp_path / "sound.npz")
    assert result["samples"] == 20 and result["mismatches"] == 0 and result["sqnr_db"] > 25
