"""`--stream`: a model over a window as a program of one step, whose outputs are the window's to the last bit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import edgeq as command
from command_line import succeeds
from onnx import helper
from onnx_models import model_of, weights
from window_nets import keywords, signal

import edgeq
from edgeq.ir.graph import Graph
from edgeq.report.accuracy import quantize_inputs
from edgeq.simulator import IntExecutor

HOST_AND_CORE = ["host", pytest.param("cortex-m4", marks=pytest.mark.qemu)]


def recording(graph: Graph, axis: int, rows: int) -> np.ndarray:
    shape = list(graph.type(graph.inputs[0]).shape)
    shape[axis] = rows
    return np.random.default_rng(3).normal(0, 1.5, shape).astype(np.float32)


def agrees_with_window(folder: Path, window: Graph, manifest: dict, count: int) -> None:
    """The program's outputs over `count` steps are the window's from the step on that fills it."""
    stream, (name,), (out,) = manifest["stream"], window.inputs, window.outputs
    axis, rows = stream["axis"], stream["rows"]
    x = recording(window, axis, count * rows)
    steps = np.concatenate(np.split(x, count, axis))
    found = edgeq.run(folder, {name: steps})[out]
    executor, q = IntExecutor(window), window.type(out).qp
    for k in range(stream["warm_up"] - 1, count):
        end = (k + 1) * rows
        seen = np.take(x, range(end - stream["window"], end), axis)
        exact = executor.run(quantize_inputs(window, {name: seen}))[out]
        np.testing.assert_array_equal(found[k], q.dequantize(exact)[0])


@pytest.mark.parametrize("target", HOST_AND_CORE)
@pytest.mark.parametrize(("make", "rows"), [(keywords, 1), (signal, 2)])
@pytest.mark.slow
def test_a_hundred_steps(make: object, rows: int, target: str, tmp_path: Path) -> None:
    graph = make()  # type: ignore[operator]
    axis = 1 if make is keywords else 2
    (name,) = graph.inputs
    shape = graph.type(name).shape
    window = edgeq.quantize(graph, {name: recording(graph, axis, 24 * shape[axis]).reshape(24, *shape[1:])})
    options = edgeq.BuildOptions(Path("net"), target, output=tmp_path / "out")
    manifest = edgeq.build(options, model=window.stream(rows))
    agrees_with_window(tmp_path / "out", window.graph, manifest, 100)
    assert edgeq.verify(tmp_path / "out")["mismatches"] == 0


@pytest.mark.slow
def test_keyword_spotting(shared_models: Path, tmp_path: Path) -> None:
    """A frame each step. What the padding of four layers reaches is computed anew: 44 of their 100 rows."""
    window = edgeq.quantize(shared_models / "kws_int8.tflite")
    manifest = edgeq.build(edgeq.BuildOptions(Path("kws"), output=tmp_path / "kws"), model=window.stream())
    assert manifest["macs"] == 6 * 12800 + 44 * (2880 + 20480) + 768 and manifest["stream"]["window_macs"] == 2656768
    assert manifest["stream"] | {"phases": 2, "warm_up": 49, "axis": 1} == manifest["stream"]
    agrees_with_window(tmp_path / "kws", window.graph, manifest, 60)
    flowing = window.stream(padding="stream").window
    assert flowing is not None and flowing[1].macs == 12800 + 4 * (2880 + 20480) + 768 and flowing[1].window == 74


def test_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file with 1-D convolutions, channels first; the figures say what a step is."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
        helper.make_node("Relu", ["c"], ["r"], name="relu"),
        helper.make_node("ReduceMean", ["r"], ["y"], name="mean", axes=[2], keepdims=0),
    ]
    model = model_of(nodes, {"x": (1, 3, 20)}, ["y"], {"w": weights(4, 3, 5)})
    Path("m.onnx").write_bytes(model.SerializeToString())
    np.savez("x.npz", x=rng.normal(0, 1, (32, 3, 20)).astype(np.float32))
    built = succeeds("build", "m.onnx", "--stream", "--calibration", "x.npz", "--output", "out")
    assert "1 of 20 rows of dimension 2 each step, outputs from step 20 on" in built.out
    assert "each step, 6.2 % of the window's" in built.out  # one of 16 rows
    manifest = json.loads(Path("out/manifest.json").read_text())
    assert manifest["stream"]["axis"] == 2 and manifest["inputs"][0]["shape"] == [1, 3, 1]
    agrees_with_window(Path("out"), edgeq.quantize("m.onnx", "x.npz").graph, manifest, 40)
    options = ("--stream", "--stream-padding", "stream", "--calibration", "x.npz", "--no-compile")
    built = succeeds("build", "m.onnx", *options, "--output", "flowing", "--json").json
    assert built["stream"]["padding"] == "stream" and built["stream"]["window"] == 20  # there was no padding
    report = succeeds("quantize", "m.onnx", "--stream", "--calibration", "x.npz", "--output", "step.onnx")
    assert "wrote step.onnx" in report.out
    refused = command("build", "m.onnx", "--stream-step", "2", "--calibration", "x.npz")
    assert refused.code == 2 and "--stream-step, --stream-axis and --stream-padding are for --stream" in refused.err
    refused = command("build", "m.onnx", "--stream", "--stream-step", "20", "--calibration", "x.npz")
    assert refused.code == 2 and "not shorter than the window of 20 along dimension 2" in refused.err
