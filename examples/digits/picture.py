"""Draw picture.svg: digits of the test, and what they are."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from pictures import Picture  # noqa: E402

SHOWN = 10


def main() -> None:
    """Draw."""
    data = np.load(HERE / "test.npz")
    picture = Picture(760, 110)
    for k, (image, label) in enumerate(zip(data["x"][:SHOWN, 0], data["y"], strict=False)):
        picture.map(20 + 73 * k, 14, 64, 64, image.astype(float), "#222")
        picture.text(52 + 73 * k, 98, str(label), anchor="middle")
    picture.save(HERE / "picture.svg")


if __name__ == "__main__":
    main()
