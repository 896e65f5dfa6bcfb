"""Models that begin with a short-time Fourier transform: real numbers up to the logarithm, integers behind it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import helper, save
from onnx_models import model_of

from edgeq import api
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import DType
from edgeq.ops.spectrum import Spectrum
from edgeq.simulator import FloatExecutor, IntExecutor
from edgeq.warnings import EdgeqWarning

SOUND = np.load(Path(__file__).with_name("vectors") / "frontend.npz")["sound"].astype(np.float32) / 32768
CLIPS = SOUND.reshape(16, 600)


def model(place: Path, logarithm: bool = True) -> Path:
    """Energies of 64 samples every 24, in 5 bands; their logarithms; a dense layer."""
    rng = np.random.default_rng(3)
    frames = 1 + (CLIPS.shape[1] - 64) // 24
    constants = {
        "step": np.array(24, np.int64),
        "window": np.hanning(64).astype(np.float32),
        "axes": np.array([-1], np.int64),
        "bands": rng.uniform(0, 1, (33, 5)).astype(np.float32),
        "flat": np.array([1, frames * 5], np.int64),
        "w": rng.normal(size=(frames * 5, 4)).astype(np.float32),
        "least": np.array(1e-5, np.float32),
    }
    nodes = [
        helper.make_node("STFT", ["x", "step", "window"], ["s"]),
        helper.make_node("Mul", ["s", "s"], ["squares"]),
        helper.make_node("ReduceSum", ["squares", "axes"], ["energies"], keepdims=0),
        helper.make_node("MatMul", ["energies", "bands"], ["sums"]),
        helper.make_node("Add", ["sums", "least"], ["above"]),
        helper.make_node("Log" if logarithm else "Sqrt", ["above"], ["logs"]),
        helper.make_node("Reshape", ["logs", "flat"], ["row"]),
        helper.make_node("MatMul", ["row", "w"], ["y"]),
    ]
    save(model_of(nodes, {"x": [1, CLIPS.shape[1], 1]}, ["y"], constants, opset=17), place / "net.onnx")
    return place / "net.onnx"


def expected(path: Path) -> np.ndarray:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(["y"], {"x": clip[None, :, None]})[0] for clip in CLIPS])


def types(graph: Graph) -> dict[str, DType]:
    """Of the first output of each kind of operator."""
    return {node.op.kind: graph.type(node.outputs[0]).dtype for node in reversed(graph.nodes)}


def test_sound_has_16_bits_and_logarithms_8(tmp_path: Path) -> None:
    path = model(tmp_path)
    graph = api.load(path)
    found = [FloatExecutor(graph).run({"x": clip[None, :, None]})["y"] for clip in CLIPS]
    truth = expected(path)
    np.testing.assert_allclose(np.concatenate(found), truth, rtol=0, atol=1e-4 * np.abs(truth).max())
    integer = api.quantize(path, CLIPS[:, :, None]).graph
    assert integer.type("x").dtype is DType.INT16
    of = types(integer)
    assert of["Spectrum"] is of["Log"] is DType.FLOAT32 and of["Quantize"] is integer.type("y").dtype is DType.INT8
    assert {"Mul", "Sum"}.isdisjoint(of)  # the spectrum gives energies of bands
    q, y = integer.type("x").qp, integer.type("y").qp
    steps = [IntExecutor(integer).run({"x": q.quantize(clip[None, :, None], DType.INT16)})["y"] for clip in CLIPS]
    error = y.dequantize(np.concatenate(steps)) - truth
    assert np.square(error).sum() < 1e-3 * np.square(truth).sum()


def test_real_models_keep_their_samples(tmp_path: Path) -> None:
    path = model(tmp_path)
    real = api.quantize(path, numerics="float").graph
    assert set(types(real).values()) == {DType.FLOAT32} and "Quantize" not in types(real)
    found = np.concatenate([IntExecutor(real).run({"x": clip[None, :, None]})["y"] for clip in CLIPS])
    truth = expected(path)
    np.testing.assert_allclose(found, truth, rtol=0, atol=1e-4 * np.abs(truth).max())


def test_a_spectrum_without_logarithm_is_told(tmp_path: Path) -> None:
    with pytest.warns(EdgeqWarning, match="no logarithm follows this spectrum"):
        graph = api.load(model(tmp_path, logarithm=False))
    assert any(isinstance(node.op, Spectrum) for node in graph.nodes)
