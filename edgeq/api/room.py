"""What a model takes of boards' memory."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgeq.api.building import build
from edgeq.api.data import random_data, real_ranges
from edgeq.api.flow import Advance, QuantizedModel, loaded, quantize
from edgeq.api.project import BuildOptions
from edgeq.target import Region, Target, target_text
from edgeq.warnings import EdgeqWarning

_ROOM = {"flash": Region(0x00000000, 0x10000000), "ram": Region(0x20000000, 0x10000000)}
"""Memory that everything fits, to measure what a program takes of it."""
_RANDOM_SAMPLES = 4


def taken_by_core(
    boards: Sequence[Target], options: BuildOptions, step: Callable[[str], None], progress: Advance | None
) -> dict[str, dict[str, int]]:
    """Bytes of flash, RAM and stack that a model takes on the boards with each core.

    Raises:
        EdgeqError: as `build`.
    """
    with warnings.catch_warnings():  # they are about what `build` does with the model, which says them, too
        warnings.simplefilter("ignore", EdgeqWarning)
        model = _quantized(options, step, progress)
        taken = {}
        for cpu in dict.fromkeys(board.cpu for board in boards):
            step(f"compiling for {cpu}")
            alike = [board for board in boards if board.cpu == cpu]
            taken[cpu] = _taken(options, next((b for b in alike if b.console == "uart"), alike[0]), model)
    return taken


def _quantized(options: BuildOptions, step: Callable[[str], None], progress: Advance | None) -> QuantizedModel:
    step(f"reading {options.model_path.name}")
    graph = loaded(options)
    samples = options.calibration
    if samples is None and any(graph.type(name).q is None for name in graph.public_inputs):
        samples = random_data(graph, real_ranges(graph), _RANDOM_SAMPLES).inputs
    step("quantizing")
    return quantize(graph, samples, options.quantize, options.numerics, options.input, progress, key=options.key)


def _taken(options: BuildOptions, board: Target, model: QuantizedModel) -> dict[str, int]:
    """Bytes that the program takes on boards with the core of this one."""
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        file = Path(folder) / f"{board.name}.toml"
        file.write_text(target_text(replace(board, memory=_ROOM, vectors=None, place={})), encoding="utf-8")
        own = replace(options, target=str(file), output=Path(folder) / "build", flash=None, ram=None, strict=False)
        manifest = build(own, model=model)
    return {
        "flash": manifest["flash_bytes"] + manifest["memory"]["platform"],
        "ram": manifest["ram_bytes"] + manifest["memory"]["platform_ram"] - board.stack_bytes,
        "stack": manifest["stack_bytes"],
    }


def fit(board: Target, taken: dict[str, int]) -> dict[str, Any]:
    """How much that is of a board's memory, and whether it fits."""
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
