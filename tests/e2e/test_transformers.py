"""A vision transformer and a Conformer, small ones, from ONNX to programs: onnxruntime's results, every bit right."""

from __future__ import annotations

from pathlib import Path

import needs
import numpy as np
import pytest

import edgeq
from benchmarks.transformers import NETWORKS, Sizes, samples
from edgeq.simulator import run_float

SIZES = {"vit": Sizes(3, 24, 3, 2), "conformer": Sizes(6, 24, 4, 2)}
PROGRAMS = {
    "host": ("gcc",),
    "rpi4": ("aarch64-linux-gnu-gcc", "qemu-aarch64"),
    "cortex-m7": ("arm-none-eabi-gcc", "qemu-system-arm"),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "target", "bits", "least"),
    [("vit", "host", 8, 25), ("vit", "cortex-m7", 16, 40), ("conformer", "rpi4", 8, 25)],
)
def test_network(name: str, target: str, bits: int, least: float, tmp_path: Path) -> None:
    needs.programs(*PROGRAMS[target])
    onnxruntime = pytest.importorskip("onnxruntime")
    model = tmp_path / f"{name}.onnx"
    shape = NETWORKS[name][0](model, SIZES[name])
    graph, x = edgeq.load(model), samples(shape, 4, 2)
    (wanted,) = onnxruntime.InferenceSession(str(model)).run(None, {"x": x[:1]})
    np.testing.assert_allclose(run_float(graph, {"x": x[:1]})[graph.outputs[0]], wanted, atol=1e-5)
    config = edgeq.QuantConfig.from_dict({"activation_bits": bits})
    quantized = edgeq.quantize(graph, samples(shape, 20, 1), config=config)
    options = edgeq.BuildOptions(model=str(model), target=target, output=str(tmp_path / "out"))
    edgeq.build(options, model=quantized)
    checked = edgeq.verify(tmp_path / "out", x)
    assert checked["mismatches"] == 0 and checked["sqnr_db"] >= least
