"""`edgeq init`: a commented edgeq.toml for a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeq.api.starting import starter, write_starter
from edgeq.cli._common import JsonFlag, print_json, results
from edgeq.cli._options import Arguments, ModelArgument, read_options, takes_options
from edgeq.target import load_target


@takes_options("init")
def command(
    model: ModelArgument,
    arguments: Arguments,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Its folder; default: the model's.")
    ] = None,
    target: Annotated[str, typer.Option("--target", "-t", metavar="T", help="What to build for.")] = "cortex-m4",
    json: JsonFlag = False,
) -> None:
    """Write a commented edgeq.toml for a model.

    It names the model, says which samples it needs, and has every option as a comment.
    """
    options = read_options(model, arguments)
    folder = options.model_path.parent if output is None else output
    load_target(target)
    path = write_starter(starter(options.model_path, folder, target, options.input_shapes), folder)
    if json:
        print_json({"path": str(path)})
        return
    results.print(f"wrote {path}", soft_wrap=True)
    results.print(f"next: put the samples that it names beside it, then edgeq build {folder}", soft_wrap=True)
