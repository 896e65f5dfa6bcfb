"""Layers and functions that TensorFlow's converter wrote, against what LiteRT's reference resolver gave.

The vectors are made by litert/check_operators.py and litert/make_converted.py; neither TensorFlow nor LiteRT is needed
here.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from edgeq.importers.tflite import import_bytes
from edgeq.simulator import FloatExecutor
from edgeq.warnings import collecting

HERE = Path(__file__).parent / "litert"
sys.path.append(str(HERE))

from check_operators import compared  # noqa: E402
from conversions import CONVERSIONS, INTEGERS  # noqa: E402


def cases(conversion: str) -> dict[str, dict[str, np.ndarray]]:
    """The arrays of every case."""
    found: dict[str, dict[str, np.ndarray]] = {}
    with np.load(HERE / "converted" / f"{conversion}.npz") as file:
        for key in file:
            name, array = key.split("/")
            found.setdefault(name, {})[array] = file[key]
    return found


@pytest.mark.parametrize("conversion", CONVERSIONS)
def test_equals_litert(conversion: str) -> None:
    kinds = {name: compared(conversion, arrays) for name, arrays in cases(conversion).items()}
    wrong = {name: said for name, said in kinds.items() if said[0] not in ("equal", "close")}
    assert wrong == {}
    close = [name for name, (kind, _) in kinds.items() if kind == "close"]
    assert kinds and (conversion not in INTEGERS or len(close) < len(kinds) // 10)


def test_loops_with_stored_weights() -> None:
    """Recurrent layers, as loops, whose weights are floats of 16 bits or integers of 8."""
    for name, arrays in cases("loops").items():
        graph = import_bytes(arrays["model"].tobytes(), name)
        assert {node.op.kind for node in graph.nodes} & {"Lstm", "Gru"}
        executor = FloatExecutor(graph)
        for x, y in zip(arrays["x00"], arrays["y00"], strict=True):
            found = executor.run({graph.inputs[0]: x})[graph.outputs[0]]
            np.testing.assert_allclose(found, y, atol=1e-2 if "dynamic" in name else 1e-5)


def test_what_becomes_of_weights_of_dynamic_range() -> None:
    arrays = cases("dynamic")["large_conv2d"]
    with collecting() as warnings:
        import_bytes(arrays["model"].tobytes(), "net")
    assert ["1 layer has weights of few bits" in str(warning) for warning in warnings] == [True]


def test_vectors_are_small() -> None:
    assert sum(file.stat().st_size for file in (HERE / "converted").glob("*.npz")) < 1_500_000
