"""Layers and functions that TensorFlow's converter wrote, against what LiteRT's reference resolver gave.

The vectors are made by litert/check_operators.py and litert/make_converted.py; neither TensorFlow nor LiteRT is needed
here.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

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


def test_vectors_are_small() -> None:
    assert sum(file.stat().st_size for file in (HERE / "converted").glob("*.npz")) < 1_500_000
