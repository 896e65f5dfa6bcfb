"""Weights of layers in float32 as they are stored: float16, or integers with scales."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.errors import UsageError
from edgeq.ir.graph import Graph, Node, Value
from edgeq.ir.op import Weight
from edgeq.ir.tensor import Array, DType, QParams, TensorType
from edgeq.quantize.config import LayerConfig, QuantConfig
from edgeq.quantize.ranges import NARROWEST, levels_of, sane_scales, weighted_scales
from edgeq.quantize.solver import WEIGHT_TYPES, rule_of

GREATEST = 65504.0
"""The greatest float16 number."""


def wants_stored(config: QuantConfig) -> bool:
    """Whether anything is said of the weights of layers in float32."""
    every: tuple[QuantConfig | LayerConfig, ...] = (config, *config.layers)
    return any(c.float_weight_bits not in (None, 32) or c.dynamic for c in every)


def store_weights(graph: Graph, config: QuantConfig) -> Graph:
    """A final graph with fewer bits in the weights of layers that compute with real numbers and have a kernel for it.

    Weights that several layers read stay as they are.

    Raises:
        UsageError: groups, or quantization at run time, without integers; or there is no layer to which it applies.
    """
    editor, stored = graph.edit(), 0
    for node in graph.nodes:
        local = config.for_layer(node.name)
        _check(local, node.name)
        if local.float_weight_bits == 32 or not graph.site(node).is_float:
            continue
        dtype = DType.FLOAT16 if local.float_weight_bits == 16 else WEIGHT_TYPES[local.float_weight_bits]
        op = replace(node.op, dynamic=True) if local.dynamic and hasattr(node.op, "dynamic") else node.op  # type: ignore[call-arg]
        for index, name in enumerate(node.inputs):
            data = graph.data(name)
            alone = name is not None and len(graph.consumers[name]) == 1 and graph.type(name).dtype is DType.FLOAT32
            if data is None or name is None or not alone or not isinstance(rule_of(graph, node).role(index), Weight):
                continue
            if not any(dtype in row.weights and DType.FLOAT32 in row.elements for row in node.op.kernels):
                continue
            editor.values[name] = _stored(name, data, dtype, local.weight_group)
            editor.replace_node(node.name, Node(node.name, op, node.inputs, node.outputs))
            stored += 1
    if not stored:
        raise UsageError(
            "no layer in float32 can store its weights in fewer bits",
            hint="fully connected layers can, if --float names them or --numerics float keeps all in float32",
            where="--float-weight-bits",
        )
    return editor.finish()


def _check(config: QuantConfig, where: str) -> None:
    whole = config.float_weight_bits not in (16, 32)
    if not whole and (config.dynamic or (config.weight_group and config.float_weight_bits == 16)):
        raise UsageError(
            "groups of weights with a scale, and activations quantized at run time, need integer weights",
            hint="add --float-weight-bits 8, or fewer",
            where=where,
        )


def _stored(name: str, data: Array, dtype: DType, group: int) -> Value:
    """Real weights (channels, K) in another type."""
    if dtype is DType.FLOAT16:
        halves = np.clip(data, -GREATEST, GREATEST).astype(np.float16)
        halves.flags.writeable = False
        return Value(name, TensorType(halves.shape, dtype), halves)
    channels, depth = data.shape
    size = group or depth
    groups = -(-depth // size)
    filled = np.pad(np.asarray(data, np.float64), ((0, 0), (0, groups * size - depth)))
    rows = filled.reshape(channels * groups, size)
    found = weighted_scales(rows, levels_of(dtype), np.ones((1, size)), NARROWEST.get(dtype.bits, 0.5))
    scales = sane_scales(found)
    q = QParams.per_block(scales.reshape(channels, groups), 0, 1, size) if group else QParams.per_channel(scales, 0, 0)
    integers = np.maximum(q.quantize(data, dtype), np.int8(levels_of(dtype)[0]))
    integers.flags.writeable = False
    return Value(name, TensorType(data.shape, dtype, q), integers)
