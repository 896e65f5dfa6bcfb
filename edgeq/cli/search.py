"""`edgeq search`: how each layer is quantized best."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from edgeq import api
from edgeq.api.paths import check_sources
from edgeq.api.project import FILE
from edgeq.cli._common import JsonFlag, Number, print_json, progress, remark, results, table
from edgeq.cli._options import Arguments, ModelArguments, read_models, takes_options
from edgeq.errors import UsageError
from edgeq.options import Origin
from edgeq.options.kind import BYTES
from edgeq.search.asked import Asked
from edgeq.target import load_target


@takes_options("search")
def command(
    models: ModelArguments,
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
    targets: Annotated[
        str | None,
        typer.Option("--targets", metavar="T,T,…", help="In place of --target several: a folder for each."),
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            "--data",
            metavar="X.npz",
            help="Samples for both, once for each model; default: the calibration samples.",
        ),
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
    """Find how each layer is quantized best.

    Measures what fewer bits do to the output, layer by layer, and what they save; decides for all layers at once, and
    verifies. DIR/edgeq.toml builds the result.
    """
    several = [
        replace(options, target=target)
        for options in read_models(models, arguments)
        for target in ([options.target] if targets is None else [t.strip() for t in targets.split(",")])
    ]
    if data and len(data) != len(models):
        raise UsageError(f"--data is given {len(data)} times for {len(models)} models", hint="give it once for each")
    samples = [one for one in data or () for _ in range(len(several) // len(models))]
    for options in several:
        check_sources(options)
        load_target(options.target)
    sizes = [BYTES.from_text(text, Origin("--budgets")) for text in budgets.split(",")] if budgets else []
    asked = Asked(max_drop, min_sqnr, tuple(tried or ()), tuple(sizes), latency, mean_bits, rounds, trials)
    with progress("measuring", quiet=json) as advance:
        if len(several) > 1:
            together = api.search_all(several, output, asked, samples, jobs, scheduler, remark, advance)
        else:
            found = api.search(
                several[0],
                output,
                data=samples[0] if samples else None,
                **vars(asked),
                jobs=jobs,
                scheduler=scheduler,
                step=remark,
                progress=advance,
            )
            together = {"searches": [found]}
    if json:
        print_json(together if len(several) > 1 else found)
        return
    for one, options in zip(together["searches"], several, strict=True):
        if len(several) > 1:
            results.print(f"{options.model_name} for {one['target']}")
        _print(one)
    where = output / (FILE if len(several) == 1 else f"…/{FILE}")
    results.print(f"wrote {where}", soft_wrap=True)


def _print(found: dict[str, Any]) -> None:
    rows = [_row(trial, found) for trial in found["front"]]
    table("setting", "optimize", "bits", "SQNR dB", "drop", "flash B", "RAM B", "instructions", "", rows=rows)
    chosen = found["chosen"]
    if chosen is None:
        results.print("nothing that was verified keeps to the limits")
        return
    narrow = {name: bits for name, bits in chosen["bits"].items() if bits != 8}
    results.print(f"chosen: {chosen['mean_bits']:.2f} bits a weight; {len(narrow)} layers have fewer than 8")


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
