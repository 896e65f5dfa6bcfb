"""Counts of sequences of whole numbers, as of words that have numbers (TfIdfVectorizer)."""

from __future__ import annotations

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.onnx.choice import part
from edgeq.importers.onnx.handlers import handles_whole
from edgeq.importers.onnx.node import OnnxNode
from edgeq.importers.onnx.whole import number, stored, whole_operand
from edgeq.ir.tensor import Array
from edgeq.ops.mul import Mul
from edgeq.ops.reshape import Reshape
from edgeq.ops.whole_pair import WholePair
from edgeq.ops.whole_product import WholeProduct
from edgeq.ops.whole_to_real import WholeToReal

_CHECK = "check the attributes of this node"
MOST_COMPARISONS = 1 << 20
MODES = ("TF", "IDF", "TFIDF")


def _pool(node: OnnxNode) -> list[Array]:
    """The sequences that are counted, (sequences, length) of each length from 1 on.

    Raises:
        ModelError: they are texts, or their number does not fit.
    """
    numbers, starts = node.attr_ints("pool_int64s"), node.attr_ints("ngram_counts")
    if not numbers or not starts:
        raise ModelError("it counts texts", hint="encode texts in the application, and give the model numbers")
    ends = (*starts[1:], len(numbers))
    found = []
    for length, (start, end) in enumerate(zip(starts, ends, strict=True), 1):
        if not 0 <= start <= end <= len(numbers) or (end - start) % length:
            raise ModelError(f"numbers {start} to {end} are no sequences of {length}", hint=_CHECK)
        found.append(np.array(numbers[start:end], np.int64).reshape(-1, length))
    return found


def _counted(node: OnnxNode, x: str, sequences: Array, distance: int, suffix: str) -> str:
    """Add how often each of the sequences is in a row of x (rows, columns, 1) with so many places from one number to
    the next: (rows, 1, sequences)."""
    (count, length), columns = sequences.shape, node.type(x).shape[1]
    places = columns - (length - 1) * distance
    if node.type(x).shape[0] * places * count > MOST_COMPARISONS:
        raise ModelError(f"{places * count:,} sequences would be compared in a row", hint="use shorter rows")
    same = ""
    for k in range(length):
        here = part(node, x, 1, k * distance, k * distance + places, f"{suffix}_{k}")
        wanted = stored(node, sequences[:, k].reshape(1, 1, count), f"{suffix}_wanted{k}")
        equal = node.emit(WholePair("equal"), [here, wanted], f"{suffix}_equal{k}")
        same = node.emit(WholePair("mul"), [same, equal], f"{suffix}_all{k}") if same else equal
    ones = stored(node, np.ones((1, places), np.int64), f"{suffix}_ones") if places > 1 else ""
    return node.emit(WholeProduct(), [ones, same], f"{suffix}_sum") if ones else same


@handles_whole("TfIdfVectorizer")
def tf_idf_vectorizer(node: OnnxNode) -> None:
    """How often each sequence of numbers is in a row, with weights; texts are refused.

    Raises:
        ModelError: attributes do not fit each other.
    """
    least, most = node.attr_int("min_gram_length", 1), node.attr_int("max_gram_length", 1)
    skips = node.attr_int("max_skip_count", 0)
    mode, indexes, pool = node.attr_str("mode", ""), node.attr_ints("ngram_indexes") or (), _pool(node)
    shape, total = node.shape(0), sum(map(len, pool))
    if mode not in MODES or len(shape) not in (1, 2) or len(indexes) != total or min(indexes, default=-1) < 0:
        raise ModelError(f"mode {mode!r}, shape {shape} or {len(indexes)} indexes are not possible", hint=_CHECK)
    if not 1 <= least <= most or skips < 0:
        raise ModelError(f"sequences of {least} to {most} with {skips} skipped are not possible", hint=_CHECK)
    rows, columns = (1, *shape)[-2:]
    x = node.emit(Reshape((rows, columns, 1)), [whole_operand(node, 0)], "rows", keep_q=True)
    result, first = "", 0
    for length, sequences in enumerate(pool, 1):
        places = np.zeros((len(sequences), max(indexes) + 1), np.int64)
        places[np.arange(len(sequences)), list(indexes[first : first + len(sequences)])] = 1
        first += len(sequences)
        for distance in range(1, 2 if length == 1 else skips + 2):
            if not least <= length <= most or not len(sequences) or (length - 1) * distance >= columns:
                continue
            suffix = f"gram{length}_{distance}"
            counted = _counted(node, x, sequences, distance, suffix)
            placed = node.emit(WholeProduct(), [counted, stored(node, places, f"{suffix}_places")], f"{suffix}_placed")
            result = node.emit(WholePair("add"), [result, placed], f"{suffix}_total") if result else placed
    if not result:
        raise ModelError("it counts nothing", hint=_CHECK)
    result = node.emit(WholePair("minimum"), [result, number(node, 1, "once")], "there") if mode == "IDF" else result
    y = node.emit(WholeToReal(), [result], "real")
    weights = node.attr_floats("weights")
    if mode != "TF" and weights:
        if len(weights) != total:
            raise ModelError(f"{len(weights)} weights do not fit {total} sequences", hint=_CHECK)
        spread = np.zeros((1, 1, max(indexes) + 1), np.float32)
        spread[0, 0, list(indexes)] = weights
        y = node.emit(Mul(), [y, node.store("weights", spread)], "weighted")
    node.result(node.emit(Reshape((*shape[:-1], max(indexes) + 1)), [y], keep_q=True))
