"""From quantized models to a build folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from edgeq.api.drafts import Draft, check_tools, draft_of, is_shared, lowered
from edgeq.api.flow import Advance, QuantizedModel, Step, silent
from edgeq.api.paths import check_output
from edgeq.api.project import BuildOptions, models_folder
from edgeq.api.projects import write_project
from edgeq.codegen.capacity import check_chip_of_all, check_linked
from edgeq.codegen.emit import emit, emit_all
from edgeq.codegen.folder import staging
from edgeq.codegen.manifest import FILE, LISTED, model_place, regions, update_manifest
from edgeq.codegen.names import project_name
from edgeq.codegen.program import Program
from edgeq.codegen.weights import ALIGNMENT as WEIGHTS_ALIGNMENT
from edgeq.codegen.weights import WeightsPlace
from edgeq.errors import CapacityError, InternalError, ModelError, UsageError
from edgeq.exporters.projects import PROJECTS
from edgeq.exporters.projects.kinds import FIRMWARE
from edgeq.report.library_calls import layers_of, library_calls
from edgeq.report.size import Size, end_within, measure
from edgeq.target import Target
from edgeq.toolchain.cmake import Built, build_shared, forget_place, library_path, program_path
from edgeq.toolchain.cmake import build as build_program
from edgeq.toolchain.compilers import find_toolchain
from edgeq.warnings import EdgeqWarning, collecting, refuse, warn


def build(
    options: BuildOptions,
    step: Step = silent,
    progress: Advance | None = None,
    model: QuantizedModel | None = None,
) -> dict[str, Any]:
    """Generate the build folder of a model, and compile it unless `options` say otherwise.

    Args:
        options: what to build and how.
        step: called with a line of text as each step begins.
        progress: called with calibration samples done and in all.
        model: what `quantize` returned, to build it for one target after another; what `options` say about
            quantization is then ignored.

    Returns:
        The manifest (docs/build-folder.md).

    Raises:
        EdgeqError: see edgeq.errors for what each subclass means. Nothing is left behind.
    """
    folder = options.folder
    draft = draft_of(options, model)
    check_output(options)
    check_tools([draft], folder)
    with collecting(() if model is None else model.warnings) as warnings:
        draft = lowered(draft, draft.place, step, progress)
        if options.strict:
            refuse(warnings)
        entries = draft.entries
        with staging(folder) as stage, _workplace(options, stage) as work:
            emit(draft.program, draft.part.graph, draft.part.float_graph, draft.target, work)
            built = None
            if draft.options.compile:
                step("compiling")
                built = _compile(work, [draft])
                entries |= _measured(work, built, draft)
                check_linked(entries, options.flash, options.ram, draft.place.region)
            if options.strict:
                refuse(warnings)
            entries["warnings"] = [warning.to_dict() for warning in warnings]
            manifest = _project(update_manifest(work, **entries), work, stage, built, [draft])
    _report([draft], folder)
    return {**manifest, "folder": str(folder)}


SHARED = (
    "target emit console optimize kernels cmsis_nn_root weights_in toolchain simulate isa sanitize compile flash ram "
    "place report"
)
"""Options that models of one build folder have in common."""


def build_models(
    models: Sequence[BuildOptions],
    step: Step = silent,
    progress: Advance | None = None,
    quantized_models: Sequence[QuantizedModel | None] | None = None,
) -> dict[str, Any]:
    """Generate one build folder of several models, with one set of kernels, and compile it.

    Args:
        models: what to build and how; they are built for one target, for one goal and into the folder of the first.
        step, progress: as for `build`.
        quantized_models: for each of `models` what `quantize` returned, or None; see `build`.

    Returns:
        The manifest of the whole (docs/build-folder.md).

    Raises:
        UsageError: the options contradict each other, two models have one name, or files of weights overlap.
        EdgeqError: as `build`. Nothing is left behind.
    """
    if not models:
        raise UsageError("there is no model to build", hint="give options of at least one")
    first, folder = models[0], models_folder(models)
    _check_together(models)
    given = quantized_models or [None] * len(models)
    if len(given) != len(models):
        raise UsageError(f"{len(given)} quantized models for {len(models)} models", hint="give None for the others")
    drafts = [draft_of(_apart(o, models), model) for o, model in zip(models, given, strict=True)]
    for draft in drafts:
        check_output(replace(draft.options, output=folder))
    check_tools(drafts, folder)
    made: list[Draft] = []
    doubts: list[list[EdgeqWarning]] = []
    for draft in drafts:
        with collecting(() if draft.model is None else draft.model.warnings) as doubted:
            made.append(lowered(draft, _after(draft, made), step, progress))
        doubts.append(doubted)
        if draft.options.strict:
            refuse(doubted)
    _check_files(made)
    check_chip_of_all([draft.program for draft in made], first.flash, first.ram)
    with staging(folder) as stage, _workplace(first, stage) as work:
        emit_all([draft.part for draft in made], made[0].target, work)
        built = None
        if drafts[0].options.compile:
            step("compiling")
            built = _compile(work, made)
        manifests = [_recorded(work, built, draft, doubted) for draft, doubted in zip(made, doubts, strict=True)]
        entries: dict[str, Any] = {
            "chip": {"flash": first.flash, "ram": first.ram},
            "emit": first.emit,
            "models": [_listed(manifest) for manifest in manifests],
            "warnings": [{"model": m["name"], **warning} for m in manifests for warning in m["warnings"]],
        }
        if built is not None:
            entries |= _measured_together(work, built, made)
            check_linked(entries, first.flash, first.ram, made[0].place.region)
        manifest = _project(update_manifest(work, **entries), work, stage, built, made)
    _report(made, folder)
    return {**manifest, "folder": str(folder)}


def _report(drafts: Sequence[Draft], folder: Path) -> None:
    """Write the report that was asked for, if one was, on the calibration samples."""
    path = drafts[0].options.report
    if path is not None:
        from edgeq.api.reporting import report_on  # here, so that builds without one do not wait for it

        report_on(folder, path, {draft.program.name: draft.quantized.samples for draft in drafts})


@contextmanager
def _workplace(options: BuildOptions, stage: Path) -> Iterator[Path]:
    """Where C is generated and compiled: what is there in the end, or, for a project, a folder for the time being."""
    if options.emit == FIRMWARE:
        yield stage
        return
    with TemporaryDirectory(prefix="edgeq-") as place:
        yield Path(place)


def _project(
    manifest: dict[str, Any], work: Path, stage: Path, built: Built | None, drafts: Sequence[Draft]
) -> dict[str, Any]:
    """Write the project that was asked for, if one was; returns its manifest, or else that of the build folder."""
    options = drafts[0].options
    if options.emit == FIRMWARE:
        return manifest
    kind = built.toolchain.kind if built is not None and built.toolchain.kind != "zig" else "gcc"
    project, target = PROJECTS[options.emit], drafts[0].target
    library = built.library if built is not None and project.shared else None
    archives: list[Path] = []
    if built is not None and project.archives:
        names = [draft.program.name for draft in drafts]
        archives = [library_path(work, name) for name in names]
        if not target.bare_metal:
            root = None if options.cmsis_nn_root is None else Path(options.cmsis_nn_root)
            library = build_shared(work, project_name(names), target, options.toolchain, root)
    models = [(draft.program, draft.quantized, draft.options.model_path.resolve().name) for draft in drafts]
    flags = target.flags.get(kind, ())
    return write_project(options.emit, models, target, work, manifest, stage, library, flags, archives)


def _recorded(stage: Path, built: Built | None, draft: Draft, earlier: Sequence[EdgeqWarning]) -> dict[str, Any]:
    """Complete the manifest of one of several models; returns it."""
    with collecting(earlier) as warnings:
        entries = draft.entries | ({} if built is None else _measured(stage, built, draft))
    if draft.options.strict:
        refuse(warnings)
    told = [warning.to_dict() for warning in warnings]
    return update_manifest(stage / model_place(draft.program.name), **entries, warnings=told)


def _listed(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest of several models says of one of them."""
    figures = {key: manifest[key] for key in (*LISTED.split(), "source")}
    return {**figures, "manifest": f"{model_place(manifest['name'])}/{FILE}"}


def _check_together(models: Sequence[BuildOptions]) -> None:
    """Make sure that models can share a build folder.

    Raises:
        UsageError: they cannot.
    """
    for key in SHARED.split():
        values = sorted({str(getattr(options, key)) for options in models})
        if len(values) > 1:
            raise UsageError(
                f"models of one build folder have one {key.replace('_', ' ')}, not {' and '.join(values)}",
                hint="choose one, or build them apart: their folders can be parts of one program, too",
            )
    names = [options.model_name for options in models]
    ends = (
        "",
        "_program",
        "_profile",
        "_inner",
        "_shared",
        "_emulated",
        "_served",
        "_served_profile",
        "_weights",
        "_instances",
    )  # of goals of CMake, and of files
    goals = [f"{name}{end}" for name in names for end in ends]
    goals += [
        f"{project_name(names)}{end}"
        for end in ("", "_kernels", "_cmsis_nn", "_together", "_profile", "_inner", "_shared")
        if len(names) > 1
    ]
    twice = next((goal for k, goal in enumerate(goals) if goal in goals[:k]), None)
    if twice is not None:
        what = "two models" if names.count(twice) > 1 else "a model, and what belongs to another one,"
        raise UsageError(
            f"{what} would be called {twice!r}",
            hint="give each a name of its own: --name once for each model, in their order",
        )


def _apart(options: BuildOptions, models: Sequence[BuildOptions]) -> BuildOptions:
    """Options of one of several models, whose graphs are dumped into a folder of their own."""
    if options.dump_ir is None or sum(other.dump_ir == options.dump_ir for other in models) == 1:
        return options
    return replace(options, dump_ir=Path(options.dump_ir) / options.model_name)


def _after(draft: Draft, earlier: Sequence[Draft]) -> WeightsPlace:
    """Where the file of a model's weights lies: after those of earlier models for which the same was said."""
    place = draft.place
    if place.address is None:
        return place
    taken = [d.program for d in earlier if d.options.weights_address == draft.options.weights_address]
    return replace(place, address=max([place.address, *(_end_of_file(program) for program in taken)]))


def _end_of_file(program: Program) -> int:
    """Where the next file of weights can begin."""
    address = program.weights.address
    assert address is not None
    return address + -(-program.image_bytes // WEIGHTS_ALIGNMENT) * WEIGHTS_ALIGNMENT


def _check_files(drafts: Sequence[Draft]) -> None:
    """Make sure that files of weights do not overlap.

    Raises:
        UsageError: two do.
    """
    programs = sorted(
        (d.program for d in drafts if d.program.weights.address is not None), key=lambda p: p.weights.address or 0
    )
    for program, following in pairwise(programs):
        address, end = following.weights.address or 0, _end_of_file(program)
        if address < end:
            raise UsageError(
                f"the weights of {program.name} go on to {end:#x}, and those of {following.name} begin at {address:#x}",
                hint="choose another --weights-address, or give one for all, and they lie one after another",
            )


def _compile(folder: Path, drafts: Sequence[Draft]) -> Built:
    """Compile a build folder."""
    options, names = drafts[0].options, [draft.program.name for draft in drafts]
    root = None if options.cmsis_nn_root is None else Path(options.cmsis_nn_root)
    target, sanitize = drafts[0].target, options.sanitize
    if is_shared(options):
        library = build_shared(folder, project_name(names), target, options.toolchain, root)
        return Built(library, library, find_toolchain(target, options.toolchain))
    others = names if len(names) > 1 else ()
    built = build_program(
        folder, project_name(names), target, options.toolchain, sanitize, cmsis_nn_root=root, others=others
    )
    forget_place(folder)
    return built


def _measured(folder: Path, built: Built, draft: Draft) -> dict[str, Any]:
    """What the manifest says of a compiled model."""
    program, target = draft.program, draft.target
    if is_shared(draft.options):
        return {"toolchain": built.toolchain.version}
    path = program_path(folder, program.name, target)
    size = measure(path, target, program.image_bytes, _kernel_files(folder))
    weights = size.weights or program.constant_bytes
    entries: dict[str, Any] = {"toolchain": built.toolchain.version, **size.manifest(), "weights_flash_bytes": weights}
    entries["regions"] = _regions(program, target, size)
    emulated, flash = program.weights.emulated, target.memory.get("flash")
    if emulated is not None and flash is not None and flash.origin <= emulated < end_within(path, flash):
        entries["weights_emulated_address"] = None
        warn(
            f"the emulator has no memory for weights at {program.weights.address:#x}, nor elsewhere",
            hint="it cannot be run or verified here; build it once more with --weights-in section for that",
            where=draft.options.model_path.name,
            strict=CapacityError,
        )
    library = library_path(folder, program.name)
    if library.is_file():
        entries["library_calls"] = _library_calls(library, program)
    return entries


def _regions(program: Program, target: Target, size: Size) -> dict[str, dict[str, int]]:
    """What a compiled model takes of each region of memory."""
    found = regions(program, target)
    if found:
        inline = found["flash"]["weights"] if program.weights.kind == "inline" else 0
        found["flash"]["code"] = size.model - inline + size.kernels + size.helpers
        if program.places.code != "flash":
            found["flash"]["code"] -= size.hot_code
            found[program.places.code]["code"] = size.hot_code
    return found


def _measured_together(folder: Path, built: Built, drafts: Sequence[Draft]) -> dict[str, Any]:
    """What the manifest says of compiled models together: kernels count once, and one arena serves all in turn."""
    if is_shared(drafts[0].options):
        return {"toolchain": built.toolchain.version}
    programs = [draft.program for draft in drafts]
    names = [program.name for program in programs]
    images = sum(program.image_bytes for program in programs)
    path = program_path(folder, project_name(names), drafts[0].target)
    size = measure(path, drafts[0].target, images, _kernel_files(folder), names)
    arena, states = max(p.arena_bytes for p in programs), sum(p.state_bytes for p in programs)
    return {"toolchain": built.toolchain.version, **size.manifest(), "ram_bytes": arena + states}


def _kernel_files(folder: Path) -> set[str]:
    return {path.name for path in (folder / "kernels").rglob("*.c")}


def _library_calls(library: Path, program: Program) -> list[dict[str, Any]]:
    """What a model's code calls of compiler and C library, for the manifest; all of it is warned of.

    Raises:
        InternalError: something that no layer justifies is among it.
    """
    files = {call.name: [PurePosixPath(source).name for source in call.sources] for call in program.calls}
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for call in library_calls(library):
        if call.never:
            hint = "please report this: generated code must not call it"
            raise InternalError(f"{call.file} calls {call.symbol}, which is {call.kind}", hint=hint)
        found.setdefault((call.kind, layers_of(call, files)), []).append(call.symbol)
    real = {call.name for call in program.calls if call.computes_reals}
    for (kind, layers), symbols in found.items():
        if set(layers) - real or not layers:
            warn(
                f"{kind}, which is slow: {', '.join(symbols)}",
                hint="take another core, or operators that need no such thing, where time or flash are short",
                where=", ".join(layers) or program.name,
                strict=ModelError,
            )
    return [{"kind": kind, "symbols": symbols, "layers": list(layers)} for (kind, layers), symbols in found.items()]
