"""Running compilers and programs: what they print, and errors that say what happened."""

from __future__ import annotations

import logging
import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeq import children
from edgeq.errors import ToolError

LAST_LINES = 15
LOG = logging.getLogger("edgeq")
_STEERING = (
    "CC",
    "CFLAGS",
    "CPPFLAGS",
    "LDFLAGS",
    "ASM",
    "ASMFLAGS",
    "CMAKE_GENERATOR",
    "CMAKE_TOOLCHAIN_FILE",
    "MAKEFLAGS",
)
"""Variables by which the user's environment would change what is built."""


@dataclass(frozen=True)
class Finished:
    """A program that ended.

    Attributes:
        code: exit code.
        output: what it wrote to its standard output.
        errors: what it wrote to its standard error.
    """

    code: int
    output: str
    errors: str

    @property
    def last_lines(self) -> str:
        """The last lines of its output."""
        return last_lines(f"{self.output}\n{self.errors}")


def last_lines(text: str) -> str:
    """The last lines of a text that are not empty."""
    return "\n".join([line.rstrip() for line in text.splitlines() if line.strip()][-LAST_LINES:])


def _text(raw: bytes) -> str:
    """What a program printed, with this language's ends of lines."""
    return raw.decode("utf-8", "replace").replace("\r\n", "\n")


def shown(command: Sequence[str | Path]) -> str:
    """A command as one would type it."""
    return shlex.join(str(part) for part in command)


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    timeout: float = 600.0,
    install: str = "",
    check: bool = True,
    environment: Mapping[str, str] | None = None,
    source: Path | None = None,
    sink: Path | None = None,
) -> Finished:
    """Run a program to its end; its output is captured.

    Args:
        command: the program and its arguments.
        cwd: folder to run it in.
        timeout: seconds after which it is ended.
        install: what to tell the user when there is no such program.
        check: whether an exit code other than 0 is an error.
        environment: variables to set besides those of this process, of which those that steer compilers are removed.
        source, sink: files that are its standard input and output; by default nothing, and what is returned.

    Raises:
        ToolError: the program is missing, failed, or took too long and was ended with all that it had started.
    """
    words = [str(part) for part in command]
    LOG.debug("running %s", shown(words))
    variables = {k: v for k, v in os.environ.items() if k not in _STEERING} | dict(environment or {})
    try:
        completed = children.run(words, cwd=cwd, environment=variables, timeout=timeout, source=source, sink=sink)
    except FileNotFoundError as error:
        raise ToolError(f"the program {words[0]!r} is not installed", hint=install or f"install {words[0]}") from error
    except OSError as error:
        raise ToolError(f"the program {words[0]!r} cannot be run: {error.strerror}", hint=install) from error
    except subprocess.TimeoutExpired as error:
        written = b"".join(part for part in (error.stdout, error.stderr) if isinstance(part, bytes))
        raise ToolError(
            f"{Path(words[0]).name} did not end within {timeout:g} seconds",
            hint=f"{shown(words)}\n{last_lines(written.decode('utf-8', 'replace'))}".rstrip(),
        ) from error
    output, errors = (_text(raw) for raw in (completed.stdout, completed.stderr))
    finished = Finished(completed.returncode, output, errors)
    if check and finished.code != 0:
        raise ToolError(
            f"{Path(words[0]).name} failed with exit code {finished.code}",
            hint=f"{shown(words)}\n{finished.last_lines}".rstrip(),
        )
    return finished
