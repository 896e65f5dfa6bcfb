"""Layers that the user keeps in float32: they stand between a Dequantize and a Quantize, neighbours together."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from fnmatch import fnmatchcase

import numpy as np

from edgeq.errors import QuantizationError, UsageError
from edgeq.ir.graph import Graph, GraphEditor, Node, Value
from edgeq.ir.op import registry
from edgeq.ir.real import remain_real
from edgeq.ir.tensor import DType, TensorType
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.step import Draft, Step
from edgeq.warnings import warn


def chosen(graph: Graph, config: QuantConfig) -> list[Node]:
    """The nodes that are to stay real and do not yet.

    Raises:
        UsageError: a pattern fits no node.
    """
    names = [node.name for node in graph.nodes]
    for pattern in config.real:
        if not any(fnmatchcase(name, pattern) for name in names):
            like = get_close_matches(pattern, names, 3) or names[:3]
            raise UsageError(
                f"no layer has a name like {pattern!r}",
                hint=f"names are as `edgeq inspect` shows them, such as {', '.join(like)}",
                where="--float",
            )
    real = remain_real(graph)
    borders = (node for node in graph.nodes if node.op.gives_real is None and not real.intersection(node.outputs))
    return [node for node in borders if config.stays_real(node.name)]


def keep_real(draft: Draft) -> Draft:
    """Put borders around the layers that stay real.

    Raises:
        UsageError: a pattern fits no layer.
        QuantizationError: operators have no arithmetic for real numbers.
    """
    nodes = list[Node]()
    for node in chosen(draft.graph, draft.config):
        if any(n is not None and draft.graph.data(n) is None and _is_number(draft.graph, n) for n in node.inputs):
            nodes.append(node)
            continue
        warn(
            "it reads nothing but places in a table, and stays in integers",
            hint="--numerics float keeps tables, and all else, in float32",
            where=f"{node.name} ({node.op.kind})",
        )
    if not nodes:
        return draft
    graph = with_islands(draft.graph, nodes)
    _check(graph, {node.name for node in nodes})
    return replace(draft, graph=graph, reference=graph)


def with_islands(graph: Graph, nodes: list[Node]) -> Graph:
    """A float graph in which `nodes` compute with real numbers, whatever becomes of the others."""
    editor, before = graph.edit(), remain_real(graph)
    inside = {node.name for node in nodes}
    twins: dict[str, str] = {}
    made = [out for node in nodes for out in node.outputs if _is_number(graph, out)]
    for out in made:  # real; other readers get them quantized, under the name that they know
        twins[out] = editor.unique(f"{out}_real")
        editor.values[twins[out]] = Value(twins[out], TensorType(graph.type(out).shape))
    for node in nodes:
        inputs = tuple(None if name is None else _real(graph, editor, name, twins, before) for name in node.inputs)
        outputs = tuple(twins.get(out, out) for out in node.outputs)
        editor.replace_node(node.name, replace(node, inputs=inputs, outputs=outputs))
    for out in made:
        readers = [reader for reader in graph.consumers[out] if reader.name not in inside]
        if out in graph.outputs or readers or any(state.output == out for state in graph.states):
            editor.add(registry()["Quantize"](), [twins[out]], f"{out}_quantize", [out], [graph.type(out)])
        else:
            del editor.values[out]
    return editor.finish()


def _is_number(graph: Graph, name: str) -> bool:
    """Whether a tensor stands for real numbers, and not for places, counts or truth values."""
    type = graph.type(name)
    return type.q is not None or type.dtype is DType.FLOAT32


def _real(graph: Graph, editor: GraphEditor, name: str, twins: dict[str, str], before: frozenset[str]) -> str:
    """The real twin of an operand, made if there is none."""
    value = graph.values[name]
    if name in before or not _is_number(graph, name) or (value.data is not None and value.type.q is None):
        return name
    if name not in twins:
        type = TensorType(value.type.shape)
        if value.data is not None and value.type.q is not None:
            data = np.asarray(value.type.q.dequantize(value.data)).reshape(type.shape)
            twins[name] = editor.constant(f"{name}_real", data)
        else:
            (twins[name],) = editor.add(registry()["Dequantize"](), [name], f"{name}_dequantize", types=[type])
    return twins[name]


def _check(graph: Graph, names: set[str]) -> None:
    lacking = []
    for node in (node for node in graph.nodes if node.name in names):
        site = graph.site(node)
        if not node.op.is_view and not any(row.takes(site) and row.fits(site) for row in node.op.kernels):
            lacking.append(f"{node.name} ({node.op.kind})")
    if lacking:
        raise QuantizationError(
            f"operators that have no float32 form cannot stay in it: {', '.join(lacking)}",
            hint="docs/kernels.md lists the element types of each; leave these out of --float",
        )


STEP = Step(
    "keep_real",
    keep_real,
    lambda draft: bool(draft.config.real) or any(layer.real for layer in draft.config.layers),
)
