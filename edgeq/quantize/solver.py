"""Which activations share quantization parameters, and which of these are known beforehand.

Every activation is in exactly one group; all of a group have the same scale and zero-point.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from edgeq.errors import QuantizationError
from edgeq.ir.graph import Graph, GraphEditor, Node, State
from edgeq.ir.op import Op, Product, QuantRule, Scale, registry
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.numerics.fixedpoint import Numerics
from edgeq.quantize.config import Activations, QuantConfig
from edgeq.quantize.ranges import activation_params


@dataclass(frozen=True)
class Group:
    """Activations with the same parameters.

    Attributes:
        members: names of values, in the order of execution.
        sources: the members whose range decides: those that no operator computes from other members.
        given: the parameters, where they are known beforehand.
        config: how the range is found where they are not known.
    """

    members: tuple[str, ...]
    sources: tuple[str, ...]
    given: QParams | None
    config: QuantConfig


@dataclass(frozen=True, eq=False)
class Plan:
    """A float graph in which every operator finds the scales it needs, and its groups."""

    graph: Graph
    groups: tuple[Group, ...]


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
    return tuple(p for p in rule_of(graph, node).products if _is_float(graph, node, p))


def _is_float(graph: Graph, node: Node, product: Product) -> bool:
    constants = [n for n in (operand(node, product.weight), operand(node, product.bias)) if n is not None]
    return bool(constants) and all(
        graph.data(n) is not None and graph.type(n).dtype is DType.FLOAT32 for n in constants
    )


def requantize_op() -> Op:
    """A change of parameters, identity in real values."""
    return registry()["Requantize"]()


def requantized_twins(before: Graph, after: Graph) -> dict[str, str]:
    """Values that `solve` added, each with the value of the graph before that it equals in real numbers."""
    added = [node for node in after.nodes if node.name not in {n.name for n in before.nodes}]
    twins: dict[str, str] = {}
    for node in added:
        source, copy = str(node.inputs[0]), node.outputs[0]
        twins.update({source: copy} if copy in before.values else {copy: source})

    def origin(name: str) -> str:
        while name in twins:
            name = twins[name]
        return name

    return {name: origin(name) for name in twins}


@dataclass
class _Groups:
    """Union-find over values; the root of a group carries the parameters given for it."""

    given: dict[str, QParams]
    parent: dict[str, str] = field(default_factory=dict)

    def root(self, name: str) -> str:
        while (above := self.parent.get(name, name)) != name:
            name = above
        return name

    def of(self, name: str) -> QParams | None:
        return self.given.get(self.root(name))

    def clash(self, a: str, b: str) -> bool:
        p, q = self.of(a), self.of(b)
        return p is not None and q is not None and p != q

    def join(self, a: str, b: str) -> None:
        a, b = self.root(a), self.root(b)
        if a != b:
            self.parent[b] = a
            if b in self.given:
                self.given[a] = self.given[b]


def solve(graph: Graph, config: QuantConfig, numerics: Numerics = Numerics.FAST) -> Plan:
    """Group the activations of a float graph. Where operators need one scale but have two, a Requantize is inserted.

    Raises:
        QuantizationError: an activation is not float32.
    """
    _check_types(graph)
    groups = _Groups(_prescribed(graph, config, numerics))
    editor = graph.edit()
    for state in graph.states:
        _tie(editor, groups, state)
    for node in graph.nodes:
        rule = rule_of(graph, node)
        if rule.output is Scale.SAME:
            _unify(editor, groups, node)
        for index, output in rule.states:
            _carry(editor, groups, node.name, index, editor.nodes[node.name].outputs[output])
    changed = editor.finish()
    return Plan(changed, _collect(changed, groups, config))


def _check_types(graph: Graph) -> None:
    wrong = [
        f"{name} ({value.type.dtype.value})"
        for name, value in graph.values.items()
        if value.data is None and value.type.dtype is not DType.FLOAT32
    ]
    if wrong:
        raise QuantizationError(
            f"activations that are not float32 cannot be quantized: {', '.join(wrong)}",
            hint="remove what computes them from the model",
            where=graph.name,
        )


def _prescribed(graph: Graph, config: QuantConfig, numerics: Numerics) -> dict[str, QParams]:
    """Parameters known before calibration: of the model, the arithmetic, the user; the last one prevails."""
    prescribed = {n: v.type.q for n, v in graph.values.items() if v.data is None and v.type.q is not None}
    for node in graph.nodes:
        rule = rule_of(graph, node)
        if numerics is not Numerics.FAST and rule.usual is not None:
            prescribed.update((out, rule.usual) for out in node.outputs if out not in prescribed)
    for name, outputs in [*((i, (i,)) for i in graph.inputs), *((n.name, n.outputs) for n in graph.nodes)]:
        entry = config.layer(name)
        if entry is not None and entry.range is not None:
            symmetric = config.for_layer(name).activations is Activations.SYMMETRIC
            prescribed.update((out, activation_params(*entry.range, symmetric)) for out in outputs)
    return prescribed


def _operands(editor: GraphEditor, node: Node) -> list[int]:
    """Positions of the inputs that are computed."""
    return [k for k, name in enumerate(node.inputs) if name is not None and editor.values[name].data is None]


def _unify(editor: GraphEditor, groups: _Groups, node: Node) -> None:
    """Let inputs and outputs of a node share one group, or convert those that cannot."""
    for extra in node.outputs[1:]:
        if groups.clash(node.outputs[0], extra):
            _convert_output(editor, groups, node.name, extra)
        else:
            groups.join(node.outputs[0], extra)
    operands = _operands(editor, node)
    if not operands:
        return
    if len([i for i in node.inputs if i is not None]) == 1 and len(node.outputs) == 1:
        x, y = str(node.inputs[operands[0]]), node.outputs[0]
        if not groups.clash(x, y):
            groups.join(x, y)
        elif editor.values[y].type.size <= editor.values[x].type.size:
            groups.join(x, _convert_output(editor, groups, node.name, y))
        else:
            groups.join(y, _convert_input(editor, groups, node.name, operands[0]))
        return
    # A scale known for one of several operands, such as a sigmoid's, must not clip the others.
    y = editor.nodes[node.name].outputs[0]
    params = [groups.of(str(node.inputs[k])) for k in operands]
    shared = groups.of(y) or (params[0] if len(operands) == len(node.inputs) and len(set(params)) == 1 else None)
    for k in operands:
        x = str(node.inputs[k])
        own = groups.of(x)
        groups.join(y, x if own is None or own == shared else _convert_input(editor, groups, node.name, k))


def _tie(editor: GraphEditor, groups: _Groups, state: State) -> None:
    """Let both ends of a state share one group; where each has parameters of its own, a copy becomes the next state."""
    after = state.output
    if groups.clash(state.input, after):
        type = TensorType(editor.values[after].type.shape)
        (copy,) = editor.add(requantize_op(), [after], editor.unique(f"{after}_requantized"), types=[type])
        editor.rename_output(after, copy)
        after = copy
    groups.join(state.input, after)


def _carry(editor: GraphEditor, groups: _Groups, node: str, position: int, output: str) -> None:
    """Let an operand share a group with the output that becomes it one step later."""
    source = editor.nodes[node].inputs[position]
    if source is None or editor.values[source].data is not None:
        return
    groups.join(_convert_input(editor, groups, node, position) if groups.clash(source, output) else source, output)


def _convert_input(editor: GraphEditor, groups: _Groups, node: str, position: int) -> str:
    """Let a node read a copy of one of its inputs that may have other parameters. Returns the copy."""
    user = editor.nodes[node]
    source = str(user.inputs[position])
    (copy,) = editor.add(
        requantize_op(),
        [source],
        editor.unique(f"{source}_requantized"),
        types=[TensorType(editor.values[source].type.shape)],
    )
    inputs = tuple(copy if k == position else name for k, name in enumerate(user.inputs))
    editor.replace_node(node, replace(user, inputs=inputs))
    return copy


def _convert_output(editor: GraphEditor, groups: _Groups, node: str, output: str) -> str:
    """Let a node write a new value of which `output` becomes a copy with its own parameters. Returns the new value."""
    maker, value = editor.nodes[node], editor.values[output]
    fresh = editor.unique(f"{output}_before_requantize")
    editor.values[fresh] = replace(value, name=fresh, type=TensorType(value.type.shape))
    editor.replace_node(node, replace(maker, outputs=tuple(fresh if o == output else o for o in maker.outputs)))
    editor.add(requantize_op(), [fresh], editor.unique(f"{output}_requantize"), outputs=[output], types=[value.type])
    return fresh


def _collect(graph: Graph, groups: _Groups, config: QuantConfig) -> tuple[Group, ...]:
    order = [*graph.inputs, *(out for node in graph.nodes for out in node.outputs)]
    makers = {out: node.name for node in graph.nodes for out in node.outputs}
    derived = {
        out
        for node in graph.nodes
        if rule_of(graph, node).output is Scale.SAME
        and any(i is not None and graph.data(i) is None for i in node.inputs)
        for out in node.outputs
    }
    members: dict[str, list[str]] = {}
    for name in order:
        members.setdefault(groups.root(name), []).append(name)
    collected = []
    for root, names in members.items():
        layer = next((n for n in (makers.get(m, m) for m in names) if config.layer(n) is not None), None)
        collected.append(
            Group(
                members=tuple(names),
                sources=tuple(n for n in names if n not in derived),
                given=groups.given.get(root),
                config=config if layer is None else config.for_layer(layer),
            )
        )
    return tuple(collected)
