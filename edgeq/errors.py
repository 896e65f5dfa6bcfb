"""Everything edgeq raises on purpose.

    EdgeqError(message, hint, where)
    ├── UsageError           2   a wrong command line, configuration file or data file
    ├── ModelError           3   a model that cannot be read, or holds what edgeq cannot take
    ├── QuantizationError    4   calibration or quantization is impossible with what was given
    ├── CapacityError        5   the result does not fit the target
    ├── ToolError            6   a compiler, emulator or library is missing or failed
    ├── MismatchError        1   generated code and simulator disagree
    └── InternalError       70   a defect of edgeq

The number is the exit code of the command line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class EdgeqError(Exception):
    """A problem that is explained to the user without a traceback.

    Args:
        message: What is wrong, one sentence.
        hint: What the user can do about it, or an empty string.
        where: The file, node or tensor it concerns, or an empty string.
    """

    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, hint: str = "", where: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where

    def __str__(self) -> str:
        head = f"{self.where}: {self.message}" if self.where else self.message
        return f"{head}\n  {self.hint}" if self.hint else head


class UsageError(EdgeqError):
    """A wrong command line, configuration file or data file."""

    exit_code = 2


class ModelError(EdgeqError):
    """A model that cannot be read, or holds what edgeq cannot take."""

    exit_code = 3


class QuantizationError(EdgeqError):
    """Calibration or quantization is impossible with what was given."""

    exit_code = 4


class CapacityError(EdgeqError):
    """The result does not fit the target's memory."""

    exit_code = 5


class ToolError(EdgeqError):
    """A compiler, an emulator or an optional library is missing or failed."""

    exit_code = 6


class MismatchError(EdgeqError):
    """Generated code and simulator disagree."""

    exit_code = 1


class InternalError(EdgeqError):
    """A defect of edgeq itself."""

    exit_code = 70


def suggestion(name: str, known: Iterable[str], what: str) -> str:
    """The hint for an unknown name: the nearest known ones, or else all of them.

    Args:
        name: what was written.
        known: what could have been.
        what: what the names are of, in the plural.
    """
    choices = list(known)
    near = difflib.get_close_matches(name, choices, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"the {what} are {', '.join(choices)}"
