"""Reading options from an edgeq.toml and from the command line."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from edgeq.errors import UsageError
from edgeq.options.declare import Declared, Section, options, options_of_command, sections
from edgeq.options.kind import Origin, refusal

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from edgeq.options.declare import Declaration

    D = TypeVar("D", bound=DataclassInstance)


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
        """What an error that concerns the whole table names."""
        return self._named(self.heading)

    def origin(self, key: str) -> Origin:
        """Where the value of `key` was set."""
        return Origin(self._named(f"{self.heading} {key}" if self.path else f"`{key}`"), self.folder)

    def below(self, name: str) -> Document:
        """The table called `name` in this one."""
        return replace(self, path=(*self.path, name))

    def _named(self, place: str) -> str:
        return ": ".join(part for part in (self.file, place) if part)


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
    for spelling, value in table.items():
        key = str(spelling).replace("-", "_")
        if key in inner:
            values[key] = _read_section(inner[key], value, document.below(key), document.origin(key))
        elif key in by_key:
            name = by_key[key].path[-1]
            if name in keys:
                raise _exclusion(f"`{keys[name]}`", f"`{key}`", document.where)
            keys[name] = key
            values[name] = by_key[key].option.kind.from_toml(value, document.origin(key))
        else:
            raise _unknown(str(spelling), [*by_key, *inner], document.where)
    for item in by_key.values():
        if item.default is MISSING and item.path[-1] not in values:
            example = item.option.kind.toml.format(item.metavar)
            hint = f"add a line such as {item.key} = {example}"
            raise UsageError(f"`{item.key}` is missing", hint=hint, where=document.where)
    return values


def _read_section(section: Section, value: Any, document: Document, origin: Origin) -> Any:
    hint = f"write {document.heading}" if not section.each else f"write {document.below('NAME').heading}"
    if not isinstance(value, Mapping):
        raise refusal(value, "not a table", origin, hint)
    if not section.each:
        return read_table(section.kinds.get(_kind(value), section.type), value, document)
    tables = []
    for name, inner in value.items():
        below = document.below(f'"{name}"')
        if not isinstance(inner, Mapping):
            raise refusal(inner, "not a table", Origin(below.where), hint)
        tables.append(section.type(**{section.each: str(name)}, **_values(section.type, inner, below)))
    return tuple(tables)


def _kind(table: Mapping[str, Any]) -> str:
    """What `kind` a table says it is; read like any other choice by the option of that name."""
    kind = table.get("kind", "")
    return kind.strip().lower().replace("_", "-") if isinstance(kind, str) else ""


def _unknown(key: str, known: Sequence[str], where: str) -> UsageError:
    near = difflib.get_close_matches(key.replace("-", "_"), known, n=1)
    hint = f"did you mean {near[0]}?\n" if near else ""
    return UsageError(f"unknown key {key!r}", hint=f"{hint}allowed: {', '.join(known)}", where=where)


def _exclusion(first: str, second: str, where: str = "") -> UsageError:
    return UsageError(f"{first} and {second} exclude each other", hint="leave one of them out", where=where)


class Each(tuple[Any, ...]):
    """Values of an option, one for each of several models, in their order."""


def read_arguments(type: Declaration, command: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What the command line sets, as values for `override`.

    Args:
        type: the dataclass that declares the options.
        command: the command's name.
        arguments: the text, list of texts or flag that was given for every option's `parameter`; None, False and an
            empty list mean that nothing was, and so does an empty text for one of several models.

    Raises:
        UsageError: a value of the wrong kind, or options that exclude each other.
    """
    values: dict[str, Any] = {}
    flags: dict[tuple[str, ...], str] = {}
    for item in options_of_command(type, command):
        argument = arguments.get(item.parameter)
        if argument is None or argument is False or argument == []:
            continue
        if item.path in flags:
            raise _exclusion(flags[item.path], item.flag)
        flags[item.path] = item.flag
        table = values
        for name in item.path[:-1]:
            table = table.setdefault(name, {})
        if command in item.option.each and isinstance(argument, list):
            values_of_each = Each(_from_argument(item, text) if text else item.default for text in argument)
            table[item.path[-1]] = values_of_each if len(argument) > 1 else values_of_each[0]
        else:
            table[item.path[-1]] = _from_argument(item, argument)
    return values


def _from_argument(item: Declared, argument: Any) -> Any:
    kind, origin = item.option.kind, Origin(item.flag)
    if kind.spelling != "value":
        return kind.spelling == "on"
    if kind.gather is not None:
        return kind.gather([kind.from_text(text, origin) for text in argument])
    return kind.from_text(argument, origin)


def of_each(values: Mapping[str, Any], count: int) -> tuple[dict[str, Any], ...]:
    """What `read_arguments` returned, for each of several models.

    Raises:
        UsageError: an option was given for another number of models.
    """
    parts: tuple[dict[str, Any], ...] = tuple({} for _ in range(count))
    for name, value in values.items():
        if isinstance(value, Each) and len(value) != count:
            raise UsageError(
                f"--{name.replace('_', '-')} is given {len(value)} times for {count} model{'s' if count > 1 else ''}",
                hint='give it once for all models, or once for each in their order; "" for one that needs none',
            )
        shares = value if isinstance(value, Each) else of_each(value, count) if isinstance(value, dict) else None
        for index, part in enumerate(parts):
            part[name] = value if shares is None else shares[index]
    return parts


def override(settings: D, values: Mapping[str, Any]) -> D:
    """`settings` with the values of `values`, where a section is a mapping of the same kind.

    Raises:
        UsageError: the values contradict each other.
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
