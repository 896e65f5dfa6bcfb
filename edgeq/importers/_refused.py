"""How the process that converts a model says why it does not."""

from __future__ import annotations


class Refused(Exception):
    """The model cannot be converted; names the class of error (of edgeq.errors), what is wrong, and what to do."""

    def __init__(self, error: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.report = {"error": error, "message": message, "hint": hint}
