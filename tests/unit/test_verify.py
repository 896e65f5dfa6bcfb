"""What is not well formed is refused, with the place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from pass_graphs import IntNet, Net

from edgeq.errors import InternalError, ModelError
from edgeq.ir.graph import Graph, Node, State, Value
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.ir.verify import TABLE, verify
from edgeq.ops.arg_max import ArgMax
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.requantize import Requantize

Change = Callable[[Graph], Graph]


def good() -> Graph:
    net = IntNet()
    x = net.input("x", 1, 4, 4, 2)
    w = net.weights((3, 1, 1, 2))
    y = net.add(Conv2D(), x, w, net.bias(x, w, range(3)), name="conv")
    return net.finish(net.add(MaxPool2D((2, 2)), y, name="pool"))


def typed(name: str, **changes: object) -> Change:
    def change(graph: Graph) -> Graph:
        value = graph.values[name]
        type = replace(value.type, **changes)  # type: ignore[arg-type]
        return replace(graph, values={**graph.values, name: replace(value, type=type)})

    return change


def node(which: str, **changes: object) -> Change:
    def change(graph: Graph) -> Graph:
        nodes = tuple(replace(n, **changes) if n.name == which else n for n in graph.nodes)  # type: ignore[arg-type]
        return replace(graph, nodes=nodes)

    return change


def without(name: str) -> Change:
    return lambda graph: replace(graph, values={n: v for n, v in graph.values.items() if n != name})


def swapped(graph: Graph) -> Graph:
    return replace(graph, nodes=graph.nodes[::-1])


def doubled(graph: Graph) -> Graph:
    return replace(graph, nodes=(*graph.nodes, replace(graph.nodes[0], name="again")))


def renamed(graph: Graph) -> Graph:
    return node("pool", name="conv")(graph)


def with_uint8(graph: Graph) -> Graph:
    q = QParams.per_tensor(0.05, 128)
    inner = Value("u", TensorType((1, 4, 4, 3), DType.UINT8, q))
    flips = (Node("a", Requantize(), ("conv",), ("u",)), Node("b", Requantize(), ("u",), ("v",)))
    values = {**graph.values, "u": inner, "v": Value("v", graph.type("conv"))}
    pool = replace(graph.nodes[1], inputs=("v",))
    return replace(graph, values=values, nodes=(graph.nodes[0], *flips, pool))


def with_weight_of(value: int) -> Change:
    def change(graph: Graph) -> Graph:
        w = graph.values["w"]
        made = replace(w, type=replace(w.type, dtype=DType.INT4), data=np.full(w.type.shape, value, np.int8))
        return replace(graph, values={**graph.values, "w": made})

    return change


def stated(*states: tuple[str, str], then: Change = lambda graph: graph) -> Change:
    """States beside an input `s` of the type of the output `pool`; (s, pool) would be right."""

    def change(graph: Graph) -> Graph:
        values = {"s": Value("s", graph.type("pool")), **graph.values}
        pairs = tuple(State(before, after) for before, after in states)
        return then(replace(graph, values=values, inputs=("x", "s"), states=pairs))

    return change


STAGE = "a tensor has an element type that it cannot have at this stage"
SCALES = "an integer activation has no single scale, int16 a zero-point, or a float one parameters"
WEIGHTS = "weights have another type than weights can have, or no parameters along the output channels"


def uint8_state(graph: Graph) -> Graph:
    q = QParams.per_tensor(0.05, 128)
    outside = TensorType(graph.type("pool").shape, DType.UINT8, q)
    values = {**graph.values, "s": Value("s", outside), "after": Value("after", outside)}
    nodes = (*graph.nodes, Node("flip", Requantize(), ("pool",), ("after",)))
    return replace(graph, values=values, nodes=nodes, outputs=("pool", "after"), states=(State("s", "after"),))


def index_of(out: str) -> Node:
    return Node(out, ArgMax(3), ("pool",), (out,))


def with_value(graph: Graph, name: str, dtype: DType) -> dict[str, Value]:
    shape = graph.type("pool").shape[:-1]
    return {**graph.values, name: Value(name, TensorType(shape, dtype, QParams.per_tensor(1.0, 0)))}


WHOLE = "whole numbers have parameters, or what gives them gives something else"
LOOSE = "a state does not join one input of the graph with one output"
UNLIKE = "the two ends of a state are not of one type"
OUTSIDE = "a state is held in a type that only callers exchange"
OTHER = QParams.per_tensor(0.5, 0)
CASES: list[tuple[str, Change, str]] = [
    ("an operand does not exist", node("pool", inputs=("nowhere",)), "pool"),
    ("an input or output of the graph does not exist", lambda g: replace(g, outputs=("nowhere",)), "'nowhere'"),
    ("an output has no type", node("conv", outputs=("nowhere",)), "conv"),
    ("a tensor is computed twice", doubled, "again"),
    ("two nodes have one name", renamed, "conv"),
    ("a tensor is read before it is computed", swapped, "pool"),
    ("the elements of a constant are not of its type", typed("w", shape=(3, 1, 2, 1)), "'w'"),
    ("shapes are not those the operator computes", typed("pool", shape=(1, 2, 2, 4)), "pool"),
    ("shapes are not those the operator computes", node("pool", op=MaxPool2D((9, 9))), "pool"),
    ("the elements of a constant are beyond the range of its type", with_weight_of(8), "'w'"),
    (
        "quantization parameters do not fit the tensor",
        typed("w", q=QParams.per_block(np.ones((3, 1, 1, 3)), 0, 3, 1)),
        "'w'",
    ),
    ("quantization parameters do not fit the tensor", typed("w", q=QParams.per_channel([1.0, 1.0], 0, 0)), "'w'"),
    (STAGE, lambda g: replace(g, numerics=None), "'x' (int8), 'conv' (int8), 'pool' (int8)"),
    (STAGE, with_uint8, "'u' (uint8)"),
    (STAGE, typed("conv", dtype=DType.INT4), "'conv' (int4)"),
    (WHOLE, lambda g: replace(g, nodes=(*g.nodes, index_of("at")), values=with_value(g, "at", DType.INT8)), "at"),
    (SCALES, typed("conv", q=None), "'conv'"),
    (SCALES, typed("x", dtype=DType.FLOAT32), "'x'"),
    (SCALES, typed("pool", dtype=DType.INT16, q=QParams.per_tensor(0.5, 3)), "'pool'"),
    (LOOSE, stated(("conv", "pool")), "'conv'"),
    (LOOSE, stated(("s", "conv")), "'s'"),
    (LOOSE, stated(("s", "nowhere")), "'s'"),
    (LOOSE, stated(("s", "pool"), ("x", "pool")), "'s', 'x'"),
    (LOOSE, stated(("s", "pool"), ("s", "x"), then=lambda g: replace(g, outputs=("pool", "x"))), "'s'"),
    (LOOSE, stated(("s", "pool"), then=lambda g: replace(g, outputs=("pool", "pool"))), "'s'"),
    ("a state becomes a constant", stated(("s", "w"), then=lambda g: replace(g, outputs=("pool", "w"))), "'s'"),
    (UNLIKE, stated(("x", "pool")), "'x'"),
    (UNLIKE, stated(("s", "pool"), then=typed("s", q=OTHER)), "'s'"),
    (OUTSIDE, stated(("s", "pool"), then=uint8_state), "'s'"),
    (OUTSIDE, stated(("s", "pool"), then=lambda g: replace(g, ports={"s": DType.UINT8})), "'s'"),
    (OUTSIDE, stated(("s", "pool"), then=lambda g: replace(g, ports={"pool": DType.UINT8})), "'s'"),
    (WEIGHTS, typed("w", q=None), "conv"),
    (WEIGHTS, typed("w", q=QParams.per_channel([0.1, 0.1], 0, 3)), "conv"),
    ("the scale of a bias is not that of input times weights", typed("b", q=OTHER), "conv"),
    ("the operator needs one scale for input and output", typed("pool", q=OTHER), "pool"),
]


@pytest.mark.parametrize(("message", "change", "where"), CASES)
def test_defects(message: str, change: Change, where: str) -> None:
    assert verify(good()).outputs == ("pool",) and verify(stated(("s", "pool"))(good())).public_inputs == ("x",)
    with pytest.raises(ModelError) as caught:
        verify(change(good()), ModelError)
    assert (caught.value.message, caught.value.where) == (message, where)


def test_every_row_has_a_case() -> None:
    assert [message for message, _ in TABLE] == list(dict.fromkeys(message for message, _, _ in CASES))


def test_the_message_says_after_what() -> None:
    with pytest.raises(InternalError, match=r"one scale for input and output \(after some pass\)"):
        verify(typed("pool", q=OTHER)(good()), context="some pass")


def test_narrow_weights_and_blocks_are_well_formed() -> None:
    graph = with_weight_of(-8)(good())
    assert verify(graph).type("w").nbytes == 3  # six weights of four bits
    blocks = QParams.per_block(np.full((3, 1, 1, 2), 0.5), 0, 3, 1)
    assert verify(typed("w", q=blocks)(graph)).type("w").qp == blocks


def test_many_places_are_shortened() -> None:
    net = Net()
    names = [net.input(f"x{k}", 1) for k in range(12)]
    graph = net.finish(*names)
    values = {n: replace(v, type=TensorType((1,), DType.INT8)) for n, v in graph.values.items()}
    with pytest.raises(InternalError) as caught:
        verify(replace(graph, values=values))
    assert caught.value.where.endswith("'x7' (int8), …") and np.size(names) == 12
