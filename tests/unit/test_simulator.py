"""The simulator hands values between operators and refuses wrong inputs."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.errors import InternalError, UsageError
from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.conv2d import Conv2D
from edgeq.simulator import FloatExecutor, IntExecutor, run_float, run_int

Q_IN, Q_OUT = QParams.per_tensor(0.5, 3), QParams.per_tensor(1.0, -2)


def conv_graph(numerics: Numerics | None) -> Graph:
    """x (1, 2, 2, 1) → 1×1 convolution with weight 2 (int8 4 · 0.5) → y."""
    edit = GraphEditor("net")
    dtype = DType.FLOAT32 if numerics is None else DType.INT8
    edit.numerics = numerics
    edit.input("x", TensorType((1, 2, 2, 1), dtype, Q_IN))
    edit.constant("w", np.full((1, 1, 1, 1), 4, np.int8), QParams.per_channel([0.5], 0, axis=0))
    edit.add(Conv2D(), ["x", "w"], "conv", ["y"], [TensorType((1, 2, 2, 1), dtype, Q_OUT)])
    edit.outputs = ["y"]
    return edit.finish()


def test_float_dequantizes_constants_and_ignores_activation_parameters() -> None:
    x = np.array([0.1, -3.0, 1000.0, 0.0]).reshape(1, 2, 2, 1)
    found = run_float(conv_graph(None), {"x": x})
    assert list(found) == ["x", "y"]
    np.testing.assert_allclose(found["y"], 2 * x, atol=1000 * 2.0**-24)


def test_int_is_the_operators_reference() -> None:
    x = np.array([3, 4, -128, 127], np.int8).reshape(1, 2, 2, 1)
    found = run_int(conv_graph(Numerics.FAST), {"x": x})
    # real input (x − 3)/2, doubled, output scale 1, zero-point −2
    np.testing.assert_array_equal(found["y"].ravel(), [-2, -1, -128, 122])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "'x' is missing"),
        ({"x": np.zeros((1, 2, 2, 1)), "z": np.zeros(1)}, "'z' is no input"),
        ({"x": np.zeros((2, 2, 2, 1))}, r"shape \(2, 2, 2, 1\)"),
        ({"x": np.full((1, 2, 2, 1), "a")}, "holds <U1"),
    ],
)
def test_wrong_float_inputs_are_usage_errors(given: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        FloatExecutor(conv_graph(None)).run(given)


def test_integer_inputs_must_have_the_exact_type() -> None:
    with pytest.raises(UsageError, match="holds int64"):
        run_int(conv_graph(Numerics.FAST), {"x": np.zeros((1, 2, 2, 1), np.int64)})


def test_float_graph_does_not_run_in_integers() -> None:
    with pytest.raises(InternalError, match="not quantized"):
        run_int(conv_graph(None), {"x": np.zeros((1, 2, 2, 1), np.int8)})


@pytest.mark.parametrize("numerics", [None, Numerics.FAST, Numerics.TFLITE])
def test_samples_together_give_the_outputs_of_each(numerics: Numerics | None) -> None:
    graph = conv_graph(numerics)
    executor = FloatExecutor(graph) if numerics is None else IntExecutor(graph)
    kind = np.float32 if numerics is None else np.int8
    samples = [{"x": np.arange(k, k + 4, dtype=kind).reshape(1, 2, 2, 1)} for k in range(5)]
    together = executor.outputs(samples)
    assert len(together) == 5 and all(list(found) == ["y"] for found in together)
    for sample, found in zip(samples, together, strict=True):
        np.testing.assert_array_equal(found["y"], executor.run(sample)["y"])
