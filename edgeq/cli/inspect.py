"""`edgeq inspect`: what is in a model or a build folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeq import api
from edgeq.cli._common import JsonFlag, ShapesOption, print_json, results, size, table
from edgeq.cli._options import given_shapes


def command(
    path: Annotated[Path, typer.Argument(metavar="MODEL|DIR", help="A model, or a build folder.", show_default=False)],
    input_shape: ShapesOption = None,
    json: JsonFlag = False,
) -> None:
    """Show inputs, outputs and layers of a model, or the figures of a build folder."""
    found = api.inspect(path, given_shapes(input_shape))
    if json:
        print_json(found)
        return
    results.print(f"{found['name']}: {found['macs']:,} MACs, weights {size(found['weights_bytes'])}", markup=False)
    for kind in ("inputs", "outputs"):
        for port in found[kind]:
            q = f", scale {port['scale']:.6g}, zero point {port['zero_point']}" if port.get("scale") else ""
            results.print(f"  {kind[:-1]} {port['name']}: {port['dtype']} {tuple(port['shape'])}{q}", markup=False)
    if "flash_bytes" in found and found["flash_bytes"] is not None:
        results.print(
            f"  arena {size(found['arena_bytes'])}, RAM {size(found['ram_bytes'])}, flash {size(found['flash_bytes'])}"
        )
    rows = [
        [e["name"], e["op"], e.get("kernel", ""), "x".join(map(str, e["output_shape"])), e["macs"], e["weights_bytes"]]
        for e in found["layers"]
    ]
    table("layer", "operator", "kernel", "output", "MACs", "weights B", rows=rows)
