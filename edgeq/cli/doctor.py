"""`edgeq doctor`: what this machine has."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from edgeq import api
from edgeq.cli._common import JsonFlag, print_json, results, table


def command(
    udev: Annotated[
        bool, typer.Option("--udev", help="Print rules for udev that give users the debug probes, and nothing else.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Show which tools this machine has.

    Compilers, emulators, optional packages, programs that flash, probes and serial ports and the right to use them:
    what each is needed for, and how to come by it.
    """
    if udev:
        sys.stdout.write(api.udev_rules())
        return
    tools = api.doctor()
    if json:
        print_json({"tools": tools})
        return
    table(
        "tool",
        "found",
        "for",
        rows=[[t["name"], t["found"] or "-", t["purpose"]] for t in tools],
    )
    missing = [t for t in tools if not t["found"]]
    for tool in missing:
        results.print(f"{tool['name']}: {tool['install']}")
