"""`edgeq inspect`: what is in a model or a build folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edgeq import api
from edgeq.api.paths import built_models, check_built, check_result, check_sources
from edgeq.cli._common import JsonFlag, ModelOption, facts, print_json, remark, results, size, table
from edgeq.cli._figures import figures, models_table
from edgeq.cli._options import Arguments, read_options, takes_options
from edgeq.codegen.manifest import model_folder, read_manifest, read_target
from edgeq.errors import UsageError


@takes_options("inspect")
def command(
    path: Annotated[Path, typer.Argument(metavar="MODEL|DIR", help="A model, or a build folder.", show_default=False)],
    arguments: Arguments,
    model: ModelOption = None,
    memory: Annotated[
        bool, typer.Option("--memory", help="Of a build folder: what lies in the arena and when; draws DIR/memory.svg.")
    ] = False,
    kernels: Annotated[
        bool, typer.Option("--kernels", help="Of a build folder: each layer's kernel, and why not a faster one.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.svg", help="Where to draw to, with --memory.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Show what a model or build folder holds.

    Inputs, outputs and layers of a model, or the figures of a build folder.
    """
    built = (path / "manifest.json").is_file()
    if arguments and (built or memory):
        hint = "--input-shape, --inputs, --outputs and --dump-ir are for models"
        raise UsageError("is a build folder", hint=hint, where=str(path))
    if kernels and not built:
        raise UsageError("is no build folder", hint="--kernels is for what `edgeq build` wrote", where=str(path))
    if model is not None and not built:
        raise UsageError("is no build folder", hint="--model is for what `edgeq build` wrote", where=str(path))
    if memory:
        names = built_models(path, model)
        if output is not None:
            check_built(path, model)  # one drawing is of one model
            check_result(output)
        _memories(path, names, output, json)
        return
    if output is not None:
        raise UsageError("--output is for --memory", hint="leave it out, or add --memory")
    options = None if built else read_options(path, arguments)
    if options is not None:
        check_sources(options)
    summary = (
        api.inspect(options.model_path, options.input_shapes, options.dump_ir, options.inputs, options.outputs)
        if options
        else api.inspect(path, model=model)
    )
    if json:
        print_json(summary)
        return
    if summary.get("models"):
        _models(path, summary, kernels)
        return
    results.print(f"{summary['name']}{_made_for(summary) if built else ''}", soft_wrap=True)
    if built:
        facts(figures(summary, read_target(path)))
        _warnings(summary)
    else:
        results.print(f"  {summary['macs']:,} MACs, weights {size(summary['weights_bytes'])}")
    for kind in ("inputs", "outputs", "states"):
        for port in summary.get(kind, ()):
            q = f", scale {port['scale']:.6g}, zero point {port['zero_point']}" if port.get("scale") else ""
            results.print(f"  {kind[:-1]} {port['name']}: {port['dtype']} {tuple(port['shape'])}{q}")
    if kernels:
        _kernels(summary)
        return
    rows = [
        [
            e["name"],
            e["op"],
            *([e["kernel"]] if built else []),
            "x".join(map(str, e["output_shape"])),
            e["macs"],
            e["weights_bytes"],
        ]
        for e in summary["layers"]
    ]
    table("layer", "operator", *(["kernel"] if built else []), "output", "MACs", "weights B", rows=rows)


def _models(folder: Path, manifest: dict[str, Any], kernels: bool) -> None:
    """What several models take, one by one and together; or their kernels."""
    names = [entry["name"] for entry in manifest["models"]]
    if kernels:
        for name in names:
            results.print(name, style="bold")
            _kernels(read_manifest(model_folder(folder, name)))
        return
    numerics = ", ".join(sorted({entry["numerics"] for entry in manifest["models"]}))
    results.print(f"{', '.join(names)}{_made_for({'numerics': numerics, **manifest})}", soft_wrap=True)
    models_table(manifest)
    results.print("together")
    facts(figures(manifest, read_target(folder)))
    _warnings(manifest)


def _warnings(manifest: dict[str, Any]) -> None:
    """What there was doubt about when it was built."""
    for warning in manifest.get("warnings", ()):
        where = [part for part in (warning.get("model"), warning["where"]) if part]
        results.print(f"  warning: {': '.join([*where, warning['message']])}", soft_wrap=True)


def _made_for(manifest: dict[str, Any]) -> str:
    """What a build folder was made for, and how."""
    kernels = f", kernels {manifest['kernels']}" if manifest["kernels"] != "edgeq" else ""
    simulated = f", simulating {manifest['simulate']}" if manifest.get("simulate") else ""
    cpu = f" ({manifest['cpu']})" if manifest["cpu"] != manifest["target"] else ""
    made = f"numerics {manifest['numerics']}, optimized for {manifest['optimize']}{kernels}{simulated}"
    return f" for {manifest['target']}{cpu}: {made}; edgeq {manifest['edgeq_version']}"


def _kernels(summary: dict[str, Any]) -> None:
    """Each layer's kernel, bits of its accumulators, and the faster kernels by what kept them from being taken."""
    for layer in summary["layers"]:
        bits = layer.get("accumulator_bits")
        sums = f", accumulators of {bits} bits" if bits else ""
        results.print(f"{layer['name']}: {layer['op']}, {layer['kernel']}{sums}")
        obstacles: dict[str, list[str]] = {}
        for row in layer.get("passed_over", ()):
            names = obstacles.setdefault(row["needs"], [])
            names += [row["function"]] if row["function"] not in names else []
        for needs, names in obstacles.items():
            results.print(f"  not {', '.join(names)}, which needs: {needs}")


def _memories(path: Path, names: tuple[str | None, ...], output: Path | None, json: bool) -> None:
    """The arena of each of a build folder's models."""
    found = {}
    for name in names:
        drawing = output or path / ("memory.svg" if name is None else f"{name}_memory.svg")
        found[name] = _memory(model_folder(path, name), drawing, json)
    if json:
        print_json({"models": found} if len(names) > 1 else found[names[0]])


def _memory(folder: Path, drawing: Path, json: bool) -> dict[str, Any]:
    """Draw an arena, and show what is in it unless that is wanted as JSON, which is returned."""
    from edgeq.report.memory import read_memory_map, save_svg  # here, so that other answers come at once

    memory = read_memory_map(folder)
    save_svg(memory, drawing)
    data = {**memory.to_dict(), "drawing": str(drawing)}
    if json:
        return data
    results.print(f"{memory.name}: arena {size(memory.arena_bytes)}, at least {size(memory.arena_bound)} for any plan")
    several = len(memory.arenas) > 1
    for share in memory.arenas if several else ():
        results.print(f"  {share.room}: {size(share.size)}")
    rows = [
        [index, step["layer"], step["op"], step["live_bytes"], _places(step["tensors"], several)]
        for index, step in enumerate(data["steps"])
    ]
    table("step", "layer", "operator", "live B", "tensors: offset+bytes", rows=rows)
    peak = data["peak"]
    results.print(f"peak: {size(peak['live_bytes'])} at {peak['layer']}: {_places(peak['tensors'], several)}")
    remark(f"drawn in {drawing}")
    return data


def _places(tensors: list[dict[str, Any]], several: bool) -> str:
    """Where tensors lie, in a line; with the region if there are several."""
    names = ("scratch" if t["kind"] == "scratch" else t["value"] for t in tensors)
    places = (f"{t['region']}:{t['offset']:,}" if several else f"{t['offset']:,}" for t in tensors)
    return ", ".join(f"{name} {at}+{t['bytes']:,}" for name, at, t in zip(names, places, tensors, strict=True))
