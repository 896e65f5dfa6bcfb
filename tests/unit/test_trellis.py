"""Weights of two bits as paths through a trellis."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import numpy_helper
from quantized_nets import editor, network, outputs, samples, tensor

from edgeq.codegen import lower
from edgeq.errors import UsageError
from edgeq.exporters.qdq import to_qdq
from edgeq.ir.goals import Goal
from edgeq.ir.tensor import DType
from edgeq.numerics.trellis import PASTS, TABLE, WAYS, codes_of, integers_of
from edgeq.ops._packed import pack
from edgeq.ops.fully_connected import FullyConnected
from edgeq.quantize import QuantConfig, quantize
from edgeq.quantize.config import LayerConfig
from edgeq.quantize.moments import decompose
from edgeq.quantize.ranges import Levels, weighted_error, weighted_scales
from edgeq.quantize.trellis import first_scales, follow, nearest_path
from edgeq.report.accuracy import sqnr_db
from edgeq.target import load_target
from edgeq.warnings import EdgeqWarning


def test_codes_are_those_of_their_integers() -> None:
    codes = np.random.default_rng(1).integers(0, WAYS, (5, 41))
    integers = integers_of(codes)
    assert integers[0, 0] == TABLE[codes[0, 0] * PASTS]
    assert integers[0, 4] == TABLE[codes[0, 1:5] @ (1, 4, 16, 64)]
    assert np.array_equal(integers_of(codes_of(integers)), integers)
    assert codes_of(np.empty((3, 0), np.int8)).shape == (3, 0)
    with pytest.raises(ValueError, match="no path"):
        codes_of(np.zeros((2, 9), np.int8))  # the table has no zero


def test_normal_weights_are_nearer_than_four_integers_bring_them() -> None:
    """The mean squared error of two bits is 2⁻⁴ = 0.0625 at best, 0.1175 with the best four numbers (Lloyd, Max)."""
    rows = np.random.default_rng(2).normal(size=(24, 1024))
    scales = first_scales(rows, np.ones_like(rows))
    path = nearest_path(rows / scales[:, None])
    assert np.array_equal(integers_of(codes_of(path.astype(np.int8))), path)
    variance = np.square(rows).mean()
    assert 0.0625 < np.square(path * scales[:, None] - rows).mean() / variance < 0.0765
    four = Levels(-127, 127, table=(-127, -38, 38, 127))
    best = weighted_scales(rows, four, np.ones_like(rows), 0.1)
    assert weighted_error(rows, best, four, np.ones_like(rows)).mean() / rows.shape[1] / variance > 0.11


def test_what_a_weight_loses_is_handed_on() -> None:
    rng = np.random.default_rng(3)
    rows, distance = rng.normal(size=(6, 150)), np.abs(np.subtract.outer(np.arange(150), np.arange(150)))
    spread = np.exp(rng.normal(0.0, 0.5, 150))
    second = 0.9**distance * np.outer(spread, spread)
    wanted = rows / first_scales(rows, np.ones_like(rows))[:, None]

    def errors(path: np.ndarray) -> np.ndarray:
        return np.einsum("ck,kl,cl->c", wanted - path, second, wanted - path)

    path, told = follow(wanted, *decompose(second))
    assert np.allclose(told, errors(path))
    assert errors(path).sum() < 0.5 * errors(nearest_path(wanted)).sum()


def test_fully_connected_layers_take_two_bits() -> None:
    """What keeps eight is told."""
    graph, data = network(), samples(network(), 40)
    found = {}
    for rounding in ("nearest", "hessian"):
        config = QuantConfig.from_dict({"weight_bits": "trellis-2", "rounding": rounding})
        with pytest.warns(
            EdgeqWarning, match=r"2 layers cannot have weights of trellis-2, and keep 8 bits: conv \(Conv2D\)"
        ):
            integer = quantize(graph, data, config)
        name = str(integer.producers["dense"].inputs[1])
        weights = integer.data(name)
        assert weights is not None and integer.type(name).dtype is DType.TRELLIS
        assert integer.type(name).nbytes == weights.size // 4
        found[rounding] = sqnr_db(*outputs(graph, integer, data))
        with pytest.warns(EdgeqWarning, match=r"written as INT8: dense \(FullyConnected\)"):
            exported = to_qdq(integer)
        written = [numpy_helper.to_array(i) for i in exported.graph.initializer]
        assert any(np.array_equal(array, weights) for array in written)
    assert found["hessian"] > found["nearest"], found


def test_channels_without_weights_give_their_bias() -> None:
    """The table has no zero."""
    rng = np.random.default_rng(4)
    weights, bias = rng.normal(size=(4, 40)).astype(np.float32), rng.normal(size=4).astype(np.float32)
    weights[2] = 0.0
    e = editor()
    x = e.input("x", tensor(1, 40))
    (y,) = e.add(FullyConnected(), [x, e.constant("w", weights), e.constant("b", bias)], "dense")
    e.outputs = [y]
    graph = e.finish()
    for rounding in ("nearest", "hessian"):
        config = QuantConfig.from_dict({"weight_bits": "trellis-2", "rounding": rounding})
        integer = quantize(graph, samples(graph, 20), config)
        found = outputs(graph, integer, samples(graph, 20))[1][:, 2]
        assert np.abs(found - bias[2]).max() <= 0.51 * integer.type(integer.outputs[0]).qp.s


@pytest.mark.parametrize(
    ("core", "goal", "bits"),
    [("cortex-m0plus", "size", 2), ("cortex-m0plus", "balanced", 8), ("cortex-m4", "balanced", 2), ("rpi4", "size", 2)],
)
def test_cores_without_a_kernel_of_their_own_take_bytes(core: str, goal: Goal, bits: int) -> None:
    """Unless flash matters most: then codes as the kernel reads them, and a table for all layers."""
    layers = (LayerConfig("conv", weight_bits=8), LayerConfig("depthwise", weight_bits=8))
    integer = quantize(network(), samples(network()), QuantConfig(weight_bits="trellis-2", layers=layers))
    program = lower(integer, load_target(core), optimize=goal)
    (call,) = (call for call in program.calls if call.name == "dense")
    assert call.weight_bits == bits
    if goal == "size":
        weights = integer.data(str(integer.producers["dense"].inputs[1]))
        assert weights is not None
        packed = pack(codes_of(weights), 2)
        codes = np.unpackbits(packed[:-1], bitorder="little").reshape(5, 128, 2) @ (1, 2)
        assert np.array_equal(integers_of(codes), weights)
        arrays = [constant.array for constant in program.constants]
        assert any(np.array_equal(array.ravel(), packed) for array in arrays)
        assert any(np.array_equal(array, TABLE) for array in arrays)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation_bits": 16}, "activation_bits = 16"),
        ({"weight_group": 32}, "weight_group"),
        ({"rounding": "adaround"}, 'rounding = "adaround"'),
        ({"rounding": "descent", "reconstruct": True}, 'reconstruct = true and rounding = "descent"'),
        ({"weight_scale": "hqq"}, 'weight_scale = "hqq"'),
    ],
)
def test_what_does_not_go_with_a_trellis_is_refused(options: dict[str, object], message: str) -> None:
    config = {**options, "layers": {"dense": {"weight_bits": "trellis-2"}}}
    with pytest.raises(UsageError, match=f"a trellis do not go with {message}") as caught:
        quantize(network(), samples(network()), QuantConfig.from_dict(config))
    assert caught.value.where == "dense (FullyConnected)"
