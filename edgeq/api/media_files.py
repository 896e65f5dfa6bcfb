"""Which files are images or sound: names alone, so that a wrong path is answered at once."""

from __future__ import annotations

from pathlib import Path

from edgeq.errors import UsageError

IMAGES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".ppm", ".webp", ".tif", ".tiff"})
SOUNDS = frozenset({".wav"})
MEDIA = IMAGES | SOUNDS


def is_media(path: Path) -> bool:
    """Whether samples are to be read from images or sound."""
    return path.is_dir() or path.suffix.lower() in MEDIA


def media_files(path: Path) -> list[Path]:
    """The images or sounds at a path: itself, or those in a folder and in the folders below it, by name.

    Raises:
        UsageError: there are none, or there are both.
    """
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if _visible(file, path))
    if not files:
        hint = "give an .npz with the samples as array `x`, or a folder of .png, .jpg or .wav files"
        raise UsageError("there are neither images nor sounds in it", hint=hint, where=str(path))
    if len({file.suffix.lower() in IMAGES for file in files}) > 1:
        raise UsageError("there are images and sounds in it", hint="give a folder with one kind", where=str(path))
    return files


def _visible(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return file.suffix.lower() in MEDIA and file.is_file() and not hidden
