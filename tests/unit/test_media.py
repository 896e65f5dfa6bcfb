"""Samples from images and sound."""

from __future__ import annotations

import struct
import wave
from pathlib import Path
from typing import Any

import needs
import numpy as np
import pytest
from command_line import DIGITS, edgeq, succeeds
from onnx import helper
from onnx_models import model_of, weights

import edgeq as library
from edgeq.api.data import load_data
from edgeq.api.media import read_media
from edgeq.errors import ToolError, UsageError
from edgeq.ir.tensor import Array
from edgeq.warnings import EdgeqWarning

RATE = 16000


@pytest.fixture
def pillow() -> Any:
    return pytest.importorskip("PIL.Image", reason=f"{needs.OPTIONAL}Pillow is not installed (pip install pillow)")


def _wav(path: Path, samples: Array, width: int = 2, channels: int = 1, rate: int = RATE) -> Path:
    """A file of integers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        if width == 3:
            file.writeframes(b"".join(struct.pack("<i", int(s))[:3] for s in samples))
        else:
            file.writeframes(samples.astype({1: "<u1", 2: "<i2", 4: "<i4"}[width]).tobytes())
    return path


@pytest.mark.parametrize(("width", "offset"), [(1, 128), (2, 0), (3, 0), (4, 0)])
def test_sound_of_every_width(width: int, offset: int, tmp_path: Path) -> None:
    full = 1 << (8 * width - 1)
    wanted = np.array([0, -1, 0.5, -0.5, 0.25, 1 - 1 / full])
    file = _wav(tmp_path / "a.wav", (wanted * full + offset).astype(np.int64), width)
    found = read_media(file, (1, 6), stateful=False)
    assert found.keys() == {"x"} and found["x"].dtype == np.float32
    np.testing.assert_array_equal(found["x"], wanted[None].astype(np.float32))


def test_channels_of_a_sound_are_averaged(tmp_path: Path) -> None:
    file = _wav(tmp_path / "a.wav", np.array([1000, 3000, -2000, 0]), channels=2)
    np.testing.assert_array_equal(read_media(file, (1, 2), False)["x"], np.float32([[2000, -1000]]) / 32768)


@pytest.mark.parametrize("shape", [(1, 4), (1, 4, 1), (1, 1, 4), (1, 1, 4, 1)])
def test_windows_of_a_sound(shape: tuple[int, ...], tmp_path: Path) -> None:
    """Whole windows only; a sound shorter than one is filled up, with a warning."""
    _wav(tmp_path / "sounds" / "a.wav", np.arange(11))
    _wav(tmp_path / "sounds" / "b.wav", np.arange(4) + 100)
    found = read_media(tmp_path / "sounds", shape, False)["x"]
    assert found.shape == (3, *shape[1:])
    np.testing.assert_array_equal(found.reshape(3, 4) * 32768, [[0, 1, 2, 3], [4, 5, 6, 7], [100, 101, 102, 103]])
    _wav(tmp_path / "sounds" / "c.wav", np.arange(2) + 1)
    with pytest.warns(EdgeqWarning, match="1 of 3 sounds are shorter than a window, and filled with silence"):
        found = read_media(tmp_path / "sounds", shape, False)["x"]
    np.testing.assert_array_equal(found[-1].reshape(-1) * 32768, [1, 2, 0, 0])


def test_sounds_as_sequences(tmp_path: Path) -> None:
    """For a model with states a sound is a sequence of steps, and all have the length of the shortest."""
    _wav(tmp_path / "a.wav", np.arange(9))
    _wav(tmp_path / "b.wav", np.arange(7) + 50)
    found = read_media(tmp_path, (1, 2), stateful=True)["x"]
    assert found.shape == (2, 3, 2)
    np.testing.assert_array_equal(found * 32768, [[[0, 1], [2, 3], [4, 5]], [[50, 51], [52, 53], [54, 55]]])


def test_labels_are_the_folders(tmp_path: Path) -> None:
    """In alphabetical order; a long sound gives its label to each window. Hidden and other files are no samples."""
    _wav(tmp_path / "yes" / "a.wav", np.arange(2))
    _wav(tmp_path / "no" / "b.wav", np.arange(4))
    _wav(tmp_path / ".hidden" / "c.wav", np.arange(4))
    (tmp_path / "readme.txt").write_text("about")
    found = read_media(tmp_path, (1, 2), False)
    np.testing.assert_array_equal(found["y"], [0, 0, 1])
    np.testing.assert_array_equal(found["x"] * 32768, [[0, 1], [2, 3], [0, 1]])
    _wav(tmp_path / "d.wav", np.arange(2))
    assert "y" not in read_media(tmp_path, (1, 2), False), "a file of no class"


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there are neither images nor sounds in it"):
        read_media(tmp_path, (1, 4), False)
    (tmp_path / "a.wav").write_bytes(b"RIFF....WAVE")
    with pytest.raises(UsageError, match=r"a.wav: cannot be read as sound \(.*\n.*convert it to PCM"):
        read_media(tmp_path, (1, 4), False)
    _wav(tmp_path / "a.wav", np.arange(4))
    _wav(tmp_path / "b.wav", np.arange(4), rate=8000)
    with pytest.raises(UsageError, match="sampled at different rates: 8,000 Hz, 16,000 Hz"):
        read_media(tmp_path, (1, 4), False)
    with pytest.raises(UsageError, match=r"the model takes \(1, 49, 10, 1\), which is no sound"):
        read_media(tmp_path / "a.wav", (1, 49, 10, 1), False)
    (tmp_path / "c.png").write_bytes(b"")
    with pytest.raises(UsageError, match="there are images and sounds in it"):
        read_media(tmp_path, (1, 4), False)
    with pytest.raises(UsageError, match=r"the model takes \(1, 4\), which are no images"):
        read_media(tmp_path / "c.png", (1, 4), False)


def test_images_without_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    (tmp_path / "c.png").write_bytes(b"")
    with pytest.raises(ToolError, match=r'needs Pillow, which is not installed\n.*pip install "edgeq\[images\]"'):
        read_media(tmp_path, (1, 8, 8, 3), False)


def test_a_model_of_several_inputs_takes_no_files(tmp_path: Path) -> None:
    file = _wav(tmp_path / "a.wav", np.arange(4))
    model = model_of([helper.make_node("Add", ["a", "b"], ["y"])], {"a": (1, 4), "b": (1, 4)}, ["y"])
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(UsageError, match="the model has 2 inputs, of which files say nothing"):
        load_data(file, library.load(tmp_path / "m.onnx"))


def test_sound_from_calibration_to_results(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for index in range(25):
        _wav(tmp_path / "sounds" / f"{index:02}.wav", rng.integers(-9000, 9000, 64))
    model = model_of([helper.make_node("Gemm", ["x", "w"], ["y"])], {"x": (1, 64)}, ["y"], {"w": weights(64, 4)})
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    build = ("build", tmp_path / "m.onnx", "--target", "host", "--calibration", tmp_path / "sounds")
    ended = succeeds(*build, "--output", tmp_path / "out", "--json")
    assert ended.json["warnings"] == [] and ended.json["accuracy"]["samples"] == 25
    assert succeeds("verify", tmp_path / "out", "--data", tmp_path / "sounds", "--json").json["mismatches"] == 0
    found = succeeds("run", tmp_path / "out", "--input", tmp_path / "sounds" / "03.wav", "--json").json
    assert np.shape(found["outputs"]["y"]) == (1, 4)
    ended = edgeq("build", tmp_path / "m.onnx", "--calibration", tmp_path / "out", "--output", tmp_path / "b")
    assert ended.code == 2 and "there are neither images nor sounds in it" in ended.err
    assert ended.err.startswith("error: "), "before the work"


def _pictures(folder: Path, pillow: Any, count: int, size: tuple[int, int], mode: str = "RGB") -> Array:
    """Images of random pixels; returns them."""
    folder.mkdir(parents=True, exist_ok=True)
    channels = len(mode)
    pixels = np.random.default_rng(2).integers(0, 256, (count, size[1], size[0], channels), np.uint8)
    for index, image in enumerate(pixels):
        pillow.fromarray(image[..., 0] if channels == 1 else image).save(folder / f"{index:03}.png")
    return pixels


def test_images(pillow: Any, tmp_path: Path) -> None:
    """In the order of their names, in the layout of the model; gray or in color, as the model takes them."""
    pixels = _pictures(tmp_path, pillow, 4, (6, 5))
    np.testing.assert_array_equal(read_media(tmp_path, (1, 5, 6, 3), False)["x"], pixels)
    np.testing.assert_array_equal(read_media(tmp_path, (1, 3, 5, 6), False)["x"], pixels.transpose(0, 3, 1, 2))
    gray = read_media(tmp_path, (1, 1, 5, 6), False)["x"]
    assert gray.shape == (4, 1, 5, 6) and gray.dtype == np.uint8
    np.testing.assert_allclose(gray[:, 0], pixels @ [0.299, 0.587, 0.114], atol=1)
    np.testing.assert_array_equal(read_media(tmp_path, (1, 5, 6), False)["x"], gray[:, 0])
    one = _pictures(tmp_path / "gray", pillow, 1, (6, 5), "L")
    found = read_media(tmp_path / "gray" / "000.png", (1, 5, 6, 3), False)["x"]
    np.testing.assert_array_equal(found, np.repeat(one, 3, axis=3))


def test_images_of_another_size(pillow: Any, tmp_path: Path) -> None:
    _pictures(tmp_path, pillow, 2, (6, 6))
    pillow.fromarray(np.full((20, 10, 3), 77, np.uint8)).save(tmp_path / "x.png")
    with pytest.warns(EdgeqWarning, match="1 of 3 images are not 6 × 6 pixels, and resized; give images of that size"):
        found = read_media(tmp_path, (1, 6, 6, 3), False)["x"]
    assert found.shape == (3, 6, 6, 3) and (found[2] == 77).all()


def test_damaged_images(pillow: Any, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    with pytest.raises(UsageError, match=r"x.png: cannot be read as an image \("):
        read_media(tmp_path, (1, 6, 6, 3), False)


def test_images_from_calibration_to_accuracy(pillow: Any, tmp_path: Path) -> None:
    """Folders are classes; with preprocessing pixels are the bytes that the device takes."""
    arrays = np.load(DIGITS / "test.npz")
    for index, (image, label) in enumerate(zip(arrays["x"][:60, 0], arrays["y"], strict=False)):
        folder = tmp_path / "images" / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        pillow.fromarray(image * np.uint8(15)).save(folder / f"{index}.png")
    build = ("build", DIGITS / "digits.onnx", "--target", "host", "--calibration", tmp_path / "images")
    made = succeeds(*build, "--input-std", "15", "--output", tmp_path / "out", "--json").json
    assert made["inputs"][0]["dtype"] == "uint8" and made["warnings"] == []
    found = succeeds("verify", tmp_path / "out", "--data", tmp_path / "images", "--json").json
    assert (found["samples"], found["mismatches"]) == (60, 0) and found["top1_int8"] >= 95
    for file in (tmp_path / "images").rglob("*.png"):
        file.rename(tmp_path / "images" / file.name)
    raw = succeeds(*build, "--output", tmp_path / "raw", "--no-compile", "--json")
    assert "try --input-std 255" in raw.err and len(raw.json["warnings"]) == 1
