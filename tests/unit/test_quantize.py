"""The whole way from float to integers on small graphs: constants, ports, errors, what is reported."""

from __future__ import annotations

import numpy as np
import pytest
from quantized_nets import PLAIN, Q1, Q2, done, editor, layer, network, outputs, samples, tensor

from edgeq.errors import QuantizationError, UsageError
from edgeq.ir.graph import Graph
from edgeq.ir.op import Op
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.add import Add
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.mul import Mul
from edgeq.ops.pad import Pad
from edgeq.ops.reshape import Reshape
from edgeq.quantize import QuantConfig, quantize
from edgeq.report.accuracy import accuracy, layer_errors, sqnr_db

# The whole way


@pytest.mark.parametrize("numerics", list(Numerics))
@pytest.mark.parametrize("observer", ["min-max", "percentile", "mse", "entropy", "moving-average"])
def test_a_network_stays_close_to_float(numerics: Numerics, observer: str) -> None:
    graph = network()
    data = samples(graph)
    integer = quantize(graph, data, QuantConfig.from_dict({"observer": observer}), numerics)
    assert integer.numerics is numerics
    assert [n.name for n in integer.nodes] == [n.name for n in graph.nodes]
    found = sqnr_db(*outputs(graph, integer, data))
    assert found is not None and found > {"moving-average": 10, "entropy": 20}.get(observer, 25)


@pytest.mark.parametrize("config", [{"activations": "symmetric"}, {"weights": "per-tensor"}, {"weight_scale": "mse"}])
def test_options_stay_close_to_float(config: dict[str, str]) -> None:
    graph = network()
    integer = quantize(graph, samples(graph), QuantConfig.from_dict(config))
    found = sqnr_db(*outputs(graph, integer, samples(graph)))
    assert found is not None and found > 22
    if "activations" in config:
        free = [integer.type(n.outputs[0]).qp for n in integer.nodes if n.op.kind != "Softmax"]
        assert all(q.zp == 0 for q in free)
    if "weights" in config:
        assert len(integer.type("w1").qp.scale) == 8 and len(set(integer.type("w1").qp.scale)) == 1


def test_types_of_the_integer_graph() -> None:
    graph = network()
    integer = quantize(graph, samples(graph))
    for node in integer.nodes:
        assert integer.type(node.outputs[0]).dtype is DType.INT8
    w, b, x = integer.values["w1"], integer.values["b1"], integer.type("x").qp
    assert w.type.dtype is DType.INT8 and w.type.qp.axis == 0 and len(w.type.qp.scale) == 8
    assert w.data is not None and np.abs(w.data.astype(int)).max() == 127
    assert integer.type("w2").qp.axis == 2
    assert b.type.dtype is DType.INT32
    assert np.allclose(b.type.qp.scale, x.s * np.asarray(w.type.qp.scale), rtol=1e-6)
    assert integer.type("softmax").qp == QParams.per_tensor(1 / 256, -128)
    for value in integer.values.values():
        if value.type.q is not None:
            assert all(np.float32(s) == s for s in value.type.q.scale)
    assert integer.type("add").qp == integer.type("pool").qp == integer.type("flat").qp
    assert integer.type("conv").qp.zp == -128  # a ReLU's range begins at zero


def test_quantization_is_deterministic() -> None:
    graph = network()
    a, b = quantize(graph, samples(graph)), quantize(graph, samples(graph))
    assert a.nodes == b.nodes
    for name, value in a.values.items():
        assert value.type == b.values[name].type
        if value.data is not None:
            assert np.array_equal(value.data, np.asarray(b.values[name].data))


# Constants


def test_channels_of_zeros_and_dead_layers() -> None:
    w = np.array([[1.0, -2.0], [0.0, 0.0], [1e-12, 0.0]])
    for weights in (w, np.zeros((3, 2))):
        graph = layer(weights, np.array([0.5, 1.0, -1.0]))
        integer = quantize(graph, samples(graph), PLAIN)
        f, g = outputs(graph, integer, samples(graph))
        assert np.abs(f - g).max() < 0.06


@pytest.mark.parametrize("granularity", ["per-channel", "per-tensor"])
def test_a_bias_too_large_for_its_scale_raises_the_scale(granularity: str) -> None:
    graph = layer(np.array([[1e-9, -2e-9], [1.0, 2.0]]), np.array([1000.0, 2.0]))
    integer = quantize(graph, samples(graph), QuantConfig.from_dict({"weights": granularity, "bias_correction": False}))
    f, g = outputs(graph, integer, samples(graph))
    assert np.abs(f - g).max() < integer.type("dense").qp.s * (1 if granularity == "per-channel" else 2)
    bias = integer.values["b"]
    assert bias.data is not None and bias.type.qp.dequantize(bias.data)[0] == pytest.approx(1000.0, rel=1e-4)


def test_tiny_weights_keep_a_precise_multiplier() -> None:
    graph = layer(np.array([[1e-6, 1e-6], [3.0, 2.0]]), np.array([7.0, 0.0]))
    integer = quantize(graph, samples(graph), PLAIN)
    s_in, s_out = integer.type("x").qp.s, integer.type("dense").qp.s
    assert min(integer.type("w").qp.scale) * s_in / s_out >= 0.99 * 2.0**-20
    f, g = outputs(graph, integer, samples(graph))
    assert np.abs(f - g)[:, 0].max() <= 0.51 * s_out


def test_shared_weights_and_constants() -> None:
    e = editor()
    x, z = e.input("x", tensor(1, 3)), e.input("z", tensor(1, 3))
    w, b = e.constant("w", np.eye(3, dtype=np.float32)), e.constant("b", np.ones(3, np.float32))
    (p,) = e.add(FullyConnected(), [x, w, b], "p")
    (q,) = e.add(FullyConnected(), [z, w, b], "q")
    (y,) = e.add(Mul(), [p, b], "y")
    graph = done(e, y, q)
    data = [{"x": s["x"], "z": s["z"] * 9} for s in samples(graph)]
    integer = quantize(graph, data)
    assert len({n.inputs[2] for n in integer.nodes if n.op.kind == "FullyConnected"}) == 2
    for value in integer.values.values():
        assert value.type.q is not None and value.type.dtype is not DType.FLOAT32
    f, g = outputs(graph, integer, data)
    assert np.abs(f - g).max() < 0.1


def test_given_integers_stay_as_they_are() -> None:
    e = editor()
    x = e.input("x", tensor(1, 2, q=Q1))
    wq = QParams.per_channel([0.01, 0.02], [0, 5], 0)
    w = e.constant("w", np.array([[1, -128], [3, 4]], np.int8), wq)
    b = e.constant("b", np.array([100, -7], np.int32), QParams.per_channel([0.001, 0.002], 0, 0))
    c = e.constant("c", np.array([[9, 9]], np.int8), Q2)
    (d,) = e.add(FullyConnected(), [x, w, b], "dense", types=[tensor(1, 2, q=Q2)])
    (y,) = e.add(Add(), [d, c], "add", types=[tensor(1, 2, q=Q1)])
    integer = quantize(done(e, y), None, numerics=Numerics.TFLITE)
    for name, data in (("w", [[1, -128], [3, 4]]), ("b", [100, -7]), ("c", [[9, 9]])):
        assert np.array_equal(np.asarray(integer.values[name].data), data)
    assert integer.type("w").q == wq and integer.type("dense").q == Q2 and integer.type("add").q == Q1


def test_a_bias_in_other_units_is_converted() -> None:
    e = editor()
    x = e.input("x", tensor(1, 1, q=Q1))
    w = e.constant("w", np.array([[10]], np.int8), QParams.per_channel([0.5], 0, 0))
    b = e.constant("b", np.array([100], np.int32), QParams.per_channel([0.1], 0, 0))
    (y,) = e.add(FullyConnected(), [x, w, b], "dense", types=[tensor(1, 1, q=Q2)])
    integer = quantize(done(e, y), None)
    assert int(np.asarray(next(v for n, v in integer.values.items() if n.startswith("b")).data)[0]) == 200


# Ports


def test_uint8_ports() -> None:
    e = editor()
    x = e.input("x", tensor(1, 4))
    (y,) = e.add(Add(), [x, x], "y")
    e.ports = {"x": DType.UINT8, "y": DType.UINT8}
    graph = done(e, y)
    integer = quantize(graph, samples(graph))
    assert integer.type("x").dtype is DType.UINT8 and integer.type("y").dtype is DType.UINT8
    assert integer.inputs == ("x",) and integer.outputs == ("y",)
    assert [n.op.kind for n in integer.nodes] == ["Requantize", "Add", "Requantize"]
    f, g = outputs(graph, integer, samples(graph))
    assert np.abs(f - g).max() < 0.1


# Errors


def test_no_samples_names_the_tensors_and_the_option() -> None:
    with pytest.raises(QuantizationError, match=r"conv.*\n.*--calibration"):
        quantize(network(), None)


def test_no_sample_at_all() -> None:
    with pytest.raises(UsageError, match="no calibration samples"):
        quantize(network(), [])


@pytest.mark.parametrize(
    "sample", [{}, {"x": np.zeros((1, 8, 8, 4))}, {"x": np.array("text")}], ids=["missing", "shape", "type"]
)
def test_a_sample_that_does_not_fit(sample: dict[str, np.ndarray]) -> None:
    with pytest.raises(UsageError, match=r"(?s)'x'.*\(1, 8, 8, 3\)"):
        quantize(network(), [sample])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_in_samples_and_activations(bad: float) -> None:
    graph = network()
    data = samples(graph, 2)
    data[1]["x"][0, 0, 0, 0] = bad
    with pytest.raises(QuantizationError, match="tensor 'x' becomes NaN or infinite"):
        quantize(graph, data)


def test_overflow_inside_names_the_tensor() -> None:
    graph = layer(np.full((1, 2), 3e38))
    with pytest.raises(QuantizationError, match=r"dense.*tensor 'dense'"), np.errstate(over="ignore", invalid="ignore"):
        quantize(graph, [{"x": np.full((1, 2), 1e3, np.float32)}])


def test_an_infinite_pad_that_an_average_sees_is_no_pad_with_the_least_integer() -> None:
    def padded(pool: Op) -> Graph:
        e = editor()
        x = e.input("x", tensor(1, 4, 4, 2))
        (p,) = e.add(Pad((0, 1, 1, 0), (0, 1, 1, 0), value=-np.inf), [x], "pad")
        (y,) = e.add(pool, [p], "pool")
        return done(e, y)

    graph = padded(AveragePool2D((2, 2), (2, 2)))
    with pytest.raises(QuantizationError, match=r"pool.*tensor 'pool' becomes NaN or infinite(?s:.)*infinite constant"):
        quantize(graph, samples(graph, 2))
    graph = padded(MaxPool2D((2, 2), (2, 2)))
    found = sqnr_db(*outputs(graph, quantize(graph, samples(graph, 2)), samples(graph, 2)))
    assert found is not None and found > 35


def test_nan_weights() -> None:
    with pytest.raises(QuantizationError, match=r"dense.*constant 'w'"):
        graph = layer(np.array([[1.0, np.nan]]))
        quantize(graph, samples(graph))


def test_activations_must_be_float() -> None:
    e = editor()
    x = e.input("x", TensorType((1, 4), DType.INT64))
    (y,) = e.add(Reshape((2, 2)), [x], "flat")
    with pytest.raises(QuantizationError, match="int64"):
        quantize(done(e, y), None)


def test_progress_counts_samples() -> None:
    graph, seen = network(), []
    quantize(graph, samples(graph, 3), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(3, 3)]  # one batch


# Report


def test_layer_errors_cover_every_layer() -> None:
    graph = network()
    data = samples(graph)
    errors = layer_errors(graph, quantize(graph, data), data)
    assert [e["name"] for e in errors] == [n.name for n in graph.nodes]
    assert all(e["sqnr_db"] is not None and e["sqnr_db"] > 20 and e["cosine"] > 0.99 for e in errors)
    assert errors[0]["op"] == "Conv2D" and errors[0]["value"] == "conv" and 0 < errors[0]["max_error"] < 1


def test_accuracy_by_hand() -> None:
    f = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0]])
    q = np.array([[1.0, 0.0], [1.0, 0.0], [3.0, 0.5]])
    found = accuracy(f, q, [0, 1, 1])
    assert found["sqnr_db"] == pytest.approx(10 * np.log10(14 / 5.25))
    assert found["top1_float"] == pytest.approx(200 / 3) and found["top1_int8"] == pytest.approx(100 / 3)
    assert found["agreement"] == pytest.approx(200 / 3) and found["max_abs_diff"] == 2.0
    same = accuracy(f, f)
    assert same["sqnr_db"] is None and same["top1_float"] is None and same["agreement"] == 100.0
    assert accuracy(np.ones((3, 1)), np.ones((3, 1)))["agreement"] is None
