"""`edgeq init`: a file that `edgeq build` takes as it is, and that has every option as a comment."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from command_line import Ended, edgeq
from onnx import helper
from onnx_models import model_of, weights

from edgeq.api.project import BuildOptions, load_project
from edgeq.api.starting import starter, write_starter
from edgeq.errors import UsageError
from edgeq.options import options, sections

DIGITS = Path(__file__).resolve().parents[2] / "examples" / "digits"


def test_the_file_of_a_float_model(tmp_path: Path) -> None:
    shutil.copy(DIGITS / "digits.onnx", tmp_path)
    path = write_starter(starter(tmp_path / "digits.onnx", tmp_path), tmp_path)
    text = path.read_text("utf-8")
    assert "x of shape (N, " in text
    read = load_project(path)
    assert read.model_path == tmp_path / "digits.onnx" and read.calibration == tmp_path / "samples.npz"
    assert read.target == "cortex-m4"
    missing = [item.key for item in options(BuildOptions) if f"{item.key} = " not in text]
    assert not missing and all(f"# [{name}" in text for name in sections(BuildOptions))
    with pytest.raises(UsageError, match="is there already"):
        write_starter(text, tmp_path)
    assert path.read_text("utf-8") == text


def test_every_comment_about_a_value_is_toml(tmp_path: Path) -> None:
    """Comments are one option each, on a line that begins as the reader would write it."""
    text = starter(DIGITS / "digits.onnx", tmp_path)
    assert f'model = "{(DIGITS / "digits.onnx").as_posix()}"' in text  # it lies elsewhere
    assert all(len(line) < 200 for line in text.splitlines())
    assert all(not line or line[0] in "#mct" for line in text.splitlines())


def test_shapes_that_the_model_leaves_open(tmp_path: Path) -> None:
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"])]
    model = model_of(nodes, {"x": [1, 3, "h", "w"]}, ["y"], {"w": weights(2, 3, 1, 1)})
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    ended: Ended = edgeq("init", tmp_path / "model.onnx")
    assert ended.code == 2 and "--input-shape" in ended.err and not (tmp_path / "edgeq.toml").exists()
    ended = edgeq("init", tmp_path / "model.onnx", "--input-shape", "x=1,3,8,6", "--target", "cortex-m0plus", "--json")
    assert ended.code == 0 and "edgeq.toml" in ended.out
    read = load_project(tmp_path)
    assert read.input_shapes == {"x": (1, 3, 8, 6)} and read.target == "cortex-m0plus"
