"""Weights of layers in float32 that are stored in fewer bits, and activations quantized at run time."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from quantized_nets import editor, samples, tensor

import edgeq.api
from edgeq.errors import QuantizationError, UsageError
from edgeq.ir.graph import Graph, Value
from edgeq.ir.tensor import DType, TensorType
from edgeq.ops._stored import in_steps
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.conv_transpose2d import ConvTranspose2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.gather import Gather
from edgeq.ops.mat_mul import MatMul
from edgeq.ops.transpose import Transpose
from edgeq.quantize import QuantConfig
from edgeq.quantize.store_weights import store_weights, wants_stored
from edgeq.report.accuracy import sqnr_db
from edgeq.simulator import FloatExecutor, IntExecutor
from edgeq.warnings import EdgeqWarning

RNG = np.random.default_rng(7)


def layers() -> Graph:
    """Two fully connected layers of 80 inputs each."""
    e = editor()
    x = e.input("x", tensor(1, 80))
    for name, scale in (("first", 1.0), ("second", 0.1)):
        w = (RNG.normal(size=(80, 80)) * scale * np.geomspace(0.05, 1.0, 80)).astype(np.float32)
        (x,) = e.add(FullyConnected(), [x, e.constant(f"{name}_w", w)], name)
    e.outputs = [x]
    return e.finish()


def decibels(graph: Graph, **options: object) -> float:
    """SQNR of the model with all layers in float32 and some options."""
    model = edgeq.api.quantize(graph, numerics="float", config=QuantConfig.from_dict(options))
    data = samples(graph, 20)
    real = [FloatExecutor(graph).run(s)[graph.outputs[0]] for s in data]
    found = [IntExecutor(model.graph).run(s)[graph.outputs[0]] for s in data]
    return sqnr_db(np.stack(real), np.stack(found))


def test_fewer_bits_cost_more_and_groups_less() -> None:
    graph = layers()
    half, eight, four = (decibels(graph, float_weight_bits=bits) for bits in (16, 8, 4))
    assert half > 65.0 > eight > 35.0 > four > 10.0
    groups = [decibels(graph, float_weight_bits=4, weight_group=group) for group in (128, 64, 32)]
    assert four <= groups[0] + 0.5 < groups[1] < groups[2]
    assert eight > decibels(graph, float_weight_bits=8, dynamic=True) > 30.0


def test_types_by_layer() -> None:
    graph = layers()
    table = {
        "float_weight_bits": 4,
        "weight_group": 32,
        "layers": {"first": {"float_weight_bits": 16, "weight_group": 0}},
    }
    config = QuantConfig.from_dict(table)
    assert wants_stored(config) and not wants_stored(QuantConfig())
    model = edgeq.api.quantize(graph, numerics="float", config=config)
    types = {n.name: model.graph.type(str(n.inputs[1])) for n in model.graph.nodes}
    assert types["first"].dtype is DType.FLOAT16 and types["first"].q is None
    assert types["first"].nbytes == 2 * 80 * 80
    assert types["second"].dtype is DType.INT4 and types["second"].qp.block == 32
    assert len(types["second"].qp.scale) == 80 * 3


def images() -> Graph:
    """A convolution, one in groups by channels, a transposed one, and a fully connected layer that reads its image."""
    e = editor()
    x = e.input("x", tensor(1, 6, 6, 32))

    def weights(name: str, *shape: int) -> str:
        return e.constant(name, (RNG.normal(size=shape) * 0.1).astype(np.float32))

    (y,) = e.add(Conv2D(padding=(1, 1, 1, 1)), [x, weights("conv_w", 16, 3, 3, 32)], "conv")
    (y,) = e.add(DepthwiseConv2D(), [y, weights("depth_w", 3, 3, 16)], "depth")
    (y,) = e.add(ConvTranspose2D((2, 2)), [y, weights("up_w", 6, 2, 2, 16)], "up")
    e.outputs = list(e.add(FullyConnected(), [y, weights("last_w", 5, 6)], "last"))
    return e.finish()


def test_weights_of_images() -> None:
    """The real numbers that stored weights stand for give the same results; groups that divide channels are taken."""
    graph = images()
    half, eight, four = (decibels(graph, float_weight_bits=bits) for bits in (16, 8, 4))
    assert half > 65.0 > eight > 35.0 > four > 10.0
    config = QuantConfig.from_dict({"float_weight_bits": 4, "weight_group": 32})
    model = edgeq.api.quantize(graph, numerics="float", config=config).graph
    types = {n.name: model.type(str(n.inputs[1])) for n in model.nodes}
    assert {n.name for n in model.nodes if model.type(str(n.inputs[1])).dtype is DType.INT4} == set(types)
    assert {name: type.qp.block for name, type in types.items()} == {"conv": 32, "depth": None, "up": None, "last": 32}
    assert {name: len(type.qp.scale) for name, type in types.items()} == {"conv": 144, "depth": 16, "up": 6, "last": 5}
    widened = model.edit()
    for name, value in model.values.items():
        if value.data is not None:
            widened.values[name] = Value(name, TensorType(value.type.shape), value.type.numbers(value.data))
    sample = samples(graph, 1)[0]
    plain, stored = (IntExecutor(g).run(sample)[model.outputs[0]] for g in (widened.finish(), model))
    np.testing.assert_array_equal(plain, stored)


def test_tables_of_embeddings() -> None:
    """A row of a table has a scale of its own, or groups of it have."""
    e = editor()
    places = e.input("places", TensorType((1, 6), DType.INT32))
    table = (RNG.normal(size=(50, 48)) * np.geomspace(0.01, 1.0, 50)[:, None]).astype(np.float32)
    e.outputs = list(e.add(Gather(0), [e.constant("table", table), places], "embedding"))
    graph, sample = e.finish(), {"places": np.array([[0, 7, -1, 99, 20, 33]], np.int32)}
    real = table[[0, 7, 49, 49, 20, 33]][None]
    for bits, group, scales, least in ((16, 0, 0, 65.0), (8, 0, 50, 40.0), (4, 32, 100, 17.0)):
        config = QuantConfig(float_weight_bits=bits, weight_group=group)
        model = edgeq.api.quantize(graph, numerics="float", config=config).graph
        type = model.type("table")
        assert (0 if type.q is None else len(type.q.scale)) == scales
        found = IntExecutor(model).run(sample)[model.outputs[0]]
        assert sqnr_db(real, found) > least


def test_tables_among_layers_that_are_named() -> None:
    """What reads nothing but whole numbers has no border: it stays in integers, and that is told."""
    e = editor()
    places = e.input("places", TensorType((1, 6), DType.INT32))
    (x,) = e.add(Gather(0), [e.constant("table", RNG.normal(size=(50, 48)).astype(np.float32)), places], "embedding")
    e.outputs = list(e.add(FullyConnected(), [x, e.constant("w", RNG.normal(size=(4, 48)).astype(np.float32))], "y"))
    data = {"places": RNG.integers(0, 50, (24, 6)).astype(np.int32)}
    with pytest.warns(EdgeqWarning, match="embedding .Gather.: it reads nothing but places"):
        model = edgeq.api.quantize(e.finish(), data, QuantConfig(real=("*",)))
    kinds = {n.name: model.graph.type(n.outputs[0]).dtype for n in model.graph.nodes if n.name in ("embedding", "y")}
    assert kinds == {"embedding": DType.INT8, "y": DType.FLOAT32}


def test_constant_matrices() -> None:
    """Those that do not make a fully connected layer: a first operand, and one for each of several products."""
    e = editor()
    x = e.input("x", tensor(1, 3, 12, 10))
    first = e.constant("first", RNG.normal(size=(8, 12)).astype(np.float32))
    second = e.constant("second", RNG.normal(size=(3, 10, 9)).astype(np.float32))
    (y,) = e.add(MatMul(), [first, x], "a")
    e.outputs = list(e.add(MatMul(), [y, second], "b"))
    graph = e.finish()
    half, eight = (decibels(graph, float_weight_bits=bits) for bits in (16, 8))
    assert half > 65.0 > eight > 35.0
    model = edgeq.api.quantize(graph, numerics="float", config=QuantConfig(float_weight_bits=8)).graph
    assert {name: model.type(name).qp.axis for name in ("first", "second")} == {"first": 0, "second": 2}
    assert eight + 1.0 > decibels(graph, float_weight_bits=8, dynamic=True) > 33.0


def test_products_of_two_tensors_are_quantized_at_run_time(tmp_path: Path) -> None:
    """Attention: rows of the first, columns of the second; the same with a matrix for each of several products."""
    e = editor()
    x, y = (e.input(name, tensor(2, 3, 12, 20)) for name in ("x", "y"))
    (turned,) = e.add(Transpose((0, 1, 3, 2)), [y], "turned")
    (scores,) = e.add(MatMul(), [x, turned], "scores")
    matrices = (RNG.normal(size=(3, 12, 7)) * np.geomspace(0.1, 9.0, 7)).astype(np.float32)
    e.outputs = list(e.add(MatMul(), [scores, e.constant("m", matrices)], "matrices"))
    graph = e.finish()
    config = QuantConfig(float_weight_bits=8, dynamic=True)
    model = edgeq.api.quantize(graph, numerics="float", config=config)
    products = {node.name: node.op for node in model.graph.nodes if isinstance(node.op, MatMul)}
    assert products == {"scores": MatMul(dynamic=True), "matrices": MatMul(dynamic=True)}
    assert decibels(graph, float_weight_bits=8) > decibels(graph, float_weight_bits=8, dynamic=True) > 35.0
    named = QuantConfig.from_dict({"float": ["scores"], "float_weight_bits": 8, "dynamic": True})
    model = edgeq.api.quantize(graph, samples(graph, 20), named)
    with pytest.raises(QuantizationError, match=r"(?s)scores \(MatMul\).*leave --dynamic out"):
        model.save_qdq(tmp_path / "qdq.onnx")


def test_what_has_no_effect_is_told() -> None:
    graph = images()
    for table, message in (
        (
            {"dynamic": True, "layers": {"conv": {"dynamic": True}}},
            r"(?s)no layer of that name.*conv \(Conv2D\) cannot",
        ),
        ({"layers": {"depth": {"weight_group": 32}}}, r"no layer of that name can take scales for groups"),
    ):
        config = QuantConfig.from_dict({"float_weight_bits": 8, **table})
        with pytest.raises(UsageError, match=message):
            edgeq.api.quantize(graph, numerics="float", config=config)
    layer = QuantConfig.from_dict({"layers": {"last": {"float_weight_bits": 8}}})
    with pytest.raises(UsageError, match=r"last \(FullyConnected\) does not compute with real numbers"):
        edgeq.api.quantize(graph, samples(graph, 20), layer)


def test_layers_that_are_left_out_are_told() -> None:
    """Where some layers take an option of all, those that cannot are counted and named, and what they do instead."""
    graph = images()
    config = QuantConfig.from_dict({"float_weight_bits": 8, "dynamic": True, "weight_group": 32})
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        edgeq.api.quantize(graph, numerics="float", config=config)
    told = [(w.where, w.message) for w in (w.message for w in given) if isinstance(w, EdgeqWarning)]
    names = "depth (DepthwiseConv2D), up (ConvTranspose2D)"
    assert told == [
        (
            "--weight-group",
            f"2 of 4 layers in float32 cannot take scales for groups of weights: {names}; "
            "all weights of an output channel have one scale there",
        ),
        (
            "--dynamic",
            f"3 of 4 layers in float32 cannot quantize activations at run time: conv (Conv2D), {names}; "
            "they multiply real numbers",
        ),
    ]
    e = editor()
    x = e.input("x", tensor(1, 4, 4, 2))
    (x,) = e.add(Conv2D(), [x, e.constant("c", RNG.normal(size=(40, 1, 1, 2)).astype(np.float32))], "conv")
    e.outputs = list(e.add(FullyConnected(), [x, e.constant("w", np.ones((3, 40), np.float32))], "last"))
    graph = e.finish()
    with pytest.warns(EdgeqWarning, match=r"1 of 2 layers of integers cannot take scales for .*: conv \(Conv2D\)"):
        edgeq.api.quantize(graph, samples(graph, 20), QuantConfig(weight_group=32))


def test_halves_end_at_65504() -> None:
    e = editor()
    x = e.input("x", tensor(1, 2))
    e.outputs = list(e.add(FullyConnected(), [x, e.constant("w", np.array([[1.0, -65505.0]], np.float32))], "last"))
    graph = e.finish()
    with pytest.raises(QuantizationError, match=r"-?65505 are beyond the numbers of float16.*\n?.*8 or 32 bits"):
        edgeq.api.quantize(graph, numerics="float", config=QuantConfig(float_weight_bits=16))
    assert decibels(graph, float_weight_bits=8) > 35.0


def test_what_does_not_go_together_is_refused() -> None:
    graph = layers()
    for options in ({"float_weight_bits": 16, "weight_group": 32}, {"dynamic": True}):
        with pytest.raises(UsageError, match="need integer weights"):
            edgeq.api.quantize(graph, numerics="float", config=QuantConfig.from_dict(options))
    integer = edgeq.api.quantize(graph, samples(graph, 20)).graph
    with pytest.raises(UsageError, match="no layer in float32"):
        store_weights(integer, QuantConfig(float_weight_bits=8))


def test_the_layer_in_float32_is_named_not_those_of_integers() -> None:
    """Groups of integer layers and float16 go together, but not in one layer."""
    graph, mixed = layers(), {"weight_bits": 4, "weight_group": 32, "float": ["second"], "float_weight_bits": 16}
    with pytest.raises(UsageError, match=r"^second \(FullyConnected\): groups.*need integer weights"):
        edgeq.api.quantize(graph, samples(graph, 20), QuantConfig.from_dict(mixed))
    apart = QuantConfig.from_dict({**mixed, "layers": {"second": {"weight_group": 0}}})
    found = edgeq.api.quantize(graph, samples(graph, 20), apart).graph
    types = {node.name: found.type(str(node.inputs[1])) for node in found.nodes if len(node.inputs) > 1}
    assert types["first"].qp.groups is not None and types["second"].dtype is DType.FLOAT16


def test_rows_have_steps_of_their_own() -> None:
    rows = np.array([[1.0, -2.0, 0.5], [0.0, 0.0, 0.0], [np.nan, 254.0, -254.0]], np.float32)
    integers, step = in_steps(rows)
    assert integers.tolist() == [[64, -127, 32], [0, 0, 0], [-127, 127, -127]]
    np.testing.assert_array_equal(step[:, 0], np.array([2 / 127, 0.0, 2.0], np.float32))


def test_exported_as_real_numbers(tmp_path: Path) -> None:
    """Beside integer layers; quantization at run time has no such form."""
    graph = layers()
    data = samples(graph, 20)
    for bits in (32, 16, 4):
        options = {"float": ["second"], "float_weight_bits": bits, "weight_group": 32 if bits == 4 else 0}
        model = edgeq.api.quantize(graph, data, QuantConfig.from_dict(options))
        model.save_qdq(tmp_path / "qdq.onnx")
        again = edgeq.api.load(tmp_path / "qdq.onnx")
        mine = model.graph.type(str(model.graph.producers["second_real"].inputs[1]))
        stored = model.graph.data(str(model.graph.producers["second_real"].inputs[1]))
        assert stored is not None
        real = stored if mine.q is None else mine.q.dequantize(stored)
        values = (v.data for v in again.values.values() if v.data is not None and v.data.shape in ((80, 80),))
        assert any(np.array_equal(v, np.float32(real)) or np.array_equal(v.T, np.float32(real)) for v in values)
    model = edgeq.api.quantize(graph, data, QuantConfig.from_dict({**options, "dynamic": True}))
    with pytest.raises(QuantizationError, match="at run time"):
        model.save_qdq(tmp_path / "dynamic.onnx")
