"""Printing a graph and parsing it gives the same graph, for any graph."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeq.ir.graph import Graph, Node, State, Value
from edgeq.ir.op import Sample, registry
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.ir.text import parse_graph, print_graph
from edgeq.numerics.fixedpoint import Numerics

SAMPLES: list[Sample] = [sample for op in registry().values() for sample in op.samples()]
SCALES = st.floats(2.0**-30, 2.0**30, width=32)
ODD = ["x", "a/b:0", "a:", "none", "", '"', "\\", "c d", "é", "#", "}", "\n", "%x)", "q("]
NAMES = st.text(max_size=8) | st.sampled_from(ODD)


@st.composite
def qparams(draw: st.DrawFn, shape: tuple[int, ...]) -> QParams | None:
    kind = draw(st.sampled_from(["none", "tensor", "channel"]))
    if kind == "none" or (kind == "channel" and not shape):
        return None
    zeros = st.integers(-128, 127)
    if kind == "tensor":
        return QParams.per_tensor(draw(SCALES), draw(zeros))
    axis = draw(st.integers(0, len(shape) - 1))
    count = min(shape[axis], 5)
    scales = draw(st.lists(SCALES, min_size=count, max_size=count))
    return QParams.per_channel(scales, draw(st.lists(zeros, min_size=count, max_size=count)), axis)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Up to four nodes out of the operators' samples; operands are inputs, constants or earlier values."""
    chosen = draw(st.lists(st.sampled_from(SAMPLES), min_size=1, max_size=4))
    needed = sum(len(s.shapes) + len(s.op.out_shapes(s.shapes)) + 1 for s in chosen)
    names = iter(draw(st.lists(NAMES, min_size=needed, max_size=needed, unique=True)))
    values: dict[str, Value] = {}
    inputs, nodes = [], []
    for sample in chosen:
        operands: list[str | None] = []
        for k, shape in enumerate(sample.shapes):
            if shape is None:
                operands.append(None)
                continue
            fitting = [n for n, v in values.items() if v.type.shape == shape]
            if fitting and draw(st.booleans()):
                operands.append(draw(st.sampled_from(fitting)))
                continue
            name = next(names)
            data = None
            dtype = draw(st.sampled_from(DType))
            if k in sample.const:
                data = np.zeros(shape, dtype.numpy)
            else:
                inputs.append(name)
            values[name] = Value(name, TensorType(shape, dtype, draw(qparams(shape))), data)
            operands.append(name)
        outputs = []
        for shape in sample.op.out_shapes(sample.shapes):
            outputs.append(next(names))
            dtype = draw(st.sampled_from(DType))
            values[outputs[-1]] = Value(outputs[-1], TensorType(shape, dtype, draw(qparams(shape))))
        name = outputs[0] if draw(st.booleans()) else next(names)
        nodes.append(Node(name, sample.op, tuple(operands), tuple(outputs)))
    ends = draw(st.lists(st.sampled_from(sorted(values)), min_size=1, max_size=2, unique=True))
    pairs = st.builds(State, st.sampled_from(inputs), st.sampled_from(ends)) if inputs else st.nothing()
    ports = {n: DType.UINT8 for n in [*inputs, *ends] if draw(st.booleans())}
    return Graph(
        name=draw(NAMES),
        values=values,
        nodes=tuple({n.name: n for n in nodes}.values()),
        inputs=tuple(inputs),
        outputs=tuple(ends),
        numerics=draw(st.none() | st.sampled_from(Numerics)),
        preferred=draw(st.sampled_from(Numerics)),
        ports=ports,
        states=tuple(draw(st.lists(pairs, max_size=3))),
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(graphs())
def test_parsing_undoes_printing(graph: Graph) -> None:
    text = print_graph(graph)
    again = parse_graph(text, {n: v.data for n, v in graph.values.items() if v.data is not None})
    assert print_graph(again) == text
    for field in ("name", "nodes", "inputs", "outputs", "numerics", "preferred", "ports", "states"):
        assert getattr(again, field) == getattr(graph, field)
    assert {n: v.type for n, v in again.values.items()} == {n: v.type for n, v in graph.values.items()}
    assert all(again.values[n].data is v.data for n, v in graph.values.items())
