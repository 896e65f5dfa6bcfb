"""Several models in one build folder, with one set of kernels."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import needs
import numpy as np
import onnx
import pytest
from command_line import contents, edgeq, succeeds
from emulated_port import emulator, free_port
from onnx import helper
from onnx_models import model_of, weights
from state_nets import fir, integrator, one_step, steps

import edgeq as api
from edgeq.codegen.manifest import edited_files
from edgeq.ir.text import load_graph
from edgeq.link import Device
from edgeq.link.device import Command
from edgeq.link.stream import ProgramStream
from edgeq.simulator import run_int
from edgeq.target import load_target, with_console
from edgeq.toolchain import run


def _write_models(place: Path) -> None:
    """Two models whose layers have the same names, and their samples."""
    for name, channels, kernel in (("wake.v1", 3, 3), ("gest", 2, 5)):
        constants = {"w": weights(8, channels, kernel, kernel), "v": weights(4, 8)}
        nodes = [
            helper.make_node("Conv", ["x", "w"], ["a"], name="conv", pads=[kernel // 2] * 4),
            helper.make_node("Relu", ["a"], ["r"], name="relu"),
            helper.make_node("GlobalAveragePool", ["r"], ["g"], name="pool"),
            helper.make_node("Flatten", ["g"], ["f"], name="flat"),
            helper.make_node("Gemm", ["f", "v"], ["y"], name="dense", transB=1),
        ]
        model = model_of(nodes, {"x": (1, channels, 8, 8)}, ["y"], constants)
        (place / f"{name}.onnx").write_bytes(model.SerializeToString())
        np.savez(place / f"{name}.npz", x=weights(24, channels, 8, 8))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two models, which is the working directory."""
    _write_models(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


BUILD = ("build", "wake.v1.onnx", "gest.onnx", "--calibration", "wake.v1.npz", "--calibration", "gest.npz")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The same folder with `build/wake_v1_gest-host`, and what `edgeq build` said."""
    place = tmp_path_factory.mktemp("several")
    _write_models(place)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        return place, succeeds(*BUILD, "--target", "host", "--optimize", "size", "--json").json


def _manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())  # type: ignore[no-any-return]


def test_one_folder_one_set_of_kernels(built: tuple[Path, dict[str, Any]]) -> None:
    place, made = built
    out = place / "build" / "wake_v1_gest-host"
    assert made == {**_manifest(out), "folder": "build/wake_v1_gest-host"}
    assert [model["name"] for model in made["models"]] == ["wake_v1", "gest"]
    assert [model["source"] for model in made["models"]] == ["wake.v1.onnx", "gest.onnx"]
    files = set(made["files"])
    assert {"include/wake_v1.h", "include/gest.h", "src/wake_v1.c", "src/gest_weights.c"} <= files
    assert {"models/wake_v1/graph.txt", "models/gest/reference/integer.npz", "kernels/include/eq/symbols.h"} <= files
    assert edited_files(out) == ()
    for model in made["models"]:
        own = _manifest(out / "models" / model["name"])
        assert model["manifest"] == f"models/{model['name']}/manifest.json"
        assert {**{key: own[key] for key in model if key != "manifest"}, "manifest": model["manifest"]} == model
        assert own["layers"] and own["toolchain"] == made["toolchain"] and own["files"] == {}
        assert model["accuracy"]["samples"] == 24
    flash = [model["flash_bytes"] for model in made["models"]]
    assert max(flash) < made["flash_bytes"] < sum(flash), "kernels count once"
    assert made["arena_bytes"] == made["ram_bytes"] == max(model["arena_bytes"] for model in made["models"])


def test_commands_are_about_every_model_or_one(built: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    place, made = built
    out, data = place / made["folder"], {"wake_v1": place / "wake.v1.npz", "gest": place / "gest.npz"}
    found = succeeds("verify", out, "--data", data["wake_v1"], "--data", data["gest"], "--json").json["models"]
    assert list(found) == list(data)
    assert all(model["mismatches"] == 0 and model["samples"] == 24 for model in found.values())
    told = succeeds("verify", out, "--samples", "3").out
    assert told.index("wake_v1\n") < told.index("gest\n") and told.count("0 of 3 random samples differ") == 2
    assert succeeds("verify", out, "--model", "gest", "--data", data["gest"], "--json").json == found["gest"]
    missed = edgeq("verify", out, "--data", data["wake_v1"], "--data", data["gest"], "--min-sqnr", "200")
    assert missed.code == 1 and missed.out.count("MISSED") == 2
    refused = edgeq("verify", out, "--data", data["gest"])
    assert refused.code == 2 and "--data is given 1 times for 2 models" in refused.err and "--model" in refused.err

    costs = succeeds("profile", out, "--json").json["models"]
    assert all(costs[name]["total"] > 0 for name in data)
    assert list(succeeds("profile", out, "--model", "gest", "--json").json) == list(costs["gest"])

    refused = edgeq("run", out, "--input", data["gest"])
    assert refused.code == 2 and "it has several models: wake_v1, gest" in refused.err
    assert api.run(out, data["gest"], model="gest")["y"].shape == (24, 4)
    for command in (("verify", out), ("profile", out), ("run", out, "--input", data["gest"]), ("inspect", out)):
        refused = edgeq(*command, "--model", "gesture")
        assert refused.code == 2 and "it has no model 'gesture'" in refused.err and "gest" in refused.err

    told = succeeds("inspect", out).out
    assert "wake_v1, gest for host" in told and "where they run at the same time" in told
    assert succeeds("inspect", out, "--kernels").out.count("conv: Conv2D, eq_") == 2
    assert succeeds("inspect", out, "--model", "gest", "--kernels").out.count("conv: Conv2D, eq_") == 1
    arenas = succeeds("inspect", out, "--memory", "--json").json["models"]
    assert [arenas[m["name"]]["arena_bytes"] for m in made["models"]] == [m["arena_bytes"] for m in made["models"]]
    assert (out / "gest_memory.svg").is_file()
    assert edgeq("inspect", out, "--memory", "--output", tmp_path / "a.svg").code == 2, "one drawing is of one model"


MAIN = """
#include <stdio.h>
#include "gest.h"
#include "wake_v1.h"
#define LARGEST (WAKE_V1_ARENA_BYTES > GEST_ARENA_BYTES ? WAKE_V1_ARENA_BYTES : GEST_ARENA_BYTES)
static unsigned char arena[LARGEST] __attribute__((aligned(16)));
int main(void)
{
    static const int8_t wake[] = {WAKE}, gest[] = {GEST};
    int8_t y[2][4];
    for (int turn = 0; turn < 2; turn++) {
        if (wake_v1_run(arena, wake, y[0]) || gest_run(arena, gest, y[1])) {
            return 1;
        }
    }
    for (int i = 0; i < 8; i++) {
        printf("%d ", y[i / 4][i % 4]);
    }
    return 0;
}
"""


def test_models_take_turns_in_one_arena(built: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """A program of the user's own with both libraries: no symbol twice, kernels once, every bit right."""
    gcc = needs.compiler(load_target("host"), "gcc")
    needs.programs("nm")
    place, made = built
    out = place / made["folder"]
    graphs = [load_graph(out / "models" / name / "reference" / "integer") for name in ("wake_v1", "gest")]
    random = np.random.default_rng(5)
    inputs = [random.integers(-128, 128, graph.values[graph.inputs[0]].type.shape, np.int8) for graph in graphs]
    texts = [", ".join(map(str, values.ravel())) for values in inputs]
    (tmp_path / "main.c").write_text(MAIN.replace("{WAKE}", f"{{{texts[0]}}}").replace("{GEST}", f"{{{texts[1]}}}"))
    libraries = [out / "build" / "libwake_v1.a", out / "build" / "libgest.a"]
    run([gcc.program, "-std=c99", f"-I{out / 'include'}", tmp_path / "main.c", *libraries, "-o", tmp_path / "both"])
    y = np.array(run([tmp_path / "both"]).output.split(), np.int64).reshape(2, 4)
    for graph, values, device in zip(graphs, inputs, y, strict=True):
        expected = run_int(graph, {graph.inputs[0]: values})[graph.outputs[0]]
        np.testing.assert_array_equal(device, expected.ravel())
    symbols = [line.split()[-1] for line in run(["nm", tmp_path / "both"]).output.splitlines()]
    kernels = [symbol[:-9] for symbol in symbols if re.fullmatch(r"eq_\w+_[0-9a-f]{8}", symbol)]
    assert kernels and len(kernels) == len(set(kernels)), "one digest of each"


def test_one_program_answers_for_each(built: tuple[Path, dict[str, Any]]) -> None:
    """Over a line; a device that has started anew is told from one that has been asked for another model."""
    place, made = built
    out = place / made["folder"]
    graphs = {name: load_graph(out / "models" / name / "reference" / "integer") for name in ("gest", "wake_v1")}
    identities = {name: _manifest(out / "models" / name)["identity"] for name in graphs}
    random = np.random.default_rng(7)
    with closing(ProgramStream([out / "build" / "wake_v1_gest", "link"])) as stream:
        device = Device(stream)
        assert device.info.name == "wake_v1" and device.info.several
        for name in ("gest", "wake_v1", "gest"):
            there = device.choose(identities[name])
            assert there[-1].name == name and device.info.identity == identities[name]
            port = graphs[name].inputs[0]
            x = random.integers(-128, 128, (5, *graphs[name].type(port).shape), np.int8)
            right = [run_int(graphs[name], {port: values})[graphs[name].outputs[0]].ravel() for values in x]
            found = device.run(x.reshape(5, -1).view(np.uint8), None, True, 20.0)
            np.testing.assert_array_equal(found.outputs.view(np.int8), right)
            assert 0 < found.arena <= _manifest(out / "models" / name)["arena_bytes"]
        assert [info.name for info in device.choose("0" * 16)] == ["wake_v1", "gest"]
        records = np.zeros((2, device.info.input_bytes), np.uint8)
        first = device.run(records, None, False, 20.0).outputs
        assert device.info.name == "gest", "what it does not have changes nothing"
        device._ask(Command.RESET, b"")
        for watched in (True, False):
            with pytest.raises(api.EdgeqError, match="forgotten its input"):
                device.run(records, None, watched, 20.0)
        device.reset()
        assert device.info.name == "gest"
        np.testing.assert_array_equal(device.run(records, None, False, 20.0).outputs, first)
        with pytest.raises(api.EdgeqError, match="refuses"):
            device._ask(Command.MODEL, b"\2\0")
    names = "".join(run(["nm", out / "build" / "wake_v1_gest"]).output)
    assert " eq_arena_of_ram\n" in names and " eq_infer_of_gest\n" in names and " eq_arena\n" not in names


def test_a_single_model_replaces_several(built: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    place, made = built
    out = tmp_path / "out"
    shutil.copytree(place / made["folder"], out)
    options = ("--calibration", place / "gest.npz", "--target", "host", "--no-compile", "--output", out)
    succeeds("build", place / "gest.onnx", *options)
    assert not (out / "models").exists() and not (out / "include" / "wake_v1.h").exists()
    assert "models" not in _manifest(out) and edited_files(out) == ()
    assert succeeds("inspect", out, "--model", "gest", "--json").json["name"] == "gest"


def test_edited_files_are_told(place: Path) -> None:
    succeeds(*BUILD, "--target", "host", "--no-compile", "--output", "out")
    (place / "out" / "src" / "gest.c").write_text("")
    assert succeeds("inspect", "out", "--json").json["edited"] == ["src/gest.c"]


PROJECT = """
target = "host"
output = "out"
[quantize]
observer = "min-max"

[[model]]
model = "wake.v1.onnx"
calibration = "wake.v1.npz"
name = "Wake up"

[[model]]
model = "gest.onnx"
calibration = "gest.npz"
numerics = "tflite"
[model.quantize]
weights = "per-tensor"
"""


def test_project(place: Path) -> None:
    """Tables [[model]] have the keys of the file, which hold for all where they do not say otherwise."""
    (place / "edgeq.toml").write_text(PROJECT)
    made = succeeds("build", ".", "--no-compile", "--optimize", "size", "--json").json
    assert [(model["name"], model["numerics"]) for model in made["models"]] == [("wake_up", "fast"), ("gest", "tflite")]
    assert (made["optimize"], made["folder"], made["toolchain"], made["flash_bytes"]) == ("size", "out", None, None)
    first = contents(place / "out")
    again = (*BUILD, "--name", "Wake up", "--name", "gest", "--optimize", "size", "--observer", "min-max")
    succeeds(*again, "--target", "host", "--no-compile", "--output", "out")
    second = contents(place / "out")
    changed = {path for path in first if first[path] != second[path]}
    assert "models/gest/graph.txt" in changed and not any("wake" in path for path in changed)
    (place / "edgeq.toml").write_text(PROJECT.replace('name = "Wake up"', 'nmae = "Wake up"'))
    refused = edgeq("build", ".")
    assert refused.code == 2 and "[[model]] number 1" in refused.err and "did you mean name?" in refused.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--name", "a", "--name", "a"), "two models would be called 'a'"),
        (("--name", "a", "--name", "a_program"), "would be called 'a_program'"),
        (("--name", "a_weights", "--name", "a"), "would be called 'a_weights'"),
        (("--name", "a", "--name", "b", "--name", "c"), "--name is given 3 times for 2 models"),
        (("--calibration", "x.npz"), "--calibration is given 3 times for 2 models"),
    ],
)
def test_contradictions(arguments: tuple[str, ...], says: str, place: Path) -> None:
    np.savez(place / "x.npz", x=weights(3, 4))
    refused = edgeq(*BUILD, *arguments, "--target", "host")
    assert refused.code == 2 and says in refused.err, refused.err
    assert not (place / "build").exists()


def test_names_of_two_models_that_meet(place: Path) -> None:
    """Weights of the layer `gest_conv` of a model `kws`, and of the layer `conv` of a model `kws_gest`."""
    model = onnx.load(place / "wake.v1.onnx")
    model.graph.node[0].name = "gest_conv"
    onnx.save(model, place / "wake.v1.onnx")
    refused = edgeq(*BUILD, "--name", "kws", "--name", "kws_gest", "--target", "host", "--no-compile")
    assert refused.code == 2 and "'kws' and 'kws_gest' would both have the C name kws_gest_conv_" in refused.err
    assert "--name" in refused.err and not (place / "build").exists()


def test_what_all_models_take_is_held_against_the_chip(place: Path) -> None:
    generated = succeeds(*BUILD, "--target", "cortex-m4", "--no-compile", "--output", "out", "--json").json
    constants = [_manifest(place / "out" / "models" / m)["weights_flash_bytes"] for m in ("wake_v1", "gest")]
    arenas = [model["arena_bytes"] for model in generated["models"]]
    chip = ("--target", "cortex-m4", "--no-compile", "--output", "out2")
    refused = edgeq(*BUILD, *chip, "--flash", str(sum(constants) - 1))
    assert refused.code == 5 and f"take {sum(constants):,} bytes, and --flash is {sum(constants) - 1:,}" in refused.err
    assert f"wake_v1 {constants[0]:,}, gest {constants[1]:,}" in refused.err and not (place / "out2").exists()
    refused = edgeq(*BUILD, *chip, "--ram", str(max(arenas) - 1))
    assert refused.code == 5 and f"{max(arenas):,} bytes" in refused.err
    succeeds(*BUILD, *chip, "--flash", str(sum(constants)), "--ram", str(max(arenas)))


def test_files_of_weights(place: Path) -> None:
    """One after another where one address, or none, was given; at their own addresses if they do not overlap there."""
    file = ("--target", "cortex-m4", "--weights-in", "file", "--no-compile", "--output", "out")

    def addresses(*given: str) -> list[int]:
        succeeds(*BUILD, *file, *(part for address in given for part in ("--weights-address", address)))
        return [_manifest(place / "out" / "models" / m)["weights_address"] for m in ("wake_v1", "gest")]

    first, second = addresses("0x90000000")
    size = _manifest(place / "out" / "models" / "wake_v1")["weights_flash_bytes"]
    assert first == 0x90000000 and second - first == -(-size // 16) * 16
    assert addresses("0x90010000", "0x90000000") == [0x90010000, 0x90000000]
    assert addresses("", "0x90000000") == [0x21000000, 0x90000000], "an empty text: as if it were not given"
    refused = edgeq(*BUILD, *file, "--weights-address", "0x90000000", "--weights-address", "0x90000010")
    assert refused.code == 2 and "those of gest begin at 0x90000010" in refused.err


def test_graphs_are_dumped_apart(place: Path) -> None:
    succeeds(*BUILD, "--target", "host", "--no-compile", "--dump-ir", "ir", "--output", "out")
    assert sorted(path.name for path in (place / "ir").iterdir()) == ["gest", "wake_v1"]
    assert all((place / "ir" / name / "00_import.txt").is_file() for name in ("gest", "wake_v1"))


def test_options_that_models_share(place: Path) -> None:
    one, other = (api.BuildOptions(f"{n}.onnx", "host", f"{n}.npz", compile=False) for n in ("wake.v1", "gest"))
    with pytest.raises(api.EdgeqError, match="have one optimize, not balanced and size"):
        api.build_models([one, other.override(optimize="size")])
    quantized = api.quantize(one.model, one.calibration)
    made = api.build_models([one.override(calibration="absent.npz"), other], quantized_models=[quantized, None])
    assert [(model["name"], model["accuracy"]["samples"]) for model in made["models"]] == [
        ("wake_v1", 24),
        ("gest", 24),
    ]
    with pytest.raises(api.EdgeqError, match="1 quantized models for 2 models"):
        api.build_models([one, other], quantized_models=[quantized])


@pytest.mark.qemu
@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [("--optimize", "speed"), ("--weights-in", "file"), ("--weights-in", "section", "--toolchain", "zig")],
)
def test_in_the_emulator(options: tuple[str, ...], place: Path) -> None:
    made = succeeds(*BUILD, "--target", "cortex-m4", *options, "--output", "out", "--json").json
    found, costs = (succeeds(command, "out", "--json").json["models"] for command in ("verify", "profile"))
    for model in ("wake_v1", "gest"):
        assert found[model]["mismatches"] == 0 and costs[model]["total"] > 0
    flash = [model["flash_bytes"] for model in made["models"]]
    assert max(flash) < made["flash_bytes"] < sum(flash)
    flashed = succeeds("flash", "out", "--model", "gest", "--runner", "gdb", "--dry-run", "--json").json
    assert flashed["bytes"] >= made["models"][1]["flash_bytes"] and not flashed["done"]
    if "file" in options:
        places = [_manifest(place / "out" / "models" / m) for m in ("wake_v1", "gest")]
        first, second = (own["weights_address"] for own in places)
        assert first == 0x21000000 and second - first == -(-places[0]["weights_flash_bytes"] // 16) * 16
        assert [own["weights_file"] for own in places] == ["models/wake_v1/weights.bin", "models/gest/weights.bin"]


@pytest.mark.qemu
@pytest.mark.slow
def test_one_firmware_answers_for_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the emulated serial line; models with states keep their own, whoever is asked in between."""
    monkeypatch.chdir(tmp_path)
    graphs = [fir(), one_step(), integrator()]
    quantized = [api.quantize(graph, steps(graph, 64)) for graph in graphs]
    names = ("fir", "once", "level")
    shared: dict[str, Any] = {"target": "mps2-an386", "console": "uart", "output": "out", "optimize": "size"}
    made = api.build_models([api.BuildOptions(f"{n}.onnx", **shared) for n in names], quantized_models=quantized)
    assert made["ram_bytes"] == made["arena_bytes"] + made["state_bytes"] > made["arena_bytes"]
    board, server = with_console(load_target("mps2-an386"), "uart"), f"127.0.0.1:{free_port()}"
    with emulator(board, Path("out/build/fir_once_level.elf"), "-gdb", f"tcp:{server}") as port:
        found = succeeds("verify", "out", "--samples", "3", "--port", port, "--json").json["models"]
        assert [found[name]["mismatches"] for name in names] == [0, 0, 0]
        assert all(0 < found[name]["arena_used_bytes"] <= made["arena_bytes"] for name in names)
        np.save("x.npy", np.ones((4, 4), np.float32))
        at_port = ("--input", "x.npy", "--port", port, "--model", "fir", "--json")
        assert succeeds("run", "out", *at_port).json["samples"] == 4
        refused = edgeq("profile", "out", "--port", port)
        assert refused.code == 6 and "does not time its layers" in refused.err
        flashed = succeeds("flash", "out", "--profile", "--runner", "gdb", "--port", server, "--json").json
        assert flashed["verified"] and flashed["program"] == "out/build/fir_once_level_profile.elf"
        costs = succeeds("profile", "out", "--port", port, "--json").json["models"]
        assert [len(costs[name]["layers"]) for name in names] == [
            len(_manifest(Path(f"out/models/{name}"))["layers"]) for name in names
        ]
        assert all(costs[name]["total"] > 0 for name in names)
        manifest = Path("out/models/once/manifest.json")
        manifest.write_text(manifest.read_text().replace(_manifest(Path("out/models/once"))["identity"], "f" * 16))
        refused = edgeq("verify", "out", "--model", "once", "--port", port)
        assert refused.code == 6 and "the device has other models, or other builds: fir, " in refused.err
        assert "once, " in refused.err and "level, " in refused.err
