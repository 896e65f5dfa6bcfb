"""A program's constants as C."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edgeq.codegen.included import content as included_content
from edgeq.codegen.included import definitions, file_name, included
from edgeq.codegen.literals import Constant, array_declaration, array_definition, c_type, is_long
from edgeq.codegen.program import Program
from edgeq.codegen.weights import layout


def declarations(program: Program) -> list[str]:
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


def definitions_of(program: Program) -> Iterator[str]:
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


def has_strings(program: Program) -> bool:
    """Whether some of the constants are string literals."""
    apart = {constant.name for constant in included(program)}
    return program.weights.kind != "file" and any(is_long(c) for c in program.constants if c.name not in apart)


def included_files(programs: Sequence[Program]) -> dict[str, bytes]:
    """The files that the assembler includes, by path."""
    return {f"src/{file_name(p)}": included_content(included(p)) for p in programs if included(p)}
