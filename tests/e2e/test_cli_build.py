"""`edgeq build`: what is printed, and that options do something."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import needs
import numpy as np
import pytest
from command_line import DIGITS, FIGURES, LAYER, PORT, SINE, contents, edgeq, fails, messages, succeeds
from onnx import helper
from onnx_models import model_of, weights

from edgeq import __version__
from edgeq.target import load_target

TEST = DIGITS / "test.npz"
MANIFEST = {
    *("edgeq_version", "name", "target", "cpu", "toolchain", "numerics", "kernels", "optimize", "inputs", "outputs"),
    *("macs", "weights_bytes", "arena_bytes", "ram_bytes", "flash_bytes", "stack_bytes", "layers"),
}


def _images() -> np.ndarray:
    return np.load(TEST)["x"]


def _manifest(folder: Path) -> dict:  # type: ignore[type-arg]
    return json.loads((folder / "manifest.json").read_text())


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
