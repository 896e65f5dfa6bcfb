"""`edgeq quantize`: quantize a model, show the error of every layer, write a QDQ ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeq import api
from edgeq.api.paths import check_result, check_sources
from edgeq.cli._common import JsonFlag, Number, print_json, progress, results, table
from edgeq.cli._options import Arguments, ModelArgument, read_options, takes_options


@takes_options("quantize")
def command(
    model: ModelArgument,
    arguments: Arguments,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="M.onnx", help="QDQ ONNX file.")] = None,
    samples: Annotated[
        int, typer.Option("--samples", metavar="N", min=1, help="Samples for the per-layer error.")
    ] = 32,
    json: JsonFlag = False,
) -> None:
    """Quantize a model, write it as QDQ ONNX.

    Reports each layer's error against float. The file is standard ONNX, which other programs run.
    """
    options = read_options(model, arguments)
    check_sources(options)
    check_result(output)
    with progress("calibrating", quiet=json) as advance:
        report = api.quantize_report(options, output, samples, advance)
    if json:
        print_json(report)
        return
    worst = {e["value"] for e in report["worst"]}
    rows = [
        [
            e["name"],
            e["op"],
            Number("" if e["sqnr_db"] is None else f"{e['sqnr_db']:.1f}"),
            Number(f"{e['max_error']:.3g}"),
            Number(f"{e['cosine']:.6f}"),
            "*" if e["value"] in worst else "",
        ]
        for e in report["layers"]
    ]
    table("layer", "operator", "SQNR dB", "max error", "cosine", "worst", rows=rows)
    for e in report["worst"]:
        results.print(f"* {e['name']} ({e['sqnr_db']:.1f} dB): {e['why']}", soft_wrap=True)
    if output is not None:
        results.print(f"wrote {output}", soft_wrap=True)
