"""The integers of a model do not depend on the CPU that quantizes it.

OpenBLAS and NumPy choose their loops by the CPU. Both can be told to take those of an older one, in a new process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits"
BUILD = """
import sys, json
from pathlib import Path
import edgeq
from edgeq.quantize.config import QuantConfig
model, calibration, output, table = sys.argv[1:]
options = edgeq.BuildOptions(
    model=Path(model), calibration=Path(calibration), target="cortex-m4", compile=False, output=Path(output),
    quantize=QuantConfig.from_dict(json.loads(table)),
)
edgeq.build(options)
"""
OLDER = {
    "nehalem": {"OPENBLAS_CORETYPE": "Nehalem", "NPY_DISABLE_CPU_FEATURES": "AVX512_SPR AVX512_ICL X86_V4 X86_V3"},
    "haswell": {"OPENBLAS_CORETYPE": "Haswell", "NPY_DISABLE_CPU_FEATURES": "AVX512_SPR AVX512_ICL X86_V4"},
    "skylake": {"OPENBLAS_CORETYPE": "SkylakeX", "NPY_DISABLE_CPU_FEATURES": "AVX512_SPR AVX512_ICL"},
    "old names": {"OPENBLAS_CORETYPE": "Sandybridge", "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512_SKX AVX2 FMA3"},
}
"""CPUs, as NumPy 2.4 calls their features, and as those before it do; each warns of names that it does not know."""


def built(folder: Path, model: Path, calibration: Path, environment: dict[str, str], table: str) -> dict[str, bytes]:
    command = [sys.executable, "-W", "ignore", "-c", BUILD, str(model), str(calibration), str(folder), table]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize("table", ["{}", '{"observer": "entropy", "equalize": false}'], ids=["default", "entropy"])
def test_digits(table: str, tmp_path: Path) -> None:
    model, calibration = DIGITS / "digits.onnx", DIGITS / "calibration.npz"
    expected = built(tmp_path / "here" / "out", model, calibration, {}, table)
    assert any(name.endswith(".c") for name in expected)
    for cpu, environment in OLDER.items():
        found = built(tmp_path / cpu / "out", model, calibration, environment, table)
        assert [name for name in expected if found.get(name) != expected[name]] == [], cpu


@pytest.mark.shared
@pytest.mark.parametrize("name", ["kws", "vww", "ic", "ad"])
def test_benchmark_models(shared_models: Path, shared_data: Path, tmp_path: Path, name: str) -> None:
    data = np.load(shared_data / f"{name}_calib.npz")["x"][:24]
    np.savez(tmp_path / "calibration.npz", x=data)
    model = shared_models / f"{name}_float.onnx"
    expected = built(tmp_path / "here" / "out", model, tmp_path / "calibration.npz", {}, "{}")
    found = built(tmp_path / "old" / "out", model, tmp_path / "calibration.npz", OLDER["nehalem"], "{}")
    assert [file for file in expected if found.get(file) != expected[file]] == []
