"""Constants of C, arrays and parameter structs, as text. Used by the emitter and by the tests of operators."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType

WIDTH = 120
WORD = 4
"""Bytes to which 8- and 16-bit arrays are aligned, so that kernels may read them as words."""

STRINGS = "eq/strings.h"
"""The header without which compilers complain of long strings."""
LONG = 1024
"""Bytes from which on an array of bytes is written as a string: what a compiler reads 20 times faster than a list."""

Member = int | float | str | Sequence[int | float]
"""A member of a parameter struct whose arrays have names: a scalar, the name of a constant, or a short array."""

_C_TYPES = {
    "int8": "int8_t",
    "uint8": "uint8_t",
    "bool": "uint8_t",
    "int16": "int16_t",
    "uint16": "uint16_t",
    "int32": "int32_t",
    "uint32": "uint32_t",
    "int64": "int64_t",
    "float32": "float",
}
_OCTAL = np.array([f"\\{byte:03o}" for byte in range(256)], "S4")
_MINIMA = {-(2**31): "-2147483647 - 1", -(2**63): "-9223372036854775807 - 1"}


@dataclass(frozen=True, eq=False)
class Constant:
    """A constant array of the generated code."""

    name: str
    array: Array

    @property
    def alignment(self) -> int:
        """Bytes to which the array is aligned."""
        return max(WORD, self.array.itemsize)


def c_type(dtype: np.dtype[Any]) -> str:
    """The C type of an array's elements.

    Raises:
        ValueError: C has no fixed type for it.
    """
    type = _C_TYPES.get(dtype.name)
    if type is None:
        raise ValueError(f"no C type for elements of {dtype.name}")
    return type


def pointer_type(dtype: DType) -> str:
    """The C type by which kernels access a tensor's elements: bytes are int8_t, whatever they stand for."""
    return "int8_t" if dtype.bits == 8 else c_type(dtype.numpy)


def float_literal(value: float) -> str:
    """A float32 value, exactly."""
    text = f"{float(np.float32(value)):.9g}"
    return f"{text}f" if any(c in text for c in ".en") else f"{text}.0f"


def scalar_literal(value: float | np.number[Any]) -> str:
    """A number; integers stay integers."""
    if isinstance(value, (float, np.floating)):
        return float_literal(float(value))
    number = int(value)
    return _MINIMA.get(number, str(number))


def wrapped(items: Iterable[str], indent: str = "    ") -> str:
    """Comma-separated items, broken into lines of at most WIDTH columns, each indented."""
    lines: list[str] = []
    line: list[str] = []
    used = len(indent)
    for item in items:
        if line and used + len(item) + 1 > WIDTH:
            lines.append(indent + ", ".join(line) + ",")
            line, used = [], len(indent)
        line.append(item)
        used += len(item) + 2
    if line:
        lines.append(indent + ", ".join(line) + ",")
    return "\n".join(lines)


def _elements(array: Array) -> list[str]:
    flat = array.ravel()
    if flat.dtype.kind == "f":
        return [float_literal(v) for v in flat.tolist()]
    return [_MINIMA.get(v, str(v)) for v in flat.tolist()]


def array_declaration(constant: Constant, storage: str) -> str:
    """`<storage> const EQ_ALIGN(4) int8_t name[size]`, without a semicolon."""
    type = c_type(constant.array.dtype)
    align = f"EQ_ALIGN({constant.alignment}) " if constant.array.itemsize < WORD else ""
    return f"{storage} const {align}{type} {constant.name}[{constant.array.size}]".strip()


def array_definition(constant: Constant, storage: str = "static", strings: bool = False) -> str:
    """The definition of a constant array. Needs `eq/align.h`.

    Args:
        constant: the array.
        storage: what is written before its type.
        strings: long arrays of bytes may be string literals, which needs STRINGS.
    """
    declaration = array_declaration(constant, storage)
    if strings and is_long(constant):
        return f"{declaration} =\n{_string(constant.array)};\n"
    return f"{declaration} = {{\n{wrapped(_elements(constant.array))}\n}};\n"


def is_long(constant: Constant) -> bool:
    """Whether an array is better written as a string."""
    return constant.array.itemsize == 1 and constant.array.size >= LONG


def _string(array: Array) -> str:
    """Bytes as adjacent string literals of octal escapes, all of four characters, so that none runs into the next."""
    text = _OCTAL[array.reshape(-1).view(np.uint8)].tobytes().decode("ascii")
    step = (WIDTH - 6) // 4 * 4
    return "\n".join(f'    "{text[start : start + step]}"' for start in range(0, len(text), step))


def _member(value: Member) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float, np.number)):
        return scalar_literal(value)
    return "{" + ", ".join(scalar_literal(v) for v in value) + "}"


def struct_definition(struct: str, name: str, members: Mapping[str, Member], storage: str = "static") -> str:
    """A constant parameter struct with a designated initializer."""
    items = [f".{key} = {_member(value)}" for key, value in members.items()]
    return f"{storage} const {struct} {name} = {{\n{wrapped(items)}\n}};\n".lstrip()


def split_params(prefix: str, params: Mapping[str, Param]) -> tuple[tuple[Constant, ...], dict[str, Member]]:
    """Name the arrays among a kernel's parameters.

    Returns:
        The arrays as constants named `<prefix>_<member>`, with `_` for the dot of a nested one, and the members with
        arrays replaced by those names. An array without elements becomes a null pointer.
    """
    constants: list[Constant] = []
    members: dict[str, Member] = {}
    for key, value in params.items():
        if isinstance(value, np.ndarray):
            if value.size:
                constants.append(Constant(f"{prefix}_{key.replace('.', '_')}", value))
            members[key] = constants[-1].name if value.size else 0
        elif isinstance(value, Sequence):
            members[key] = tuple(value)
        else:
            members[key] = value
    return tuple(constants), members


def instance(kernel: Kernel, site: Site, name: str = "params") -> tuple[str, str]:
    """Everything a call of `kernel` at `site` needs, as static constants.

    The text needs the kernel's header and `eq/align.h` included before it.

    Returns:
        The declarations, and the name of the parameter struct among them (`name`).
    """
    constants, members = split_params(name, kernel.params(site))
    parts = [array_definition(c) for c in constants]
    return "\n".join([*parts, struct_definition(kernel.struct, name, members)]), name
