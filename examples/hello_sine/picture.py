"""Draw what the network makes of every angle, in float32 and in 8 bits.

python picture.py     writes picture.svg beside this file
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import edgeq

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from pictures import Picture  # noqa: E402


def main() -> None:
    """Quantize, compute, draw."""
    angles = np.linspace(0, 2 * np.pi, 360, dtype=np.float32)[:, None]
    (found,) = edgeq.quantize(HERE / "hello_sine.onnx", HERE / "calibration.npz").predict(angles).values()
    picture = Picture(520, 260)
    picture.lines(20, 20, 480, 200, [np.sin(angles).ravel(), found.ravel()], -1.1, 1.1)
    picture.text(20, 244, "The sine, and what the network of 321 weights makes of it in 8 bits.", 12)
    picture.save(HERE / "picture.svg")


if __name__ == "__main__":
    main()
