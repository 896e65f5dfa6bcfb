"""ONNX's own test cases, quantized and built: programs of many cases give what the simulator says, bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest
from node_programs import Batch, batches, verified

SIZE = 40
ON_THIS_MACHINE, ON_CORTEX_M4 = 300, 100
"""Cases, at least."""


@pytest.fixture(scope="module")
def models() -> list[Batch]:
    found: list[Batch] = []
    for batch in batches(SIZE):
        if sum(b.count for b in found) >= ON_THIS_MACHINE:
            break
        found.append(batch)
    return found


@pytest.mark.slow
def test_on_this_machine(models: list[Batch], tmp_path: Path) -> None:
    assert sum(batch.count for batch in models) >= ON_THIS_MACHINE
    assert verified(models, "host", tmp_path / "out") == {batch.name: 0 for batch in models}


@pytest.mark.slow
@pytest.mark.qemu
def test_on_cortex_m4(models: list[Batch], tmp_path: Path) -> None:
    chosen = models[: -(-ON_CORTEX_M4 // SIZE)]
    assert sum(batch.count for batch in chosen) >= ON_CORTEX_M4
    assert verified(chosen, "cortex-m4", tmp_path / "out") == {batch.name: 0 for batch in chosen}
