"""The kinds of projects that a program can be written as."""

from __future__ import annotations

from typing import Literal

Emit = Literal["firmware", "python"]
EMITS: dict[Emit, str] = {
    "firmware": "a build folder",
    "python": "a package with a wheel, for computers",
}
"""What `edgeq build` can write, with a note on each."""
FIRMWARE: Emit = "firmware"
"""What it writes unless told otherwise."""
