"""What a recurrent layer costs on microcontrollers: bounds that are not to be exceeded."""

from __future__ import annotations

from pathlib import Path

import pytest
import test_tflite_recurrent
from test_lstm import network

import edgeq
from benchmarks.recurrent import instructions, quantized
from edgeq.codegen.lower import lower
from edgeq.quantize import quantize
from edgeq.target import load_target

KERNELS = {
    "cortex-m4": "eq_lstm_dsp_fast",
    "cortex-m7": "eq_lstm_dsp_fast",
    "cortex-m33": "eq_lstm_dsp_fast",
    "cortex-m0plus": "eq_lstm_thumb_fast",
    "cortex-m3": "eq_lstm_thumb2_fast",
}


@pytest.mark.parametrize("core", KERNELS)
def test_the_gates_of_a_unit_are_one_product(core: str) -> None:
    """The kernel for these cores is taken for plain layers."""
    graph, samples = network(28, 28, 20, seed=20)
    program = lower(quantize(graph, samples), load_target(core))
    assert [call.function for call in program.calls] == [KERNELS[core]]


BOUNDS = {
    "cortex-m0plus": {"lstm28x20": 870_000, "lstm40x64": 7_000_000, "gru40x64": 5_400_000, "svdf96x64": 37_300},
    "cortex-m3": {"lstm28x20": 440_000, "rnn40x64": 920_000, "svdf96x64": 20_200},
    "cortex-m4": {"lstm28x20": 257_700, "lstm40x64": 2_023_000, "gru40x64": 1_600_000, "svdf96x64": 11_168},
    "cortex-m55": {"lstm28x20": 117_700, "lstm40x64": 620_700, "gru40x64": 375_000, "svdf96x64": 3_000},
}
"""Instructions: half of what CMSIS-NN takes on Cortex-M4, 0.6 of it on M0+ and M55 for LSTM."""


@pytest.mark.slow
@pytest.mark.qemu
@pytest.mark.parametrize("core", BOUNDS)
def test_instructions(core: str) -> None:
    found = instructions(quantized(tuple(BOUNDS[core])), core)
    assert {name: most for name, most in BOUNDS[core].items() if found[name] > most} == {}


@pytest.mark.slow
@pytest.mark.qemu
@pytest.mark.parametrize(("core", "most"), [("cortex-m4", 390_000), ("cortex-m55", 170_000)])
def test_instructions_of_litert_arithmetic(
    core: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An int8 .tflite, byte for byte; CMSIS-NN, which rounds otherwise, takes 515,439 and 196,210."""
    for name, value in (("STEPS", 28), ("DEPTH", 28), ("UNITS", 20)):
        monkeypatch.setattr(test_tflite_recurrent, name, value)
    (tmp_path / "lstm.tflite").write_bytes(test_tflite_recurrent.lstm_file(20))
    options = edgeq.BuildOptions(model=str(tmp_path / "lstm.tflite"), target=core, output=str(tmp_path / "out"))
    assert edgeq.build(options)["numerics"] == "tflite"
    assert edgeq.profile(options.folder)["layers"][0]["value"] <= most
