"""`edgeq search`: how many bits the weights of each layer need."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edgeq import api
from edgeq.api.paths import check_sources
from edgeq.cli._common import JsonFlag, Number, print_json, progress, remark, results, table
from edgeq.cli._options import Arguments, ModelArgument, read_options, takes_options


@takes_options("search")
def command(
    model: ModelArgument,
    arguments: Arguments,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DIR", help="Folder for edgeq.toml, search.json and search.svg."),
    ] = Path("search"),
    max_drop: Annotated[
        float | None, typer.Option("--max-drop", metavar="P", help="Points of top-1 that may be lost.")
    ] = None,
    min_sqnr: Annotated[
        float | None, typer.Option("--min-sqnr", metavar="S", help="SQNR of the output, in dB, to keep.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="X.npz", help="Samples for both; default: the calibration samples."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Find how many bits the weights of each layer need.

    Measures what fewer bits do to the output, layer by layer, and what they save; decides for all layers at once, and
    verifies. DIR/edgeq.toml builds the result.
    """
    options = read_options(model, arguments)
    check_sources(options)
    with progress("measuring layers", quiet=json) as advance:
        found = api.search(options, output, max_drop, min_sqnr, data, step=remark, progress=advance)
    if json:
        print_json(found)
        return
    rows = [_row(trial, found["chosen"]) for trial in found["front"]]
    table("setting", "optimize", "bits", "SQNR dB", "drop", "flash B", "RAM B", "instructions", "", rows=rows)
    chosen = found["chosen"]
    if chosen is not None:
        narrow = {name: bits for name, bits in chosen["bits"].items() if bits != 8}
        results.print(f"chosen: {chosen['mean_bits']:.2f} bits a weight; {len(narrow)} layers have fewer than 8")
    results.print(f"wrote {output / 'edgeq.toml'}", soft_wrap=True)


def _row(trial: dict[str, Any], chosen: dict[str, Any] | None) -> list[Any]:
    number = {key: "" if trial[key] is None else trial[key] for key in ("flash_bytes", "ram_bytes", "instructions")}
    return [
        trial["label"],
        trial["optimize"],
        Number(f"{trial['mean_bits']:.2f}"),
        Number("" if trial["sqnr_db"] is None else f"{trial['sqnr_db']:.1f}"),
        Number("" if trial["drop"] is None else f"{trial['drop']:+.2f}"),
        *number.values(),
        "chosen" if chosen is not None and trial == chosen else "",
    ]
