"""A program in QEMU that a test asks at a port, as a user would start it."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgeq.runners import ways
from edgeq.runners.qemu_system import command
from edgeq.runners.runner import Job
from edgeq.target import Target


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def emulator(target: Target, program: Path, *more: str) -> Iterator[str]:
    """A context with the URL of the serial line of a program that runs in QEMU; `more` are words for QEMU."""
    port = free_port()
    words = command(Job(program.resolve(), console="uart"), ways(target)[0].spec)
    words[words.index("-serial") + 1] = f"tcp:127.0.0.1:{port},server=on,wait=off"
    with subprocess.Popen([*words, *more], stdin=subprocess.DEVNULL) as running:
        for _ in range(600):
            with socket.socket() as line:
                if line.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        try:
            yield f"socket://127.0.0.1:{port}"
        finally:
            running.kill()
