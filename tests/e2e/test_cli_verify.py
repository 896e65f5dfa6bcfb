"""`edgeq run` and `edgeq verify`, on a small model."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from cmake_project import build_project
from command_line import DIGITS, FIGURES, SINE, edgeq, succeeds
from onnx import helper
from onnx_models import model_of, weights

TEST = DIGITS / "test.npz"


def _images() -> np.ndarray:
    return np.load(TEST)["x"]


def _manifest(folder: Path) -> dict:  # type: ignore[type-arg]
    return json.loads((folder / "manifest.json").read_text())


# run


def test_run(digits: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", _images()[:7].astype(np.float64))
    shown = succeeds("run", digits, "--input", tmp_path / "x.npy")
    assert shown.out.startswith("probabilities: 7 result(s) of shape (10,)\n") and shown.err == ""
    found = succeeds("run", digits, "--input", tmp_path / "x.npy", "--json").json
    assert found["samples"] == 7 and found["outputs"].keys() == {"probabilities"}
    values = np.array(found["outputs"]["probabilities"], np.float32)
    assert values.shape == (7, 10)
    assert (values.argmax(1) == np.load(TEST)["y"][:7]).all()
    saved = succeeds("run", digits, "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npz")
    assert f"in {tmp_path / 'y.npz'}" in saved.out
    np.testing.assert_array_equal(np.load(tmp_path / "y.npz")["y"], values)


def test_run_raw(digits: Path, tmp_path: Path) -> None:
    scale = _manifest(digits)["inputs"][0]["scale"]
    integers = np.clip(np.rint(_images()[:20] / scale) - 128, -128, 127).astype(np.int64)
    np.savez(tmp_path / "raw.npz", x=integers)
    raw = succeeds("run", digits, "--input", tmp_path / "raw.npz", "--raw", "--json").json["outputs"]["probabilities"]
    np.savez(tmp_path / "real.npz", x=_images()[:20])
    real = succeeds("run", digits, "--input", tmp_path / "real.npz", "--json").json["outputs"]["probabilities"]
    np.testing.assert_array_equal((np.array(raw) + 128) / 256, real)


# verify


def test_verify(digits: Path) -> None:
    shown = succeeds("verify", digits, "--data", TEST, "--samples", "30")
    assert shown.out.startswith("bit-exact: 0 of 30 samples differ from the simulator\n") and shown.err == ""
    for label in ("SQNR against float", "top-1 float", "top-1 program", "agreement"):
        assert label in shown.out
    found = succeeds("verify", digits, "--data", TEST, "--json").json
    assert found.keys() == FIGURES
    assert (found["samples"], found["mismatches"], found["max_abs_diff"]) == (500, 0, 0)
    assert found["top1_float"] >= 97 and found["top1_int8"] >= 97 and found["agreement"] >= 97
    assert found["sqnr_db"] > 25 and found["centred_sqnr_db"] > 20
    assert found["drop"] == found["top1_float"] - found["top1_int8"] and found["random_data"] is False
    few = succeeds("verify", digits, "--data", TEST, "--samples", "3", "--json").json
    assert few["samples"] == 3
    chance = succeeds("verify", digits, "--json").json
    assert chance.keys() == FIGURES and chance["samples"] == 20 and chance["mismatches"] == 0
    assert chance["random_data"] is True and chance["drop"] is None
    assert chance["top1_float"] is chance["top1_int8"] is None


def test_verify_says_that_samples_are_random(digits: Path) -> None:
    shown = succeeds("verify", digits)
    assert shown.out.startswith("bit-exact: 0 of 20 random samples differ from the simulator\n")
    assert "The samples are random: for the accuracy on real ones, give --data" in shown.out
    assert "random" not in succeeds("verify", digits, "--data", TEST, "--samples", "5").out


@pytest.mark.parametrize(
    ("options", "gates"),
    [
        (
            ("--min-sqnr", "20", "--max-drop", "2.5", "--min-agreement", "95"),
            {"min_sqnr": 1, "max_drop": 1, "min_agreement": 1},
        ),
        (("--min-sqnr", "90"), {"min_sqnr": 0}),
        (("--max-drop", "-50"), {"max_drop": 0}),
        (("--min-agreement", "100.5", "--min-sqnr", "20"), {"min_sqnr": 1, "min_agreement": 0}),
    ],
)
def test_verify_as_a_gate(digits: Path, options: tuple[str, ...], gates: dict[str, int]) -> None:
    """Exit code 1 when a limit is missed, and the result says which."""
    command = ("verify", digits, "--data", TEST, "--samples", "100", *options)
    code = 0 if all(gates.values()) else 1
    found = edgeq(*command, "--json")
    assert found.code == code and found.json["mismatches"] == 0
    assert {gate["name"]: gate["met"] for gate in found.json["gates"]} == gates
    figures = {"min_sqnr": "sqnr_db", "max_drop": "drop", "min_agreement": "agreement"}
    for gate in found.json["gates"]:
        assert gate["value"] == found.json[figures[gate["name"]]]
    shown = edgeq(*command)
    assert shown.code == code and shown.err == ""
    assert shown.out.count("\nmet: ") == sum(gates.values())
    assert shown.out.count("\nMISSED: ") == len(gates) - sum(gates.values())


def test_gates_without_the_figures_they_are_about(digits: Path, tmp_path: Path) -> None:
    """Said before anything runs."""
    for data in ((), ("--data", DIGITS / "calibration.npz")):
        ended = edgeq("verify", digits, *data, "--max-drop", "1")
        assert ended.code == 2 and "error: --max-drop cannot be checked: it needs labels `y`" in ended.err
    succeeds("build", SINE, "--target", "host", "--output", tmp_path / "sine")
    ended = edgeq("verify", tmp_path / "sine", "--min-agreement", "90")
    assert ended.code == 2 and "--min-agreement cannot be checked: it needs an output with classes" in ended.err
    assert edgeq("verify", tmp_path / "sine", "--min-sqnr", "200").code == 1


def test_verify_tells_classes_apart(digits: Path, tmp_path: Path) -> None:
    found = succeeds("verify", digits, "--data", TEST, "--json").json
    labels = np.load(TEST)["y"]
    for kind in ("float", "int8"):
        matrix = np.array(found["confusion"][kind])
        assert matrix.shape == (10, 10)
        np.testing.assert_array_equal(matrix.sum(axis=1), np.bincount(labels, minlength=10))
        assert 100 * np.trace(matrix) / len(labels) == pytest.approx(found[f"top1_{kind}"])
    assert succeeds("verify", digits, "--json").json["confusion"] is None


def test_verify_takes_labels_of_every_kind(digits: Path, tmp_path: Path) -> None:
    x, y = _images()[:60], np.load(TEST)["y"][:60]
    figures = {}
    for name, labels in {
        "plain": y,
        "one-hot": np.eye(10)[y],
        "shifted": y + 1,
        "text": y.astype("U5") + np.array("x"),
    }.items():
        np.savez(tmp_path / "labels.npz", x=x, y=labels)
        ended = succeeds("verify", digits, "--data", tmp_path / "labels.npz", "--json")
        figures[name] = ended.json
        assert (len(ended.json["warnings"]) == 1) == (name != "plain")
        assert (ended.err == "") == (name == "plain") and ended.err.count("warning: ") == len(ended.json["warnings"])
    assert figures["one-hot"]["top1_int8"] == figures["plain"]["top1_int8"] >= 95
    assert figures["shifted"]["top1_int8"] < 20 and figures["text"]["top1_int8"] is None
    strict = edgeq("verify", digits, "--data", tmp_path / "labels.npz", "--strict")
    assert strict.code == 2 and "are text and are left out" in strict.err


def test_key(digits: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", train=_images()[:30], test=_images()[30:60], y=np.load(TEST)["y"][30:60])
    data = (tmp_path / "x.npz", "--key", "test")
    found = succeeds("verify", digits, "--data", *data, "--json").json
    assert found["samples"] == 30 and found["top1_int8"] >= 90
    results = succeeds("run", digits, "--input", *data, "--json").json["outputs"]["probabilities"]
    assert (np.argmax(results, 1) == np.load(TEST)["y"][30:60]).mean() >= 0.9
    build = ("build", DIGITS, "--target", "host", "--no-compile", "--output")
    made = [
        succeeds(*build, tmp_path / key, "--calibration", tmp_path / "x.npz", "--key", key, "--json").json
        for key in ("train", "test")
    ]
    assert made[0]["layers"][0]["name"] == made[1]["layers"][0]["name"]
    assert (tmp_path / "train" / "src" / "digits.c").read_bytes() != (
        tmp_path / "test" / "src" / "digits.c"
    ).read_bytes()
    ended = edgeq(*build, tmp_path / "none", "--calibration", tmp_path / "x.npz")
    assert ended.code == 2 and "name their array with --key" in ended.err


def test_scalar_inputs_and_inputs_called_y(tmp_path: Path) -> None:
    """Built, verified with random samples and with given ones, run and profiled."""
    for shape in ((1, 3), ()):
        nodes = [helper.make_node("Mul", ["x", "y"], ["z"])]
        (tmp_path / "m.onnx").write_bytes(model_of(nodes, {"x": (1, 3), "y": shape}, ["z"]).SerializeToString())
        arrays = {"x": weights(25, 3), "y": weights(25, *shape[1:])}
        np.savez(tmp_path / "x.npz", **arrays)
        build = ("build", tmp_path / "m.onnx", "--calibration", tmp_path / "x.npz", "--target", "host")
        succeeds(*build, "--output", tmp_path / "out")
        assert succeeds("verify", tmp_path / "out", "--json").json["mismatches"] == 0
        found = succeeds("verify", tmp_path / "out", "--data", tmp_path / "x.npz", "--json").json
        assert (found["samples"], found["mismatches"], found["top1_int8"]) == (25, 0, None) and found["sqnr_db"] > 30
        results = succeeds("run", tmp_path / "out", "--input", tmp_path / "x.npz", "--json").json["outputs"]["z"]
        expected = arrays["x"] * arrays["y"].reshape(25, -1)
        np.testing.assert_allclose(results, expected, atol=0.02)
        assert succeeds("profile", tmp_path / "out", "--json").json["total"] > 0


def test_verify_finds_a_mismatch(copy: Path) -> None:
    """A weight of the last layer is changed in the generated source, and the program compiled again."""
    source = copy / "src" / "digits_weights.c"
    text = source.read_text()
    at = text.index("{", text.index("digits_dense5_weights"))
    number = re.compile(r"-?\d+").search(text, at)
    assert number is not None
    source.write_text(text[: number.start()] + str(int(number[0]) // 2 - 30) + text[number.end() :])
    build_project(copy, copy / "again")
    shutil.copy(copy / "again" / "digits", copy / "build" / "digits")
    shown = edgeq("verify", copy, "--data", TEST, "--samples", "50")
    assert shown.code == 1
    assert shown.out.startswith("MISMATCH: ") and "largest difference" in shown.out
    (warning,) = shown.err.splitlines()
    assert "no longer as they were generated: src/digits_weights.c; build it again" in warning
    found = edgeq("verify", copy, "--data", TEST, "--samples", "50", "--json")
    assert found.code == 1
    assert found.json.keys() == FIGURES and found.json["edited"] == ["src/digits_weights.c"]
    assert 0 < found.json["mismatches"] <= 50 and found.json["max_abs_diff"] > 0
