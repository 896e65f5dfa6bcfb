"""What the programs of a target talk through."""

from __future__ import annotations

from dataclasses import replace

from edgeq.errors import UsageError, suggestion
from edgeq.target.model import Target
from edgeq.target.parts import with_parts, without
from edgeq.target.schema import CONSOLES

_LINK = ("consoles/uart", "programs/link", "links/serial")
_ASKED = "EQ_LINK"
"""What has a program for files answer over a line, too."""
_FOLDERS = ("consoles", "uarts", "programs", "links")


def with_console(target: Target, name: str | None) -> Target:
    """A target whose programs talk through a console.

    Args:
        target: any target.
        name: "semihosting" (the debugger or emulator: files, and for a board that nothing emulates also a line),
            "uart" (a serial line) or "rtt" (memory that a debug probe reads and fills); None takes what the target's
            own file says.

    Raises:
        UsageError: the name is unknown, or the target has no such console.
    """
    chosen = name or target.console
    if not chosen:
        return target
    if chosen not in CONSOLES:
        raise UsageError(f"unknown console {chosen!r}", suggestion(chosen, CONSOLES, "consoles"), "--console")
    if not target.bare_metal:
        raise UsageError(f"--console is for microcontrollers, not {target.name}", hint="leave one of them out")
    parts = ["consoles/semihosting", "programs/files"]
    defines = tuple(define for define in target.defines if define != _ASKED)
    if chosen == "semihosting" and not target.runners:  # there is nobody to give words
        parts.append("links/serial")
        defines += (_ASKED,)
    if chosen == "uart":
        if target.uart is None:
            raise UsageError(
                f"it is not known which UART {target.name} has",
                hint="take a --board that `edgeq boards` lists, or a file with a table [uart] (docs/targets.md)",
                where="--console uart",
            )
        parts = [target.uart.part, *_LINK]
    if chosen == "rtt":
        parts = ["uarts/rtt", *_LINK]
    platform = with_parts(without(target.platform, _FOLDERS), parts)
    return replace(target, console=chosen, platform=platform, defines=defines)
