"""The host's own vectors: which are taken, and what may be asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import DIGITS, fails, succeeds

from edgeq.errors import UsageError
from edgeq.target import load_target, native_features, with_isa

TEST = DIGITS / "test.npz"


@pytest.mark.parametrize("isa", ["x86-64", "avx2", "avx-vnni", "avx512-vnni"])
def test_the_same_bits(isa: str, tmp_path: Path) -> None:
    """On a processor without the instructions the folder is generated, and not run."""
    here = isa == "x86-64" or isa in native_features()
    options = ("--target", "host", "--isa", isa, "--output", tmp_path / "out", *([] if here else ["--no-compile"]))
    made = succeeds("build", DIGITS, *options, "--json").json
    kernels = {layer["kernel"] for layer in made["layers"] if layer["op"] == "Conv2D"}
    expected = "ref_fast" if isa == "x86-64" else f"{isa.replace('-', '_')}_nearest"
    assert kernels == {f"eq_conv2d_{expected}"}
    if here:
        found = succeeds("verify", tmp_path / "out", "--data", TEST, "--json").json
        assert (found["samples"], found["mismatches"]) == (500, 0)
        assert succeeds("profile", tmp_path / "out", "--json").json["total"] > 0


def test_the_machines_best_by_default(tmp_path: Path) -> None:
    target = with_isa(load_target("host"), None)
    assert target.isa == native_features()
    succeeds("build", DIGITS, "--target", "host", "--no-compile", "--output", tmp_path / "out")
    text = (tmp_path / "out" / "target.toml").read_text()
    assert all(f'"{feature}"' in text for feature in native_features())


def test_flags_follow_the_features() -> None:
    target = with_isa(load_target("host"), "avx-vnni")
    assert target.isa == {"avx2", "avx-vnni"}
    assert target.flags["gcc"] == ("-mavx2", "-mfma", "-mavxvnni")
    assert with_isa(load_target("host"), "x86-64") == load_target("host")
    assert with_isa(load_target("cortex-m4"), None) == load_target("cortex-m4")
    with pytest.raises(UsageError, match="--isa is for --target host and linux-aarch64, not cortex-m4"):
        with_isa(load_target("cortex-m4"), "avx2")


def test_wrong_names(tmp_path: Path) -> None:
    out = ("--target", "host", "--output", tmp_path / "out")
    fails(2, "build", DIGITS, "--isa", "avx3", *out, says=("unknown instruction set 'avx3'", "did you mean avx2"))
    both = ("--isa", "avx2", "--simulate", "cortex-m4")
    fails(2, "build", DIGITS, *both, *out, says=("--simulate", "leave one of them out"), folder=tmp_path)
