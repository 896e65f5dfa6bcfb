"""`edgeq report`: builds side by side, in one file for people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeq import api
from edgeq.cli._common import AmpsOption, JsonFlag, KeyOption, VoltsOption, print_json, remark, results


def command(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Build folders.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Report to write: .html, .md or .json."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="X.npz", help="Samples, with labels y for accuracy and confusion; default: random."
        ),
    ] = None,
    samples: Annotated[
        int, typer.Option("--samples", metavar="N", min=1, help="Samples on which layers are looked at.")
    ] = 32,
    key: KeyOption = None,
    timed: Annotated[
        bool | None,
        typer.Option(
            "--time/--no-time",
            help="Measure what layers cost; default: where instructions are counted, in an emulator.",
            show_default=False,
        ),
    ] = None,
    volts: VoltsOption = None,
    amps: AmpsOption = None,
    json: JsonFlag = False,
) -> None:
    """Report on builds, one or several side by side.

    Accuracy, cost and memory, as a whole and layer by layer, in one file that needs nothing else.
    """
    if output is None and not json:
        output = Path("report.html")
    remark("looking at " + ", ".join(map(str, folders)))
    found = api.report(folders, output, data, samples, key, timed, volts, amps)
    if json:
        print_json(found)
    elif output is not None:
        results.print(f"wrote {output}", soft_wrap=True)
