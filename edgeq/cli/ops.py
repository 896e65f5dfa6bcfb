"""`edgeq ops`: the operators, from the registry."""

from __future__ import annotations

from dataclasses import fields

from edgeq.cli._common import JsonFlag, print_json, table
from edgeq.ir.op import registry
from edgeq.kernels import rows


def command(json: JsonFlag = False) -> None:
    """List the operators, their attributes and kernels."""
    operators = [
        {
            "name": kind,
            "description": (op.__doc__ or "").strip().splitlines()[0],
            "attributes": [f.name for f in fields(op)],
            "kernels": list(dict.fromkeys(k.function for k in rows(op))),
        }
        for kind, op in registry().items()
    ]
    if json:
        print_json({"ops": operators})
        return
    table(
        "operator",
        "attributes",
        "kernels",
        rows=[[r["name"], " ".join(r["attributes"]), " ".join(r["kernels"]) or "(no code)"] for r in operators],
    )
