"""`edgeq run`: inference with a built model, on the host or in the emulator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeq import api
from edgeq.api.paths import check_built, check_result, check_samples
from edgeq.cli._common import (
    BaudOption,
    BoardOption,
    FolderArgument,
    HostOption,
    JsonFlag,
    KeyOption,
    ModelOption,
    PortOption,
    SshOption,
    print_json,
    progress,
    remark,
    results,
)
from edgeq.codegen.manifest import emulator_note, model_folder


def command(
    folder: FolderArgument,
    input: Annotated[Path, typer.Option("--input", metavar="X.npz", help="Samples: an .npz with x, or an .npy file.")],
    key: KeyOption = None,
    model: ModelOption = None,
    output: Annotated[Path | None, typer.Option("--output", metavar="Y.npz", help="Where results go.")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Integers in and out, as the device sees them.")] = False,
    port: PortOption = None,
    board: BoardOption = None,
    baud: BaudOption = None,
    host: HostOption = None,
    ssh_options: SshOption = None,
    json: JsonFlag = False,
) -> None:
    """Run samples through a built model.

    On the host, in the emulator, on a device (--port, --board), or on another computer (--host); real values
    in and out.
    """
    check_built(folder, model)
    check_samples(input)
    check_result(output)
    remark(emulator_note(model_folder(folder, model)))
    with progress("running", quiet=json) as advance:
        outputs = api.run(folder, input, raw, key, model, port, board, baud, advance, host, ssh_options)
    if output is not None:
        api.save_outputs(output, outputs)
    if json:
        print_json(
            {"samples": len(next(iter(outputs.values()))), "outputs": {k: v.tolist() for k, v in outputs.items()}}
        )
        return
    for name, values in outputs.items():
        where = f" in {output}" if output else ""
        results.print(f"{name}: {len(values)} result(s) of shape {values.shape[1:]}{where}")
        if output is None:
            import numpy as np  # here, so that a wrong path is answered at once

            with np.printoptions(precision=5, suppress=True, threshold=64, linewidth=100):
                results.print(str(values))
