"""What moving folders needs of the operating system: locks, and two folders that change places in one step."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # pragma: no cover - a system without flock
    fcntl = None  # type: ignore[assignment]

_HERE = -100
_EXCHANGE = 2
"""RENAME_EXCHANGE of Linux, and RENAME_SWAP of macOS."""


def exchange(first: Path, second: Path) -> bool:
    """Let two folders change places, so that each name stands for one of them at any moment.

    Returns:
        Whether the system and the file system could do it; if not, nothing has changed.
    """
    names = os.fsencode(first), os.fsencode(second)
    system = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "darwin" and hasattr(system, "renamex_np"):
        return bool(system.renamex_np(*names, _EXCHANGE) == 0)
    if hasattr(system, "renameat2"):
        return bool(system.renameat2(_HERE, names[0], _HERE, names[1], _EXCHANGE) == 0)
    return False


def lock(file: int, wait: bool = True) -> bool:
    """Lock an open file or folder until it is closed, or its process ends; returns whether it is locked now.

    Where the file system knows no locks, everything counts as locked.
    """
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def locked(*folders: Path) -> Iterator[None]:
    """A context in which no other process has a lock on these folders; one that cannot be opened is not locked."""
    with ExitStack() as stack:
        for folder in folders:
            with suppress(OSError):
                file = os.open(folder, os.O_RDONLY)
                stack.callback(os.close, file)
                lock(file)
        yield
