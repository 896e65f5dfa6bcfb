"""What a recurrent layer costs on a processor with the DSP extension: bounds that are not to be exceeded."""

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


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m7", "cortex-m33"])
def test_the_gates_of_a_unit_are_one_product(core: str) -> None:
    """The kernel for these cores is taken for plain layers."""
    graph, samples = network(28, 28, 20, seed=20)
    program = lower(quantize(graph, samples), load_target(core))
    assert [call.function for call in program.calls] == ["eq_lstm_dsp_fast"]


@pytest.mark.slow
@pytest.mark.qemu
@pytest.mark.parametrize(("steps", "depth", "units", "most"), [(28, 28, 20, 257_700), (49, 40, 64, 2_023_000)])
def test_instructions(
    steps: int, depth: int, units: int, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of what CMSIS-NN takes."""
    for name, value in (("STEPS", steps), ("DEPTH", depth), ("UNITS", units)):
        monkeypatch.setattr(test_tflite_recurrent, name, value)
    (tmp_path / "lstm.tflite").write_bytes(test_tflite_recurrent.lstm_file(units, quantized=False))
    x = np.random.default_rng(0).normal(0, 1, (24, steps, depth)).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=x)
    options = edgeq.BuildOptions(
        model=str(tmp_path / "lstm.tflite"),
        calibration=str(tmp_path / "x.npz"),
        target="cortex-m4",
        output=str(tmp_path / "out"),
    )
    edgeq.build(options)
    found = edgeq.profile(tmp_path / "out")
    assert found["unit"] == "instructions" and found["total"] <= most
