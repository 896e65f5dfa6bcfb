"""What a recurrent layer costs on microcontrollers: bounds that are not to be exceeded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import test_tflite_recurrent
from test_lstm import network

import edgeq
from edgeq.codegen.lower import lower
from edgeq.quantize import quantize
from edgeq.target import load_target

KERNELS = {
    "cortex-m4": "eq_lstm_dsp_fast",
    "cortex-m7": "eq_lstm_dsp_fast",
    "cortex-m33": "eq_lstm_dsp_fast",
    "cortex-m0plus": "eq_lstm_thumb",
    "cortex-m3": "eq_lstm_thumb2",
}


@pytest.mark.parametrize("core", KERNELS)
def test_the_gates_of_a_unit_are_one_product(core: str) -> None:
    """The kernel for these cores is taken for plain layers."""
    graph, samples = network(28, 28, 20, seed=20)
    program = lower(quantize(graph, samples), load_target(core))
    assert [call.function for call in program.calls] == [KERNELS[core]]


@pytest.mark.slow
@pytest.mark.qemu
@pytest.mark.parametrize(
    ("core", "steps", "depth", "units", "most"),
    [
        ("cortex-m4", 28, 28, 20, 257_700),
        ("cortex-m4", 49, 40, 64, 2_023_000),
        ("cortex-m0plus", 28, 28, 20, 870_000),
        ("cortex-m0plus", 49, 40, 64, 7_000_000),
        ("cortex-m3", 28, 28, 20, 430_000),
    ],
)
def test_instructions(
    core: str, steps: int, depth: int, units: int, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of what CMSIS-NN takes, on Cortex-M0+ 0.6 of it."""
    for name, value in (("STEPS", steps), ("DEPTH", depth), ("UNITS", units)):
        monkeypatch.setattr(test_tflite_recurrent, name, value)
    (tmp_path / "lstm.tflite").write_bytes(test_tflite_recurrent.lstm_file(units, quantized=False))
    x = np.random.default_rng(0).normal(0, 1, (24, steps, depth)).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=x)
    options = edgeq.BuildOptions(
        model=str(tmp_path / "lstm.tflite"),
        calibration=str(tmp_path / "x.npz"),
        target=core,
        output=str(tmp_path / "out"),
    )
    edgeq.build(options)
    found = edgeq.profile(tmp_path / "out")
    assert found["unit"] == "instructions" and found["total"] <= most
