"""What calibration measured, as a value: it can be saved, loaded, merged and used again.

Everything that is decided from calibration data is decided from this. The same samples give the same statistics on
every CPU and in every batch size, and the same statistics the same file, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeq.errors import UsageError
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array
from edgeq.quantize.histogram import Histogram

FORMAT = 1
Floats = npt.NDArray[np.float64]
Means = Mapping[str, Mapping[int, Floats]]
"""By name of a node and index of its bias: the mean, per channel, of the sums that the bias is added to."""


class Need(Enum):
    """What must be known of a tensor: bounds of its channels, bounds of each sample, or a histogram of its values."""

    CHANNELS = "channels"
    SAMPLES = "samples"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, eq=False)
class TensorStatistics:
    """Statistics of one tensor over all samples.

    Attributes:
        low, high: (C,) least and greatest value of every channel, which is an index of the last dimension.
        lows, highs: (samples,) least and greatest value of each sample, in their order; None if not known.
        histogram: of all values; None if not known.
    """

    low: Floats
    high: Floats
    lows: npt.NDArray[np.float32] | None = None
    highs: npt.NDArray[np.float32] | None = None
    histogram: Histogram | None = None

    @property
    def range(self) -> tuple[float, float]:
        """Least and greatest value, and zero."""
        return float(self.low.min(initial=0.0)), float(self.high.max(initial=0.0))

    def knows(self, need: Need, bins: int) -> bool:
        """Whether a need is met; a histogram must have been made for at least `bins` bins."""
        if need is Need.HISTOGRAM:
            return self.histogram is not None and self.histogram.bins >= bins
        return need is Need.CHANNELS or self.lows is not None

    def scaled(self, factors: Floats) -> TensorStatistics:
        """What is known of the tensor with its channels multiplied by positive factors (C,)."""
        return TensorStatistics(self.low * factors, self.high * factors)

    def moved(self, amount: float) -> TensorStatistics:
        """What is known of the tensor with a real number added to it."""
        return TensorStatistics(self.low + amount, self.high + amount)

    def merged(self, other: TensorStatistics) -> TensorStatistics:
        """The statistics over the samples of both, those of `other` last."""
        a, b = self.histogram, other.histogram
        return TensorStatistics(
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
            None if self.lows is None or other.lows is None else np.concatenate([self.lows, other.lows]),
            None if self.highs is None or other.highs is None else np.concatenate([self.highs, other.highs]),
            None if a is None or b is None or a.bins != b.bins else a.merged(b),
        )


@dataclass(frozen=True, eq=False)
class Statistics:
    """Statistics of the tensors of one graph over all samples.

    Attributes:
        graph: `fingerprint` of the float graph.
        samples: how many there were.
        tensors: by name; at least every activation whose parameters are not given.
        means: of the samples that `edgeq.quantize.calibrate.choose` selects; empty if not known.
        means_of: how many samples there were to choose from.
    """

    graph: str
    samples: int
    tensors: Mapping[str, TensorStatistics]
    means: Means = field(default_factory=dict)
    means_of: int = 0

    def merged(self, other: Statistics) -> Statistics:
        """The statistics over the samples of both; the means, for which other samples would be chosen, are not known.

        Raises:
            UsageError: they are of different graphs.
        """
        if self.graph != other.graph or self.tensors.keys() != other.tensors.keys():
            raise UsageError("statistics of different models cannot be merged", hint="measure both on the same model")
        tensors = {name: self.tensors[name].merged(other.tensors[name]) for name in self.tensors}
        return Statistics(self.graph, self.samples + other.samples, tensors)


@dataclass(frozen=True, eq=False)
class Calibration:
    """Statistics of a model: of its float graph, and of the graphs that steps of quantization make of it.

    Attributes:
        graphs: by `fingerprint`.
    """

    graphs: Mapping[str, Statistics] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Calibration: statistics of {len(self.graphs)} graphs>"

    def of(self, graph: Graph) -> Statistics | None:
        """What is known of a graph."""
        return self.graphs.get(fingerprint(graph))

    def knowing(self, statistics: Statistics) -> Calibration:
        """This calibration, extended by what is known of one more graph."""
        return replace(self, graphs={**self.graphs, statistics.graph: statistics})

    def merged(self, other: Calibration) -> Calibration:
        """The calibration with the samples of both, for the graphs that both know.

        Raises:
            UsageError: there is none.
        """
        common = [name for name in self.graphs if name in other.graphs]
        if not common:
            raise UsageError("statistics of different models cannot be merged", hint="measure both on the same model")
        return Calibration({name: self.graphs[name].merged(other.graphs[name]) for name in common})

    def save(self, path: str | Path) -> None:
        """Write an .npz file; the same calibration gives the same bytes.

        Raises:
            UsageError: it cannot be written.
        """
        arrays: list[Array] = []
        header = {"format": FORMAT, "graphs": [_statistics_entry(s, arrays) for s in self.graphs.values()]}
        text = np.frombuffer(json.dumps(header).encode(), np.uint8)
        try:
            with Path(path).open("wb") as file:
                np.savez_compressed(file, allow_pickle=False, header=text, **{str(k): a for k, a in enumerate(arrays)})
        except OSError as error:
            raise UsageError(f"cannot be written: {error.strerror}", where=str(path)) from error

    @staticmethod
    def load(path: str | Path) -> Calibration:
        """Read what `save` wrote.

        Raises:
            UsageError: there is no such file, or it does not hold a calibration.
        """
        try:
            with np.load(Path(path), allow_pickle=False) as file:
                header = json.loads(bytes(file["header"]))
                if header["format"] != FORMAT:
                    raise UsageError(f"format {header['format']} is not known", hint="calibrate again", where=str(path))
                arrays = iter([file[str(k)] for k in range(len(file.files) - 1)])
            graphs = [_read_statistics(entry, arrays) for entry in header["graphs"]]
        except OSError as error:
            raise UsageError("no such file, or not readable", where=str(path)) from error
        except (ValueError, KeyError, TypeError, StopIteration) as error:
            raise UsageError("holds no calibration statistics", hint="measure them again", where=str(path)) from error
        return Calibration({statistics.graph: statistics for statistics in graphs})


@lru_cache(maxsize=4)
def fingerprint(graph: Graph) -> str:
    """A text that is the same for two graphs only if they compute the same with the same names."""
    digest = hashlib.sha256()

    def put(*items: object) -> None:
        digest.update(repr(items).encode())

    put(graph.inputs, graph.outputs)
    for node in graph.nodes:
        put(node.name, node.op, node.inputs, node.outputs)
    for name, value in graph.values.items():
        put(name, value.type)
        if value.data is not None:
            digest.update(np.ascontiguousarray(value.data).tobytes())
    return digest.hexdigest()


PARTS = ("low", "high", "lows", "highs")


def _statistics_entry(statistics: Statistics, arrays: list[Array]) -> dict[str, Any]:
    """The statistics as JSON; their arrays are appended in the order in which the JSON names them."""
    tensors = []
    for name, tensor in statistics.tensors.items():
        parts = {part: array for part, array in zip(PARTS, _arrays(tensor), strict=True) if array is not None}
        arrays.extend(parts.values())
        entry: dict[str, Any] = {"name": name, "parts": list(parts)}
        h = tensor.histogram
        if h is not None:
            entry["histogram"] = [h.bins, h.exponent, h.first, h.zeros, h.low, h.high]
            arrays.append(h.counts)
        tensors.append(entry)
    means = [(node, index) for node, biases in statistics.means.items() for index in biases]
    arrays.extend(statistics.means[node][index] for node, index in means)
    return {
        "graph": statistics.graph,
        "samples": statistics.samples,
        "tensors": tensors,
        "means": means,
        "means_of": statistics.means_of,
    }


def _arrays(tensor: TensorStatistics) -> tuple[Array | None, ...]:
    return tensor.low, tensor.high, tensor.lows, tensor.highs


def _read_statistics(entry: Mapping[str, Any], arrays: Iterator[Array]) -> Statistics:
    tensors = {}
    for tensor in entry["tensors"]:
        parts = {part: next(arrays) for part in tensor["parts"]}
        histogram = None
        if "histogram" in tensor:
            histogram = Histogram.of(next(arrays), *tensor["histogram"])
        tensors[tensor["name"]] = TensorStatistics(**parts, histogram=histogram)
    means: dict[str, dict[int, Floats]] = {}
    for node, index in entry["means"]:
        means.setdefault(node, {})[index] = next(arrays)
    return Statistics(entry["graph"], entry["samples"], tensors, means, entry["means_of"])
