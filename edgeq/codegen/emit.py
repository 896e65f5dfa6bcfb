"""From a program to a self-contained folder of C: renders the templates and copies the kernels that are used.

Everything in the folder depends only on the program, the target and edgeq's version: no dates, no absolute paths.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import jinja2

from edgeq import __version__
from edgeq.codegen import cmsis_nn
from edgeq.codegen.call_text import (
    at,
    call_text,
    call_without_pool,
    glue_call,
    other_arena,
    part_params,
    pointer,
    reach,
    shared_pointers,
    signature,
    symbol,
)
from edgeq.codegen.folder import check_replaceable, write_folder
from edgeq.codegen.included import HEADER as INCBIN
from edgeq.codegen.included import content as included_content
from edgeq.codegen.included import file_name, included
from edgeq.codegen.instances import instances
from edgeq.codegen.literals import STRINGS, WORD, float_literal, scalar_literal
from edgeq.codegen.manifest import (
    FILE,
    TARGET_FILE,
    make_common_manifest,
    make_manifest,
    manifest_text,
    model_place,
    seal,
)
from edgeq.codegen.names import project_name
from edgeq.codegen.program import Program
from edgeq.codegen.sources import (
    TEMPLATE,
    THREADS,
    included_headers,
    kernel_files,
    platform_files,
    relative_includes,
    thread_pool,
)
from edgeq.codegen.symbols import HEADER as SYMBOLS
from edgeq.codegen.symbols import kernel_symbols, with_weak_functions
from edgeq.codegen.weights import FILE as WEIGHTS_FILE
from edgeq.codegen.weights import fingerprint, image
from edgeq.codegen.weights_text import declarations, definitions_of, has_strings, included_files
from edgeq.errors import InternalError, UsageError
from edgeq.ir.graph import Graph
from edgeq.ir.kernel import Goal
from edgeq.ir.tensor import Shape
from edgeq.ir.text import graph_files, print_graph
from edgeq.isa import FEATURES, Feature, flags_of
from edgeq.memory import ALIGNMENT
from edgeq.resources import license_text, templates
from edgeq.target import Target, target_text

OPTIMIZATION: Mapping[Goal, str] = {"speed": "-O3", "balanced": "-O2", "size": "-Os"}
"""Compiler flag for each goal, on bare metal."""
COMPUTER: Mapping[Goal, str] = {**OPTIMIZATION, "balanced": "-O3"}
"""The same where there is an operating system: memory for code is no concern there."""


SERVED_SOURCES = ("inference.c", "served.c")
"""What a platform whose programs answer for their models has of each of them."""
SERVED_NAMES = (
    *("eq_state", "eq_begin_sequence", "eq_infer", "eq_infer_watched", "eq_infer_timed", "eq_profile_overhead"),
    *("eq_served", "eq_model_arena_bytes", "eq_model_arenas", "eq_model_inputs", "eq_model_outputs"),
    *("eq_model_reset", "eq_model_run", "eq_model_input_in_arena", "eq_model_output_in_arena"),
    *("eq_model_weights_fault", "eq_model_layer_hook", "eq_model_layer_hook_entry"),
)
"""What these files define, and a model's own one for them."""
LICENSE_FILE = "LICENSE"
"""edgeq's licence: kernels and generated code are under it, wherever the folder goes."""
PIECE = 1 << 20
"""Characters of a text that are encoded at once."""


def _comment(text: str) -> str:
    plain = "".join(c if c.isprintable() else "?" for c in text)
    return plain.replace("*/", "* /").replace("/*", "/ *")


def _string_literal(text: str) -> str:
    special = {'"': '\\"', "\\": "\\\\", "?": "\\?"}
    parts = []
    for char in text:
        if char in special:
            parts.append(special[char])
        elif char.isascii() and char.isprintable():
            parts.append(char)
        else:
            parts += [f"\\{byte:03o}" for byte in char.encode()]
    return f'"{"".join(parts)}"'


def _shape(shape: Shape) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _environment() -> jinja2.Environment:
    environment = templates()
    environment.filters |= {
        "comment": _comment,
        "string_literal": _string_literal,
        "shape": _shape,
        "float": float_literal,
        "literal": scalar_literal,
        "hex": lambda value: f"0x{value:08x}",
    }
    return environment


def _features(program: Program, target: Target) -> list[Feature]:
    """The features without which the program's kernels would be something else. Computers execute what they lack as C,
    as they do when they simulate a microcontroller."""
    if target.native:
        return []
    return [FEATURES[name] for name in sorted(program.isa) if FEATURES[name].macro]


def _code(files: Mapping[str, str], name: str) -> dict[str, str]:
    """The files that read the constants."""
    return {path: text for path, text in files.items() if path == f"src/{name}.c" or path.startswith("kernels/")}


def identity(program: Program, files: Mapping[str, str]) -> int:
    """64 bits by which one knows whether a device has this very model: code and constants, wherever these lie.

    Args:
        program: the program.
        files: what `render` returns for it, at least the folders `src` and `kernels`.
    """
    digest = hashlib.sha256()
    texts = [item for item in sorted(files.items()) if item[0].startswith((f"src/{program.name}", "kernels/"))]
    for part in (part for item in texts for part in item):
        digest.update(b"%d:" % (len(part) if part.isascii() else len(part.encode())))
        for start in range(0, len(part), PIECE):
            digest.update(part[start : start + PIECE].encode())
    if program.weights.kind == "file":
        digest.update(weights_image(program, files))
    digest.update(included_content(included(program)))
    return int.from_bytes(digest.digest()[:8], "big")


def _platform(programs: Sequence[Program], target: Target, environment: jinja2.Environment) -> dict[str, str]:
    files = {}
    for name, text in platform_files(target.platform, target.name).items():
        if name.endswith(TEMPLATE):
            text = environment.from_string(text).render(programs=programs, target=target, version=__version__)
        files[name.removesuffix(TEMPLATE)] = text
    return files


Fill = Callable[..., str]
"""Fills a template."""


def _filler(environment: jinja2.Environment, common: Mapping[str, Any]) -> Fill:
    def fill(template: str, **more: Any) -> str:
        try:
            return environment.get_template(template).render(**common, **more)
        except jinja2.TemplateError as error:
            raise InternalError(f"template {template}: {error}") from error

    return fill


def optimization(program: Program, target: Target) -> str:
    """The compiler's flag for what a program is optimized for."""
    return (OPTIMIZATION if target.bare_metal else COMPUTER)[program.optimize]


def render(program: Program, target: Target) -> dict[str, str]:
    """All C and CMake files of a program, by path in the build folder.

    Args:
        program: what to generate.
        target: decides the platform and the compiler flags.
    """
    return render_all([program], target)


def render_all(programs: Sequence[Program], target: Target) -> dict[str, str]:
    """All C and CMake files of several programs with one set of kernels, by path in the build folder.

    Args:
        programs: what to generate; their names differ, and nothing else that concerns kernels does.
        target: decides the platform and the compiler flags.
    """
    environment = _environment()
    platform = _platform(programs, target, environment)
    served = len(programs) > 1 and target.answers
    kinds = [kind for kind in target.flags if kind == "zig" or kind in target.compilers]
    common: dict[str, Any] = {
        "target": target,
        "version": __version__,
        "weights_file": WEIGHTS_FILE,
        "alignment": ALIGNMENT,
        "word": WORD,
        "served": SERVED_NAMES if served else (),
        "shared_arena": lambda share: f"eq_arena_of_{share.room}",
    }
    files: dict[str, str] = {}
    for program in programs:
        files |= _model_files(program, target, _filler(environment, {**common, **_model_context(program, target)}))
    _check_names([program.name for program in programs], files)
    compiled = sorted({f"kernels/{source}" for program in programs for source in program.compiled_sources})
    compiled += [group.path for program in programs for group in instances(program)]
    fill = _filler(environment, common)
    files["CMakeLists.txt"] = fill(
        "CMakeLists.txt.j2",
        programs=programs,
        project=project_name([program.name for program in programs]),
        names=[program.name for program in programs],
        kernel_sources=compiled,
        source_flags=_source_flags(programs),
        threads=any(program.threads > 1 for program in programs),
        calls_cmsis_nn=any(program.calls_cmsis_nn for program in programs),
        cmsis_nn=cmsis_nn,
        optimization=optimization(programs[0], target),
        served_sources=SERVED_SOURCES if served else (),
        platform_sources=[n for n in platform if n.endswith((".c", ".S"))],
        included={program.name: file_name(program) for program in programs if included(program)},
        assembly=any(n.endswith(".S") for n in platform),
        linker_script=next((n for n in platform if n.endswith(".ld")), ""),
        ending="" if target.native else f' SUFFIX "{target.suffix}"',  # here CMake knows how programs end
        toolchain=f"toolchain/{kinds[0]}.cmake",
    )
    for kind in kinds:
        files[f"toolchain/{kind}.cmake"] = fill("toolchain.cmake.j2", kind=kind, link_flags=target.link.get(kind, ()))
    headers = {header for program in programs for header in program.headers}
    headers |= included_headers([*platform.values(), *files.values()]) - {SYMBOLS}
    headers |= {STRINGS} if any(map(has_strings, programs)) else set()
    headers |= {INCBIN} if any(map(included, programs)) else set()
    kernels = kernel_files({source for program in programs for source in program.sources}, headers)
    symbols = kernel_symbols([k for k in kernels if k.endswith(".c")], programs[0].optimize)
    files |= {f"kernels/{k}": with_weak_functions(v, symbols[k]) if k in symbols else v for k, v in kernels.items()}
    files[f"kernels/include/{SYMBOLS}"] = fill("symbols.h.j2", symbols=symbols)
    files = relative_includes(files)
    for program in programs:
        fill = _filler(environment, {**common, **_model_context(program, target)})
        code = fingerprint(_code(files, program.name), program.constants)
        path = f"src/{program.name}_weights.c"
        head = relative_includes({path: fill("weights.c.j2", fingerprint=code)})[path]
        files[path] = "".join([head, *(f"{definition}\n" for definition in definitions_of(program))])
        place = f"platform/models/{program.name}/edgeq_model.h"
        files[place] = fill("edgeq_model.h.j2", identity=identity(program, files))
    files |= {f"platform/{k}": v for k, v in platform.items()}
    if served:
        shares = [share for program in programs for share in program.arenas]
        arenas = {room: max(s.size for s in shares if s.room == room) for room in sorted({s.room for s in shares})}
        files["platform/models/served_models.c"] = fill("served_models.c.j2", programs=programs, arenas=arenas)
    return files


def _source_flags(programs: Sequence[Program]) -> dict[str, tuple[str, str]]:
    """By kernel that not every processor executes: the compiler's flags for it, and those of zig.

    Everything else is compiled for what all processors of the target have, so that it can tell of one that lacks more.
    """
    features = {source: names for program in programs for source, names in program.source_features.items()}
    return {
        f"kernels/{source}": (" ".join(flags_of(names)), " ".join(flags_of(names, zig=True)))
        for source, names in sorted(features.items())
        if flags_of(names)
    }


def _check_names(models: Sequence[str], files: Mapping[str, str]) -> None:
    """Make sure that no two models define one name, as a model `kws` with an input `top_x` and a model `kws_top` would.

    Raises:
        UsageError: two do.
    """
    owners: dict[str, str] = {}
    for model in models if len(models) > 1 else ():
        headers = (f"include/{model}.h", f"src/{model}_weights.h", f"src/{model}_instances.h")
        text = "\n".join(files.get(header, "") for header in headers)
        for name in re.findall(rf"\b(?:{model}|{model.upper()})_\w+", text):
            if owners.setdefault(name, model) != model:
                raise UsageError(
                    f"the models {owners[name]!r} and {model!r} would both have the C name {name}",
                    hint="give one of them another name: --name once for each model, in their order",
                )


def _model_context(program: Program, target: Target) -> dict[str, Any]:
    """What the templates of a model's own files need."""
    return {
        "program": program,
        "NAME": program.name.upper(),
        "signature": signature(program),
        "signature_with": signature(program, pool=True),
        "call_without": call_without_pool(program),
        "shared": shared_pointers(program),
        "parts": part_params(program),
        "reach": lambda port: reach(program, port),
        "glue_call": glue_call(program),
        "pointer": lambda place: pointer(program, place),
        "at": lambda offset: at(program, offset),
        "offsets_of": lambda ports: ", ".join(str(p.offset - program.arena_at(p.offset).base) for p in ports),
        "arenas_of": lambda ports: ", ".join(other_arena(program, port) for port in ports),
        "arena_of": lambda port: program.arena_name(program.arena_at(port.offset)),
        "arena_offset": lambda port: port.offset - program.arena_at(port.offset).base,
        "texts": {call.id: call_text(program, call) for call in program.calls},
        "features": _features(program, target),
        "detected": [(name, f"eq_has_{symbol(name)}()" if name in FEATURES else "1") for name in program.variants],
        "declarations": declarations(program),
        "strings": has_strings(program),
        "included": bool(included(program)),
    }


def _model_files(program: Program, target: Target, fill: Fill) -> dict[str, str]:
    """A model's own files, but for its weights."""
    name = program.name
    files = {
        f"include/{name}.h": fill("model.h.j2"),
        f"src/{name}.c": fill("model.c.j2"),
        f"src/{name}_weights.h": fill("weights.h.j2"),
        f"platform/models/{name}/{name}_glue.c": fill("glue.c.j2"),
    }
    if program.threads > 1:
        files |= {f"src/{name}_pool.c": fill("pool.c.j2"), f"src/{THREADS}": thread_pool()}
    if program.has_instances:
        files[f"src/{name}_instances.h"] = fill("instances.h.j2")
    return files | {group.path: fill("instances.c.j2", instances=group) for group in instances(program)}


def weights_image(program: Program, files: Mapping[str, str]) -> bytes:
    """The file of constants of a program that was rendered as `files`."""
    return image(program.constants, fingerprint(_code(files, program.name), program.constants))


@dataclass(frozen=True, eq=False)
class Part:
    """A model of a build folder.

    Attributes:
        program: what `lower` returned for `graph`.
        graph: the integer graph, kept in the folder for verification.
        float_graph: the graph that was quantized, if there is one, kept likewise.
    """

    program: Program
    graph: Graph
    float_graph: Graph | None


def emit(
    program: Program,
    graph: Graph,
    float_graph: Graph | None,
    target: Target,
    folder: Path,
) -> dict[str, Any]:
    """Write the build folder of a program (docs/build-folder.md), all of it or nothing.

    Args:
        program, graph, float_graph: see Part.
        target: what the program is for.
        folder: where to write; an existing build folder is replaced.

    Returns:
        The manifest.

    Raises:
        UsageError: the folder cannot be written, or holds something that edgeq did not write.
    """
    check_replaceable(folder)
    files = render(program, target)
    manifest = _manifest(program, target, files)
    records = _records(Part(program, graph, float_graph), files, "")
    return _write(folder, manifest, chain(records, included_files([program]).items(), _content(files, target)))


def emit_all(parts: Sequence[Part], target: Target, folder: Path) -> dict[str, Any]:
    """Write a build folder of several models with one set of kernels: each has a manifest of its own in
    `models/<name>`.

    Args:
        parts: the models; see `render_all`.
        target: what they are for.
        folder: as for `emit`.

    Returns:
        The manifest of the whole.

    Raises:
        UsageError: as `emit`.
    """
    check_replaceable(folder)
    programs = [part.program for part in parts]
    files = render_all(programs, target)
    own: dict[str, bytes] = {}
    records = [_records(part, files, f"{model_place(part.program.name)}/") for part in parts]
    for part in parts:
        place = model_place(part.program.name)
        own[f"{place}/{FILE}"] = manifest_text(_manifest(part.program, target, files, f"{place}/")).encode()
    content = chain(*records, included_files(programs).items(), _content(files, target))
    return _write(folder, make_common_manifest(programs, target), content, own)


def _manifest(program: Program, target: Target, files: Mapping[str, str], place: str = "") -> dict[str, Any]:
    """A model's manifest, before what it is about is compiled."""
    return {**make_manifest(program, target, place), "identity": f"{identity(program, files):016x}"}


def _content(files: dict[str, str], target: Target) -> Iterator[tuple[str, bytes]]:
    """What a folder has besides its models' records; each file is taken out of `files`."""
    yield TARGET_FILE, target_text(target).encode()
    yield LICENSE_FILE, license_text().encode()
    for path in sorted(files):
        yield path, files.pop(path).encode()


def _records(part: Part, files: Mapping[str, str], place: str) -> Iterator[tuple[str, bytes]]:
    """A model's graphs, and its file of weights if it has one, by path; `place` is the beginning of each."""
    yield f"{place}graph.txt", print_graph(part.graph).encode()
    if part.program.weights.kind == "file":
        yield f"{place}{WEIGHTS_FILE}", weights_image(part.program, files)
    yield from graph_files(part.graph, f"{place}reference/integer").items()
    if part.float_graph is not None:
        yield from graph_files(part.float_graph, f"{place}reference/float").items()


def _write(
    folder: Path,
    manifest: dict[str, Any],
    content: Iterable[tuple[str, bytes]],
    unsealed: Mapping[str, bytes] | None = None,
) -> dict[str, Any]:
    """Write a folder with a manifest that seals all but the `unsealed` files; one file at a time is in memory."""
    sealed: dict[str, Any] = {}

    def with_manifest() -> Iterator[tuple[str, bytes]]:
        digests: dict[str, str] = {}
        for path, data in content:
            digests |= seal({path: data})
            yield path, data
        yield from (unsealed or {}).items()
        sealed.update({**manifest, "files": dict(sorted(digests.items()))})
        yield FILE, manifest_text(sealed).encode()

    write_folder(folder, with_manifest(), lambda stage: None)
    return sealed
