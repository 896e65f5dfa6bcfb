"""The graph and its editor.

A Graph is a value: passes take one and return another, which they build with a GraphEditor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from edgeq.errors import ModelError
from edgeq.ir.op import Op
from edgeq.ir.quant_rule import Index
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams, TensorType
from edgeq.numerics.fixedpoint import Numerics


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor of a graph; `data` holds a constant's elements and is None for a computed tensor."""

    name: str
    type: TensorType
    data: Array | None = None

    def __repr__(self) -> str:
        kind = f"{self.type.dtype.value} {self.type.shape}"
        return f"<Value {self.name}: {kind}{'' if self.data is None else ', constant'}>"


@dataclass(frozen=True)
class Node:
    """One use of an operator. Inputs and outputs are names of values; an absent optional input is None."""

    name: str
    op: Op
    inputs: tuple[str | None, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class State:
    """What one step of a network leaves for the next: the `output` of a step becomes the `input` of the next one.

    Both are ports of the graph like any other, of one shape and, once quantized, in the same parameters.

    Attributes:
        input: name of the graph input that the state is read from.
        output: name of the graph output that the next step reads.
        first: what the input is before the first step, after a reset, in real numbers: all its elements in order, or
            one that they all are; empty: zero.
    """

    input: str
    output: str
    first: tuple[float, ...] = ()

    def begin(self, type: TensorType) -> Array:
        """The elements of the input of that type before the first step."""
        count = type.size if len(self.first) < 2 else 1
        real = np.array((self.first or (0.0,)) * count, np.float32).reshape(type.shape)
        return (
            real.astype(type.dtype.numpy)
            if type.q is None or type.dtype.is_float
            else type.q.quantize(real, type.dtype)
        )

    @staticmethod
    def beginning(values: Array) -> tuple[float, ...]:
        """`first` for such elements, in real numbers."""
        flat = tuple(map(float, np.ravel(values)))
        if len(set(flat)) == 1:
            return () if flat[0] == 0 else flat[:1]
        return flat


@dataclass(frozen=True, eq=False)
class Graph:
    """A network: values by name, and nodes in an order in which they can be executed.

    Before quantization `numerics` is None and activations are FLOAT32. Their types may carry quantization parameters
    all the same: in a model quantized elsewhere, these state the int8 parameters in which each tensor is to be held,
    and constants are int8 or int32 with parameters. Executing such a graph in float ignores the former and dequantizes
    the latter. After quantization everything is integer and `numerics` names the arithmetic of all nodes.
    Whole numbers, such as classes and indices, are INT32 without parameters in both.

    Attributes:
        preferred: the arithmetic that a model quantized elsewhere was made for.
        ports: element type in which the caller hands over an input or takes an output, where it is not INT8.
        outside: parameters of such elements, where they do not follow from the type and the parameters inside.
        states: which outputs become which inputs of the next step; the caller sees neither.
        batch: what the model calls the number of samples, the first dimension of its inputs, where it leaves that open;
            here it is 1. None: it is not open.
    """

    name: str
    values: Mapping[str, Value]
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    numerics: Numerics | None = None
    preferred: Numerics = Numerics.FAST
    ports: Mapping[str, DType] = field(default_factory=dict)
    states: tuple[State, ...] = ()
    batch: str | None = None
    outside: Mapping[str, QParams] = field(default_factory=dict)

    def __repr__(self) -> str:
        ports = (", ".join(f"{n} {self.type(n).shape}" for n in names) for names in (self.inputs, self.outputs))
        kind = "float" if self.numerics is None else f"quantized, numerics {self.arithmetic}"
        return f"<Graph {self.name}: {' -> '.join(ports)}, {len(self.nodes)} nodes, {kind}>"

    @cached_property
    def is_real(self) -> bool:
        """Whether it is a final graph in which nothing that is computed is quantized."""
        computed = (value.type for value in self.values.values() if value.data is None)
        return self.numerics is not None and all(type.q is None for type in computed)

    @property
    def arithmetic(self) -> str:
        """The name of what it computes in: that of `numerics`, or float."""
        return "float" if self.numerics is None or self.is_real else self.numerics.value

    @cached_property
    def public_inputs(self) -> tuple[str, ...]:
        """The inputs that the caller hands over: all but those of states."""
        kept = {state.input for state in self.states}
        return tuple(name for name in self.inputs if name not in kept)

    @cached_property
    def public_outputs(self) -> tuple[str, ...]:
        """The outputs that the caller takes: all but those of states."""
        kept = {state.output for state in self.states}
        return tuple(name for name in self.outputs if name not in kept)

    @cached_property
    def producers(self) -> Mapping[str, Node]:
        """The node that computes each computed value."""
        return {out: node for node in self.nodes for out in node.outputs}

    @cached_property
    def consumers(self) -> Mapping[str, tuple[Node, ...]]:
        """The nodes that read each value, in order, each once."""
        readers: dict[str, list[Node]] = {name: [] for name in self.values}
        for node in self.nodes:
            for name in dict.fromkeys(n for n in node.inputs if n is not None):
                readers[name].append(node)
        return {name: tuple(nodes) for name, nodes in readers.items()}

    def type(self, name: str) -> TensorType:
        """The type of a value."""
        return self.values[name].type

    def data(self, name: str | None) -> Array | None:
        """The elements of a constant; None for a computed value or an absent input."""
        return None if name is None else self.values[name].data

    def site(self, node: Node) -> Site:
        """The node with the types and constants around it."""
        return _site(self.values, node, self.numerics)

    def edit(self) -> GraphEditor:
        """An editor that starts as this graph."""
        return GraphEditor(self.name, self)


def _site(values: Mapping[str, Value], node: Node, numerics: Numerics | None) -> Site:
    operands = [None if n is None else values[n] for n in node.inputs]
    return Site(
        name=node.name,
        op=node.op,
        inputs=tuple(None if v is None else v.type for v in operands),
        outputs=tuple(values[n].type for n in node.outputs),
        consts=tuple(None if v is None else v.data for v in operands),
        numerics=numerics or Numerics.FAST,
    )


MANY = 100
"""Names made of one, from which on none is tried again that was taken before."""


class GraphEditor:
    """Builds a Graph, from nothing or from another one. Order of nodes does not matter; `finish` sorts them."""

    def __init__(self, name: str, base: Graph | None = None) -> None:
        self.name = name
        self.values: dict[str, Value] = dict(base.values) if base else {}
        self.nodes: dict[str, Node] = {n.name: n for n in base.nodes} if base else {}
        self.inputs: list[str] = list(base.inputs) if base else []
        self.outputs: list[str] = list(base.outputs) if base else []
        self.numerics: Numerics | None = base.numerics if base else None
        self.preferred: Numerics = base.preferred if base else Numerics.FAST
        self.ports: dict[str, DType] = dict(base.ports) if base else {}
        self.outside: dict[str, QParams] = dict(base.outside) if base else {}
        self.states: list[State] = list(base.states) if base else []
        self.batch: str | None = base.batch if base else None
        self._taken: dict[str, int] = {}
        self.readers_of: Callable[[str], Iterable[Node]] | None = None
        """Who reads a value, where somebody keeps account of it; else all nodes are looked at."""

    def unique(self, hint: str) -> str:
        """A name that no value and no node has yet: `hint`, or `hint_2`, `hint_3`, …"""
        name, count = hint, 1
        while name in self.values or name in self.nodes:
            count += 1
            if count == MANY:  # thousands are made of one name only in strange models, which must not take hours
                count = self._taken[hint] = self._taken.get(hint, MANY) + 1
            name = f"{hint}_{count}"
        return name

    def input(self, name: str, type: TensorType) -> str:
        """Add a graph input."""
        self.values[name] = Value(name, type)
        self.inputs.append(name)
        return name

    def constant(self, hint: str, data: Array, q: QParams | None = None, of: TensorType | None = None) -> str:
        """Add a constant; float64 becomes float32. Returns its name.

        Args:
            hint: of its name.
            data: its elements.
            q: what they stand for.
            of: the type of the constant whose elements they are in another shape or order: theirs may be narrow ones.
        """
        array = np.ascontiguousarray(data)
        if array.dtype in (np.float64, np.float16):
            array = array.astype(np.float32)
        array = array.reshape(np.shape(data))  # ascontiguousarray makes scalars 1-D
        array.flags.writeable = False
        name = self.unique(hint)
        dtype = DType(array.dtype.name) if of is None else of.dtype
        self.values[name] = Value(name, TensorType(tuple(array.shape), dtype, q), array)
        return name

    def add(
        self,
        op: Op,
        inputs: Sequence[str | None],
        name: str,
        outputs: Sequence[str] | None = None,
        types: Sequence[TensorType] | None = None,
    ) -> tuple[str, ...]:
        """Add a node; its outputs' shapes are inferred.

        Args:
            op: the operator.
            inputs: names of values, None for an absent optional one.
            name: the node's name; made unique.
            outputs: names of the outputs (must be new); by default the node's name, with :1, :2 … after the first.
            types: types of the outputs; by default inferred shapes with the dtype and quantization of the first input
                that is no index.

        Raises:
            ModelError: the inputs do not fit the operator.
        """
        name = self.unique(name) if name in self.nodes or (outputs is None and name in self.values) else name
        try:
            shapes = op.out_shapes([None if i is None else self.values[i].type.shape for i in inputs])
        except ValueError as error:
            raise ModelError(str(error), where=f"{name} ({op.kind})") from error
        if outputs is None:
            outputs = [name if k == 0 else self.unique(f"{name}:{k}") for k in range(len(shapes))]
        if types is None:
            rule = op.quant_rule([None if i is None else self.values[i].type.shape for i in inputs])
            numbers = (i for k, i in enumerate(inputs) if i is not None and not isinstance(rule.role(k), Index))
            first = next((self.values[i].type for i in numbers), TensorType(()))
            types = [first.reshaped(s) for s in shapes]
            if op.gives_whole:
                types = [TensorType(s, op.whole_type(k)) for k, s in enumerate(shapes)]
        for out, type, shape in zip(outputs, types, shapes, strict=True):
            if type.shape != shape:
                raise ModelError(f"shape {type.shape} is declared where {shape} is computed", where=name)
            self.values[out] = Value(out, type)
        self.nodes[name] = Node(name, op, tuple(inputs), tuple(outputs))
        return tuple(outputs)

    def site(self, node: Node) -> Site:
        """A node with the types and constants around it as they are now."""
        return _site(self.values, node, self.numerics)

    def replace_node(self, name: str, node: Node) -> None:
        """Put `node` in the place of the node `name`; it may have another name, operator or inputs."""
        if node.name == name:
            self.nodes[name] = node
        else:
            self.nodes = {(node.name if k == name else k): (node if k == name else v) for k, v in self.nodes.items()}

    def remove(self, name: str) -> None:
        """Remove a node and the values it computes."""
        for out in self.nodes.pop(name).outputs:
            self.values.pop(out, None)

    def replace_uses(self, old: str, new: str) -> None:
        """Make every node and graph output that reads `old` read `new`."""
        for node in list(self.nodes.values()) if self.readers_of is None else self.readers_of(old):
            if old in node.inputs:
                self.nodes[node.name] = replace(node, inputs=tuple(new if i == old else i for i in node.inputs))
        self.rename_output(old, new)

    def rename_output(self, old: str, new: str) -> None:
        """Make the value `new` the graph's output where `old` is one; states follow."""
        self.outputs = [new if o == old else o for o in self.outputs]
        self.states = [replace(s, output=new) if s.output == old else s for s in self.states]

    def set_type(self, name: str, type: TensorType) -> None:
        """Change a value's type."""
        self.values[name] = replace(self.values[name], type=type)

    def finish(self) -> Graph:
        """The graph: nodes in a stable executable order, without those that no output needs. Graph inputs always stay.

        Raises:
            ModelError: a value is read that nothing computes, or nodes form a cycle.
        """
        producer = {out: node for node in self.nodes.values() for out in node.outputs}
        order: list[Node] = []
        state: dict[str, int] = {}  # node name → 1 on the stack, 2 done
        for goal in self.outputs:
            stack: list[tuple[str, bool]] = [(goal, False)]
            while stack:
                value, leaving = stack.pop()
                node = producer.get(value)
                if node is None:
                    if value not in self.values:
                        raise ModelError(f"tensor {value!r} is read but never computed")
                    continue
                if leaving:
                    if state[node.name] == 1:
                        state[node.name] = 2
                        order.append(node)
                    continue
                if state.get(node.name) == 2:
                    continue
                if state.get(node.name) == 1:
                    raise ModelError("the node is part of a cycle", where=node.name)
                state[node.name] = 1
                stack.append((value, True))
                for operand in reversed(node.inputs):
                    below = producer.get(operand) if operand is not None else None
                    if operand is not None and (below is None or state.get(below.name) != 2):
                        stack.append((operand, False))
        kept = dict.fromkeys(self.inputs)
        kept.update((i, None) for n in order for i in n.inputs if i is not None)
        kept.update((o, None) for n in order for o in n.outputs)
        kept.update((o, None) for o in self.outputs)
        return Graph(
            name=self.name,
            values={name: self.values[name] for name in kept},
            nodes=tuple(order),
            inputs=tuple(self.inputs),
            outputs=tuple(self.outputs),
            numerics=self.numerics,
            preferred=self.preferred,
            ports=dict(self.ports),
            outside=dict(self.outside),
            states=tuple(self.states),
            batch=self.batch,
        )
