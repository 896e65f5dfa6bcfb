"""Options declared once.

An option is a field of a frozen dataclass whose annotation carries an `Option`:

    optimize: Annotated[Goal, Option("What the program is made for", choice(GOALS), commands=BUILD)] = "balanced"

The field is what the Python API takes. From the same declaration come the option of the command line, the key of
edgeq.toml with its error messages, and the row in docs/options.md. A field whose annotation carries a `Section` is
a table of such fields.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from edgeq.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    D = TypeVar("D", bound=DataclassInstance)
    Declaration = type[DataclassInstance]


@dataclass(frozen=True)
class Origin:
    """Where a value was said.

    Attributes:
        where: what an error names, such as `--optimize` or `edgeq.toml: [quantize] observer`.
        folder: what a relative path is relative to.
    """

    where: str
    folder: Path = Path()


@dataclass(frozen=True)
class Document:
    """A table of an edgeq.toml.

    Attributes:
        file: its name, or "" where the table is not from a file.
        path: names of the tables that lead to this one; () is the file itself.
        folder: what relative paths in it are relative to.
    """

    file: str = ""
    path: tuple[str, ...] = ()
    folder: Path = Path()

    @property
    def heading(self) -> str:
        """The line above it, such as [quantize]; "" for the file itself."""
        return f"[{'.'.join(self.path)}]" if self.path else ""

    @property
    def where(self) -> str:
        """What an error names that concerns the whole table."""
        return self._named(self.heading)

    def origin(self, key: str) -> Origin:
        """Where the value of `key` was said."""
        return Origin(self._named(f"{self.heading} {key}" if self.path else f"`{key}`"), self.folder)

    def below(self, name: str) -> Document:
        """The table called `name` in this one."""
        return replace(self, path=(*self.path, name))

    def _named(self, place: str) -> str:
        return ": ".join(part for part in (self.file, place) if part)


def _latest(before: Any, said: Any) -> Any:
    """What was said takes the place of what held before."""
    return said


@dataclass(frozen=True)
class Kind:
    """How the values of an option are written. A new kind is one more value of this type.

    Attributes:
        from_text: a text on the command line → the value; raises UsageError.
        from_toml: a value of an edgeq.toml → the value; raises UsageError.
        toml: how it is written there, with `{}` for the option's metavar.
        metavar: what stands for it in the help, unless the option has a metavar of its own.
        spelling: on the command line "value" follows the name; "on" is a flag that means true; "off" is one that means
            false and begins with --no-.
        choices: what can be chosen, with a note on each or "".
        gather: makes one value of those of an option that may be repeated; None: it may not.
        merge: makes what holds of what held before and of what was said (the command line goes before edgeq.toml).
    """

    from_text: Callable[[str, Origin], Any]
    from_toml: Callable[[Any, Origin], Any]
    toml: str = '"{}"'
    metavar: str = ""
    spelling: Literal["value", "on", "off"] = "value"
    choices: Mapping[str, str] = field(default_factory=dict)
    gather: Callable[[Sequence[Any]], Any] | None = None
    merge: Callable[[Any, Any], Any] = _latest


@dataclass(frozen=True)
class Option:
    """What a field says about itself as an option.

    Attributes:
        help: what it means: a phrase or sentences without the last full stop. Choices and the default are added.
        kind: how its values are written.
        commands: commands that take it; none: it is only for edgeq.toml and Python.
        flag: its name on the command line; by default made from the field's name.
        short: a second, short name there.
        key: its name in edgeq.toml, where that is not the field's. Two options of one field exclude each other.
        metavar: what stands for a value in the help.
        default: what None or an empty value comes to, in words.
    """

    help: str
    kind: Kind
    commands: tuple[str, ...] = ()
    flag: str = ""
    short: str = ""
    key: str = ""
    metavar: str = ""
    default: str = ""


@dataclass(frozen=True)
class Section:
    """A field that is a table with options of its own.

    Attributes:
        help: what it is about.
        type: the dataclass that declares its options.
        each: the field of `type` that holds a table's name where there is a table for each of several names, such as
            layers; the annotated field is then a tuple of them. "": it is one table.
    """

    help: str
    type: Declaration
    each: str = ""


@dataclass(frozen=True)
class Declared:
    """An option, and the field that declares it.

    Attributes:
        path: names of the fields that lead to it, its own last.
        default: the field's default; MISSING if it must be given.
    """

    path: tuple[str, ...]
    option: Option
    default: Any

    @property
    def key(self) -> str:
        """Its name in edgeq.toml."""
        return self.option.key or self.path[-1]

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        no = "no-" if self.option.kind.spelling == "off" else ""
        return self.option.flag or f"--{no}{self.key.replace('_', '-')}"

    @property
    def parameter(self) -> str:
        """The name of the parameter that a command takes it as."""
        return self.flag.lstrip("-").replace("-", "_")

    @property
    def metavar(self) -> str:
        """What stands for a value."""
        return self.option.metavar or self.option.kind.metavar

    @property
    def default_text(self) -> str:
        """The default, in words; "" if there is none to speak of, or if another option of the field tells it."""
        return self.option.default or ("" if self.option.key else shown(self.default))

    @property
    def meaning(self) -> str:
        """What it means and what can be chosen, without the last full stop."""
        choices = self.option.kind.choices
        return f"{self.option.help}: {_listed(choices, '')}" if choices else self.option.help

    @property
    def help(self) -> str:
        """What it means, what can be chosen, and what the default is."""
        kind, default = self.option.kind, self.default_text
        if default in kind.choices:
            return f"{self.option.help}: {_listed(kind.choices, default)}."
        return f"{self.meaning}; default: {default}." if default and kind.spelling == "value" else f"{self.meaning}."


def _listed(choices: Mapping[str, str], default: str) -> str:
    """What can be chosen, in words."""
    entries = []
    for name, note in choices.items():
        notes = [part for part in (note, "default" if name == default else "") if part]
        entries.append(f"{name} ({'; '.join(notes)})" if notes else name)
    if any(choices.values()):
        return "; ".join(entries)
    return f"{', '.join(entries[:-1])} or {entries[-1]}"


def shown(value: Any) -> str:
    """A value as it is written in text; "" for what says nothing (None, MISSING, an empty collection)."""
    if value is None or value is MISSING:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return ", ".join(map(shown, value))
    return str(value) if isinstance(value, str | int | Path) else ""


# Kinds


def _refusal(value: object, what: str, origin: Origin, hint: str = "") -> UsageError:
    return UsageError(f"{value!r} is {what}", hint=hint, where=origin.where)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _text(value: Any, origin: Origin) -> str:
    if not isinstance(value, str):
        raise _refusal(value, "not a text in quotes", origin)
    return value


def _path(value: Any, origin: Origin) -> Path:
    return origin.folder / _text(value, origin)


def _flag(value: Any, origin: Origin) -> bool:
    if not isinstance(value, bool):
        raise _refusal(value, "neither true nor false", origin)
    return value


def _no_text(value: str, origin: Origin) -> bool:
    raise _refusal(value, "more than a flag takes", origin)


def _integer(value: Any, origin: Origin) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _refusal(value, "not a whole number", origin)
    return value


def _integer_text(value: str, origin: Origin) -> int:
    try:
        return int(value, 0)
    except ValueError as error:
        raise _refusal(value, "not a whole number", origin) from error


def _number(value: Any, origin: Origin) -> float:
    if not _is_number(value):
        raise _refusal(value, "not a number", origin)
    return float(value)


def _number_text(value: str, origin: Origin) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise _refusal(value, "not a number", origin) from error


_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_SIZE_HINT = "write it in bytes, or as 64K or 2M (1K is 1024 bytes)"


def _bytes(value: Any, origin: Origin) -> int:
    if isinstance(value, str):
        return _bytes_text(value, origin)
    if not _is_count(value):
        raise _refusal(value, "not a whole number greater than 0", origin, _SIZE_HINT)
    return int(value)


def _bytes_text(value: str, origin: Origin) -> int:
    digits = value.strip().lower().removesuffix("b").removesuffix("i")
    unit = digits[-1:] if digits[-1:].isalpha() else ""
    digits = digits.removesuffix(unit).strip()
    if unit not in _UNITS or not (digits.isascii() and digits.isdigit()) or int(digits) == 0:
        raise _refusal(value, "not a number of bytes greater than 0", origin, _SIZE_HINT)
    return int(digits) * _UNITS[unit]


_ADDRESS_HINT = "write it as 0x90000000"


def _address(value: Any, origin: Origin) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _refusal(value, "not an address, which is a whole number", origin, _ADDRESS_HINT)
    return value


def _address_text(value: str, origin: Origin) -> int:
    try:
        return _address(int(value, 0), origin)
    except ValueError as error:
        raise _refusal(value, "not an address", origin, _ADDRESS_HINT) from error


def _numbers(value: Any, origin: Origin) -> tuple[float, ...]:
    entries = value if isinstance(value, list | tuple) else [value]
    if not entries or not all(map(_is_number, entries)):
        raise _refusal(value, "neither a number nor a list of numbers", origin)
    return tuple(map(float, entries))


def _numbers_text(value: str, origin: Origin) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in value.split(","))
    except ValueError as error:
        hint = "write it as 0.5 or 0.485,0.456,0.406"
        raise _refusal(value, "neither a number nor a list of numbers", origin, hint) from error


def _bounds(value: Any, origin: Origin) -> tuple[float, float]:
    numbers = isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_number, value))
    if not numbers or not float("-inf") < value[0] < value[1] < float("inf"):
        raise _refusal(value, "not [low, high] with low < high", origin)
    return float(value[0]), float(value[1])


def _bounds_text(value: str, origin: Origin) -> tuple[float, float]:
    return _bounds(_numbers_text(value, origin), origin)


def _names(value: Any, origin: Origin) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise _refusal(value, "not a list of texts in quotes", origin, 'write it as ["first", "second"]')
    return tuple(value)


def _merged(before: Mapping[Any, Any], said: Mapping[Any, Any]) -> dict[Any, Any]:
    return {**before, **said}


def _shapes(value: Any, origin: Origin) -> dict[str, tuple[int, ...]]:
    if not isinstance(value, Mapping):
        raise _refusal(value, "not a table", origin, "write a line such as image = [1, 3, 224, 224] in a table")
    for name, shape in value.items():
        if not isinstance(shape, list) or not all(_is_count(size) for size in shape):
            hint = "write it as [1, 3, 224, 224]"
            raise UsageError(f"{shape!r} is not the shape of an input", hint=hint, where=f"{origin.where} {name}")
    return {str(name): tuple(shape) for name, shape in value.items()}


def _shape_text(value: str, origin: Origin) -> tuple[str, tuple[int, ...]]:
    name, _, text = value.rpartition("=")
    sizes = text.replace("x", ",").split(",")
    if not name or not all(size.strip().isdigit() and int(size) > 0 for size in sizes):
        raise _refusal(value, "not an input shape", origin, "write it as NAME=1,3,224,224")
    return name, tuple(map(int, sizes))


TEXT = Kind(_text, _text, metavar="NAME")
PATH = Kind(_path, _path, metavar="FILE")
ON = Kind(_no_text, _flag, "true", spelling="on")
"""A flag that is off unless it is said; in edgeq.toml true or false."""
OFF = Kind(_no_text, _flag, "false", spelling="off")
"""A flag that is on unless --no-… is said, whose help says what comes of that."""
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


def choice(values: Iterable[str | Enum], notes: Mapping[str, str] | None = None, metavar: str = "") -> Kind:
    """One of `values`. Upper and lower case, and `_` and `-`, are the same.

    Args:
        values: texts, or members of an enumeration whose values are texts.
        notes: what is to be said of some of them.
        metavar: what stands for one in the help.
    """
    by_name = {str(value.value) if isinstance(value, Enum) else value: value for value in values}

    def chosen(value: Any, origin: Origin) -> str | Enum:
        name = value.strip().lower().replace("_", "-") if isinstance(value, str) else value
        if not isinstance(name, str) or name not in by_name:
            raise _refusal(value, "not possible", origin, f"use one of {', '.join(by_name)}")
        return by_name[name]

    return Kind(chosen, chosen, metavar=metavar, choices={name: (notes or {}).get(name, "") for name in by_name})


# Declarations


@cache
def _declarations(type: Declaration) -> Mapping[str, tuple[tuple[Option | Section, ...], Any]]:
    """What every field says about itself, and its default."""
    hints = get_type_hints(type, include_extras=True)
    told: dict[str, tuple[tuple[Option | Section, ...], Any]] = {}
    for item in fields(type):
        hint = hints[item.name]
        notes = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
        about = tuple(note for note in notes if isinstance(note, Option | Section))
        default = item.default if item.default_factory is MISSING else item.default_factory()
        told[item.name] = about, default
    return told


def options(type: Declaration) -> tuple[Declared, ...]:
    """The options that a dataclass declares itself, in order; those of its sections apart."""
    return tuple(
        Declared((name,), about, default)
        for name, (told, default) in _declarations(type).items()
        for about in told
        if isinstance(about, Option)
    )


def sections(type: Declaration) -> dict[str, Section]:
    """The sections that a dataclass declares, by field."""
    return {
        name: about for name, (told, _) in _declarations(type).items() for about in told if isinstance(about, Section)
    }


def options_of_command(type: Declaration, command: str) -> tuple[Declared, ...]:
    """All options that a command takes, those of sections too; in the order in which they are declared."""
    found: list[Declared] = []
    for name, (told, _) in _declarations(type).items():
        found += [item for item in options(type) if item.path == (name,) and command in item.option.commands]
        for about in told:
            if isinstance(about, Section) and not about.each:
                inner = options_of_command(about.type, command)
                found += [replace(item, path=(name, *item.path)) for item in inner]
    return tuple(found)


# Reading


def read_table(type: type[D], table: Mapping[str, Any], document: Document) -> D:
    """The dataclass that a table of an edgeq.toml describes. In keys `_` and `-` are the same.

    Raises:
        UsageError: an unknown key, a value of the wrong kind, keys that exclude each other, or one that is missing.
    """
    return type(**_values(type, table, document))


def _values(type: Declaration, table: Mapping[str, Any], document: Document) -> dict[str, Any]:
    """The fields that a table sets."""
    by_key, inner = {item.key: item for item in options(type)}, sections(type)
    values: dict[str, Any] = {}
    keys: dict[str, str] = {}
    for written, value in table.items():
        key = str(written).replace("-", "_")
        if key in inner:
            values[key] = _read_section(inner[key], value, document.below(key), document.origin(key))
        elif key in by_key:
            name = by_key[key].path[-1]
            if name in keys:
                raise _exclusion(f"`{keys[name]}`", f"`{key}`", document.where)
            keys[name] = key
            values[name] = by_key[key].option.kind.from_toml(value, document.origin(key))
        else:
            raise _unknown(str(written), [*by_key, *inner], document.where)
    for item in by_key.values():
        if item.default is MISSING and item.path[-1] not in values:
            example = item.option.kind.toml.format(item.metavar)
            hint = f"add a line such as {item.key} = {example}"
            raise UsageError(f"`{item.key}` is missing", hint=hint, where=document.where)
    return values


def _read_section(section: Section, value: Any, document: Document, origin: Origin) -> Any:
    hint = f"write {document.heading}" if not section.each else f"write {document.below('NAME').heading}"
    if not isinstance(value, Mapping):
        raise _refusal(value, "not a table", origin, hint)
    if not section.each:
        return read_table(section.type, value, document)
    tables = []
    for name, inner in value.items():
        below = document.below(f'"{name}"')
        if not isinstance(inner, Mapping):
            raise _refusal(inner, "not a table", Origin(below.where), hint)
        tables.append(section.type(**{section.each: str(name)}, **_values(section.type, inner, below)))
    return tuple(tables)


def _unknown(key: str, known: Sequence[str], where: str) -> UsageError:
    near = difflib.get_close_matches(key.replace("-", "_"), known, n=1)
    hint = f"did you mean {near[0]}?\n" if near else ""
    return UsageError(f"unknown key {key!r}", hint=f"{hint}allowed: {', '.join(known)}", where=where)


def _exclusion(first: str, second: str, where: str = "") -> UsageError:
    return UsageError(f"{first} and {second} exclude each other", hint="leave one of them out", where=where)


def read_arguments(type: Declaration, command: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What was said on the command line, as values for `override`.

    Args:
        type: the dataclass that declares the options.
        command: the command's name.
        arguments: for every option's `parameter` the text, list of texts or flag that was given; None, False and an
            empty list are nothing.

    Raises:
        UsageError: a value of the wrong kind, or options that exclude each other.
    """
    values: dict[str, Any] = {}
    flags: dict[tuple[str, ...], str] = {}
    for item in options_of_command(type, command):
        given = arguments.get(item.parameter)
        if given is None or given is False or given == []:
            continue
        if item.path in flags:
            raise _exclusion(flags[item.path], item.flag)
        flags[item.path] = item.flag
        table = values
        for name in item.path[:-1]:
            table = table.setdefault(name, {})
        table[item.path[-1]] = _from_argument(item, given)
    return values


def _from_argument(item: Declared, given: Any) -> Any:
    kind, origin = item.option.kind, Origin(item.flag)
    if kind.spelling != "value":
        return kind.spelling == "on"
    if kind.gather is not None:
        return kind.gather([kind.from_text(text, origin) for text in given])
    return kind.from_text(given, origin)


def override(settings: D, values: Mapping[str, Any]) -> D:
    """`settings` with the values of `values`, where a section is a mapping of the same kind.

    Raises:
        UsageError: values do not go together.
    """
    changed: dict[str, Any] = {}
    inner = sections(type(settings))
    merges = {item.path[-1]: item.option.kind.merge for item in options(type(settings))}
    for name, value in values.items():
        before = getattr(settings, name)
        if name in inner:
            changed[name] = inner[name].type(**value) if before is None else override(before, value)
        else:
            changed[name] = merges[name](before, value)
    return replace(settings, **changed)
