"""Inputs and outputs far from zero: what the generated header says of them, and the same bits everywhere."""

from __future__ import annotations

from pathlib import Path

import needs
import numpy as np
import pytest

import edgeq
from edgeq.ir.text import parse_graph
from edgeq.ir.verify import verify
from edgeq.report.accuracy import quantize_inputs
from edgeq.simulator import run_float, run_int
from edgeq.toolchain.process import run

BAROMETER = """
graph barometer numerics=none preferred=fast
input %pressure: float32[1,6]
const %mean: float32[6]
const %w: float32[8,6]
const %b: float32[8]
const %v: float32[2,8]
const %c: float32[2]
%less: float32[1,6] = Sub(%pressure, %mean)
%hidden: float32[1,8] = FullyConnected(%less, %w, %b) {clamp=(0.0, inf)}
%kelvin: float32[1,2] = FullyConnected(%hidden, %v, %c)
output %kelvin
"""
USER = """
#include "barometer.h"
#include <stdio.h>
int main(void)
{
    static _Alignas(16) unsigned char arena[BAROMETER_ARENA_BYTES];
    float x[BAROMETER_INPUT_SIZE];
    while (fread(x, sizeof x[0], BAROMETER_INPUT_SIZE, stdin) == BAROMETER_INPUT_SIZE) {
        int8_t q[BAROMETER_INPUT_SIZE], y[BAROMETER_OUTPUT_SIZE];
        float real[BAROMETER_OUTPUT_SIZE];
        for (int i = 0; i < BAROMETER_INPUT_SIZE; i++) {
            q[i] = barometer_quantize_input(x[i]);
        }
        if (barometer_run(arena, q, y) != BAROMETER_OK) {
            return 1;
        }
        for (int i = 0; i < BAROMETER_OUTPUT_SIZE; i++) {
            real[i] = barometer_dequantize_output(y[i]);
        }
        fwrite(q, 1, sizeof q, stdout);
        fwrite(real, 1, sizeof real, stdout);
    }
    return 0;
}
"""


def pressures(count: int) -> np.ndarray:
    return np.random.default_rng(4).normal(1013, 8, (count, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def model() -> edgeq.QuantizedModel:
    rng = np.random.default_rng(3)
    constants = {
        "mean": np.float32([1010, 1012, 1013, 1013, 1014, 1016]),
        "w": rng.normal(0, 0.2, (8, 6)).astype(np.float32),
        "b": rng.normal(0, 0.5, 8).astype(np.float32),
        "v": rng.normal(0, 0.5, (2, 8)).astype(np.float32),
        "c": np.full(2, 293, np.float32),
    }
    return edgeq.quantize(verify(parse_graph(BAROMETER, constants)), pressures(60))


def build(model: edgeq.QuantizedModel, target: str, folder: Path, compile: bool = True) -> None:
    options = edgeq.BuildOptions(model=Path("barometer.onnx"), target=target, output=folder, compile=compile)
    manifest = edgeq.build(options, model=model)
    (x,), (y,) = manifest["inputs"], manifest["outputs"]
    for port in (x, y):
        q = model.graph.type(port["name"]).qp
        assert (port["dtype"], port["scale"], port["zero_point"]) == ("int8", q.s, q.zp)
    assert x["zero_point"] < -1000 and y["zero_point"] < -1000


@pytest.mark.slow
@pytest.mark.qemu
def test_a_microcontroller_takes_and_gives_real_values(model: edgeq.QuantizedModel, tmp_path: Path) -> None:
    build(model, "cortex-m4", tmp_path / "out")
    np.savez(tmp_path / "x.npz", x=pressures(40))
    found = edgeq.verify(tmp_path / "out", data=tmp_path / "x.npz")
    assert (found["samples"], found["mismatches"]) == (40, 0)
    assert found["centred_sqnr_db"] > 30
    got = edgeq.run(tmp_path / "out", pressures(40))["kelvin"]
    exact = run_float(model.float_graph, {"pressure": pressures(40)[:1]})["kelvin"]
    assert np.abs(got[0] - exact).max() < 4 * model.graph.type("kelvin").qp.s


def test_the_headers_functions_are_those_of_the_simulator(model: edgeq.QuantizedModel, tmp_path: Path) -> None:
    needs.programs("gcc")
    build(model, "host", tmp_path / "out", compile=False)
    (tmp_path / "main.c").write_text(USER)
    sources = sorted((tmp_path / "out").glob("src/*.c")) + sorted((tmp_path / "out").glob("kernels/**/*.c"))
    folders = [f"-I{tmp_path / 'out' / part}" for part in ("include", "kernels/include")]
    program = tmp_path / "user"
    strict = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsanitize=undefined"]
    run(["gcc", *strict, *folders, tmp_path / "main.c", *sources, "-o", program])
    beyond = np.float32([[0, -1e9, 1e9, 1e30, np.inf, -np.inf]])
    x = np.concatenate([pressures(200), beyond])
    x.tofile(tmp_path / "x")
    run(["sh", "-c", f"'{program}' < '{tmp_path / 'x'}' > '{tmp_path / 'y'}'"])
    record = np.dtype([("q", np.int8, 6), ("y", np.float32, 2)])
    for sample, got in zip(x[:, None], np.fromfile(tmp_path / "y", record), strict=True):
        q = quantize_inputs(model.graph, {"pressure": sample})
        y = run_int(model.graph, q)["kelvin"]
        np.testing.assert_array_equal(got["q"], q["pressure"][0])
        np.testing.assert_array_equal(got["y"], model.graph.type("kelvin").qp.dequantize(y)[0])
