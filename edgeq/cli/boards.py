"""`edgeq boards`: what can be built for, and which boards a model fits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edgeq import api
from edgeq.cli._common import JsonFlag, Number, print_json, progress, remark, results, table
from edgeq.cli._options import Arguments, read_options, takes_options
from edgeq.errors import UsageError


@takes_options("boards")
def command(
    arguments: Arguments,
    fits: Annotated[
        Path | None,
        typer.Option(
            "--fits", metavar="MODEL", help="Show which boards this model fits: a model, or a folder with edgeq.toml."
        ),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """List the boards, and which of them a model fits.

    How far each was proved: emulated (programs ran in an emulator of the board), simulated (on the chip's registers,
    simulated), or build-only.
    """
    if fits is None and arguments:
        raise UsageError("options of a model need the model", hint="add --fits MODEL")
    options = None if fits is None else read_options(fits, arguments)
    with progress("calibrating", quiet=json) as advance:
        rows = api.boards(options, step=remark, progress=advance)
    if json:
        print_json({"boards": rows})
        return
    _show(rows, fits is not None)


def _show(rows: list[dict[str, Any]], fitted: bool) -> None:
    columns = ["board", "chip", "core", "MHz", "flash KB", "RAM KB", "proved"]
    cells: list[list[Any]] = [
        [
            row["name"],
            row["chip"],
            row["cpu"],
            row["clock_hz"] // 1_000_000,
            row["memory"]["flash"]["size"] // 1024,
            row["memory"]["ram"]["size"] // 1024,
            row["proved"],
        ]
        for row in rows
    ]
    if fitted:
        columns += ["flash %", "RAM %", "fits"]
        for row, line in zip(rows, cells, strict=True):
            percents = [Number(f"{row[key]:.1f}") for key in ("flash_percent", "ram_percent")]
            line += [*percents, ("yes" if row["fits"] else f"no: {row['why']}") + _apart(row["regions"])]
    table(*columns, rows=cells)
    if not fitted:
        results.print("which of them a model fits: edgeq boards --fits MODEL", soft_wrap=True)


def _apart(regions: dict[str, dict[str, Any]]) -> str:
    """What is taken of each memory, if there are others than flash and RAM."""
    if regions.keys() <= {"flash", "ram"}:
        return ""
    shares = [f"{name} {taken['percent']} %" for name, taken in regions.items()]
    return f" ({', '.join(shares)})"
