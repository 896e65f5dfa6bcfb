"""How the values of options are written, on the command line and in an edgeq.toml."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from edgeq.errors import UsageError


@dataclass(frozen=True)
class Origin:
    """Where a value was set.

    Attributes:
        where: what an error names, such as `--optimize` or `edgeq.toml: [quantize] observer`.
        folder: what a relative path is relative to.
    """

    where: str
    folder: Path = Path()


def _latest(earlier: Any, later: Any) -> Any:
    """The later value replaces the earlier one."""
    return later


@dataclass(frozen=True)
class Kind:
    """How the values of an option are written. A new kind is one more value of this type.

    Attributes:
        from_text: a text on the command line → the value; raises UsageError.
        from_toml: a value of an edgeq.toml → the value; raises UsageError.
        toml: how it is written there, with `{}` for the option's metavar.
        metavar: what stands for it in the help, unless the option has a metavar of its own.
        spelling: how it is written on the command line: "value" if a value follows the name; "on" for a flag that means
            true; "off" for one that means false and begins with --no-.
        choices: what can be chosen, with a note on each or "".
        gather: combines the values of an option that may be repeated; None if it may not.
        merge: combines an earlier value with a later one (edgeq.toml comes before the command line).
    """

    from_text: Callable[[str, Origin], Any]
    from_toml: Callable[[Any, Origin], Any]
    toml: str = '"{}"'
    metavar: str = ""
    spelling: Literal["value", "on", "off"] = "value"
    choices: Mapping[str, str] = field(default_factory=dict)
    gather: Callable[[Sequence[Any]], Any] | None = None
    merge: Callable[[Any, Any], Any] = _latest


def refusal(value: object, what: str, origin: Origin, hint: str = "") -> UsageError:
    """The error that a value is `what`, which it must not be."""
    return UsageError(f"{value!r} is {what}", hint=hint, where=origin.where)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _text(value: Any, origin: Origin) -> str:
    if not isinstance(value, str):
        raise refusal(value, "not a text in quotes", origin)
    return value


def _path(value: Any, origin: Origin) -> Path:
    return origin.folder / _text(value, origin)


def _flag(value: Any, origin: Origin) -> bool:
    if not isinstance(value, bool):
        raise refusal(value, "neither true nor false", origin)
    return value


def _no_text(value: str, origin: Origin) -> bool:
    raise refusal(value, "more than a flag takes", origin)


def _integer(value: Any, origin: Origin) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise refusal(value, "not a whole number", origin)
    return value


def _integer_text(value: str, origin: Origin) -> int:
    try:
        return int(value, 0)
    except ValueError as error:
        raise refusal(value, "not a whole number", origin) from error


def _number(value: Any, origin: Origin) -> float:
    if not _is_number(value):
        raise refusal(value, "not a number", origin)
    return float(value)


def _number_text(value: str, origin: Origin) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise refusal(value, "not a number", origin) from error


_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_SIZE_HINT = "write it in bytes, or as 64K or 2M (1K is 1024 bytes)"


def _bytes(value: Any, origin: Origin) -> int:
    if isinstance(value, str):
        return _bytes_text(value, origin)
    if not _is_count(value):
        raise refusal(value, "not a whole number greater than 0", origin, _SIZE_HINT)
    return int(value)


def _bytes_text(value: str, origin: Origin) -> int:
    digits = value.strip().lower().removesuffix("b").removesuffix("i")
    unit = digits[-1:] if digits[-1:].isalpha() else ""
    digits = digits.removesuffix(unit).strip()
    if unit not in _UNITS or not (digits.isascii() and digits.isdigit()) or int(digits) == 0:
        raise refusal(value, "not a number of bytes greater than 0", origin, _SIZE_HINT)
    return int(digits) * _UNITS[unit]


_ADDRESS_HINT = "write it as 0x90000000"


def _address(value: Any, origin: Origin) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise refusal(value, "not an address, which is a whole number", origin, _ADDRESS_HINT)
    return value


def _address_text(value: str, origin: Origin) -> int:
    try:
        return _address(int(value, 0), origin)
    except ValueError as error:
        raise refusal(value, "not an address", origin, _ADDRESS_HINT) from error


def _numbers(value: Any, origin: Origin) -> tuple[float, ...]:
    entries = value if isinstance(value, list | tuple) else [value]
    if not entries or not all(map(_is_number, entries)):
        raise refusal(value, "neither a number nor a list of numbers", origin)
    return tuple(map(float, entries))


def _numbers_text(value: str, origin: Origin) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in value.split(","))
    except ValueError as error:
        hint = "write it as 0.5 or 0.485,0.456,0.406"
        raise refusal(value, "neither a number nor a list of numbers", origin, hint) from error


def _bounds(value: Any, origin: Origin) -> tuple[float, float]:
    numbers = isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_number, value))
    if not numbers or not float("-inf") < value[0] < value[1] < float("inf"):
        raise refusal(value, "not [low, high] with low < high", origin)
    return float(value[0]), float(value[1])


def _bounds_text(value: str, origin: Origin) -> tuple[float, float]:
    return _bounds(_numbers_text(value, origin), origin)


def _names(value: Any, origin: Origin) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise refusal(value, "not a list of texts in quotes", origin, 'write it as ["first", "second"]')
    return tuple(value)


def _merged(earlier: Mapping[Any, Any], later: Mapping[Any, Any]) -> dict[Any, Any]:
    return {**earlier, **later}


def _shapes(value: Any, origin: Origin) -> dict[str, tuple[int, ...]]:
    if not isinstance(value, Mapping):
        raise refusal(value, "not a table", origin, "write a line such as image = [1, 3, 224, 224] in a table")
    for name, shape in value.items():
        if not isinstance(shape, list) or not all(_is_count(size) for size in shape):
            hint = "write it as [1, 3, 224, 224]"
            raise UsageError(f"{shape!r} is not the shape of an input", hint=hint, where=f"{origin.where} {name}")
    return {str(name): tuple(shape) for name, shape in value.items()}


def _shape_text(value: str, origin: Origin) -> tuple[str, tuple[int, ...]]:
    name, _, text = value.rpartition("=")
    sizes = text.replace("x", ",").split(",")
    if not name or not all(size.strip().isdigit() and int(size) > 0 for size in sizes):
        raise refusal(value, "not an input shape", origin, "write it as NAME=1,3,224,224")
    return name, tuple(map(int, sizes))


def _pairs(value: Any, origin: Origin) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise refusal(value, "not a table", origin, 'write a line such as state_out = "state_in" in a table')
    for name, other in value.items():
        if not isinstance(other, str):
            raise UsageError(
                f"{other!r} is not a text in quotes", hint="write it in quotes", where=f"{origin.where} {name}"
            )
    return {str(name): str(other) for name, other in value.items()}


def _pair_text(value: str, origin: Origin) -> tuple[str, str]:
    name, _, other = value.rpartition("=")
    if not name or not other:
        raise refusal(value, "not a pair of names", origin, "write it as OUT=IN: an output, and the input it becomes")
    return name, other


def _places(value: Any, origin: Origin) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise refusal(value, "not a table", origin, 'write a line such as arena = "dtcm" in a table')
    entries = {str(name): [regions] if isinstance(regions, str) else regions for name, regions in value.items()}
    for name, regions in entries.items():
        if not isinstance(regions, list) or not regions or not all(isinstance(r, str) and r for r in regions):
            hint = 'write it as "dtcm" or ["dtcm", "ram"]'
            raise UsageError(f"{regions!r} is no region of memory", hint=hint, where=f"{origin.where} {name}")
    return {name: tuple(regions) for name, regions in entries.items()}


def _place_text(value: str, origin: Origin) -> tuple[str, tuple[str, ...]]:
    name, _, text = value.rpartition("=")
    regions = tuple(region.strip() for region in text.split(","))
    if not name or not all(regions):
        raise refusal(value, "not a place", origin, "write it as arena=dtcm or arena=dtcm,ram")
    return name, regions


TEXT = Kind(_text, _text, metavar="NAME")
PATH = Kind(_path, _path, metavar="FILE")
ON = Kind(_no_text, _flag, "true", spelling="on")
"""A flag that is off unless it is given; in edgeq.toml true or false."""
OFF = Kind(_no_text, _flag, "false", spelling="off")
"""A flag that is on unless --no-… is given, whose help says what that does."""
INTEGER = Kind(_integer_text, _integer, "{}", "N")
NUMBER = Kind(_number_text, _number, "{}", "X")
NUMBERS = Kind(_numbers_text, _numbers, "[{}]", "X,X,X")
"""One number, or one for each of something."""
BOUNDS = Kind(_bounds_text, _bounds, "[{}]", "LOW,HIGH")
BYTES = Kind(_bytes_text, _bytes, "{}", "N")
"""A number of bytes, greater than 0; in text also with a unit."""
ADDRESS = Kind(_address_text, _address, "{}", "ADDRESS")
NAMES = Kind(_text, _names, '["{}"]', "NAME", gather=tuple)
"""Names; on the command line the option is repeated."""
SHAPES = Kind(_shape_text, _shapes, "{{ NAME = [1, 3, 224, 224] }}", "NAME=1,3,224,224", gather=dict, merge=_merged)
"""Shapes by name; on the command line the option is repeated."""
PAIRS = Kind(_pair_text, _pairs, '{{ OUT = "IN" }}', "OUT=IN", gather=dict, merge=_merged)
"""Names by name; on the command line the option is repeated."""
PLACES = Kind(_place_text, _places, '{{ arena = "dtcm" }}', "WHAT=REGION", gather=dict, merge=_merged)
"""Regions of memory by what lies in them; on the command line the option is repeated."""


def counts(values: Sequence[int | str], notes: Mapping[int | str, str] | None = None, metavar: str = "N") -> Kind:
    """One of some whole numbers, or of some words, with notes on some of them."""

    def checked(value: int | str, origin: Origin) -> int | str:
        if value not in values:
            raise refusal(value, "not possible", origin, f"use one of {', '.join(map(str, values))}")
        return value

    words = any(isinstance(value, str) for value in values)

    def read(value: Any, origin: Origin, whole: Callable[[Any, Origin], int]) -> int | str:
        is_word = words and isinstance(value, str) and not value.isdecimal()
        return checked(value if is_word else whole(value, origin), origin)

    return Kind(
        lambda value, origin: read(value, origin, _integer_text),
        lambda value, origin: read(value, origin, _integer),
        "{}",
        metavar,
        choices={str(value): (notes or {}).get(value, "") for value in values},
    )


def choice(values: Iterable[str | Enum], notes: Mapping[str, str] | None = None, metavar: str = "") -> Kind:
    """One of `values`. Upper and lower case, and `_` and `-`, are the same.

    Args:
        values: texts, or members of an enumeration whose values are texts.
        notes: remarks on some of them.
        metavar: what stands for a value in the help.
    """
    by_name = {str(value.value) if isinstance(value, Enum) else value: value for value in values}

    def chosen(value: Any, origin: Origin) -> str | Enum:
        name = value.strip().lower().replace("_", "-") if isinstance(value, str) else value
        if not isinstance(name, str) or name not in by_name:
            near = difflib.get_close_matches(name, by_name, n=1) if isinstance(name, str) else []
            guess = f"; did you mean {near[0]}?" if near else ""
            raise refusal(value, "not possible", origin, f"use one of {', '.join(by_name)}{guess}")
        return by_name[name]

    return Kind(chosen, chosen, metavar=metavar, choices={name: (notes or {}).get(name, "") for name in by_name})
