"""`edgeq profile`: what each layer costs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from edgeq import api
from edgeq.cli._common import FolderArgument, JsonFlag, print_json, results, table


def command(
    folder: FolderArgument,
    clock: Annotated[
        float | None,
        typer.Option("--clock", metavar="MHZ", help="Clock that the time is estimated at; default: the target's."),
    ] = None,
    cpi: Annotated[
        float | None,
        typer.Option("--cpi", metavar="N", help="Cycles per instruction that it assumes; default: the target's."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Measure what each layer costs.

    Instructions in the emulator, cycles on a board, wall time on the host. Of instructions and cycles the time is
    estimated.
    """
    found = api.profile(folder, clock, cpi)
    if json:
        print_json(found)
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    unit, total = found["unit"], found["total"] or 1
    ms = found["estimate_ms"] if found["clock_mhz"] else None
    rows = [
        [
            layer["name"],
            layer["op"],
            layer["macs"],
            layer["value"],
            "" if layer["per_mac"] is None else layer["per_mac"],
            layer["share"],
            *([] if ms is None else [ms * layer["value"] / total]),
        ]
        for layer in found["layers"]
    ]
    columns = ["layer", "operator", "MACs", unit, f"{unit}/MAC", "share %", *([] if ms is None else ["ms"])]
    table(*columns, rows=rows)
    results.print(f"total {found['total']:,} {unit}{_estimate(found)}")
    if found["stack_used_bytes"] is not None:
        results.print(f"stack {found['stack_used_bytes']:,} B used")


def _estimate(found: dict[str, Any]) -> str:
    """The time, and what was assumed for it."""
    clock, cpi, ms = found["clock_mhz"], found["cpi"], found["estimate_ms"]
    if clock is None or ms is None:
        return ""
    if cpi is None:
        return f", {ms:.3g} ms at {clock:g} MHz"
    return f", about {ms:.3g} ms at {clock:g} MHz and an assumed {cpi:g} cycles per instruction"
