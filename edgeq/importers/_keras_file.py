"""Reading the configuration of a Keras file without Keras, and checking that the file holds what it seems to hold."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from edgeq.importers._refused import Refused
from edgeq.ir.limits import STORED_BYTES, size

HINT = "save the model again with Keras"
MEMBERS = ("config.json", "metadata.json", "model.weights.h5", "model.weights.npz")
"""What a .keras file consists of, besides `assets/`."""
CONFIGURATION_BYTES = 1 << 26


def configuration(path: Path, h5py: Any) -> Any:
    """The configuration of the model in a .keras or .h5 file, as JSON says it; None if the file has none.

    Args:
        path: the file.
        h5py: that package.

    Raises:
        Refused: it is of neither kind or of both, refers to other files, or unpacks to more than edgeq reads.
    """
    zipped, hierarchical = zipfile.is_zipfile(path), bool(h5py.is_hdf5(path))
    if zipped == hierarchical:
        kind = "both a .keras and an .h5 file" if zipped else "neither a .keras nor an .h5 file"
        raise Refused("ModelError", f"Keras cannot load the file: it is {kind}, or damaged", HINT)
    try:
        text = _of_zip(path, h5py) if zipped else _of_hdf5(path, h5py)
        return None if text is None else json.loads(text)
    except Refused:
        raise
    except RecursionError as error:
        raise Refused("ModelError", "its configuration is nested too deeply", HINT) from error
    except Exception as error:
        detail = f"{type(error).__name__}: {error}".splitlines()[0]
        raise Refused("ModelError", f"Keras cannot load the file: it is damaged ({detail})", HINT) from error


def _of_zip(path: Path, h5py: Any) -> bytes:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        for name in names:
            parts = PurePosixPath(name).parts
            if "\\" in name or name.startswith("/") or ".." in parts or (name not in MEMBERS and parts[0] != "assets"):
                raise Refused("ModelError", f"the file holds {name[:80]!r}, which no .keras file has", HINT)
        if len(set(names)) != len(names):
            raise Refused("ModelError", "two files in it have the same name", HINT)
        _limit(sum(entry.file_size for entry in archive.infolist()), "unpacks to")
        _limit(archive.getinfo("config.json").file_size, "has a configuration of", CONFIGURATION_BYTES)
        if "model.weights.h5" in names:
            with archive.open("model.weights.h5") as weights, h5py.File(weights, "r") as file:
                _check_hdf5(file, h5py)
        if "model.weights.npz" in names:
            with archive.open("model.weights.npz") as weights, zipfile.ZipFile(weights) as arrays:
                _limit(sum(entry.file_size for entry in arrays.infolist()), "unpacks to")
        return archive.read("config.json")


def _of_hdf5(path: Path, h5py: Any) -> str | bytes | None:
    with h5py.File(path, "r") as file:
        _check_hdf5(file, h5py)
        text = file.attrs.get("model_config")
        return text if text is None or isinstance(text, bytes) else str(text)


def _check_hdf5(file: Any, h5py: Any) -> None:
    """Refuse what reads other files, and arrays that are larger than they are worth."""
    total, waiting, seen = 0, [file], set()
    while waiting:
        group = waiting.pop()
        if group.id in seen:  # groups may hold each other
            continue
        seen.add(group.id)
        for name in group:
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise Refused("ModelError", f"{name[:80]!r} in the file is a link", HINT)
            item = group[name]
            if isinstance(item, h5py.Group):
                waiting.append(item)
            elif isinstance(item, h5py.Dataset):
                if item.external or item.is_virtual:
                    raise Refused("ModelError", f"{name[:80]!r} in the file lies in another file", HINT)
                total += item.size * item.dtype.itemsize if item.size else 0
                _limit(total, "holds arrays of")


def _limit(count: int, what: str, most: int = STORED_BYTES) -> None:
    if count > most:
        raise Refused("ModelError", f"the file {what} {size(count)}; the limit is {size(most)}", "take a smaller model")
