"""A program's calls and functions as C: what the templates of a model's own files are filled with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeq.codegen.literals import WIDTH, struct_definition
from edgeq.codegen.program import CallPart, KernelCall, Place, Port, Program


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


def at(program: Program, offset: int, where: str = "") -> str:
    """A byte of the arenas; `where` stands before the names of the pointers to them."""
    share = program.arena_at(offset)
    return f"{where}{program.arena_name(share).replace('arena', 'memory', 1)} + {offset - share.base}"


def pointer(program: Program, place: Place, const: str = "", where: str = "") -> str:
    """The pointer to a tensor that a kernel gets. Offsets are in bytes, as `memory` and the inputs point to bytes.

    Args:
        program, place: the tensor.
        const: "const " for one that is read.
        where: what stands before the names of these pointers.
    """
    if place.port is not None:
        bytes = f"{where}from_{program.inputs[place.port].id}" + (f" + {place.start}" if place.start else "")
    else:
        bytes = f"{where}block + {place.offset}" if place.in_block else at(program, place.offset, where)
    if place.element == "int8_t":
        return bytes
    # Cast by way of void: the planner aligns every tensor, but the compiler cannot know that.
    return f"({const}{place.element} *)({const}void *)({bytes})"


def call_text(program: Program, call: KernelCall) -> CallText:
    """A call as C, indented as it is in the template."""
    params = f"{program.name}_{call.id}_params"
    inputs = [pointer(program, p, "const ") for p in call.inputs]
    outputs = [pointer(program, p) for p in call.outputs]
    gathered = ""
    if call.gather == "inputs":
        gathered = _wrapped(f"const {call.inputs[0].element} *const inputs[] = {{", inputs, "};", 8)
        inputs = ["inputs"]
    elif call.gather == "outputs":
        gathered = _wrapped(f"{call.outputs[0].element} *const outputs[] = {{", outputs, "};", 8)
        outputs = ["outputs"]
    scratch = [] if call.scratch is None else [at(program, call.scratch)]
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


def part_params(program: Program) -> list[str]:
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
    inputs = [pointer(program, place, "const ", "shared->") for place in part.inputs]
    scratch = [] if part.scratch is None else [f"shared->memory + {part.scratch}"]
    arguments = [*inputs, pointer(program, part.output, where="shared->")]
    if call.variants:
        names = _variant_params(program, call, f"_part{call.parts.index(part)}")
        each = zip(call.variants, names, strict=True)
        calls = [(v.function, [f"&{name}", *arguments, *(scratch if v.scratch else [])]) for v, name in each]
        return _by_processor(program, calls, 8)
    return _wrapped(f"{call.function}(", [f"&{params}", *arguments, *scratch], ");", 8)


def shared_pointers(program: Program) -> list[tuple[str, str]]:
    """Type and name of the pointers from which all parts find their operands."""
    inputs = [("const int8_t *", f"from_{port.id}") for port in program.inputs if port.direct]
    return [("int8_t *", "memory"), *([("int8_t *", "block")] if program.states else []), *inputs]


def reach(program: Program, port: Port) -> str:
    """The declaration of the pointer at which kernels read an input."""
    size = f"sizeof *{port.id} * {program.name.upper()}_{port.id.upper()}_SIZE"
    head = f"const int8_t *const from_{port.id} = {program.name}_reachable("
    text = _wrapped(head, [at(program, port.offset), port.id, size], ");", 4)
    places = [*(place for call in program.calls for place in call.inputs), *(state.after for state in program.states)]
    read = any(place.port is not None and program.inputs[place.port] is port for place in places)
    return text if read else f"{text}\n    (void)from_{port.id}; /* no layer reads it */"


def glue_call(program: Program) -> str:
    """The model's function, called with arrays of pointers."""
    inputs = [f"(const {p.c_type} *)inputs[{i}]" for i, p in enumerate(program.inputs)]
    outputs = [f"({p.c_type} *)outputs[{i}]" for i, p in enumerate(program.outputs)]
    memory = ["arena", *(f"eq_arena_{share.room}" for share in program.arenas[1:])]
    memory += ["state"] if program.states else []
    if program.threads > 1:
        return _wrapped(f"{program.name}_run_with(", ["pool", *memory, *inputs, *outputs], ");", 11)
    return _wrapped(f"{program.name}_run(", [*memory, *inputs, *outputs], ");", 11)


def other_arena(program: Program, port: Port) -> str:
    """The platform's array that a port lies in, unless that is the first arena's."""
    share = program.arena_at(port.offset)
    return "NULL" if share == program.arenas[0] else f"eq_arena_{share.room}"


def _arenas(program: Program, of: str = "") -> list[str]:
    """The names of a program's arenas, each behind `of`."""
    return [f"{of}{program.arena_name(share)}" for share in program.arenas]


def call_without_pool(program: Program) -> str:
    """The function that takes a pool, called by the one that does not."""
    memory = [*_arenas(program), *(["state"] if program.states else [])]
    ports = [port.id for port in (*program.inputs, *program.outputs)]
    return _wrapped(f"{program.name}_run_with(", ["NULL", *memory, *ports], ");", 11)


def signature(program: Program, pool: bool = False) -> str:
    """The parameters of the model's function, of the one with a pool if wanted."""
    arguments = [*_arenas(program, "void *"), *(["void *state"] if program.states else [])]
    arguments += [f"const {p.c_type} *{p.id}" for p in program.inputs]
    arguments += [f"{p.c_type} *{p.id}" for p in program.outputs]
    head = f"int {program.name}_run{'_with' if pool else ''}("
    return _wrapped(head, [*(["eq_pool *pool"] if pool else []), *arguments], "", 0).removeprefix(head)


def symbol(isa: str) -> str:
    """The name of an instruction set as a part of C names."""
    return isa.replace("-", "_")
