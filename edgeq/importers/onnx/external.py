"""Tensors whose elements lie in a file beside the model."""

from __future__ import annotations

import os
import stat
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any

import onnx

from edgeq.errors import ModelError
from edgeq.importers.budget import Budget
from edgeq.ir.limits import size

_HINT = "put the model's external data files beside it"


def stored_inside(tensor: Any, name: str, folder: Path, budget: Budget) -> Any:
    """The message of a tensor with its elements in it. Only regular files in the model's folder are read.

    Their size is compared with the tensor's shape first, so that a few bytes of a model cannot ask for gigabytes.

    Raises:
        ModelError: there is no such file, it lies elsewhere, or its size does not fit.
    """
    entries = {entry.key: entry.value for entry in tensor.external_data}
    path = _place(entries.get("location", ""), name, folder)
    expected = _nbytes(tensor)
    try:
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", -1))
    except ValueError as error:
        raise ModelError("its external data has no place in its file", hint=_HINT, where=name) from error
    with path.open("rb") as file:
        there = os.fstat(file.fileno()).st_size
        length = there - offset if "length" not in entries else length
        if offset < 0 or length < 0 or offset + length > there:
            raise ModelError(
                f"its external data is said to be {length:,} bytes from {offset:,} on, and {path.name} has {there:,}",
                hint=_HINT,
                where=name,
            )
        if length != expected:
            raise ModelError(
                f"its external data is {size(length)}, and elements of its shape {tuple(tensor.dims)} are "
                f"{size(expected)}",
                hint="the file belongs to another model, or is damaged; export the model again",
                where=name,
            )
        budget.stored(expected)
        file.seek(offset)
        made = onnx.TensorProto()
        made.dims[:] = tensor.dims
        made.data_type, made.name, made.raw_data = tensor.data_type, tensor.name, file.read(length)
        return made


def _nbytes(tensor: Any) -> int:
    """Bytes of a tensor's elements."""
    kind = onnx.TensorProto.DataType.Name(tensor.data_type)
    bits = next((int(b) for b in ("2", "4") if kind.endswith(f"INT{b}") or kind.startswith(f"FLOAT{b}E")), 0)
    if not bits:
        bits = 8 * int(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize)
    return -(-prod(tensor.dims) * bits // 8)


def _place(location: str, name: str, folder: Path) -> Path:
    """The file of external data.

    Raises:
        ModelError: it is absent, no regular file, or not in the model's folder itself.
    """
    parts = PurePosixPath(location).parts
    shown = repr(location if len(location) <= 80 else f"{location[:79]}…")
    if not parts or location.startswith(("/", "\\")) or ":" in location or "\\" in location or ".." in parts:
        raise ModelError(f"its external data is in {shown}, outside the model's folder", hint=_HINT, where=name)
    place = folder.resolve()
    for part in parts:
        place /= part
        try:
            mode = place.lstat().st_mode
        except (OSError, ValueError) as error:
            raise ModelError(f"its external data {shown} is absent", hint=_HINT, where=name) from error
        if stat.S_ISLNK(mode):
            raise ModelError(f"its external data {shown} is a link", hint=f"{_HINT} themselves", where=name)
    status = place.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        what = "no regular file" if not stat.S_ISREG(status.st_mode) else "a file that also has another name"
        raise ModelError(f"its external data {shown} is {what}", hint=f"{_HINT} themselves", where=name)
    return place
