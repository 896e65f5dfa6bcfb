"""Large constants as bytes of a file beside the code, which the assembler includes (`.incbin`).

A compiler reads 25 MB of string literals in two seconds and half a gigabyte; the assembler copies a file in no time.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeq.codegen.literals import Constant
    from edgeq.codegen.program import Program

HEADER = "eq/incbin.h"
"""The header with the macro."""
WORTHWHILE = 1 << 20
"""Bytes of a program's large constants from which on they are included: C text of fewer compiles in a tenth of a
second, and has no second file to be kept beside it."""
LEAST = 4096
"""Bytes of a constant from which on it is large."""


def file_name(program: Program) -> str:
    """The name of the file with the large constants, which is beside the code."""
    return f"{program.name}_weights.bin"


def included(program: Program) -> tuple[Constant, ...]:
    """The constants that are included, in their order in the file; none if they are C text."""
    if not program.weights.included:
        return ()
    large = tuple(constant for constant in program.constants if constant.array.nbytes >= LEAST)
    return large if sum(constant.array.nbytes for constant in large) >= WORTHWHILE else ()


def content(constants: Sequence[Constant]) -> bytes:
    """The file: all constants without gaps, little-endian."""
    return b"".join(c.array.astype(c.array.dtype.newbyteorder("<"), copy=False).tobytes() for c in constants)


def definitions(constants: Sequence[Constant], file: str, sections: Sequence[str]) -> list[str]:
    """The definitions of constants in C, by the macro of HEADER.

    Args:
        constants: all that are in the file, in order.
        file: its name.
        sections: for each the section it goes to, as a string of C; "" for one of its own.
    """
    ends = accumulate(constant.array.nbytes for constant in constants)
    return [
        f"EQ_INCBIN({section or _own_section(c)}, {c.name}, {c.alignment},\n"
        f'          "{file}", {end - c.array.nbytes}, {c.array.nbytes});\n'
        for c, end, section in zip(constants, ends, sections, strict=True)
    ]


def _own_section(constant: Constant) -> str:
    return f'".rodata.{constant.name}"'
