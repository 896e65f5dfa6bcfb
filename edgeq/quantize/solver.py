"""Which activations share quantization parameters, and which of these are known beforehand.

Every activation is in exactly one group; all of a group have the same scale and zero-point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.ir.graph import Graph, GraphEditor, Node, State
from edgeq.ir.op import Op, registry
from edgeq.ir.quant_rule import Scale
from edgeq.ir.real import unquantized, whole_values
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.numerics.fixedpoint import Numerics
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.operands import operand, rule_of
from edgeq.quantize.ranges import Range, activation_params, decibels_lost, joined, wide_params

MOST_LOST = 2.0
"""dB by which steps may grow for readers of a tensor that shares its parameters with another. Above, it is requantized:
a second rounding, which costs the other side no more than that (docs/quantization.md)."""
MOST_WIDER = 7.0
"""dB by which steps of an output may be wider than its values need, where an operator with several operands cuts them:
a bit and a little. Above, the operands are requantized."""


@dataclass(frozen=True)
class Group:
    """Activations with the same parameters.

    Attributes:
        members: names of values, in the order of execution.
        sources: the members whose range decides: those that no operator computes from other members.
        given: the parameters, where they are known beforehand.
        config: how the range is found where they are not known.
        dtype: their element type.
    """

    members: tuple[str, ...]
    sources: tuple[str, ...]
    given: QParams | None
    config: QuantConfig
    dtype: DType = DType.INT8


@dataclass(frozen=True)
class Ranges:
    """What activations ask of their parameters, before any share them.

    Attributes:
        own: by name, the range of each that is not made of others with the same parameters, and of what operators put
            between such elements.
        measured: by name, least and greatest value, and zero.
    """

    own: Mapping[str, Range]
    measured: Mapping[str, Range]


@dataclass(frozen=True, eq=False)
class Plan:
    """A float graph in which every operator finds the scales it needs, and its groups."""

    graph: Graph
    groups: tuple[Group, ...]


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
    """Union-find over values; the root of a group carries the parameters given for it, and the range it needs.

    Attributes:
        given: parameters known beforehand.
        ranges: what is known of ranges; None: nothing is.
        symmetric: whether parameters have zero-point 0.
        types: element types by name, where it is not int8.
        parent: of every value that is not a root.
        decides: of values whose own range decides although they are made of others, or does not although they are not.
    """

    given: dict[str, QParams]
    ranges: Ranges | None
    symmetric: bool
    types: Mapping[str, DType] = field(default_factory=dict)
    parent: dict[str, str] = field(default_factory=dict)
    decides: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.members: dict[str, list[str]] = {}
        self.needed = {} if self.ranges is None else dict(self.ranges.own)

    def root(self, name: str) -> str:
        while (above := self.parent.get(name, name)) != name:
            name = above
        return name

    def all(self, name: str) -> list[str]:
        """The values of the group, at least `name`."""
        root = self.root(name)
        return self.members.get(root, [root])

    def range(self, name: str) -> Range:
        """What the group needs to hold; a prescribed range, if it has parameters."""
        q = self.of(name)
        if q is not None:
            least, most = self.types.get(name, DType.INT8).range
            return q.s * (least - q.zp), q.s * (most - q.zp)
        return self.needed.get(self.root(name), (0.0, 0.0))

    def of(self, name: str) -> QParams | None:
        return self.given.get(self.root(name))

    def lost(self, own: Range, shared: Range) -> float:
        """What a range loses in a shared one, in dB."""
        return decibels_lost(own, shared, self.symmetric)

    def clash(self, a: str, b: str) -> bool:
        p, q = self.of(a), self.of(b)
        return p is not None and q is not None and p != q

    def join(self, a: str, b: str) -> None:
        a, b = self.root(a), self.root(b)
        if a != b:
            self.members[a] = [*self.all(a), *self.all(b)]
            self.needed[a] = joined(*(self.needed.get(root, (0.0, 0.0)) for root in (a, b)))
            self.parent[b] = a
            if b in self.given:
                self.given[a] = self.given[b]


def solve(
    graph: Graph,
    config: QuantConfig,
    numerics: Numerics = Numerics.FAST,
    ranges: Ranges | None = None,
    types: Mapping[str, DType] | None = None,
) -> Plan:
    """Group the activations of a float graph. Where operators need one scale but have two, a Requantize is inserted.

    Args:
        graph: a float graph.
        config: what the user chose.
        numerics: the arithmetic of the integer graph to be.
        ranges: what activations need; None: what can share parameters does, whatever that costs.
        types: element types by name, where it is not int8; all activations of a node have one.

    Raises:
        QuantizationError: an activation is not float32.
    """
    _check_types(graph)
    types = types or {}
    groups = _Groups(prescribed(graph, config, numerics, types), ranges, config.is_symmetric, types)
    editor, real = graph.edit(), unquantized(graph)
    for state in graph.states:
        _tie(editor, groups, state)
    for node in graph.nodes:
        rule = rule_of(graph, node)
        if real.intersection(node.outputs):
            continue
        if rule.output is Scale.SAME:
            _unify(graph, editor, groups, node)
        for first, other in rule.alike:
            _liken(editor, groups, node.name, first, other)
        for index, output in rule.states:
            _carry(editor, groups, node.name, index, editor.nodes[node.name].outputs[output])
    changed = editor.finish()
    return Plan(changed, _collect(changed, groups, config, types))


def _check_types(graph: Graph) -> None:
    wrong = [
        f"{name} ({value.type.dtype.value})"
        for name, value in graph.values.items()
        if value.data is None and value.type.dtype is not DType.FLOAT32 and not value.type.is_whole
    ]
    if wrong:
        raise QuantizationError(
            f"activations that are not float32 cannot be quantized: {', '.join(wrong)}",
            hint="remove what computes them from the model",
            where=graph.name,
        )


def prescribed(
    graph: Graph, config: QuantConfig, numerics: Numerics, types: Mapping[str, DType] | None = None
) -> dict[str, QParams]:
    """Parameters known before calibration: of the model, the arithmetic, the user; the last one prevails."""
    prescribed = {n: v.type.q for n, v in graph.values.items() if v.data is None and v.type.q is not None}
    for node in graph.nodes:
        rule = rule_of(graph, node)
        if (numerics is not Numerics.FAST or rule.fine) and rule.usual is not None:
            prescribed.update((out, rule.usual) for out in node.outputs if out not in prescribed)
    prescribed |= {n: q for n, q in _of_constants(graph, config).items() if n not in prescribed}
    prescribed |= {n: q for n, q in _of_inputs(graph, types or {}).items() if n not in prescribed}
    real = unquantized(graph)
    for name, outputs in [*((i, (i,)) for i in graph.inputs), *((n.name, n.outputs) for n in graph.nodes)]:
        entry = config.layer(name)
        if entry is not None and entry.range is not None:
            symmetric = config.for_layer(name).is_symmetric
            for out in outputs:
                wide = types is not None and types.get(out) is DType.INT16
                prescribed[out] = wide_params(*entry.range) if wide else activation_params(*entry.range, symmetric)
    return {name: q for name, q in prescribed.items() if name not in real}


def _of_inputs(graph: Graph, types: Mapping[str, DType]) -> dict[str, QParams]:
    """Parameters of inputs of 8 bits that suit all that reads them best, whatever samples show."""
    found: dict[str, QParams] = {}
    for name in graph.inputs:
        fitting = {rule_of(graph, node).fitting for node in graph.consumers[name] if node.inputs[:1] == (name,)}
        if len(fitting) == 1 and types.get(name, DType.INT8) is DType.INT8 and name not in graph.outputs:
            (q,) = fitting
            found.update({} if q is None else {name: q})
    return found


def _of_constants(graph: Graph, config: QuantConfig) -> dict[str, QParams]:
    """Parameters of outputs whose elements are those of a constant, such as an embedding's: all of it, not only what
    samples show."""
    whole, found = whole_values(graph), dict[str, QParams]()
    if not whole:
        return found
    for node in graph.nodes:
        computed = {name for name in node.inputs if name is not None and graph.data(name) is None}
        if rule_of(graph, node).output is not Scale.SAME or not computed or not computed <= whole:
            continue
        constants = [graph.values[name] for name in node.inputs if name is not None and name not in computed]
        reals = [v.data if v.type.q is None else v.type.q.dequantize(v.data) for v in constants if v.data is not None]
        bounds = [(float(x.min(initial=0.0)), float(x.max(initial=0.0))) for x in reals]
        symmetric = config.for_layer(node.name).is_symmetric
        found.update((out, activation_params(*joined(*bounds), symmetric)) for out in node.outputs)
    return found


def _operands(editor: GraphEditor, node: Node) -> list[int]:
    """Positions of the inputs that are computed and quantized."""
    values = [None if name is None else editor.values[name] for name in node.inputs]
    return [k for k, value in enumerate(values) if value is not None and value.data is None and not value.type.is_whole]


def _unify(graph: Graph, editor: GraphEditor, groups: _Groups, node: Node) -> None:
    """Let inputs and outputs of a node share one group, or convert those that cannot, or at too high a cost."""
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
            if _spoils(graph, groups, node, x, joined(groups.range(x), groups.range(y))):
                x = _convert_input(editor, groups, node.name, operands[0])
            groups.join(y, x)
        elif editor.values[y].type.size <= editor.values[x].type.size:
            groups.join(x, _convert_output(editor, groups, node.name, y))
        else:
            groups.join(y, _convert_input(editor, groups, node.name, operands[0]))
        return
    # A scale known for one of several operands, such as a sigmoid's, must not clip the others.
    y = editor.nodes[node.name].outputs[0]
    params = [groups.of(str(node.inputs[k])) for k in operands]
    shared = groups.of(y) or (params[0] if len(operands) == len(node.inputs) and len(set(params)) == 1 else None)
    target = _target(groups, node, operands, shared)
    for k in operands:
        x = str(node.inputs[k])
        own = groups.of(x)
        fits = own == shared if own is not None else not _spoils(graph, groups, node, x, target)
        narrow = own is None and groups.lost(target, joined(target, groups.range(x))) > MOST_WIDER
        if fits and not narrow:
            groups.join(y, x)
            continue
        copy = _convert_input(editor, groups, node.name, k)
        if narrow:
            groups.decides.update({y: True, copy: False})
        if own is None:
            groups.needed[copy] = target if narrow else groups.range(x)
        groups.join(y, copy)


def _target(groups: _Groups, node: Node, operands: list[int], shared: QParams | None) -> Range:
    """The range of the output of a node with several operands: all that they need, or much less if it cuts them."""
    y = node.outputs[0]
    whole = joined(groups.range(y), *(groups.range(str(node.inputs[k])) for k in operands))
    if shared is not None:
        return groups.range(y) if groups.of(y) is not None else whole
    measured = whole if groups.ranges is None else groups.ranges.measured.get(y, whole)
    return measured if groups.lost(measured, whole) > MOST_WIDER else whole


def _spoils(graph: Graph, groups: _Groups, node: Node, x: str, shared: Range) -> bool:
    """Whether sharing a range costs an operand's group too much for what reads the group besides the node."""
    if groups.ranges is None or groups.of(x) is not None or groups.lost(groups.range(x), shared) <= MOST_LOST:
        return False
    group = set(groups.all(x))
    return any(
        name in graph.outputs
        or any(reader.name != node.name and not group & {*reader.outputs} for reader in graph.consumers.get(name, ()))
        for name in group
    )


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


def _liken(editor: GraphEditor, groups: _Groups, node: str, first: int, other: int) -> None:
    """Let two outputs share one group, the second one converted where each has parameters of its own."""
    a, b = (editor.nodes[node].outputs[k] for k in (first, other))
    groups.join(a, _convert_output(editor, groups, node, b) if groups.clash(a, b) else b)


def fine_values(graph: Graph) -> frozenset[str]:
    """The activations of 16 bits: outputs that operators declare to be, and what shares their parameters."""
    fine = {node.outputs[k] for node in graph.nodes for k in rule_of(graph, node).fine}
    if not fine:
        return frozenset()
    groups = [{state.input, state.output} for state in graph.states]
    for node in graph.nodes:
        rule = rule_of(graph, node)
        groups += [{str(operand(node, k)), node.outputs[output]} for k, output in rule.states]
        if rule.output is Scale.SAME:
            groups.append({*(name for name in node.inputs if name is not None), *node.outputs})
    constant = {name for name, value in graph.values.items() if value.data is not None}  # each user converts its own
    groups = [group - constant for group in groups]
    while any(fine & group and not group <= fine for group in groups):
        fine.update(*(group for group in groups if fine & group))
    return frozenset(fine)


def _derived(graph: Graph) -> set[str]:
    """Values made of others with the same parameters."""
    return {
        out
        for node in graph.nodes
        if rule_of(graph, node).output is Scale.SAME
        and any(i is not None and graph.data(i) is None and not graph.type(i).is_whole for i in node.inputs)
        for out in node.outputs
    }


def free_sources(graph: Graph, config: QuantConfig) -> list[tuple[str, QuantConfig]]:
    """Activations without parameters that are not made of others with the same ones; each with its configuration."""
    derived = _derived(graph) | unquantized(graph)
    makers = {out: node.name for node in graph.nodes for out in node.outputs}
    order = [*graph.inputs, *(out for node in graph.nodes for out in node.outputs)]
    return [(n, config.for_layer(makers.get(n, n))) for n in order if n not in derived and graph.type(n).q is None]


def may_conflict(graph: Graph) -> bool:
    """Whether an operator lets activations share parameters that need not have the same range."""
    real = unquantized(graph)
    for node in graph.nodes:
        computed = {n for n in node.inputs if n is not None and graph.data(n) is None} - real
        if rule_of(graph, node).output is Scale.SAME and computed:
            zeros = [
                None if n is None else np.zeros(graph.type(n).shape, graph.type(n).dtype.numpy) for n in node.inputs
            ]
            if len(node.inputs) > 1 or any(y.any() for y in node.op.run_float(zeros)):
                return True
    return False


def _collect(graph: Graph, groups: _Groups, config: QuantConfig, types: Mapping[str, DType]) -> tuple[Group, ...]:
    order = [*graph.inputs, *(out for node in graph.nodes for out in node.outputs)]
    makers = {out: node.name for node in graph.nodes for out in node.outputs}
    derived = _derived(graph)
    derived -= {name for name, decides in groups.decides.items() if decides}
    derived |= {name for name, decides in groups.decides.items() if not decides}
    members: dict[str, list[str]] = {}
    real = unquantized(graph)
    for name in order:
        if name in real:
            continue
        members.setdefault(groups.root(name), []).append(name)
    collected = []
    for root, names in members.items():
        layer = next((n for n in (makers.get(m, m) for m in names) if config.layer(n) is not None), None)
        dtype = next((types[name] for name in names if name in types), DType.INT8)
        own = config if layer is None else config.for_layer(layer)
        collected.append(
            Group(
                members=tuple(names),
                sources=tuple(n for n in names if n not in derived),
                given=groups.given.get(root),
                config=replace(own, activation_bits=dtype.bits),
                dtype=dtype,
            )
        )
    return tuple(collected)
