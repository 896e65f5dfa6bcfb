"""`edgeq profile`: what each layer costs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from edgeq import api
from edgeq.api.paths import built_models
from edgeq.cli._common import (
    AmpsOption,
    BaudOption,
    BoardOption,
    FolderArgument,
    HostOption,
    JsonFlag,
    ModelOption,
    PortOption,
    SshOption,
    VoltsOption,
    print_json,
    remark,
    results,
    table,
)
from edgeq.codegen.manifest import emulator_note, model_folder


def command(
    folder: FolderArgument,
    model: ModelOption = None,
    clock: Annotated[
        float | None,
        typer.Option("--clock", metavar="MHZ", help="Clock that the time is estimated at; default: the target's."),
    ] = None,
    cpi: Annotated[
        float | None,
        typer.Option("--cpi", metavar="N", help="Cycles per instruction that it assumes; default: the target's."),
    ] = None,
    volts: VoltsOption = None,
    amps: AmpsOption = None,
    port: PortOption = None,
    board: BoardOption = None,
    baud: BaudOption = None,
    host: HostOption = None,
    ssh_options: SshOption = None,
    steps: Annotated[
        int, typer.Option("--steps", metavar="N", min=1, help="For a model with states: mean, min and max of N steps.")
    ] = 1,
    json: JsonFlag = False,
) -> None:
    """Measure what each layer costs.

    Instructions in the emulator, cycles on a board, wall time on the host. Of instructions and cycles the time is
    estimated.
    """
    names = built_models(folder, model)
    found: dict[str | None, dict[str, Any]] = {}
    for name in names:
        remark(emulator_note(model_folder(folder, name)))
        found[name] = api.profile(folder, clock, cpi, name, port, board, baud, volts, amps, host, ssh_options, steps)
        if not json:
            if len(names) > 1:
                results.print(name, style="bold")
            _show(found[name])
    if json:
        print_json({"models": found} if len(names) > 1 else found[names[0]])


_REPEATED = {
    "min_us": "min µs",
    "median_us": "median µs",
    "p95_us": "p95 µs",
    "cycles": "cycles",
    "min": "min",
    "max": "max",
}
"""Columns about an inference that was repeated, or about several steps."""


def _show(costs: dict[str, Any]) -> None:
    unit, total = costs["unit"], costs["total"] or 1
    ms = costs["estimate_ms"] if costs["clock_mhz"] else None
    first = costs["layers"][0] if costs["layers"] else {}
    more = {key: heading for key, heading in _REPEATED.items() if first.get(key) is not None}
    rows = [
        [
            layer["name"],
            layer["op"],
            layer["macs"],
            layer["value"],
            "" if layer["per_mac"] is None else layer["per_mac"],
            layer["share"],
            *([] if ms is None else [ms * layer["value"] / total]),
            *(layer[key] for key in more),
        ]
        for layer in costs["layers"]
    ]
    columns = ["layer", "operator", "MACs", unit, f"{unit}/MAC", "share %", *([] if ms is None else ["ms"])]
    columns += more.values()
    table(*columns, rows=rows)
    results.print(f"total {costs['total']:,} {unit}{_estimate(costs)}")
    if costs["energy_uj"] is not None:
        results.print(f"energy {costs['energy_uj']:,.3g} µJ an inference")
    if costs["stack_used_bytes"] is not None:
        results.print(f"stack {costs['stack_used_bytes']:,} B used")


def _estimate(costs: dict[str, Any]) -> str:
    """The time, and what was assumed for it."""
    clock, cpi, ms = costs["clock_mhz"], costs["cpi"], costs["estimate_ms"]
    if clock is None or ms is None:
        return ""
    if cpi is None:
        return f", {ms:.3g} ms at {clock:g} MHz"
    return f", about {ms:.3g} ms at {clock:g} MHz and an assumed {cpi:g} cycles per instruction"
