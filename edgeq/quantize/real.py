"""A whole model in float32: `--numerics float`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.errors import UsageError
from edgeq.ir.graph import Graph, Value
from edgeq.ir.tensor import TensorType
from edgeq.numerics.fixedpoint import Numerics
from edgeq.warnings import warn


def without_parameters(graph: Graph) -> Graph:
    """A float graph with nothing of what it may prescribe about integers: parameters of activations are dropped,
    constants become the real numbers that they stand for.

    Raises:
        UsageError: the caller is to exchange raw bytes.
    """
    if graph.ports:
        raise UsageError(
            f"{sorted(graph.ports)[0]!r} is exchanged as uint8, and a model in float32 has real inputs and outputs",
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
    for name, value in graph.values.items():
        if value.type.q is not None:
            type = TensorType(value.type.shape)
            data = None if value.data is None else np.asarray(value.type.q.dequantize(value.data)).reshape(type.shape)
            editor.values[name] = Value(name, type, data)
    return editor.finish()


def as_real(graph: Graph) -> Graph:
    """An optimized float graph as a final one, in which every tensor stays float32."""
    return replace(graph, numerics=Numerics.FAST)
