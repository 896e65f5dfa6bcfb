"""What is quantized of a node: its operands, its products, the type of its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edgeq.ir.graph import Graph, Node
from edgeq.ir.quant_rule import Product, QuantRule
from edgeq.ir.real import remain_real
from edgeq.ir.tensor import DType
from edgeq.quantize.config import QuantConfig


def rule_of(graph: Graph, node: Node) -> QuantRule:
    """How a node is quantized."""
    return node.op.quant_rule([None if i is None else graph.type(i).shape for i in node.inputs])


def operand(node: Node, index: int | None) -> str | None:
    """The name of an operand; None where the node leaves it out."""
    return None if index is None or index >= len(node.inputs) else node.inputs[index]


def with_operand(node: Node, index: int, name: str) -> Node:
    """The node with another operand, which it may have left out."""
    inputs = [*node.inputs, *[None] * (index + 1 - len(node.inputs))]
    inputs[index] = name
    return replace(node, inputs=tuple(inputs))


def float_products(graph: Graph, node: Node) -> tuple[Product, ...]:
    """The products of a node whose weight, and bias if there is one, are float constants: those edgeq quantizes."""
    if remain_real(graph).intersection(node.outputs):
        return ()
    return tuple(p for p in rule_of(graph, node).products if _is_float(graph, node, p))


def _is_float(graph: Graph, node: Node, product: Product) -> bool:
    constants = [n for n in (operand(node, product.weight), operand(node, product.bias)) if n is not None]
    return bool(constants) and all(
        graph.data(n) is not None and graph.type(n).dtype is DType.FLOAT32 for n in constants
    )


WEIGHT_TYPES: Mapping[int | str, DType] = {
    8: DType.INT8,
    4: DType.INT4,
    3: DType.INT3,
    2: DType.INT2,
    "ternary": DType.TERNARY,
    "binary": DType.BINARY,
    "codebook-16": DType.CODE4,
    "codebook-4": DType.CODE2,
    "powers-of-two": DType.CODE4,
    "trellis-2": DType.TRELLIS,
}
"""By bits of a weight."""


def weight_type(node: Node, config: QuantConfig) -> DType:
    """The type of a layer's weights: as the user wants, or int8 where its operator has no kernels for that."""
    wanted = WEIGHT_TYPES[config.weight_bits]
    rows = (kernel for kernel in node.op.kernels if kernel.elements != {DType.FLOAT32})
    return wanted if any(wanted in kernel.weights for kernel in rows) else DType.INT8
