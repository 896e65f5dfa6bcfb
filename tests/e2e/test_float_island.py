"""A graph in which real numbers stand between integers: simulated, built, and the same bits on every target."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import edgeq
from edgeq.api import QuantizedModel
from edgeq.ir.graph import Graph
from edgeq.ir.text import parse_graph
from edgeq.ir.verify import verify
from edgeq.simulator import run_int

ISLAND = """
graph island numerics=fast preferred=fast
input %x: int8[1,4,4,3] q(0.05, -3)
const %w: int8[5,1,1,3] q(axis 0: 0.001 0.001 0.001 0.001 0.001; 0)
const %row: float32[5]
%conv: int8[1,4,4,5] q(0.02, 4) = Conv2D(%x, %w, none)
%real: float32[1,4,4,5] = Dequantize(%conv)
%exp: float32[1,4,4,5] = Exp(%real)
%plus: float32[1,4,4,5] = Add(%exp, %row) {clamp=(0.0, 6.0)}
%root: float32[1,4,4,5] = Sqrt(%plus)
%mean: float32[1,4,4,1] = Mean(%root) {axes=(3,), keepdims=True}
%less: float32[1,4,4,5] = Sub(%root, %mean)
%tanh: float32[1,4,4,5] = Tanh(%less)
%soft: float32[1,4,4,5] = Softmax(%tanh) {axis=3}
%log: float32[1,4,4,5] = LogSoftmax(%soft) {axis=3}
%ratio: float32[1,4,4,5] = Div(%log, %root)
%flat: float32[1,80] = Reshape(%exp) {shape=(1, 80)}
%y: int8[1,80] q(0.06, -128) = Quantize(%flat)
output %y
output %exp
output %ratio
"""
FLOAT = """
graph island numerics=none preferred=fast
input %x: float32[1,4,4,3]
const %w: float32[5,1,1,3]
const %row: float32[5]
%conv: float32[1,4,4,5] = Conv2D(%x, %w, none)
%exp: float32[1,4,4,5] = Exp(%conv)
%plus: float32[1,4,4,5] = Add(%exp, %row) {clamp=(0.0, 6.0)}
%root: float32[1,4,4,5] = Sqrt(%plus)
%mean: float32[1,4,4,1] = Mean(%root) {axes=(3,), keepdims=True}
%less: float32[1,4,4,5] = Sub(%root, %mean)
%tanh: float32[1,4,4,5] = Tanh(%less)
%soft: float32[1,4,4,5] = Softmax(%tanh) {axis=3}
%log: float32[1,4,4,5] = LogSoftmax(%soft) {axis=3}
%ratio: float32[1,4,4,5] = Div(%log, %root)
%y: float32[1,80] = Reshape(%exp) {shape=(1, 80)}
output %y
output %exp
output %ratio
"""

ROW = np.array([0.5, -0.25, 1.0, 0.0, 2.0], np.float32)


def models() -> QuantizedModel:
    integers = np.random.default_rng(4).integers(-127, 128, (5, 1, 1, 3)).astype(np.int8)
    real = parse_graph(FLOAT, {"w": (integers * 0.001).astype(np.float32), "row": ROW})
    return QuantizedModel(verify(real), verify(island(integers)))


def island(weights: np.ndarray) -> Graph:
    return parse_graph(ISLAND, {"w": weights, "row": ROW})


def test_the_simulator_computes_real_numbers() -> None:
    graph = models().graph
    x = np.random.default_rng(1).integers(-128, 128, (1, 4, 4, 3)).astype(np.int8)
    values = run_int(graph, {"x": x})
    assert values["exp"].dtype == np.float32
    conv = (values["conv"].astype(np.float64) - 4) * 0.02
    np.testing.assert_allclose(values["exp"], np.exp(conv), rtol=1e-6)
    root = np.sqrt(np.clip(np.exp(conv) + ROW, 0, 6))
    soft = np.exp(np.tanh(root - root.mean(-1, keepdims=True)))
    log = soft / soft.sum(-1, keepdims=True)
    expected = (log - np.log(np.exp(log).sum(-1, keepdims=True))) / root
    np.testing.assert_allclose(values["ratio"], expected, rtol=1e-5)
    steps = np.rint(values["exp"].ravel() / np.float32(0.06)) - 128
    np.testing.assert_array_equal(values["y"].ravel(), np.clip(steps, -128, 127))


@pytest.mark.parametrize(
    ("target", "sanitize"),
    [
        ("host", True),
        *(pytest.param(core, False, marks=pytest.mark.qemu) for core in ("cortex-m4", "cortex-m55", "cortex-m0plus")),
    ],
)
def test_built_programs_equal_the_simulator(target: str, sanitize: bool, tmp_path: Path) -> None:
    options = edgeq.BuildOptions(model=Path("island.onnx"), target=target, output=tmp_path / "out", sanitize=sanitize)
    manifest = edgeq.build(options, model=models())
    assert [port["dtype"] for port in manifest["outputs"]] == ["int8", "float32", "float32"]
    layers = {layer["op"]: (layer["activation_dtype"], layer["float"]) for layer in manifest["layers"]}
    assert layers["Exp"] == ("float32", True) and layers["Quantize"] == ("int8", False)
    found = edgeq.verify(tmp_path / "out", samples=40)
    assert (found["samples"], found["mismatches"], found["max_abs_diff"]) == (40, 0, 0)
    assert found["sqnr_db"] > 25
