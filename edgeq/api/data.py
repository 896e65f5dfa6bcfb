"""Samples for calibration and verification, from files and from arrays."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgeq.api.labels import class_indices, classes_of
from edgeq.api.media import read_media
from edgeq.api.media_files import is_media
from edgeq.api.paths import SAMPLES_HINT, check_samples
from edgeq.errors import UsageError
from edgeq.ir.graph import Graph
from edgeq.ir.limits import SAMPLE_BYTES, size
from edgeq.ir.quant_rule import Index
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.ir.traits import Perm, inverse, permuted
from edgeq.quantize.preprocess import InputSpec, graph_values, input_name


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples of a model's inputs.

    Attributes:
        inputs: one array per input, (samples, …) with the model's own layout behind the first dimension.
        shapes: shape of each input as the model takes it, batch first.
        labels: one class index per sample (per row of a batch, for a model with a fixed one) or, for a model with
            states, per sequence; or None.
        steps: for a model with states, how many samples make one sequence; None: all of them do.
    """

    inputs: Mapping[str, Array]
    shapes: Mapping[str, Shape]
    labels: Array | None = None
    steps: int | None = None

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {self.shapes[name]}" for name in self.inputs)
        labels = "" if self.labels is None else f", {len(self.labels)} labels"
        return f"<Dataset: {len(self)} samples of {shapes}{labels}>"

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
        """Indices of the rows that the labels are about: each, or the last one of each sequence."""
        if self.labels is None or len(self.labels) >= len(self):
            return range(0 if self.labels is None else len(self.labels))
        steps = self.steps or len(self)
        return range(steps - 1, steps * len(self.labels), steps)

    def in_sequences(self, outputs: Mapping[str, Array]) -> dict[str, Array]:
        """Outputs of all samples, (samples, …), as (sequences, steps, …) where the samples are several sequences."""
        if self.steps is None:
            return dict(outputs)
        count = len(self) // self.steps
        return {name: y.reshape(count, len(y) // count, *y.shape[1:]) for name, y in outputs.items()}

    def first(self, count: int | None) -> Dataset:
        """The first `count` samples (all when None)."""
        if count is None or count >= len(self):
            return self
        cut = {n: a[: count * (self.shapes[n][0] if self.shapes[n] else 1)] for n, a in self.inputs.items()}
        labels = self.labels
        if labels is not None:  # the label of a sequence that is cut short concerns a step that is no longer there
            rows = max(1, len(labels) // len(self)) * count
            labels = labels[: sum(index < rows for index in self.labelled)]
            labels = labels if len(labels) else None
        return Dataset(cut, self.shapes, labels, self.steps)


Samples = str | Path | Dataset | Array | Mapping[str, Array] | Iterable[Mapping[str, Array]]
"""Where samples come from: see `load_data`."""
Arrays = Mapping[str, Array | None]
MOST_WHOLE = 256
"""Random whole numbers are below this where nothing says what they may be."""
LABELS = ("y", "labels")
"""What arrays of labels are called."""


def _arrays_of_file(path: Path) -> Arrays:
    """The arrays of a file by name, `x` for an .npy file; None for those that hold Python objects."""
    check_samples(path)
    if zipfile.is_zipfile(path):
        _check_size(path)
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"x": loaded}
        return {name: _unless_objects(loaded, name) for name in loaded.files}
    except Exception as error:  # numpy, zipfile and zlib each raise their own
        with path.open("rb") as file:
            foreign = not file.read(6).startswith((np.lib.format.MAGIC_PREFIX, b"PK"))
        why = "" if foreign else f" ({error})"  # of other files numpy says that they may be pickles
        raise UsageError(f"not a readable .npz or .npy file{why}", hint=SAMPLES_HINT, where=str(path)) from error


def _unless_objects(file: Mapping[str, Array], name: str) -> Array | None:
    try:
        array = file[name]
        if isinstance(array, np.ndarray):
            return array
        raise ValueError(f"what is in it as {name!r} is no array")  # numpy gives the bytes of other files
    except ValueError as error:
        if "Object arrays" in str(error):
            return None
        raise


def _check_size(path: Path) -> None:
    """Make sure that arrays do not unpack to more than edgeq reads: a few kilobytes can stand for gigabytes of zeros.

    Raises:
        UsageError: they do, or the file is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(entry.file_size for entry in archive.infolist())
    except Exception as error:
        raise UsageError(f"not a readable .npz file ({error})", where=str(path)) from error
    if total > SAMPLE_BYTES:
        raise UsageError(
            f"its arrays are {size(total)}; the limit is {size(SAMPLE_BYTES)}",
            hint="a few hundred samples are enough",
            where=str(path),
        )


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


def is_whole(array: Array, dtype: DType = DType.INT32) -> bool:
    """Whether all elements are integers that a type holds."""
    low, high = dtype.range
    return bool(np.all((array >= low) & (array <= high) & (array == np.rint(array))))


def _checked(name: str, array: Array, shape: Shape, where: str, stateful: bool, whole: DType | None) -> Array:
    rest = [str(d) for d in shape[1:]]
    layout = ", ".join(["steps" if stateful else "samples", *rest])
    layout += f") or ({', '.join(['sequences', 'steps', *rest])}" if stateful else ""
    if not stateful and shape and shape[0] > 1:  # the first dimension may be of steps, not of samples
        layout = f"samples, {shape[0]}, {', '.join(rest)}"
        if array.shape[1:] == shape:
            array = array.reshape(-1, *shape[1:])
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
    if whole is not None and not is_whole(array, whole):
        low, high = whole.range
        raise UsageError(
            f"array {name!r} is for an input of whole numbers, and holds others",
            hint=f"store integers from {low:,} to {high:,}".replace("-", "−"),
            where=where,
        )
    if array.dtype.kind == "f" and not _finite(array):
        raise UsageError(
            f"array {name!r} holds values that are NaN, infinite or too large", hint="remove those samples", where=where
        )
    return array


def _finite(array: Array) -> bool:
    """Whether all elements are numbers in float32."""
    with np.errstate(over="ignore"):
        return bool(np.isfinite(array.astype(np.float32, copy=False)).all())


def load_data(
    source: Samples,
    graph: Graph,
    spec: InputSpec | None = None,
    key: str | None = None,
    layouts: Mapping[str, Perm] | None = None,
) -> Dataset:
    """Samples for `graph`, as real values of its inputs.

    Samples are in the model's own layout. The graph may have another one, in which the result is.

    One input: array `x` (or an .npy file), or the one called `key`; several: one array per input, by its name. Class
    labels, where there are any: `y`, or `labels`. Integer arrays are taken as real numbers; for an input with
    preprocessing `spec` they are raw bytes, and floating-point arrays are what the model sees.

    For a model with states, samples are the steps of one sequence; arrays with one more leading dimension, (sequences,
    steps, …), are several sequences, and there may be one label for each.

    Args:
        source: an .npz or .npy file; an image or a .wav file, or a folder of them (`edgeq.api.media`); an array,
            samples first; arrays by name, as in a file; one mapping per sample from inputs to their arrays; or what
            this function returned.
        graph: the model.
        spec: preprocessing of raw bytes.
        key: the array that holds the samples of a model's only input.
        layouts: of inputs that the graph has in another layout than the model, the permutation to that.

    Raises:
        UsageError: the file is missing or broken, or the samples do not fit the model.
    """
    if isinstance(source, Dataset):
        return moved(source, graph, layouts or {})
    where = str(source) if isinstance(source, str | Path) else "samples"
    shapes = {name: graph.type(name).shape for name in graph.public_inputs}
    if not shapes:
        raise UsageError("the model has no inputs to take samples", hint="export the model with an input", where=where)
    if isinstance(source, str | Path) and is_media(Path(source)):
        arrays = _media(Path(source), graph, layouts or {})
    else:
        arrays = _arrays_of(source, shapes)
    return _dataset(arrays, where, graph, spec, key, layouts or {})


def _media(path: Path, graph: Graph, layouts: Mapping[str, Perm]) -> Arrays:
    """Samples from images or sound, for the model's only input."""
    (name, *others) = graph.public_inputs
    if others:
        hint = "store the samples in an .npz, one array per input"
        raise UsageError(f"the model has {len(others) + 1} inputs, of which files say nothing", hint, str(path))
    shape = graph.type(name).shape
    own = permuted(shape, inverse(layouts[name])) if name in layouts else shape
    arrays = read_media(path, own, bool(graph.states))
    if graph.type(name).is_whole and arrays["x"].dtype.kind == "f":  # samples of sound
        low, high = DType.INT16.range
        arrays["x"] = np.clip(np.rint(arrays["x"] * np.float32(high + 1)), low, high).astype(np.int16)
    return arrays


def _arrays_of(source: Samples, shapes: Mapping[str, Shape]) -> Arrays:
    if isinstance(source, str | Path):
        return _arrays_of_file(Path(source))
    if isinstance(source, Mapping):
        return {name: np.asarray(array) for name, array in source.items()}
    if hasattr(source, "__array__"):
        return {"x": np.asarray(source)}
    samples = list(source)
    if not all(isinstance(sample, Mapping) for sample in samples):
        return {"x": np.asarray(samples)}
    names = [name for name in shapes if samples and all(name in sample for sample in samples)]
    return {name: np.concatenate([np.atleast_1d(sample[name]) for sample in samples]) for name in names}


def _dataset(
    arrays: Arrays,
    where: str,
    graph: Graph,
    spec: InputSpec | None,
    key: str | None,
    layouts: Mapping[str, Perm],
) -> Dataset:
    """The samples and labels among arrays."""
    shapes = {name: graph.type(name).shape for name in graph.public_inputs}
    stateful = bool(graph.states)
    keys = _keys(arrays, list(shapes), key, where)
    inputs: dict[str, Array] = {}
    lengths: set[int | None] = set()
    for name, shape in shapes.items():
        found = arrays[keys[name]]
        if found is None:
            raise UsageError(f"array {keys[name]!r} holds Python objects", hint="store real numbers", where=where)
        array, length = _joined_sequences(keys[name], found, shape, where) if stateful else (found, None)
        perm = layouts.get(name, tuple(range(len(shape))))
        whole = graph.type(name).dtype if graph.type(name).is_whole else None
        checked = _checked(keys[name], array, permuted(shape, inverse(perm)), where, stateful, whole)
        inputs[name] = checked.transpose(perm) if name in layouts else checked
        lengths.add(length)
    if spec is not None:
        name = input_name(graph, spec)
        inputs[name] = graph_values(graph, spec, inputs[name])
    counts = {len(a) // (shapes[n][0] if shapes[n] else 1) for n, a in inputs.items()}
    if len(counts) > 1:
        raise UsageError(f"the inputs have different numbers of samples: {sorted(counts)}", where=where)
    if len(lengths) > 1:
        raise UsageError(
            "the inputs have sequences of different lengths",
            hint="store all inputs as (steps, …), or all as (sequences, steps, …)",
            where=where,
        )
    (count,), (steps,) = counts, lengths
    labels = next((name for name in LABELS if name in arrays and name not in keys.values()), None)
    if labels is None:
        return Dataset(inputs, shapes, None, steps)
    sequences = count // (steps or count)
    classes = classes_of(graph)
    rows = count if classes is None else count * graph.type(graph.public_outputs[0]).shape[0]
    counted = (count, sequences) if stateful else (rows,)
    what = f"{count} samples {', '.join(f'`{name}`' for name in keys.values())}"
    what += f" in {sequences} sequences" if stateful else ""
    indices = class_indices(arrays[labels], labels, classes, counted, what, where)
    return Dataset(inputs, shapes, indices, steps)


def _keys(arrays: Arrays, inputs: list[str], key: str | None, where: str) -> dict[str, str]:
    """For each input the array that holds its samples.

    Raises:
        UsageError: it is missing.
    """
    there = ", ".join(sorted(arrays)) or "no arrays"
    if len(inputs) > 1:
        if key is not None:
            hint = "leave --key out; each input's array has the input's name: " + ", ".join(inputs)
            raise UsageError(f"the model has {len(inputs)} inputs", hint=hint, where=where)
        missing = next((name for name in inputs if name not in arrays), None)
        if missing is not None:
            hint = "store the samples of several inputs under the inputs' names: " + ", ".join(inputs)
            raise UsageError(f"array {missing!r} is missing; the file has {there}", hint=hint, where=where)
        return {name: name for name in inputs}
    (name,) = inputs
    # `y` is what labels are called: an input of this name is meant only where there is no `x`.
    known = ("x", name) if name in LABELS else (name, "x")
    unnamed = ("arr_0",) if [n for n in arrays if n not in LABELS] == ["arr_0"] else ()  # np.savez(path, samples)
    wanted = (key,) if key is not None else (*known, *unnamed)
    chosen = next((n for n in wanted if n in arrays), None)
    if chosen is None:
        hint = "store the samples of a model's only input as `x`, or name their array with --key"
        raise UsageError(f"array {key or 'x'!r} is missing; the file has {there}", hint=hint, where=where)
    return {name: chosen}


def moved(samples: Dataset, graph: Graph, layouts: Mapping[str, Perm]) -> Dataset:
    """Samples in a model's own layout or the graph's, in the graph's."""
    there = {n: perm for n, perm in layouts.items() if samples.shapes[n] != graph.type(n).shape}
    inputs = {n: a.transpose(there[n]) if n in there else a for n, a in samples.inputs.items()}
    shapes = {n: permuted(s, there[n]) if n in there else s for n, s in samples.shapes.items()}
    return replace(samples, inputs=inputs, shapes=shapes) if there else samples


def in_own_layout(layouts: Mapping[str, Perm], name: str, array: Array) -> Array:
    """An output (samples · batch, …) as the model itself has it, where its caller has it in another layout."""
    return array.transpose(inverse(layouts[name])) if name in layouts else array


def random_data(graph: Graph, ranges: Mapping[str, tuple[float, float]], count: int) -> Dataset:
    """Uniform random samples within the real range of each public input; always the same ones.

    Truth values and whole numbers are drawn as such.
    """
    rng = np.random.default_rng(2024)
    shapes = {name: graph.type(name).shape for name in graph.public_inputs}
    inputs = {}
    for name, shape in shapes.items():
        low, high = ranges[name]
        batched = (count * shape[0], *shape[1:]) if shape else (count,)
        kind = graph.type(name)
        if kind.is_whole or kind.dtype is DType.BOOL:
            inputs[name] = rng.integers(int(low), int(high) + 1, batched).astype(np.int32)
        else:
            inputs[name] = rng.uniform(low, high, batched).astype(np.float32)
    return Dataset(inputs, shapes)


def limits_of(graph: Graph, name: str) -> list[tuple[int, int]]:
    """For every operator that reads a value as whole numbers, the least of them, and below what they have to be."""
    found: list[tuple[int, int]] = []
    for node in graph.consumers[name]:
        rule = node.op.quant_rule([None if i is None else graph.type(i).shape for i in node.inputs])
        for index, operand in enumerate(node.inputs):
            role = rule.role(index)
            if operand == name and isinstance(role, Index):
                found.append((role.least, role.limit))
        if node.op.is_view:
            found += limits_of(graph, node.outputs[0])
    return found


def real_ranges(graph: Graph) -> dict[str, tuple[float, float]]:
    """Least and greatest real value that each input of a quantized graph can hold; −1 and 1 for real inputs.

    Of whole numbers those that everything takes that reads them.
    """
    ranges = {}
    for name in graph.inputs:
        kind = graph.type(name)
        if kind.is_whole:
            limits = limits_of(graph, name)
            least, limit = max((low for low, _ in limits), default=0), min((n for _, n in limits), default=MOST_WHOLE)
            ranges[name] = (float(least), float(limit - 1))
            continue
        if kind.q is None:
            ranges[name] = (-1.0, 1.0)
            continue
        low, high = kind.qp.dequantize(np.array(kind.dtype.range))
        ranges[name] = (float(low), float(high))
    return ranges
