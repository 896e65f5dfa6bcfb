"""Programs for this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def command(program: Path, words: Sequence[str]) -> list[str]:
    """The command that runs `program` with arguments."""
    return [str(program), *words]
