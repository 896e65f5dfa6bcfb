"""`edgeq profile`: what each layer costs."""

from __future__ import annotations

from edgeq import api
from edgeq.cli._common import FolderArgument, JsonFlag, print_json, results, table


def command(folder: FolderArgument, json: JsonFlag = False) -> None:
    """Measure what each layer costs.

    Instructions in the emulator, wall time on the host.
    """
    found = api.profile(folder)
    if json:
        print_json(found)
        return
    total = found["total"] or 1
    rows = [
        [
            layer["name"],
            layer["op"],
            layer["macs"],
            layer["value"],
            layer["value"] / layer["macs"] if layer["macs"] else "",
            100.0 * layer["value"] / total,
        ]
        for layer in found["layers"]
    ]
    unit = found["unit"]
    table("layer", "operator", "MACs", unit, f"{unit}/MAC", "share %", rows=rows)
    results.print(f"total {found['total']:,} {unit}")
    if found["stack_used_bytes"] is not None:
        results.print(f"stack {found['stack_used_bytes']:,} B used")
