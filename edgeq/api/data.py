"""Samples for calibration and verification, from .npz and .npy files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeq.api.paths import check_samples
from edgeq.errors import UsageError
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array, Shape
from edgeq.quantize.preprocess import InputSpec, graph_values, input_name


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples of a model's inputs.

    Attributes:
        inputs: one array per input, (samples, …) with the model's own layout behind the first dimension.
        shapes: shape of each input as the model takes it, batch first.
        labels: one class index per sample or, for a model with states, per sequence; or None.
        steps: for a model with states, how many samples make one sequence; None: all of them do.
    """

    inputs: Mapping[str, Array]
    shapes: Mapping[str, Shape]
    labels: Array | None = None
    steps: int | None = None

    def __len__(self) -> int:
        name, array = next(iter(self.inputs.items()))
        return len(array) // self.shapes[name][0] if self.shapes[name] else len(array)

    def __iter__(self) -> Iterator[dict[str, Array]]:
        for index in range(len(self)):
            yield {name: self._sample(name, index) for name in self.inputs}

    def _sample(self, name: str, index: int) -> Array:
        shape = self.shapes[name]
        batch = shape[0] if shape else 1
        return self.inputs[name][index * batch : (index + 1) * batch].reshape(shape)

    @property
    def labelled(self) -> range:
        """Indices of the samples that the labels are about: each, or the last one of each sequence."""
        if self.labels is None or len(self.labels) == len(self):
            return range(0 if self.labels is None else len(self))
        steps = self.steps or len(self)
        return range(steps - 1, steps * len(self.labels), steps)

    def first(self, count: int | None) -> Dataset:
        """The first `count` samples (all when None)."""
        if count is None or count >= len(self):
            return self
        cut = {n: a[: count * (self.shapes[n][0] if self.shapes[n] else 1)] for n, a in self.inputs.items()}
        labels = self.labels
        if labels is not None:  # the label of a sequence that is cut short concerns a step that is no longer there
            labels = labels[: sum(index < count for index in self.labelled)]
            labels = labels if len(labels) else None
        return Dataset(cut, self.shapes, labels, self.steps)


def _arrays(path: Path) -> dict[str, Array]:
    check_samples(path)
    try:
        loaded = np.load(path, allow_pickle=False)
        return {"x": loaded} if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded.files}
    except Exception as error:  # numpy, zipfile and zlib each raise their own
        raise UsageError(f"not a readable .npz or .npy file ({error})", where=str(path)) from error


def _joined_sequences(name: str, array: Array, shape: Shape, where: str) -> tuple[Array, int | None]:
    """Sequences (sequences, steps, …) as (samples, …), and the length of one; None if the array is one sequence."""
    if array.ndim != max(len(shape), 1) + 1:
        return array, None
    batch = shape[0] if shape else 1
    if array.shape[1] % batch or not array.shape[1]:
        raise UsageError(
            f"array {name!r} has shape {array.shape}, and so sequences of {array.shape[1]} rows",
            hint=f"a step takes {batch}, and a sequence has at least one step",
            where=where,
        )
    return array.reshape(array.shape[0] * array.shape[1], *array.shape[2:]), array.shape[1] // batch


def _checked(name: str, array: Array, shape: Shape, where: str, stateful: bool) -> Array:
    rest = [str(d) for d in shape[1:]]
    layout = ", ".join(["steps" if stateful else "samples", *rest])
    layout += f") or ({', '.join(['sequences', 'steps', *rest])}" if stateful else ""
    if array.dtype.kind not in "fiub":
        raise UsageError(f"array {name!r} holds {array.dtype}", hint="store real numbers", where=where)
    if array.ndim == 0 or array.shape[1:] != shape[1:]:
        raise UsageError(
            f"array {name!r} has shape {array.shape}, the model's input {shape}",
            hint=f"store samples as ({layout}), in the model's own layout",
            where=where,
        )
    if len(array) < max(1, shape[0] if shape else 1):
        raise UsageError(f"array {name!r} is empty", hint=f"store at least one sample as ({layout})", where=where)
    if array.dtype.kind == "f" and not _finite(array):
        raise UsageError(
            f"array {name!r} holds values that are NaN, infinite or too large", hint="remove those samples", where=where
        )
    return array


def _finite(array: Array) -> bool:
    """Whether all elements are numbers in float32."""
    with np.errstate(over="ignore"):
        return bool(np.isfinite(array.astype(np.float32, copy=False)).all())


def load_data(path: str | Path, graph: Graph, spec: InputSpec | None = None) -> Dataset:
    """Samples for `graph` from a file, as real values of its inputs.

    One input: array `x` (or an .npy file); several: one array per input, by its name. Optional class labels: `y`.
    Integer arrays are taken as real numbers; for an input with preprocessing `spec` they are raw bytes, and
    floating-point arrays are what the model sees.

    For a model with states, samples are the steps of one sequence; arrays with one more leading dimension, (sequences,
    steps, …), are several sequences, and there may be one label for each.

    Raises:
        UsageError: the file is missing or broken, or does not fit the model.
    """
    path = Path(path)
    arrays = _arrays(path)
    shapes = {name: graph.type(name).shape for name in graph.public_inputs}
    if not shapes:
        raise UsageError(
            "the model has no inputs to take samples", hint="export the model with an input", where=str(path)
        )
    stateful = bool(graph.states)
    inputs: dict[str, Array] = {}
    lengths: set[int | None] = set()
    for name, shape in shapes.items():
        key = "x" if len(shapes) == 1 and name not in arrays else name
        if key not in arrays:
            raise UsageError(
                f"array {key!r} is missing; the file has {', '.join(sorted(arrays)) or 'no arrays'}",
                hint="store the samples of a model's only input as `x`, of several inputs under the inputs' names: "
                + ", ".join(shapes),
                where=str(path),
            )
        array, length = _joined_sequences(key, arrays[key], shape, str(path)) if stateful else (arrays[key], None)
        inputs[name] = _checked(key, array, shape, str(path), stateful)
        lengths.add(length)
    if spec is not None:
        name = input_name(graph, spec)
        inputs[name] = graph_values(graph, spec, inputs[name])
    counts = {len(a) // (shapes[n][0] if shapes[n] else 1) for n, a in inputs.items()}
    if len(counts) > 1:
        raise UsageError(f"the inputs have different numbers of samples: {sorted(counts)}", where=str(path))
    if len(lengths) > 1:
        raise UsageError(
            "the inputs have sequences of different lengths",
            hint="store all inputs as (steps, …), or all as (sequences, steps, …)",
            where=str(path),
        )
    (count,), (steps,) = counts, lengths
    labels = arrays.get("y")
    if labels is not None:
        labels = labels.reshape(-1)
        sequences = count // (steps or count)
        if len(labels) not in ((count, sequences) if stateful else (count,)):
            several = f" in {sequences} sequences" if stateful else ""
            raise UsageError(f"{len(labels)} labels `y` for {count} samples `x`{several}", where=str(path))
    return Dataset(inputs, shapes, labels, steps)


def random_data(graph: Graph, ranges: Mapping[str, tuple[float, float]], count: int) -> Dataset:
    """Uniform random samples within the real range of each public input; always the same ones."""
    rng = np.random.default_rng(2024)
    shapes = {name: graph.type(name).shape for name in graph.public_inputs}
    inputs = {}
    for name, shape in shapes.items():
        low, high = ranges[name]
        batched = (count * shape[0], *shape[1:]) if shape else (count,)
        inputs[name] = rng.uniform(low, high, batched).astype(np.float32)
    return Dataset(inputs, shapes)


def real_ranges(graph: Graph) -> dict[str, tuple[float, float]]:
    """Least and greatest real value that each input of a quantized graph can hold; −1 and 1 for real inputs."""
    ranges = {}
    for name in graph.inputs:
        kind = graph.type(name)
        if kind.q is None:
            ranges[name] = (-1.0, 1.0)
            continue
        low, high = kind.qp.dequantize(np.array(kind.dtype.range))
        ranges[name] = (float(low), float(high))
    return ranges
