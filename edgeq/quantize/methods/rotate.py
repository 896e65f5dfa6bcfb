"""Rotation: channels between layers are mixed, so that none stands out, at no cost when the model runs.

Where tensors are written by layers and added up, and are only read by layers, behind a normalization or not, their
channels can be multiplied by any orthogonal matrix if the layers that write them multiply by it and those that read
them by its transpose: both are merged into weights. With a Hadamard matrix a channel that is far greater than others is
spread over all of them (Ashkboos et al., "QuaRot", 2024).

A normalization by the root of the mean square does not see the rotation, once its scale and bias are those of the
layers that read it. A layer normalization first takes the mean away; where nothing else reads the tensors, the layers
that write them do that (Ashkboos et al., "SliceGPT", 2024), and it becomes one by the root of the mean square.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgeq.ir.graph import Graph, GraphEditor, Node
from edgeq.ir.op import registry
from edgeq.ir.quant_rule import Product
from edgeq.ir.traits import NO_CLAMP
from edgeq.ops._normalize_last import NormalizeLast
from edgeq.ops.layer_norm import LayerNorm
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.operands import float_products, operand, rule_of, with_operand
from edgeq.quantize.statistics import Floats
from edgeq.quantize.step import Draft, Step
from edgeq.warnings import warn

LEAST = 4
"""Channels below which rotating changes little."""
MOST_TOLD = 3
"""Warnings of what could not be rotated."""


class Refused(Exception):
    """Why tensors cannot be rotated, and the node on which it fails."""

    def __init__(self, why: str, node: str) -> None:
        super().__init__(why)
        self.node = node


@dataclass
class Stream:
    """Tensors with the same channels, which are rotated together.

    Attributes:
        channels: of each.
        tensors: their names.
        writers: layers that compute them.
        constants: what is added to them, or looked up, along the last dimension.
        norms: normalizations that read them.
        readers: layers that read them, or what the normalizations make of them, each with the normalization.
    """

    channels: int
    tensors: set[str]
    writers: list[tuple[Node, Product]]
    constants: list[str]
    norms: list[Node]
    readers: list[tuple[Node, Product, Node | None]]


def hadamard(count: int) -> Floats:
    """An orthogonal matrix (count, count) with all elements alike but for their signs, or with such blocks.

    Sylvester's and Paley's constructions; where there is none of that size, blocks are of the greatest power of two
    that divides it. Signs of rows are drawn, always the same ones.
    """
    size = next((n for n in _sizes(count)), 1)
    block = np.ones((1, 1))
    rest = size
    while not _prime(rest - 1) and rest % 2 == 0:
        rest //= 2
    if rest > 1:
        block = _paley(rest)
    while len(block) < size:
        block = np.block([[block, block], [block, -block]])
    signs = np.where(np.random.default_rng(0).random(count) < 0.5, -1.0, 1.0)
    return np.asarray(signs[:, None] * np.kron(np.eye(count // size), block / np.sqrt(size)))


def _sizes(count: int) -> Iterator[int]:
    """Sizes of blocks for so many channels, the greatest first."""
    rest = count
    while rest % 2 == 0:
        if rest == 2 or _prime(rest - 1):
            yield count
            return
        rest //= 2
    yield count & -count


def _prime(n: int) -> bool:
    """Whether it is a prime that is 3 more than a multiple of 4."""
    return n % 4 == 3 and all(n % k for k in range(2, int(n**0.5) + 1))


def _paley(size: int) -> Floats:
    """A Hadamard matrix of a size that is one more than a prime."""
    prime = size - 1
    squares = {k * k % prime for k in range(1, prime)}
    sign = np.array([0.0, *(1.0 if k in squares else -1.0 for k in range(1, prime))])
    at = np.arange(prime)
    result = np.ones((size, size))
    result[1:, 1:] = sign[(at[None] - at[:, None]) % prime] + np.eye(prime)
    result[1:, 0] = -1.0
    return result


def with_own_vectors(graph: Graph) -> Graph:
    """The graph with a constant for every reader of a bias, a scale or another float vector, which passes made one of.

    In the program those that stay equal are one again.
    """
    editor, known = graph.edit(), set[str]()
    for node in graph.nodes:
        inputs = list(node.inputs)
        for k, name in enumerate(inputs):
            data = graph.data(name)
            if name is None or data is None or data.dtype != np.float32 or graph.type(name).q is not None:
                continue
            if name in known and data.size == max(data.shape, default=1):
                inputs[k] = editor.constant(name, data)
            known.add(name)
        if inputs != list(node.inputs):
            editor.replace_node(node.name, replace(node, inputs=tuple(inputs)))
    return editor.finish()


def streams(graph: Graph, config: QuantConfig) -> Iterator[Stream | Refused]:
    """What can be rotated, and what cannot though a normalization reads it, in the order of the model."""
    seen: set[str] = set()
    for node in graph.nodes:
        name = node.outputs[0]
        if name in seen or not rule_of(graph, node).products:
            continue
        found = Stream(graph.type(name).shape[-1], set(), [], [], [], [])
        try:
            _grow(graph, config, found, name)
            yield found
        except Refused as refused:
            if any(isinstance(n.op, NormalizeLast) for t in found.tensors for n in graph.consumers[t]):
                yield refused
        seen |= found.tensors


def _grow(graph: Graph, config: QuantConfig, stream: Stream, start: str) -> None:
    """Collect all tensors that must be rotated with one.

    Raises:
        Refused: something writes or reads one of them that cannot take the rotation over.
    """
    left, refused = [start], list[Refused]()
    while left:
        name = left.pop()
        if name in stream.tensors:
            continue
        stream.tensors.add(name)
        for look in (_written, _read):
            try:
                left += look(graph, stream, name)
            except Refused as why:  # the others are collected all the same, so that it is told once
                refused.append(why)
    nodes = [n for n, _ in stream.writers] + stream.norms + [n for n, _, _ in stream.readers]
    if refused:
        raise refused[0]
    if stream.channels < LEAST or not all(config.for_layer(n.name).rotate for n in nodes):
        raise Refused("it has few channels, or a layer takes no part", graph.producers[start].name)
    if any(isinstance(n.op, LayerNorm) for n in stream.norms):
        other = next((n for n, _, norm in stream.readers if norm is None or not isinstance(norm.op, LayerNorm)), None)
        if other is not None:
            raise Refused(
                "it needs the mean of the channels, which a layer normalization beside it has not", other.name
            )


def _needs(fine: bool, why: str, node: Node) -> None:
    if not fine:
        raise Refused(why, node.name)


def _own(graph: Graph, node: Node, index: int | None) -> str | None:
    """A float constant that only this node reads, once; None where the operand is absent."""
    name = operand(node, index)
    if name is not None:
        alone = len(graph.consumers[name]) == 1 and node.inputs.count(name) == 1 and name not in graph.outputs
        _needs(alone and graph.data(name) is not None and graph.type(name).q is None, "it shares constants", node)
    return name


def _layer(graph: Graph, node: Node) -> Product:
    """The product of a layer in which every output sums over all inputs, with constants of its own."""
    products, linear = rule_of(graph, node).products, node.op.linear
    dense = linear is not None and linear.is_dense and len(products) == 1 and products == float_products(graph, node)
    _needs(dense and products[0].axis is not None, f"a {node.op.kind} cannot take the rotation over", node)
    for index in (products[0].weight, products[0].bias):
        _own(graph, node, index)
    return products[0]


def _adds(graph: Graph, stream: Stream, node: Node) -> list[str]:
    """Tensors that a sum reads and computes; constants are noted."""
    _needs(node.op.signs is not None, f"a {node.op.kind} cannot take the rotation over", node)
    _needs(node.op.fused_clamp in (None, NO_CLAMP), "a function of single elements is computed from it", node)
    names = [str(n) for n in (*node.inputs, *node.outputs)]
    _needs(all(graph.type(n).shape[-1:] == (stream.channels,) for n in names), "channels are broadcast", node)
    for k, name in enumerate(node.inputs):
        if graph.data(name) is not None and _own(graph, node, k) not in stream.constants:
            stream.constants.append(str(name))
    return [n for n in names if graph.data(n) is None]


def _written(graph: Graph, stream: Stream, name: str) -> list[str]:
    """Look at what computes a tensor. Returns other tensors that are rotated with it."""
    node = graph.producers.get(name)
    if node is None:
        raise Refused("it is an input of the model", name)
    _needs(name not in graph.outputs, "it is an output of the model", node)
    _needs(graph.type(name).q is None, "the model prescribes its parameters", node)
    if node.op.signs is not None:
        return _adds(graph, stream, node)
    if node.op.kind == "Gather" and graph.data(node.inputs[0]) is not None:
        table = str(_own(graph, node, 0))
        _needs(graph.type(table).shape[-1] == stream.channels != 1 and len(node.outputs) == 1, "it is cut", node)
        stream.constants.append(table)
        return []
    product = _layer(graph, node)
    _needs(node.op.fused_clamp in (None, NO_CLAMP), "a function of single elements is computed from it", node)
    stream.writers.append((node, product))
    return []


def _read(graph: Graph, stream: Stream, name: str) -> list[str]:
    """Look at what reads a tensor. Returns other tensors that are rotated with it."""
    more: list[str] = []
    for node in graph.consumers[name]:
        if node.op.signs is not None:
            more += _adds(graph, stream, node)
        elif isinstance(node.op, NormalizeLast):
            _needs(node.op.fused_clamp in (None, NO_CLAMP), "a function of single elements is computed", node)
            _needs(node.op.axis == len(graph.type(name).shape) - 1, "it normalizes more than channels", node)
            for k in (1, 2):
                own = _own(graph, node, k)
                _needs(own is None or graph.type(own).size in (1, stream.channels), "its scale is cut", node)
            _needs(node.outputs[0] not in graph.outputs, "it is an output of the model", node)
            stream.norms.append(node)
            for reader, source in _readers(graph, node.outputs[0]):
                padded = reader.op.linear is not None and not reader.op.linear.complete
                _needs(operand(node, 2) is None or not padded, "it pads what a normalization added a bias to", reader)
                stream.readers.append((reader, _reader(graph, stream, reader, source), node))
        else:
            for reader, source in _readers(graph, name, (node,)):
                stream.readers.append((reader, _reader(graph, stream, reader, source), None))
    return more


def _readers(graph: Graph, name: str, nodes: tuple[Node, ...] | None = None) -> Iterator[tuple[Node, str]]:
    """What reads a tensor, directly or in another shape, and under which name."""
    for node in graph.consumers[name] if nodes is None else nodes:
        if node.op.kind == "Reshape" and node.outputs[0] not in graph.outputs:
            yield from _readers(graph, node.outputs[0])
        else:
            yield node, name


def _reader(graph: Graph, stream: Stream, node: Node, source: str) -> Product:
    product = _layer(graph, node)
    linear, shape = node.op.linear, graph.type(str(node.inputs[product.weight])).shape
    assert linear is not None
    last = linear.in_axis in (len(shape) - 1, -1) and shape[-1] % stream.channels == 0
    _needs(last and node.inputs[product.input] == source, f"a {node.op.kind} cannot take the rotation over", node)
    return product


def _times(rows: Floats, matrix: Floats) -> Floats:
    """rows (…, C) · matrix (C, C), each sum in the order of its addends."""
    result = np.zeros_like(rows)
    for k in range(len(matrix)):
        result += rows[..., k, None] * matrix[k]
    return result


def _change(editor: GraphEditor, name: str, change: Callable[[Floats], Floats]) -> None:
    value = editor.values[name]
    data = change(np.asarray(value.data, np.float64)).astype(np.float32)
    data.flags.writeable = False
    editor.values[name] = replace(value, data=data)


def turn(graph: Graph, stream: Stream, editor: GraphEditor) -> None:
    """Rotate tensors: constants of all that writes or reads them change, and nothing else but for normalizations."""
    matrix, count = hadamard(stream.channels), stream.channels
    centred = any(isinstance(n.op, LayerNorm) for n in stream.norms)

    def along_last(x: Floats) -> Floats:
        if centred:
            x = x - np.cumsum(x, axis=-1)[..., -1:] / count
        return _times(x, matrix)

    for node, product in stream.writers:
        axis, bias = product.axis or 0, operand(node, product.bias)
        _change(editor, str(node.inputs[product.weight]), lambda x, a=axis: _at(along_last, x, a))  # type: ignore[misc]
        if bias is not None:
            _change(editor, bias, along_last)
    for name in stream.constants:
        _change(editor, name, along_last)
    for node, product, norm in stream.readers:
        _turn_reader(graph, node, product, norm, matrix, editor)
    for node in stream.norms:
        assert isinstance(node.op, NormalizeLast)
        plain: Any = registry()["RMSNorm"]
        editor.replace_node(
            node.name, replace(node, op=plain(node.op.epsilon, axis=node.op.axis), inputs=node.inputs[:1])
        )


def _at(change: Callable[[Floats], Floats], x: Floats, axis: int) -> Floats:
    return np.moveaxis(change(np.moveaxis(x, axis, -1)), -1, axis)


def _turn_reader(
    graph: Graph, node: Node, product: Product, norm: Node | None, matrix: Floats, editor: GraphEditor
) -> None:
    """Multiply a reader's weights by the transposed rotation; it takes over a normalization's scale and bias."""
    count, weight = len(matrix), str(node.inputs[product.weight])
    data = np.asarray(editor.values[weight].data, np.float64)
    parts = data.reshape(*data.shape[:-1], -1, count)
    scale, shift = (None, None) if norm is None else (graph.data(operand(norm, k)) for k in (1, 2))
    if shift is not None:
        linear = node.op.linear
        assert linear is not None and product.bias is not None
        each = np.moveaxis(parts * shift.astype(np.float64), product.axis or 0, 0)
        moved = np.cumsum(each.reshape(len(each), -1), axis=1)[:, -1]
        name = operand(node, product.bias)
        if name is None:
            fresh = editor.constant(f"{node.name}_bias", moved)
            editor.replace_node(node.name, with_operand(editor.nodes[node.name], product.bias, fresh))
        else:
            _change(editor, name, lambda x: x + moved)
    parts = parts if scale is None else parts * scale.astype(np.float64)
    _change(editor, weight, lambda x: _times(parts, matrix).reshape(x.shape))


def rotate(draft: Draft) -> Draft:
    """The same function, with channels rotated wherever that costs nothing."""
    graph = with_own_vectors(draft.graph)
    editor, turned, refused = graph.edit(), 0, list[Refused]()
    for found in streams(graph, draft.config):
        if isinstance(found, Refused):
            refused.append(found)
        elif found.readers:
            turn(graph, found, editor)
            turned += 1
    for why in refused[:MOST_TOLD]:
        warn(f"channels were not rotated: {why}", hint="leave it out of `rotate` in edgeq.toml", where=why.node)
    if not turned and not refused:
        warn(
            "rotate found nothing to rotate",
            hint="it is for layers behind normalizations, as transformers have them",
            where=draft.graph.name,
        )
    changed = editor.finish() if turned else draft.graph
    return replace(draft, graph=changed, reference=changed)


STEP = Step("rotate", rotate, lambda draft: draft.config.rotate or any(e.rotate for e in draft.config.layers))
