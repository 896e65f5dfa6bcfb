"""Functions of one element that a quantized file computes in real numbers: from a DEQUANTIZE to a QUANTIZE.

Between the two there is no rounding to 8 bits and none of the arithmetic of 8-bit operators. Whatever they make of each
element of one 8-bit tensor becomes one Function, from the parameters of that tensor to those of the result.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from edgeq.importers.tflite.builder import Builder
from edgeq.ir.graph import Node
from edgeq.ops.function import ELEMENT, Function, is_part, written


@dataclass
class Island:
    """The operators between an 8-bit tensor and a result, while they are being found.

    Attributes:
        source: the 8-bit tensor.
        nodes: names of the operators.
    """

    source: str = ""
    nodes: set[str] = field(default_factory=set)


def join_functions(b: Builder) -> None:
    """Replace operators that compute one function of each element between 8-bit tensors by that function."""
    for name in reversed(list(b.editor.nodes)):
        last = b.editor.nodes.get(name)
        if last is None or name not in b.real or b.q_of(last.outputs[0]) is None:
            continue
        island = Island()
        expression = _expression(b, last, island)
        if expression is None or not island.source or not _closed(b, last, island):
            continue
        for inner in island.nodes - {name}:
            b.editor.remove(inner)
        joined = Node(name, Function(expression, dequantized=True), (island.source,), last.outputs)
        b.editor.replace_node(name, joined)


def _expression(b: Builder, node: Node, island: Island) -> str | None:
    """What a node computes of the island's source; None if it is not a function of one element."""
    if node.name not in b.real or not is_part(node.op):
        return None
    island.nodes.add(node.name)
    operands = [_operand(b, node, str(name), island) for name in node.inputs]
    return None if None in operands else written(node.op, [str(text) for text in operands])


def _operand(b: Builder, node: Node, name: str, island: Island) -> str | None:
    value = b.editor.values[name]
    if value.data is not None:
        number = value.data.size == 1 and value.type.q is None and value.data.ndim <= len(b.shape(node.outputs[0]))
        return repr(float(np.float32(value.data.item()))) if number else None
    if value.type.shape != b.shape(node.outputs[0]):
        return None
    if value.type.q is not None:
        island.source = island.source or name
        return ELEMENT if island.source == name else None
    maker = next((n for n in b.editor.nodes.values() if name in n.outputs), None)
    return None if maker is None else _expression(b, maker, island)


def _closed(b: Builder, last: Node, island: Island) -> bool:
    """Whether nothing else reads what is computed inside."""
    inner = {out for name in island.nodes for out in b.editor.nodes[name].outputs} - set(last.outputs)
    readers = {node.name for node in b.editor.nodes.values() if inner & set(node.inputs)}
    return readers <= island.nodes and not inner & set(b.editor.outputs)
