"""A target as one file that needs no other."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from edgeq.target.model import Target

_IF_SET = ("emulated", "chip", "proved", "sources", "console", "aliases", "place")
"""Keys that a file has only if there is something to say."""
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def target_text(target: Target) -> str:
    """A TOML file from which `load_target_file` makes the same target, whatever happens to the files it came from.

    The same target gives the same text.
    """
    fields = {key: value for key, value in asdict(target).items() if value is not None}
    fields["isa"] = sorted(target.isa)
    del fields["runners"], fields["flashers"]
    fields = {key: value for key, value in fields.items() if value or key not in _IF_SET}
    if target.uart is not None:
        fields["uart"] = {key: value for key, value in asdict(target.uart).items() if value is not None}
    tables = {key: value for key, value in fields.items() if isinstance(value, dict)}
    lines = [f"{key} = {_value(value)}" for key, value in fields.items() if key not in tables]
    for key, table in tables.items():
        lines += _table(key, table)
    for kind, specs in (("runner", target.runners), ("flash", target.flashers)):
        for spec in specs:
            lines += _table(f"{kind}.{_key(spec.kind)}", spec.settings)
    return "\n".join(["# A target in one file, written by edgeq.", *lines, ""])


def _table(name: str, table: Mapping[str, object]) -> list[str]:
    return ["", f"[{name}]", *(f"{_key(key)} = {_value(value)}" for key, value in table.items())]


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _text(text: str) -> str:
    """A text as TOML writes it, which differs from JSON in one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: object) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):  # a region of memory
        known = {key: _text(v) if isinstance(v, str) else f"{v:#x}" for key, v in value.items() if v != ""}
        return "{ " + ", ".join(f"{_key(key)} = {v}" for key, v in known.items()) + " }"
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_value, value))}]"
    return str(value).lower() if isinstance(value, bool) else repr(value)
