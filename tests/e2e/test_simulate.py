"""A microcontroller's kernels in a host program."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq import api
from edgeq.api.project import load_project
from edgeq.errors import UsageError

DIGITS = Path(__file__).resolve().parent.parent.parent / "examples" / "digits"


@pytest.mark.slow
def test_simulated_cortex_m4(tmp_path: Path) -> None:
    """The same kernels as on the core itself, and the simulator's bits, under sanitizers."""
    options = load_project(DIGITS)
    on_host = options.override(
        target="host", simulate="cortex-m4", toolchain="gcc", sanitize=True, output=tmp_path / "a"
    )
    on_core = options.override(target="cortex-m4", compile=False, output=tmp_path / "b")
    made, native = api.build(on_host), api.build(on_core)
    assert (made["target"], made["simulate"], native["simulate"]) == ("host", "cortex-m4", None)
    kernels = [layer["kernel"] for layer in made["layers"]]
    assert kernels == [layer["kernel"] for layer in native["layers"]]
    assert any("_dsp_" in kernel for kernel in kernels)
    assert api.verify(on_host.folder, samples=3)["mismatches"] == 0


def test_only_the_host_simulates(tmp_path: Path) -> None:
    options = load_project(DIGITS).override(target="cortex-m7", simulate="cortex-m4", output=tmp_path / "a")
    with pytest.raises(UsageError, match="--simulate is for --target host"):
        api.build(options)
