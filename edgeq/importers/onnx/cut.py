"""The part of an ONNX graph between tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import onnx
from onnx import helper

from edgeq.errors import UsageError
from edgeq.importers.cut import Cut, part, unknown, unneeded
from edgeq.ir.tensor import Shape


def cut_graph(
    graph: Any, names: Sequence[str], opsets: Mapping[str, int], cut: Cut, shapes: Mapping[str, Shape], where: str
) -> tuple[Any, list[str]]:
    """The graph message of a part, and the names of its nodes.

    Args:
        graph: the whole.
        names: of its nodes.
        opsets: the model's.
        cut: the part; a name is that of a value or, if there is no such value, of a node, for all that it computes.
        shapes: what the caller says about shapes of inputs.
        where: the file, for messages.

    Raises:
        UsageError: there is nothing of a name, an input is not needed, or its shape is not known.
    """
    stored = {t.name for t in graph.initializer}.difference(cut.kept)
    declared = {i.name: i for i in graph.input if i.name not in stored}
    computed = {out: names[k] for k, node in enumerate(graph.node) for out in node.output if out}
    of_node = {names[k]: [out for out in node.output if out] for k, node in enumerate(graph.node)}

    def values(wanted: Sequence[str], option: str) -> list[str]:
        found: list[str] = []
        for name in wanted:
            if name in computed or name in declared:
                found.append(name)
            elif name in of_node:
                found += of_node[name]
            else:
                raise unknown(name, option, [*declared, *computed, *of_node], where)
        return list(dict.fromkeys(found))

    inputs = values(cut.inputs, "--inputs")
    outputs = values(cut.outputs, "--outputs") or [o.name for o in graph.output]
    nodes = [([i for i in node.input if i], [o for o in node.output if o]) for node in graph.node]
    kept, read = part(nodes, inputs, outputs)
    idle = [name for name in inputs if name not in read]
    if idle:
        raise unneeded(idle, where)
    types = {**{v.name: v for v in (*graph.value_info, *graph.output)}, **declared}
    if any(name not in types for name in inputs):
        types |= {name: info for name, info in _inferred(graph, opsets).items() if name not in types}
    result = onnx.GraphProto()
    result.CopyFrom(graph)
    for field in ("node", "input", "output"):
        result.ClearField(field)
    for index in sorted(kept):
        node = result.node.add()
        node.CopyFrom(graph.node[index])
        for position, name in enumerate(node.output):
            if name in inputs:  # the node is needed for another of its outputs
                node.output[position] = ""
    whole = [name for name in declared if name in read and name not in inputs]
    result.input.extend(_declared(name, types, shapes, where) for name in (*inputs, *whole))
    result.output.extend(helper.make_empty_tensor_value_info(name) for name in outputs)
    return result, [names[k] for k in sorted(kept)]


def _inferred(graph: Any, opsets: Mapping[str, int]) -> dict[str, Any]:
    """Types and shapes that ONNX infers; none where it cannot."""
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(d, v) for d, v in opsets.items()])
    try:
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph.value_info
    except Exception:  # whatever is wrong with the rest of the model
        return {}
    return {info.name: info for info in inferred}


def _declared(name: str, types: Mapping[str, Any], shapes: Mapping[str, Shape], where: str) -> Any:
    """An input's type and shape; if only the caller knows its shape, it is float."""
    info = types.get(name)
    if info is not None and info.type.tensor_type.HasField("shape"):
        return info
    if name not in shapes:
        raise UsageError(
            f"--inputs: the file does not say the shape of {name!r}",
            hint=f"give it: --input-shape {name}=1,3,224,224",
            where=where,
        )
    code = onnx.TensorProto.FLOAT if info is None else info.type.tensor_type.elem_type or onnx.TensorProto.FLOAT
    return helper.make_tensor_value_info(name, code, shapes[name])
