"""Raw sensor bytes as a model's input: the table `[input]` of an edgeq.toml.

The device hands over uint8 values `raw`; the model wants `(raw · scale − mean) / std`. With one mean and one std that
is what quantization parameters express anyway, so nothing is computed at run time. With one per channel, a 1×1
depthwise convolution computes it, whose int8 weights are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeq.errors import UsageError
from edgeq.ir.graph import Graph, GraphEditor, Node
from edgeq.ir.op import Op, registry
from edgeq.ir.quant_rule import QuantRule, Scale
from edgeq.ir.tensor import Array, DType, QParams, TensorType
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.reshape import Reshape
from edgeq.ops.transpose import Transpose
from edgeq.quantize.input_spec import InputSpec as InputSpec
from edgeq.quantize.operands import operand, rule_of, with_operand
from edgeq.quantize.solver import requantize_op

Floats = npt.NDArray[np.float64]
_Step = tuple[Op, tuple[Array, ...]]
WHOLE = 1e-3
"""A zero-point this near to an integer (in steps of the input) counts as that integer."""
RAW = QParams.per_tensor(1.0, -128)
"""Raw bytes as they are: 0 … 255."""


def input_name(graph: Graph, spec: InputSpec) -> str:
    """The graph input that a specification is about.

    Raises:
        UsageError: there is no such input, or several inputs and no name.
    """
    if spec.name is None and len(graph.public_inputs) == 1:
        return graph.public_inputs[0]
    if spec.name not in graph.public_inputs:
        raise UsageError(
            "it is not said which input is meant" if spec.name is None else f"there is no input {spec.name!r}",
            hint="set name to one of " + ", ".join(graph.public_inputs),
            where="[input]",
        )
    return spec.name


def apply_preprocessing(graph: Graph, spec: InputSpec) -> Graph:
    """Let a float graph take raw bytes: its input gets fixed parameters and the port UINT8.

    Args:
        graph: as the importer returned it.
        spec: the preprocessing that the model expects and the device leaves out.

    Returns:
        A graph whose input means, in real values, what its parameters make of the raw bytes; `graph_values` converts.

    Raises:
        UsageError: the input does not exist or has another number of channels.
    """
    name = input_name(graph, spec)
    editor = graph.edit()
    editor.ports[name] = DType.UINT8
    if spec.channels == 1:
        gain, zero = float(spec.gain[0]), float(-spec.offset[0] / spec.gain[0])
        if -0.5 <= zero <= 255.5:
            whole = int(np.clip(np.rint(zero), 0, 255))
            return _scalar(graph, editor, name, QParams.per_tensor(gain, whole - 128), (whole - zero) * gain)
    return _per_channel(graph, editor, name, spec, spec.channels)


def graph_values(graph: Graph, spec: InputSpec, array: Array) -> npt.NDArray[np.float32]:
    """Data for the input of a graph that `apply_preprocessing` returned, as real values of that input.

    Args:
        graph: the graph after `apply_preprocessing`.
        spec: the same specification.
        array: integers are raw bytes; floating-point numbers are what the model sees. Any shape that ends in (or, for
            NCHW inputs, has behind the first dimension) the input's channels.
    """
    q = graph.type(input_name(graph, spec)).qp
    if array.dtype.kind in "iu":
        return q.dequantize(array.astype(np.int64) - 128)
    shaped = _along_channels(graph, spec, array.ndim)
    raw = (array.astype(np.float64) - shaped(spec.offset)) / shaped(spec.gain)
    return q.dequantize(raw - 128.0)


def channel_axis(graph: Graph, spec: InputSpec) -> int | None:
    """The dimension of the input along which a specification has its values; None if they hold for all channels."""
    return _channel_axis(graph, input_name(graph, spec), spec.channels) if spec.channels > 1 else None


def raw_bytes(graph: Graph, spec: InputSpec, name: str) -> dict[str, Any] | None:
    """How raw bytes become real values of an input of a graph that `apply_preprocessing` returned, as numbers.

    They are `scale` · (byte − 128 − `zero_point`); what the network sees of them is byte · `gain` + `offset`, along the
    dimension `axis`. None if the specification is about another input.
    """
    if input_name(graph, spec) != name:
        return None
    axis = channel_axis(graph, spec)
    last = len(graph.type(name).shape) - 1
    q = graph.type(name).qp
    return {
        "gain": list(spec.gain),
        "offset": list(spec.offset),
        "axis": last if axis is None else axis,
        "scale": float(q.s),
        "zero_point": int(q.zp),
    }


def _along_channels(graph: Graph, spec: InputSpec, rank: int) -> Callable[[Sequence[float]], Floats]:
    """Makes an array of `rank` dimensions of the values for each channel."""
    axis = channel_axis(graph, spec)
    axis = rank - 1 if axis is None else axis

    def shaped(values: Sequence[float]) -> Floats:
        return np.asarray(values, np.float64).reshape([len(values) if k == axis else 1 for k in range(rank)])

    return shaped


def _scalar(graph: Graph, editor: GraphEditor, name: str, q: QParams, rest: float) -> Graph:
    """Give the input parameters; `rest`, at most half a step, is what the model sees beyond what they express."""
    type, small = graph.type(name), abs(rest) <= WHOLE * q.s
    if type.q is None or (small and _close(type.q, q)):
        editor.set_type(name, replace(type, q=type.q or q))
        layer = None if small else _first_layer(graph, name)
        if layer is not None:
            _add_to_bias(graph, editor, layer, rest)
        if small or layer is not None:
            return editor.finish()
    step: _Step = (requantize_op(), ()) if small else (registry()["Add"](), (np.full((), rest),))
    _insert(editor, name, replace(type, q=q), [step])
    return editor.finish()


def _close(a: QParams, b: QParams) -> bool:
    return a.zero_point == b.zero_point and bool(np.allclose(a.scale, b.scale, rtol=1e-4, atol=0.0))


def _first_layer(graph: Graph, name: str) -> Node | None:
    """The only node with float weights that reads `name`, directly or rearranged; None if there is no such node."""
    while len(graph.consumers[name]) == 1 and name not in graph.outputs:
        node = graph.consumers[name][0]
        rule = rule_of(graph, node)
        if rule.products:
            return node if _takes_offset(graph, node, rule, name) else None
        if rule.output is not Scale.SAME or len(node.outputs) != 1 or sum(i is not None for i in node.inputs) != 1:
            return None
        name = node.outputs[0]
    return None


def _takes_offset(graph: Graph, node: Node, rule: QuantRule, name: str) -> bool:
    """Whether a bias of the node can absorb what is added to its input `name`, which only one weight multiplies."""
    if len(rule.products) != 1 or rule.products[0].bias is None or rule.products[0].axis is None:
        return False
    constants = [i for k, i in enumerate(node.inputs) if i is not None and k != rule.products[0].input]
    real = all(graph.data(i) is not None and graph.type(i).dtype is DType.FLOAT32 for i in constants)
    return real and node.inputs[rule.products[0].input] == name


def _add_to_bias(graph: Graph, editor: GraphEditor, node: Node, rest: float) -> None:
    """Let a layer act as if `rest` were added to its input (except in the padding, where it is off by `rest`)."""
    (product,) = rule_of(graph, node).products
    assert product.bias is not None and product.axis is not None
    weights = np.moveaxis(np.asarray(graph.data(node.inputs[product.weight]), np.float64), product.axis, 0)
    extra = rest * weights.reshape(len(weights), -1).sum(axis=1)
    old = graph.data(operand(node, product.bias))
    bias = editor.constant(f"{node.name}_bias_with_offset", extra if old is None else old + extra)
    editor.replace_node(node.name, with_operand(node, product.bias, bias))


def _channel_axis(graph: Graph, name: str, channels: int) -> int:
    """Which dimension of an input holds its channels."""
    shape = graph.type(name).shape
    first = len(shape) == 4 and shape[1] == channels
    last = len(shape) > 0 and shape[-1] == channels
    if first and last:
        # Images of 3 columns and 3 channels are ambiguous: NCHW models are transposed first by the importer.
        kinds = {node.op.kind for node in graph.consumers[name]}
        return 1 if kinds == {"Transpose"} else 3
    if not first and not last:
        raise UsageError(
            f"{channels} channels of mean, std or scale do not fit the input {name!r} of shape {shape}",
            hint="give one value, or one per channel",
            where="[input]",
        )
    return 1 if first else len(shape) - 1


def _per_channel(graph: Graph, editor: GraphEditor, name: str, spec: InputSpec, channels: int) -> Graph:
    type = graph.type(name)
    axis = _channel_axis(graph, name, channels) if channels > 1 else len(type.shape) - 1
    count = type.shape[axis] if type.shape else 1
    gain, offset = np.broadcast_to(spec.gain, (count,)), np.broadcast_to(spec.offset, (count,))
    scaled: _Step = (DepthwiseConv2D(), (gain.reshape(1, 1, count), offset))
    if len(type.shape) == 4 and axis == 3:
        steps = [scaled]
    elif len(type.shape) == 4 and axis == 1:
        steps = [(Transpose(perm=(0, 2, 3, 1)), ()), scaled, (Transpose(perm=(0, 3, 1, 2)), ())]
    else:
        steps = [(Reshape(shape=(1, type.size // count, 1, count)), ()), scaled, (Reshape(shape=type.shape), ())]
    _insert(editor, name, replace(type, q=RAW), steps)
    return editor.finish()


def _insert(editor: GraphEditor, name: str, outside: TensorType, steps: list[_Step]) -> None:
    """Put operators between a graph input, which becomes `outside`, and all nodes that read it."""
    readers = [node for node in editor.nodes.values() if name in node.inputs]
    inside = editor.values[name].type
    editor.set_type(name, outside)
    current = name
    for k, (op, constants) in enumerate(steps):
        operands = [editor.constant(f"{name}_preprocess_constant", c) for c in constants]
        shape = op.out_shapes([editor.values[i].type.shape for i in (current, *operands)])[0]
        type = inside if k == len(steps) - 1 else TensorType(shape)
        (current,) = editor.add(op, [current, *operands], editor.unique(f"{name}_preprocess"), types=[type])
    for node in readers:
        editor.replace_node(node.name, replace(node, inputs=tuple(current if i == name else i for i in node.inputs)))
    editor.rename_output(name, current)
