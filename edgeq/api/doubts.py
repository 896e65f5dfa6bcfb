"""What is doubtful about calibration data."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from edgeq.api.data import Dataset
from edgeq.executor import Executor, FloatArithmetic
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array
from edgeq.quantize.operands import rule_of
from edgeq.warnings import warn

FEW = 20
"""Fewer samples than this say little about the ranges of activations."""
LOOKED_AT = 8
"""Samples by which the scale of an input is judged."""
LARGE = 25.0
"""Root mean square of the first layer's outputs above which the scale of the input is in doubt (docs/data.md).

Batch normalization, and weights as they are when training begins, keep it near 1 for the data that a network is made
for; with bytes in place of numbers from 0 to 1 it is 255 times that.
"""


class _Range(NamedTuple):
    """A range of whole numbers that sensors and files give, and what networks want divided by it."""

    low: int
    high: int
    least_high: int
    divisor: int


_RAW = (
    _Range(0, 255, 64, 255),
    _Range(-128, 127, 64, 128),
    _Range(-32768, 32767, 1024, 32768),
)


def check_calibration(data: Dataset, graph: Graph, where: str = "") -> None:
    """Warn of calibration data that can hardly be what the model will see.

    Args:
        data: the samples.
        graph: the optimized float graph; one whose activations all carry parameters needs no calibration, and an input
            that carries some, such as one declared to take raw bytes, is not looked at for its scale.
        where: the file, for messages.
    """
    activations = [*graph.inputs, *(name for node in graph.nodes for name in node.outputs)]
    if all(graph.type(name).q is not None or not graph.type(name).dtype.is_float for name in activations):
        return
    if len(data) < FEW:
        what = "sample" if len(data) == 1 else "samples"
        hint = f"take {FEW} or more, better 100, of all kinds that occur"
        warn(f"ranges are measured on only {len(data)} calibration {what}", hint=hint, where=where)
    for name, array in data.inputs.items():
        _check_variety(name, array, len(data), where)
    (name, *others) = data.inputs
    if not others and not graph.states and graph.type(name).q is None and not graph.type(name).is_whole:
        _check_scale(name, data, graph, where)


def _check_variety(name: str, array: Array, samples: int, where: str) -> None:
    """Warn of samples that are all zero, all one number, or all the same."""
    rows = array.reshape(samples, -1)
    hint = "take samples as the device will see them"
    zero = int((~rows.any(axis=1)).sum())
    if zero == samples:
        warn(f"all calibration data of input {name!r} are zero", hint=hint, where=where)
    elif np.all(rows == rows[0, 0]):
        warn(f"all calibration data of input {name!r} are {rows[0, 0]:g}", hint=hint, where=where)
    elif samples > 1 and np.all(rows == rows[0]):
        warn(f"all {samples} calibration samples of input {name!r} are the same", hint=hint, where=where)
    elif rows.shape[1] > 1 and 2 * zero > samples:
        warn(f"{zero} of {samples} calibration samples of input {name!r} are all zero", hint=hint, where=where)


def _check_scale(name: str, data: Dataset, graph: Graph, where: str) -> None:
    """Warn of raw numbers, such as bytes of pixels, for a model that wants them divided."""
    array = data.inputs[name]
    raw = _raw_range(array)
    if raw is None or _first_response(graph, data) < LARGE or _right_as_they_are(graph, data, raw):
        return
    low, high = float(array.min()), float(array.max())
    kind = "numbers" if array.dtype.kind == "f" and np.any(array != np.rint(array)) else "whole numbers"
    wanted = "0…1" if raw.low == 0 else "−1…1"
    hint = f"divide them by {raw.divisor}, if the model was trained so"
    if raw.divisor == 255:
        hint = "try --input-std 255, or --input-std 1 if it was trained on raw bytes"
    warn(
        f"calibration data of input {name!r} are {kind} from {low:g} to {high:g}, and the model seems to take {wanted}",
        hint=hint,
        where=where,
    )


def _raw_range(array: Array) -> _Range | None:
    """The range of raw numbers that an array is likely to be in."""
    low, high = float(array.min()), float(array.max())
    whole = array.dtype.kind in "iub" or bool(np.all(array == np.rint(array)))
    for raw in _RAW:
        if raw.low < 0 <= low:  # sound has both signs
            continue
        if raw.low <= low and raw.least_high <= max(high, -low) and high <= raw.high:
            # Images that were resized are no whole numbers any more, but still reach from black to white.
            return raw if whole or (raw.low == 0 and high > raw.high / 2) else None
    return None


def _values(graph: Graph, samples: Array, wanted: str) -> Array:
    """A value of the float graph for samples of its only input, samples first; nothing behind it is computed."""
    walk = Executor(graph, FloatArithmetic(graph)).walk({graph.inputs[0]: samples.astype(np.float32)})
    return next(array for name, array in walk if name == wanted)


def _some(data: Dataset, count: int) -> Array:
    """Up to `count` samples, (samples, *the input's shape)."""
    (name,) = data.inputs
    return np.stack([sample[name] for sample in data.first(count)])


def _first_response(graph: Graph, data: Dataset) -> float:
    """Root mean square of what the first layer with weights gives; 0 if there is none."""
    layer = next((node for node in graph.nodes if rule_of(graph, node).products), None)
    if layer is None:
        return 0.0
    values = _values(graph, _some(data, LOOKED_AT), layer.outputs[0])
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def _right_as_they_are(graph: Graph, data: Dataset, raw: _Range) -> bool:
    """Whether labels say that the model recognises the samples as they are, and less well when they are divided."""
    count = min(len(data), 64)
    if data.labels is None or len(data.labels) != len(data) or data.labels.dtype.kind not in "iu":
        return False
    samples, labels = _some(data, count), data.labels[:count]

    def right(divisor: int) -> float:
        output = _values(graph, samples / divisor, graph.outputs[0]).reshape(count, -1)
        return float(np.mean(output.argmax(axis=1) == labels))

    return right(1) > right(raw.divisor) + 0.05
