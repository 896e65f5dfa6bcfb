"""Broken input of every kind through the command line: the exit code, one message that helps, nothing left behind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import tflite_file
from command_line import DIGITS, SINE, contents, edgeq, fails, succeeds
from onnx import helper
from onnx_models import model_of, weights

from edgeq.api import building, drafts
from edgeq.target import Region, Target, load_target
from edgeq.toolchain import compilers

MODEL, CALIBRATION, TEST = DIGITS / "digits.onnx", DIGITS / "calibration.npz", DIGITS / "test.npz"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build folder that is not compiled."""
    folder = tmp_path_factory.mktemp("generated") / "digits"
    succeeds("build", DIGITS, "--target", "host", "--no-compile", "--output", folder)
    return folder


@pytest.fixture
def space(tmp_path: Path, generated: Path) -> Path:
    """A folder with a build folder `out`, and a file `file`."""
    shutil.copytree(generated, tmp_path / "out")
    (tmp_path / "file").write_text("mine")
    return tmp_path


def _build(space: Path, code: int, *arguments: str | Path, says: tuple[str, ...] = ()) -> str:
    """`edgeq build` that must fail and leave the build folder that is there as it was."""
    return fails(code, "build", *arguments, "--output", space / "out", says=says, folder=space)


def _npz(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def _dense(path: Path, inputs: int, outputs: int) -> tuple[Path, Path]:
    """A model of one layer, and calibration data for it."""
    nodes = [helper.make_node("Gemm", ["x", "w", "b"], ["y"], "dense", transB=1)]
    constants = {"w": weights(outputs, inputs), "b": weights(outputs)}
    model = model_of(nodes, {"x": (1, inputs)}, ["y"], constants)
    path.write_bytes(model.SerializeToString())
    return path, _npz(path.with_suffix(".npz"), x=weights(2, inputs))


# Models


@pytest.mark.parametrize("part", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_truncated_onnx(space: Path, part: float) -> None:
    data = MODEL.read_bytes()
    (space / "cut.onnx").write_bytes(data[: int(len(data) * part)])
    _build(space, 3, space / "cut.onnx", "--calibration", CALIBRATION, says=("cut.onnx",))


@pytest.mark.parametrize("part", [0.0, 0.01, 0.1, 0.5, 0.9, 0.99])
def test_truncated_tflite(space: Path, part: float) -> None:
    data = _tflite_dense()
    (space / "cut.tflite").write_bytes(data[: int(len(data) * part)])
    _build(space, 3, space / "cut.tflite", says=("cut.tflite",))


def _tflite_dense() -> bytes:
    tensor = tflite_file.Tensor
    tensors = [
        tensor("x", (1, 8), "INT8", scale=0.1, zero=3),
        tensor("w", (4, 8), "INT8", data=np.arange(32) - 16, scale=0.01),
        tensor("b", (4,), "INT32", data=np.arange(4), scale=0.001),
        tensor("y", (1, 4), "INT8", scale=0.2, zero=-3),
    ]
    op = tflite_file.Operator("FULLY_CONNECTED", (0, 1, 2), (3,), "FullyConnectedOptions")
    return tflite_file.build(tensors, [op], (0,), (3,))


def test_tflite_dense_is_good(space: Path) -> None:
    (space / "good.tflite").write_bytes(_tflite_dense())
    succeeds("build", space / "good.tflite", "--no-compile", "--output", space / "out")


@pytest.mark.parametrize("suffix", [".onnx", ".tflite"])
def test_flipped_bits(space: Path, suffix: str) -> None:
    """Each either makes another model that is valid, or is refused as one that is not."""
    data = MODEL.read_bytes() if suffix == ".onnx" else _tflite_dense()
    rng = np.random.default_rng(3)
    codes = set()
    for _ in range(30):
        broken = bytearray(data)
        for at in rng.integers(0, min(len(data), 2000), 8):
            broken[at] ^= 1 << int(rng.integers(8))
        (space / f"flipped{suffix}").write_bytes(broken)
        ended = edgeq(
            "build", space / f"flipped{suffix}", "--calibration", CALIBRATION, "--no-compile", "--output", space / "new"
        )
        codes.add(ended.code)
        assert ended.code in (0, 2, 3, 4), ended.err
        assert (space / "new").exists() == (ended.code == 0)
        shutil.rmtree(space / "new", ignore_errors=True)
    assert 3 in codes


@pytest.mark.parametrize("name", ["text.onnx", "text.tflite"])
def test_no_model_at_all(space: Path, name: str) -> None:
    (space / name).write_text("this is no model\n" * 50)
    _build(space, 3, space / name, says=(name,))


@pytest.mark.parametrize("name", ["missing.onnx", "missing", "file/x.onnx"])
def test_missing_model(space: Path, name: str) -> None:
    _build(space, 2, space / name, says=("there is no such model",))


def test_unknown_kind_of_file(space: Path) -> None:
    (space / "model.rknn").write_bytes(b"PK")
    _build(space, 2, space / "model.rknn", says=(".rknn", "ONNX"))
    (space / "folder").mkdir()
    _build(space, 2, space / "folder", says=("SavedModel",))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("net.pt", ("is a PyTorch file", 'torch.onnx.export(model.eval(), (example_input,), "model.onnx")')),
        ("net.PTH", ("is a PyTorch file", "torch.onnx.export(")),
        ("net.pt2", ("torch.onnx.export(torch.export.load(path).module()",)),
        ("trees.joblib", ("skl2onnx.to_onnx(",)),
    ],
)
def test_files_of_other_tools(space: Path, name: str, says: tuple[str, ...]) -> None:
    """The call that exports them, in one line."""
    (space / name).write_bytes(b"PK")
    message = _build(space, 2, space / name, says=says)
    assert len(message.splitlines()) == 2


def test_keras_without_tensorflow(space: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (space / "net.keras").write_bytes(b"PK")
    monkeypatch.setattr("edgeq.importers.tensorflow.importlib.util.find_spec", lambda name: None)
    for more in ((), ("--calibration", CALIBRATION)):
        message = _build(space, 6, space / "net.keras", *more, says=('pip install "edgeq[tensorflow]"',))
        assert len(message.splitlines()) == 2


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers(space: Path, value: float) -> None:
    model = onnx.load(MODEL)
    w4 = next(t for t in model.graph.initializer if t.name == "w4")
    data = onnx.numpy_helper.to_array(w4).copy()
    data[3, 2, 1, 0] = value
    w4.CopyFrom(onnx.numpy_helper.from_array(data, "w4"))
    onnx.save(model, space / "bad.onnx")
    message = _build(space, 3, space / "bad.onnx", "--calibration", CALIBRATION)
    assert "w4" in message and "conv4" in message


def test_every_unsupported_operator_is_named(space: Path) -> None:
    nodes = [
        helper.make_node("Bernoulli", ["x"], ["a"], "first_bad"),
        helper.make_node("Relu", ["x"], ["b"], "good"),
        helper.make_node("NonZero", ["b"], ["c"], "second_bad"),
        helper.make_node("Invented", ["b"], ["d"], "third_bad", domain="com.example"),
    ]
    model = model_of(nodes, {"x": (3, 4, 4)}, ["a", "b", "c", "d"])
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    (space / "exotic.onnx").write_bytes(model.SerializeToString())
    bad = ("first_bad", "Bernoulli", "second_bad", "NonZero", "third_bad", "Invented")
    message = _build(space, 3, space / "exotic.onnx", says=bad)
    assert "good" not in message


def test_dynamic_dimensions(space: Path) -> None:
    model = model_of([helper.make_node("Relu", ["x"], ["y"])], {"x": ("batch", 3, "rows", "columns")}, ["y"])
    (space / "open.onnx").write_bytes(model.SerializeToString())
    data = _npz(space / "d.npz", x=weights(2, 3, 4, 5))
    build = (space / "open.onnx", "--calibration", data)
    _build(space, 2, *build, says=("x: dimension 2", "--input-shape"))
    _build(space, 2, *build, "--input-shape", "x=1,3", says=("x",))
    _build(space, 2, *build, "--input-shape", "x=1,4,4,5", says=("x",))
    _build(space, 2, *build, "--input-shape", "z=1,3,4,5", says=("'z'",))
    for text in ("x", "x=", "=1,2", "x=1,3,-4,5", "x=1,3,0,5", "x=1,3,a,5", "x=1;2"):
        _build(space, 2, *build, "--input-shape", text, says=("NAME=1,3,224,224",))
    succeeds("build", *build, "--input-shape", "x=1,3,4,5", "--no-compile", "--output", space / "new")


# Data


BAD_DATA: dict[str, Callable[[Path], object]] = {
    "another shape": lambda p: np.savez(p, x=np.zeros((10, 8, 8), np.float32)),
    "another layout": lambda p: np.savez(p, x=np.zeros((10, 8, 8, 1), np.float32)),
    "no x": lambda p: np.savez(p, images=np.zeros((10, 1, 8, 8), np.float32)),
    "no arrays": lambda p: np.savez(p),
    "no samples": lambda p: np.savez(p, x=np.zeros((0, 1, 8, 8), np.float32)),
    "a scalar": lambda p: np.savez(p, x=np.float32(3)),
    "text": lambda p: np.savez(p, x=np.array(["a", "b"])),
    "complex numbers": lambda p: np.savez(p, x=np.zeros((10, 1, 8, 8), np.complex64)),
    "objects": lambda p: np.savez(p, x=np.array([{}, None], dtype=object)),
    "NaN": lambda p: np.savez(p, x=np.full((10, 1, 8, 8), np.nan, np.float32)),
    "NaN in an only sample": lambda p: np.savez(p, x=np.full((1, 1, 8, 8), np.nan, np.float32)),
    "infinite": lambda p: np.savez(p, x=np.full((10, 1, 8, 8), np.inf)),
    "beyond float32": lambda p: np.savez(p, x=np.full((10, 1, 8, 8), 1e300)),
    "empty file": lambda p: p.write_bytes(b""),
    "not an npz": lambda p: p.write_text("x = 1, 2, 3"),
    "cut off": lambda p: p.write_bytes(CALIBRATION.read_bytes()[:3000]),
    "damaged": lambda p: p.write_bytes(_damaged(CALIBRATION.read_bytes())),
    "missing": lambda p: None,
    "a folder": lambda p: p.mkdir(),
}


def _damaged(data: bytes) -> bytes:
    return data[:1000] + bytes(255 - b for b in data[1000:2000]) + data[2000:]


@pytest.mark.parametrize("what", BAD_DATA)
def test_bad_data(space: Path, what: str) -> None:
    """As calibration and as samples to verify."""
    BAD_DATA[what](space / "data.npz")
    _build(space, 2, MODEL, "--calibration", space / "data.npz", says=("data.npz",))
    for command, option in (("verify", "--data"), ("run", "--input")):
        fails(2, command, space / "out", option, space / "data.npz", says=("data.npz",), folder=space)


def test_labels_of_another_length(space: Path) -> None:
    data = _npz(space / "data.npz", x=np.zeros((10, 1, 8, 8), np.float32), y=np.zeros(9, np.int64))
    fails(2, "verify", space / "out", "--data", data, says=("9 labels", "10 samples"), folder=space)


def test_data_of_a_model_without_inputs(space: Path) -> None:
    nodes = [helper.make_node("Relu", ["w"], ["y"], "relu")]
    (space / "constant.onnx").write_bytes(model_of(nodes, {}, ["y"], {"w": weights(1, 3)}).SerializeToString())
    _build(space, 2, space / "constant.onnx", "--calibration", CALIBRATION, says=("the model has no inputs",))


def test_no_calibration(space: Path) -> None:
    _build(space, 4, MODEL, says=("--calibration",))
    fails(4, "quantize", MODEL, "--output", space / "q.onnx", says=("--calibration",), folder=space)


def test_several_inputs_need_their_names(space: Path) -> None:
    nodes = [helper.make_node("Add", ["a", "b"], ["y"], "add")]
    (space / "two.onnx").write_bytes(model_of(nodes, {"a": (1, 4), "b": (1, 4)}, ["y"]).SerializeToString())
    only = _npz(space / "x.npz", x=np.zeros((3, 4), np.float32))
    _build(space, 2, space / "two.onnx", "--calibration", only, says=("'a'", "a, b"))
    uneven = _npz(space / "uneven.npz", a=np.zeros((3, 4), np.float32), b=np.zeros((2, 4), np.float32))
    _build(space, 2, space / "two.onnx", "--calibration", uneven, says=("[2, 3]",))


def test_run_of_raw_numbers_that_do_not_fit(space: Path) -> None:
    for values in (np.full((2, 1, 8, 8), 300), np.full((2, 1, 8, 8), 0.5)):
        data = _npz(space / "raw.npz", x=values)
        fails(2, "run", space / "out", "--input", data, "--raw", says=("-128 to 127",), folder=space)


# Options


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--target", "cortex-m44"), ("'cortex-m44'", "did you mean cortex-m4")),
        (("--target", "avr"), ("'avr'", "cortex-m4", "host")),
        (("--target", ""), ("host",)),
        (("--board", "mps2-an999"), ("mps2-an386",)),
        (("--board", "mps2-an386", "--target", "host"), ("exclude",)),
        (("--observer", "best"), ("min-max, moving-average, percentile, mse, entropy",)),
        (("--weights", "per-row"), ("per-channel, per-tensor",)),
        (("--activations", "none"), ("asymmetric, symmetric",)),
        (("--numerics", "exact"), ("fast, tflite, tflm",)),
        (("--optimize", "most"), ("speed, balanced, size",)),
        (("--kernels", "mine"), ("edgeq, cmsis-nn",)),
        (("--kernels", "cmsis-nn", "--numerics", "fast"), ("--numerics tflm",)),
        (("--toolchain", "msvc"), ("'msvc'", "gcc, clang, zig")),
        (("--target", "cortex-m4", "--toolchain", "clang"), ("'clang'", "gcc, zig")),
        (("--target", "cortex-m4", "--sanitize"), ("--target host",)),
        (("--target", "cortex-m4", "--simulate", "cortex-m4"), ("--target host",)),
        (("--simulate", "cortex-m44"), ("cortex-m4",)),
        (("--weights-in", "heaven"), ("inline, section, file",)),
        (("--weights-in", "file"), ("host", "--weights-in section")),
        (("--weights-address", "0x90000000"), ("--weights-in file",)),
        (("--target", "cortex-m4", "--weights-in", "file", "--weights-address", "top"), ("'top'", "0x90000000")),
        (("--target", "cortex-m4", "--weights-in", "file", "--weights-address", "0x90000004"), ("multiple of 16",)),
        (("--target", "cortex-m4", "--weights-in", "file", "--weights-address", "0x20000000"), ("RAM of cortex-m4",)),
        (("--ram-budget", "0"), ("--ram-budget",)),
        (("--ram-budget", "much"), ("--ram-budget",)),
        (("--input-mean", "a"), ("'a'",)),
        (("--input-scale", "nan"), ("finite",)),
        (("--input-std", "0"), ("greater than 0",)),
        (("--input-mean", "1,2", "--input-std", "1,2,3"), ("channels",)),
        (("--input-mean", "1,2,3"), ("channels",)),
        (("--input-shape", "image=1,3,8,8"), ("image",)),
        (("--invented",), ("--invented", "edgeq build --help")),
    ],
)
def test_bad_options(space: Path, arguments: tuple[str, ...], says: tuple[str, ...]) -> None:
    _build(space, 2, MODEL, "--calibration", CALIBRATION, *arguments, says=says)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("invented",), ("'invented'", "edgeq --help")),
        (("build",), ("MODEL", "edgeq build --help")),
        (("run", "somewhere"), ("--input",)),
        (("verify", "somewhere", "--samples", "0"), ("--samples",)),
        (("verify", "somewhere", "--samples", "some"), ("--samples",)),
    ],
)
def test_bad_command_lines(arguments: tuple[str, ...], says: tuple[str, ...]) -> None:
    fails(2, *arguments, says=says)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ("`model` is missing",)),
        ("model = 3", ("`model`",)),
        ("model = 'digits.onnx'\nmodle = 1", ("'modle'", "model")),
        ("model = 'digits.onnx'\ntarget = 4", ("`target`",)),
        ("model = 'digits.onnx'\nnumerics = 'exact'", ("fast, tflite, tflm",)),
        ("model = 'digits.onnx'\noptimize = 'most'", ("speed, balanced, size",)),
        ("model = 'digits.onnx'\nkernels = 'mine'", ("edgeq, cmsis-nn",)),
        ("model = 'digits.onnx'\nweights_in = 'heaven'", ("inline, section, file",)),
        ("model = 'digits.onnx'\nweights_address = '0x90000000'", ("`weights_address`", "whole number")),
        ("model = 'digits.onnx'\ncompile = 'no'", ("`compile`",)),
        ("model = 'digits.onnx'\nram_budget = true", ("`ram_budget`",)),
        ("model = 'digits.onnx'\nram_budget = -1", ("`ram_budget`",)),
        ("model = 'digits.onnx'\n[input_shapes]\nimage = 'large'", ("image", "[1, 3, 224, 224]")),
        ("model = 'digits.onnx'\n[input_shapes]\nimage = [1, 0]", ("image",)),
        ("model = 'digits.onnx'\n[quantize]\nobservr = 'mse'", ("observr", "[quantize]")),
        ("model = 'digits.onnx'\n[quantize]\nobserver = 'best'", ("[quantize] observer",)),
        ("model = 'digits.onnx'\n[quantize]\nbins = 1", ("bins",)),
        ("model = 'digits.onnx'\n[quantize.layers.conv1]\nrange = [1, 0]", ("conv1", "range")),
        ("model = 'digits.onnx'\n[input]\nmeen = 1", ("meen", "[input]")),
        ("model = 'digits.onnx'\n[input]\nstd = 'large'", ("std", "[input]")),
        ("model = = 'm.onnx'", ("TOML",)),
        ("model = 'missing.onnx'", ("missing.onnx",)),
    ],
)
def test_bad_project_file(space: Path, text: str, says: tuple[str, ...]) -> None:
    shutil.copy(MODEL, space)
    (space / "edgeq.toml").write_text(text)
    _build(space, 2, space, says=says)
    _build(space, 2, space / "edgeq.toml", says=says)


def test_missing_project_file(space: Path) -> None:
    _build(space, 2, space / "edgeq.toml", says=("edgeq.toml",))
    (space / "edgeq.toml").write_bytes(b"\xff\xfe\x00")
    _build(space, 2, space / "edgeq.toml", says=("TOML",))


# Output


def test_unwritable_output(space: Path) -> None:
    """Through what binds root too: a file in the way, a file system that takes no files."""
    build = ("build", SINE, "--target", "host", "--no-compile", "--output")
    for output in (space / "file", space / "file" / "below", space / "file" / "further" / "below"):
        fails(2, *build, output, says=(str(output),), folder=space)
    fails(2, *build, "/proc/edgeq", says=("/proc/edgeq",))
    fails(2, *build, "/proc/edgeq/below", says=("/proc/edgeq",))


def test_foreign_folder_is_kept(space: Path) -> None:
    (space / "mine").mkdir()
    (space / "mine" / "precious.txt").write_text("mine")
    build = ("build", DIGITS, "--target", "host", "--no-compile", "--output", space / "mine")
    fails(2, *build, says=("was not written by edgeq",), folder=space)
    (space / "mine" / "manifest.json").write_text('{"name": "of something else"}')
    fails(2, *build, says=("was not written by edgeq",), folder=space)


def test_unwritable_results(space: Path) -> None:
    quantize = ("quantize", SINE, "--samples", "1", "--output")
    for output in (space / "missing" / "q.onnx", space / "file" / "q.onnx", space / "out"):
        fails(2, *quantize, output, says=(str(output),), folder=space)


def test_new_parents_of_a_failed_build_are_removed(space: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(building, "_compile", failing)
    before = contents(space)
    ended = edgeq("build", DIGITS, "--target", "host", "--output", space / "a" / "b" / "c")
    assert (ended.code, ended.out) == (130, "")
    assert contents(space) == before
    ended = edgeq("build", DIGITS, "--target", "host", "--output", space / "out")
    assert ended.code == 130
    assert contents(space) == before


# Build folders


def test_not_a_build_folder(space: Path) -> None:
    (space / "empty").mkdir()
    for folder in (space / "empty", space / "file", space / "missing"):
        for command in (("verify",), ("profile",), ("run", "--input", TEST)):
            fails(2, command[0], folder, *command[1:], says=("not a build folder", "edgeq build"), folder=space)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "manifest cut": lambda f: _rewrite(f / "manifest.json", lambda data: data[:100]),
    "manifest empty": lambda f: (f / "manifest.json").write_text("{}"),
    "manifest without entries": lambda f: (f / "manifest.json").write_text('{"edgeq_version": "0.1.0"}'),
    "manifest with a wrong entry": lambda f: _entry(f, "inputs", 3),
    "manifest with a wrong name": lambda f: _entry(f, "name", ["x"]),
    "manifest with a wrong target": lambda f: _entry(f, "target", "cortex-m99"),
    "manifest with a wrong preprocessing": lambda f: _entry(f, "preprocessing", {"x": 1}),
    "no reference": lambda f: shutil.rmtree(f / "reference"),
    "no arrays": lambda f: (f / "reference" / "integer.npz").unlink(),
    "arrays cut": lambda f: _rewrite(f / "reference" / "integer.npz", lambda data: data[:2000]),
    "arrays damaged": lambda f: _rewrite(f / "reference" / "float.npz", _damaged),
    "text cut": lambda f: _rewrite(f / "reference" / "integer.txt", lambda data: data[: len(data) // 2]),
    "text empty": lambda f: (f / "reference" / "float.txt").write_text(""),
    "text of no encoding": lambda f: (f / "reference" / "float.txt").write_bytes(b"\xff\xfe\x80"),
    "graphs exchanged": lambda f: _exchange(f / "reference"),
}


def _rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def _entry(folder: Path, key: str, value: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))


def _exchange(folder: Path) -> None:
    for suffix in (".txt", ".npz"):
        (folder / f"integer{suffix}").rename(folder / "kept")
        (folder / f"float{suffix}").rename(folder / f"integer{suffix}")
        (folder / "kept").rename(folder / f"float{suffix}")


@pytest.mark.parametrize("what", DAMAGE)
def test_damaged_build_folder(space: Path, what: str) -> None:
    DAMAGE[what](space / "out")
    for command in (("verify",), ("verify", "--data", TEST), ("profile",), ("run", "--input", TEST)):
        fails(2, command[0], space / "out", *command[1:], folder=space)


def test_not_compiled(space: Path) -> None:
    for command in (("verify",), ("run", "--input", TEST)):
        fails(6, command[0], space / "out", *command[1:], says=("--no-compile",), folder=space)


def test_program_is_no_program(space: Path) -> None:
    (space / "out" / "build").mkdir()
    (space / "out" / "build" / "digits").write_text("")
    fails(6, "verify", space / "out", folder=space)
    (space / "out" / "build" / "digits").chmod(0o755)
    (space / "out" / "build" / "digits").write_bytes(b"\x7fELF\x01\x02\x03")
    fails(6, "verify", space / "out", folder=space)


# Capacity and tools


@pytest.mark.slow
def test_weights_larger_than_flash(space: Path) -> None:
    model, data = _dense(space / "wide.onnx", 2200, 2000)
    says = ("does not fit cortex-m4", "4,194,304", "flash", "target with more memory")
    _build(space, 5, model, "--calibration", data, "--target", "cortex-m4", says=says)


def test_arena_larger_than_ram(space: Path) -> None:
    nodes = [helper.make_node("MaxPool", ["x"], ["y"], "pool", kernel_shape=[3, 3], pads=[1, 1, 1, 1])]
    (space / "large.onnx").write_bytes(model_of(nodes, {"x": (1, 1, 1500, 1500)}, ["y"]).SerializeToString())
    data = _npz(space / "large.npz", x=np.ones((1, 1, 1500, 1500), np.uint8))
    says = ("does not fit cortex-m0plus", "4,194,304", "RAM")
    _build(space, 5, space / "large.onnx", "--calibration", data, "--target", "cortex-m0plus", says=says)


def test_budget(space: Path) -> None:
    needed = json.loads((space / "out" / "manifest.json").read_text())["arena_bytes"]
    build = (DIGITS, "--target", "host", "--no-compile", "--ram-budget")
    _build(space, 5, *build, "70", says=("the arena takes ", " bytes", "budget of 70", "it is fullest", "--ram-budget"))
    succeeds("build", *build, str(needed), "--output", space / "out")


@pytest.mark.qemu
def test_failing_link(space: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights fit, but not the code with them: known only to the linker."""

    def small(name: str) -> Target:
        target = load_target(name)
        return replace(target, memory={**target.memory, "flash": Region(target.memory["flash"].origin, 16384)})

    monkeypatch.setattr(drafts, "load_target", small)
    says = ("does not fit cortex-m4", "bytes more than the 16,384 of flash")
    _build(space, 5, DIGITS, "--target", "cortex-m4", says=says)


@pytest.fixture
def no_programs(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No program is on the PATH, and ziglang is not installed."""
    monkeypatch.setenv("PATH", str(tmp_path_factory.mktemp("empty")))
    monkeypatch.setattr(compilers, "find_zig", lambda: None)


@pytest.mark.usefixtures("no_programs")
@pytest.mark.parametrize(
    ("target", "hint"),
    [("cortex-m55", "gcc-arm-none-eabi"), ("host", "gcc"), ("cortex-m0plus", "pip install edgeq[zig]")],
)
def test_missing_compiler(space: Path, target: str, hint: str) -> None:
    _build(space, 6, DIGITS, "--target", target, says=(f"no compiler for {target}", hint))
    succeeds("build", DIGITS, "--target", target, "--no-compile", "--output", space / "out")


def test_missing_emulator(tmp_path: Path, no_programs: None) -> None:
    """QEMU is asked for where the emulator that pip installs has not the core."""
    helium, other = tmp_path / "helium", tmp_path / "other"
    for out, target in ((helium, "cortex-m55"), (other, "cortex-m4")):
        succeeds("build", SINE, "--target", target, "--no-compile", "--output", out)
        (out / "build").mkdir()
        (out / "build" / "hello_sine.elf").write_bytes(b"")
    fails(6, "verify", helium, says=("qemu-system-arm", "apt-get install"), folder=tmp_path)
    fails(6, "run", helium, "--input", SINE / "test.npz", says=("qemu-system-arm",), folder=tmp_path)
    fails(6, "verify", other, says=("is no program of edgeq's", "build it again"), folder=tmp_path)


def test_failing_compiler(space: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler that cannot compile; what it said is in the message."""
    tools = space / "tools"
    tools.mkdir()
    for name in ("gcc", "cc"):
        (tools / name).write_text("#!/bin/sh\necho 'this compiler is broken' >&2\nexit 1\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    before = contents(space)
    ended = edgeq("build", SINE, "--target", "host", "--toolchain", "gcc", "--output", space / "out")
    assert (ended.code, ended.out) == (6, "")
    assert "error: cmake failed" in ended.err and "this compiler is broken" in ended.err
    assert contents(space) == before


def test_defect_of_edgeq(space: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other exceptions are not blamed on the user; --debug shows where they come from."""

    def defect(*_: object) -> None:
        raise ZeroDivisionError("[nothing] :x: to divide")

    monkeypatch.setattr(drafts, "lower", defect)
    before = contents(space)
    command = ("build", DIGITS, "--target", "host", "--output", space / "out")
    ended = edgeq(*command, "--json")
    assert ended.code == 70
    assert "internal error: ZeroDivisionError: [nothing] :x: to divide" in ended.err
    assert ended.json["error"]["type"] == "InternalError"
    assert contents(space) == before
    with pytest.raises(ZeroDivisionError):
        edgeq("--debug", *command)


def test_debug_shows_the_traceback(space: Path) -> None:
    ended = edgeq("--debug", "verify", space / "file")
    assert ended.code == 2
    assert "Traceback" in ended.err and "error: " in ended.err


def test_names_with_brackets_and_colons(space: Path) -> None:
    """What looks like markup or an emoji is shown as it is."""
    fails(2, "inspect", space / "[bold]:x:.onnx", says=("[bold]:x:.onnx",))
