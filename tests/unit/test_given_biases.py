"""Biases of models quantized elsewhere: none is clipped, whatever the scale that is given for its channel's weights."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.errors import QuantizationError
from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.op import Op
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.numerics.fixedpoint import INT32_MAX, Numerics
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.conv_transpose2d import ConvTranspose2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.quantize import quantize
from edgeq.report.accuracy import quantize_inputs, real_output
from edgeq.simulator import run_int

S_IN, S_OUT, S_W, TINY = 0.004, 0.05, 0.003, 2.0**-23
CHANNEL = 2
LAYERS: dict[str, tuple[Op, tuple[int, ...], tuple[int, ...], int]] = {
    "conv": (Conv2D(padding=(1, 1, 1, 1)), (1, 6, 6, 4), (4, 3, 3, 4), 0),
    "depthwise": (DepthwiseConv2D(padding=(1, 1, 1, 1)), (1, 6, 6, 4), (3, 3, 4), 2),
    "transposed": (ConvTranspose2D(), (1, 6, 6, 4), (4, 3, 3, 4), 0),
    "dense": (FullyConnected(), (3, 9), (4, 9), 0),
}
LONG = (FullyConnected(), (1, 30000), (4, 30000), 0)


def layer(kind: str, bias: float, scale: float, weight: int, s_out: float = S_OUT, as_int32: bool = False) -> Graph:
    """A layer with 8-bit weights, one of whose channels has a bias, a scale and an integer of its own everywhere."""
    op, x, w, axis = LAYERS.get(kind, LONG)
    rng = np.random.default_rng(3)
    weights = np.moveaxis(rng.integers(-127, 128, w).astype(np.int8), axis, 0).copy()
    weights[CHANNEL] = weight
    scales = np.full(len(weights), S_W, np.float32)
    scales[CHANNEL] = scale
    biases = np.zeros(len(weights), np.float32)
    biases[CHANNEL] = bias
    e = GraphEditor("g")
    e.input("x", TensorType(x, q=QParams.per_tensor(S_IN, 3)))
    e.constant("w", np.ascontiguousarray(np.moveaxis(weights, 0, axis)), QParams.per_channel(scales, 0, axis))
    if as_int32:
        e.constant("b", np.rint(biases / 1e-4).astype(np.int32), QParams.per_tensor(1e-4, 0))
    else:
        e.constant("b", biases)
    shape = op.out_shapes([x, w, biases.shape])[0]
    e.outputs = list(e.add(op, ["x", "w", "b"], "layer", types=[TensorType(shape, q=QParams.per_tensor(s_out, 0))]))
    return e.finish()


def results(graph: Graph, integer: Graph) -> tuple[np.ndarray, np.ndarray]:
    """Real outputs, exact and of the integer graph."""
    op, rng = graph.nodes[0].op, np.random.default_rng(4)
    x = {"x": rng.uniform(-0.5, 0.5, graph.type("x").shape).astype(np.float32)}
    ints = quantize_inputs(integer, x)
    given = [graph.type("x").qp.dequantize(ints["x"]).astype(np.float64)]
    for name in ("w", "b"):
        value = graph.values[name]
        given.append(np.asarray(value.data if value.type.q is None else value.type.q.dequantize(value.data)))
    exact = op.run_float(given)[0]
    name = graph.outputs[0]
    s_out = graph.type(name).qp.s
    return np.clip(exact, -128 * s_out, 127 * s_out), real_output(integer, name, run_int(integer, ints)[name])


@pytest.mark.parametrize("numerics", [Numerics.FAST, Numerics.TFLITE])
@pytest.mark.parametrize("bias", [1.5, -1.5])
@pytest.mark.parametrize("kind", LAYERS)
def test_a_channel_without_weights_takes_any_scale(kind: str, bias: float, numerics: Numerics) -> None:
    graph = layer(kind, bias, TINY, 0)
    integer = quantize(graph, None, numerics=numerics)
    exact, found = results(graph, integer)
    assert exact[..., CHANNEL] == pytest.approx(bias, rel=1e-6)
    np.testing.assert_allclose(found[..., CHANNEL], bias, rtol=1e-6)
    assert np.abs(exact - found).max() <= 0.51 * S_OUT
    scales = np.array(integer.type("w_2").qp.scale)
    assert scales[CHANNEL] > TINY
    np.testing.assert_array_equal(np.delete(scales, CHANNEL), np.float32(S_W))  # the other channels stay as given


@pytest.mark.parametrize(("bias", "s_out"), [(1.5, S_OUT), (-100.0, 1.0)])
def test_an_int32_bias_in_other_units_and_a_great_one(bias: float, s_out: float) -> None:
    graph = layer("conv", bias, TINY, 0, s_out, as_int32=True)
    exact, found = results(graph, quantize(graph, None))
    np.testing.assert_allclose(found[..., CHANNEL], bias, rtol=1e-6)
    assert np.abs(exact - found).max() <= 0.51 * s_out


@pytest.mark.parametrize("weight", [3, -100])
def test_a_tiny_scale_is_raised_where_its_weights_hardly_matter(weight: int) -> None:
    graph = layer("conv", 1.5, TINY / 100, weight)
    integer = quantize(graph, None)
    exact, found = results(graph, integer)
    assert np.abs(exact - found).max() <= 0.51 * S_OUT
    bias = integer.data("b_2") if "b_2" in integer.values else integer.data("b")
    assert bias is not None and np.abs(bias.astype(np.int64)).max() < INT32_MAX


def test_a_saturated_channel_may_lose_its_weights() -> None:
    graph = layer("conv", 1e9, 1e-3, 100)
    exact, found = results(graph, quantize(graph, None))
    np.testing.assert_array_equal(found[..., CHANNEL], exact[..., CHANNEL].astype(np.float32))
    assert (exact[..., CHANNEL] == 127 * S_OUT).all()


def test_a_bias_that_fits_changes_nothing() -> None:
    graph = layer("conv", 1.5, S_W, 5)
    integer = quantize(graph, None)
    assert integer.type("w") == TensorType((4, 3, 3, 4), DType.INT8, graph.type("w").q)
    assert integer.values["w"].data is graph.values["w"].data


def test_what_cannot_be_saved_names_the_layer_and_a_scale() -> None:
    # So many weights that what each loses by a greater scale adds up to more than the output's steps hide.
    graph = layer("long", 120.0, 120.0 / S_IN / 3e9, 1, s_out=1.0)
    with pytest.raises(QuantizationError) as error:
        quantize(graph, None)
    assert "layer (FullyConnected): the bias of channel 2, 120, does not fit into 32 bits" in str(error.value)
    assert "quantize the model again with a scale of at least" in error.value.hint
