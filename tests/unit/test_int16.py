"""16-bit activations: their arithmetic, which layers get them, and what is between those that do not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx_reference import session
from quantized_nets import editor, network, outputs, samples, tensor

import edgeq
from edgeq.codegen.lower import lower
from edgeq.errors import UsageError
from edgeq.exporters.qdq import save_qdq
from edgeq.importers import load
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import DType
from edgeq.numerics import lut16
from edgeq.numerics.fixedpoint import Numerics, Rounding, multiply, quantize_multiplier, requantize
from edgeq.ops.concat import Concat
from edgeq.ops.floor import Floor
from edgeq.ops.mul import Mul
from edgeq.ops.sigmoid import Sigmoid
from edgeq.ops.softmax import Softmax
from edgeq.quantize.config import QuantConfig, WeightRounding
from edgeq.quantize.pipeline import quantize, run
from edgeq.report.accuracy import quantize_inputs, sqnr_db
from edgeq.simulator import IntExecutor
from edgeq.target import load_target
from edgeq.warnings import EdgeqWarning

DIGITS = Path(__file__).resolve().parents[2] / "examples" / "digits"
RNG = np.random.default_rng(16)
WIDE = QuantConfig(activation_bits=16)
LEAST_SQNR = {"kws": 46.0}


def test_one_rounding_of_accumulators_of_48_bits() -> None:
    acc = RNG.integers(-(2**47) + 1, 2**47, 3000)
    acc[:1000] >>= RNG.integers(0, 47, 1000)
    factors = 2.0 ** RNG.uniform(-34, 3, 3000)
    m = quantize_multiplier(factors, Rounding.WIDE)
    found = multiply(acc, m, Rounding.WIDE)
    exact = [
        (int(a) * int(mantissa) + (1 << (30 - shift))) >> (31 - shift)
        for a, mantissa, shift in zip(acc.tolist(), m.mantissa.tolist(), m.shift.tolist(), strict=True)
    ]
    assert found.tolist() == exact


def test_accumulators_of_32_bits_are_rounded_as_single_does() -> None:
    acc, factors = RNG.integers(-(2**31), 2**31, 2000), 2.0 ** RNG.uniform(-34, -16, 2000)
    m = quantize_multiplier(factors, Rounding.WIDE)
    assert np.array_equal(multiply(acc, m, Rounding.WIDE), multiply(acc, m, Rounding.SINGLE))
    q = requantize(acc, m, 0, -32767, 32767, Rounding.WIDE)
    assert q.dtype == np.int16 and np.abs(q - acc * factors).max() <= 0.5 + 2**-15


def test_a_factor_beyond_the_shifts_saturates() -> None:
    m = quantize_multiplier([2.0**13, 2.0**20, np.inf], Rounding.WIDE)
    found = requantize(np.array([[3, -2, 1], [0, 0, 0]]), m, 0, -32767, 32767, Rounding.WIDE)
    assert found.tolist() == [[24576, -32767, 16384], [0, 0, 0]] and m.shift.max() == 14


def test_tables_are_exact_at_their_arguments_and_near_between_them() -> None:
    every = np.arange(-32768, 32768).astype(np.int16)
    table = lut16.build(lambda x: 1.0 / (1.0 + np.exp(-x)), 8.0 / 32767, 1.0 / 32767)
    real = 32767.0 / (1.0 + np.exp(every * (-8.0 / 32767)))
    error = np.abs(lut16.interpolate(table, every) - real)
    assert error.max() < 1.2 and error[::64].max() <= 0.5 + 1e-9
    inner = every[64:-64]  # the value after the last argument would be 32768
    assert np.array_equal(lut16.interpolate(lut16.build(np.abs, 0.1, 0.1), inner), np.abs(inner))


def wide_types(graph: Graph) -> dict[str, str]:
    """The element type of each node's output."""
    return {node.name: graph.type(node.outputs[0]).dtype.value for node in graph.nodes}


@pytest.mark.parametrize("weight_bits", [8, 4])
def test_all_of_a_network_has_16_bits(weight_bits: int) -> None:
    graph, data = network(), samples(network(), 40)
    integer = quantize(graph, data, QuantConfig(activation_bits=16, weight_bits=weight_bits))
    assert set(wide_types(integer).values()) == {"int16"}
    assert all(integer.type(name).qp.zp == 0 for name in (*integer.inputs, *integer.outputs))
    wide = sqnr_db(*outputs(graph, integer, data))
    narrow = sqnr_db(*outputs(graph, quantize(graph, data, QuantConfig(weight_bits=weight_bits)), data))
    assert wide > narrow + (3.0 if weight_bits == 8 else 0.0), (wide, narrow)


def test_layers_have_bits_of_their_own() -> None:
    """One network with both types, joined by Requantize; what only moves elements keeps the type they have."""
    config = QuantConfig.from_dict({"activation_bits": 16, "layers": {"depthwise": {"activation_bits": 8}}})
    graph, data = network(), samples(network(), 40)
    integer = quantize(graph, data, config)
    types = wide_types(integer)
    assert (types["conv"], types["depthwise"], types["dense"]) == ("int16", "int8", "int16")
    casts = [node for node in integer.nodes if node.op.kind == "Requantize"]
    ends = [(integer.type(str(n.inputs[0])).dtype.value, integer.type(n.outputs[0]).dtype.value) for n in casts]
    assert ends == [("int16", "int8"), ("int8", "int16")]
    other = quantize(graph, data, QuantConfig.from_dict({"layers": {"dense": {"activation_bits": 16}}}))
    assert wide_types(other)["dense"] == "int16" and other.type(other.inputs[0]).dtype is DType.INT8


def branches() -> Graph:
    """x · sigmoid(x) beside what jumps and so has no 16-bit arithmetic, joined and normalized."""
    e = editor()
    x = e.input("x", tensor(1, 6))
    (gate,) = e.add(Sigmoid(), [x], "gate")
    (product,) = e.add(Mul(), [x, gate], "product")
    (most,) = e.add(Floor(), [product], "most")
    (joined,) = e.add(Concat(1), [product, most], "joined")
    (y,) = e.add(Softmax(1), [joined], "y")
    e.outputs = [y]
    return e.finish()


def test_operators_without_16_bits_keep_8_and_are_named() -> None:
    graph = branches()
    data = [{"x": RNG.normal(size=(1, 6)).astype(np.float32)} for _ in range(20)]
    with pytest.warns(EdgeqWarning, match=r"1 layer.*most"):
        integer = run(graph, data, WIDE).graph
    types = wide_types(integer)
    assert types["most"] == "int8" and {types[n] for n in ("gate", "product", "joined", "y")} == {"int16"}
    assert sqnr_db(*outputs(graph, integer, data)) > 30.0


def test_a_softmax_of_8_bits_reads_16_where_it_gives_16() -> None:
    """A row takes 8 bits and gives 16 for .tflite files that have it so, in their arithmetic, and for nothing else."""
    e = editor()
    (most,) = e.add(Floor(), [e.input("x", tensor(1, 6))], "most")
    e.outputs = list(e.add(Softmax(1), [most], "y"))
    graph, data = e.finish(), [{"x": 2 * RNG.normal(size=(1, 6)).astype(np.float32)} for _ in range(20)]
    with pytest.warns(EdgeqWarning, match=r"1 layer.*most"):
        integer = run(graph, data, WIDE).graph
    (softmax,) = (node for node in integer.nodes if node.op.kind == "Softmax")
    assert integer.type(str(softmax.inputs[0])).dtype is DType.INT16
    assert sqnr_db(*outputs(graph, integer, data)) > 15.0


def test_a_given_range_and_shared_scales_hold() -> None:
    config = QuantConfig.from_dict({"activation_bits": 16, "layers": {"conv": {"range": [-3.0, 2.0]}}})
    integer = quantize(network(), samples(network()), config)
    assert integer.type(integer.producers["conv"].outputs[0]).qp.s == pytest.approx(3.0 / 32767)


def test_exported_models_have_both_types(tmp_path: Path) -> None:
    """onnxruntime, in real numbers between the same integers, is within some of a sum's many steps."""
    config = QuantConfig.from_dict({"activation_bits": 16, "layers": {"depthwise": {"activation_bits": 8}}})
    graph, data = network(), samples(network(), 30)
    integer = quantize(graph, data, config)
    save_qdq(integer, tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    zeros = {t.name: t.data_type for t in model.graph.initializer if t.name.endswith("_zero_point")}
    kinds = {zeros[node.input[2]] for node in model.graph.node if node.op_type == "QuantizeLinear"}
    assert kinds == {onnx.TensorProto.INT16, onnx.TensorProto.UINT8} and model.opset_import[0].version == 21
    loaded = session(tmp_path / "model.onnx")
    (name,), (output,) = integer.inputs, integer.outputs
    q, found = integer.type(output).qp, IntExecutor(integer)
    for sample in data[:5]:
        result = found.run(quantize_inputs(integer, sample))[output]
        (other,) = loaded.run(None, sample)
        assert np.abs(other / q.s - result).max() < 32767 / 127, name


def test_other_arithmetics_are_refused() -> None:
    with pytest.raises(UsageError, match="16-bit activations"):
        quantize(network(), samples(network()), WIDE, Numerics.TFLITE)


def test_sums_have_32_bits_where_weights_prove_them_enough() -> None:
    config = QuantConfig(activation_bits=16, rounding=WeightRounding.NEAREST)
    integer = quantize(network(), samples(network()), config)
    calls = {call.name: call.function for call in lower(integer, load_target("cortex-m4")).calls}
    bounds = {n.name: n.op.accumulator_bound(integer.site(n)) for n in integer.nodes if n.name in calls}
    for name in ("conv", "depthwise", "dense"):
        assert calls[name].endswith("_wide") == ((bounds[name] or 0) >= 2**31), name


@pytest.mark.slow
def test_programs_equal_the_simulator(tmp_path: Path) -> None:
    """Both types in one program, with narrow weights."""
    layers = {"depthwise2": {"activation_bits": 8}, "dense5": {"weight_bits": 4}}
    options = edgeq.BuildOptions(
        model=DIGITS / "digits.onnx",
        calibration=DIGITS / "calibration.npz",
        output=tmp_path / "out",
        quantize=QuantConfig.from_dict({"activation_bits": 16, "rounding": "nearest", "layers": layers}),
    )
    found = edgeq.verify(edgeq.build(options)["folder"], DIGITS / "test.npz")
    assert found["mismatches"] == 0 and found["sqnr_db"] > 30.0


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("name", ["kws"])
def test_accuracy_of_models(shared_models: Path, shared_data: Path, name: str) -> None:
    graph = load(shared_models / f"{name}_float.onnx", {})
    (port,) = graph.inputs
    shape = graph.type(port).shape
    read = {k: np.load(shared_data / f"{name}_{k}.npz")["x"] for k in ("calib", "eval")}
    data = {k: [{port: one.reshape(shape).astype(np.float32)} for one in x] for k, x in read.items()}
    model = edgeq.quantize(graph, data["calib"], config=WIDE)
    assert sqnr_db(*outputs(model.float_graph, model.graph, data["eval"])) >= LEAST_SQNR[name]
