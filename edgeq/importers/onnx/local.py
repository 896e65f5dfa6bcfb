"""A model with its local functions, before they are expanded: how large it will be, and the names in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from edgeq.errors import ModelError
from edgeq.importers.budget import LimitError
from edgeq.ir.limits import DEPTH, NODES

_HINT = "the file is damaged, or made to be expanded without end; export the model again"
_Key = tuple[str, str, str]


def expanded(model: Any, where: str) -> tuple[int, int]:
    """Nodes of a model, those of branches and of functions that are called included, and their bytes if they are many.

    Raises:
        ModelError: functions call each other in a circle.
        LimitError: functions are nested too deeply.
    """
    if not model.functions:
        return sum(1 for _ in _all(model.graph.node)), 0
    functions = {_key(f.domain, f.name, getattr(f, "overload", "")): f for f in model.functions}
    known: dict[_Key, tuple[int, int, int]] = {}
    under_way: set[_Key] = set()
    stack: list[_Key] = list(functions)
    while stack:
        key = stack[-1]
        if key in known:
            stack.pop()
            continue
        called = [k for k in _called(functions[key].node) if k in functions]
        waiting = [k for k in dict.fromkeys(called) if k not in known]
        if waiting and (key in under_way or key in waiting):
            raise ModelError(f"the function {key[1]!r} calls itself", hint=_HINT, where=where)
        if waiting:
            under_way.add(key)
            stack.extend(waiting)
            continue
        depth, count, nbytes = _size(functions[key].node, known)
        if depth > DEPTH:
            raise LimitError(f"functions are nested more than {DEPTH} deep, which is the limit", _HINT, where)
        known[key] = depth, min(count, 1000 * NODES), nbytes
        stack.pop()
    _, count, nbytes = _size(model.graph.node, known)
    return count, nbytes


def texts(model: Any) -> Iterator[Any]:
    """All names in a model; one that is no valid text is `bytes`."""
    graphs, nodes = [model.graph], []
    for function in model.functions:
        yield from (function.name, function.domain, *function.input, *function.output)
        nodes.append(_all(function.node))
    for node in chain(_all(model.graph.node), *nodes):
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        for attribute in node.attribute:
            yield attribute.name
            graphs.extend(graph for graph in (attribute.g, *attribute.graphs) if graph.node)
    for graph in graphs:
        for named in (*graph.input, *graph.output, *graph.initializer):
            yield named.name


def _size(nodes: Iterable[Any], known: Mapping[_Key, tuple[int, int, int]]) -> tuple[int, int, int]:
    """Depth of calls, nodes and bytes of a list of nodes."""
    depth, count, nbytes = 0, 0, 0
    for node in _all(nodes):
        below = known.get(_key(node.domain, node.op_type, getattr(node, "overload", "")))
        depth = max(depth, 1 + below[0] if below else 0)
        count += below[1] if below else 1
        nbytes += node.ByteSize() + (below[2] if below else 0)
    return depth, count, nbytes


def _called(nodes: Iterable[Any]) -> Iterator[_Key]:
    for node in _all(nodes):
        yield _key(node.domain, node.op_type, getattr(node, "overload", ""))


def _all(nodes: Iterable[Any]) -> Iterator[Any]:
    """Nodes and those of their branches."""
    waiting = [iter(nodes)]
    while waiting:
        node = next(waiting[-1], None)
        if node is None:
            waiting.pop()
            continue
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                if graph.node:
                    waiting.append(iter(graph.node))


def _key(domain: str, name: str, overload: str) -> _Key:
    return ("" if domain == "ai.onnx" else domain), name, overload
