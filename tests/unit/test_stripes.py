"""Stripes: what operators say about rows, and graphs of which some layers are computed stripe by stripe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planner_nets import Net, mobilenet_v2, striped_net

from edgeq.errors import InternalError
from edgeq.ir.graph import Graph
from edgeq.ir.op import registry
from edgeq.ir.text import parse_graph, print_graph
from edgeq.ir.verify import verify
from edgeq.ops.concat import Concat
from edgeq.ops.slice import Slice
from edgeq.passes.stream_rows import height, region, stream_rows, stripe_rows
from edgeq.simulator import run_int


def single(kind: str, size: int, constants: tuple[tuple[int, ...], ...] = (), **attributes: object) -> Graph:
    """One operator on an image of `size` rows, 5 columns and 4 channels."""
    net = Net(kind)
    x = net.input("x", size, 5, 4)
    weights = [net._weights(shape, 4, 0 if len(shape) == 4 else 2) for shape in constants]
    return net.finish(*net.op(kind, [x, *[w for pair in weights for w in pair]], **attributes))


WINDOWS = st.tuples(
    st.sampled_from(["Conv2D", "DepthwiseConv2D", "MaxPool2D", "AveragePool2D"]),
    st.integers(1, 5),  # rows of the window
    st.integers(1, 3),  # stride
    st.integers(1, 2),  # dilation
    st.integers(0, 3),  # padding above
    st.integers(0, 3),  # padding below
)


def windowed(window: tuple[str, int, int, int, int, int], size: int) -> Graph | None:
    kind, kernel, stride, dilation, above, below = window
    shapes = {"Conv2D": ((4, kernel, 2, 4),), "DepthwiseConv2D": ((kernel, 2, 4),)}
    attributes: dict[str, object] = {"stride": (stride, 1), "padding": (above, 1, below, 0)}
    if kind != "AveragePool2D":
        attributes["dilation"] = (dilation, 1)
    if "Pool" in kind:
        attributes["kernel"] = (kernel, 2)
    try:
        return single(kind, size, shapes.get(kind, ()), **attributes)
    except Exception:  # the window does not fit, or lies in padding
        return None


@settings(max_examples=150, deadline=None)
@given(WINDOWS, st.integers(3, 12), st.data())
def test_some_rows_are_rows_of_the_whole(
    window: tuple[str, int, int, int, int, int], size: int, data: st.DataObject
) -> None:
    graph = windowed(window, size)
    if graph is None:
        return
    (node,) = graph.nodes
    rows = graph.type(graph.outputs[0]).shape[1]
    first = data.draw(st.integers(0, rows - 1))
    last = data.draw(st.integers(first, rows - 1))
    found = node.op.stripe([None if n is None else graph.type(n).shape for n in node.inputs], (first, last + 1))
    if found is None:
        assert node.op.padding[0] or node.op.padding[2] or window[3] > 1  # type: ignore[attr-defined]
        return
    x = np.random.default_rng(size).integers(-128, 128, (1, size, 5, 4)).astype(np.int8)
    whole = run_int(graph, {"x": x})[graph.outputs[0]]
    (low, high), *rest = found.rows  # type: ignore[misc]
    assert set(rest) <= {None}
    part = graph.type("x").reshaped((1, high - low, 5, 4))
    small = replace(graph.site(node), op=found.op, inputs=(part, *graph.site(node).inputs[1:]))
    assert found.op.out_shapes([t.shape if t else None for t in small.inputs])[0][1] == last - first + 1
    (made,) = found.op.run_int(small, [x[:, low:high], *[graph.data(n) for n in node.inputs[1:]]])
    assert np.array_equal(made, whole[:, first : last + 1])


def test_borders_keep_their_padding() -> None:
    op = registry()["Conv2D"](stride=(2, 2), padding=(1, 1, 2, 1))
    shapes = [(1, 10, 5, 4), (4, 4, 2, 4), (4,)]
    assert op.out_shapes(shapes)[0][1] == 5

    def geometry(*rows: int) -> tuple[object, ...]:
        found = op.stripe(shapes, rows)  # type: ignore[arg-type]
        assert found is not None
        return found.rows[0], found.op.padding[0], found.op.padding[2]  # type: ignore[attr-defined]

    assert geometry(0, 2) == ((0, 5), 1, 0)
    assert geometry(2, 4) == ((3, 9), 0, 0)
    assert geometry(4, 5) == ((7, 10), 0, 1)
    assert geometry(0, 5) == ((0, 10), 1, 1)  # a row of padding that no window reaches is left out


@pytest.mark.parametrize("kind", ["Softmax", "Mean", "Resize", "Transpose"])
def test_others_are_computed_as_a_whole(kind: str) -> None:
    attributes = {"Softmax": {"axis": 3}, "Mean": {"axes": (1, 2), "keepdims": True}}
    more = {
        "Resize": {"size": (12, 10), "mode": "nearest", "coordinates": "asymmetric"},
        "Transpose": {"perm": (0, 2, 1, 3)},
    }
    op = registry()[kind](**{**attributes, **more}[kind])  # type: ignore[arg-type]
    assert op.stripe([(1, 6, 5, 4)], (0, 2)) is None


def test_operands_without_rows_are_read_whole() -> None:
    add = registry()["Add"]()
    found = add.stripe([(1, 6, 5, 4), (4,)], (2, 3))
    assert found is not None and found.rows == ((2, 3), None)
    found = add.stripe([(1, 1, 5, 4), (1, 6, 5, 4)], (2, 3))
    assert found is not None and found.rows == (None, (2, 3))
    assert add.stripe([(1, 6, 5, 4), (6, 1, 4)], (2, 3)) is None
    assert registry()["Concat"](axis=1).stripe([(1, 6, 5, 4)], (0, 2)) is None


def residual() -> Graph:
    """Two convolutions and what they started with, then one that halves the image, beside one of 1×1."""
    net = Net("residual")
    x = net.conv(net.input("x", 16, 16, 4), 8)
    y = net.conv(net.conv(x, 8), 8)
    (x,) = net.op("Add", [x, y])
    return net.finish(net.conv(x, 8, stride=2), net.conv(x, 4, kernel=1))


def same(graph: Graph, other: Graph) -> bool:
    rng = np.random.default_rng(3)
    sample = {n: rng.integers(-128, 128, graph.type(n).shape).astype(np.int8) for n in graph.inputs}
    before, after = run_int(graph, sample), run_int(other, sample)
    return all(np.array_equal(before[n], after[n]) for n in graph.outputs)


@pytest.mark.parametrize("heights", [(8,), (1,) * 8, (3, 4, 1), (1, 7)])
def test_every_element_is_what_it_was(heights: tuple[int, ...]) -> None:
    graph = residual()
    made = verify(stream_rows(graph, 0, 6, heights), InternalError, "stream_rows")
    assert same(graph, made)
    names = [node.name for node in made.nodes if node.op.kind == "Conv2D"]
    assert names[0].endswith(f"[1/{len(heights)}]") and names[-1].endswith(f"[{len(heights)}/{len(heights)}]")
    assert sum(isinstance(node.op, Concat) for node in made.nodes) == 2
    assert print_graph(
        parse_graph(print_graph(made), {n: v.data for n, v in made.values.items() if v.data is not None})
    ) == print_graph(made)


def test_rows_are_what_the_stripes_need() -> None:
    graph = residual()
    found = region(graph, 0, 6)
    assert found is not None and height(graph, found) == 8
    assert (found.inputs, found.outputs) == (("x",), ("conv2d_4", "conv2d_5"))
    stripe = stripe_rows(graph, found, (2, 4))
    assert stripe is not None
    assert stripe.own == {"conv2d_4": (2, 4), "conv2d_5": (4, 8)}
    assert stripe.rows["add_3"] == (4, 9)
    assert stripe.rows["conv2d_0"] == (2, 11)
    assert stripe.needed == {"x": (1, 12)}


def test_values_of_which_more_is_needed_inside_are_cut() -> None:
    graph = residual()
    made = stream_rows(graph, 0, 5, (4, 4))  # the sum is an output of these layers and an operand in them
    assert same(graph, made)
    cut = [node for node in made.nodes if isinstance(node.op, Slice) and "add" in str(node.inputs[0])]
    assert len(cut) == 1  # the lower stripe begins and ends where its own rows do


def test_runs_that_cannot_be_striped() -> None:
    graph = mobilenet_v2(32)
    flat = next(i for i, node in enumerate(graph.nodes) if node.op.kind == "Reshape")
    assert region(graph, flat - 1, flat + 1) is None
    assert region(graph, 3, 3) is None
    two = Net("batch")
    x = two.edit.input("x", two.edit.values[two.input("image", 4, 4, 4)].type.reshaped((2, 4, 4, 4)))
    batch = two.finish(*two.op("MaxPool2D", [x], kernel=(2, 2)))
    assert region(batch, 0, 1) is None
    with pytest.raises(InternalError, match="cannot be computed in stripes"):
        stream_rows(graph, 0, 2, (3, 4))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 400), st.data())
def test_random_networks_stay_what_they_are(seed: int, data: st.DataObject) -> None:
    graph = striped_net(seed)
    first = data.draw(st.integers(0, len(graph.nodes) - 1))
    end = data.draw(st.integers(first + 1, len(graph.nodes)))
    found = region(graph, first, end)
    if found is None:
        return
    rows = height(graph, found)
    cuts = sorted(data.draw(st.sets(st.integers(1, rows - 1), max_size=4))) if rows > 1 else []
    heights = tuple(b - a for a, b in zip([0, *cuts], [*cuts, rows], strict=True))
    try:
        made = stream_rows(graph, first, end, heights)
    except InternalError as error:
        assert "alone" in error.message
        return
    assert same(graph, verify(made, InternalError, "stream_rows"))
