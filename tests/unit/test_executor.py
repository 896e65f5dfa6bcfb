"""The executor: samples together give what they give one by one, to the last bit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from edgeq.errors import InternalError
from edgeq.executor import Executor, FloatArithmetic, IntArithmetic, batch_size, in_batches
from edgeq.ir.graph import Graph, GraphEditor, Node
from edgeq.ir.op import Sample, registry
from edgeq.ir.quant_rule import Index
from edgeq.ir.tensor import Array, TensorType
from edgeq.ops.add import Add
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.reshape import Reshape
from edgeq.ops.softmax import Softmax
from edgeq.ops.transpose import Transpose
from tests.ops import cases

COUNT = 5
SAMPLES = [(kind, sample) for kind, op in registry().items() for sample in op.samples()]


def float_graph(kind: str, sample: Sample) -> Graph:
    rng = cases.generator(f"{kind}/{sample.name}")
    edit = GraphEditor("one")
    rule, names = sample.op.quant_rule(list(sample.shapes)), list[str | None]()
    for k, shape in enumerate(sample.shapes):
        role = rule.role(k)
        if shape is None:
            names.append(None)
        elif isinstance(role, Index):
            names.append(edit.constant(f"c{k}", rng.integers(0, role.limit, shape).astype(np.int32)))
        elif k in sample.const:
            names.append(edit.constant(f"c{k}", rng.uniform(sample.low, sample.high, shape).astype(np.float32)))
        else:
            names.append(edit.input(f"x{k}", TensorType(shape)))
    edit.outputs = list(edit.add(sample.op, names, "node"))
    return edit.finish()


def assert_batch_is_sample_by_sample(executor: Executor, inputs: Mapping[str, Array]) -> None:
    """`inputs` have samples along their first dimension; without inputs there is one sample."""
    together = dict(executor.walk(inputs))
    for index in range(COUNT if inputs else 1):
        alone = executor.run({name: array[index] for name, array in inputs.items()})
        assert list(alone) == list(together)
        for name, array in alone.items():
            assert array.dtype == together[name].dtype
            assert np.array_equal(array, together[name][index], equal_nan=array.dtype.kind == "f"), name


@pytest.mark.parametrize(("kind", "sample"), SAMPLES, ids=[f"{k}-{s.name}" for k, s in SAMPLES])
def test_float_batches(kind: str, sample: Sample) -> None:
    graph, rng = float_graph(kind, sample), np.random.default_rng(3)
    low, high = sample.low, sample.high
    inputs = {
        n: rng.uniform(low, high, (COUNT, *graph.type(n).shape)).astype(np.float32) * rng.uniform(0.01, 1.0)
        for n in graph.inputs
    }
    assert_batch_is_sample_by_sample(Executor(graph, FloatArithmetic(graph)), inputs)


@pytest.mark.parametrize("kind", registry())
def test_integer_batches(kind: str) -> None:
    rng = np.random.default_rng(4)
    for case in cases.of_operator(kind):
        inputs = {
            n: np.stack([rng.permuted(x.ravel()).reshape(x.shape) for _ in range(COUNT)])
            for n, x in case.inputs.items()
        }
        assert_batch_is_sample_by_sample(Executor(case.graph, IntArithmetic(case.graph)), inputs)


@pytest.mark.parametrize("kind", ["Conv2D", "DepthwiseConv2D", "AveragePool2D", "Mul", "Softmax"])
def test_most_operators_take_a_batch(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = next(s for s in registry()[kind].samples() if s.shapes[0] is not None and s.shapes[0][0] == 1)
    graph, calls = float_graph(kind, sample), []
    plain = FloatArithmetic.compute
    monkeypatch.setattr(FloatArithmetic, "compute", lambda *a: calls.append(1) or plain(*a))
    shapes = {n: graph.type(n).shape for n in graph.inputs}
    list(Executor(graph, FloatArithmetic(graph)).walk({n: np.ones((COUNT, *s), np.float32) for n, s in shapes.items()}))
    assert len(calls) == 1


def mixed() -> Graph:
    """Nodes that take a batch beside such that do not: a transpose of dimension 0, a softmax along it, a constant."""
    rng = np.random.default_rng(0)
    edit = GraphEditor("mixed")
    x = edit.input("x", TensorType((1, 4, 6, 3)))
    w = edit.constant("w", rng.normal(size=(5, 3, 3, 3)).astype(np.float32))
    (conv,) = edit.add(Conv2D(padding=(1, 1, 1, 1)), [x, w, None], "conv")
    (rows,) = edit.add(Reshape((24, 5)), [conv], "rows")
    (turned,) = edit.add(Transpose((1, 0)), [rows], "turned")
    (soft,) = edit.add(Softmax(0), [turned], "soft")
    (sum_,) = edit.add(Add(), [soft, edit.constant("c", rng.normal(size=(5, 24)).astype(np.float32))], "sum")
    (back,) = edit.add(Reshape((1, 120)), [sum_], "back")
    (y,) = edit.add(
        FullyConnected(), [back, edit.constant("v", rng.normal(size=(7, 120)).astype(np.float32)), None], "y"
    )
    edit.outputs = [y]
    return edit.finish()


def test_nodes_that_take_no_batch_among_others() -> None:
    graph = mixed()
    x = np.random.default_rng(1).normal(size=(COUNT, 1, 4, 6, 3)).astype(np.float32)
    assert_batch_is_sample_by_sample(Executor(graph, FloatArithmetic(graph)), {"x": x})


def test_values_are_dropped_after_their_last_use() -> None:
    graph = mixed()
    executor = Executor(graph, FloatArithmetic(graph))
    order = [name for name, _ in executor.walk({"x": np.zeros((2, 1, 4, 6, 3), np.float32)})]
    assert order == ["x", *(n.outputs[0] for n in graph.nodes)]


def test_prepare_may_change_constants() -> None:
    graph = mixed()
    arithmetic = FloatArithmetic(graph)
    arithmetic._constants["zeros"] = np.zeros_like(arithmetic.constant("w"))

    def without_weights(node: Node, operands: object) -> Node:
        return Node(node.name, node.op, ("x", "zeros", None), node.outputs) if node.name == "conv" else node

    values = dict(Executor(graph, arithmetic).walk({"x": np.ones((2, 1, 4, 6, 3), np.float32)}, without_weights))
    assert not values["conv"].any() and values["conv"].shape == (2, 1, 4, 6, 5)


def test_batches_of_samples() -> None:
    samples = [{"x": np.full((1, 2), k)} for k in range(5)]
    assert [b["x"][:, 0, 0].tolist() for b in in_batches(samples, 2)] == [[0, 1], [2, 3], [4]]
    assert batch_size(mixed()) > 100


def test_a_float_graph_has_no_integers() -> None:
    with pytest.raises(InternalError, match="not quantized"):
        IntArithmetic(mixed())
