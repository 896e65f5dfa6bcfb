"""Labels of samples as class indices, and what is doubtful about them."""

from __future__ import annotations

from collections.abc import Collection
from math import prod

import numpy as np

from edgeq.errors import UsageError
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array
from edgeq.warnings import warn


def classes_of(graph: Graph) -> int | None:
    """How many classes the first output of a model tells apart; None if it is a single number, names classes, or has
    more than one axis, such as a mask or a sequence, which says no class of the sample as a whole.
    """
    if graph.public_outputs and graph.type(graph.public_outputs[0]).is_whole:
        return None
    shape = graph.type(graph.public_outputs[0]).shape if graph.public_outputs else ()
    count = prod(shape[1:])
    return count if count > 1 and count in shape[1:] else None


def class_indices(
    labels: Array | None, name: str, classes: int | None, counts: Collection[int], what: str, where: str
) -> Array | None:
    """Labels as whole numbers, one per sample; None, with a warning, where they name no classes.

    Args:
        labels: class indices; or one row of class probabilities per sample, of which the greatest counts; None for an
            array of Python objects.
        name: what the array is called.
        classes: how many classes the model has; None if it has none, and the labels are not looked into.
        counts: how many labels there may be.
        what: what they are of, for messages.
        where: the file, for messages.

    Raises:
        UsageError: there are more or fewer labels.
    """
    hint = f"store class indices, whole numbers from 0 to {(classes or 1) - 1}"

    def doubt(problem: str, advice: str = hint) -> None:
        warn(f"labels `{name}` {problem}", hint=advice, where=where, strict=UsageError)

    if labels is None:
        doubt("are Python objects and are left out")
        return None
    if classes is not None and labels.ndim > 1 and labels.shape[-1] == classes and prod(labels.shape[:-1]) in counts:
        rows = labels.reshape(-1, classes)
        if rows.dtype.kind not in "fiub" or not (np.all(rows >= 0) and np.allclose(rows.sum(axis=1), 1, atol=1e-3)):
            doubt("have a number for every class, but these are not one-hot, and they are left out")
            return None
        doubt("are one-hot; the class of the greatest one is taken")
        return np.asarray(rows.argmax(axis=1))
    labels = labels.reshape(-1)
    if len(labels) not in counts:
        raise UsageError(f"{len(labels)} labels `{name}` for {what}", hint=hint if classes else "", where=where)
    if classes is None:
        return labels if labels.dtype.kind in "fiub" else None
    if labels.dtype.kind in "US":
        try:
            labels = labels.astype(np.int64)
        except ValueError:
            doubt("are text and are left out")
            return None
        doubt("are text, and are taken as the numbers that it says")
    if labels.dtype.kind not in "fiub" or not np.all(np.isfinite(labels)) or np.any(labels != np.rint(labels)):
        doubt("are not whole numbers and are left out")
        return None
    indices = labels.astype(np.int64)
    low, high = int(indices.min()), int(indices.max())
    if low < 0 or high >= classes:
        advice = "subtract 1 from them" if (low, high) == (1, classes) else hint
        doubt(f"go from {low} to {high}, and the model has {classes} classes, from 0 to {classes - 1}", advice)
    return indices
