"""`edgeq verify`: is the generated code right, and is it accurate?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edgeq import api
from edgeq.api.paths import built_models, check_samples
from edgeq.cli._common import (
    BaudOption,
    BoardOption,
    FolderArgument,
    HostOption,
    JsonFlag,
    KeyOption,
    ModelOption,
    PortOption,
    SshOption,
    print_json,
    progress,
    remark,
    results,
)
from edgeq.codegen.manifest import emulator_note, model_folder
from edgeq.errors import UsageError


def command(
    folder: FolderArgument,
    model: ModelOption = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            "--data",
            metavar="X.npz",
            help="Samples x and labels y; by default random ones. For several models once for each, in their order.",
        ),
    ] = None,
    samples: Annotated[
        int | None, typer.Option("--samples", metavar="N", min=1, help="Use only the first N samples.")
    ] = None,
    key: KeyOption = None,
    min_sqnr: Annotated[
        float | None, typer.Option("--min-sqnr", metavar="DB", help="Fail if the SQNR against float is lower.")
    ] = None,
    max_drop: Annotated[
        float | None,
        typer.Option("--max-drop", metavar="POINTS", help="Fail if top-1 falls by more than this from float to int8."),
    ] = None,
    min_agreement: Annotated[
        float | None,
        typer.Option("--min-agreement", metavar="PERCENT", help="Fail if float and int8 choose one class less often."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Make warnings errors.")] = False,
    port: PortOption = None,
    board: BoardOption = None,
    baud: BaudOption = None,
    host: HostOption = None,
    ssh_options: SshOption = None,
    json: JsonFlag = False,
) -> None:
    """Compare a program with the simulator.

    Bit for bit with the integer simulator, and both with the float model; on the host, in the emulator, on a device
    (--port, --board), or on another computer (--host). The exit code is 1 if a bit differs, or if a
    figure misses a limit that was given.
    """
    names = built_models(folder, model)
    sources = _data_of_each(data or [], names)
    limits: dict[str, Any] = {"min_sqnr": min_sqnr, "max_drop": max_drop, "min_agreement": min_agreement}
    found: dict[str | None, dict[str, Any]] = {}
    for name, source in zip(names, sources, strict=True):
        remark(emulator_note(model_folder(folder, name)))
        with progress(f"verifying {name}" if len(names) > 1 else "verifying", quiet=json) as advance:
            where: dict[str, Any] = {"model": name, "port": port, "board": board, "baud": baud}
            where |= {"host": host, "ssh_options": ssh_options}
            found[name] = api.verify(folder, source, samples, advance, key, **limits, strict=strict, **where)
        if not json:
            if len(names) > 1:
                results.print(name, style="bold")
            _show(found[name])
    if json:
        print_json({"models": found} if len(names) > 1 else found[names[0]])
    if any(result["mismatches"] or not all(gate["met"] for gate in result["gates"]) for result in found.values()):
        raise typer.Exit(1)


def _data_of_each(data: list[Path], names: tuple[str | None, ...]) -> list[Path | None]:
    """The data of every model.

    Raises:
        UsageError: data for another number of models, or there is no such file.
    """
    if data and len(data) != len(names):
        hint = f"give it once for each of {', '.join(map(str, names))}, or choose one with --model"
        hint = hint if len(names) > 1 else "give it once"
        raise UsageError(f"--data is given {len(data)} times for {len(names)} model{'s' * (len(names) > 1)}", hint)
    for path in data:
        check_samples(path)
    return [*data] or [None] * len(names)


def _show(result: dict[str, Any]) -> None:
    exact = not result["mismatches"]
    kind = "random samples" if result["random_data"] else "samples"
    results.print("bit-exact" if exact else "MISMATCH", style="green" if exact else "red", end="")
    results.print(f": {result['mismatches']:,} of {result['samples']:,} {kind} differ from the simulator")
    rows = []
    if not exact:
        rows.append(("largest difference", f"{result['max_abs_diff']:,} steps"))
    if result["sqnr_db"] is not None:
        rows.append(("SQNR against float", f"{result['sqnr_db']:.1f} dB"))
    for key, label in (("top1_float", "top-1 float"), ("top1_int8", "top-1 program"), ("agreement", "agreement")):
        if result[key] is not None:
            rows.append((label, f"{result[key]:.2f} %"))
    if result["stack_used_bytes"] is not None:
        rows.append(("stack used", f"{result['stack_used_bytes']:,} B"))
    if result["arena_used_bytes"] is not None:
        rows.append(("arena used", f"{result['arena_used_bytes']:,} B"))
    for label, text in rows:
        results.print(f"  {label:<20}{text}")
    if result["random_data"]:
        results.print("  The samples are random: for the accuracy on real ones, give --data with samples and labels.")
    for gate in result["gates"]:
        _show_gate(gate)


_UNITS = {"min_sqnr": "dB", "max_drop": "points", "min_agreement": "%"}


def _show_gate(gate: dict[str, Any]) -> None:
    """One limit, and whether it was met."""
    value = "no error" if gate["value"] is None else f"{gate['value']:.2f} {_UNITS[gate['name']]}"
    flag, limit = f"--{gate['name'].replace('_', '-')}", f"{gate['limit']:g}"
    results.print("met" if gate["met"] else "MISSED", style="green" if gate["met"] else "red", end="")
    results.print(f": {flag} {limit}, measured {value}")
