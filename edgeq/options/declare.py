"""How a field declares an option, and what follows from the declaration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

from edgeq.options.kind import Kind

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Declaration = type[DataclassInstance]


@dataclass(frozen=True)
class Option:
    """The declaration of an option.

    Attributes:
        help: what it means: a phrase or sentences without the last full stop. Choices and the default are added.
        kind: how its values are written.
        commands: commands that take it; without any it is only for edgeq.toml and Python.
        flag: its name on the command line; by default made from the field's name.
        short: a second, short name there.
        key: its name in edgeq.toml, where that differs from the field's. Two options of one field exclude each other.
        metavar: what stands for a value in the help.
        default: what None or an empty value amounts to, in words.
        each: commands that take several models, for each of which it can be given, in their order.
    """

    help: str
    kind: Kind
    commands: tuple[str, ...] = ()
    flag: str = ""
    short: str = ""
    key: str = ""
    metavar: str = ""
    default: str = ""
    each: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """A field that is a table with options of its own.

    Attributes:
        help: what it is about.
        type: the dataclass that declares its options.
        each: the field of `type` that holds a table's name where there is a table for each of several names, such as
            layers; the annotated field is then a tuple of such values. Empty for a single table.
        kinds: the dataclasses that declare the options instead where the table says `kind = NAME`, each of which has an
            option of that name.
    """

    help: str
    type: Declaration
    each: str = ""
    kinds: Mapping[str, Declaration] = field(default_factory=dict)

    @property
    def variants(self) -> Mapping[tuple[str, ...], Declaration]:
        """The dataclasses by the kinds that they are for; that of all others first, by ()."""
        found: dict[tuple[str, ...], Declaration] = {(): self.type}
        for type in dict.fromkeys(self.kinds.values()):
            found[tuple(kind for kind, other in self.kinds.items() if other is type)] = type
        return found


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
    def assignment(self) -> str:
        """How edgeq.toml says it."""
        return f"{self.key} = {self.option.kind.toml.format(self.metavar)}"

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
        """The default, in words; "" if there is none to mention, or if another option of the field states it."""
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


@cache
def _declarations(type: Declaration) -> Mapping[str, tuple[tuple[Option | Section, ...], Any]]:
    """What every field declares, and its default."""
    hints = get_type_hints(type, include_extras=True)
    declarations: dict[str, tuple[tuple[Option | Section, ...], Any]] = {}
    for item in fields(type):
        hint = hints[item.name]
        notes = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
        declared = tuple(note for note in notes if isinstance(note, Option | Section))
        default = item.default if item.default_factory is MISSING else item.default_factory()
        declarations[item.name] = declared, default
    return declarations


def options(type: Declaration) -> tuple[Declared, ...]:
    """The options that a dataclass declares itself, in order, without those of its sections."""
    return tuple(
        Declared((name,), note, default)
        for name, (notes, default) in _declarations(type).items()
        for note in notes
        if isinstance(note, Option)
    )


def sections(type: Declaration) -> dict[str, Section]:
    """The sections that a dataclass declares, by field."""
    return {
        name: note for name, (notes, _) in _declarations(type).items() for note in notes if isinstance(note, Section)
    }


def options_of_command(type: Declaration, command: str) -> tuple[Declared, ...]:
    """All options that a command takes, those of sections too; in the order in which they are declared."""
    declared: list[Declared] = []
    for name, (notes, _) in _declarations(type).items():
        declared += [item for item in options(type) if item.path == (name,) and command in item.option.commands]
        for note in notes:
            if isinstance(note, Section) and not note.each:
                inner = options_of_command(note.type, command)
                declared += [replace(item, path=(name, *item.path)) for item in inner]
    return tuple(declared)
