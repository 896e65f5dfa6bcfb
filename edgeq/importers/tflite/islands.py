"""What a quantized file computes in real numbers: from DEQUANTIZE to QUANTIZE, or to an output.

Between the two there is no rounding to 8 bits and none of the arithmetic of 8-bit operators. What only moves elements
is done in 8 bits, outside. Whatever operators make of each element of one 8-bit tensor becomes one Function, from the
parameters of that tensor to those of the result. The rest stays real at run time, if every operator of it has an
arithmetic for float32; if one has not, all that it is connected with is quantized as a float model is, with a warning.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from edgeq.importers.tflite.builder import Builder
from edgeq.importers.tflite.wiring import Wiring
from edgeq.ir.graph import Node
from edgeq.ir.real import real_values
from edgeq.ir.tensor import DType
from edgeq.ir.traits import NO_CLAMP, Pattern
from edgeq.ops._real import REAL
from edgeq.ops.dequantize import Dequantize
from edgeq.ops.function import ELEMENT, Function, is_part, written
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.pad import Pad
from edgeq.ops.quantize import Quantize
from edgeq.ops.requantize import Requantize
from edgeq.warnings import warn


def settle_islands(b: Builder) -> None:
    """Decide what becomes of everything between DEQUANTIZE and QUANTIZE."""
    if not any(isinstance(node.op, (Dequantize, Quantize)) for node in b.editor.nodes.values()):
        return
    wiring = Wiring(b)
    _move_out(wiring)
    for node in list(b.editor.nodes.values()):
        if isinstance(node.op, Quantize):
            _join(wiring, node)
    _drop_borders(wiring)
    alive = _alive(wiring)
    for node in alive:
        if node.op.gives_real is None:
            _tabulate(wiring, node)
    for region in _regions(_alive(wiring)):
        _settle(wiring, region)


def _is_mover(node: Node) -> bool:
    """Whether a node only moves or chooses elements, and adds none but zeros."""
    if isinstance(node.op, MaxPool2D):
        return node.op.clamp == NO_CLAMP
    moves = node.op.pattern in (Pattern.MOVEMENT, Pattern.REARRANGEMENT)
    return moves and not (isinstance(node.op, Pad) and node.op.value != 0.0)


def _move_out(w: Wiring) -> None:
    """Let elements be moved before they are dequantized, or after they are quantized: that changes no bit."""
    for node in list(w.editor.nodes.values()):
        border = w.maker(node.inputs[0]) if len(node.inputs) == 1 else None
        if border is None or not isinstance(border.op, Dequantize) or not _is_mover(node):
            continue
        source = str(border.inputs[0])
        types = [replace(w.editor.values[out].type, q=w.editor.values[source].type.q) for out in node.outputs]
        moved = w.add(node.op, [source], f"{node.name}_moved", types)
        for out, new in zip(node.outputs, moved, strict=True):
            (real,) = w.add(Dequantize(), [new], f"{out}_real", [w.editor.values[out].type])
            w.stand_in(out, real)
    for border in reversed(list(w.editor.nodes.values())):
        _quantize_before(w, border)


def _quantize_before(w: Wiring, border: Node) -> None:
    """Quantize what is moved, and not what comes of it; as far up as elements are moved."""
    mover = w.maker(border.inputs[0]) if isinstance(border.op, Quantize) else None
    if mover is None or not _is_mover(mover) or len(mover.outputs) != 1:
        return
    value, out = mover.outputs[0], border.outputs[0]
    computed = all(name is not None and w.editor.values[name].data is None for name in mover.inputs)
    if not computed or value in w.wanted or len(w.readers(value)) != 1:
        return
    q = w.editor.values[out].type.q
    inputs = []
    for name in dict.fromkeys(mover.inputs):
        type = replace(w.editor.values[str(name)].type, q=q)
        inputs.append(w.add(border.op, [name], f"{name}_quantized", [type])[0])
    by_name = dict(zip(dict.fromkeys(mover.inputs), inputs, strict=True))
    w.replace(border, mover.op, [by_name[name] for name in mover.inputs])
    for new in inputs:
        maker = w.maker(new)
        if maker is not None:
            _quantize_before(w, maker)


@dataclass
class Island:
    """The operators between an 8-bit tensor and a result, while they are being found.

    Attributes:
        source: the 8-bit tensor.
    """

    source: str = ""
    shape: tuple[int, ...] = field(default=())


def _join(w: Wiring, border: Node) -> None:
    """One function from an 8-bit tensor to what a QUANTIZE gives, if that is what its operators make."""
    value, out = str(border.inputs[0]), border.outputs[0]
    island = Island(shape=w.editor.values[value].type.shape)
    expression = _expression(w, value, island)
    if expression is None or not island.source or not _is_narrow(w, out):
        return
    if expression == ELEMENT and w.editor.values[island.source].type == w.editor.values[out].type:
        w.stand_in(out, island.source)
    else:
        w.replace(border, Function(expression, dequantized=True), [island.source])


def _is_narrow(w: Wiring, name: str) -> bool:
    """Whether a value has 8 bits, for all of which a table is made."""
    q = w.editor.values[name].type.q
    return q is not None and q.integers is DType.INT8


def _tabulate(w: Wiring, node: Node) -> None:
    """One table of real numbers for what operators make of the elements of one 8-bit tensor."""
    out = node.outputs[0]
    island = Island(shape=w.editor.values[out].type.shape)
    expression = _expression(w, out, island) if is_part(node.op) else None
    if expression is not None and island.source:
        w.replace(node, Function(expression, dequantized=True, real_result=True), [island.source])


def _expression(w: Wiring, name: str, island: Island) -> str | None:
    """What a value is of the elements of the island's source; None if it is no function of one element."""
    value = w.editor.values[name]
    if value.data is not None:
        number = value.data.size == 1 and value.type.q is None and value.data.ndim <= len(island.shape)
        return repr(float(np.float32(value.data.item()))) if number else None
    maker = w.maker(name)
    if maker is None or value.type.shape != island.shape or value.type.q is not None:
        return None
    if isinstance(maker.op, Dequantize):
        source = str(maker.inputs[0])
        if not _is_narrow(w, source):
            return None
        island.source = island.source or source
        return ELEMENT if island.source == source else None
    if isinstance(maker.op, Function) and maker.op.real_result:
        source = str(maker.inputs[0])
        island.source = island.source or source
        return maker.op.expression if island.source == source else None
    if not is_part(maker.op):
        return None
    operands = [_expression(w, str(operand), island) for operand in maker.inputs]
    return None if None in operands else written(maker.op, [str(text) for text in operands])


def _drop_borders(w: Wiring) -> None:
    """An output that is only dequantized is given in 8 bits: its parameters say what it means."""
    for node in list(w.editor.nodes.values()):
        if isinstance(node.op, Dequantize) and node.outputs[0] in w.wanted:
            out, source = node.outputs[0], str(node.inputs[0])
            w.b.values = {index: source if name == out else name for index, name in w.b.values.items()}


def _alive(w: Wiring) -> list[Node]:
    """The nodes that the model's outputs need, in the order of execution."""
    found: dict[str, Node] = {}
    stack = [(name, False) for name in w.wanted]
    while stack:
        value, leaving = stack.pop()
        node = w.maker(value)
        if node is None or node.name in found:
            continue
        if leaving:
            found[node.name] = node
        else:
            stack.append((value, True))
            stack += [(name, False) for name in node.inputs if name is not None]
    return list(found.values())


def _regions(nodes: list[Node]) -> list[list[Node]]:
    """Nodes that are connected by real values, with the borders around them."""
    real = real_values(nodes)
    group: dict[str, str] = {}

    def root(name: str) -> str:
        while group.get(name, name) != name:
            name = group[name]
        return name

    members: dict[str, list[Node]] = {}
    touching = []
    for node in nodes:
        own = [name for name in (*node.inputs, *node.outputs) if name in real]
        if isinstance(node.op, Quantize):
            own = [str(node.inputs[0])]
        if own:
            touching.append((node, own[0]))
            for name in own[1:]:
                group[root(name)] = root(own[0])
    for node, name in touching:
        members.setdefault(root(name), []).append(node)
    return list(members.values())


def _settle(w: Wiring, region: list[Node]) -> None:
    """Leave a region real, or quantize all of it as a float model is quantized."""
    real = real_values(region)
    lacking = [node for node in region if not _stays_real(w, node, real)]
    if not lacking:
        return
    if real:
        kinds = ", ".join(dict.fromkeys(node.op.kind for node in lacking)) or "float inputs"
        warn(
            f"the file computes {len(region)} operators in real numbers, among them {kinds}, which edgeq has only in "
            "8 bits: all of them are quantized",
            "export the model with these operators in 8 bits, or check the accuracy with edgeq verify",
            lacking[0].name,
        )
    for node in region:
        if isinstance(node.op, Dequantize):
            w.stand_in(node.outputs[0], str(node.inputs[0]))
        elif isinstance(node.op, Function) and node.op.real_result:
            w.replace(node, replace(node.op, real_result=False), node.inputs)
    for node in region:
        border = w.editor.nodes[node.name]
        if isinstance(border.op, Quantize):
            _quantize_source(w, border)


def _quantize_source(w: Wiring, border: Node) -> None:
    """Give what is quantized the parameters of the result, unless it has some."""
    x, y = str(border.inputs[0]), border.outputs[0]
    type, q = w.editor.values[x].type, w.editor.values[y].type.q
    if type.q is None:
        w.editor.set_type(x, replace(type, q=q))
    if type.q in (None, q):
        w.stand_in(y, x)
    else:
        w.replace(border, Requantize(), [x])


def _stays_real(w: Wiring, node: Node, real: frozenset[str]) -> bool:
    """Whether a node computes real numbers of real numbers alone, and there is an arithmetic for it."""
    if isinstance(node.op, Dequantize) or (isinstance(node.op, Function) and node.op.real_result):
        return True
    operands = [name for name in node.inputs if name is not None]
    if node.op.gives_real:
        site = w.editor.site(node)
        return any(row.takes(site) and row.fits(site) for row in node.op.kernels)
    wholes = {name for name in operands if w.editor.values[name].type.is_whole}
    if any(name not in real | wholes and w.editor.values[name].data is None for name in operands):
        return False
    if isinstance(node.op, Quantize) or node.op.is_view:
        return True
    if any(w.editor.values[name].type.dtype is not DType.FLOAT32 for name in operands if name not in wholes):
        return False
    site = w.editor.site(node)
    types = [t for t in (*site.inputs, *site.outputs) if t is not None and not t.is_whole]
    rows = (row for row in node.op.kernels if row.elements >= REAL and row.takes(site) and row.fits(site))
    return all(t.q is None for t in types) and any(True for _ in rows)
