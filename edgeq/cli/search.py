"""`edgeq search`: how each layer is quantized best."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edgeq import api
from edgeq.api.paths import check_sources
from edgeq.cli._common import JsonFlag, Number, print_json, progress, remark, results, table
from edgeq.cli._options import Arguments, ModelArgument, read_options, takes_options
from edgeq.options import Origin
from edgeq.options.kind import BYTES


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
    latency: Annotated[
        float | None,
        typer.Option(
            "--latency", metavar="MS", help="Milliseconds of an inference, as `edgeq profile` estimates them."
        ),
    ] = None,
    mean_bits: Annotated[
        float | None, typer.Option("--mean-bits", metavar="N", help="Bits that a weight may have on average.")
    ] = None,
    budgets: Annotated[
        str | None,
        typer.Option("--budgets", metavar="N,N,…", help="Bytes of flash, such as 16K,20K: the best for each of them."),
    ] = None,
    tried: Annotated[
        list[str] | None,
        typer.Option(
            "--try",
            metavar="OPTION=V,V",
            help="Values of an option to try, or all; repeatable. Default: weight-bits=8,4,3,2, "
            "optimize=balanced,size, observer=all.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="X.npz", help="Samples for both; default: the calibration samples."),
    ] = None,
    rounds: Annotated[
        int, typer.Option("--rounds", metavar="N", help="Times that a choice is improved by measuring around it.")
    ] = 1,
    trials: Annotated[
        int, typer.Option("--trials", metavar="N", help="Combinations of methods that Optuna tries.")
    ] = 0,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", metavar="N", help="Processes that measure; 0: one for each core.")
    ] = 0,
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", metavar="ADDRESS", help="Dask scheduler, such as tcp://host:8786, or local."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Find how each layer is quantized best: bits, observers, other methods.

    Measures what fewer bits do to the output, layer by layer, and what they save; decides for all layers at once, and
    verifies. DIR/edgeq.toml builds the result.
    """
    options = read_options(model, arguments)
    check_sources(options)
    sizes = [BYTES.from_text(text, Origin("--budgets")) for text in budgets.split(",")] if budgets else []
    with progress("measuring", quiet=json) as advance:
        found = api.search(
            options,
            output,
            max_drop,
            min_sqnr,
            data,
            tried or (),
            sizes,
            latency,
            mean_bits,
            rounds,
            trials,
            jobs,
            scheduler,
            step=remark,
            progress=advance,
        )
    if json:
        print_json(found)
        return
    rows = [_row(trial, found) for trial in found["front"]]
    table("setting", "optimize", "bits", "SQNR dB", "drop", "flash B", "RAM B", "instructions", "", rows=rows)
    chosen = found["chosen"]
    if chosen is not None:
        narrow = {name: bits for name, bits in chosen["bits"].items() if bits != 8}
        results.print(f"chosen: {chosen['mean_bits']:.2f} bits a weight; {len(narrow)} layers have fewer than 8")
    results.print(f"wrote {output / 'edgeq.toml'}", soft_wrap=True)


def _row(trial: dict[str, Any], found: dict[str, Any]) -> list[Any]:
    number = {key: "" if trial[key] is None else trial[key] for key in ("flash_bytes", "ram_bytes", "instructions")}
    marks = ["chosen"] if trial == found["chosen"] else []
    marks += [f"flash {budget['flash']}" for budget in found["budgets"] if trial == budget["chosen"]]
    return [
        trial["label"],
        trial["optimize"],
        Number(f"{trial['mean_bits']:.2f}"),
        Number("" if trial["sqnr_db"] is None else f"{trial['sqnr_db']:.1f}"),
        Number("" if trial["drop"] is None else f"{trial['drop']:+.2f}"),
        *number.values(),
        ", ".join(marks),
    ]
