"""Commands that tell, measure and quantize, on small models: what is printed, and that options do something."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from command_line import DIGITS, LAYER, PORT, edgeq, succeeds
from onnx import helper
from onnx_models import model_of
from onnx_reference import session

from edgeq import __version__
from edgeq.cli import main

TEST = DIGITS / "test.npz"
COMMANDS = (
    *("init", "build", "run", "verify", "profile", "search", "report", "flash", "monitor"),
    *("quantize", "inspect", "targets", "boards", "ops", "doctor"),
)


def _images() -> np.ndarray:
    return np.load(TEST)["x"]


def _manifest(folder: Path) -> dict:  # type: ignore[type-arg]
    return json.loads((folder / "manifest.json").read_text())


# Help


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command: str) -> None:
    ended = succeeds(command, "--help")
    assert ended.err == ""
    assert ended.out.startswith(f"Usage: edgeq {command} ")
    options = re.findall(r"^  (?:-\w, )?(--[\w-]+)( .+)?$", ended.out, re.MULTILINE)
    assert ("--json" in dict(options)) and ("--help" in dict(options))
    assert all(text.strip() for _, text in options), "every option says what it does"
    assert all(len(line) <= 80 for line in ended.out.splitlines())


def test_list_of_commands() -> None:
    shown = succeeds("--help").out
    assert shown == succeeds().out
    assert [line.split()[0] for line in shown.split("Commands:")[1].splitlines() if line] == list(COMMANDS)
    assert "..." not in shown.split("Commands:")[1], "no sentence is cut off"
    first, second, packages, *extras = succeeds("--version").out.splitlines()
    assert first == f"edgeq {__version__}" and second.startswith("  Python 3.")
    assert re.search(r" numpy \d\S+, onnx \d", packages)
    assert all(re.match(r"  with \[\w+\]: [\w-]+ \d|  without \[\w+\]: pip install", line) for line in extras), extras
    assert not any(name in line for line in extras for name in ("[test]", "[lint]", "[docs]"))


def test_list_of_commands_without_the_commands() -> None:
    """The list is told before any command is imported, and in the commands' own words."""
    for command, line in main.COMMANDS.items():
        text = inspect.getdoc(importlib.import_module(f"edgeq.cli.{command}").command)
        assert text is not None and text.splitlines()[0] == line


@pytest.mark.parametrize(
    "line",
    [
        *(
            "--help",
            "--version",
            "build --help",
            "quantize --help",
            "inspect --help",
            "run --help",
            "targets",
            "doctor",
        ),
        *("build missing.onnx", "build nothing.txt", "build invented", "inspect missing.onnx", "quantize missing.onnx"),
        *("verify missing", "profile missing", "run missing --input x.npz", "inspect missing --memory"),
    ],
)
def test_short_answers_come_at_once(line: str, tmp_path: Path) -> None:
    """Help, lists, and what is said of wrong paths: without NumPy, ONNX and what else takes long to import."""
    code = "import sys; from edgeq.cli.main import main; main(sys.argv[1:])"
    code += "; print('modules', *sys.modules, file=sys.stderr)"
    environment = {**os.environ, "PYTHONPATH": str(DIGITS.parent.parent)}
    command = [sys.executable, "-c", code, *line.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment)
    said, _, modules = done.stderr.rpartition("modules ")
    assert done.stdout or said.startswith("error: ")
    slow = {"numpy", "onnx", "tflite", "jinja2", "elftools", "edgeq.ir.tensor", "edgeq.simulator"}
    assert "edgeq.cli.main" in modules.split() and not slow & set(modules.split())


def test_installed_command() -> None:
    done = subprocess.run([sys.executable, "-c", "from edgeq.cli.main import entry; entry()", "targets", "--json"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert json.loads(done.stdout)["targets"] and done.stderr == ""
    done = subprocess.run([sys.executable, "-c", "from edgeq.cli.main import entry; entry()", "verify", "nowhere"],
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 2 and done.stdout == "" and done.stderr.startswith("error: nowhere: ")


# profile, inspect, quantize


def test_profile(digits: Path) -> None:
    found = succeeds("profile", digits, "--json").json
    assert found.keys() == {
        "unit",
        "total",
        "clock_mhz",
        "cpi",
        "estimate_ms",
        "layers",
        "stack_used_bytes",
        "energy_uj",
    }
    refused = edgeq("profile", digits, "--steps", "2")
    assert refused.code == 2 and "the model has no states" in refused.err
    assert found["unit"] == "ns" and found["total"] > 0 and found["stack_used_bytes"] is None
    assert found["clock_mhz"] is None and found["cpi"] is None and found["estimate_ms"] == found["total"] / 1e6
    times = {"min_us", "median_us", "p95_us", "cycles"}
    assert all(layer.keys() == {"name", "op", "value", "macs", "share", "per_mac", *times} for layer in found["layers"])
    assert all(0 <= layer["min_us"] <= layer["median_us"] <= layer["p95_us"] for layer in found["layers"])
    assert all(layer["median_us"] == layer["value"] / 1e3 for layer in found["layers"])
    assert [layer["name"] for layer in found["layers"]] == [layer["name"] for layer in _manifest(digits)["layers"]]
    assert 0 < sum(layer["value"] for layer in found["layers"]) <= found["total"]
    shown = succeeds("profile", digits)
    assert (
        "p95 µs" in shown.out
        and "conv4" in shown.out
        and re.search(r"^total [\d,]+ ns$", shown.out, re.MULTILINE)
        and shown.err == ""
    )


def test_inspect(digits: Path) -> None:
    assert succeeds("inspect", digits, "--json").json == {**_manifest(digits), "edited": []}
    shown = succeeds("inspect", digits)
    assert "flash" in shown.out and "eq_conv2d" in shown.out
    assert shown.out.startswith("digits for host")
    for word in ("numerics fast", "optimized for balanced", f"edgeq {__version__}", "compiler  ", "stack  ", "RAM  "):
        assert word in shown.out
    of_model = succeeds("inspect", DIGITS / "digits.onnx", "--json").json
    assert of_model == succeeds("inspect", DIGITS, "--json").json, "a project stands for its model"
    assert of_model["name"] == "digits" and of_model["quantized"] is None
    assert all(port.keys() == PORT for port in of_model["inputs"] + of_model["outputs"])
    assert all(layer.keys() == LAYER - {"kernel"} for layer in of_model["layers"])
    assert of_model["macs"] == _manifest(digits)["macs"]
    assert "conv4" in succeeds("inspect", DIGITS / "digits.onnx").out


def test_inspect_takes_shapes(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(
        model_of([helper.make_node("Relu", ["x"], ["y"])], {"x": (1, 3, "h", "w")}, ["y"]).SerializeToString()
    )
    found = succeeds("inspect", tmp_path / "m.onnx", "--input-shape", "x=1x3x5x6", "--json").json
    assert found["inputs"][0]["shape"] == [1, 3, 5, 6]


def test_quantize(digits: Path, tmp_path: Path) -> None:
    """The file runs in onnxruntime, and gives what the built program gives."""
    path = tmp_path / "qdq.onnx"
    shown = succeeds("quantize", DIGITS, "--output", path)
    assert f"wrote {path}" in shown.out and "SQNR" in shown.out and "dense5" in shown.out
    onnx.checker.check_model(path, full_check=True)
    loaded = session(path)
    (port,) = loaded.get_inputs()
    assert (port.name, port.shape) == ("image", [1, 1, 8, 8])
    images = _images().astype(np.float32)
    found = np.concatenate([loaded.run(None, {"image": x[None]})[0] for x in images])
    np.save(tmp_path / "x.npy", images)
    succeeds("run", digits, "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npz")
    assert np.mean(np.abs(found - np.load(tmp_path / "y.npz")["y"]) * 256 <= 1.001) >= 0.999


def test_quantize_json(tmp_path: Path) -> None:
    options = ("--observer", "mse", "--weights", "per-tensor", "--samples", "5", "--json")
    found = succeeds("quantize", DIGITS, *options).json
    assert found.keys() == {"name", "numerics", "output", "layers", "worst", "warnings"}
    assert (found["name"], found["numerics"], found["output"]) == ("digits", "fast", None)
    layer = {"name", "op", "value", "sqnr_db", "max_error", "cosine", "rms"}
    assert found["worst"] and all(e.keys() == {"name", "value", "sqnr_db", "why"} for e in found["worst"])
    assert found["worst"][0]["sqnr_db"] == min(e["sqnr_db"] for e in found["layers"] if e["sqnr_db"] is not None)
    assert found["layers"] and all(e.keys() == layer for e in found["layers"])
    assert all(e["sqnr_db"] is None or e["sqnr_db"] > 10 for e in found["layers"])
    assert all(e["cosine"] > 0.95 for e in found["layers"])
    assert list(tmp_path.iterdir()) == []
    other = succeeds("quantize", DIGITS, "--samples", "5", "--json").json
    assert other["layers"] != found["layers"]


# targets, ops, doctor


def test_targets() -> None:
    found = succeeds("targets", "--json").json["targets"]
    names = [t["name"] for t in found]
    cores = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55")
    assert {"host", *cores} <= set(names)
    assert all(t.keys() >= {"name", "description", "family", "isa"} for t in found)
    shown = succeeds("targets").out
    assert all(name in shown for name in names)


def test_ops() -> None:
    found = succeeds("ops", "--json").json["ops"]
    kinds = {op["name"] for op in found}
    assert {"Conv2D", "DepthwiseConv2D", "FullyConnected", "Softmax", "Resize", "Concat"} <= kinds
    keys = {"name", "description", "elements", "attributes", "kernels"}
    assert all(op.keys() >= keys and op["description"] for op in found)
    elements = {op["name"]: op["elements"] for op in found}
    assert elements["Add"] == ["int8", "int16", "float32"] and "int16 × int8" in elements["ConvTranspose2D"]
    shown = succeeds("ops").out
    assert all(kind in shown for kind in kinds)


def test_ops_of_files() -> None:
    """By the names that models' files have for them, each with what is taken."""
    found = succeeds("ops", "--onnx", "--tflite", "--json").json
    assert found.keys() == {"onnx", "tflite"}
    onnx, tflite = ({op["name"]: op["taken"] for op in found[key]} for key in ("onnx", "tflite"))
    assert {"Conv", "Gemm", "LayerNormalization"} <= onnx.keys() and all((onnx | tflite).values())
    assert tflite["RANGE"] == "Only on constants, at import."
    assert "broadcast" in tflite["ADD"] and "IF" not in tflite
    wide = {op["name"]: op["int16"] for op in found["tflite"]}
    assert wide["CONV_2D"] and wide["SOFTMAX"] and not wide["HARD_SWISH"]
    keras = {op["name"]: op["taken"] for op in succeeds("ops", "--keras", "--json").json["keras"]}
    assert keras["Conv2D"] == "As CONV_2D." and "MelSpectrogram" not in keras
    refused = succeeds("ops", "--refused", "--json").json
    instead = {key: {op["name"]: op["instead"] for op in rows} for key, rows in refused.items()}
    assert instead["onnx"]["GlobalLpPool"] == "use ReduceL2 over rows and columns"
    assert "BITCAST" in instead["tflite"] and all(all(rows.values()) for rows in instead.values())
    for name, known in (("onnx", onnx), ("tflite", tflite), ("keras", keras)):
        assert not known.keys() & instead[name].keys()
    shown = succeeds("ops", "--tflite").out
    assert all(kind in shown for kind in tflite) and "LayerNormalization" not in shown


def test_doctor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = {t["name"]: t for t in succeeds("doctor", "--json").json["tools"]}
    assert found["compiler for host"]["found"] and found["cmake"]["found"]
    assert all(t.keys() == {"name", "found", "purpose", "install"} for t in found.values())
    shown = succeeds("doctor").out
    assert all(name in shown for name in found)
    monkeypatch.setenv("PATH", str(tmp_path))
    bare = {t["name"]: t for t in succeeds("doctor", "--json").json["tools"]}
    assert bare["qemu-system-arm"]["found"] is None
    assert "qemu-system-arm: apt-get install qemu-system-arm" in succeeds("doctor").out


def test_pipe_that_is_closed(digits: Path) -> None:
    """`edgeq … | head` is no error."""
    code = "from edgeq.cli.main import entry; entry()"
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-c", code, "ops", "--json"], stdout=write, stderr=subprocess.PIPE, text=True
    )
    os.close(write)
    assert "Traceback" not in done.stderr and "internal error" not in done.stderr
