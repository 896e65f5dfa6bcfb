"""Benchmark models in less memory than they need without stripes: bit-exact, for few more multiplications."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgeq import api
from edgeq.api.project import BuildOptions

BUDGETS = {"vww": 31_000, "ic": 28_000}
"""Bytes of the arena on Cortex-M4; without stripes it takes 39,264 and 34,592."""

pytestmark = [pytest.mark.shared, pytest.mark.slow]


def _verified(name: str, models: Path, data: Path, folder: Path, target: str, **more: Any) -> dict[str, Any]:
    options = BuildOptions(
        model=models / f"{name}_float.onnx",
        target=target,
        calibration=data / f"{name}_calib.npz",
        output=folder,
        ram_budget=BUDGETS[name],
        **more,
    )
    made = api.build(options)
    assert made["arena_bytes"] <= BUDGETS[name]
    assert 0 < made["streaming"]["extra_macs_percent"] <= 3
    assert api.verify(folder, data / f"{name}_eval.npz", samples=4)["mismatches"] == 0
    return made


@pytest.mark.parametrize("name", BUDGETS)
def test_on_the_host(name: str, shared_models: Path, shared_data: Path, tmp_path: Path) -> None:
    _verified(name, shared_models, shared_data, tmp_path / "out", "host", simulate="cortex-m4", sanitize=True)


@pytest.mark.qemu
@pytest.mark.parametrize("name", BUDGETS)
def test_in_the_emulator(name: str, shared_models: Path, shared_data: Path, tmp_path: Path) -> None:
    made = _verified(name, shared_models, shared_data, tmp_path / "out", "cortex-m4")
    found = api.profile(tmp_path / "out")
    assert [layer["name"] for layer in found["layers"]] == [layer["name"] for layer in made["layers"]]
    assert any(" [1/" in layer["name"] for layer in found["layers"])
