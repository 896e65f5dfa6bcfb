"""Writing a build folder: all of it or nothing."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from edgeq.codegen.manifest import read_manifest
from edgeq.errors import UsageError


def check_replaceable(folder: Path) -> None:
    """Make sure that nothing of the user's is lost by writing `folder`.

    Raises:
        UsageError: it exists and is neither empty nor a build folder of edgeq, or clearly cannot be made.
    """
    if not os.path.lexists(folder):
        above = next(parent for parent in folder.absolute().parents if os.path.lexists(parent))
        if not above.is_dir():
            raise _unwritable(folder, NotADirectoryError(f"{above} is not a folder"))
        if not os.access(above, os.W_OK | os.X_OK):
            raise _unwritable(folder, PermissionError(f"{above} is read-only"))
        return
    if not folder.is_dir():
        raise UsageError("exists and is not a folder", hint="choose another --output", where=str(folder))
    try:
        empty = next(folder.iterdir(), None) is None
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(folder)) from error
    if not empty:
        try:
            read_manifest(folder)
        except UsageError as error:
            raise UsageError(
                "is not empty, and was not written by edgeq",
                hint="choose another --output, or remove the folder yourself",
                where=str(folder),
            ) from error


def write_folder(folder: Path, files: Mapping[str, bytes], finish: Callable[[Path], None]) -> None:
    """Write a folder beside its final place, then move it there. An existing build folder is replaced.

    Args:
        folder: the final place.
        files: contents by path below the folder.
        finish: called with the temporary folder once the files are there; may write more.

    Raises:
        UsageError: the folder cannot be written, or holds something that edgeq did not write.
    """
    check_replaceable(folder)
    with _parents(folder.resolve()):
        _write(folder, files, finish)


def _write(folder: Path, files: Mapping[str, bytes], finish: Callable[[Path], None]) -> None:
    final = folder.resolve()
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        _sweep(final)
        temporary = Path(tempfile.mkdtemp(prefix=_stage_prefix(final), dir=final.parent))
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        stage = temporary / "new"
        stage.mkdir()
        for name, content in files.items():
            path = stage / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        finish(stage)
        if final.exists():
            final.rename(temporary / "old")
        stage.rename(final)
    except OSError as error:
        if (temporary / "old").exists() and not final.exists():
            (temporary / "old").rename(final)
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _stage_prefix(final: Path) -> str:
    """How the names of the folders in which `final` is prepared begin."""
    return f".{final.name}.edgeq-"


def _kept(final: Path) -> Path:
    """Where the previous folder is kept while a new one is written."""
    return final.with_name(f".{final.name}.before")


def _recover(final: Path) -> None:
    """If a build was killed, restore `final` as it was before that build.

    Raises:
        UsageError: there is a folder of somebody else's where a build would keep it.
    """
    kept = _kept(final)
    if kept.is_dir():
        check_replaceable(kept)
        shutil.rmtree(final, ignore_errors=True)
        kept.rename(final)


def _sweep(final: Path) -> None:
    """Remove what killed writers of `final` have left beside it."""
    for stage in final.parent.glob(f"{glob.escape(_stage_prefix(final))}*"):
        if (stage / "old").is_dir() and not final.exists():
            (stage / "old").rename(final)
        shutil.rmtree(stage, ignore_errors=True)


@contextmanager
def _parents(final: Path) -> Iterator[None]:
    """Remove folders above `final` that did not exist before, if empty, when the body of the `with` fails."""
    missing = [parent for parent in final.parents if not os.path.lexists(parent)]
    try:
        yield
    except BaseException:
        with suppress(OSError):
            for parent in missing:
                if parent.exists():
                    parent.rmdir()
        raise


def _unwritable(folder: Path, error: OSError) -> UsageError:
    return UsageError(
        f"cannot be written: {error.strerror or error}",
        hint="choose another --output, or make its parent folder writable",
        where=str(folder),
    )


@contextmanager
def replacing(folder: Path) -> Iterator[None]:
    """A context after which `folder` is either what was written within it or, after a failure, what it was before.

    Raises:
        UsageError: the folder holds something that edgeq did not write, or cannot be moved.
    """
    check_replaceable(folder)
    final = folder.resolve()
    kept = _kept(final)
    try:
        _recover(final)
        if final.exists():
            final.rename(kept)
    except OSError as error:
        raise _unwritable(folder, error) from error
    with _parents(final):
        try:
            yield
        except BaseException:
            shutil.rmtree(final, ignore_errors=True)
            if kept.exists():
                kept.rename(final)
            raise
    shutil.rmtree(kept, ignore_errors=True)
