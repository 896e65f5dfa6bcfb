"""One library for several instruction sets: what it takes depends on the processor, and its results do not."""

from __future__ import annotations

import platform
import re
import subprocess
from pathlib import Path

import needs
import numpy as np
import pytest
from command_line import DIGITS, fails, succeeds

from edgeq.errors import UsageError
from edgeq.target import isa_names, load_target, native_features, with_isa

ASK = """
#include "digits.h"
#include <stdio.h>
int main(void)
{
    const char *isa = digits_isa();
    puts(isa ? isa : "-");
}
"""


def results(folder: Path, work: Path, *emulator: str) -> bytes | None:
    """What the folder's program makes of digits; None if it says that it cannot."""
    samples = np.load(DIGITS / "test.npz")["x"][:40]
    quantized = np.clip(np.rint(samples / 16 * 255 - 128), -128, 127)
    (work / "input").write_bytes(quantized.astype(np.int8).tobytes())
    command = [*emulator, str(folder / "build" / "digits"), "run", "input", "output"]
    ended = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=300)
    if ended.returncode:
        assert "the model reported an error" in ended.stderr, ended.stderr
        return None
    return (work / "output").read_bytes()


def chosen(folder: Path, work: Path, compiler: str, *emulator: str, static: bool = False) -> str:
    """The instruction set that the folder's library takes."""
    (work / "ask.c").write_text(ASK)
    library = [str(work / "ask.c"), f"-I{folder / 'include'}", str(folder / "build" / "libdigits.a")]
    needed = ["-pthread", *(["-static"] if static else [])]
    subprocess.run([compiler, *library, *needed, "-o", str(work / "ask")], check=True)
    return subprocess.run([*emulator, str(work / "ask")], check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() != "x86_64", reason=f"{needs.OPTIONAL}only on x86")
def test_x86(tmp_path: Path) -> None:
    needs.programs("gcc", "qemu-x86_64")
    folder, names = tmp_path / "out", "avx512-vnni,avx2"
    made = succeeds("build", DIGITS, "--target", "host", "--isa", names, "--threads", "2", "--output", folder, "--json")
    assert [one["name"] for one in made.json["isa"]] == ["avx2", "avx512-vnni"]
    assert all(one["constant_bytes"] > 1000 for one in made.json["isa"])
    kernels = next(layer["kernels"] for layer in made.json["layers"] if layer["op"] == "Conv2D")
    assert kernels == {"avx2": "eq_conv2d_avx2_nearest", "avx512-vnni": "eq_conv2d_avx512_vnni_nearest"}
    assert succeeds("verify", folder, "--samples", "30", "--json").json["mismatches"] == 0
    best = [name for name in ("avx2", "avx512-vnni") if name in native_features()]
    assert chosen(folder, tmp_path, "gcc") == (best[-1] if best else "-")
    haswell = ("qemu-x86_64", "-cpu", "Haswell")
    assert chosen(folder, tmp_path, "gcc", *haswell) == "avx2"
    assert results(folder, tmp_path, *haswell) == results(folder, tmp_path) or not best
    nehalem = ("qemu-x86_64", "-cpu", "Nehalem")
    assert chosen(folder, tmp_path, "gcc", *nehalem) == "-" and results(folder, tmp_path, *nehalem) is None


@pytest.mark.slow
def test_arm(tmp_path: Path) -> None:
    """A53 has no dot products; and the same library in Python's way, as a shared one."""
    needs.programs("aarch64-linux-gnu-gcc", "qemu-aarch64")
    folder = tmp_path / "out"
    options = ("--target", "linux-aarch64", "--isa", "neon,dotprod", "--toolchain", "gcc", "--output", folder, "--json")
    made = succeeds("build", DIGITS, *options).json
    kernels = next(layer["kernels"] for layer in made["layers"] if layer["op"] == "Conv2D")
    assert kernels == {"neon": "eq_conv2d_neon_fast", "dotprod": "eq_conv2d_dotprod_fast"}
    found = []
    for cpu, name in (("cortex-a53", "neon"), ("max", "dotprod")):
        emulator = ("qemu-aarch64", "-cpu", cpu)
        assert chosen(folder, tmp_path, "aarch64-linux-gnu-gcc", *emulator, static=True) == name
        found.append(results(folder, tmp_path, *emulator))
    assert found[0] is not None and found[0] == found[1]
    assert succeeds("verify", folder, "--samples", "5", "--json").json["mismatches"] == 0


def test_what_can_be_asked_for(tmp_path: Path) -> None:
    assert isa_names("avx512-vnni, x86-64,avx2") == ("x86-64", "avx2", "avx512-vnni")
    assert isa_names("avx2") == isa_names(None) == ()
    both = with_isa(load_target("host"), "avx-vnni,avx512-vnni")
    assert both.isa == {"avx2"} and both.flags == load_target("host").flags
    with pytest.raises(UsageError, match="'avx2' is there twice"):
        isa_names("avx2,avx2")
    out = ("--output", tmp_path / "out")
    fails(2, "build", DIGITS, "--target", "rpi4", "--isa", "neon,dotprod", *out, says=("host and linux-aarch64",))
    fails(2, "build", DIGITS, "--target", "host", "--isa", "avx2,neon", *out, says=("unknown instruction set 'neon'",))
    whole = succeeds("build", DIGITS, "--target", "host", "--isa", "x86-64,avx2", "--no-compile", *out)
    assert re.search(r"kernels +x86-64 \([\d,]+ B of constants\), avx2 \([\d,]+ B", whole.out)
    text = (tmp_path / "out" / "CMakeLists.txt").read_text()
    assert 'SOURCE kernels/x86/conv2d_avx2.c APPEND_STRING PROPERTY COMPILE_FLAGS " -mavx2 -mfma"' in text
    assert "SOURCE kernels/ref/" not in text
