"""Boards that are a drive while their boot loader runs: a UF2 file is copied there, and the board starts."""

from __future__ import annotations

import os
import shutil
import string
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from edgeq.errors import ToolError
from edgeq.flashers.flasher import Flasher, Plan, Step

INFO = "INFO_UF2.TXT"
"""The file that every such drive has (https://github.com/microsoft/uf2)."""
SECONDS = 15.0
"""How long a board may take to start, upon which its drive is gone."""


def places() -> Iterator[Path]:
    """Folders that drives are mounted at."""
    if os.name == "nt":
        yield from (Path(f"{letter}:\\") for letter in string.ascii_uppercase[2:])
        return
    for above in ("/media", "/run/media", "/Volumes", "/mnt"):
        for pattern in ("*", "*/*"):
            yield from sorted(Path(above).glob(pattern))


def drives(labels: Sequence[str], at: Sequence[Path] | None = None) -> list[Path]:
    """The drives of boot loaders.

    Args:
        labels: names that the drive may have; any, if there are none.
        at: where to look, by default where systems mount drives.
    """
    found = []
    for place in places() if at is None else at:
        with suppress(OSError):
            text = (place / INFO).read_text("utf-8", "replace")
            if not labels or place.name in labels or any(label in text for label in labels):
                found.append(place)
    return found


def _steps(plan: Plan) -> tuple[Step, ...]:
    image, labels = plan.image.uf2, plan.spec.texts("volumes")
    if image is None:
        raise ToolError("this program has no UF2 file", hint="build it again for this board", where=plan.target.name)
    if plan.image.extra:
        hint = "take another --runner, or build it with --weights-in inline"
        raise ToolError("weights apart from the program do not fit into a UF2 file", hint=hint, where=plan.target.name)
    label = " or ".join(labels) or "of the boot loader"

    def copy() -> None:
        copy_to_drive(image, labels, label)

    return (Step(f"copy {image} to the drive {label}, and wait until the board has started", action=copy),)


def copy_to_drive(image: Path, labels: Sequence[str], label: str, at: Sequence[Path] | None = None) -> None:
    """Copy a UF2 file to the one drive that waits for it.

    Raises:
        ToolError: there is none, or several, or the board does not start.
    """
    found = drives(labels, at)
    if not found:
        raise ToolError(
            f"there is no drive {label}",
            hint="start the board's boot loader: hold BOOTSEL while plugging it in, or press reset twice; "
            "and mount the drive, if your system does not",
        )
    if len(found) > 1:
        names = ", ".join(map(str, found))
        raise ToolError(f"there are {len(found)} such drives: {names}", hint="unplug the boards that are not meant")
    drive = found[0]
    try:
        with (drive / image.name).open("wb") as file:
            shutil.copyfileobj(image.open("rb"), file)
            file.flush()
            os.fsync(file.fileno())
    except PermissionError as error:
        raise ToolError("you may not write to this drive", hint="mount it as yourself", where=str(drive)) from error
    except OSError as error:
        if (drive / INFO).is_file():
            raise ToolError(f"cannot be written: {error.strerror}", where=str(drive)) from error
    until = time.monotonic() + SECONDS
    while (drive / INFO).is_file():
        if time.monotonic() > until:
            raise ToolError(
                "the board has not started: its drive is still there",
                hint="is the program for this board? The drive takes only UF2 files of its own family",
                where=str(drive),
            )
        time.sleep(0.1)


FLASHER = Flasher("uf2", (), "", _steps, verifies=False)
