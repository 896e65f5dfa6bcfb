"""Nodes that stand for others: operators that ONNX defines by simpler ones, and branches whose condition is known.

What takes a node's place reads and writes the node's own tensors; tensors inside get names that nothing else has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import onnx

from edgeq.importers.onnx.node import Constant, OnnxNode


@dataclass(frozen=True, eq=False)
class Body:
    """Nodes that take a node's place.

    Attributes:
        nodes: their messages; attributes hold no references.
        opset: the version of ONNX's operators among them.
        names: of the tensors inside, what they are called in the model; others are the model's own.
        constants: tensors that are stored in the body.
        outputs: of each output of the node, the tensor of the body that it is, under the name that it has in the model.
    """

    nodes: tuple[Any, ...]
    opset: int
    names: Mapping[str, str]
    constants: Mapping[str, Any]
    outputs: tuple[tuple[str, str], ...] = ()

    def children(self, node: OnnxNode) -> Iterator[OnnxNode]:
        """The nodes, with their tensors' names in the model; the body's constants are put there first."""
        for name, tensor in self.constants.items():
            node.builder.tensors[name] = Constant(name, node.builder.source.stored(tensor, name))
        for index, message in enumerate(self.nodes):
            inner = renamed(message, self.names)
            name = node.builder.reserve(f"{node.name}/{message.name or f'{message.op_type.lower()}_{index}'}")
            yield OnnxNode(node.builder, inner, name, self.opset)


def renamed(message: Any, names: Mapping[str, str]) -> Any:
    """A node with other names of tensors, also in its branches."""
    made = onnx.NodeProto()
    made.CopyFrom(message)
    made.input[:] = [names.get(n, n) for n in message.input]
    made.output[:] = [names.get(n, n) for n in message.output]
    for attribute in made.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            own = {t.name for t in (*attribute.g.initializer, *attribute.g.input)}
            own.update(o for child in attribute.g.node for o in child.output)
            outer = {old: new for old, new in names.items() if old not in own}
            for child in attribute.g.node:
                child.CopyFrom(renamed(child, outer))
            for output in attribute.g.output:
                output.name = outer.get(output.name, output.name)
    return made


def body_of(node: OnnxNode) -> Body | None:
    """What takes a node's place; None if ONNX does not define the operator by others.

    Raises:
        LimitError: the model would become too large.
    """
    body = _branch(node) if node.kind == "If" and node.domain == "" else _definition(node)
    if body is not None:
        node.builder.source.budget.nodes(len(body.nodes), sum(message.ByteSize() for message in body.nodes))
    return body


def has_body(node: OnnxNode) -> bool:
    """Whether `body_of` may have an answer, which can depend on the node's inputs."""
    if node.kind == "If":
        return True
    schema = _schema(node)
    return schema is not None and bool(schema.has_function or schema.has_context_dependent_function)


DOMAINS = ("", "ai.onnx.preview")
"""Sets of operators of which some are defined by others."""


def _version(node: OnnxNode) -> int:
    """The version of the set that a node's operator is of."""
    return node.builder.source.opsets.get(node.domain, 1) if node.domain else node.opset


def _schema(node: OnnxNode) -> Any | None:
    """What ONNX says of a node's operator; None if it knows none."""
    if node.domain not in DOMAINS or not onnx.defs.has(node.kind, _version(node), node.domain):
        return None
    return onnx.defs.get_schema(node.kind, _version(node), node.domain)


def _definition(node: OnnxNode) -> Body | None:
    """ONNX's own definition of an operator, in the version that the model uses."""
    schema = _schema(node)
    if schema is None:
        return None
    if schema.has_context_dependent_function:
        versions = [v for v in schema.context_dependent_function_opset_versions if v <= _version(node)]
        types = [_type(node, k).SerializeToString() for k in range(len(node.inputs))]
        data = schema.get_context_dependent_function_with_opset_version(
            max(versions, default=schema.since_version), node.message.SerializeToString(), types
        )
    elif schema.has_function:
        versions = [v for v in schema.function_opset_versions if v <= _version(node)]
        data = schema.get_function_with_opset_version(max(versions, default=schema.since_version))
    else:
        return None
    function = onnx.FunctionProto()
    function.ParseFromString(data if isinstance(data, bytes) else data.SerializeToString())
    return _function(node, function, schema) if function.node else None


def _function(node: OnnxNode, function: Any, schema: Any) -> Body:
    names: dict[str, str] = {"": ""}
    names.update((formal, node.inputs[k] if node.has(k) else "") for k, formal in enumerate(function.input))
    outputs = {formal: node.outputs[k] for k, formal in enumerate(function.output) if k < len(node.outputs)}
    names.update((formal, actual) for formal, actual in outputs.items() if actual)
    inner = dict.fromkeys(n for child in function.node for n in child.output if n not in names)
    names.update((n, node.builder.reserve(f"{node.name}/{n}")) for n in inner)
    given = {a.name: a for a in node.message.attribute}
    default = {n: a.default_value for n, a in schema.attributes.items() if a.default_value.type}
    nodes = tuple(_resolved(child, {**default, **given}) for child in function.node)
    opset = next((int(o.version) for o in function.opset_import if o.domain in ("", "ai.onnx")), node.opset)
    return Body(nodes, opset, names, {})


def _resolved(message: Any, attributes: Mapping[str, Any]) -> Any:
    """A node whose attributes that refer to those of the function have their values; one that is absent stays so."""
    resolved = onnx.NodeProto()
    resolved.CopyFrom(message)
    del resolved.attribute[:]
    for attribute in message.attribute:
        if not attribute.ref_attr_name:
            resolved.attribute.append(attribute)
        elif attribute.ref_attr_name in attributes:
            resolved.attribute.append(attributes[attribute.ref_attr_name])
            resolved.attribute[-1].name = attribute.name
    return resolved


def _type(node: OnnxNode, index: int) -> Any:
    """The type of an input as ONNX writes it; an absent input's is empty."""
    if not node.has(index):
        return onnx.TypeProto()
    return onnx.helper.make_tensor_type_proto(node.builder.element_type(node.inputs[index]), node.shape(index))


def _branch(node: OnnxNode) -> Body | None:
    """The branch of an If that is taken; None if that is decided at run time."""
    condition = node.constant(0)
    if condition is None or condition.data.size != 1:
        return None
    wanted = "then_branch" if bool(condition.data.reshape(())) else "else_branch"
    graph = next((a.g for a in node.message.attribute if a.name == wanted), None)
    if graph is None or graph.input or len(graph.output) < len(node.outputs):
        return None
    builder = node.builder
    inside = [t.name for t in graph.initializer] + [o for child in graph.node for o in child.output]
    names = {n: builder.reserve(f"{node.name}/{n}") if n else "" for n in inside}
    pairs = zip(node.outputs, graph.output, strict=False)
    outputs = tuple((outer, names.get(inner.name, inner.name)) for outer, inner in pairs)
    constants = {names[t.name]: t for t in graph.initializer}
    return Body(tuple(graph.node), node.opset, names, constants, outputs)


def bind_outputs(node: OnnxNode, body: Body) -> None:
    """Outputs of a node that are tensors of its body under other names."""
    for outer, inner in body.outputs:
        operand = node.builder.operand(inner)
        index = node.outputs.index(outer)
        if isinstance(operand, Constant):
            node.result_constant(operand.data, index, operand.q)
        else:
            node.result(operand.value, index, operand.integers)
