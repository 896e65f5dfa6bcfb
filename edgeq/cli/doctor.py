"""`edgeq doctor`: what this machine has."""

from __future__ import annotations

from edgeq import api
from edgeq.cli._common import JsonFlag, print_json, results, table


def command(json: JsonFlag = False) -> None:
    """Show which tools this machine has.

    Compilers, emulators and optional packages, what each is needed for, and how to install it.
    """
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
