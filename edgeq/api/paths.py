"""Whether files and folders are there and can be written, which is looked at before anything else is done.

Nothing here imports more than it needs for that: a wrong path is answered at once.
"""

from __future__ import annotations

import os
from pathlib import Path

from edgeq.api.media_files import media_files
from edgeq.api.project import BuildOptions
from edgeq.codegen.folder import check_replaceable, restore
from edgeq.codegen.manifest import FILE as MANIFEST
from edgeq.codegen.manifest import check_no_project, model_folder, model_names, read_manifest
from edgeq.errors import UsageError
from edgeq.importers import kind_of

DUMP_HINT = "give --dump-ir a folder of its own"
SAMPLES_HINT = "give an .npz with the samples as array `x`: numpy.savez('samples.npz', x=samples)"


def check_sources(options: BuildOptions) -> None:
    """Make sure that a model and its calibration data are there, and that graphs can be dumped where that is wanted.

    Raises:
        UsageError: one of them is not, the model's format is unknown, or `dump_ir` is a file.
        ModelError: the model's file is empty.
    """
    kind_of(options.model_path)
    if isinstance(options.calibration, str | Path):
        check_samples(Path(options.calibration))
    if options.dump_ir is not None:
        check_dump(Path(options.dump_ir))


def check_dump(folder: Path) -> None:
    """Make sure that a folder for dumped graphs is no file.

    Raises:
        UsageError: it is.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError("is not a folder", hint=DUMP_HINT, where=str(folder))


def check_output(options: BuildOptions) -> None:
    """Make sure that a build folder can be written.

    Raises:
        UsageError: it cannot, or it holds what edgeq did not write.
    """
    check_replaceable(options.folder)
    _check_default_folder(options)
    if options.dump_ir is not None and Path(options.dump_ir).resolve().is_relative_to(options.folder.resolve()):
        hint = "choose a folder outside of it"
        raise UsageError("--dump-ir is in the build folder, which is replaced", hint=hint, where=str(options.dump_ir))


def _check_default_folder(options: BuildOptions) -> None:
    """Make sure that a folder that nobody named is not the build of another model whose C name is the same.

    Raises:
        UsageError: it is.
    """
    if options.output is not None or not (options.folder / MANIFEST).is_file():
        return
    source, name = read_manifest(options.folder).get("source"), options.model_path.resolve().name
    if source not in (None, name):
        raise UsageError(
            f"is the build of {source}, whose C name is {options.model_name!r}, too",
            hint=f"choose another name for {name} with --name, or another folder with --output",
            where=str(options.folder),
        )


def check_samples(path: Path) -> None:
    """Make sure that there is a file of samples, or a folder of images or sounds.

    Raises:
        UsageError: there is none.
    """
    if path.is_dir():
        media_files(path)
    elif not path.is_file():
        raise UsageError("no such file", hint=SAMPLES_HINT, where=str(path))


REPORTS = (".html", ".md", ".json")
"""Ends of the names of reports, each of which is a format."""


def check_report(path: Path, of_folder: bool = True) -> None:
    """Make sure that a report can be written.

    Args:
        path: the file.
        of_folder: whether it is about a build folder, and not about a project for other tools.

    Raises:
        UsageError: it cannot, or its name does not say in which format.
    """
    if path.suffix.lower() not in REPORTS:
        hint = f"give it a name that ends in {', '.join(REPORTS[:-1])} or {REPORTS[-1]}"
        raise UsageError("is no format of reports", hint=hint, where=str(path))
    if not of_folder:
        raise UsageError("--report is for --emit firmware", hint="leave one of them out")
    check_result(path)


def built_models(folder: Path, model: str | None) -> tuple[str | None, ...]:
    """Which models of a build folder are meant: the one that is named, else all if there are several, else None.

    Raises:
        UsageError: it is no build folder, or has no such model.
    """
    restore(folder)
    check_no_project(folder)
    if model is not None:
        model_folder(folder, model)
        return (model,)
    return model_names(folder) or (None,)


def check_built(folder: Path, model: str | None = None) -> None:
    """Make sure that a folder is a build folder, and which of its models is meant.

    Raises:
        UsageError: it is not, it has no such model, or several and none was named.
    """
    restore(folder)
    model_folder(folder, model)


def check_result(path: Path | None) -> None:
    """Make sure that a file can be written, without writing it; None is no file.

    Raises:
        UsageError: it cannot.
    """
    if path is None:
        return
    if path.is_dir():
        raise UsageError("is a folder", hint="give the name of a file", where=str(path))
    folder = path.absolute().parent
    if not folder.is_dir():
        raise UsageError("cannot be written: there is no such folder", hint=f"make {folder} first", where=str(path))
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise UsageError("cannot be written: it is read-only", hint="choose another place", where=str(path))
