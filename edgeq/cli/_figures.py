"""The figures of a build folder in words, for `edgeq build` and `edgeq inspect`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from shlex import quote
from typing import Any

from edgeq.api.reach import needs_device
from edgeq.cli._common import Fact, size, table
from edgeq.codegen.manifest import read_target
from edgeq.numerics.modes import FLOAT
from edgeq.report.words import error_texts
from edgeq.target import Target


def figures(manifest: Mapping[str, Any], target: Target) -> list[Fact]:
    """What a program takes of memory, how accurate it is, and what compiled it."""
    rows: list[Fact] = [
        ("MACs", f"{manifest['macs']:,}", _of_window(manifest)),
        ("weights", manifest["weights_bytes"], _elsewhere(manifest)),
        ("arena", manifest["arena_bytes"], _arena(manifest)),
    ]
    if manifest.get("isa"):
        rows.append(("kernels", _variants(manifest["isa"]), "chosen when it is loaded"))
    if manifest.get("stream"):
        rows.append(("stream", _steps(manifest["stream"]), ""))
    rows += [("float32", _island(layers), "") for layers in _islands(manifest)]
    if manifest.get("state_bytes"):
        rows.append(("states", manifest["state_bytes"], _phases(manifest.get("stream"))))
    if manifest.get("flash_bytes") is not None:
        rows += [
            ("flash", manifest["flash_bytes"], share(manifest, "flash", target)),
            ("RAM", manifest["ram_bytes"], share(manifest, "RAM", target)),
            ("stack", manifest["stack_bytes"], ""),
        ]
    rows += regions(manifest, target)
    if manifest.get("accuracy"):
        rows.append(("accuracy", _accuracy(manifest["accuracy"]), ""))
    if manifest.get("toolchain"):
        rows.append(("compiler", manifest["toolchain"], ""))
    return rows


def _variants(sets: Sequence[Mapping[str, Any]]) -> str:
    """The instruction sets of a program that has several, and what each makes of the weights."""
    return ", ".join(f"{one['name']} ({one['constant_bytes']:,} B of constants)" for one in sets)


def _of_window(manifest: Mapping[str, Any]) -> str:
    """What a step of a stream is compared with its window."""
    stream = manifest.get("stream")
    if not stream:
        return ""
    longer = " (with padding)" if stream["padding"] == "stream" else ""
    share = 100 * manifest["macs"] / stream["window_macs"] if stream["window_macs"] else 100
    return f"each step, {share:.1f} % of the window's{longer}"


def _steps(stream: Mapping[str, Any]) -> str:
    """How a stream goes on."""
    rows = f"{stream['rows']} of {stream['window']} rows of dimension {stream['axis']} each step"
    return f"{rows}, outputs from step {stream['warm_up']} on"


def _phases(stream: Mapping[str, Any] | None) -> str:
    """What strides cost that a step is no multiple of."""
    if not stream or stream["phases"] < 2:
        return ""
    one = stream["rows"] * stream["phases"]
    return f"of {stream['phases']} phases in turn, as layers have strides; --stream-step {one} needs one"


def _islands(manifest: Mapping[str, Any]) -> list[list[Mapping[str, Any]]]:
    """Layers in float32 that follow one another, where others are quantized."""
    found: list[list[Mapping[str, Any]]] = []
    for model in manifest.get("models") or [manifest]:
        runs = groupby(model.get("layers", ()), lambda layer: bool(layer["float"]))
        if model.get("numerics") != FLOAT:
            found += [list(layers) for is_float, layers in runs if is_float]
    return found


def _island(layers: Sequence[Mapping[str, Any]]) -> str:
    names = ", ".join(f"{layer['name']} ({layer['op']})" for layer in layers)
    macs, weights = (sum(layer[key] for layer in layers) for key in ("macs", "weights_bytes"))
    return f"{names}: {macs:,} MACs, {weights:,} B of weights"


def models_table(manifest: Mapping[str, Any]) -> None:
    """What each of several models takes, on stdout."""
    keys = ("macs", "weights_bytes", "arena_bytes", "state_bytes", "flash_bytes", "stack_bytes")
    rows = [
        [
            entry["name"],
            *("" if entry[key] is None else entry[key] for key in keys),
            error_texts(entry["accuracy"])[0] if entry["accuracy"] else "",
        ]
        for entry in manifest["models"]
    ]
    columns = ("model", "MACs", "weights B", "arena B", "states B", "flash B", "stack B", "accuracy")
    kept = [k for k in range(len(columns)) if columns[k] != "states B" or any(row[k] for row in rows)]
    kept = [k for k in kept if any(row[k] != "" for row in rows)]
    table(*(columns[k] for k in kept), rows=[[row[k] for k in kept] for row in rows])


def _accuracy(measured: Mapping[str, Any]) -> str:
    count = measured["samples"]
    return f"{', '.join(error_texts(measured))}, on {count} calibration sample{'s' if count > 1 else ''}"


def _arena(manifest: Mapping[str, Any]) -> str:
    """What is to be said of the arena."""
    several = [entry["arena_bytes"] for entry in manifest.get("models", ())]
    if several:
        return f"of the largest, in which they take turns; {size(sum(several))} where they run at the same time"
    arenas = manifest.get("arenas") or []
    apart = len(arenas) > 1 or any(arena["region"] != "ram" for arena in arenas)
    notes = [", ".join(f"{arena['bytes']:,} in {arena['region']}" for arena in arenas) if apart else ""]
    return "; ".join(note for note in [*notes, _stripes(manifest.get("streaming"))] if note)


def regions(manifest: Mapping[str, Any], target: Target) -> list[Fact]:
    """What a model takes of each region of memory, if it takes of more than flash and RAM."""
    rows: list[Fact] = []
    used = {name: parts for name, parts in (manifest.get("regions") or {}).items() if any(parts.values())}
    for name, parts in used.items() if set(used) - {"flash", "ram"} else ():
        listed = ", ".join(f"{kind} {bytes:,}" for kind, bytes in parts.items() if bytes)
        share = "" if target.emulated else f", {100 * sum(parts.values()) / target.memory[name].size:.1f} %"
        rows.append((f"in {name}", sum(parts.values()), f"{listed}; of {size(target.memory[name].size)}{share}"))
    return rows


def _elsewhere(manifest: Mapping[str, Any]) -> str:
    """Where the weights are, if not in the program."""
    if manifest.get("weights_file") is None:
        return ""
    emulated = manifest.get("weights_emulated_address")
    there = "" if emulated is None else f" ({emulated:#x} in the emulator)"
    return f"in {manifest['weights_file']} for address {manifest['weights_address']:#x}{there}"


def _stripes(streaming: Mapping[str, Any] | None) -> str:
    """How layers are computed in stripes, if they are."""
    if not streaming:
        return ""
    layers, percent = streaming["layers"], streaming["extra_macs_percent"]
    layers_text = f"{layers[0]} to {layers[-1]}" if len(layers) > 1 else layers[0]
    return f"{streaming['stripes']} stripes of {layers_text}: {streaming['extra_macs']:,} MACs more ({percent} %)"


def share(manifest: Mapping[str, Any], kind: str, target: Target) -> str:
    """How much of the chip's "flash" or "RAM" the model takes.

    The chip is the one that `--flash` and `--ram` say, or the target with its startup, console and stack. Nothing is
    said of an emulator's memory.
    """
    used = manifest[f"{kind.lower()}_bytes"]
    apart = kind == "flash" and manifest.get("weights_region", "flash") != "flash"
    elsewhere = manifest["memory"]["weights"] if apart else _in_other_regions(manifest, kind, target)
    note = f"of which {size(elsewhere)} elsewhere; " if elsewhere else ""
    chip = (manifest.get("chip") or {}).get(kind.lower())
    if chip is not None:
        used += (manifest["stack_bytes"] or 0) if kind == "RAM" else -elsewhere
        note = "" if kind == "RAM" else note
        return f"{note}{'with stack ' if kind == 'RAM' else ''}{100 * used / chip:.1f} % of {size(chip)}"
    region = target.memory.get(kind.lower())
    if region is None or target.emulated:
        return note.removesuffix("; ")
    platform = manifest["memory"]["platform" if kind == "flash" else "platform_ram"]
    copied = _copied(manifest) if kind == "RAM" else 0
    note += f"with {size(copied)} of weights and code, " if copied else ""
    share = 100 * (used + platform + copied - elsewhere) / region.size
    return f"{note}with {size(platform)} of the platform {share:.1f} % of {size(region.size)}"


def _copied(manifest: Mapping[str, Any]) -> int:
    """Bytes of weights and code that start-up copies into RAM."""
    parts = (manifest.get("regions") or {}).get("ram", {})
    return int(parts.get("weights", 0)) + int(parts.get("code", 0))


def _in_other_regions(manifest: Mapping[str, Any], kind: str, target: Target) -> int:
    """Bytes of a model's weights that are not programmed into flash, or of its arenas that are not in RAM."""
    regions = manifest.get("regions") or {}
    if kind == "RAM":
        return sum(parts["arena"] for name, parts in regions.items() if name != "ram")
    return sum(parts["weights"] for name, parts in regions.items() if name != "flash" and target.programmed(name))


def next_command(folder: Path, manifest: Mapping[str, Any]) -> str:
    """What to type after a build."""
    if manifest.get("emit", "firmware") != "firmware":
        return f"see {quote(str(folder / 'README.md'))}"
    if manifest.get("toolchain"):
        target = read_target(folder)
        if needs_device(target) and target.flashers:
            return f"edgeq flash {quote(str(folder))}"
        data = [f"--data {entry['name'].upper()}.npz" for entry in manifest.get("models", ())]
        return f"edgeq verify {quote(str(folder))} {' '.join(data) or '--data SAMPLES.npz'}"
    build = quote(str(folder / "build"))
    return f"cmake -S {quote(str(folder))} -B {build} && cmake --build {build}"
