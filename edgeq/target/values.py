"""The kinds of values in targets' files."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Value:
    """A kind of value.

    Attributes:
        words: what such a value is, in words that follow "must be".
        accepts: whether a value that was read from TOML is of this kind.
    """

    words: str
    accepts: Callable[[object], bool]


def _is_text(value: object) -> bool:
    """Only one line, as it may become a comment in generated code."""
    return isinstance(value, str) and (value.isprintable() or not value)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


TEXT = Value("a text of one line", _is_text)
TEXTS = Value("a list of texts", _is_texts)
BYTES = Value("a number of bytes", _is_size)
ADDRESS = Value("an address", _is_size)
HERTZ = Value("a number of Hz", _is_size)
COUNT = Value("a whole number", _is_size)
POSITIVE_COUNT = Value("a whole number greater than 0", lambda value: _is_size(value) and value != 0)
POSITIVE = Value("a number greater than 0", _is_positive)


def table_of(kind: Value, keys: tuple[str, ...], words: str) -> Value:
    """A table with some of these keys and values of one kind."""
    return Value(
        words,
        lambda value: isinstance(value, dict) and set(value) <= set(keys) and all(map(kind.accepts, value.values())),
    )


def record_of(keys: Mapping[str, Value], words: str) -> Value:
    """A table with some of these keys, each with its own kind of value.

    A file may set only some of the keys: tables are merged with those of the file that it extends.
    """
    return Value(
        words,
        lambda value: (
            isinstance(value, dict)
            and set(value) <= set(keys)
            and all(keys[key].accepts(v) for key, v in value.items())
        ),
    )
