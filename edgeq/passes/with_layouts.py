"""Let the caller exchange images in a layout of its choice.

A camera delivers NHWC, in which convolutions compute; a model that was trained in NCHW transposes at its borders. With
the other layout at the border two transposes meet there and cancel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edgeq.errors import UsageError
from edgeq.ir.graph import Graph
from edgeq.ir.layouts import Layout
from edgeq.ir.traits import Pattern, Perm, inverse, permuted
from edgeq.ops.transpose import Transpose

TO_NHWC, TO_NCHW = (0, 2, 3, 1), (0, 3, 1, 2)
_PERMS: Mapping[tuple[Layout, Layout], Perm] = {("nchw", "nhwc"): TO_NHWC, ("nhwc", "nchw"): TO_NCHW}
_IDENTITY = (0, 1, 2, 3)


def layout_of(graph: Graph, name: str, otherwise: Layout) -> Layout:
    """The layout of an input or output of rank 4 in the graph as imported.

    What is nearest to it and works on images, whose layout is NHWC, tells; `otherwise` where nothing does.
    """
    found = _below(graph, name) if name in graph.inputs else _above(graph, name)
    return "nhwc" if found == _IDENTITY else "nchw" if found == TO_NHWC else otherwise


def _works_on_images(graph: Graph, name: str) -> bool:
    node = graph.producers[name]
    shapes = [None if i is None else graph.type(i).shape for i in node.inputs]
    return (
        node.op.pattern is Pattern.GENERAL
        and all(len(graph.type(n).shape) == 4 for n in (node.inputs[0], name) if n is not None)
        and node.op.commute(TO_NHWC) is None
        and node.op.stripe(shapes, (0, 1)) is not None
    )


def _below(graph: Graph, name: str) -> Perm | None:
    """The permutation between an input and what works on images there."""
    left: list[tuple[str, Perm]] = [(name, _IDENTITY)]
    seen = {name}
    while left:
        value, perm = left.pop(0)
        for node in graph.consumers[value]:
            out = node.outputs[0]
            if _works_on_images(graph, out) and node.inputs[0] == value:
                return perm
            if out not in seen and len(graph.type(out).shape) == 4:
                seen.add(out)
                if isinstance(node.op, Transpose):
                    left.append((out, tuple(perm[p] for p in node.op.perm)))
                elif node.op.pattern in (Pattern.ELEMENTWISE, Pattern.MOVEMENT):
                    left.append((out, perm))
    return None


def _above(graph: Graph, name: str) -> Perm | None:
    """The permutation that would undo what is between what works on images and an output."""
    perm: Perm = _IDENTITY
    left = [(name, perm)]
    seen = {name}
    while left:
        value, perm = left.pop(0)
        node = graph.producers.get(value)
        if node is None:
            continue
        if _works_on_images(graph, value):
            return inverse(perm)
        for source in node.inputs:
            if source is None or source in seen or graph.data(source) is not None or len(graph.type(source).shape) != 4:
                continue
            seen.add(source)
            if isinstance(node.op, Transpose):
                left.append((source, tuple(node.op.perm[p] for p in perm)))
            elif node.op.pattern in (Pattern.ELEMENTWISE, Pattern.MOVEMENT):
                left.append((source, perm))
    return None


def with_layouts(
    graph: Graph, inputs: Layout | None, outputs: Layout | None, otherwise: Layout
) -> tuple[Graph, dict[str, Perm]]:
    """The same network with other layouts of its public inputs and outputs of rank 4.

    Args:
        graph: as imported, or after preprocessing was applied.
        inputs, outputs: what the caller exchanges; None: the model's own layout.
        otherwise: the model's own layout where the graph does not tell.

    Returns:
        The graph, and for every name whose layout changed the permutation from the model's own layout to the caller's.

    Raises:
        UsageError: a layout is given, and there is nothing of rank 4.
    """
    perms: dict[str, Perm] = {}
    sides = ((inputs, graph.public_inputs, "input"), (outputs, graph.public_outputs, "output"))
    for wanted, names, side in sides:
        images = [n for n in names if len(graph.type(n).shape) == 4]
        if wanted is None:
            continue
        if not images:
            raise UsageError(
                f"--{side}-layout: the model has no {side} of 4 dimensions",
                hint="leave it out",
                where=graph.name,
            )
        for name in images:
            own = layout_of(graph, name, otherwise)
            if own != wanted and not (name in graph.inputs and name in graph.outputs):
                perms[name] = _PERMS[own, wanted]
    return _transposed(graph, perms), perms


def _transposed(graph: Graph, perms: Mapping[str, Perm]) -> Graph:
    editor = graph.edit()
    for name, perm in perms.items():
        type = editor.values[name].type
        inside = editor.unique(f"{name}_inside")
        outside = replace(type, shape=permuted(type.shape, perm))
        if name in graph.inputs:
            readers = [node for node in editor.nodes.values() if name in node.inputs]
            editor.set_type(name, outside)
            editor.add(Transpose(inverse(perm)), [name], editor.unique(f"{name}_layout"), [inside], [type])
            for node in readers:
                operands = tuple(inside if i == name else i for i in node.inputs)
                editor.replace_node(node.name, replace(node, inputs=operands))
            continue
        editor.values[inside] = replace(editor.values[name], name=inside)
        for node in list(editor.nodes.values()):
            operands = tuple(inside if i == name else i for i in node.inputs)
            results = tuple(inside if o == name else o for o in node.outputs)
            editor.replace_node(node.name, replace(node, inputs=operands, outputs=results))
        editor.values.pop(name)
        editor.add(Transpose(perm), [inside], editor.unique(f"{name}_layout"), [name], [outside])
    return editor.finish() if perms else graph
