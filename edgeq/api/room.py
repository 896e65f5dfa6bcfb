"""What a model takes of boards' memory."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgeq.api.building import build
from edgeq.api.data import random_data, real_ranges
from edgeq.api.flow import Advance, QuantizedModel, loaded, quantize
from edgeq.api.project import BuildOptions
from edgeq.codegen.places import STACK_GUARD, places_of
from edgeq.errors import CapacityError
from edgeq.target import Region, Target, target_text
from edgeq.warnings import EdgeqWarning

_ROOM = {"flash": Region(0x00000000, 0x10000000), "ram": Region(0x20000000, 0x10000000)}
"""Memory that everything fits, to measure what a program takes of it."""
_RANDOM_SAMPLES = 4


def fitted(
    boards: Sequence[Target], options: BuildOptions, step: Callable[[str], None], progress: Advance | None
) -> list[dict[str, Any]]:
    """How much of each board's memory a model takes, and whether it fits; linked once for every core.

    Raises:
        EdgeqError: as `build`.
    """
    options = replace(options, flash=None, ram=None, strict=False, place={})  # one chip's, and these are many
    with warnings.catch_warnings():  # they are about what `build` does with the model, which says them, too
        warnings.simplefilter("ignore", EdgeqWarning)
        model = _quantized(options, step, progress)
        taken = {}
        for cpu in dict.fromkeys(board.cpu for board in boards):
            step(f"compiling for {cpu}")
            alike = [board for board in boards if board.cpu == cpu]
            taken[cpu] = _taken(options, next((b for b in alike if b.console == "uart"), alike[0]), model)
        return [_fit(board, options, taken[board.cpu], model) for board in boards]


def _fit(board: Target, options: BuildOptions, taken: dict[str, int], model: QuantizedModel) -> dict[str, Any]:
    """For a board that names regions for parts of a program, where these come to lie."""
    if not board.place:
        return fit(board, taken)
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        own = replace(options, target=board.name, output=Path(folder) / "build", compile=False)
        try:
            return fit(board, taken, build(own, model=model)["regions"])
        except CapacityError as error:
            return fit(board, taken) | {"fits": False, "why": error.message}


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
        own = replace(options, target=str(file), output=Path(folder) / "build")
        manifest = build(own, model=model)
    return {
        "flash": manifest["flash_bytes"] + manifest["memory"]["platform"],
        "ram": manifest["ram_bytes"] + manifest["memory"]["platform_ram"] - board.stack_bytes,
        "stack": manifest["stack_bytes"],
        "arena": manifest["arena_bytes"],
        "kernels": manifest["memory"]["kernels"],
    }


def fit(
    board: Target, taken: Mapping[str, int], regions: Mapping[str, Mapping[str, int]] | None = None
) -> dict[str, Any]:
    """How much that is of a board's memory, and whether it fits.

    Args:
        board: its memory, and where the stack lies in it.
        taken: bytes that a program takes of "flash", "ram" without the stack, and of the stack in an inference; with
            regions also "arena" and "kernels".
        regions: the bytes of "arena" and "weights" in each region, where not all of them lie in "ram" and "flash".
    """
    takes = _by_region(board, taken, regions or {})
    missing = [
        f"{needed - board.memory[name].size:,} bytes of {_WORDS.get(name, name)} too little"
        for name, needed in takes.items()
        if needed > board.memory[name].size
    ]
    if taken["stack"] > board.stack_bytes:
        missing.append(f"an inference takes {taken['stack']:,} bytes of stack, and {board.stack_bytes:,} are set aside")
    percents = {name: round(100 * needed / board.memory[name].size, 1) for name, needed in takes.items()}
    rams = [name for name in takes if not board.programmed(name)]
    return {
        "flash_bytes": takes["flash"],
        "ram_bytes": sum(takes[name] for name in rams),
        "stack_bytes": taken["stack"],
        "flash_percent": percents["flash"],
        "ram_percent": max(percents[name] for name in rams),
        "regions": {name: {"bytes": needed, "percent": percents[name]} for name, needed in takes.items()},
        "fits": not missing,
        "why": "; ".join(missing),
    }


_WORDS = {"ram": "RAM"}
"""Regions that are called otherwise in sentences."""


def _by_region(board: Target, taken: Mapping[str, int], regions: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """The bytes that a program takes of each region of which it takes any."""
    if not regions:
        return {"flash": taken["flash"], "ram": taken["ram"] + board.stack_bytes}
    places = places_of(board, {})
    takes = dict.fromkeys(board.memory, 0)
    takes["flash"] = taken["flash"]
    takes["ram"] = taken["ram"] - taken["arena"] - STACK_GUARD
    takes[places.stack] += board.stack_bytes + STACK_GUARD
    for name, parts in regions.items():
        takes[name] += parts["arena"]
        if name != "flash":
            takes[name] += parts["weights"]
            if board.programmed(name):  # and are not copied there from flash
                takes["flash"] -= parts["weights"]
    if places.code != "flash":
        takes[places.code] += taken["kernels"]
    return {name: bytes for name, bytes in takes.items() if bytes or name in ("flash", "ram")}
