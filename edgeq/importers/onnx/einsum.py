"""Einsum, as transposes, sums and matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.onnx.choice import chosen, numbered
from edgeq.importers.onnx.handlers import handles
from edgeq.importers.onnx.linear import product
from edgeq.importers.onnx.node import Activation, Constant, OnnxNode
from edgeq.ops.mul import Mul
from edgeq.ops.reshape import Reshape
from edgeq.ops.sum import Sum
from edgeq.ops.transpose import Transpose

_CHECK = "check the equation and the shapes of this node"
Labels = tuple[str, ...]


@handles("Einsum")
def einsum(node: OnnxNode) -> None:
    """Σ over every index that the result has not, of the product of all operands (numpy's notation).

    Raises:
        ModelError: the equation cannot be read, or does not fit the shapes.
    """
    terms, result = _equation(node)
    sizes: dict[str, int] = {}
    for k, labels in enumerate(terms):
        for label, size in zip(labels, node.shape(k), strict=True):
            if sizes.setdefault(label, size) not in (size, 1) and size != 1:
                raise ModelError(f"index {label!r} is both {sizes[label]} and {size}", hint=_CHECK)
            sizes[label] = max(sizes[label], size)
    if not set(result) <= set(sizes):
        raise ModelError("the result has an index that no operand has", hint=_CHECK)
    value, labels = _alone(node, 0, terms[0], _needed(terms[1:], result))
    for k in range(1, len(terms)):
        needed = _needed(terms[k + 1 :], result)
        other, others = _alone(node, k, terms[k], {*needed, *labels})
        value, labels = _pair(node, (value, labels), (other, others), needed, k)
    node.result(_ordered(node, value, labels, result, "result"))


def _needed(terms: Sequence[Labels], result: Labels) -> set[str]:
    return {label for labels in (*terms, result) for label in labels}


def _equation(node: OnnxNode) -> tuple[list[Labels], Labels]:
    """The indices of every operand and of the result, each a name of its own; those of an ellipsis are numbers."""
    text = node.attr_str("equation", "").replace(" ", "")
    left, arrow, right = text.partition("->")
    parts = left.split(",")
    if len(parts) != len(node.inputs):
        raise ModelError(f"the equation {text!r} does not fit {len(node.inputs)} operands", hint=_CHECK)
    extra = 0
    for k, part in enumerate(parts):
        if "..." in part:
            extra = max(extra, len(node.shape(k)) - len(part.replace("...", "")))
    terms = [_labels(part, len(node.shape(k)), text, extra) for k, part in enumerate(parts)]
    spread = tuple(str(i) for i in range(extra))
    if arrow:
        return terms, _labels(right, len(right.replace("...", "")) + (extra if "..." in right else 0), text, extra)
    letters = left.replace(",", "").replace("...", "")
    return terms, (*spread, *sorted(c for c in set(letters) if letters.count(c) == 1))


def _labels(part: str, rank: int, text: str, extra: int) -> Labels:
    before, dots, after = part.partition("...")
    spread = rank - len(before) - len(after) if dots else 0
    if (not (before + after).isalpha() and before + after) or spread < 0 or len(before + after) + spread != rank:
        raise ModelError(f"the part {part!r} of the equation {text!r} does not fit {rank} dimensions", hint=_CHECK)
    return (*before, *(str(extra - spread + i) for i in range(spread)), *after)


def _alone(node: OnnxNode, k: int, labels: Labels, needed: set[str]) -> tuple[str, Labels]:
    """An operand without repeated indices, and without those that nothing else has."""
    value = node.value(k)
    if len(set(labels)) < len(labels):
        kept = tuple(dict.fromkeys(labels))
        shape = node.type(value).shape
        grid = np.indices([shape[labels.index(label)] for label in kept], sparse=True)
        places = numbered(shape)[tuple(grid[kept.index(label)] for label in labels)]
        value, labels = chosen(node, [value], places, f"diagonal{k}"), kept
    lost = tuple(axis for axis, label in enumerate(labels) if label not in needed)
    if lost:
        value = node.emit(Sum(axes=lost), [value], f"sum{k}")
        labels = tuple(label for label in labels if label in needed)
    return value, labels


def _ordered(node: OnnxNode, value: str, labels: Labels, wanted: Labels, suffix: str) -> str:
    """A value with its indices in another order."""
    perm = tuple(labels.index(label) for label in wanted)
    return value if perm == tuple(range(len(perm))) else node.emit(Transpose(perm), [value], suffix, keep_q=True)


def _pair(node: OnnxNode, a: tuple[str, Labels], b: tuple[str, Labels], needed: set[str], k: int) -> tuple[str, Labels]:
    """The product of two operands, summed over what they share and nothing else needs."""
    (x, left), (y, right) = a, b
    shared = [label for label in left if label in right]
    summed = [label for label in shared if label not in needed]
    batch = [label for label in shared if label in needed]
    rows = [label for label in left if label not in right]
    columns = [label for label in right if label not in left]
    form = {label: size for name, labels in (b, a) for label, size in zip(labels, node.type(name).shape, strict=True)}
    other = dict(zip(right, node.type(y).shape, strict=True))
    if any(form[label] != other[label] for label in shared):  # one of the two is repeated: an elementwise product
        return _broadcast(node, a, b, summed, k)
    first = _ordered(node, x, left, (*batch, *rows, *summed), f"left{k}")
    second = _ordered(node, y, right, (*batch, *summed, *columns), f"right{k}")

    def size(labels: list[str]) -> int:
        return prod(form[label] for label in labels)

    lead = (size(batch),) if batch else ()
    first = _shaped(node, first, (*lead, size(rows), size(summed)), f"rows{k}")
    second = _shaped(node, second, (*lead, size(summed), size(columns)), f"columns{k}")
    data = node.builder.editor.values[second].data
    fixed = None if batch or data is None else Constant(second, data)
    y = product(node, Activation(first), Activation(second) if fixed is None else fixed)
    labels = (*batch, *rows, *columns)
    return _shaped(node, y, tuple(form[label] for label in labels), f"product{k}"), labels


def _broadcast(
    node: OnnxNode, a: tuple[str, Labels], b: tuple[str, Labels], summed: list[str], k: int
) -> tuple[str, Labels]:
    (x, left), (y, right) = a, b
    labels = (*left, *(label for label in right if label not in left))
    there = tuple(label for label in labels if label in right)
    sizes = dict(zip(right, node.type(y).shape, strict=True))
    x = _shaped(node, x, (*node.type(x).shape, *(1,) * (len(labels) - len(left))), f"wide{k}")
    y = _ordered(node, y, right, there, f"right{k}")
    y = _shaped(node, y, tuple(sizes.get(label, 1) for label in labels), f"spread{k}")
    value = node.emit(Mul(), [x, y], f"multiplied{k}")
    if summed:
        value = node.emit(Sum(axes=tuple(labels.index(label) for label in summed)), [value], f"added{k}")
    return value, tuple(label for label in labels if label not in summed)


def _shaped(node: OnnxNode, value: str, shape: tuple[int, ...], suffix: str) -> str:
    """A value under another shape."""
    return value if node.type(value).shape == shape else node.emit(Reshape(shape), [value], suffix, keep_q=True)
