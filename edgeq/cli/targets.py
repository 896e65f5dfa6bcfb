"""`edgeq targets`: what can be built for."""

from __future__ import annotations

from edgeq.cli._common import JsonFlag, print_json, table
from edgeq.target import list_targets


def command(json: JsonFlag = False) -> None:
    """List the targets."""
    targets = list_targets()
    if json:
        print_json(
            {
                "targets": [
                    {"name": t.name, "description": t.description, "family": t.family, "isa": sorted(t.isa)}
                    for t in targets
                ]
            }
        )
        return
    table(
        "target",
        "family",
        "features",
        "description",
        rows=[[t.name, t.family, " ".join(sorted(t.isa)), t.description] for t in targets],
    )
