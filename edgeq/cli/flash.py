"""`edgeq flash`: a program into a board."""

from __future__ import annotations

from typing import Annotated

import typer

from edgeq import api
from edgeq.api.paths import built_models
from edgeq.cli._common import FolderArgument, JsonFlag, ModelOption, print_json, remark, results


def command(
    folder: FolderArgument,
    board: Annotated[
        str | None,
        typer.Option("--board", metavar="BOARD", help="The board; default: what the folder was built for."),
    ] = None,
    runner: Annotated[
        str | None,
        typer.Option(
            "--runner",
            metavar="R",
            help="pyocd, openocd, probe-rs, jlink, stm32cubeprogrammer, uf2, picotool, dfu-util, bossac or gdb; "
            "default: the first in the board's file that is installed.",
        ),
    ] = None,
    port: Annotated[
        str | None,
        typer.Option("--port", metavar="PORT", help="A serial port (bossac), or HOST:PORT of a gdb server (gdb)."),
    ] = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="The program that times its layers, for edgeq profile.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
    model: ModelOption = None,
    json: JsonFlag = False,
) -> None:
    """Write a program into a board.

    What was written is read back and compared where the runner can, and then started.
    """
    built_models(folder, model)
    done = api.flash(folder, board, runner, port, profile, dry_run, model, remark)
    if json:
        print_json(done)
        return
    if dry_run:
        for step in done["steps"]:
            results.print(step, soft_wrap=True)
        return
    compared = ", read back and compared" if done["verified"] else "; this runner does not read back"
    results.print(f"{done['bytes']:,} B flashed into {done['board']} by {done['runner']}{compared}")
    remark(f"next: edgeq {'profile' if profile else 'verify'} {folder} --port PORT")
