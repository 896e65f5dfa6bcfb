"""Keeping a process to one folder: it may read anything, but write only there, start nothing and connect to nothing.

Linux calls this Landlock; every process may ask for it, and neither it nor its children can undo it. Where the system
has none, the process stays as it is: the checks of what a file holds come first, and this is for what they overlook.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

if sys.platform != "win32":
    import resource

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""System calls, the same numbers on every processor."""
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE = (1 << bit for bit in range(6))
_MAKE = sum(1 << bit for bit in range(6, 13))
_REFER, _TRUNCATE, _IOCTL = 1 << 13, 1 << 14, 1 << 15
_WRITING = _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE
_SINCE = ((2, _REFER), (3, _TRUNCATE))
"""Rights that later versions of Landlock know."""
_BENEATH = 1
_NO_NEW_PRIVILEGES = 38
_NETWORK_SINCE, _SCOPES_SINCE = 4, 6
LARGEST = 8 << 30
"""Bytes of the largest file that such a process may write."""


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def confine(folder: Path) -> bool:
    """Keep this process, and all that it starts from now on, to one folder.

    Has to be called before there are threads. Returns whether the system could do it.
    """
    if sys.platform == "win32":
        return False
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, LARGEST))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        system = ctypes.CDLL(None, use_errno=True)
        call = system.syscall
    except (OSError, AttributeError):
        return False
    if os.uname().sysname != "Linux":
        return False
    version = call(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False
    writing = _WRITING | sum(right for since, right in _SINCE if version >= since)
    rules = _Ruleset(writing | _EXECUTE, 3 if version >= _NETWORK_SINCE else 0, 3 if version >= _SCOPES_SINCE else 0)
    size = 24 if version >= _SCOPES_SINCE else 16 if version >= _NETWORK_SINCE else 8
    ruleset = call(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return False
    try:
        allowed = {folder: writing, Path(os.devnull): writing & (_WRITE_FILE | _TRUNCATE)}
        for path, rights in allowed.items():
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                rule = _Beneath(rights, place)
                if call(_ADD_RULE, ruleset, _BENEATH, ctypes.byref(rule), 0) < 0:
                    return False
            finally:
                os.close(place)
        if system.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
            return False
        return bool(call(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)
