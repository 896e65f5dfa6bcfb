"""Who computes and who reads each value of a graph that is being edited, kept up to date change by change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from edgeq.ir.graph import GraphEditor, Node


class Nodes(dict[str, Node]):
    """Nodes by name, in their order; remembers what has changed.

    Attributes:
        place: of each node; they are in ascending order.
        before: for each name that has changed, the node that it had.
    """

    def __init__(self, nodes: Iterable[tuple[str, Node]]) -> None:
        super().__init__(nodes)
        self.place = {name: number for number, name in enumerate(self)}
        self.before: dict[str, Node | None] = {}
        self._next = len(self)

    def __setitem__(self, name: str, node: Node) -> None:
        self.before.setdefault(name, self.get(name))
        if name not in self:
            self.place[name] = self._next
            self._next += 1
        super().__setitem__(name, node)

    def __delitem__(self, name: str) -> None:
        self.before.setdefault(name, self[name])
        super().__delitem__(name)
        del self.place[name]

    def pop(self, name: str, *default: Any) -> Any:
        """Remove a node, and return it."""
        if name not in self:
            return super().pop(name, *default)
        node = self[name]
        del self[name]
        return node

    def update(self, *arguments: Any, **more: Any) -> None:
        """Not offered: it would go unnoticed."""
        raise NotImplementedError

    clear = popitem = setdefault = update  # type: ignore[assignment]


class Index:
    """Answers about an editor's present nodes. Its `nodes` are replaced by those that remember what has changed."""

    def __init__(self, edit: GraphEditor) -> None:
        self._edit = edit
        self._nodes = Nodes(())
        self._producers: dict[str, Node] = {}
        self._readers: dict[str, dict[str, Node]] = {}
        self._ordered: dict[str, tuple[Node, ...]] = {}
        self._outputs: list[str] = []
        self._doubtful: set[str] | None = None
        """Nodes whose outputs may have lost their last reader; None: any."""

    def producer(self, name: str) -> Node | None:
        """The node that computes a value; None for inputs and constants."""
        self._catch_up()
        return self._producers.get(name)

    def readers(self, name: str) -> Sequence[Node]:
        """The nodes that read a value, in order, each once."""
        self._catch_up()
        if name not in self._ordered:
            place = self._nodes.place
            found = self._readers.get(name, {})
            self._ordered[name] = tuple(found[n] for n in sorted(found, key=place.__getitem__))
        return self._ordered[name]

    def drop_dead(self) -> None:
        """Remove nodes whose outputs nothing reads."""
        while True:
            self._catch_up()
            names = self._nodes if self._doubtful is None else self._doubtful
            outputs = set(self._edit.outputs)
            dead = [
                name
                for name in names
                if name in self._nodes
                and not any(self._readers.get(o) or o in outputs for o in self._nodes[name].outputs)
            ]
            self._doubtful = set()
            if not dead:
                return
            for name in dead:
                self._edit.remove(name)

    def _catch_up(self) -> None:
        """Take note of what has changed."""
        if self._edit.nodes is not self._nodes:
            self._begin()
        if self._outputs != self._edit.outputs:
            gone = set(self._outputs) - set(self._edit.outputs)
            self._doubt(self._producers[name].name for name in gone if name in self._producers)
            self._outputs = list(self._edit.outputs)
        if not self._nodes.before:
            return
        changes, self._nodes.before = self._nodes.before, {}
        for node in changes.values():
            if node is not None:
                self._forget(node)
        for name in changes:
            if name in self._nodes:
                self._learn(self._nodes[name])
        self._doubt(changes)

    def _begin(self) -> None:
        self._nodes = Nodes(self._edit.nodes.items())
        self._edit.nodes = self._nodes
        self._producers, self._readers, self._ordered, self._doubtful = {}, {}, {}, None
        for node in self._nodes.values():
            self._learn(node)

    def _learn(self, node: Node) -> None:
        for out in node.outputs:
            self._producers[out] = node
        for name in node.inputs:
            if name is not None:
                self._readers.setdefault(name, {})[node.name] = node
                self._ordered.pop(name, None)

    def _forget(self, node: Node) -> None:
        for out in node.outputs:
            if (found := self._producers.get(out)) is not None and found.name == node.name:
                del self._producers[out]
        for name in node.inputs:
            if name is not None:
                self._readers.get(name, {}).pop(node.name, None)
                self._ordered.pop(name, None)
                if (above := self._producers.get(name)) is not None:
                    self._doubt([above.name])

    def _doubt(self, names: Iterable[str]) -> None:
        if self._doubtful is not None:
            self._doubtful.update(names)
