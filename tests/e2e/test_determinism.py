"""The same input, target and version give the same bytes: in another folder, with another hash seed, another day."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import DIGITS, contents
from fuzz_seeds import seeds

BY_PRODUCTS = {"build"}
"""What CMake keeps for itself holds absolute paths; of it, the programs and the library are compared."""


def _build(where: Path, seed: str, model: Path, *arguments: str | Path) -> dict[str, str]:
    """Digests of what a process with this hash seed made in a folder."""
    where.mkdir(parents=True)
    code = "from edgeq.cli.main import entry; entry()"
    command = [sys.executable, "-c", code, "build", str(model), *map(str, arguments), "--output", "made"]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    subprocess.run(command, cwd=where, env=environment, check=True, capture_output=True)
    found = contents(where / "made")
    products = {f"build/{n}" for n in (p.name for p in (where / "made").glob("build/*")) if n.endswith((".elf", ".a"))}
    products |= {
        f"build/{p.name}" for p in (where / "made" / "build").glob("*") if p.is_file() and os.access(p, os.X_OK)
    }
    return {name: d for name, d in found.items() if name.split("/")[0] not in BY_PRODUCTS or name in products}


def _network(folder: Path) -> tuple[Path, Path]:
    """A model with branches, and calibration data."""
    import numpy as np

    seed = next(s for s in seeds() if s.name == "onnx_float")
    (folder / "network.onnx").write_bytes(seed.data)
    np.savez(folder / "x.npz", x=np.random.default_rng(1).uniform(-1, 1, (4, 3, 8, 8)).astype(np.float32))
    return folder / "network.onnx", folder / "x.npz"


@pytest.mark.slow
@pytest.mark.parametrize("target", ["host", pytest.param("cortex-m4", marks=pytest.mark.qemu)])
def test_digits(target: str, tmp_path: Path) -> None:
    first, second = (
        _build(tmp_path / place, seed, DIGITS, "--target", target) for place, seed in (("a", "1"), ("b/c d", "4242"))
    )
    assert first == second
    assert any(name.startswith("build/digits") for name in first), "the program itself is compared too"


def test_branches(tmp_path: Path) -> None:
    model, data = _network(tmp_path)
    options = ("--calibration", data, "--target", "cortex-m4", "--no-compile")
    first = _build(tmp_path / "a", "0", model, *options)
    second = _build(tmp_path / "elsewhere" / "b", "99", model, *options)
    assert first == second
    assert {"manifest.json", "graph.txt", "CMakeLists.txt", "src/network.c"} <= first.keys()


def test_no_trace_of_the_place(tmp_path: Path) -> None:
    """Neither dates nor absolute paths are in what is generated."""
    model, data = _network(tmp_path)
    _build(tmp_path / "somewhere_special", "0", model, "--calibration", data, "--target", "host", "--no-compile")
    for path in (tmp_path / "somewhere_special" / "made").rglob("*"):
        if path.is_file():
            assert b"somewhere_special" not in path.read_bytes(), path
