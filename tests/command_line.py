"""Runs the command line within the test's own process, and looks at what it leaves behind."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeq.cli.main import main

DIGITS = Path(__file__).resolve().parent.parent / "examples" / "digits"
SINE = DIGITS.with_name("hello_sine")
STEPS = ("reading ", "quantizing", "generating C for ", "compiling")
LAYER = {"name", "op", "kernel", "macs", "weights_bytes", "output_shape"}
"""Keys of a layer in a manifest."""
PORT = {"name", "shape", "dtype", "scale", "zero_point"}
"""Keys of an input or output there."""
FIGURES = {
    "samples",
    "mismatches",
    "max_abs_diff",
    "sqnr_db",
    "top1_float",
    "top1_int8",
    "agreement",
    "centred_sqnr_db",
    "edited",
    "drop",
    "random_data",
    "stack_used_bytes",
    "confusion",
    "arena_used_bytes",
    "gates",
    "warnings",
}
"""Keys of what `edgeq verify --json` says."""


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on stdout."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


def edgeq(*arguments: str | Path) -> Ended:
    """Run a command."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(a) for a in arguments])
    return Ended(code, out.getvalue(), err.getvalue())


def succeeds(*arguments: str | Path) -> Ended:
    """Run a command that must end with 0."""
    ended = edgeq(*arguments)
    assert ended.code == 0, ended.err
    return ended


def contents(folder: Path) -> dict[str, str]:
    """Digest of every file below a folder, by path; folders have an empty one."""
    return {
        path.relative_to(folder).as_posix(): "" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
    }


def messages(ended: Ended) -> list[str]:
    """The lines on stderr that tell neither of progress nor of doubts."""
    return [line for line in ended.err.splitlines() if not line.startswith((*STEPS, "warning: "))]


def fails(code: int, *arguments: str | Path, says: tuple[str, ...] = (), folder: Path | None = None) -> str:
    """Run a command that must fail, with and without --json; returns its message.

    Args:
        code: the exit code.
        arguments: the command line.
        says: what the message must hold.
        folder: must hold afterwards exactly what it held before.
    """
    before = contents(folder) if folder else {}
    plain = edgeq(*arguments)
    lines = messages(plain)
    assert plain.code == code, plain.err
    assert plain.out == ""
    assert lines and lines[0].startswith("error: ") and len(lines[0]) > len("error: ."), plain.err
    assert all(line.startswith("  ") for line in lines[1:]), plain.err
    assert "Traceback" not in plain.err
    for text in says:
        assert text in plain.err, plain.err
    as_json = edgeq(*arguments, "--json")
    assert as_json.code == code
    assert messages(as_json) == lines
    error = as_json.json["error"]
    assert error["message"] in "\n".join(lines)
    assert set(as_json.json) == {"error"} and set(error) == {"type", "message", "hint", "where"}
    assert folder is None or contents(folder) == before
    return "\n".join(lines)
