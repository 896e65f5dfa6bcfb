"""Every command and option of the command line, on small models: what is printed, and that options do something."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import needs
import numpy as np
import onnx
import pytest
from cmake_project import build_project
from command_line import DIGITS, SINE, contents, edgeq, fails, messages, succeeds
from onnx import helper
from onnx_models import model_of, weights
from onnx_reference import session

from edgeq import __version__
from edgeq.cli import main
from edgeq.target import load_target

TEST = DIGITS / "test.npz"
COMMANDS = (
    *("init", "build", "run", "verify", "profile", "search", "report", "flash", "monitor"),
    *("quantize", "inspect", "targets", "boards", "ops", "doctor"),
)
MANIFEST = {
    *("edgeq_version", "name", "target", "cpu", "toolchain", "numerics", "kernels", "optimize", "inputs", "outputs"),
    *("macs", "weights_bytes", "arena_bytes", "ram_bytes", "flash_bytes", "stack_bytes", "layers"),
}
LAYER = {"name", "op", "kernel", "macs", "weights_bytes", "output_shape"}
PORT = {"name", "shape", "dtype", "scale", "zero_point"}
FIGURES = {
    "samples",
    "mismatches",
    "max_abs_diff",
    "sqnr_db",
    "top1_float",
    "top1_int8",
    "agreement",
    "centred_sqnr_db",
    "edited",
    "drop",
    "random_data",
    "stack_used_bytes",
    "confusion",
    "arena_used_bytes",
    "gates",
    "warnings",
}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """examples/digits, built for the host."""
    folder = tmp_path_factory.mktemp("digits") / "out"
    succeeds("build", DIGITS, "--target", "host", "--output", folder)
    return folder


@pytest.fixture
def copy(digits: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return Path(shutil.copytree(digits, tmp_path / "out"))


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


# build


def test_build_tells_the_figures(digits: Path, tmp_path: Path) -> None:
    ended = succeeds("build", DIGITS, "--target", "host", "--output", tmp_path / "out")
    assert ended.out.startswith(f"digits for host in {tmp_path / 'out'}\n")
    for label in ("MACs", "weights", "arena", "flash", "RAM", "stack", "accuracy", "compiler"):
        assert re.search(rf"^  {label}\s+\S", ended.out, re.MULTILINE)
    assert messages(ended) == []
    assert ended.out.endswith(f"\nnext: edgeq verify {tmp_path / 'out'} --data SAMPLES.npz\n")
    ends = {
        match.end() for match in re.finditer(r"^  (?:weights|arena|flash|RAM|stack) +[\d,]+ B", ended.out, re.MULTILINE)
    }
    starts = {ended.out.rindex("\n", 0, end) for end in ends}
    assert len(ends) == 5 and len({end - start for end, start in zip(sorted(ends), sorted(starts), strict=True)}) == 1


def test_build_measures_accuracy(tmp_path: Path) -> None:
    """On calibration samples; what verify finds on the same ones."""
    made = succeeds("build", DIGITS, "--target", "host", "--output", tmp_path / "out", "--json").json
    found = succeeds(
        "verify", tmp_path / "out", "--data", DIGITS / "calibration.npz", "--samples", "100", "--json"
    ).json
    assert made["accuracy"]["samples"] == 100
    assert made["accuracy"]["sqnr_db"] == round(found["sqnr_db"], 1)
    assert made["accuracy"]["agreement"] == round(found["agreement"], 2)
    assert "on 100 calibration samples" in succeeds("inspect", tmp_path / "out").out


@pytest.mark.qemu
def test_shares_of_a_chip(tmp_path: Path) -> None:
    """Of the chip that --flash and --ram say; nothing is said of an emulator's memory."""
    build = ("build", DIGITS, "--target", "cortex-m4")
    shown = succeeds(*build, "--output", tmp_path / "a").out
    assert "%" not in shown.replace("agreement with float 100 %", "") and "4,194,304" not in shown
    chip = ("--flash", "64K", "--ram", "8K")
    made = succeeds(*build, *chip, "--output", tmp_path / "b", "--json").json
    assert made["chip"] == {"flash": 65536, "ram": 8192}
    shown = succeeds("inspect", tmp_path / "b").out
    assert f"{100 * made['flash_bytes'] / 65536:.1f} % of 65,536 B" in shown
    assert f"with stack {100 * (made['ram_bytes'] + made['stack_bytes']) / 8192:.1f} % of 8,192 B" in shown
    board = tmp_path / "mine.toml"
    board.write_text(
        'description = "Mine"\nextends = "cortex-m4"\nclock_hz = 168_000_000\ncounter = "cycles"\n[memory]\n'
        "flash = { origin = 0x08000000, size = 0x40000 }\nram = { origin = 0x20000000, size = 0x10000 }\n"
    )
    shown = succeeds("build", DIGITS, "--board", board, "--output", tmp_path / "c").out
    assert " % of 262,144 B" in shown and " % of 65,536 B" in shown


@pytest.mark.parametrize(
    ("chip", "compiled", "words"),
    [
        (("--flash", "4K"), False, "weights and tables take "),
        (("--ram", "1K"), False, "the arena takes "),
        (("--flash", "9K"), True, "model, weights and kernels take "),
        (("--ram", "2700"), True, "of RAM and "),
    ],
)
def test_a_chip_that_is_too_small(tmp_path: Path, chip: tuple[str, str], compiled: bool, words: str) -> None:
    options = () if compiled else ("--no-compile",)
    ended = edgeq("build", DIGITS, "--target", "cortex-m4", *chip, *options, "--output", tmp_path / "out")
    assert ended.code == 5 and words in ended.err and f", and {chip[0]} is " in ended.err
    assert not list(tmp_path.iterdir())


def test_quiet_and_verbose(tmp_path: Path) -> None:
    build = ("build", SINE, "--target", "host", "--output", tmp_path / "out")
    assert succeeds(*build, "--quiet").err == succeeds("--quiet", *build).err == ""
    told = succeeds(*build, "--verbose").err
    assert re.search(r"^ +\d\.\d s  quantizing$", told, re.MULTILINE) and "fuse_activations: 3 nodes" in told
    assert re.search(r"running \S*cmake .*--build", told)
    assert "running" not in succeeds(*build).err
    ended = edgeq("--quiet", "targets", "--verbose")
    assert ended.code == 2 and "--quiet and --verbose exclude each other" in ended.err
    np.savez(tmp_path / "few.npz", x=np.zeros((3, 1), np.float32))
    ended = succeeds("quantize", SINE / "hello_sine.onnx", "--calibration", tmp_path / "few.npz", "--quiet")
    assert ended.err.count("warning: ") == 2, "doubts are told all the same"


def test_completion() -> None:
    environment = {**os.environ, "_EDGEQ_COMPLETE": "complete_bash", "COMP_WORDS": "edgeq ver", "COMP_CWORD": "1"}
    code = "from edgeq.cli.main import entry; entry()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout.split() == ["verify"]
    environment |= {"COMP_WORDS": "edgeq verify --min", "COMP_CWORD": "2"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout.split() == ["--min-sqnr", "--min-agreement"]
    assert "--install-completion" in succeeds("--help").out


def test_build_json(tmp_path: Path) -> None:
    made = succeeds("build", DIGITS, "--target", "host", "--output", tmp_path / "out", "--json").json
    assert made.keys() >= MANIFEST
    assert {k: v for k, v in made.items() if k != "folder"} == _manifest(tmp_path / "out")
    assert made["folder"] == str(tmp_path / "out")
    assert (made["name"], made["target"], made["numerics"]) == ("digits", "host", "fast")
    assert (made["kernels"], made["optimize"], made["edgeq_version"]) == ("edgeq", "balanced", __version__)
    assert made["layers"] and all(layer.keys() >= LAYER for layer in made["layers"])
    assert made["macs"] == sum(layer["macs"] for layer in made["layers"]) > 100_000
    for port in (*made["inputs"], *made["outputs"]):
        assert port.keys() >= PORT
    assert [p["shape"] for p in made["inputs"]] == [[1, 1, 8, 8]]
    assert [p["name"] for p in made["outputs"]] == ["probabilities"]
    assert made["outputs"][0]["scale"] == 1 / 256 and made["outputs"][0]["zero_point"] == -128
    for key in ("arena_bytes", "ram_bytes", "flash_bytes", "stack_bytes", "weights_bytes"):
        assert made[key] > 0
    assert made["flash_bytes"] > made["weights_bytes"] and made["ram_bytes"] >= made["arena_bytes"]
    for name in (
        "graph.txt",
        "CMakeLists.txt",
        "include/digits.h",
        "src/digits.c",
        "build/digits",
        "build/libdigits.a",
    ):
        assert (tmp_path / "out" / name).is_file()


def test_no_compile(tmp_path: Path) -> None:
    ended = succeeds("build", DIGITS, "--no-compile", "--output", tmp_path / "out", "--json")
    made = ended.json
    assert made["target"] == "cortex-m4", "as edgeq.toml says"
    assert made["flash_bytes"] is made["ram_bytes"] is made["stack_bytes"] is made["toolchain"] is None
    assert not (tmp_path / "out" / "build").exists()
    assert "compiling" not in ended.err


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        *(("--observer", o) for o in ("min-max", "moving-average", "percentile", "mse", "entropy")),
        *(("--weights", w) for w in ("per-channel", "per-tensor")),
        *(("--activations", a) for a in ("asymmetric", "symmetric")),
        *(("--numerics", n) for n in ("fast", "tflite", "tflm")),
    ],
    ids="=".join,
)
def test_quantization_options(options: tuple[str, str], digits: Path, tmp_path: Path) -> None:
    """Each changes the numbers, unless it is the default, and stays accurate."""
    compiled = options[0] != "--observer"
    build = ("build", DIGITS, "--target", "host", "--output", tmp_path / "out", *options)
    made = succeeds(*build, "--json", *(() if compiled else ("--no-compile",))).json
    same = all(
        (tmp_path / "out" / "reference" / f"integer.{s}").read_bytes()
        == (digits / "reference" / f"integer.{s}").read_bytes()
        for s in ("txt", "npz")
    )
    assert same == (options[1] in ("per-channel", "asymmetric", "fast", _default_observer()))
    assert options[0] != "--numerics" or made["numerics"] == options[1]
    if compiled:
        found = succeeds("verify", tmp_path / "out", "--data", TEST, "--samples", "40", "--json").json
        assert found["mismatches"] == 0 and found["top1_int8"] >= 95 and found["sqnr_db"] > 15


def _default_observer() -> str:
    from edgeq.quantize import QuantConfig

    return QuantConfig().observer.value


def test_optimize(tmp_path: Path) -> None:
    flags = {}
    for goal in ("speed", "balanced", "size"):
        out = tmp_path / goal
        made = succeeds("build", SINE, "--target", "host", "--optimize", goal, "--output", out, "--json").json
        assert made["optimize"] == goal
        assert succeeds("verify", out, "--json").json["mismatches"] == 0
        small = tmp_path / f"{goal}-m4"
        succeeds("build", SINE, "--target", "cortex-m4", "--optimize", goal, "--no-compile", "--output", small)
        texts = [(folder / "CMakeLists.txt").read_text() for folder in (out, small)]
        flags[goal] = re.findall(r'HELLO_SINE_OPTIMIZATION "(-O.)"', "".join(texts))
    assert flags == {"speed": ["-O3", "-O3"], "balanced": ["-O3", "-O2"], "size": ["-Os", "-Os"]}


def test_name_and_default_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = succeeds("build", SINE, "--target", "host", "--no-compile", "--name", "My Wave", "--json").json
    assert (made["name"], made["folder"]) == ("my_wave", str(Path("build") / "my_wave-host"))
    assert (tmp_path / "build" / "my_wave-host" / "include" / "my_wave.h").is_file()


def test_a_current_folder_that_was_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    ended = edgeq("build", SINE, "--target", "host", "--no-compile", "--output", ".")
    assert ended.code == 2
    assert "the current folder is no longer there" in ended.err and "change into a folder" in ended.err


def test_default_folders_of_like_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that differ after a dot make two builds; those with one C name do not replace each other unasked."""
    monkeypatch.chdir(tmp_path)
    node = helper.make_node("Relu", ["x"], ["y"])
    for name in ("kws.v1", "kws.v2", "kws-v1"):
        (tmp_path / f"{name}.onnx").write_bytes(model_of([node], {"x": (1, 4)}, ["y"]).SerializeToString())
    np.savez(tmp_path / "x.npz", x=weights(30, 4))
    build = ("--calibration", "x.npz", "--target", "host", "--no-compile")
    for name in ("kws_v1", "kws_v2"):
        made = succeeds("build", f"{name.replace('_', '.')}.onnx", *build, "--json").json
        assert (made["name"], made["folder"]) == (name, f"build/{name}-host")
    assert succeeds("inspect", "kws.v2.onnx", "--json").json["name"] == "kws_v2"
    first = contents(tmp_path / "build")
    refused = edgeq("build", "kws-v1.onnx", *build)
    assert refused.code == 2 and "is the build of kws.v1.onnx" in refused.err and "--name" in refused.err
    assert contents(tmp_path / "build") == first
    succeeds("build", "kws-v1.onnx", *build, "--output", "build/kws_v1-host")
    succeeds("build", "kws-v1.onnx", *build)


@pytest.mark.parametrize("name", ["string", "stdint", "all", "clean", "edgeq_model", "9", "eq", "int", "main", "模型"])
def test_names_that_mean_something_else(name: str, tmp_path: Path) -> None:
    """To C, to CMake or to edgeq; likewise the names of inputs, outputs and layers."""
    nodes = [
        helper.make_node("Add", ["int", "arena"], ["memory"], "return"),
        helper.make_node("Relu", ["memory"], ["输出"], "*/ layer ??/"),
    ]
    (tmp_path / "m.onnx").write_bytes(
        model_of(nodes, {"int": (1, 4), "arena": (1, 4)}, ["memory", "输出"]).SerializeToString()
    )
    np.savez(tmp_path / "x.npz", int=weights(3, 4), arena=weights(3, 4))
    build = ("build", tmp_path / "m.onnx", "--calibration", tmp_path / "x.npz", "--target", "host", "--name", name)
    succeeds(*build, "--output", tmp_path / "out")
    assert succeeds("verify", tmp_path / "out", "--json").json["mismatches"] == 0
    assert succeeds("run", tmp_path / "out", "--input", tmp_path / "x.npz", "--json").json["outputs"].keys() == {
        "memory",
        "输出",
    }


def test_sanitize(tmp_path: Path) -> None:
    succeeds("build", SINE, "--target", "host", "--sanitize", "--output", tmp_path / "out")
    assert b"__asan_" in (tmp_path / "out" / "build" / "hello_sine").read_bytes()
    assert succeeds("verify", tmp_path / "out", "--data", SINE / "test.npz", "--json").json["mismatches"] == 0


@pytest.mark.slow
def test_simulate(tmp_path: Path) -> None:
    """The kernels of a Cortex-M on this machine, under the sanitizers."""
    build = ("build", DIGITS, "--target", "host", "--simulate", "cortex-m4", "--sanitize", "--output", tmp_path / "out")
    made = succeeds(*build, "--json").json
    assert made["target"] == "host" and made["simulate"] == "cortex-m4"
    assert any("_dsp" in layer["kernel"] for layer in made["layers"])
    assert succeeds("verify", tmp_path / "out", "--data", TEST, "--samples", "10", "--json").json["mismatches"] == 0


@pytest.mark.parametrize("kind", ["gcc", "clang", "zig"])
def test_toolchain(kind: str, tmp_path: Path) -> None:
    needs.compiler(load_target("host"), kind)
    build = ("build", SINE, "--target", "host", "--toolchain", kind, "--output", tmp_path / "out", "--json")
    assert kind in succeeds(*build).json["toolchain"]
    assert succeeds("verify", tmp_path / "out", "--json").json["mismatches"] == 0


def test_raw_pixels(tmp_path: Path) -> None:
    """With `[input]` the device takes bytes; 0 … 16 in the data are raw bytes of a camera that gives 0 … 240."""
    raw = tmp_path / "raw.npz"
    np.savez(raw, x=_images()[:100] * 15, y=np.load(TEST)["y"][:100])
    np.savez(tmp_path / "calibration.npz", x=np.load(DIGITS / "calibration.npz")["x"] * 15)
    build = ("build", DIGITS / "digits.onnx", "--calibration", tmp_path / "calibration.npz", "--target", "host")
    out = tmp_path / "out"
    made = succeeds(*build, "--input-scale", str(1 / 15), "--output", out, "--json").json
    (port,) = made["inputs"]
    assert (port["dtype"], port["zero_point"]) == ("uint8", 0)
    assert port["scale"] == pytest.approx(1 / 15)
    found = succeeds("verify", out, "--data", raw, "--json").json
    assert found["mismatches"] == 0 and found["top1_int8"] >= 97
    # The same numbers as raw integers, as bytes with [input], and as what the model sees.
    np.save(tmp_path / "bytes.npy", _images()[:100] * 15)
    np.save(tmp_path / "real.npy", _images()[:100].astype(np.float32))
    results = []
    for index, arguments in enumerate((("bytes.npy", "--raw"), ("bytes.npy",), ("real.npy",))):
        where = tmp_path / f"y{index}.npz"
        succeeds("run", out, "--input", tmp_path / arguments[0], "--output", where, *arguments[1:])
        results.append(np.load(where)["y"])
    assert results[0].dtype == np.int8 and results[1].dtype == np.float32
    np.testing.assert_array_equal((results[0].astype(np.float32) + 128) / 256, results[1])
    np.testing.assert_array_equal(results[1], results[2])


def test_raw_pixels_with_mean_and_deviation(tmp_path: Path) -> None:
    """x = (raw − 120) / 15 + 8 in two ways: by options, and by edgeq.toml; `[input]` and options add up."""
    shutil.copy(DIGITS / "digits.onnx", tmp_path)
    np.savez(tmp_path / "c.npz", x=np.load(DIGITS / "calibration.npz")["x"] * 15)
    project = 'model = "digits.onnx"\ncalibration = "c.npz"\ntarget = "host"\ncompile = false\n'
    (tmp_path / "edgeq.toml").write_text(f"{project}[input]\nmean = 0.0\nstd = 15.0\n")
    first = succeeds("build", tmp_path, "--output", tmp_path / "a", "--json").json
    (tmp_path / "edgeq.toml").write_text(f"{project}[input]\nmean = 3.0\n")
    options = ("--input-mean", "0", "--input-std", "15")
    second = succeeds("build", tmp_path, *options, "--output", tmp_path / "b", "--json").json
    assert first["inputs"] == second["inputs"]
    assert (tmp_path / "a" / "src" / "digits.c").read_bytes() == (tmp_path / "b" / "src" / "digits.c").read_bytes()
    third = succeeds("build", tmp_path, "--input-mean", "30", "--output", tmp_path / "c", "--json").json
    assert third["inputs"][0]["zero_point"] == 30


@pytest.mark.parametrize("command", ["build", "quantize", "inspect"])
def test_a_folder_without_a_project_file(tmp_path: Path, command: str) -> None:
    fails(2, command, tmp_path, says=("has no edgeq.toml, and is no SavedModel", "`edgeq init MODEL`"), folder=tmp_path)


def test_project_file(tmp_path: Path) -> None:
    """Paths in it are relative to it; options go before it; a table quantizes by layer."""
    (tmp_path / "project").mkdir()
    for name in ("digits.onnx", "calibration.npz"):
        shutil.copy(DIGITS / name, tmp_path / "project" / name)
    (tmp_path / "project" / "edgeq.toml").write_text(
        'model = "digits.onnx"\ncalibration = "calibration.npz"\ntarget = "host"\noutput = "made"\nname = "reader"\n'
        'numerics = "tflm"\noptimize = "size"\n[quantize]\nobserver = "percentile"\npercentile = 99.9\n'
        "[quantize.layers.conv1]\nrange = [-3.5, 22.0]\n[input_shapes]\nimage = [1, 1, 8, 8]\n"
    )
    made = succeeds("build", tmp_path / "project", "--optimize", "speed", "--json").json
    assert made["folder"] == str(tmp_path / "project" / "made")
    told = tuple(made[k] for k in ("name", "target", "numerics", "optimize"))
    assert told == ("reader", "host", "tflm", "speed")
    assert succeeds("verify", tmp_path / "project" / "made", "--json").json["mismatches"] == 0


def test_build_replaces_a_build(copy: Path) -> None:
    """Nothing of the old one remains."""
    succeeds("build", SINE, "--target", "host", "--no-compile", "--output", copy)
    assert not any("digits" in name for name in contents(copy))
    assert contents(copy.parent).keys() == {"out", *(f"out/{name}" for name in contents(copy))}


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


# Cortex-M


@pytest.mark.qemu
@pytest.mark.parametrize("where", [("--target", "cortex-m"), ("--board", "mps2-an386")], ids="=".join)
def test_cortex_m4(where: tuple[str, str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = succeeds("build", DIGITS, *where, "--output", out, "--json").json
    assert made["cpu"] == "cortex-m4" and "arm-none-eabi-gcc" in made["toolchain"]
    assert made["flash_bytes"] > made["weights_bytes"] and made["stack_bytes"] > 0
    assert (out / "build" / "digits.elf").is_file()
    found = succeeds("verify", out, "--data", TEST, "--samples", "20", "--json").json
    assert found.keys() == FIGURES and found["samples"] == 20 and found["mismatches"] == 0
    np.save(tmp_path / "x.npy", _images()[:3])
    results = succeeds("run", out, "--input", tmp_path / "x.npy", "--json").json
    assert (np.argmax(results["outputs"]["probabilities"], 1) == np.load(TEST)["y"][:3]).all()
    cost = succeeds("profile", out, "--json").json
    assert cost["unit"] == "instructions"
    assert [layer["name"] for layer in cost["layers"]] == [layer["name"] for layer in made["layers"]]
    assert 0.5 * made["macs"] < cost["total"] < 50 * made["macs"]
    assert succeeds("profile", out, "--json").json == cost, "instructions are counted, not timed"
    assert "instructions/MAC" in succeeds("profile", out).out
    assert 99.0 < sum(layer["share"] for layer in cost["layers"]) <= 100.0
    assert [layer["per_mac"] is None for layer in cost["layers"]] == [layer["macs"] == 0 for layer in cost["layers"]]
    assert (cost["clock_mhz"], cost["cpi"]) == (120, 1.5)
    assert cost["estimate_ms"] == pytest.approx(cost["total"] * 1.5 / 120e3)
    shown = succeeds("profile", out, "--clock", "64", "--cpi", "2.5").out
    assert f"about {cost['total'] * 2.5 / 64e3:.3g} ms at 64 MHz and an assumed 2.5 cycles per instruction" in shown


@pytest.mark.slow
@pytest.mark.qemu
@pytest.mark.parametrize("core", ["cortex-m3", "cortex-m4", "cortex-m55"])
@pytest.mark.parametrize("goal", ["size", "speed"])
def test_goals_are_exact(core: str, goal: str, tmp_path: Path) -> None:
    """With -Os functions begin at any even address; what the kernels' assembly does must not depend on it. For speed,
    layers have kernels of their own."""
    succeeds("build", DIGITS, "--target", core, "--optimize", goal, "--output", tmp_path / "out")
    assert (tmp_path / "out" / "kernels" / "instances").exists() == (goal == "speed")
    found = succeeds("verify", tmp_path / "out", "--data", TEST, "--samples", "5", "--json").json
    assert (found["samples"], found["mismatches"]) == (5, 0)


def test_without_arm_gcc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No compiler on the PATH: the one that comes with pip does it."""
    needs.programs("zig", "qemu-system-arm")
    tools = tmp_path / "tools"
    tools.mkdir()
    for program in ("qemu-system-arm", "cmake", "ninja", "make"):
        place = shutil.which(program)
        if place is not None:
            (tools / program).symlink_to(place)
    monkeypatch.setenv("PATH", str(tools))
    made = succeeds("build", DIGITS, "--target", "cortex-m4", "--output", tmp_path / "out", "--json").json
    assert made["toolchain"].startswith("zig ")
    found = succeeds("verify", tmp_path / "out", "--data", TEST, "--samples", "20", "--json").json
    assert found["mismatches"] == 0


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
