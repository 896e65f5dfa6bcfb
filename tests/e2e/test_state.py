"""Models with states, from the graph to the device: built, reset, run step by step, verified over sequences."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command_line import DIGITS, succeeds
from onnx import helper
from onnx_models import model_of, weights
from state_nets import NETS, aliases, causal_convolution, fir, integrator, mixed_kernels, steps

import edgeq
from edgeq import api
from edgeq.api.project import load_project
from edgeq.errors import ToolError, UsageError
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array
from edgeq.quantize.preprocess import InputSpec
from edgeq.report.accuracy import quantize_inputs
from edgeq.runners import run as run_program
from edgeq.sequence import run_sequences
from edgeq.simulator import IntExecutor
from edgeq.target import load_target
from edgeq.toolchain import find_toolchain, run

Make = Callable[[], Graph]
STEPS = 100
HOST_AND_CORE = ["host", pytest.param("cortex-m4", marks=pytest.mark.qemu)]


def built(make: Make, target: str, folder: Path, **options: object) -> tuple[api.QuantizedModel, dict]:
    graph = make()
    model = edgeq.quantize(graph, steps(graph, 64))
    manifest = edgeq.build(edgeq.BuildOptions(Path(make.__name__), target, output=folder, **options), model=model)
    return model, manifest


def stored(graph: Graph, path: Path, count: int = STEPS, sequences: int | None = None, **more: Array) -> Path:
    """Real values for the public inputs as a file: steps, or sequences of steps."""
    x = np.concatenate([s[graph.public_inputs[0]] for s in steps(graph, count, seed=9)])
    shape = x.shape if sequences is None else (sequences, len(x) // sequences, *x.shape[1:])
    np.savez(path, x=x.reshape(shape), **more)
    return path


def simulated(graph: Graph, samples: list[dict[str, Array]], each: int | None = None) -> list[Array]:
    """What the simulator gives for the public outputs, steps first."""
    values = list(run_sequences(IntExecutor(graph), [quantize_inputs(graph, s) for s in samples], each))
    return [np.concatenate([v[name] for v in values]) for name in graph.public_outputs]


@pytest.mark.parametrize("target", HOST_AND_CORE)
@pytest.mark.parametrize("make", NETS)
def test_a_hundred_steps(make: Make, target: str, tmp_path: Path) -> None:
    model, manifest = built(make, target, tmp_path / "out")
    found = edgeq.verify(tmp_path / "out", stored(model.graph, tmp_path / "x.npz"))
    assert (found["samples"], found["mismatches"], found["max_abs_diff"]) == (STEPS, 0, 0)
    assert [s["name"] for s in manifest["states"]] == [s.input for s in make().states]
    assert manifest["ram_bytes"] == manifest["arena_bytes"] + manifest["state_bytes"]
    assert [p["name"] for p in manifest["inputs"]] == list(model.graph.public_inputs)
    assert edgeq.verify(tmp_path / "out")["mismatches"] == 0  # random data are steps, too


@pytest.mark.parametrize("target", HOST_AND_CORE)
@pytest.mark.slow
def test_a_network_of_mixed_kernels_over_a_thousand_steps(target: str, tmp_path: Path) -> None:
    model, manifest = built(mixed_kernels, target, tmp_path / "out")
    found = edgeq.verify(tmp_path / "out", stored(model.graph, tmp_path / "x.npz", 1000))
    assert (found["samples"], found["mismatches"]) == (1000, 0)
    rows = {"first": 2 * 40, "ring_0": 4 * 30, "ring_1": 8 * 48, "ring_2": 12 * 48, "ring_3": 12 * 48, "last": 4 * 48}
    assert {s["name"]: s["bytes"] for s in manifest["states"]} == rows
    assert manifest["ram_bytes"] == manifest["arena_bytes"] + manifest["state_bytes"]
    depthwise = 5 * 30 + 24 * 5 + 24 * 9 + 24 * 9 + 24 * 13 + 16 * (5 + 9 + 13)
    assert manifest["macs"] == 30 * 200 + 48 * 30 + 3 * 48 * 48 + depthwise + 240


@pytest.mark.parametrize("target", HOST_AND_CORE)
def test_several_sequences(target: str, tmp_path: Path) -> None:
    """Each begins with a reset, and outputs come back in the form of the data."""
    model, _ = built(integrator, target, tmp_path / "out")
    data = stored(model.graph, tmp_path / "x.npz", STEPS, 4)
    found = edgeq.verify(tmp_path / "out", data)
    assert (found["samples"], found["mismatches"]) == (STEPS, 0)
    outputs = edgeq.run(tmp_path / "out", data)["level"]
    (expected,) = simulated(model.graph, steps(model.graph, STEPS, seed=9), STEPS // 4)
    q = model.graph.type("level").qp
    assert outputs.shape == (4, 25, 5)
    np.testing.assert_array_equal(outputs, q.dequantize(expected).reshape(4, 25, 5))
    integers = np.concatenate([quantize_inputs(model.graph, s)["x"] for s in steps(model.graph, STEPS, seed=9)])
    np.savez(tmp_path / "raw.npz", x=integers.reshape(4, 25, 4))
    raw = edgeq.run(tmp_path / "out", tmp_path / "raw.npz", raw=True)["level"]
    np.testing.assert_array_equal(raw, expected.reshape(4, 25, 5))
    one = edgeq.run(tmp_path / "out", stored(model.graph, tmp_path / "one.npz"))["level"]
    np.testing.assert_array_equal(one[:25], outputs[0])
    assert not np.array_equal(one[25:50], outputs[1])


@pytest.mark.parametrize("target", HOST_AND_CORE)
def test_profile_is_of_the_first_step(target: str, tmp_path: Path) -> None:
    built(causal_convolution, target, tmp_path / "out")
    found = edgeq.profile(tmp_path / "out")
    assert {layer["op"] for layer in found["layers"]} == {"Concat", "Conv2D"}
    several = edgeq.profile(tmp_path / "out", steps=7)
    assert several["unit"] == found["unit"] and len(several["layers"]) == len(found["layers"])
    for layer, one in zip(several["layers"], found["layers"], strict=True):
        assert 0 <= layer["min"] <= layer["value"] <= layer["max"]  # a clock may be coarser than a layer
        if found["unit"] == "instructions":  # the same in every step, but for what depends on data
            assert layer["min"] > 0
            assert abs(layer["value"] - one["value"]) <= 0.05 * one["value"]
    with pytest.raises(UsageError, match="0 steps cannot be measured"):
        edgeq.profile(tmp_path / "out", steps=0)
    assert found["total"] >= sum(layer["value"] for layer in found["layers"]) > 0
    if target == "cortex-m4":
        assert found["stack_used_bytes"] > 0 and edgeq.profile(tmp_path / "out")["total"] == found["total"]


def test_sanitizers_find_nothing(tmp_path: Path) -> None:
    model, _ = built(aliases, "host", tmp_path / "out", sanitize=True)
    assert edgeq.verify(tmp_path / "out", stored(model.graph, tmp_path / "x.npz"))["mismatches"] == 0


@pytest.mark.parametrize("options", [{"optimize": "speed"}, {"simulate": "cortex-m4"}, {"ram_budget": 400}])
def test_however_it_is_built(options: dict[str, object], tmp_path: Path) -> None:
    model, _ = built(causal_convolution, "host", tmp_path / "out", **options)
    data = stored(model.graph, tmp_path / "x.npz")
    assert edgeq.verify(tmp_path / "out", data)["mismatches"] == 0


def test_labels_of_steps_and_of_sequences(tmp_path: Path) -> None:
    model, _ = built(fir, "host", tmp_path / "out")
    (y,) = simulated(model.graph, steps(model.graph, STEPS, seed=9), 10)
    best = y.argmax(axis=1)
    each = edgeq.verify(tmp_path / "out", stored(model.graph, tmp_path / "a.npz", STEPS, 10, y=best))
    assert each["top1_int8"] == 100.0 and each["drop"] == each["top1_float"] - 100.0
    last = stored(model.graph, tmp_path / "b.npz", STEPS, 10, y=best[9::10])
    assert edgeq.verify(tmp_path / "out", last)["top1_int8"] == 100.0
    assert edgeq.verify(tmp_path / "out", last, samples=37)["top1_int8"] == 100.0  # three whole sequences
    assert edgeq.verify(tmp_path / "out", last, samples=7)["top1_int8"] is None
    wrong = stored(model.graph, tmp_path / "c.npz", STEPS, 10, y=(best[9::10] + 1) % 3)
    assert edgeq.verify(tmp_path / "out", wrong)["top1_int8"] == 0.0
    with pytest.raises(UsageError, match="7 labels `y` for 100 samples `x` in 10 sequences"):
        edgeq.verify(tmp_path / "out", stored(model.graph, tmp_path / "d.npz", STEPS, 10, y=best[:7]))


def test_data_that_do_not_fit(tmp_path: Path) -> None:
    built(fir, "host", tmp_path / "out", compile=False)
    np.savez(tmp_path / "x.npz", x=np.zeros((3, 5), np.float32))
    with pytest.raises(UsageError) as caught:
        edgeq.verify(tmp_path / "out", tmp_path / "x.npz")
    assert "(steps, 4) or (sequences, steps, 4)" in str(caught.value.hint)
    np.savez(tmp_path / "x.npz", x=np.zeros((3, 0, 4), np.float32))
    with pytest.raises(UsageError, match="sequences of 0 rows"):
        edgeq.verify(tmp_path / "out", tmp_path / "x.npz")


def test_calibration_from_a_file_of_sequences(tmp_path: Path) -> None:
    """The same as the steps one by one with their resets, and not the same as one long sequence."""
    graph = integrator()
    several = edgeq.quantize(graph, stored(graph, tmp_path / "a.npz", STEPS, 20)).graph
    long = edgeq.quantize(graph, stored(graph, tmp_path / "b.npz")).graph
    assert several.type("held").qp.s < long.type("held").qp.s


def test_a_model_from_a_file_that_takes_raw_bytes(tmp_path: Path) -> None:
    """Frames in NCHW: two rows of context are an input and an output of the file."""
    nodes = [
        helper.make_node("Concat", ["context", "frame"], ["rows"], "rows", axis=2),
        helper.make_node("Conv", ["rows", "w"], ["c"], "conv", pads=[0, 1, 0, 1]),
        helper.make_node("Relu", ["c"], ["mask"], "relu"),
        helper.make_node("Slice", ["rows", "one", "three", "axis"], ["context_after"], "next"),
    ]
    shapes = {"frame": (1, 2, 1, 8), "context": (1, 2, 2, 8)}
    constants = {"w": weights(3, 2, 3, 3), **{n: np.array([k]) for n, k in (("one", 1), ("three", 3), ("axis", 2))}}
    model = model_of(nodes, shapes, ["mask", "context_after"], constants)
    (tmp_path / "denoiser.onnx").write_bytes(model.SerializeToString())
    graph = edgeq.with_states(edgeq.load(tmp_path / "denoiser.onnx"), {"context": "context_after"})
    frames = np.random.default_rng(3).integers(0, 256, (3, 20, 2, 1, 8)).astype(np.uint8)
    np.savez(tmp_path / "frames.npz", x=frames)
    spec = InputSpec(mean=(128.0,), std=(64.0,))
    quantized = edgeq.quantize(graph, tmp_path / "frames.npz", input=spec)
    options = edgeq.BuildOptions(tmp_path / "denoiser.onnx", output=tmp_path / "out", input=spec)
    manifest = edgeq.build(options, model=quantized)
    assert (manifest["inputs"][0]["dtype"], manifest["states"][0]["dtype"]) == ("uint8", "int8")
    found = edgeq.verify(tmp_path / "out", tmp_path / "frames.npz")
    assert (found["samples"], found["mismatches"]) == (60, 0) and found["sqnr_db"] > 25


def test_command_line(tmp_path: Path) -> None:
    model, _ = built(integrator, "host", tmp_path / "out")
    data = stored(model.graph, tmp_path / "x.npz", STEPS, 4)
    told = succeeds("verify", tmp_path / "out", "--data", data, "--json").json
    assert (told["samples"], told["mismatches"], told["random_data"]) == (STEPS, 0, False)
    succeeds("run", tmp_path / "out", "--input", data, "--output", tmp_path / "y.npz")
    assert np.load(tmp_path / "y.npz")["y"].shape == (4, 25, 5)


def test_a_wrong_state_is_a_mismatch(tmp_path: Path) -> None:
    """Verification sees a state that is not handed over: as many steps differ as depend on it."""
    model, _ = built(fir, "host", tmp_path / "out")
    source = tmp_path / "out" / "src" / "fir.c"
    text = source.read_text()
    assert text.count("memcpy(block + 0, ") == 1
    source.write_text(text.replace("memcpy(block + 0, ", "(void)memcmp(block + 0, "))
    run(["cmake", "-S", ".", "-B", "build"], cwd=tmp_path / "out")
    run(["cmake", "--build", "build"], cwd=tmp_path / "out")
    found = edgeq.verify(tmp_path / "out", stored(model.graph, tmp_path / "x.npz"))
    assert found["mismatches"] == STEPS - 1


INSTANCES = """
#include <stdio.h>
#include <string.h>

#include "aliases.h"

_Alignas(16) static unsigned char arena[ALIASES_ARENA_BYTES];
_Alignas(16) static unsigned char state[2][ALIASES_STATE_BYTES + 16];

int main(int argc, char **argv)
{
    FILE *input = fopen(argv[1], "rb"), *output = fopen(argv[argc - 1], "wb");
    int8_t x[ALIASES_INPUT_SIZE], y[ALIASES_OUTPUT_WITH_STILL_SIZE];
    if (aliases_run(arena, NULL, x, y, NULL, NULL, NULL) != ALIASES_ERROR_STATE ||
        aliases_run(arena, state[0] + 1, x, y, NULL, NULL, NULL) != ALIASES_ERROR_STATE ||
        aliases_run(NULL, state[0], x, y, NULL, NULL, NULL) != ALIASES_ERROR_ARENA) {
        return 1;
    }
    memset(state, 0x55, sizeof state);
    aliases_reset(state[0]);
    aliases_reset(state[1]);
    for (int turn = 0; fread(x, 1, sizeof x, input) == sizeof x; turn = !turn) {
        if (aliases_run(arena, state[turn], x, y, NULL, NULL, NULL) != ALIASES_OK) {
            return 2;
        }
        fwrite(y, 1, sizeof y, output);
        memset(arena, 0x33, sizeof arena);
    }
    for (size_t i = 0; i < 16; i++) {
        if (state[0][ALIASES_STATE_BYTES + i] != 0x55 || state[1][ALIASES_STATE_BYTES + i] != 0x55) {
            return 3;
        }
    }
    return fclose(input) || fclose(output);
}
"""


def test_two_sequences_at_a_time(tmp_path: Path) -> None:
    """Two state blocks and one arena, in turn: each gives what it gives alone."""
    model, _ = built(aliases, "host", tmp_path / "out", compile=False)
    (tmp_path / "main.c").write_text(INSTANCES)
    out = tmp_path / "out"
    sources = [*(out / "src").glob("aliases*.c"), *(out / "kernels").rglob("*.c")]
    files = [str(p) for p in sources]
    compiler = find_toolchain(load_target("host"), None)
    command = [str(compiler.program), *(["cc"] if compiler.kind == "zig" else [])]
    flags = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
    places = [f"-I{out / p}" for p in ("include",)]
    run([*command, *flags, *places, *files, "main.c", "-o", "instances"], cwd=tmp_path)
    graph = model.graph
    sequences = [steps(graph, 30, seed) for seed in (1, 2)]
    turns = [quantize_inputs(graph, s)["x"] for pair in zip(*sequences, strict=True) for s in pair]
    np.concatenate(turns).tofile(tmp_path / "in")
    run([tmp_path / "instances", "in", "results"], cwd=tmp_path)
    got = np.fromfile(tmp_path / "results", np.int8).reshape(30, 2, 16)
    for k, sequence in enumerate(sequences):
        np.testing.assert_array_equal(got[:, k], simulated(graph, sequence)[0])
    assert not np.array_equal(got[:, 0], got[:, 1])


def test_a_stateless_program_has_no_sequences(tmp_path: Path) -> None:
    options = edgeq.BuildOptions(DIGITS / "digits.onnx", "host", DIGITS / "calibration.npz", output=tmp_path / "out")
    edgeq.build(options)
    program = api.check.Built.read(tmp_path / "out").program
    image = np.zeros((2, *program.inputs[0].shape[1:]), np.int8)
    with pytest.raises(ToolError, match="has no command sequences"):
        run_program(program, [image], steps=1)


def one_step_of_a_filter(folder: Path) -> Path:
    """An ONNX model whose state is an input and an output: kept' = tanh(0.5 · kept + W · x); y = kept' · V."""
    rng = np.random.default_rng(3)
    nodes = [
        helper.make_node("Gemm", ["x", "w"], ["drive"]),
        helper.make_node("Mul", ["kept", "half"], ["decayed"]),
        helper.make_node("Add", ["drive", "decayed"], ["sum"]),
        helper.make_node("Tanh", ["sum"], ["kept_after"]),
        helper.make_node("Gemm", ["kept_after", "v"], ["y"]),
    ]
    constants = {"w": weights(4, 6), "v": weights(6, 3), "half": np.array(0.5, np.float32)}
    model = model_of(nodes, {"x": (1, 4), "kept": (1, 6)}, ["y", "kept_after"], constants)
    path = folder / "filter.onnx"
    path.write_bytes(model.SerializeToString())
    np.savez(folder / "x.npz", x=rng.normal(0, 1, (5, 12, 4)).astype(np.float32))
    return path


def test_states_by_name_on_the_command_line_and_in_a_project(tmp_path: Path) -> None:
    model, data = one_step_of_a_filter(tmp_path), tmp_path / "x.npz"
    state = ("--state", "kept_after=kept")
    built = ("build", model, "-t", "host", "--calibration", data, "-o", tmp_path / "out", "--json")
    manifest = succeeds(*built, *state).json
    assert [s["name"] for s in manifest["states"]] == ["kept"]
    assert [p["name"] for p in manifest["inputs"]] == ["x"] and [p["name"] for p in manifest["outputs"]] == ["y"]
    found = succeeds("verify", tmp_path / "out", "--data", data, "--json").json
    assert (found["samples"], found["mismatches"]) == (60, 0) and found["sqnr_db"] > 25
    succeeds("run", tmp_path / "out", "--input", data, "--output", tmp_path / "y.npz")
    assert np.load(tmp_path / "y.npz")["y"].shape == (5, 12, 3)
    layers = succeeds("quantize", model, "--calibration", data, *state, "--json").json["layers"]
    assert any(layer["value"] == "kept_after" for layer in layers)
    (tmp_path / "edgeq.toml").write_text(
        'model = "filter.onnx"\ncalibration = "x.npz"\noutput = "project"\n[state]\nkept_after = "kept"\n'
    )
    project = edgeq.build(load_project(tmp_path))
    assert project["states"] == manifest["states"]


@pytest.mark.parametrize(
    ("states", "message"),
    [
        ({"y": "kept"}, r"the state 'kept' is float32\[1, 6\] and cannot become 'y', which is float32\[1, 3\]"),
        ({"kept_after": "other"}, "there is no input 'other'"),
        ({"other": "kept"}, "cannot become 'other', which is not in the model"),
        ({"kept_after": "kept", "sum": "kept"}, "two outputs become the input 'kept'"),
    ],
)
def test_states_that_are_none(states: dict[str, str], message: str, tmp_path: Path) -> None:
    options = edgeq.BuildOptions(one_step_of_a_filter(tmp_path), state=states, output=tmp_path / "out")
    with pytest.raises(UsageError, match=message):
        edgeq.build(options)
