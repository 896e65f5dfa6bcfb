"""How far an integer graph is from the float graph it came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import tee
from typing import TypedDict, cast

import numpy as np
import numpy.typing as npt

from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array, DType, TensorType
from edgeq.sequence import run_sequences
from edgeq.simulator import FloatExecutor, IntExecutor


class LayerError(TypedDict):
    """Error of one value of the graph.

    `sqnr_db` is None where there is no error or no signal at all; `max_error` and `rms`, the root mean square of the
    float value, are in real units.
    """

    name: str
    op: str
    value: str
    sqnr_db: float | None
    max_error: float
    cosine: float
    rms: float


class Accuracy(TypedDict):
    """Figures of a whole model; None where they do not apply (no labels, no classes, no error)."""

    sqnr_db: float | None
    top1_float: float | None
    top1_int8: float | None
    agreement: float | None
    max_abs_diff: float


@dataclass
class Sums:
    """Running sums over a float tensor f and its quantized twin q."""

    signal: float = 0.0
    noise: float = 0.0
    product: float = 0.0
    power: float = 0.0
    worst: float = 0.0
    count: int = 0

    def add(self, f: Array, q: Array) -> None:
        f, q = np.asarray(f, np.float64).ravel(), np.asarray(q, np.float64).ravel()
        difference = f - q
        self.signal += float(f @ f)
        self.noise += float(difference @ difference)
        self.product += float(f @ q)
        self.power += float(q @ q)
        self.count += f.size
        self.worst = max(self.worst, float(np.abs(difference).max(initial=0.0)))

    @property
    def sqnr(self) -> float | None:
        if self.noise == 0.0 or self.signal == 0.0:
            return None
        return float(10.0 * np.log10(self.signal / self.noise))

    @property
    def rms(self) -> float:
        return float(np.sqrt(self.signal / self.count)) if self.count else 0.0

    @property
    def cosine(self) -> float:
        scale = float(np.sqrt(self.signal * self.power))
        return 1.0 if self.noise == 0.0 else min(self.product / scale, 1.0) if scale > 0.0 else 0.0


def sqnr_db(reference: npt.ArrayLike, quantized: npt.ArrayLike) -> float | None:
    """10·log10(Σ f² / Σ (f − q)²) over all elements, in dB; None where there is no error or no signal."""
    sums = Sums()
    sums.add(np.asarray(reference), np.asarray(quantized))
    return sums.sqnr


def quantize_inputs(graph: Graph, sample: Mapping[str, Array]) -> dict[str, Array]:
    """One sample's real values of the public inputs as the integers that an integer graph takes.

    In float32, halves rounded to even, as ONNX's QuantizeLinear does it.
    """
    return {name: _quantize_port(graph.type(name), np.asarray(sample[name])) for name in graph.public_inputs}


def _quantize_port(type: TensorType, real: Array) -> Array:
    if type.q is None:
        return real.astype(type.dtype.numpy)
    steps = np.rint(real.astype(np.float32) / np.float32(type.qp.s))
    return cast(Array, np.clip(steps + np.float32(type.qp.zp), *type.dtype.range).astype(type.dtype.numpy))


def real_output(graph: Graph, name: str, value: Array) -> Array:
    """A value of a quantized graph as real numbers; whole numbers and truth values are what they are."""
    type = graph.type(name)
    return value if type.q is None or type.dtype is DType.BOOL else type.q.dequantize(value)


def steps_apart(a: Array, b: Array) -> int:
    """The greatest distance between elements of two arrays of one type: in integer steps, or in steps between float32
    numbers, where 0 and −0 are one step apart, and NaNs of equal bits none."""
    if a.dtype.kind == "f":
        a, b = _in_order(a), _in_order(b)
    return int(np.abs(a.astype(np.int64) - b.astype(np.int64)).max(initial=0))


def _in_order(x: Array) -> npt.NDArray[np.int64]:
    """The bits of float32 numbers as integers that are ordered as the numbers are."""
    bits = np.ascontiguousarray(x, np.float32).view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(2**31) - bits - 1, bits)


@dataclass
class _Comparison:
    names: tuple[str, ...]
    sums: dict[str, Sums] = field(default_factory=dict)

    def add(self, reference: Mapping[str, Array], quantized: Mapping[str, Array], graph: Graph) -> None:
        for name in self.names:
            sums = self.sums.setdefault(name, Sums())
            sums.add(reference[name], real_output(graph, name, quantized[name]))


def compared(float_graph: Graph, graph: Graph) -> tuple[str, ...]:
    """The values that both graphs compute under one name and in one shape, in the order of the integer graph."""
    return tuple(
        out
        for node in graph.nodes
        for out in node.outputs
        if not graph.type(out).is_whole
        and out in float_graph.producers
        and float_graph.type(out).shape == graph.type(out).shape
    )


def layer_errors(
    float_graph: Graph, int_graph: Graph, samples: Iterable[Mapping[str, Array]], steps: int | None = None
) -> list[LayerError]:
    """Error of every value that both graphs compute under the same name, accumulated through the network.

    Args:
        float_graph, int_graph: before and after quantization.
        samples: real values of the public inputs, one mapping per sample.
        steps: how many samples make one sequence, where the graphs have states; by default all of them.

    Returns:
        One entry per value, in the integer graph's order.
    """
    common = compared(float_graph, int_graph)
    floats, integers, comparison = FloatExecutor(float_graph), IntExecutor(int_graph), _Comparison(common)
    real, quantized = tee(samples)
    references = run_sequences(floats, real, steps)
    results = run_sequences(integers, (quantize_inputs(int_graph, sample) for sample in quantized), steps)
    for reference, result in zip(references, results, strict=True):
        comparison.add(reference, result, int_graph)
    return [
        LayerError(
            name=int_graph.producers[value].name,
            op=int_graph.producers[value].op.kind,
            value=value,
            sqnr_db=comparison.sums[value].sqnr,
            max_error=comparison.sums[value].worst,
            cosine=comparison.sums[value].cosine,
            rms=comparison.sums[value].rms,
        )
        for value in common
        if value in comparison.sums
    ]


def accuracy(
    float_outputs: npt.ArrayLike, int_outputs: npt.ArrayLike, labels: npt.ArrayLike | Sequence[int] | None = None
) -> Accuracy:
    """Compare a model's outputs over a whole data set.

    Args:
        float_outputs: (samples, …) of the float model.
        int_outputs: the same of the integer model, dequantized.
        labels: (samples,) class indices, or None.

    Returns:
        SQNR in dB over all elements; top-1 in percent and agreement (percent of samples with the same winner) where the
        output is one vector of at least two classes per sample; greatest absolute difference in real units.
    """
    f, q = np.asarray(float_outputs, np.float64), np.asarray(int_outputs, np.float64)
    f, q = f.reshape(len(f), -1), q.reshape(len(q), -1)
    sums = Sums()
    sums.add(f, q)
    result = Accuracy(sqnr_db=sums.sqnr, top1_float=None, top1_int8=None, agreement=None, max_abs_diff=sums.worst)
    if f.shape[1] < 2 or not len(f):
        return result
    best_f, best_q = f.argmax(axis=1), q.argmax(axis=1)
    if labels is not None:
        truth = np.asarray(labels).ravel()
        result["top1_float"] = float(100.0 * np.mean(best_f == truth))
        result["top1_int8"] = float(100.0 * np.mean(best_q == truth))
    result["agreement"] = float(100.0 * np.mean(best_f == best_q))
    return result


def of_classes(
    float_outputs: npt.ArrayLike, int_outputs: npt.ArrayLike, labels: npt.ArrayLike | Sequence[int] | None = None
) -> Accuracy:
    """Compare outputs that are classes themselves, over a whole data set.

    Args:
        float_outputs: (samples, …) whole numbers of the float model.
        int_outputs: the same of the integer model.
        labels: (samples,) class indices, or None.

    Returns:
        Agreement: percent of the elements that are equal; top-1 in percent where there is one element for each label;
        greatest difference. An SQNR of names has no meaning.
    """
    f, q = (np.asarray(x, np.int64).reshape(len(np.asarray(x)), -1) for x in (float_outputs, int_outputs))
    worst = float(np.abs(f - q).max(initial=0))
    result = Accuracy(sqnr_db=None, top1_float=None, top1_int8=None, agreement=None, max_abs_diff=worst)
    if f.size:
        result["agreement"] = float(100.0 * np.mean(f == q))
    if labels is not None and f.shape[1] == 1:
        truth = np.asarray(labels).ravel()
        result["top1_float"] = float(100.0 * np.mean(f[:, 0] == truth))
        result["top1_int8"] = float(100.0 * np.mean(q[:, 0] == truth))
    return result


def confusion(labels: npt.ArrayLike, chosen: npt.ArrayLike, classes: int) -> list[list[int]]:
    """How many samples of each class (rows) were taken for each class (columns); labels of no class are left out."""
    truth, found = np.asarray(labels, np.int64).ravel(), np.asarray(chosen, np.int64).ravel()
    known = (truth >= 0) & (truth < classes)
    counts = np.bincount(truth[known] * classes + found[known], minlength=classes * classes)
    return counts.reshape(classes, classes).tolist()
