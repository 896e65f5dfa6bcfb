"""Which activations have 16 bits, and where others begin.

A node computes with activations of one type. One that only moves or chooses elements keeps the type that they have; any
other has the type that its layer wants, or int8 where its operator has no arithmetic for 16 bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from edgeq.errors import UsageError
from edgeq.ir.condition import parts_of
from edgeq.ir.graph import Graph, GraphEditor, Node
from edgeq.ir.kernel import INT16
from edgeq.ir.op import Op, registry
from edgeq.ir.quant_rule import Scale, State
from edgeq.ir.real import unquantized
from edgeq.ir.tensor import DType, TensorType
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops._int16 import DOUBLE, FINE
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.operands import rule_of
from edgeq.quantize.solver import fine_values
from edgeq.warnings import warn

REALS = frozenset({DType.FLOAT32})
WHOLE = frozenset({DType.INT32})
BOTH = frozenset({DType.INT8, DType.INT16})


@dataclass(frozen=True, eq=False)
class Typed:
    """A float graph in which every node finds its operands in one type.

    Attributes:
        graph: the graph; a Requantize stands where types meet.
        types: by name, of all activations that become integers.
        copies: outputs of the Requantize nodes that were added, with what they are copies of.
    """

    graph: Graph
    types: Mapping[str, DType]
    copies: Mapping[str, str]


def has_arithmetic16(op: Op) -> bool:
    """Whether an operator computes with int16 activations alone, with the arithmetic fast, or moves them."""
    return op.is_view or any(
        row.elements >= INT16 and row.elements - REALS - WHOLE == INT16 and DOUBLE not in parts_of(row.fits)
        for row in op.kernels
    )


def converts_types(op: Op) -> bool:
    """Whether an operator takes integers of either type, whatever it gives."""
    taken = [row.elements for row in op.kernels if FINE not in parts_of(row.fits)]
    return any(types in (BOTH, INT16 | REALS) or (op.gives_whole and types == INT16 | WHOLE) for types in taken)


def wants16(config: QuantConfig) -> bool:
    """Whether any layer shall have 16-bit activations."""
    return config.activation_bits == 16 or any(layer.activation_bits == 16 for layer in config.layers)


def typed(graph: Graph, config: QuantConfig, numerics: Numerics) -> Typed:
    """Decide on the type of every activation of a float graph.

    Raises:
        UsageError: 16 bits are wanted under an arithmetic that does not have them.
    """
    if numerics is not Numerics.FAST and wants16(config):
        raise UsageError(
            f"16-bit activations are computed with the arithmetic fast, not {numerics.value}",
            hint="leave --numerics or --activation-bits out",
            where=graph.name,
        )
    types, narrow = _types(graph, config)
    if narrow:
        warn(
            f"{len(narrow)} layer(s) stay at 8 bits, as their operators have no 16-bit arithmetic: {', '.join(narrow)}",
            where=graph.name,
        )
    editor, copies = graph.edit(), dict[tuple[str, DType], str]()
    for node in graph.nodes:
        usual, wide = _operand_type(graph, node, types), rule_of(graph, node).wide
        for position, name in enumerate(node.inputs):
            wanted = DType.INT16 if position in wide else usual
            if wanted is None or name not in types or types[name] is wanted or _is_state(graph, node, position):
                continue
            key = name, wanted
            if key not in copies:
                copies[key] = _convert(editor, name, wanted)
            user = editor.nodes[node.name]
            inputs = tuple(copies[key] if k == position else n for k, n in enumerate(user.inputs))
            editor.replace_node(node.name, replace(user, inputs=inputs))
    types.update({copy: dtype for (_, dtype), copy in copies.items()})
    return Typed(editor.finish(), types, {copy: name for (name, _), copy in copies.items()})


def _convert(editor: GraphEditor, name: str, wanted: DType) -> str:
    (copy,) = editor.add(
        registry()["Requantize"](),
        [name],
        editor.unique(f"{name}_{wanted.value}"),
        types=[TensorType(editor.values[name].type.shape)],
    )
    return copy


def _is_state(graph: Graph, node: Node, position: int) -> bool:
    return isinstance(rule_of(graph, node).role(position), State)


def _operand_type(graph: Graph, node: Node, types: Mapping[str, DType]) -> DType | None:
    """In which type a node needs its operands; None: in any, or they are real."""
    if converts_types(node.op) and not rule_of(graph, node).fine:
        return None
    return types.get(node.outputs[0], DType.INT8) if not rule_of(graph, node).fine else DType.INT8


def _read_wide(graph: Graph) -> frozenset[str]:
    """Activations that an operator needs in 16 bits, views of which it may read."""
    found: set[str] = set()
    for node in reversed(graph.nodes):
        wide = rule_of(graph, node).wide
        found.update(name for k, name in enumerate(node.inputs) if name is not None and k in wide)
        if node.op.is_view and found.intersection(node.outputs):
            found.update(name for name in node.inputs if name is not None)
    return frozenset(found)


def _types(graph: Graph, config: QuantConfig) -> tuple[dict[str, DType], list[str]]:
    """Types by name, and layers that do not get the 16 bits that they shall have."""
    fine, real, needed = fine_values(graph), unquantized(graph), _read_wide(graph)
    ends = {state.input: state.output for state in graph.states}
    forced: dict[str, DType] = {}
    while True:
        types = {
            name: forced.get(name, _input_type(graph, config, name, fine | needed))
            for name in graph.inputs
            if name not in real
        }
        narrow: list[str] = []
        for node in graph.nodes:
            if real.issuperset(node.outputs) and not node.op.gives_whole and node.op.gives_real is None:
                continue
            dtype = _node_type(graph, node, config, types, fine, narrow)
            if needed.intersection(node.outputs) and has_arithmetic16(node.op):
                dtype = DType.INT16
            types.update((out, DType.INT16 if out in fine else dtype) for out in node.outputs if out not in real)
        unlike = {a: types[b] for a, b in ends.items() if a in types and b in types and types[a] is not types[b]}
        if not unlike or unlike.items() <= forced.items():
            return types, narrow
        forced.update({name: dtype if name not in forced else DType.INT8 for name, dtype in unlike.items()})


def _input_type(graph: Graph, config: QuantConfig, name: str, fine: frozenset[str]) -> DType:
    if name in fine:
        return DType.INT16
    given = graph.type(name).q
    if given is not None:
        return given.integers
    free = name not in graph.ports
    return DType.INT16 if free and config.for_layer(name).activation_bits == 16 else DType.INT8


def _node_type(
    graph: Graph,
    node: Node,
    config: QuantConfig,
    types: Mapping[str, DType],
    fine: frozenset[str],
    narrow: list[str],
) -> DType:
    rule, layer = rule_of(graph, node), config.layer(node.name)
    if rule.fine or rule.states:
        if config.for_layer(node.name).activation_bits == 16:
            narrow.append(node.name)
        return DType.INT8
    given = [q.integers for q in (graph.type(out).q for out in node.outputs) if q is not None]
    if given:
        return given[0]
    operands = {types[name] for name in node.inputs if name is not None and name in types}
    follows = (node.op.is_view or rule.output is Scale.SAME) and operands
    wide = DType.INT16 in operands if follows else config.for_layer(node.name).activation_bits == 16
    if layer is not None and layer.activation_bits is not None:
        wide = layer.activation_bits == 16
    if wide and not has_arithmetic16(node.op):
        if node.op.gives_real is None:
            narrow.append(node.name)
        return DType.INT8
    return DType.INT16 if wide else DType.INT8
