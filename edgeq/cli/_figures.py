"""The figures of a build folder in words, for `edgeq build` and `edgeq inspect`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from edgeq.cli._common import Fact, size
from edgeq.target import Target


def figures(manifest: Mapping[str, Any], target: Target) -> list[Fact]:
    """What a program takes of memory, how accurate it is, and what compiled it."""
    rows: list[Fact] = [
        ("MACs", f"{manifest['macs']:,}", ""),
        ("weights", manifest["weights_bytes"], _elsewhere(manifest)),
        ("arena", manifest["arena_bytes"], _stripes(manifest.get("streaming"))),
    ]
    if manifest.get("states"):
        rows.append(("states", manifest["state_bytes"], ""))
    if manifest.get("flash_bytes") is not None:
        rows += [
            ("flash", manifest["flash_bytes"], share(manifest, "flash", target)),
            ("RAM", manifest["ram_bytes"], share(manifest, "RAM", target)),
            ("stack", manifest["stack_bytes"], ""),
        ]
    if manifest.get("accuracy"):
        rows.append(("accuracy", _accuracy(manifest["accuracy"]), ""))
    if manifest.get("toolchain"):
        rows.append(("compiler", manifest["toolchain"], ""))
    return rows


def _accuracy(measured: Mapping[str, Any]) -> str:
    sqnr, agreement, count = (measured[key] for key in ("sqnr_db", "agreement", "samples"))
    texts = ["no error" if sqnr is None else f"SQNR {sqnr:.1f} dB"]
    if agreement is not None:
        texts.append(f"agreement with float {agreement:.4g} %")
    return f"{', '.join(texts)}, on {count} calibration sample{'s' if count > 1 else ''}"


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
    elsewhere = manifest["memory"]["weights"] if apart else 0
    note = f"of which {size(elsewhere)} elsewhere; " if elsewhere else ""
    chip = (manifest.get("chip") or {}).get(kind.lower())
    if chip is not None:
        used += (manifest["stack_bytes"] or 0) if kind == "RAM" else -elsewhere
        return f"{note}{'with stack ' if kind == 'RAM' else ''}{100 * used / chip:.1f} % of {size(chip)}"
    region = target.memory.get(kind.lower())
    if region is None or target.emulated:
        return note.removesuffix("; ")
    platform = manifest["memory"]["platform" if kind == "flash" else "platform_ram"]
    share = 100 * (used + platform - elsewhere) / region.size
    return f"{note}with {size(platform)} of the platform {share:.1f} % of {size(region.size)}"


def next_command(folder: Path, manifest: Mapping[str, Any]) -> str:
    """What to type after a build."""
    if manifest.get("toolchain"):
        return f"edgeq verify {quote(str(folder))} --data SAMPLES.npz"
    build = quote(str(folder / "build"))
    return f"cmake -S {quote(str(folder))} -B {build} && cmake --build {build}"
