"""Masks in front of a softmax become a part of it, whatever they are spelled with, and change nothing in float."""

from __future__ import annotations

import numpy as np
import pytest
from pass_graphs import Net, assert_same_float, kinds

from edgeq.ir.graph import Graph
from edgeq.ir.tensor import QParams
from edgeq.ops.add import Add
from edgeq.ops.clip import Clip
from edgeq.ops.masked_softmax import MaskedSoftmax, row_groups, rows_of
from edgeq.ops.maximum import Maximum
from edgeq.ops.minimum import Minimum
from edgeq.ops.mul import Mul
from edgeq.ops.pad import Pad
from edgeq.ops.reshape import Reshape
from edgeq.ops.softmax import Softmax
from edgeq.ops.transpose import Transpose
from edgeq.passes.canonicalize import canonicalize
from edgeq.passes.mask_softmax import mask_softmax
from edgeq.passes.simplify import simplify
from edgeq.simulator import run_float

INF = float("inf")
LOWEST = float(np.finfo(np.float32).min)
CAUSAL = np.triu(np.ones((4, 4)), 1) == 1


def mask_of(graph: Graph) -> np.ndarray:
    (node,) = (n for n in graph.nodes if isinstance(n.op, MaskedSoftmax))
    data = graph.data(node.inputs[1])
    assert data is not None
    return data


def masked(graph: Graph) -> Graph:
    """The graph after the pass, with what became neutral removed; the same function."""
    after = graph
    for _ in range(3):
        after = simplify(mask_softmax(canonicalize(after)))
    assert_same_float(graph, after)
    return after


@pytest.mark.parametrize("value", [-1e9, -INF, LOWEST, -1e4, -65504.0, -100.0])
def test_an_addend(value: float) -> None:
    net = Net()
    y = net.add(Add(), net.input("x", 1, 2, 4, 4), net.data(np.where(CAUSAL, value, 0.0)))
    after = masked(net.finish(net.add(Softmax(3), y)))
    assert "Add" not in kinds(after)
    np.testing.assert_array_equal(mask_of(after).reshape(4, 4), ~CAUSAL)


@pytest.mark.parametrize("value", [-1e9, -INF, LOWEST, -1e4])
def test_a_choice(value: float) -> None:
    net = Net()
    y = net.add(Maximum(), net.input("x", 1, 2, 4, 4), net.data(np.where(CAUSAL, value, -INF)))
    y = net.add(Minimum(), y, net.data(np.where(CAUSAL, value, INF)))
    after = masked(net.finish(net.add(Softmax(3), y)))
    assert kinds(after) == ["MaskedSoftmax"]
    np.testing.assert_array_equal(mask_of(after).reshape(4, 4), ~CAUSAL)


def test_a_product_with_the_mask_before_it() -> None:
    """x · m − 10⁴ · (1 − m)."""
    net = Net()
    y = net.add(Mul(), net.input("x", 1, 4, 4), net.data(np.where(CAUSAL, 0.0, 1.0)))
    y = net.add(Add(), y, net.data(np.where(CAUSAL, -1e4, 0.0)))
    after = masked(net.finish(net.add(Softmax(2), y)))
    assert "Mul" not in kinds(after) and "Add" not in kinds(after)


def test_a_product_that_repeats_what_it_reads() -> None:
    """A constant of one number that cannot be smaller, as it gives the product its shape, is done with."""
    net = Net()
    y = net.add(Mul(), net.input("x", 1, 2, 4, 1), net.data(np.where(CAUSAL, 7.0, 3.0)))
    after = masked(net.finish(net.add(Softmax(3), net.add(Add(), y, net.data(np.where(CAUSAL, -INF, 0.0))))))
    (product,) = (node for node in after.nodes if isinstance(node.op, Mul))
    np.testing.assert_array_equal(np.unique(after.data(product.inputs[1])), [3.0])
    np.testing.assert_array_equal(mask_of(after).reshape(4, 4), ~CAUSAL)


def test_what_is_added_to_scores_that_count_stays() -> None:
    net = Net()
    bias = np.random.default_rng(0).normal(0, 1, (4, 4))
    y = net.add(Add(), net.input("x", 2, 4, 4), net.data(np.where(CAUSAL, -INF, bias)))
    after = masked(net.finish(net.add(Softmax(2), y)))
    assert kinds(after) == ["Add", "MaskedSoftmax"]
    left = after.data(after.nodes[0].inputs[1])
    assert left is not None and np.abs(left).max() < 10


@pytest.mark.parametrize(("value", "flat"), [(-1e9, True), (LOWEST, True), (-1e4, False)])
def test_rows_that_are_hidden_whole(value: float, flat: bool) -> None:
    """Float32 loses the scores beside a huge addend, and keeps them beside a lesser one."""
    hidden = CAUSAL.copy()
    hidden[2] = True
    net = Net()
    y = net.add(Add(), net.input("x", 1, 4, 4), net.data(np.where(hidden, value, 0.0)))
    graph = net.finish(net.add(Softmax(2), y))
    after = canonicalize(mask_softmax(graph))
    assert_same_float(graph, after, tolerance=1e-5 if flat else 1e-3)
    assert mask_of(after).reshape(4, 4)[2].tolist() == [2 if flat else 1] * 4


def test_hidden_rows_among_rows_hidden_in_part() -> None:
    """A mask of the future and one of padding, added: rows without anything left see what only one of them hides."""
    padding = np.array([True, True, False, False])
    net = Net()
    y = net.add(Add(), net.input("x", 1, 4, 4), net.data(np.where(CAUSAL, -1e9, 0.0) + np.where(padding, -1e9, 0.0)))
    after = masked(net.finish(net.add(Softmax(2), y)))
    assert mask_of(after).reshape(4, 4).tolist() == [[2, 0, 2, 2], [2, 2, 2, 2], [0, 0, 1, 0], [0, 0, 1, 1]]


def test_two_masks() -> None:
    net = Net()
    y = net.add(Add(), net.input("x", 1, 4, 4), net.data(np.where(CAUSAL, -1e9, 0.0)))
    y = net.add(Add(), y, net.data([0.0, 0.0, 0.0, -1e9]))
    after = masked(net.finish(net.add(Softmax(2), y)))
    assert "Add" not in kinds(after)
    expected = ~CAUSAL
    expected[:, 3] = False
    np.testing.assert_array_equal(mask_of(after).reshape(4, 4), expected)


def test_through_views_and_transposes() -> None:
    net = Net()
    y = net.add(Add(), net.input("x", 4, 2, 4), net.data(np.where(CAUSAL, -1e9, 0.0)[:, None]))
    y = net.add(Reshape((1, 2, 4, 4)), net.add(Transpose((1, 0, 2)), y))
    after = masked(net.finish(net.add(Softmax(3), y)))
    assert "Add" not in kinds(after)
    assert mask_of(after).shape == (1, 1, 4, 4)
    np.testing.assert_array_equal(mask_of(after)[0, 0], ~CAUSAL)


def test_padded_scores() -> None:
    net = Net()
    y = net.add(Pad((0, 0, 1), (0, 0, 2), value=-1e9), net.input("x", 1, 3, 4))
    after = masked(net.finish(net.add(Softmax(2), y)))
    assert [n.op for n in after.nodes] == [Pad((0, 0, 1), (0, 0, 2)), MaskedSoftmax(2)]
    assert mask_of(after).ravel().tolist() == [0, 1, 1, 1, 1, 0, 0]


def test_what_hides_nothing_stays() -> None:
    for addend in (np.linspace(-50, 30, 16).reshape(4, 4), np.full((4, 4), -3.0), np.full((4, 4), -1e4)):
        net = Net()
        y = net.add(Add(), net.input("x", 1, 4, 4), net.data(addend))
        graph = net.finish(net.add(Softmax(2), y))
        assert mask_softmax(graph) is graph


def test_rows_of_which_nothing_is_left_are_masked_too() -> None:
    """ONNX's Attention replaces what such a row gives; a NaN could not be undone by a product with zero."""
    net = Net()
    y = net.add(Add(), net.input("x", 1, 2, 2), net.data([[0.0, 0.0], [-INF, -INF]]))
    after = mask_softmax(net.finish(net.add(Softmax(2), y)))
    (found,) = (run_float(after, {"x": np.array([[[1.0, 1.0], [7.0, 3.0]]], np.float32)})[n] for n in after.outputs)
    np.testing.assert_array_equal(found, np.full((1, 2, 2), 0.5))


def test_rows_that_become_nan_otherwise_stay() -> None:
    net = Net()
    y = net.add(Add(), net.input("x", 1, 2, 2), net.data([[0.0, 0.0], [INF, 0.0]]))
    graph = net.finish(net.add(Softmax(2), y))
    assert mask_softmax(graph) is graph


def test_not_where_the_sum_is_read_elsewhere_or_clamped_or_prescribed() -> None:
    q = QParams.per_tensor(0.1, 0)
    for op, q_sum, shared in ((Add(), None, True), (Add((0.0, INF)), None, False), (Add(), q, False)):
        net = Net()
        y = net.add(op, net.input("x", 1, 4, 4), net.data(np.where(CAUSAL, -1e9, 0.0)), q=q_sum)
        outputs = [net.add(Softmax(2), y), *([net.add(Clip(0.0, 1.0), y)] if shared else [])]
        graph = net.finish(*outputs)
        assert mask_softmax(graph) is graph


def test_masks_of_the_operator() -> None:
    x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [0.0, 9.0, 1.0]], np.float32)
    mask = np.array([[1, 0, 1], [0, 0, 0], [2, 2, 0]], np.int8)
    (y,) = MaskedSoftmax(1).run_float([x, mask])
    e = np.exp(2.0)
    np.testing.assert_allclose(y, [[1 / (1 + e), 0, e / (1 + e)], [1 / 3] * 3, [0.5, 0.5, 0]], rtol=1e-6)
    seen, flat = rows_of(mask, (3, 3), 1)
    assert flat.ravel().tolist() == [False, True, True] and seen[1].all()


@pytest.mark.parametrize(
    ("mask", "groups"),
    [
        ((5,), (1, 24, 1)),
        ((1, 1, 4, 5), (1, 6, 4)),
        ((2, 1, 1, 5), (2, 12, 1)),
        ((3, 1, 5), None),
        ((2, 3, 4, 5), (24, 1, 1)),
        ((2, 1, 4, 1), (2, 3, 4)),
        ((4, 5), (1, 6, 4)),
    ],
)
def test_which_rows_share_a_row_of_the_mask(mask: tuple[int, ...], groups: tuple[int, int, int] | None) -> None:
    assert row_groups((2, 3, 4, 5), mask) == groups


def test_a_sum_that_is_kept_from_becoming_infinite() -> None:
    """max(scores + mask, lowest), as OPT and BART have it."""
    net = Net()
    y = net.add(Add(), net.input("x", 1, 4, 4), net.data(np.where(CAUSAL, -INF, 0.0)))
    after = masked(net.finish(net.add(Softmax(2), net.add(Clip(LOWEST, INF), y))))
    assert kinds(after) == ["MaskedSoftmax"]


def test_neutral_bounds_are_dropped() -> None:
    net = Net()
    x = net.input("x", 2, 3)
    y = net.add(Minimum(), net.data([INF, INF, np.finfo(np.float32).max]), x)
    graph = net.finish(net.add(Maximum(), y, net.data(-INF)))
    after = canonicalize(graph)
    assert not {"Minimum", "Maximum"} & set(kinds(after))
    x_value = {"x": np.array([[1, -2, 3], [4, 5, -6]], np.float32)}
    np.testing.assert_array_equal(run_float(after, x_value)[after.outputs[0]], x_value["x"])
