"""Local rewriting: rules look at one node and its neighbours, and are applied until none finds anything to do."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from edgeq.errors import InternalError, ModelError
from edgeq.ir.graph import Graph, GraphEditor, Node, Value
from edgeq.ir.limits import SECONDS
from edgeq.ir.op import Op
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams, Shape, TensorType
from edgeq.passes._index import Index

STEPS = 100
"""Squared with the nodes of a graph, more steps than rules take that do not undo each other."""
O = TypeVar("O", bound=Op)  # noqa: E741 - an operator


class View:
    """A graph being rewritten: its editor, and answers to what rules ask about its present state."""

    def __init__(self, graph: Graph) -> None:
        self.edit: GraphEditor = graph.edit()
        self._index = Index(self.edit)
        self.edit.readers_of = self._index.readers
        self._has_reals = any(node.op.gives_real for node in graph.nodes)

    def changed(self) -> None:
        """Drop nodes whose outputs nothing reads any more."""
        self._index.drop_dead()

    def type_of(self, name: str) -> TensorType:
        """The type of a value."""
        return self.edit.values[name].type

    def shape(self, name: str) -> Shape:
        """The shape of a value."""
        return self.type_of(name).shape

    def site(self, node: Node) -> Site:
        """A node with the types and constants around it."""
        return self.edit.site(node)

    def data(self, name: str | None) -> Array | None:
        """The elements of a constant, else None."""
        return None if name is None else self.edit.values[name].data

    def real(self, name: str, otherwise: Array) -> Array:
        """The real values of a constant; `otherwise` for what is computed."""
        data, q = self.data(name), self.type_of(name).q
        return otherwise if data is None else data if q is None else q.dequantize(data)

    def is_const(self, name: str | None) -> bool:
        """Whether a value is a constant."""
        return self.data(name) is not None

    def is_output(self, name: str) -> bool:
        """Whether a value is an output of the graph."""
        return name in self.edit.outputs

    def producer(self, name: str | None) -> Node | None:
        """The node that computes a value; None for inputs and constants."""
        return None if name is None else self._index.producer(name)

    def consumers(self, name: str) -> Sequence[Node]:
        """The nodes that read a value, each once."""
        return self._index.readers(name)

    def only_consumer(self, name: str) -> Node | None:
        """The node that alone reads a value; None if there are several, or if the caller of the graph reads it too."""
        readers = self.consumers(name)
        return readers[0] if len(readers) == 1 and not self.is_output(name) else None

    def made_by(self, name: str | None, op: type[O], alone: bool = True) -> tuple[Node, O] | None:
        """The producer of a value and its operator, if it is an `op` (and, if `alone`, the value has one reader)."""
        node = self.producer(name)
        if node is None or name is None or not isinstance(node.op, op):
            return None
        return None if alone and self.only_consumer(name) is None else (node, node.op)

    def is_real(self, *names: str | None) -> bool:
        """Whether all values are float and nothing is prescribed for them; absent ones are."""
        known = [n for n in names if n is not None]
        if self._has_reals and any(self.remains_real(n) for n in known):
            return False
        types = [self.type_of(n) for n in known]
        return all(t.dtype is DType.FLOAT32 and t.q is None for t in types)

    def remains_real(self, name: str) -> bool:
        """Whether a value is one of `edgeq.ir.real`: the model prescribes its float32 arithmetic."""
        seen: set[str] = set()
        stack = [name]
        while stack:
            value = stack.pop()
            node = self.producer(value)
            if node is None or value in seen or self.type_of(value).q is not None:
                continue
            seen.add(value)
            if node.op.gives_real:
                return True
            if node.op.gives_real is None:
                stack += [i for i in node.inputs if i is not None]
        return False

    def shared_q(self, first: str, second: str) -> tuple[bool, QParams | None]:
        """Whether two values can be held as one, and with which parameters: at most one of them prescribes some."""
        a, b = self.type_of(first), self.type_of(second)
        if a.dtype is not b.dtype:
            return False, None
        return a.q is None or b.q is None or a.q == b.q, a.q or b.q

    def set_q(self, name: str, q: QParams | None) -> None:
        """Prescribe the parameters of a value."""
        self.edit.set_type(name, replace(self.type_of(name), q=q))

    def update(self, node: Node, op: Op, inputs: Sequence[str | None]) -> None:
        """Another operator and other inputs for a node whose outputs stay as they are."""
        self.edit.replace_node(node.name, replace(node, op=op, inputs=tuple(inputs)))

    def fuse(self, first: Node, second: Node, op: Op, inputs: Sequence[str | None], q: QParams | None) -> None:
        """Replace `first` and `second`, of one output each, by `op`, which computes what `second` did."""
        out = second.outputs[0]
        out_type = replace(self.type_of(out), q=q)
        self.edit.remove(second.name)
        self.edit.remove(first.name)
        self.edit.add(op, inputs, first.name, [out], [out_type])

    def move_below(
        self, node: Node, op: Op, inputs: Sequence[str | None], below: Sequence[tuple[Op, Shape]], suffix: str
    ) -> None:
        """Let `op` stand for a node, followed per output by an operator that moves its elements.

        Args:
            node: what is replaced; its outputs keep their names only where the caller of the graph knows them.
            op, inputs: what computes outputs with the same elements in another order.
            below: per output the operator that brings them back, and the shape before it.
            suffix: for names of new tensors.
        """
        types = [self.type_of(o) for o in node.outputs]
        self.edit.remove(node.name)
        inner, outer = [], []
        for out in node.outputs:
            new = self.edit.unique(f"{out}_{suffix}")
            if not self.is_output(out):
                self.edit.replace_uses(out, new)
            inner.append(new if self.is_output(out) else out)
            outer.append(out if self.is_output(out) else new)
            self.edit.values[new] = Value(new, TensorType(()))  # so that the next name differs
        inner_types = [t.reshaped(shape) for t, (_, shape) in zip(types, below, strict=True)]
        self.edit.add(op, inputs, node.name, inner, inner_types)
        for source, out, type, (move, _) in zip(inner, outer, types, below, strict=True):
            self.edit.add(move, [source], self.edit.unique(f"{out}:move"), [out], [type])

    def bypass(self, node: Node) -> bool:
        """Remove a node that hands on its input unchanged; False if the graph's interface or parameters forbid it."""
        source, out = node.inputs[0], node.outputs[0]
        if source is None or self.shape(source) != self.shape(out):
            return False
        same, q = self.shared_q(source, out)
        if not same:
            return False
        above = self.producer(source)
        if self.type_of(source).q != q and (above is None or self.only_consumer(source) is None):
            return False  # others read the source, or it is not ours to change
        if not self.is_output(out):
            self.set_q(source, q)
            self.edit.remove(node.name)
            self.edit.replace_uses(out, source)
            return True
        if above is None or self.is_output(source):
            return False
        self.set_q(out, q)
        self.edit.nodes.pop(node.name)
        self.edit.replace_uses(source, out)
        self.edit.values.pop(source)
        renamed = tuple(out if o == source else o for o in above.outputs)
        self.edit.nodes[above.name] = replace(self.edit.nodes[above.name], outputs=renamed)
        return True


Rule = Callable[[View, Node], bool]
"""Looks at a node; changes the graph around it and returns True, or returns False and leaves everything as it was."""


def _look_at_the_clock(until: float, where: str) -> None:
    if time.monotonic() > until:
        raise ModelError(
            f"simplifying the model takes longer than {SECONDS:g} s",
            hint="it is far too large for a microcontroller: take a smaller one, or export it again",
            where=where,
        )


def rewrite(graph: Graph, *rules: Rule) -> Graph:
    """Apply rules to every node, in order, until none applies any more; then drop what no output needs.

    Raises:
        ModelError: that takes too long.
        InternalError: rules undo each other.
    """
    view = View(graph)
    until, left = time.monotonic() + SECONDS, (len(graph.nodes) + STEPS) ** 2
    again = True
    while again:
        again = False
        for name in list(view.edit.nodes):
            for rule in rules:
                node = view.edit.nodes.get(name)
                if node is not None and rule(view, node):
                    view.changed()
                    again, left = True, left - 1
                    if not left:
                        raise InternalError(
                            f"simplifying the model by {rule.__name__.strip('_')} does not come to an end",
                            hint="report it, with the model",
                            where=name,
                        )
                    _look_at_the_clock(until, name)
    return view.edit.finish() if view.edit.nodes != {n.name: n for n in graph.nodes} else graph
