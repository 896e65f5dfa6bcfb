"""QDQ ONNX: onnxruntime computes what the simulator computes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx_reference import session

from edgeq.errors import ModelError, UsageError
from edgeq.exporters.qdq import save_qdq, to_qdq
from edgeq.exporters.qdq.registry import exporter_of
from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.op import Sample, registry
from edgeq.ir.quant_rule import Index
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.ir.text import parse_graph
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops._table import TableOp
from edgeq.ops._whole import WholeOp
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.reshape import Reshape
from edgeq.ops.shift import Shift
from edgeq.quantize import QuantConfig, quantize
from edgeq.report.accuracy import quantize_inputs
from edgeq.simulator import run_int

PLAIN = QuantConfig(bias_correction=False)


RECURRENT = {"Gru", "Lstm", "SimpleRnn", "Svdf"}
"""Inside of these, numbers of 16 bits are handed on from step to step: ONNX has no place to quantize them."""


def cases() -> Iterator[tuple[str, Sample]]:
    """The samples that quantization of a float graph gives.

    Of real numbers see `test_real_numbers`; a Shift has parameters before, see tests/unit/test_centre.py.
    """
    for kind, op in registry().items():
        for sample in op.samples():
            whole = set(sample.elements) == {DType.INT32} or issubclass(op, WholeOp)  # nothing is quantized
            if op is Shift or kind in RECURRENT or whole or any(dtype.is_float for dtype in sample.elements):
                continue
            yield f"{kind}-{sample.name}", sample


INFINITE = "Pad-minus_infinity"
"""Its output is infinite: it is quantized only in front of what makes it finite again."""
CASES = {name: sample for name, sample in cases() if name != INFINITE}
HALVES = {"AveragePool2D": 0.25, "Resize": 0.25, "StoredL2Norm": 0.3, "WholeToReal": 0.25}
"""Means of n values are half-way between integers in one case of n; half of those onnxruntime, which rounds to even,
rounds to the other side. A long row divided by its length, and small whole numbers, have few different values, any of
which may be half-way."""


def graph_of(sample: Sample) -> tuple[Graph, list[dict[str, np.ndarray]]]:
    """A graph of one node, and data for it."""
    rng = np.random.default_rng(11)
    e = GraphEditor("one")
    names: list[str | None] = []
    below: dict[str, int] = {}
    for k, shape in enumerate(sample.shapes):
        if shape is None:
            names.append(None)
        elif isinstance(role := sample.op.quant_rule(list(sample.shapes)).role(k), Index):
            if k in sample.const:
                names.append(e.constant(f"c{k}", rng.integers(0, role.limit, shape).astype(np.int32)))
            else:
                names.append(e.input(f"x{k}", TensorType(shape, DType.INT32)))
                below[f"x{k}"] = min(role.limit, 9)
        elif k in sample.const:
            names.append(e.constant(f"c{k}", rng.uniform(sample.low, sample.high, shape).astype(np.float32)))
        else:
            names.append(e.input(f"x{k}", TensorType(shape)))
    e.outputs = list(e.add(sample.op, names, "node"))
    graph = e.finish()

    def draw(name: str) -> np.ndarray:
        if name in below:
            return rng.integers(0, below[name], graph.type(name).shape).astype(np.int32)
        return rng.uniform(sample.low, sample.high, graph.type(name).shape).astype(np.float32)

    return graph, [{n: draw(n) for n in graph.inputs} for _ in range(4)]


def steps_apart(graph: Graph, data: list[dict[str, np.ndarray]]) -> np.ndarray:
    """Differences of all outputs between onnxruntime and the simulator, in steps of the outputs."""
    loaded, found = session(to_qdq(graph)), []
    for sample in data:
        expected = run_int(graph, quantize_inputs(graph, sample))
        results = loaded.run(list(graph.outputs), sample)
        for name, result in zip(graph.outputs, results, strict=True):
            type = graph.type(name)
            assert result.shape == type.shape and result.dtype == (np.int32 if type.is_whole else np.float32)
            if type.is_whole:
                found.append((result - expected[name]).ravel())
                continue
            found.append((np.rint(result / type.qp.s) + type.qp.zp - expected[name]).ravel())
    return np.abs(np.concatenate(found))


def test_every_operator_has_an_onnx_form() -> None:
    samples = {kind: op.samples()[0].op for kind, op in registry().items()}
    without = [kind for kind, op in samples.items() if exporter_of(op) is None and not isinstance(op, WholeOp)]
    ours = {"DetectionPostProcess", "PosenetDecoder", "SampleSpectrum", "SampleStatistics", "Spectrum"}
    assert without == sorted({*RECURRENT, *ours})  # of which ONNX only has parts


@pytest.mark.parametrize("kind", sorted(RECURRENT))
def test_recurrent_layers_have_none(kind: str) -> None:
    graph, data = graph_of(registry()[kind].samples()[0])
    with pytest.raises(ModelError, match=rf"no ONNX form is known for node \({kind}\)"):
        to_qdq(quantize(graph, data, PLAIN))


@pytest.mark.parametrize("name", CASES)
def test_operators_agree(name: str) -> None:
    graph, data = graph_of(CASES[name])
    integer = quantize(graph, data, PLAIN)
    apart = steps_apart(integer, data)
    assert apart.max() <= 1 and (apart > 0).mean() <= HALVES.get(name.split("-")[0], 0.1)


REAL = """
graph real numerics=fast preferred=fast
input %x: int8[1,3,3,2] q(0.02, -3)
const %w: int8[2,3,3,2] q(axis 0: 0.004 0.004; 0)
%conv: int8[1,1,1,2] q(0.02, 4) = Conv2D(%x, %w, none)
%real: float32[1,1,1,2] = Dequantize(%conv)
%exp: float32[1,1,1,2] = Exp(%real)
%y: int8[1,1,1,2] q(0.06, -128) = Quantize(%exp)
output %y
output %exp
"""


def test_real_numbers() -> None:
    """What stands between Dequantize and Quantize is not quantized in the file, either."""
    rng = np.random.default_rng(3)
    graph = parse_graph(REAL, {"w": rng.integers(-127, 128, (2, 3, 3, 2)).astype(np.int8)})
    loaded = session(to_qdq(graph))
    for _ in range(8):
        sample = {"x": rng.normal(size=(1, 3, 3, 2)).astype(np.float32)}
        expected = run_int(graph, quantize_inputs(graph, sample))
        y, exp = loaded.run(["y", "exp"], sample)
        np.testing.assert_allclose(exp, expected["exp"], rtol=1e-5)
        np.testing.assert_allclose(y, graph.type("y").qp.dequantize(expected["y"]), atol=0.061)


def network() -> Graph:
    """An NCHW-declared input whose layout is put right, convolutions with a fused ReLU6 and a dense layer of rank 3."""
    rng = np.random.default_rng(2)
    e = GraphEditor("network")
    x = e.input("x", TensorType((1, 3, 6, 6)))
    (t,) = e.add(registry()["Transpose"](perm=(0, 2, 3, 1)), [x], "nhwc")
    constant = lambda name, *s: e.constant(name, rng.normal(size=s).astype(np.float32))  # noqa: E731
    (a,) = e.add(Conv2D(clamp=(0.0, 1.5)), [t, constant("w1", 8, 3, 3, 3), constant("b1", 8)], "conv1")
    (b,) = e.add(Conv2D(padding=(1, 1, 1, 1)), [a, constant("w2", 8, 3, 3, 8), None], "conv2")
    (s,) = e.add(registry()["Add"](), [a, b], "add")
    (r,) = e.add(Reshape((1, 16, 8)), [s], "rows")
    (y,) = e.add(FullyConnected(), [r, constant("w3", 4, 8), constant("b3", 4)], "dense")
    e.outputs = [y, s]
    return e.finish()


def network_data(graph: Graph) -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(4)
    return [{"x": rng.normal(size=graph.type("x").shape).astype(np.float32)} for _ in range(20)]


@pytest.mark.parametrize("weights", ["per-channel", "per-tensor"])
def test_a_network_agrees(weights: str) -> None:
    graph = network()
    data = network_data(graph)
    integer = quantize(graph, data, QuantConfig.from_dict({"weights": weights}))
    apart = steps_apart(integer, data)
    assert apart.max() <= 1 and (apart > 0).mean() < 0.01


def test_ports_names_and_form() -> None:
    graph = network()
    model = to_qdq(quantize(graph, network_data(graph)))
    assert [i.name for i in model.graph.input] == ["x"] and [o.name for o in model.graph.output] == ["dense", "add"]
    dims = model.graph.input[0].type.tensor_type.shape.dim
    assert [d.dim_value for d in dims] == [1, 3, 6, 6]
    assert model.opset_import[0].version == 13
    by_output = {n.output[0]: n for n in model.graph.node}
    convolution = next(n for n in model.graph.node if n.op_type == "Conv")
    assert all(by_output[i].op_type == "DequantizeLinear" for i in convolution.input)
    kinds = {onnx.TensorProto.DataType.Name(i.data_type) for i in model.graph.initializer}
    assert {"INT8", "INT32", "FLOAT"} <= kinds
    # Both convolutions, and what adds their results, stay in one layout.
    assert sum(n.op_type == "Transpose" for n in model.graph.node) <= 3


def test_uint8_ports_become_float_ports() -> None:
    e = GraphEditor("g")
    x = e.input("x", TensorType((1, 4)))
    e.outputs = list(e.add(registry()["Sigmoid"](), [x], "y"))
    e.ports = {"x": DType.UINT8, "y": DType.UINT8}
    graph = e.finish()
    data = [{"x": np.array([[-3.0, 0.6, 1.0, 2.0]], np.float32)}]
    assert steps_apart(quantize(graph, data), data).max() <= 1


def test_a_graph_that_returns_its_input() -> None:
    e = GraphEditor("g")
    x = e.input("x", TensorType((1, 4)))
    (y,) = e.add(Reshape((4,)), [x], "y")
    e.outputs = [y]
    graph = e.finish()
    data = [{"x": np.array([[-3.0, 0.6, 1.0, 2.0]], np.float32)}]
    assert steps_apart(quantize(graph, data), data).max() == 0


def test_files_are_the_same_every_time(tmp_path: Path) -> None:
    graph = network()
    integer = quantize(graph, network_data(graph))
    for name in ("a.onnx", "b.onnx"):
        save_qdq(integer, tmp_path / name)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    onnx.checker.check_model(str(tmp_path / "a.onnx"))


def test_an_operator_that_onnx_has_no_form_for() -> None:
    @dataclass(frozen=True)
    class Bent(TableOp):
        pass

    q = QParams.per_tensor(0.1, 0)
    e = GraphEditor("bent")
    e.numerics = Numerics.FAST
    x = e.input("raw", TensorType((1, 4), DType.INT8, q))
    e.outputs = list(e.add(Bent(), [x], "bend"))
    with pytest.raises(ModelError, match=r"no ONNX form is known for bend \(Bent\)"):
        to_qdq(e.finish())


def test_errors(tmp_path: Path) -> None:
    graph = network()
    with pytest.raises(UsageError, match="only a quantized graph"):
        to_qdq(graph)
    with pytest.raises(UsageError, match="cannot be written"):
        save_qdq(quantize(graph, network_data(graph)), tmp_path / "none" / "a.onnx")
