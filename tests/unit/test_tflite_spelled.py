"""Operators of .tflite files that are spelled with others, where no converter writes them; bytes without a scale."""

from __future__ import annotations

import numpy as np
import pytest
from tflite_file import Operator, Tensor, build

from edgeq.errors import ModelError
from edgeq.importers.tflite import import_bytes
from edgeq.ir.tensor import DType
from edgeq.numerics.fixedpoint import Numerics
from edgeq.quantize import quantize
from edgeq.simulator import FloatExecutor, IntExecutor

RNG = np.random.default_rng(45)


def real(content: bytes, x: np.ndarray) -> np.ndarray:
    """What a file with one input and one output computes in float."""
    graph = import_bytes(content, "net")
    return FloatExecutor(graph).run({graph.inputs[0]: x})[graph.outputs[0]]


def test_the_root_of_the_mean_of_squares() -> None:
    options = {"Padding": 1, "StrideH": 2, "StrideW": 2, "FilterHeight": 2, "FilterWidth": 3}
    tensors = [Tensor("x", (1, 4, 5, 2)), Tensor("y", (1, 2, 2, 2))]
    x = RNG.normal(size=(1, 4, 5, 2)).astype(np.float32)
    found = real(build(tensors, [Operator("L2_POOL_2D", [0], [1], "Pool2DOptions", options)], [0], [1]), x)
    for row, column in np.ndindex(2, 2):
        part = x[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 3]
        np.testing.assert_allclose(found[:, row, column], np.sqrt((part**2).mean((1, 2))), rtol=1e-6)


@pytest.mark.parametrize(("start", "first"), [([0, 1, 2], (0, 1, 2)), ([0, 9, -3], (0, 2, 0))])
def test_a_part_is_replaced_and_moved_back_inside(start: list[int], first: tuple[int, ...]) -> None:
    part = RNG.normal(size=(1, 2, 2)).astype(np.float32)
    tensors = [
        Tensor("x", (1, 4, 5)),
        Tensor("part", part.shape, data=part),
        Tensor("start", (3,), "INT32", start),
        Tensor("y", (1, 4, 5)),
    ]
    x = RNG.normal(size=(1, 4, 5)).astype(np.float32)
    found = real(build(tensors, [Operator("DYNAMIC_UPDATE_SLICE", [0, 1, 2], [3])], [0], [3]), x)
    x[:, first[1] : first[1] + 2, first[2] : first[2] + 2] = part
    np.testing.assert_array_equal(found, x)


def test_a_remainder_of_whole_numbers_has_the_sign_of_the_divisor() -> None:
    tensors = [Tensor("x", (5,), "INT32"), Tensor("n", (), "INT32", -3), Tensor("y", (5,), "INT32")]
    x = np.array([-7, -3, 0, 4, 8], np.int32)
    np.testing.assert_array_equal(
        real(build(tensors, [Operator("FLOOR_MOD", [0, 1], [2])], [0], [2]), x), np.mod(x, -3)
    )


def pixels(quantized: bool) -> bytes:
    """uint8 without a scale, made real, and quantized or not."""
    tensors = [Tensor("x", (1, 6), "UINT8"), Tensor("real", (1, 6)), Tensor("third", (), data=np.float32(1 / 3))]
    tensors += [Tensor("y", (1, 6)), Tensor("q", (1, 6), "INT8", scale=0.5, zero=-100)]
    ops = [Operator("CAST", [0], [1], "CastOptions"), Operator("MUL", [1, 2], [3], "MulOptions")]
    ops += [Operator("QUANTIZE", [3], [4], "QuantizeOptions")] if quantized else []
    return build(tensors, ops, [0], [4 if quantized else 3])


def test_bytes_without_a_scale_stand_for_themselves() -> None:
    x = np.array([[0, 1, 100, 127, 128, 255]], np.uint8)
    np.testing.assert_allclose(real(pixels(quantized=False), x), x / np.float32(3), rtol=1e-6)
    graph = quantize(import_bytes(pixels(quantized=True), "net"), None, numerics=Numerics.TFLITE)
    assert graph.ports == {"x": DType.UINT8}
    (name,) = graph.inputs
    given = x if graph.type(name).dtype is DType.UINT8 else (x.astype(np.int16) - 128).astype(np.int8)
    found = IntExecutor(graph).run({name: given})[graph.outputs[0]]
    expected = np.round(x.astype(np.float32) / np.float32(3) / np.float32(0.5)) - 100
    np.testing.assert_array_equal(found, np.clip(expected, -128, 127))


def test_real_results_of_integers_are_refused() -> None:
    tensors = [Tensor("x", (1, 4), "INT16", scale=0.001), Tensor("y", (1, 4))]
    with pytest.raises(ModelError, match="it gives real numbers of 'x', which is INT16"):
        import_bytes(build(tensors, [Operator("NEG", [0], [1], "NegOptions")], [0], [1]), "net")


def test_computed_values_of_a_one_hot_are_refused() -> None:
    tensors = [Tensor("x", (3,), "INT32"), Tensor("n", (), "INT32", 4), Tensor("on", ()), Tensor("off", (), data=0.0)]
    op = Operator("ONE_HOT", [0, 1, 2, 3], [4], "OneHotOptions", {"Axis": -1})
    with pytest.raises(ModelError, match="its values are computed at run time"):
        import_bytes(build([*tensors, Tensor("y", (3, 4))], [op], [0, 2], [4]), "net")
