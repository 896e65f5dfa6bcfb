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
from edgeq.codegen.folder import check_replaceable, write_folder
from edgeq.codegen.included import HEADER as INCBIN
from edgeq.codegen.included import content as included_content
from edgeq.codegen.included import definitions, file_name, included
from edgeq.codegen.instances import instances
from edgeq.codegen.literals import (
    STRINGS,
    WIDTH,
    WORD,
    Constant,
    array_declaration,
    array_definition,
    c_type,
    float_literal,
    is_long,
    scalar_literal,
    struct_definition,
)
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
from edgeq.codegen.program import CallPart, KernelCall, Place, Port, Program
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
from edgeq.codegen.weights import fingerprint, image, layout
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


@dataclass(frozen=True)
class CallText:
    """A call as C.

    Attributes:
        params: its parameters.
        statement: the call.
        gathered: the array of pointers it takes, if any.
        prototype: of the layer's own function, if it has one; else "".
        body: of that function.
        parts: for a layer that several threads compute, the call of each part.
    """

    params: str
    statement: str
    gathered: str
    prototype: str
    body: str
    parts: tuple[str, ...] = ()


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


def _wrapped(head: str, items: Sequence[str], tail: str, indent: int) -> str:
    """`head`, items and `tail`, broken where a line would be too long; later lines begin below the first item."""
    lines = [" " * indent + head]
    for k, item in enumerate(items):
        text = item + ("," if k + 1 < len(items) else tail)
        space = " " if k and not lines[-1].endswith(" ") else ""
        if k and len(lines[-1]) + len(space) + len(text) > WIDTH:
            lines.append(" " * (indent + len(head)) + text)
        else:
            lines[-1] += space + text
    return "\n".join(lines).lstrip()


def _at(program: Program, offset: int, where: str = "") -> str:
    """A byte of the arenas; `where` stands before the names of the pointers to them."""
    share = program.arena_at(offset)
    return f"{where}{program.arena_name(share).replace('arena', 'memory', 1)} + {offset - share.base}"


def _pointer(program: Program, place: Place, const: str = "", where: str = "") -> str:
    """The pointer to a tensor that a kernel gets. Offsets are in bytes, as `memory` and the inputs point to bytes.

    Args:
        program, place: the tensor.
        const: "const " for one that is read.
        where: what stands before the names of these pointers.
    """
    if place.port is not None:
        bytes = f"{where}from_{program.inputs[place.port].id}" + (f" + {place.start}" if place.start else "")
    else:
        bytes = f"{where}block + {place.offset}" if place.in_block else _at(program, place.offset, where)
    if place.element == "int8_t":
        return bytes
    # Cast by way of void: the planner aligns every tensor, but the compiler cannot know that.
    return f"({const}{place.element} *)({const}void *)({bytes})"


def call_text(program: Program, call: KernelCall) -> CallText:
    """A call as C, indented as it is in the template."""
    params = f"{program.name}_{call.id}_params"
    inputs = [_pointer(program, p, "const ") for p in call.inputs]
    outputs = [_pointer(program, p) for p in call.outputs]
    gathered = ""
    if call.gather == "inputs":
        gathered = _wrapped(f"const {call.inputs[0].element} *const inputs[] = {{", inputs, "};", 8)
        inputs = ["inputs"]
    elif call.gather == "outputs":
        gathered = _wrapped(f"{call.outputs[0].element} *const outputs[] = {{", outputs, "};", 8)
        outputs = ["outputs"]
    scratch = [] if call.scratch is None else [_at(program, call.scratch)]
    arguments = [*inputs, *outputs, *scratch]
    if call.variants and not call.parts:
        names = _variant_params(program, call)
        each = zip(call.variants, names, strict=True)
        definition = "\n".join(struct_definition(v.struct, name, v.params) for v, name in each)
        needed = [[*inputs, *outputs, *(scratch if v.scratch else [])] for v in call.variants]
        calls = [(v.function, [f"&{n}", *a]) for v, n, a in zip(call.variants, names, needed, strict=True)]
        return CallText(definition, _by_processor(program, calls, 4), "", "", "")
    definition = struct_definition(call.struct, params, call.params)
    if call.instance:
        instance = f"{program.name}_{call.id}_instance"
        types = {f"input{i}": f"const {place.element} *" for i, place in enumerate(call.inputs)}
        types |= {f"output{i}": f"{place.element} *" for i, place in enumerate(call.outputs)}
        types |= {"scratch": "void *"} if scratch else {}
        prototype = _wrapped(f"void {instance}(", [f"{type}{name}" for name, type in types.items()], ")", 0)
        body = _wrapped(f"{call.function}(", [f"&{params}", *types], ");", 4)
        return CallText(definition, _wrapped(f"{instance}(", arguments, ");", 4), "", prototype, body)
    statement = _wrapped(f"{call.function}(", [f"&{params}", *arguments], ");", 8 if gathered else 4)
    named = zip(call.parts, _part_names(program, call), strict=True)
    parts = tuple(_part_text(program, call, part, name) for part, name in named)
    return CallText(definition, statement, gathered, "", "", parts)


def _part_names(program: Program, call: KernelCall) -> list[str]:
    """The names of the parameters of a layer's parts."""
    return [f"{program.name}_{call.id}_part{k}_params" for k in range(len(call.parts))]


def _variant_params(program: Program, call: KernelCall, middle: str = "") -> list[str]:
    """The names of the parameters of a layer's variants, or of those of a part."""
    return [f"{program.name}_{call.id}{middle}_{symbol(name)}_params" for name in program.variants]


def _by_processor(program: Program, calls: Sequence[tuple[str, Sequence[str]]], indent: int) -> str:
    """A statement that calls one of several functions: that of the instruction set which the processor has."""
    blank = " " * indent
    lines = [f"switch ({program.name}_processor) {{"]
    for k, (function, arguments) in enumerate(calls):
        lines.append(f"{blank}{'default' if k + 1 == len(calls) else f'case {k}'}: /* {program.variants[k]} */")
        lines += [f"{blank}    {_wrapped(f'{function}(', arguments, ');', indent + 4)}", f"{blank}    break;"]
    return "\n".join([*lines, f"{blank}}}"])


def _part_params(program: Program) -> list[str]:
    """The parameters of all parts."""
    found = []
    for call in program.calls:
        for k, (part, name) in enumerate(zip(call.parts, _part_names(program, call), strict=True)):
            names = _variant_params(program, call, f"_part{k}")
            each = [(v.struct, n, v.parts[k]) for v, n in zip(call.variants, names, strict=False)]
            found += [struct_definition(*one) for one in each or [(call.struct, name, part.params)]]
    return found


def _part_text(program: Program, call: KernelCall, part: CallPart, params: str) -> str:
    """The call of a part, in the function that a thread calls."""
    inputs = [_pointer(program, place, "const ", "shared->") for place in part.inputs]
    scratch = [] if part.scratch is None else [f"shared->memory + {part.scratch}"]
    arguments = [*inputs, _pointer(program, part.output, where="shared->")]
    if call.variants:
        names = _variant_params(program, call, f"_part{call.parts.index(part)}")
        each = zip(call.variants, names, strict=True)
        calls = [(v.function, [f"&{name}", *arguments, *(scratch if v.scratch else [])]) for v, name in each]
        return _by_processor(program, calls, 8)
    return _wrapped(f"{call.function}(", [f"&{params}", *arguments, *scratch], ");", 8)


def _shared(program: Program) -> list[tuple[str, str]]:
    """Type and name of the pointers from which all parts find their operands."""
    inputs = [("const int8_t *", f"from_{port.id}") for port in program.inputs if port.direct]
    return [("int8_t *", "memory"), *([("int8_t *", "block")] if program.states else []), *inputs]


def _reach(program: Program, port: Port) -> str:
    """The declaration of the pointer at which kernels read an input."""
    size = f"sizeof *{port.id} * {program.name.upper()}_{port.id.upper()}_SIZE"
    head = f"const int8_t *const from_{port.id} = {program.name}_reachable("
    text = _wrapped(head, [_at(program, port.offset), port.id, size], ");", 4)
    places = [*(place for call in program.calls for place in call.inputs), *(state.after for state in program.states)]
    read = any(place.port is not None and program.inputs[place.port] is port for place in places)
    return text if read else f"{text}\n    (void)from_{port.id}; /* no layer reads it */"


def _glue_call(program: Program) -> str:
    """The model's function, called with arrays of pointers."""
    inputs = [f"(const {p.c_type} *)inputs[{i}]" for i, p in enumerate(program.inputs)]
    outputs = [f"({p.c_type} *)outputs[{i}]" for i, p in enumerate(program.outputs)]
    memory = ["arena", *(f"eq_arena_{share.room}" for share in program.arenas[1:])]
    memory += ["state"] if program.states else []
    if program.threads > 1:
        return _wrapped(f"{program.name}_run_with(", ["pool", *memory, *inputs, *outputs], ");", 11)
    return _wrapped(f"{program.name}_run(", [*memory, *inputs, *outputs], ");", 11)


def _other_arena(program: Program, port: Port) -> str:
    """The platform's array that a port lies in, unless that is the first arena's."""
    share = program.arena_at(port.offset)
    return "NULL" if share == program.arenas[0] else f"eq_arena_{share.room}"


def _arenas(program: Program, of: str = "") -> list[str]:
    """The names of a program's arenas, each behind `of`."""
    return [f"{of}{program.arena_name(share)}" for share in program.arenas]


def _call_without_pool(program: Program) -> str:
    """The function that takes a pool, called by the one that does not."""
    memory = [*_arenas(program), *(["state"] if program.states else [])]
    ports = [port.id for port in (*program.inputs, *program.outputs)]
    return _wrapped(f"{program.name}_run_with(", ["NULL", *memory, *ports], ");", 11)


def _signature(program: Program, pool: bool = False) -> str:
    """The parameters of the model's function, of the one with a pool if wanted."""
    arguments = [*_arenas(program, "void *"), *(["void *state"] if program.states else [])]
    arguments += [f"const {p.c_type} *{p.id}" for p in program.inputs]
    arguments += [f"{p.c_type} *{p.id}" for p in program.outputs]
    head = f"int {program.name}_run{'_with' if pool else ''}("
    return _wrapped(head, [*(["eq_pool *pool"] if pool else []), *arguments], "", 0).removeprefix(head)


def _weights_declarations(program: Program) -> list[str]:
    """Declarations of the constants for the code: of arrays, or of addresses."""
    constants = program.constants
    if program.weights.kind != "file":
        return [f"{array_declaration(c, 'extern')};" for c in constants]
    base = f"{program.name.upper()}_WEIGHTS_ADDRESS"
    return [
        f"#define {c.name} ((const {c_type(c.array.dtype)} *)({base} + {offset}u))"
        for c, offset in zip(constants, layout(constants)[0], strict=True)
    ]


def section_of(region: str) -> str:
    """The section of constants that lie in a region of memory."""
    return f".eq_in_{region}"


def _weights_definitions(program: Program) -> Iterator[str]:
    """The constants that are part of the program, which may be many megabytes."""
    usual = "EQ_WEIGHTS_SECTION" if program.weights.kind == "section" else ""

    def section(constant: Constant) -> str:
        region = program.constant_regions.get(constant.name)
        return usual if region is None else f'"{section_of(region)}"'

    def storage(constant: Constant) -> str:
        return f"EQ_SECTION({section(constant)})" if section(constant) else ""

    if program.weights.kind != "file":
        apart = {constant.name for constant in included(program)}
        yield from (array_definition(c, storage(c), strings=True) for c in program.constants if c.name not in apart)
        yield from definitions(included(program), file_name(program), [section(c) for c in included(program)])


def _has_strings(program: Program) -> bool:
    """Whether some of the constants are string literals."""
    apart = {constant.name for constant in included(program)}
    return program.weights.kind != "file" and any(is_long(c) for c in program.constants if c.name not in apart)


def _included_files(programs: Sequence[Program]) -> dict[str, bytes]:
    """The files that the assembler includes, by path."""
    return {f"src/{file_name(p)}": included_content(included(p)) for p in programs if included(p)}


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
    headers |= {STRINGS} if any(map(_has_strings, programs)) else set()
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
        files[path] = "".join([head, *(f"{definition}\n" for definition in _weights_definitions(program))])
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


def symbol(isa: str) -> str:
    """The name of an instruction set as a part of C names."""
    return isa.replace("-", "_")


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
        "signature": _signature(program),
        "signature_with": _signature(program, pool=True),
        "call_without": _call_without_pool(program),
        "shared": _shared(program),
        "parts": _part_params(program),
        "reach": lambda port: _reach(program, port),
        "glue_call": _glue_call(program),
        "pointer": lambda place: _pointer(program, place),
        "at": lambda offset: _at(program, offset),
        "offsets_of": lambda ports: ", ".join(str(p.offset - program.arena_at(p.offset).base) for p in ports),
        "arenas_of": lambda ports: ", ".join(_other_arena(program, port) for port in ports),
        "arena_of": lambda port: program.arena_name(program.arena_at(port.offset)),
        "arena_offset": lambda port: port.offset - program.arena_at(port.offset).base,
        "texts": {call.id: call_text(program, call) for call in program.calls},
        "features": _features(program, target),
        "detected": [(name, f"eq_has_{symbol(name)}()" if name in FEATURES else "1") for name in program.variants],
        "declarations": _weights_declarations(program),
        "strings": _has_strings(program),
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
    return _write(folder, manifest, chain(records, _included_files([program]).items(), _content(files, target)))


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
    content = chain(*records, _included_files(programs).items(), _content(files, target))
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
