"""Write samples.h, images of examples/digits, and picture.svg beside this file."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from pictures import COLOURS, Picture  # noqa: E402

COUNT = 100


def main() -> None:
    """Write both."""
    digits = HERE.parent / "digits"
    data = np.load(digits / "test.npz")
    rows = ",\n".join("    {" + ", ".join(map(str, image.ravel())) + "}" for image in data["x"][:COUNT])
    (HERE / "samples.h").write_text(
        f"/* Images of examples/digits/test.npz, and what they are: by samples.py. */\n"
        f"enum {{ SAMPLES = {COUNT} }};\nstatic const uint8_t samples[SAMPLES][64] = {{\n{rows},\n}};\n"
        f"static const uint8_t labels[SAMPLES] = {{\n    {', '.join(map(str, data['y'][:COUNT]))},\n}};\n",
        encoding="utf-8",
    )
    picture = Picture(760, 150)
    for row, name in enumerate(("gestures, urgent", "digits, patient")):
        picture.text(20, 44 + 44 * row, name)
        picture.parts.append(f'<path d="M150 {50 + 44 * row}h590" stroke="#bbb"/>')
    for k in range(5):  # from tick to tick: a sample, at some ticks a whole run, the rest is the other task's
        start, length = 150 + 118 * k, 40 if k in (1, 4) else 6
        picture.parts.append(f'<rect x="{start}" y="28" width="{length}" height="22" fill="{COLOURS[1]}"/>')
        picture.parts.append(
            f'<rect x="{start + length}" y="72" width="{118 - length}" height="22" fill="{COLOURS[0]}"/>'
        )
    picture.text(
        20,
        130,
        "Every tick the urgent task takes a sample, at some it runs its network, in the middle of the other's.",
        12,
    )
    picture.save(HERE / "picture.svg")


if __name__ == "__main__":
    main()
