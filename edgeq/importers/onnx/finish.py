"""The last steps: names of outputs, parameters carried through views and transposes, types at the border."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.errors import ModelError
from edgeq.executor import mixes_samples
from edgeq.importers.narrow import with_narrow_weights
from edgeq.importers.onnx.grouped import warn_of_blocks
from edgeq.importers.onnx.node import Activation, Builder, Constant, whole_constant
from edgeq.importers.onnx.spectrum import close_islands
from edgeq.ir.graph import Graph, Node
from edgeq.ir.quant_rule import Scale
from edgeq.ir.tensor import DType
from edgeq.ir.traits import NO_CLAMP, Pattern
from edgeq.ops.requantize import Requantize
from edgeq.ops.reshape import Reshape


def finish(builder: Builder) -> Graph:
    """The finished graph.

    Raises:
        ModelError: an output depends on no input, or an integer input or output has no quantization parameters.
    """
    _name_outputs(builder)
    _carry_parameters(builder)
    _plain_weights(builder)
    _saturate(builder)
    _ports(builder)
    graph = close_islands(builder.editor.finish())
    if graph.batch is not None and mixes_samples(graph) is not None:
        graph = replace(graph, batch=None)  # only for one sample is it this graph
    warn_of_blocks(builder.blocks)
    for bits in sorted(builder.narrow):
        graph = with_narrow_weights(graph, bits)
    return graph


def _name_outputs(builder: Builder) -> None:
    """Every output becomes a value of its own under the model's name for it."""
    editor = builder.editor
    for name in builder.source.outputs:
        operand = builder.operand(name)
        if not isinstance(operand, Activation):
            editor.outputs.append(_constant_output(builder, name, operand))
            continue
        value = operand.value
        if value != name and (value in editor.inputs or value in editor.outputs):
            copy = builder.fresh(f"{name}_copy")
            type = editor.values[value].type
            editor.add(Reshape(type.shape), [value], copy, [name], [type])
            builder.producer[name] = copy
        elif value != name:
            builder.rename(value, name)
        editor.outputs.append(name)


def _constant_output(builder: Builder, name: str, constant: Constant) -> str:
    """An output that is the same for every input, such as the anchors of a detector.

    Raises:
        ModelError: it holds NaN, infinity, or integers that int32 does not hold.
    """
    if constant.q is None and constant.data.dtype.kind != "f" and constant.data.size:
        stored = name if name not in builder.editor.values else builder.fresh(name)
        return builder.editor.constant(stored, whole_constant(constant.data, name))
    if name in builder.editor.values:  # it is used in the graph, too
        copy = builder.fresh(f"{name}_copy")
        builder.editor.values[copy] = replace(builder.editor.values.pop(name), name=copy)
        for node in list(builder.editor.nodes.values()):
            inputs = tuple(copy if i == name else i for i in node.inputs)
            builder.editor.nodes[node.name] = replace(node, inputs=inputs)
    if constant.q is not None and constant.q.axis is None and constant.data.dtype == np.int8:
        return builder.store(name, constant.data, constant.q)
    return builder.store(name, constant.real().astype(np.float32))  # also dequantized weights and biases


def _rearrangements(builder: Builder) -> list[Node]:
    """Rearrangements of computed values, in the order in which they were made."""
    editor = builder.editor
    rearrangements = [n for n in editor.nodes.values() if n.op.pattern is Pattern.REARRANGEMENT]
    return [n for n in rearrangements if n.inputs[0] is not None and editor.values[n.inputs[0]].data is None]


def _carry_parameters(builder: Builder) -> None:
    """A transposed or reshaped tensor is held with the parameters of the tensor itself.

    Where the model gives both sides, and not the same, the tensor is requantized between them.
    """
    editor, values = builder.editor, builder.editor.values
    moves = _rearrangements(builder)
    changed = True
    while changed:
        changed = False
        for node in [*reversed(moves), *moves]:
            source, target = node.inputs[0] or "", node.outputs[0]
            before, after = values[source].type.q, values[target].type.q
            if before is None and after is not None:
                builder.annotate(source, after)
                changed = True
            elif after is None and before is not None:
                builder.annotate(target, before)
                changed = True
    for node in moves:
        source, target = node.inputs[0] or "", node.outputs[0]
        held_as, wanted = values[source].type.q, values[target].type
        if held_as != wanted.q:
            held = builder.fresh(f"{target}_held")
            builder.rename(target, held, [node.name])
            editor.set_type(held, replace(wanted, q=held_as))
            editor.add(Requantize(), [held], builder.fresh(f"{target}_requantize"), [target], [wanted])


def _plain_weights(builder: Builder) -> None:
    """Weights of 16 bits become real numbers: edgeq has weights of 8 bits at most."""
    editor = builder.editor
    for node in list(editor.nodes.values()):
        rule = node.op.quant_rule([None if n is None else editor.values[n].type.shape for n in node.inputs])
        for product in rule.products:
            name = node.inputs[product.weight]
            value = None if name is None else editor.values[name]
            if value is None or value.data is None or value.type.q is None or value.type.dtype is not DType.INT16:
                continue
            real = builder.store(f"{value.name}_real", value.type.q.dequantize(value.data))
            inputs = tuple(real if k == product.weight else n for k, n in enumerate(node.inputs))
            editor.replace_node(node.name, replace(node, inputs=inputs))


def _saturate(builder: Builder) -> None:
    """Let operators saturate in float, too, where their output's parameters do.

    A quantizer drops a Relu whose range the parameters span exactly; without it, float execution would compute another
    network. The bounds are those of the type itself, so integer execution is the same with and without.
    """
    editor = builder.editor
    for node in list(editor.nodes.values()):
        q = editor.values[node.outputs[0]].type.q
        if q is None or node.op.fused_clamp != NO_CLAMP:
            continue
        operands = [None if n is None else editor.values[n].type for n in node.inputs]
        rule = node.op.quant_rule([None if t is None else t.shape for t in operands])
        if rule.output is Scale.SAME and all(t is None or t.q == q for t in operands):
            continue  # a pool stays within the range of its input
        low, high = (float(bound) for bound in q.dequantize(q.integers.range))
        editor.nodes[node.name] = replace(node, op=node.op.with_clamp((low, high)))


def _ports(builder: Builder) -> None:
    """Inputs and outputs that the model declares as integers."""
    editor = builder.editor
    given = {name: dtype for name, (_, dtype) in builder.source.inputs.items()}
    integers: dict[str, DType] = {
        name: dtype for name, dtype in given.items() if dtype not in (DType.FLOAT32, DType.BOOL)
    }
    truths = [name for name, dtype in given.items() if dtype is DType.BOOL]
    for name in builder.source.outputs:
        operand = builder.operand(name)
        if isinstance(operand, Activation) and operand.integers is DType.BOOL:
            truths.append(name)
        elif isinstance(operand, Activation) and operand.integers is not None:
            integers.setdefault(name, operand.integers)
    editor.ports.update(dict.fromkeys(truths, DType.BOOL))
    for name, dtype in integers.items():
        if editor.values[name].type.is_whole:
            continue
        if editor.values[name].type.q is None:
            raise ModelError(
                f"this tensor of type {dtype.value} has no quantization parameters",
                hint="put a DequantizeLinear after the input or a QuantizeLinear before the output",
                where=name,
            )
        if dtype is DType.UINT8:
            editor.ports[name] = DType.UINT8
