"""`edgeq build`: from a model to a build folder."""

from __future__ import annotations

from edgeq import api
from edgeq.api.paths import check_output, check_sources
from edgeq.api.project import BuildOptions, models_folder
from edgeq.cli._common import JsonFlag, facts, print_json, progress, remark, results
from edgeq.cli._figures import figures, models_table, next_command
from edgeq.cli._options import Arguments, ModelArguments, read_models, takes_options
from edgeq.target import load_target


@takes_options("build")
def command(models: ModelArguments, arguments: Arguments, json: JsonFlag = False) -> None:
    """Quantize models, generate C for a target, and compile it."""
    several = read_models(models, arguments)
    for options in several:
        check_sources(options)
    if len(several) > 1:
        _build_models(several, json)
        return
    (options,) = several
    check_output(options)
    with progress("calibrating", quiet=json) as advance:
        manifest = api.build(options, step=remark, progress=advance)
    if json:
        print_json(manifest)
        return
    results.print(f"{manifest['name']} for {manifest['target']} in {options.folder}", soft_wrap=True)
    facts(figures(manifest, load_target(options.target)))
    results.print(f"next: {next_command(options.folder, manifest)}", soft_wrap=True)


def _build_models(several: tuple[BuildOptions, ...], json: bool) -> None:
    folder = models_folder(several)
    with progress("calibrating", quiet=json) as advance:
        manifest = api.build_models(several, step=remark, progress=advance)
    if json:
        print_json(manifest)
        return
    names = ", ".join(entry["name"] for entry in manifest["models"])
    results.print(f"{names} for {manifest['target']} in {folder}", soft_wrap=True)
    models_table(manifest)
    results.print("together")
    facts(figures(manifest, load_target(several[0].target)))
    results.print(f"next: {next_command(folder, manifest)}", soft_wrap=True)
