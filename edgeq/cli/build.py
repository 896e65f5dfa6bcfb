"""`edgeq build`: from a model to a build folder."""

from __future__ import annotations

from edgeq import api
from edgeq.api.paths import check_output, check_sources
from edgeq.cli._common import JsonFlag, facts, print_json, progress, remark, results
from edgeq.cli._figures import figures, next_command
from edgeq.cli._options import Arguments, ModelArgument, read_options, takes_options
from edgeq.target import load_target


@takes_options("build")
def command(model: ModelArgument, arguments: Arguments, json: JsonFlag = False) -> None:
    """Quantize a model, generate C for a target, and compile it."""
    options = read_options(model, arguments)
    check_sources(options)
    check_output(options)
    with progress("calibrating", quiet=json) as advance:
        manifest = api.build(options, step=remark, progress=advance)
    if json:
        print_json(manifest)
        return
    results.print(f"{manifest['name']} for {manifest['target']} in {options.folder}", soft_wrap=True)
    facts(figures(manifest, load_target(options.target)))
    results.print(f"next: {next_command(options.folder, manifest)}", soft_wrap=True)
