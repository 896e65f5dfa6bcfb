"""`edgeq monitor`: what a board says."""

from __future__ import annotations

import sys
import time
from contextlib import closing, suppress
from typing import Annotated

import typer

from edgeq import api
from edgeq.cli._common import BaudOption, BoardOption, JsonFlag, print_json, remark


def command(
    port: Annotated[
        str | None,
        typer.Option("--port", metavar="PORT", help="As for edgeq run; default: the board's, found by its USB ids."),
    ] = None,
    board: BoardOption = None,
    baud: BaudOption = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", metavar="S", min=0.0, help="Stop after this time; default: at Ctrl-C.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Show what a board sends on its serial line.

    Nothing is sent to it. What is neither text nor an end of line is shown as \\xHH.
    """
    with closing(api.open_port(port, board, baud)) as stream:
        remark(f"{stream.name} at {stream.baud} baud; Ctrl-C ends it")
        until = None if seconds is None else time.monotonic() + seconds
        said = ""
        with suppress(*((KeyboardInterrupt,) if json else ())):
            while until is None or time.monotonic() < until:
                text = readable(stream.read())
                if json:
                    said += text
                else:
                    sys.stdout.write(text)
                    sys.stdout.flush()
    if json:
        print_json({"port": stream.name, "baud": stream.baud, "text": said})


def readable(data: bytes) -> str:
    """Bytes as text for a terminal, which they cannot control."""
    shown = (chr(b) if 32 <= b < 127 or b in b"\n\t" else "" if b == 13 else f"\\x{b:02x}" for b in data)
    return "".join(shown)
