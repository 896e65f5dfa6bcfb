"""Writing a build folder: all of it or nothing, whoever else writes it, and whenever one of them is killed.

A build is made in a folder beside its final place, so that any number of them can be made at once, and changes places
with the one that is there in one step; then that is removed. Only this last part is under a lock, and takes no time.
What is the user's in the old folder is linked into the new one before, and so is in one of them at any moment.

A folder that cannot be exchanged, since it is the working directory of the shell, a mount point, or in a folder that is
read-only, stays, and the files in it are replaced one by one. If that is interrupted, the next command goes on with it.
"""

from __future__ import annotations

import filecmp
import glob
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from edgeq.codegen.manifest import read_manifest
from edgeq.codegen.renames import exchange, lock, locked, move
from edgeq.codegen.written import LIST, entries, own_files, write_list
from edgeq.errors import EdgeqError, UsageError

COMMIT = ".edgeq-commit"
"""In a folder whose files are being replaced one by one: those that are not yet in their places."""
_OWNER = "owner"
_COMPLETE = "complete"
"""Beside a build that is about to be put into its place, and may hold what is not edgeq's from then on."""


def check_replaceable(folder: Path) -> None:
    """Make sure that nothing of the user's is lost by writing `folder`.

    Raises:
        UsageError: it exists and is neither empty nor a build folder of edgeq, or clearly cannot be made.
    """
    final = folder.resolve()
    if not os.path.lexists(final):
        above = next(parent for parent in final.parents if os.path.lexists(parent))
        if not above.is_dir():
            raise _unwritable(folder, NotADirectoryError(f"{above} is not a folder"))
        if not os.access(above, os.W_OK | os.X_OK):
            raise _unwritable(folder, PermissionError(f"{above} is read-only"))
        return
    if not final.is_dir():
        raise UsageError("exists and is not a folder", hint="choose another --output", where=str(folder))
    try:
        found = [path for path in final.iterdir() if not _is_stage(path)]
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(folder)) from error
    if found and not (final / COMMIT).is_dir():
        try:
            read_manifest(final)
        except UsageError as error:
            raise UsageError(
                "is not empty, and was not written by edgeq",
                hint="choose another --output, or remove the folder yourself",
                where=str(folder),
            ) from error
    if _stays(final) and not os.access(final, os.W_OK | os.X_OK):
        raise _unwritable(folder, PermissionError(f"{final} is read-only"))


def write_folder(folder: Path, files: Iterable[tuple[str, bytes]], finish: Callable[[Path], None]) -> None:
    """Write a build folder of these files. An existing one is replaced.

    Args:
        folder: the final place.
        files: paths below the folder with contents, of which one at a time is in memory if they are made one by one.
        finish: called with the folder that will be there once the files are in it; may write more.

    Raises:
        UsageError: as `staging`.
    """
    with staging(folder) as stage:
        for name, content in files:
            path = stage / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        finish(stage)


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """A context with an empty folder, which is the build folder `folder` once the context has ended.

    If the body fails, or is killed, what was at `folder` before stays as it was. Files in an old build folder that
    edgeq did not write are in the new one, too.

    Raises:
        UsageError: the folder holds something that edgeq did not write and that would be lost, or cannot be written.
    """
    final = folder.resolve()
    restore(final)
    check_replaceable(folder)
    with _parents(final):
        try:
            stage = _begin(final)
            try:
                with _told_of(stage.new, final):
                    yield stage.new
                write_list(stage.new)
                stage.commit()
            finally:
                stage.end()
        except OSError as error:
            raise _unwritable(folder, error) from error


@contextmanager
def _told_of(place: Path, final: Path) -> Iterator[None]:
    """Errors that name files where a build is made name them where it would have been."""
    try:
        yield
    except EdgeqError as error:
        texts = (error.message, error.hint, error.where)
        error.message, error.hint, error.where = (text.replace(str(place), str(final)) for text in texts)
        raise


def restore(folder: Path) -> None:
    """If writing a build folder was interrupted between two steps, do the rest."""
    final = folder.resolve()
    if (final / COMMIT).is_dir():
        with locked(final.parent, final):
            if (final / COMMIT).is_dir():
                _replace_files(final)
    elif not os.path.lexists(final) and final.parent.is_dir():
        with locked(final.parent):
            _sweep(final)


@dataclass(frozen=True)
class _Stage:
    """Where a build is made.

    Attributes:
        final: where it will be.
        place: the folder for this build alone.
        stays: whether the folder at `final` stays, and the files in it are replaced.
        owner: open file, locked as long as this process makes the build.
    """

    final: Path
    place: Path
    stays: bool
    owner: int

    @property
    def new(self) -> Path:
        """The folder that the build is written to."""
        return self.place / "new"

    def commit(self) -> None:
        """Put the build where it will be."""
        with locked(*((self.final.parent, self.final) if self.stays else (self.final.parent,))):
            check_replaceable(self.final)
            (self.place / _COMPLETE).touch()
            if self.stays:
                _check_conflicts(self.final, self.new)
                self.new.rename(self.final / COMMIT)
                _replace_files(self.final)
                return
            if not self.final.is_dir() or next(self.final.iterdir(), None) is None:
                move(self.new, self.final)  # takes the place of an empty folder
                return
            if not (self.final / LIST).exists():  # of an earlier version: from now on it is known what in it is edgeq's
                own = own_files(self.final)
                write_list(self.final, [path for path in entries(self.final) if path in own])
            _check_conflicts(self.final, self.new)
            _carry(self.final, self.new)
            shutil.copymode(self.final, self.new)
            if not exchange(self.new, self.final):
                self.final.rename(self.place / "old")
                self.new.rename(self.final)

    def end(self) -> None:
        """Remove what is left: an old build, or one that has failed."""
        with locked(self.final.parent):
            os.close(self.owner)  # before: Windows deletes no file that is open
            with suppress(OSError):  # else the next build does it
                _clear(self.place, self.final)


def _begin(final: Path) -> _Stage:
    """Make the folder for a build."""
    stays = final.is_dir() and _stays(final)
    if not stays:
        final.parent.mkdir(parents=True, exist_ok=True)
    above = final if stays else final.parent
    with locked(final.parent):
        _sweep(final)
        place = Path(tempfile.mkdtemp(prefix=_prefix(final, stays), dir=above))
        owner = os.open(place / _OWNER, os.O_RDWR | os.O_CREAT, 0o600)
        os.write(owner, _signature(final))
        lock(owner)
    stage = _Stage(final, place, stays, owner)
    stage.new.mkdir()
    return stage


def _stays(final: Path) -> bool:
    """Whether a folder cannot be exchanged for another, or should not: a shell in it would be left nowhere."""
    try:
        inside = Path.cwd().resolve().is_relative_to(final)
    except OSError:
        inside = False
    return inside or os.path.ismount(final) or not os.access(final.parent, os.W_OK | os.X_OK)


def _prefix(final: Path, stays: bool) -> str:
    """How the names of folders in which a build is made begin."""
    return ".edgeq-" if stays else f".{final.name[:60]}.edgeq-"


def _signature(final: Path) -> bytes:
    """What such a folder says about itself, so that nobody else's is taken for one."""
    return b"A build of edgeq is made here, for " + os.fsencode(final.name) + b"\n"


def _is_stage(path: Path) -> bool:
    return path.name.startswith(".edgeq-") and (path / _OWNER).is_file()


def _sweep(final: Path) -> None:
    """Remove what killed builds have left, and put back what one of them had moved away."""
    for above, stays in ((final.parent, False), (final, True)):
        for place in above.glob(f"{glob.escape(_prefix(final, stays))}*") if above.is_dir() else ():
            with suppress(OSError):
                if not (place / _OWNER).is_file():
                    place.rmdir()  # killed before it could sign, or not a build at all; then it is not empty
                    continue
                owner = os.open(place / _OWNER, os.O_RDWR)
                try:
                    signature = os.read(owner, 4096)
                    unsigned = not signature and [path.name for path in place.iterdir()] == [_OWNER]
                    left = (unsigned or signature == _signature(final)) and lock(owner, wait=False)
                finally:
                    os.close(owner)
                if left:
                    _clear(place, final)


def _clear(place: Path, final: Path) -> None:
    """Remove the folder of a build that was made, or failed, or was killed; nobody else may be at it.

    What is not edgeq's stays there if it cannot be put into the final folder.
    """
    old, new = place / "old", place / "new"
    if old.is_dir() and not os.path.lexists(final):
        old.rename(final)
    if new.is_dir() and not (place / _COMPLETE).exists():
        shutil.rmtree(new)  # nothing but edgeq's own is in it yet
    for tree in (old, new):
        if tree.is_dir():
            _remove_own(tree, final)
    for tree in place.glob(f"{_prefix(new, False)}*"):
        shutil.rmtree(tree)  # a part of the build was made in a place of its own, within this one's
    with suppress(OSError):
        if not old.exists() and not new.exists():
            (place / _COMPLETE).unlink(missing_ok=True)
            (place / _OWNER).unlink(missing_ok=True)
        place.rmdir()


def _remove_own(tree: Path, final: Path) -> None:
    """Remove a build folder except for what is not edgeq's and not in the final folder, which is moved there."""
    own = own_files(tree)
    for path in list(entries(tree)):
        if path.endswith("/") or path == LIST:
            continue
        source, target = tree / path, final / path
        if path in own or _same(source, target):
            source.unlink()
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        number = 0
        while os.path.lexists(target):
            number += 1
            target = final / f"{path}.kept{number}"
        source.rename(target)
    (tree / LIST).unlink(missing_ok=True)  # last: it says what may be removed
    for below, _, _ in os.walk(tree, topdown=False):
        Path(below).rmdir()


def _same(first: Path, second: Path) -> bool:
    """Whether a file of the user's is in both places: as one file with two names, or as a copy."""
    try:
        one, other = first.lstat(), second.lstat()
    except OSError:
        return False
    if (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino):
        return True
    if first.is_symlink() or second.is_symlink():
        return first.is_symlink() and second.is_symlink() and first.readlink() == second.readlink()
    return first.is_file() and second.is_file() and filecmp.cmp(first, second, shallow=False)


def _foreign(final: Path) -> list[str]:
    """Paths in a build folder of what is not edgeq's."""
    own = own_files(final)
    paths = [path for path in entries(final) if path not in own]
    return [
        path for path in paths if not _is_stage(final / path.split("/", 1)[0]) and not path.startswith(f"{COMMIT}/")
    ]


def _check_conflicts(final: Path, new: Path) -> None:
    """Make sure that a new build needs no path that something of the user's has.

    Raises:
        UsageError: it does.
    """
    for path in _foreign(final):
        above = [new / parent for parent in Path(path).parents if parent.parts]
        if any(p.is_file() or p.is_symlink() for p in above) or (
            not path.endswith("/") and os.path.lexists(new / path)
        ):
            hint = "move it out of the build folder, or choose another --output"
            raise UsageError("is not edgeq's, and the build needs its place", hint=hint, where=str(final / path))


def _carry(old: Path, new: Path) -> None:
    """Let the new folder have what is the user's in the old one, which also keeps it: one file with two names."""
    for path in _foreign(old):
        if path.endswith("/"):
            (new / path).mkdir(parents=True, exist_ok=True)
            continue
        (new / path).parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(old / path, new / path, follow_symlinks=False)
        except (OSError, NotImplementedError):  # a file system, or a system, without such links
            shutil.copy2(old / path, new / path, follow_symlinks=False)


def _replace_files(final: Path) -> None:
    """Put the files of a build into a folder that stays; also the rest of them, once it was interrupted."""
    commit = final / COMMIT
    if (commit / LIST).exists():
        old, new = own_files(final), own_files(commit).listed
        for path in list(entries(final)):
            if path in old and path not in new and path != LIST:
                (final / path).unlink()
        for path in list(entries(commit)):
            if path != LIST and not path.endswith("/"):
                (final / path).parent.mkdir(parents=True, exist_ok=True)
                (commit / path).replace(final / path)
        emptied = {parent for path in old.listed for parent in Path(path).parents if parent.parts}
        for parent in sorted(emptied, key=lambda parent: -len(parent.parts)):
            with suppress(OSError):
                (final / parent).rmdir()
        (commit / LIST).replace(final / LIST)
    shutil.rmtree(commit)


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
