"""What moving folders needs of the operating system: locks, and two folders that change places in one step.

Windows has no locks of folders, and moves none to where another is; a file that is open stays in its place there.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
    import msvcrt

_HERE = -100
_EXCHANGE = 2
"""RENAME_EXCHANGE of Linux, and RENAME_SWAP of macOS."""
_LOCKED_BYTE = 1 << 30
"""Where Windows locks a file: beyond its end, since nobody else can read what is locked."""
_PAUSE = 0.02


def exchange(first: Path, second: Path) -> bool:
    """Let two folders change places, so that each name stands for one of them at any moment.

    Returns:
        Whether the system and the file system could do it; if not, nothing has changed.
    """
    if fcntl is None:
        return False
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
        return _lock_byte(file, wait)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def move(source: Path, target: Path) -> None:
    """Move a folder to a name that nothing has, or an empty folder.

    Raises:
        OSError: something is there, or the file system cannot.
    """
    if fcntl is None:
        with suppress(OSError):
            target.rmdir()  # elsewhere it is replaced, in one step
    source.rename(target)


@contextmanager
def locked(*folders: Path) -> Iterator[None]:
    """A context in which no other process has a lock on these folders; one that cannot be opened is not locked."""
    with ExitStack() as stack:
        for folder in folders:
            with suppress(OSError):
                file = os.open(folder, os.O_RDONLY) if fcntl else os.open(_lock_file(folder), os.O_RDWR | os.O_CREAT)
                stack.callback(os.close, file)
                lock(file)
        yield


def _lock_file(folder: Path) -> Path:
    """The file that stands for a folder where folders have no locks."""
    name = os.path.normcase(folder.resolve())
    return Path(tempfile.gettempdir()) / f"edgeq-{hashlib.sha256(os.fsencode(name)).hexdigest()[:32]}.lock"


def _lock_byte(file: int, wait: bool) -> bool:
    """Lock a file on Windows, by one byte."""
    while True:
        place = os.lseek(file, 0, os.SEEK_CUR)
        try:
            os.lseek(file, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
            return True
        except PermissionError:
            if not wait:
                return False
        except OSError:
            return True
        finally:
            os.lseek(file, place, os.SEEK_SET)
        time.sleep(_PAUSE)
