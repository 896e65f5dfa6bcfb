"""Roles of operands: an operator may have several weights and biases, states and indices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pytest

from edgeq.errors import InternalError
from edgeq.ir.graph import Graph, GraphEditor, Value
from edgeq.ir.op import Arrays, Op, Shapes, registry
from edgeq.ir.quant_rule import ACTIVATION, Activation, Bias, Index, Product, QuantRule, State, Weight
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams, Shape, TensorType
from edgeq.ir.verify import verify
from edgeq.numerics.fixedpoint import Numerics, quantize_multiplier, requantize
from edgeq.ops._matmul import int_matmul
from edgeq.ops.add import Add
from edgeq.ops.layer_norm import LayerNorm
from edgeq.quantize import QuantConfig, quantize
from edgeq.quantize.solver import solve
from edgeq.report.accuracy import quantize_inputs, real_output, sqnr_db
from edgeq.simulator import run_float, run_int


@dataclass(frozen=True)
class Cell(Op):
    """y = x·Wᵀ + b + h·Rᵀ + c: inputs x (1, K), h (1, C), W (C, K), R (C, C), b, c (C), and a count that is 1."""

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        assert shapes[1] is not None
        return (shapes[1],)

    def batched(self, shapes: Shapes, count: int) -> Op | None:
        return self

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        x, h, w, r, b, c = (np.asarray(i, np.float64) for i in inputs[:6])
        return ((x @ w.T + b + h @ r.T + c).astype(np.float32),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        total = np.zeros(())
        for x, w, b in ((0, 2, 4), (1, 3, 5)):
            data, q, weight = inputs[x], site.input(x).qp, site.const(w).astype(np.int64)
            assert data is not None
            acc = int_matmul(data.astype(np.int64) - q.zp, weight.T) + site.const(b)
            total = total + acc * (q.s * np.asarray(site.input(w).qp.scale))
        one = quantize_multiplier(1 / 4096, site.rounding)
        steps = np.rint(total / site.outputs[0].qp.s * 4096).astype(np.int64)
        return (requantize(steps, one, site.outputs[0].qp.zp, -128, 127, site.rounding),)

    def sums(self, inputs: Arrays) -> Mapping[int, Array]:
        x, h, w, r, b, c = (np.asarray(i, np.float64) for i in inputs[:6])
        return {4: x @ w.T + b, 5: h @ r.T + c}

    def quant_rule(self, shapes: Shapes) -> QuantRule:
        return QuantRule(roles=(ACTIVATION, State(0), Weight(0), Weight(0, input=1), Bias(of=2), Bias(of=3), Index()))


RNG = np.random.default_rng(2)


def cell_graph() -> Graph:
    edit = GraphEditor("cell")
    x, h = edit.input("x", TensorType((1, 40))), edit.input("h", TensorType((1, 6)))
    shapes = {"w": (6, 40), "r": (6, 6), "b": (6,), "c": (6,)}
    constants = [edit.constant(n, RNG.normal(size=s).astype(np.float32) + 0.1) for n, s in shapes.items()]
    count = edit.constant("count", np.array([1], np.int64))
    edit.outputs = list(edit.add(Cell(), [x, h, *constants, count], "cell"))
    return edit.finish()


def samples(graph: Graph, count: int = 40) -> list[dict[str, Array]]:
    rng = np.random.default_rng(1)
    return [
        {"x": np.abs(rng.normal(size=(1, 40))).astype(np.float32), "h": rng.normal(size=(1, 6)).astype(np.float32) * 9}
        for _ in range(count)
    ]


def test_products_of_a_rule() -> None:
    rule = Cell().quant_rule([])
    assert rule.products == (Product(2, 0, 0, 4), Product(3, 0, 1, 5))
    assert rule.states == ((1, 0),) and rule.role(6) == Index() and rule.role(7) == ACTIVATION
    assert [p.bias for p in QuantRule(roles=(ACTIVATION, Weight(None))).products] == [None]


@pytest.mark.parametrize("kind", registry())
def test_rules_are_sound(kind: str) -> None:
    for sample in registry()[kind].samples():
        rule = sample.op.quant_rule(sample.shapes)
        for product in rule.products:
            shape = sample.shapes[product.weight]
            assert shape is not None and (product.axis is None or 0 <= product.axis < len(shape))
            assert isinstance(rule.role(product.input), Activation | State)
        assert {p.bias for p in rule.products} - {None} == {k for k, r in enumerate(rule.roles) if isinstance(r, Bias)}


def test_every_weight_and_bias_is_converted() -> None:
    graph = cell_graph()
    integer = quantize(graph, samples(graph), QuantConfig(bias_correction=False))
    x, h = integer.type("x").qp, integer.type("h").qp
    for weight, bias, source in (("w", "b", x), ("r", "c", h)):
        w, b = integer.type(weight), integer.type(bias)
        assert w.dtype is DType.INT8 and w.qp.axis == 0 and len(w.qp.scale) == 6
        assert b.dtype is DType.INT32
        assert np.allclose(b.qp.scale, source.s * np.asarray(w.qp.scale), rtol=1e-6)
    assert integer.type("count").dtype is DType.INT64
    assert np.array_equal(np.asarray(integer.data("count")), [1])


def test_a_constant_may_be_real_for_one_node_and_an_operand_of_another() -> None:
    edit = GraphEditor("shared")
    x, c = edit.input("x", TensorType((1, 6))), edit.constant("c", np.linspace(-1.0, 1.0, 6).astype(np.float32))
    (total,) = edit.add(Add(), [x, c], "total")
    edit.outputs = list(edit.add(LayerNorm(1e-5, axis=1), [total, None, c], "y"))
    graph = edit.finish()
    data = [{"x": RNG.normal(size=(1, 6)).astype(np.float32)} for _ in range(4)]
    integer = quantize(graph, data, QuantConfig())
    addend, bias = (integer.nodes[k].inputs[k + 1] for k in (0, 1))
    assert integer.type(str(addend)).dtype is DType.INT8
    assert bias == "c" and integer.type("c").dtype is DType.FLOAT32
    assert np.array_equal(np.asarray(integer.data("c")), np.asarray(graph.data("c")))


def test_a_cell_stays_close_to_float() -> None:
    graph = cell_graph()
    data = samples(graph)
    integer = quantize(graph, data)
    f = [run_float(graph, s)["cell"] for s in data]
    q = [real_output(integer, "cell", run_int(integer, quantize_inputs(integer, s))["cell"]) for s in data]
    found = sqnr_db(np.concatenate(f), np.concatenate(q))
    assert found is not None and found > 35


def test_every_bias_is_corrected_by_the_error_of_its_own_sums() -> None:
    graph = cell_graph()
    data = samples(graph)
    plain, corrected = (quantize(graph, data, QuantConfig(bias_correction=on)) for on in (False, True))
    for weight, bias, source in (("w", "b", "x"), ("r", "c", "h")):
        q = plain.type(source).qp
        real = np.mean([s[source] for s in data], axis=0)
        held = np.mean([q.dequantize(q.quantize(s[source], DType.INT8)) for s in data], axis=0)
        w = plain.type(weight).qp.dequantize(np.asarray(plain.data(weight)))
        error = real @ np.asarray(graph.data(weight)).T - held @ w.T
        steps = np.asarray(corrected.data(bias)).astype(int) - np.asarray(plain.data(bias))
        assert np.abs(steps).max() > 5
        assert np.abs(steps - error[0] / np.asarray(plain.type(bias).qp.scale)).max() < 1.5


@pytest.mark.parametrize(
    ("name", "message"),
    [("r", "weights have another type"), ("c", "scale of a bias")],
)
def test_the_verifier_sees_the_second_product(name: str, message: str) -> None:
    graph = cell_graph()
    edit = quantize(graph, samples(graph)).edit()
    value = edit.values[name]
    wrong = QParams.per_channel(np.asarray(value.type.qp.scale) * 2, 0, 0)
    if name == "r":
        data = np.asarray(value.data, np.int16)
        edit.values[name] = Value(name, TensorType(value.type.shape, DType.INT16, value.type.q), data)
    else:
        edit.values[name] = Value(name, TensorType(value.type.shape, DType.INT32, wrong), value.data)
    with pytest.raises(InternalError, match=message):
        verify(edit.finish())


def test_a_state_shares_the_parameters_of_the_output_that_becomes_it() -> None:
    graph = cell_graph()
    (group,) = (g for g in solve(graph, QuantConfig()).groups if "h" in g.members)
    assert set(group.members) == {"h", "cell"}
    integer = quantize(graph, samples(graph))
    assert integer.type("h").q == integer.type("cell").q


def test_a_state_with_parameters_of_its_own_is_converted() -> None:
    edit = cell_graph().edit()
    a, b = QParams.per_tensor(0.25, 3), QParams.per_tensor(0.5, -3)
    edit.set_type("h", TensorType((1, 6), q=a))
    edit.set_type("cell", TensorType((1, 6), q=b))
    graph = edit.finish()
    integer = quantize(graph, samples(graph), numerics=Numerics.FAST)
    assert [n.op.kind for n in integer.nodes] == ["Requantize", "Cell"]
    assert integer.type(str(integer.nodes[1].inputs[1])).q == b and integer.type("h").q == a
