"""The boards that edgeq knows, and which of them a model fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgeq.api.paths import check_sources
from edgeq.api.project import BuildOptions
from edgeq.target import Target, list_boards


def boards(
    options: BuildOptions | None = None,
    step: Callable[[str], None] = lambda text: None,
    progress: Callable[[int, int], None] | None = None,
) -> list[dict[str, Any]]:
    """All boards, and how much of their memory a model would take.

    A model is linked once for every kind of core, not for every board: what the boards' own start-up code and console
    take differs by a kilobyte or two.

    Args:
        options: the model, and how to build it; without samples to calibrate it with, random ones stand for them, which
            changes the size of the code at most. None asks for no model.
        step: called with a line of text as each step begins.
        progress: called with calibration samples done and in all.

    Returns:
        For each board name, description, chip, cpu, clock_hz, memory (region → origin, size), console, flashers,
        proved, sources; and with a model flash_bytes, ram_bytes (with start-up code and stack), flash_percent,
        ram_percent (of the fullest RAM), regions (region → bytes, percent), stack_bytes (of an inference), fits, and
        why, in words, where it does not. Parts of a program lie where the board's `[place]` has them.

    Raises:
        EdgeqError: as `build`.
    """
    every = list_boards()
    if options is None:
        return [_described(board) for board in every]
    check_sources(options)
    from edgeq.api.room import fitted  # here, so that a list of boards is there at once

    fits = fitted(every, options, step, progress)
    return [_described(board) | found for board, found in zip(every, fits, strict=True)]


def _described(board: Target) -> dict[str, Any]:
    return {
        "name": board.name,
        "description": board.description,
        "chip": board.chip,
        "cpu": board.cpu,
        "clock_hz": board.clock_hz,
        "memory": {name: {"origin": r.origin, "size": r.size} for name, r in board.memory.items()},
        "console": board.console or "semihosting",
        "flashers": [spec.kind for spec in board.flashers],
        "proved": board.proved,
        "sources": list(board.sources),
    }
