"""The boards that edgeq knows, and which of them a model fits."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgeq.api.building import build
from edgeq.api.data import random_data, real_ranges
from edgeq.api.flow import Advance, QuantizedModel, load, quantize
from edgeq.api.paths import check_sources
from edgeq.api.project import BuildOptions
from edgeq.target import Region, Target, list_boards, target_text
from edgeq.warnings import EdgeqWarning

_ROOM = {"flash": Region(0x00000000, 0x10000000), "ram": Region(0x20000000, 0x10000000)}
"""Memory that everything fits, to measure what a program takes of it."""
_RANDOM_SAMPLES = 4


def boards(
    options: BuildOptions | None = None,
    step: Callable[[str], None] = lambda text: None,
    progress: Advance | None = None,
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
        ram_percent, stack_bytes (of an inference), fits, and why, in words, where it does not.

    Raises:
        EdgeqError: as `build`.
    """
    every = list_boards()
    if options is None:
        return [_described(board) for board in every]
    check_sources(options)
    with warnings.catch_warnings():  # they are about what `build` does with the model, which says them, too
        warnings.simplefilter("ignore", EdgeqWarning)
        model = _quantized(options, step, progress)
        taken = {}
        for cpu in dict.fromkeys(board.cpu for board in every):
            step(f"compiling for {cpu}")
            alike = [board for board in every if board.cpu == cpu]
            taken[cpu] = _taken(options, next((b for b in alike if b.console == "uart"), alike[0]), model)
    return [_described(board) | _fit(board, taken[board.cpu]) for board in every]


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


def _quantized(options: BuildOptions, step: Callable[[str], None], progress: Advance | None) -> QuantizedModel:
    step(f"reading {options.model_path.name}")
    graph = load(options.model_path, options.input_shapes, options.inputs, options.outputs)
    samples = options.calibration
    if samples is None and any(graph.type(name).q is None for name in graph.public_inputs):
        samples = random_data(graph, real_ranges(graph), _RANDOM_SAMPLES).inputs
    step("quantizing")
    return quantize(graph, samples, options.quantize, options.numerics, options.input, progress, key=options.key)


def _taken(options: BuildOptions, board: Target, model: QuantizedModel) -> dict[str, int]:
    """Bytes that the program takes on boards with the core of this one."""
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        file = Path(folder) / f"{board.name}.toml"
        file.write_text(target_text(replace(board, memory=_ROOM, vectors=None)), encoding="utf-8")
        own = replace(options, target=str(file), output=Path(folder) / "build", flash=None, ram=None, strict=False)
        manifest = build(own, model=model)
    return {
        "flash": manifest["flash_bytes"] + manifest["memory"]["platform"],
        "ram": manifest["ram_bytes"] + manifest["memory"]["platform_ram"] - board.stack_bytes,
        "stack": manifest["stack_bytes"],
    }


def _fit(board: Target, taken: dict[str, int]) -> dict[str, Any]:
    flash, ram = taken["flash"], taken["ram"] + board.stack_bytes
    sizes = {name: board.memory[name].size for name in ("flash", "ram")}
    missing = [
        f"{needed - sizes[name]:,} bytes of {word} too little"
        for name, needed, word in (("flash", flash, "flash"), ("ram", ram, "RAM"))
        if needed > sizes[name]
    ]
    if taken["stack"] > board.stack_bytes:
        missing.append(f"an inference takes {taken['stack']:,} bytes of stack, and {board.stack_bytes:,} are set aside")
    return {
        "flash_bytes": flash,
        "ram_bytes": ram,
        "stack_bytes": taken["stack"],
        "flash_percent": round(100 * flash / sizes["flash"], 1),
        "ram_percent": round(100 * ram / sizes["ram"], 1),
        "fits": not missing,
        "why": "; ".join(missing),
    }
