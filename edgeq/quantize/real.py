"""Models with all layers in float32, `--numerics float`, and with none, `--no-float`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.errors import QuantizationError, UsageError
from edgeq.ir.graph import Graph, Value
from edgeq.ir.tensor import DType, TensorType
from edgeq.numerics.fixedpoint import Numerics
from edgeq.quantize.operands import rule_of
from edgeq.warnings import warn

BORDERS = frozenset({"Quantize", "Dequantize"})
"""What stands between integers and real numbers."""


def is_best_real(graph: Graph) -> bool:
    """Whether a float graph loses by 8 bits and gains nothing: trees that compare real features, and no layer of
    products or parameters of integers beside them."""
    if not any(node.op.wants_real for node in graph.nodes) or graph.ports:
        return False
    prescribed = any(value.type.q is not None for value in graph.values.values())
    return not prescribed and all(node.op.linear is None and not rule_of(graph, node).products for node in graph.nodes)


def without_parameters(graph: Graph) -> Graph:
    """A float graph with nothing of what it may prescribe about integers: parameters of activations are dropped,
    constants become the real numbers that they stand for.

    Raises:
        UsageError: the caller is to exchange raw bytes.
    """
    raw = sorted(name for name, dtype in graph.ports.items() if dtype is DType.UINT8)
    if raw:
        raise UsageError(
            f"{raw[0]!r} is exchanged as uint8, and a model in float32 has real inputs and outputs",
            hint="leave --numerics float out, or the table [input] and the options of preprocessing",
            where=graph.name,
        )
    if any(value.type.q is not None for value in graph.values.values()):
        warn(
            "the model is quantized: --numerics float computes with the real numbers that its integers stand for",
            hint="for its own arithmetic leave --numerics out",
            where=graph.name,
        )
    editor = graph.edit()
    editor.ports, editor.outside = {}, {}
    for name, value in graph.values.items():
        if value.type.q is not None:
            type = TensorType(value.type.shape)
            data = None if value.data is None else np.asarray(value.type.q.dequantize(value.data)).reshape(type.shape)
            editor.values[name] = Value(name, type, data)
    return editor.finish()


def as_real(graph: Graph) -> Graph:
    """An optimized float graph as a final one, in which every tensor stays float32: nothing has to be converted."""
    editor = graph.edit()
    for node in graph.nodes:
        if node.op.kind in BORDERS and node.outputs[0] not in graph.outputs:
            source = editor.nodes[node.name].inputs[0]
            assert source is not None
            editor.replace_uses(node.outputs[0], source)
            editor.remove(node.name)
    return replace(editor.finish(), numerics=Numerics.FAST)


def refuse_reals(graph: Graph) -> None:
    """Make sure that nothing is left in float32.

    Raises:
        QuantizationError: layers are; all are named.
    """
    left = [f"{n.name} ({n.op.kind})" for n in graph.nodes if any(graph.type(o).dtype.is_float for o in n.outputs)]
    if left:
        raise QuantizationError(
            f"{len(left)} layer(s) stay in float32: {', '.join(left)}",
            hint="leave --no-float out, or replace them in the model by what has an integer form",
            where=graph.name,
        )
