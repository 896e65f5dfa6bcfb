"""Measuring a float graph on samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from edgeq.errors import QuantizationError, UsageError
from edgeq.executor import Executor, FloatArithmetic, Operands, batch_size, in_batches
from edgeq.ir.graph import Graph, Node
from edgeq.ir.op import Op
from edgeq.ir.tensor import Array
from edgeq.numerics.runs import rows_at_once
from edgeq.quantize.histogram import Histogram
from edgeq.quantize.operands import float_products
from edgeq.quantize.statistics import Floats, Means, Need, Statistics, TensorStatistics, fingerprint

Samples = Sequence[Mapping[str, Array]]
Progress = Callable[[int, int], None]
LEAST_SAMPLES = 16
"""With fewer samples the mean of a layer's sums is mostly chance."""
MOST_SAMPLES = 512
MEMORY = 256 << 20
"""Bytes of activations, roughly, that bias correction holds at once; if that is too little, it uses fewer samples."""


@dataclass(frozen=True)
class Wanted:
    """What is to be measured.

    Attributes:
        tensors: what must be known of some tensors; of all others, the channels.
        bins: resolution of histograms.
        means: from how many samples the layers' mean sums are needed; 0: they are not.
    """

    tensors: Mapping[str, Need] = field(default_factory=dict)
    bins: int = 2048
    means: int = 0

    def met_by(self, statistics: Statistics) -> bool:
        """Whether all of it is known already."""
        return self.means in (0, statistics.means_of) and not self.lacking(statistics)

    def lacking(self, statistics: Statistics | None) -> list[str]:
        """The tensors of which too little is known."""
        known = {} if statistics is None else statistics.tensors
        return [n for n, need in self.tensors.items() if n not in known or not known[n].knows(need, self.bins)]


@dataclass
class TensorRecorder:
    """Takes the arrays of one tensor, batch by batch.

    Attributes:
        bins: resolution of the histogram; None for no histogram.
    """

    bins: int | None = None
    low: list[npt.NDArray[np.float32]] = field(default_factory=list)
    high: list[npt.NDArray[np.float32]] = field(default_factory=list)
    lows: list[npt.NDArray[np.float32]] = field(default_factory=list)
    highs: list[npt.NDArray[np.float32]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.histogram = None if self.bins is None else Histogram(self.bins)

    def add(self, batch: Array) -> None:
        """Take float32 values (samples, …), at least one; values that are not finite are left out of the histogram."""
        rows = batch.reshape(len(batch), -1, batch.shape[-1] if batch.ndim > 1 else 1)
        low, high = _fold(np.minimum, rows), _fold(np.maximum, rows)
        self.low.append(low.min(axis=0))
        self.high.append(high.max(axis=0))
        self.lows.append(low.min(axis=1))
        self.highs.append(high.max(axis=1))
        if self.histogram is not None:
            finite = np.isfinite(self.lows[-1]).all() and np.isfinite(self.highs[-1]).all()
            self.histogram.add(batch if finite else batch[np.isfinite(batch)])

    def widen(self, values: Array) -> None:
        """Take float32 values (…, channels) that count for the bounds of the channels alone."""
        rows = values.reshape(-1, values.shape[-1])
        self.low.append(rows.min(axis=0))
        self.high.append(rows.max(axis=0))

    def statistics(self) -> TensorStatistics:
        """The statistics of all batches so far, of which there is at least one."""
        return TensorStatistics(
            np.min(self.low, axis=0).astype(np.float64),
            np.max(self.high, axis=0).astype(np.float64),
            np.concatenate(self.lows),
            np.concatenate(self.highs),
            self.histogram,
        )


def _fold(choose: np.ufunc, rows: Array) -> Array:
    """The least or greatest (samples, C) of (samples, n, C)."""
    samples, n, channels = rows.shape
    side_by_side = rows_at_once(n, channels)
    wide = choose.reduce(rows.reshape(samples, n // side_by_side, side_by_side * channels), axis=1)
    return np.asarray(choose.reduce(wide.reshape(samples, side_by_side, channels), axis=1))


class _Watching(FloatArithmetic):
    """float32; recorders are also shown what passes through outputs."""

    def __init__(self, graph: Graph, recorders: Mapping[str, TensorRecorder]) -> None:
        super().__init__(graph)
        self._recorders = recorders

    def compute(self, op: Op, node: Node, operands: Operands) -> tuple[Array, ...]:
        for index, values in op.passing(operands).items():
            if node.outputs[index] in self._recorders:
                self._recorders[node.outputs[index]].widen(values)
        return super().compute(op, node, operands)


@dataclass
class _MeanInputs:
    """Sums, over chosen samples, of the inputs of layers with a bias."""

    executor: FloatArithmetic
    layers: tuple[Node, ...]
    chosen: npt.NDArray[np.bool_]
    totals: dict[str, Floats] = field(default_factory=dict)

    def add(self, name: str, batch: Array, start: int) -> None:
        """Take the values (samples, …) of a tensor from sample `start` on: one after the other, in their order."""
        total = self.totals[name]
        for sample in batch[self.chosen[start : start + len(batch)]]:
            total += sample

    def means(self) -> Means:
        """The mean sums, by layer and bias."""
        count = int(self.chosen.sum())
        means: dict[str, dict[int, Floats]] = {}
        for node in self.layers:
            operands = [
                None if n is None else self.totals[n] / count if n in self.totals else self.executor.constant(n)
                for n in node.inputs
            ]
            means[node.name] = channel_means(node, operands)
        return means


def channel_means(node: Node, operands: Sequence[Array | None]) -> dict[int, Floats]:
    """The mean, per channel, of the sums that each of a layer's biases is added to; operands are means over samples."""
    reals = [None if x is None else np.asarray(x, np.float32) for x in operands]
    found = {}
    for index, sums in node.op.sums(reals).items():
        rows = sums.reshape(-1, sums.shape[-1])
        found[index] = np.asarray(rows.sum(axis=0, dtype=np.float64) / len(rows))  # row by row, in their order
    return found


def layers_with_bias(graph: Graph) -> dict[str, tuple[int, ...]]:
    """Nodes whose float weights edgeq quantizes itself, and the positions of their float biases, present or absent."""
    layers = {}
    for node in graph.nodes:
        biases = tuple(p.bias for p in float_products(graph, node) if p.bias is not None)
        if biases:
            layers[node.name] = biases
    return layers


def choose(graph: Graph, count: int) -> npt.NDArray[np.int64]:
    """Indices of the samples that bias correction uses: evenly spread, as many as are useful and fit into memory."""
    widest = max((sum(graph.type(o).size for o in n.outputs) for n in graph.nodes), default=1)
    most = min(MOST_SAMPLES, max(LEAST_SAMPLES, MEMORY // (10 * widest)))
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).round().astype(np.int64)


@np.errstate(over="ignore", divide="ignore", invalid="ignore")  # what becomes NaN or infinite is an error of its own
def measure(
    graph: Graph, samples: Samples, wanted: Wanted | None = None, progress: Progress | None = None
) -> Statistics:
    """Execute a float graph on samples and collect the statistics of its activations.

    Args:
        graph: a float graph.
        samples: real values of every graph input, one mapping per sample; states are among the inputs.
        wanted: what is needed besides the bounds of every channel.
        progress: called with the samples done and the samples in all.

    Raises:
        UsageError: there is no sample, or one does not fit the inputs.
    """
    if not samples:
        raise UsageError("there are no calibration samples", hint="give at least one", where=graph.name)
    wanted = wanted or Wanted()
    activations = [*graph.inputs, *(out for node in graph.nodes for out in node.outputs)]
    histograms = {name for name, need in wanted.tensors.items() if need is Need.HISTOGRAM}
    recorders = {
        name: TensorRecorder(wanted.bins if name in histograms else None)
        for name in activations
        if graph.type(name).size and not graph.type(name).is_whole
    }
    arithmetic = _Watching(graph, recorders)
    inputs = _mean_inputs(graph, arithmetic, len(samples)) if wanted.means else None
    executor, done = Executor(graph, arithmetic), 0
    for batch in in_batches(_checked(graph, samples), batch_size(graph)):
        for name, array in executor.walk(batch):
            if name in recorders:
                recorders[name].add(array)
            if inputs is not None and name in inputs.totals:
                inputs.add(name, array, done)
        done += len(next(iter(batch.values()))) if batch else len(samples)
        if progress is not None:
            progress(done, len(samples))
    return Statistics(
        fingerprint(graph),
        len(samples),
        {name: recorder.statistics() for name, recorder in recorders.items()},
        {} if inputs is None else inputs.means(),
        wanted.means,
    )


def _mean_inputs(graph: Graph, arithmetic: FloatArithmetic, count: int) -> _MeanInputs:
    names = layers_with_bias(graph)
    layers = tuple(node for node in graph.nodes if node.name in names)
    read = dict.fromkeys(n for node in layers for n in node.inputs if n is not None and graph.data(n) is None)
    chosen = np.zeros(count, bool)
    chosen[choose(graph, count)] = True
    return _MeanInputs(arithmetic, layers, chosen, {n: np.zeros(graph.type(n).shape) for n in read})


def _checked(graph: Graph, samples: Samples) -> Iterator[dict[str, Array]]:
    """The samples as float32, or int32 for inputs of whole numbers.

    Raises:
        UsageError: an input is missing or has another shape.
    """
    for sample in samples:
        checked = {}
        for name in graph.inputs:
            shape = graph.type(name).shape
            array = None if name not in sample else np.asarray(sample[name])
            if array is None or array.shape != shape or array.dtype.kind not in "fiub":
                what = "is missing" if array is None else f"has shape {array.shape} and type {array.dtype}"
                raise UsageError(
                    f"a calibration sample's input {name!r} {what}",
                    hint=f"give numbers of shape {shape}, in the model's own layout",
                    where=graph.name,
                )
            checked[name] = array.astype(graph.type(name).dtype.numpy)
        yield checked


def not_calibrated(names: Iterable[str]) -> QuantizationError:
    """The error of activations whose range is not known."""
    unknown = list(names)
    shown = ", ".join(unknown[:8]) + (f" and {len(unknown) - 8} more" if len(unknown) > 8 else "")
    return QuantizationError(
        f"the range of {len(unknown)} activation(s) is not known: {shown}",
        hint="give representative samples with --calibration",
    )


def not_finite(graph: Graph, name: str) -> QuantizationError:
    """The error of an activation that needs a range but is not finite."""
    node = graph.producers.get(name)
    inside = "look for a division by zero, an overflow or an infinite constant there, or for bad samples"
    return QuantizationError(
        f"tensor {name!r} becomes NaN or infinite on the calibration data",
        hint=inside if node else "remove bad samples",
        where=graph.name if node is None else f"{node.name} ({node.op.kind})",
    )
