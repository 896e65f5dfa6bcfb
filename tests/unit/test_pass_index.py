"""The index of a graph under edit says what a look at all nodes says, whatever was changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq.errors import InternalError
from edgeq.ir.graph import GraphEditor, Node
from edgeq.ir.tensor import TensorType
from edgeq.ops.add import Add
from edgeq.passes._index import Index
from edgeq.passes._rewrite import View, rewrite


def test_rules_that_undo_each_other_are_a_defect() -> None:
    """What never comes to an end is told before it fills the memory."""

    def turned(view: View, node: Node) -> bool:
        view.update(node, node.op, node.inputs[::-1])
        return True

    with pytest.raises(InternalError, match="n0: simplifying the model by turned does not come to an end"):
        rewrite(_chain(3).finish(), turned)


def _looked_up(edit: GraphEditor) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Producer and readers of every value, from all nodes."""
    producers, readers = {}, {}
    for node in edit.nodes.values():
        producers.update(dict.fromkeys(node.outputs, node.name))
        for name in dict.fromkeys(node.inputs):
            readers.setdefault(str(name), []).append(node.name)
    return producers, readers


def _agrees(edit: GraphEditor, index: Index) -> None:
    producers, readers = _looked_up(edit)
    for name in edit.values:
        found = index.producer(name)
        assert (found.name if found else None) == producers.get(name)
        assert [node.name for node in index.readers(name)] == readers.get(name, [])
        assert all(edit.nodes[node.name] is node for node in index.readers(name))


def _chain(count: int) -> GraphEditor:
    edit = GraphEditor("net")
    edit.input("x", TensorType((2,)))
    for k in range(count):
        edit.add(Add(), ["x" if k < 2 else f"n{k - 2}", "x" if k < 1 else f"n{k - 1}"], f"n{k}")
    edit.outputs = [f"n{count - 1}"]
    return edit


@pytest.mark.parametrize("seed", range(8))
def test_any_changes(seed: int) -> None:
    rng, edit = np.random.default_rng(seed), _chain(12)
    index = Index(edit)
    for step in range(120):
        names = list(edit.nodes)
        node = edit.nodes[names[int(rng.integers(len(names)))]]
        values = list(edit.values)
        pick = [values[int(i)] for i in rng.integers(len(values), size=2)]
        what = int(rng.integers(6))
        if what == 0:
            edit.replace_node(node.name, replace(node, inputs=(pick[0], node.inputs[1])))
        elif what == 1:
            edit.add(Add(), pick, f"m{step}")
        elif what == 2 and len(names) > 3:
            edit.remove(node.name)
        elif what == 3:
            edit.replace_uses(node.outputs[0], pick[0])
        elif what == 4:
            edit.replace_node(node.name, replace(node, name=f"r{step}"))  # all nodes are put into another table
        else:
            edit.nodes[node.name] = Node(node.name, Add(), (pick[1], pick[0]), node.outputs)
        if rng.integers(3):  # several changes between two questions
            _agrees(edit, index)
    _agrees(edit, index)


def test_uses_are_replaced_by_way_of_the_index() -> None:
    edit, plain = _chain(30), _chain(30)
    edit.readers_of = Index(edit).readers
    for e in (edit, plain):
        for k in range(0, 28, 3):
            e.replace_uses(f"n{k}", f"n{k + 1}" if k % 2 else "x")
    assert list(edit.nodes.values()) == list(plain.nodes.values()) and edit.outputs == plain.outputs


def test_what_nothing_reads_any_more_is_dropped() -> None:
    edit = _chain(10)
    index = Index(edit)
    edit.add(Add(), ["n1", "n2"], "unread")
    index.drop_dead()
    assert list(edit.nodes) == [f"n{k}" for k in range(10)]
    edit.outputs = ["n5"]
    index.drop_dead()
    assert list(edit.nodes) == [f"n{k}" for k in range(6)]
    edit.replace_node("n5", replace(edit.nodes["n5"], inputs=("x", "n2")))
    index.drop_dead()
    assert list(edit.nodes) == ["n0", "n1", "n2", "n5"]
    edit.outputs = ["n2", "n5"]
    edit.replace_node("n5", replace(edit.nodes["n5"], inputs=("x", "x")))
    index.drop_dead()
    assert list(edit.nodes) == ["n0", "n1", "n2", "n5"]


def test_changes_that_would_go_unnoticed_are_not_offered() -> None:
    edit = _chain(3)
    index = Index(edit)
    assert index.producer("n0") is not None
    for change in (lambda: edit.nodes.clear(), lambda: edit.nodes.update({}), lambda: edit.nodes.popitem()):
        with pytest.raises(NotImplementedError):
            change()
