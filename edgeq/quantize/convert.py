"""From a float graph and parameters of its activations to an integer graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.ir.graph import Graph, GraphEditor, Node, Value
from edgeq.ir.quant_rule import Index, Product, QuantRule, Real, Scale
from edgeq.ir.real import remain_real, unquantized
from edgeq.ir.tensor import Array, DType, QParams, TensorType
from edgeq.numerics.fixedpoint import Numerics
from edgeq.quantize.codebook import levels_for
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.groups import chosen_groups, given_groups, group_of, has_zero_points, in_groups, whole_channels
from edgeq.quantize.octaves import has_few
from edgeq.quantize.operands import operand, rule_of, weight_type
from edgeq.quantize.ranges import activation_params, levels_of, wide_params
from edgeq.quantize.solver import fine_values, requantize_op
from edgeq.quantize.trellis import check, nearest_path
from edgeq.quantize.weights import Around, fit_given, quantize_bias, quantize_signed, quantize_weights

Params = Mapping[str, QParams]


def convert(
    graph: Graph,
    params: Params,
    config: QuantConfig,
    numerics: Numerics,
    types: Mapping[str, DType] | None = None,
) -> Graph:
    """The integer graph of a float graph whose activations have `params` and element types: int16 where operators
    say so, else those of `types`, else int8."""
    editor = graph.edit()
    editor.numerics = numerics
    known = {**(types or {}), **dict.fromkeys(fine_values(graph), DType.INT16)}
    for name, q in params.items():
        editor.set_type(name, graph.type(name).quantized(known.get(name, DType.INT8), q))
    constants, real = _Constants(graph, editor, _kept(graph)), unquantized(graph)
    for node in graph.nodes:
        if real.intersection(node.outputs):
            continue
        editor.replace_node(node.name, replace(node, inputs=_convert_operands(graph, node, params, config, constants)))
    for name, value in editor.values.items():
        if value.type.q is not None and value.type.q.stored is not None:
            editor.set_type(name, replace(value.type, q=value.type.q.bare))
    return editor.finish()


@dataclass
class _Constants:
    """Integer constants made so far; the first use of a constant keeps its name, unless it stays real as well."""

    graph: Graph
    editor: GraphEditor
    kept: frozenset[str]

    def put(self, name: str, data: Array, dtype: DType, q: QParams) -> str:
        """Store integers computed from the constant `name`. Returns the name under which they are stored."""
        type = TensorType(tuple(data.shape), dtype, q)
        target = name
        count = 1
        while (stored := self.editor.values.get(target)) is not None and not self._fresh(target):
            if stored.type == type and stored.data is not None and np.array_equal(stored.data, data):
                return target
            count += 1
            target = f"{name}_{count}"
        array = np.ascontiguousarray(data, dtype.numpy).reshape(data.shape)
        array.flags.writeable = False
        self.editor.values[target] = Value(target, type, array)
        return target

    def _fresh(self, name: str) -> bool:
        """Whether a value is still the float constant it was."""
        untouched = self.graph.values.get(name) is self.editor.values[name] and self.graph.type(name).q is None
        return untouched and name not in self.kept


def _kept(graph: Graph) -> frozenset[str]:
    """The constants that some node reads as real numbers."""
    rules = ((node, rule_of(graph, node)) for node in graph.nodes)
    real = remain_real(graph)
    beside = (name for node in graph.nodes if real.intersection(node.outputs) for name in node.inputs if name)
    return frozenset(beside) | frozenset(
        name for node, rule in rules for k, name in enumerate(node.inputs) if name and isinstance(rule.role(k), Real)
    )


def _convert_operands(
    graph: Graph, node: Node, params: Params, config: QuantConfig, constants: _Constants
) -> tuple[str | None, ...]:
    rule, local = rule_of(graph, node), config.for_layer(node.name)
    names, settled = list(node.inputs), set[int]()
    for k, output in rule.states:
        name = operand(node, k)
        if name is not None and graph.data(name) is not None:
            type = constants.editor.values[node.outputs[output]].type
            names[k] = _put(constants, graph, name, type.qp, dtype=type.dtype)
            settled.add(k)
    for product in rule.products:
        if graph.data(operand(node, product.weight)) is None:
            continue
        s_in = _input_scale(graph, node, rule, product, params)
        wide = constants.editor.values[node.outputs[0]].type.dtype is DType.INT16
        shapes = graph.type(str(node.inputs[product.weight])).shape, graph.type(node.outputs[0]).shape
        few = has_few(shapes[0], product.axis, shapes[1], len(rule.products))
        around = Around(s_in, params[node.outputs[0]].s, wide, constants.editor.numerics is not Numerics.FAST, few)
        names[product.weight], q = _put_weights(constants, graph, node, product, around, local)
        settled.add(product.weight)
        bias = operand(node, product.bias)
        if product.bias is not None and bias is not None:
            names[product.bias] = _put_bias(constants, graph, node, bias, q, around)
            settled.add(product.bias)
    for k, name in enumerate(node.inputs):
        if name is None or k in settled or graph.data(name) is None or isinstance(rule.role(k), Index | Real):
            continue
        if _is_real(graph, name):
            type = constants.editor.values[node.outputs[0]].type
            prescribed = graph.type(name).q
            wide = type.dtype is DType.INT16 and (prescribed is None or prescribed.integers is not DType.INT16)
            q = type.qp if rule.output is Scale.SAME else _constant_params(graph, name, wide)
            names[k] = _put(constants, graph, name, q, dtype=type.dtype if type.dtype is DType.INT16 else DType.INT8)
    return tuple(names)


def _input_scale(graph: Graph, node: Node, rule: QuantRule, product: Product, params: Params) -> float:
    """The scale of what a weight is multiplied with."""
    source, states = str(node.inputs[product.input]), dict(rule.states)
    if product.input in states:
        source = node.outputs[states[product.input]]
    return params[source].s if source in params else _constant_params(graph, source).s


def _is_real(graph: Graph, name: str) -> bool:
    """Whether a constant stands for real numbers, and not for indices."""
    return graph.type(name).dtype is DType.FLOAT32 or graph.type(name).q is not None


def _real(graph: Graph, name: str) -> Array:
    value = graph.values[name]
    data = np.asarray(value.data)
    return data if value.type.q is None else value.type.q.dequantize(data)


def _constant_params(graph: Graph, name: str, wide: bool = False) -> QParams:
    """Parameters of a constant operand: its own, if they are for the whole tensor, or those of its range."""
    prescribed = graph.type(name).q
    if prescribed is not None and len(prescribed.scale) == 1 and not wide:
        return prescribed
    data = _real(graph, name)
    if wide:
        return wide_params(float(data.min(initial=0.0)), float(data.max(initial=0.0)))
    return activation_params(float(data.min(initial=0.0)), float(data.max(initial=0.0)), symmetric=False)


def _put(
    constants: _Constants, graph: Graph, name: str, q: QParams, least: int = -128, dtype: DType = DType.INT8
) -> str:
    value = graph.values[name]
    if value.type.q == q and value.type.dtype is dtype:
        return name
    data = q.quantize(_real(graph, name), dtype)
    if value.type.q is None and dtype is DType.INT8:
        data = np.maximum(data, np.int8(least))
    return constants.put(name, data, dtype, q)


def _put_weights(
    constants: _Constants, graph: Graph, node: Node, product: Product, around: Around, config: QuantConfig
) -> tuple[str, QParams]:
    """Store the integers of a weight. Returns their name and parameters."""
    name, bias = str(node.inputs[product.weight]), operand(node, product.bias)
    type, real = graph.type(name), None if bias is None else _real(graph, bias)
    where = f"{node.name} ({node.op.kind})"
    if type.q is None:
        dtype = weight_type(node, config)
        weights = _real(graph, name)
        check(dtype, around.wide, config, where)
        size, groups = group_of(node, weights.shape, config), None
        levels = levels_for(in_groups(weights, size) if size else weights, product.axis, dtype, config)
        if size:
            zeros = has_zero_points(node, config)
            method = config.weight_scale
            groups = chosen_groups(weights, size, levels, np.ones(1), dtype, around.wide, method, zeros)
        elif any(row.negative_scales and dtype in row.weights for row in node.op.kernels):
            signed = quantize_signed(weights, product.axis, real, around, config, where, dtype)
            if signed is not None:
                return constants.put(name, signed[0], dtype, signed[1]), signed[1]
        q = quantize_weights(weights, product.axis, real, around, config, where, dtype, levels=levels, groups=groups)
        if dtype.is_code:
            nearest = nearest_path if levels.trellis else levels.nearest
            return constants.put(name, nearest(q.in_steps(weights)), dtype, q), q
        return _put(constants, graph, name, q, levels_of(dtype)[0], dtype), q
    dtype = type.dtype if type.dtype.bits < 8 else DType.INT8
    if type.q.block is not None and type.q.axis == 1 and any(row.groups for row in node.op.kernels):
        least = around.smallest_factor * around.output / around.input
        q = given_groups(np.asarray(graph.data(name)), type.q, around.wide, least, where)
        return constants.put(name, np.asarray(graph.data(name)), dtype, q), q
    stored = _put(constants, graph, name, type.q, levels_of(DType.INT8)[0], dtype)
    data = constants.editor.values[stored].data
    fits = around.exact or type.q.block is not None or type.q.groups is not None
    if data is None or real is None or product.axis is None or fits:
        return _with_zeros(constants, stored, product)
    numerics = constants.editor.numerics or Numerics.FAST
    fitted, q = fit_given(data, type.q, product.axis, real, around, numerics, where)
    return _with_zeros(constants, stored if fitted is data else constants.put(name, fitted, dtype, q), product)


def _with_zeros(constants: _Constants, name: str, product: Product) -> tuple[str, QParams]:
    """The name and parameters of given weights; of less than 8 bits with a zero-point, those of channels are groups."""
    value = constants.editor.values[name]
    type = value.type
    if not any(type.qp.zero_point) or type.dtype.bits == 8 or product.axis != 0 or value.data is None:
        return name, type.qp
    q = whole_channels(type.qp, type.shape)
    return constants.put(name, value.data, type.dtype, q), q


def _put_bias(constants: _Constants, graph: Graph, node: Node, name: str, weight: QParams, around: Around) -> str:
    value = graph.values[name]
    if value.data is None:
        raise QuantizationError(
            f"bias {name!r} is computed at run time", hint="add it with an Add", where=f"{node.name} ({node.op.kind})"
        )
    try:
        data, q = quantize_bias(value.data, value.type.q, around.input, weight, around.exact)
    except QuantizationError as error:
        raise QuantizationError(error.message, hint=error.hint, where=f"{node.name} ({node.op.kind})") from error
    if data is value.data and value.type.q == q:
        return name
    return constants.put(name, data, DType(data.dtype.name), q)


TRUTH = QParams.per_tensor(1.0, 0)
"""Parameters of truth values, and of whole numbers that a caller exchanges for quantized ones."""


def open_ports(graph: Graph) -> Graph:
    """Inputs and outputs that the caller exchanges in another type become values of it, with a Requantize beside them.

    Those that stay real inside, where layers are kept in float32, are exchanged as that.
    """
    editor = graph.edit()
    for name in list(editor.inputs):
        inside = editor.values[name].type
        if name in editor.ports and inside.q is not None:
            editor.set_type(name, _outside(editor, name, inside))
            (copy,) = editor.add(requantize_op(), [name], editor.unique(f"{name}_int8"), types=[inside])
            for node in list(editor.nodes.values()):
                if name in node.inputs and node.outputs != (copy,):
                    inputs = tuple(copy if i == name else i for i in node.inputs)
                    editor.replace_node(node.name, replace(node, inputs=inputs))
            if any(state.output == name for state in editor.states):
                editor.rename_output(name, copy)
    makers = {out: node for node in editor.nodes.values() for out in node.outputs}
    for name in list(editor.outputs):
        value = editor.values[name]
        if name in editor.ports and value.type.q is not None and name in makers and name not in editor.inputs:
            fresh = editor.unique(f"{name}_int8")
            editor.values[fresh] = replace(value, name=fresh)
            for node in list(editor.nodes.values()):
                editor.replace_node(
                    node.name,
                    replace(
                        node,
                        inputs=tuple(fresh if i == name else i for i in node.inputs),
                        outputs=tuple(fresh if o == name else o for o in node.outputs),
                    ),
                )
            port = editor.ports[name].value
            type = _outside(editor, name, value.type)
            editor.add(requantize_op(), [fresh], f"{name}_{port}", outputs=[name], types=[type])
    return editor.finish()


def _outside(editor: GraphEditor, name: str, inside: TensorType) -> TensorType:
    """The type of a port as its caller sees it."""
    dtype = editor.ports[name]
    moved = QParams.per_tensor(inside.qp.s, inside.qp.zp + 128) if dtype is DType.UINT8 else TRUTH
    return inside.quantized(dtype, editor.outside.get(name, moved))
