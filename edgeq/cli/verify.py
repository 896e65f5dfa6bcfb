"""`edgeq verify`: is the generated code right, and is it accurate?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edgeq import api
from edgeq.api.paths import check_built, check_samples
from edgeq.cli._common import FolderArgument, JsonFlag, print_json, progress, remark, results
from edgeq.codegen.manifest import emulator_note


def command(
    folder: FolderArgument,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="X.npz", help="Samples x and labels y; by default random ones."),
    ] = None,
    samples: Annotated[
        int | None, typer.Option("--samples", metavar="N", min=1, help="Use only the first N samples.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Compare a program with the simulator.

    Bit for bit with the integer simulator, and both with the float model; the exit code is 1 if a bit differs.
    """
    check_built(folder)
    if data is not None:
        check_samples(data)
    remark(emulator_note(folder))
    with progress("verifying", quiet=json) as advance:
        result = api.verify(folder, data, samples, advance)
    if json:
        print_json(result)
    else:
        _show(result)
    if result["mismatches"]:
        raise typer.Exit(1)


def _show(result: dict[str, Any]) -> None:
    exact = not result["mismatches"]
    results.print("bit-exact" if exact else "MISMATCH", style="green" if exact else "red", end="")
    results.print(f": {result['mismatches']} of {result['samples']} samples differ from the simulator")
    if result["mismatches"]:
        results.print(f"  largest difference {result['max_abs_diff']}")
    if result["sqnr_db"] is not None:
        results.print(f"  SQNR against float  {result['sqnr_db']:.1f} dB")
    for key, label in (("top1_float", "top-1 float"), ("top1_int8", "top-1 int8"), ("agreement", "agreement")):
        if result[key] is not None:
            results.print(f"  {label:<19} {result[key]:.2f} %")
    if result["stack_used_bytes"] is not None:
        results.print(f"  stack used          {result['stack_used_bytes']:,} B")
