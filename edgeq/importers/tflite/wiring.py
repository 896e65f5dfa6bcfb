"""A graph under construction with an account of who makes and who reads each value."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from edgeq.importers.tflite.builder import Builder
from edgeq.ir.graph import Node
from edgeq.ir.op import Op
from edgeq.ir.tensor import TensorType


class Wiring:
    """The nodes of a builder; every change goes through it."""

    def __init__(self, b: Builder) -> None:
        self.b = b
        self.editor = b.editor
        self.makers = {out: node.name for node in b.editor.nodes.values() for out in node.outputs}
        self._readers: dict[str, set[str]] = {}
        for node in b.editor.nodes.values():
            self._note(node)

    def _note(self, node: Node) -> None:
        for name in node.inputs:
            if name is not None:
                self._readers.setdefault(name, set()).add(node.name)

    @property
    def wanted(self) -> Collection[str]:
        """Values that are outputs of the model."""
        return {self.b.values[i] for i in self.b.model.outputs if i in self.b.values}

    def maker(self, value: str | None) -> Node | None:
        """The node that computes a value."""
        return None if value is None or value not in self.makers else self.editor.nodes[self.makers[value]]

    def readers(self, value: str) -> list[Node]:
        """The nodes that read a value."""
        return [self.editor.nodes[name] for name in sorted(self._readers.get(value, ()))]

    def replace(self, node: Node, op: Op, inputs: Sequence[str | None]) -> Node:
        """Another operator and other operands for a node."""
        for name in node.inputs:
            if name is not None:
                self._readers[name].discard(node.name)
        changed = replace(node, op=op, inputs=tuple(inputs))
        self.editor.replace_node(node.name, changed)
        self._note(changed)
        return changed

    def add(self, op: Op, inputs: Sequence[str | None], hint: str, types: Sequence[TensorType]) -> tuple[str, ...]:
        """A new node; returns its outputs."""
        outputs = self.editor.add(op, inputs, self.editor.unique(hint), types=types)
        node = next(reversed(self.editor.nodes.values()))
        self.makers.update(dict.fromkeys(node.outputs, node.name))
        self._note(node)
        return outputs

    def stand_in(self, old: str, new: str) -> None:
        """Let everything that reads `old`, the model's outputs too, read `new`."""
        for node in self.readers(old):
            self.replace(node, node.op, [new if name == old else name for name in node.inputs])
        self.b.values = {index: new if name == old else name for index, name in self.b.values.items()}
