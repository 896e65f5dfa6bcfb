"""The benchmark on computers: figures, which files it measures, and that peers can be told less of the processor."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import needs
import numpy as np
import onnx
import pytest
from command_line import DIGITS

import edgeq
from benchmarks import host, networks, peers, threads
from benchmarks.host import Times, engines, interleaved, ours, summary, table
from edgeq.errors import UsageError
from edgeq.target import load_target, native_features


def test_summary() -> None:
    assert summary([4.0, 1.0, 2.0, 3.0, 5.0]) == Times(1.0, 2.0, 3.0, 4.0)
    assert summary([7.0]) == Times(7.0, 7.0, 7.0, 7.0)


def test_engines_that_have_a_file(tmp_path: Path) -> None:
    for name in ("net_float.onnx", "net_qdq_int8.onnx"):
        (tmp_path / name).touch()
    found = engines(tmp_path, "net")
    assert {engine: path.name for engine, (path, _) in found.items()} == {
        "onnxruntime int8": "net_qdq_int8.onnx",
        "onnxruntime float": "net_float.onnx",
    }
    assert ours(tmp_path, "net").name == "net_qdq_int8.onnx"
    with pytest.raises(UsageError, match="no such model"):
        ours(tmp_path, "other")


def test_ratios() -> None:
    rows = table("net", {host.OURS: Times(1.0, 2.0, 3.0, 4.0), "peer": Times(4.0, 5.0, 6.0, 7.0)})
    assert rows[0] == ["net", "edgeq", "3.0", "2.0 to 4.0", "1.0", "", ""]
    assert rows[1] == ["net", "peer", "6.0", "5.0 to 7.0", "4.0", "0.50", "0.25"]


def test_turns_interleave() -> None:
    order: list[str] = []
    inferences = {name: lambda name=name: order.append(name) for name in ("a", "b")}
    found = interleaved(inferences, 3)
    changes = [name for i, name in enumerate(order) if i == 0 or order[i - 1] != name]
    assert changes == ["a", "b"] * 4  # the first time to find out how often
    assert all(times.least > 0 for times in found.values())


@pytest.mark.slow
def test_compiled_model(tmp_path: Path) -> None:
    needs.compiler(load_target("host"), "gcc")
    options = edgeq.BuildOptions(DIGITS / "digits.onnx", "host", DIGITS / "calibration.npz", output=tmp_path / "out")
    edgeq.build(options)
    assert summary([host.turn(peers.compiled(tmp_path / "out"), 2)]).least > 0
    assert 0 < threads.least(tmp_path / "out", 2) <= threads.least(tmp_path / "out", 1) * 100
    assert all(time > 0 for time in threads.medians([threads._inference(tmp_path / "out")] * 2, 3))


PROGRAM = """
import ctypes, pathlib, sys
from benchmarks.peers import hide_newer_instructions
from edgeq.errors import ToolError
asked = ctypes.CDLL(sys.argv[1]).asked
before = asked()
try:
    hide_newer_instructions()
except ToolError:
    raise SystemExit(77)
print(before, asked())
"""
ASKS = """
int asked(void)
{
    unsigned a = 7, b, c = 0, d;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return (int)((b >> 16 & 1) << 1 | (b >> 5 & 1));
}
"""


def test_hidden_instructions(tmp_path: Path) -> None:
    """In a process of its own, since it holds until its end: AVX-512 is gone, AVX2 is there."""
    if "avx512-vnni" not in native_features():
        pytest.skip(f"{needs.OPTIONAL}this machine has no avx512-vnni")
    needs.compiler(load_target("host"), "gcc")
    (tmp_path / "asks.c").write_text(ASKS)
    subprocess.run(["gcc", "-shared", "-fPIC", tmp_path / "asks.c", "-o", tmp_path / "asks.so"], check=True, timeout=60)
    words = [sys.executable, "-c", PROGRAM, str(tmp_path / "asks.so")]
    finished = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    if finished.returncode == 77:
        pytest.skip(f"{needs.OPTIONAL}this system cannot let CPUID fault")
    assert finished.stdout == "3 1\n", finished.stderr


def test_random_inputs_fill_their_type() -> None:
    found = peers._random((1000,), np.dtype(np.int8))
    assert found.dtype == np.int8
    assert found.min() < -120
    assert found.max() > 120


@pytest.mark.slow
def test_networks(tmp_path: Path) -> None:
    """ResNet-18 as onnxruntime quantizes it: as many layers as its name says, and a file that edgeq measures."""
    model, quantized = networks.write("resnet18", tmp_path, 32)
    kinds = [node.op_type for node in onnx.load(model).graph.node]
    assert kinds.count("Conv") + kinds.count("Gemm") == 18 + 3  # and three shortcuts
    assert ours(tmp_path, "resnet18") == quantized
    assert set(engines(tmp_path, "resnet18")) == {"onnxruntime int8", "onnxruntime float"}
