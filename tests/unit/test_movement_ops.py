"""Operators that move elements or change how they are stored."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.errors import InternalError
from edgeq.ir.op import Op
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams, TensorType
from edgeq.numerics.fixedpoint import Numerics, Rounding
from edgeq.ops._interpolation import line, line_fast, line_litert, nearest, nearest_litert
from edgeq.ops.concat import Concat
from edgeq.ops.pad import Pad, simplify
from edgeq.ops.requantize import Requantize, byte_table, is_flip
from edgeq.ops.reshape import Reshape
from edgeq.ops.resize import Resize
from edgeq.ops.slice import Slice
from edgeq.ops.split import Split
from edgeq.ops.transpose import Transpose

Q = QParams.per_tensor(0.1, 4)


def site(op: Op, shapes: list[tuple[int, ...]], qs: list[QParams], y: QParams, consts: list[Array | None]) -> Site:
    inputs = tuple(TensorType(s, DType.INT8, q) for s, q in zip(shapes, qs, strict=True))
    outputs = tuple(TensorType(s, DType.INT8, y) for s in op.out_shapes(shapes))
    return Site("node", op, inputs, outputs, tuple(consts))


@pytest.mark.parametrize(
    ("op", "shape", "message"),
    [
        (Reshape((2, 5)), (3, 4), r"12 elements of shape \(3, 4\) do not fill shape \(2, 5\)"),
        (Transpose((0, 0)), (3, 4), r"\(0, 0\) is no permutation"),
        (Split(1, (1, 2)), (3, 4), r"do not make up the 4 elements of axis 1"),
        (Split(2, (4,)), (3, 4), r"axis 2 does not exist"),
        (Slice((0,), (1,), (1,)), (3, 4), "one entry for each of the 2 dimensions"),
        (Slice((0, 2), (3, 2), (1, 1)), (3, 4), "the slice 2:2:1 is empty"),
        (Slice((0, 2), (3, 9), (1, 1)), (3, 4), "leaves a dimension of 4"),
        (Slice((0, 0), (3, 4), (1, 0)), (3, 4), "a step of 0 never ends"),
        (Pad((1,), (0, 0)), (3, 4), "one entry for each of the 2 dimensions"),
        (Pad((-1, 0), (0, 0)), (3, 4), "a negative padding cuts elements off"),
        (Pad((3, 0), (0, 0), "reflect"), (3, 4), "as large as the input"),
        (Resize((0, 3)), (1, 2, 2, 1), r"cannot resize \(2, 2\) to \(0, 3\)"),
        (Resize((2, 3)), (2, 2, 1), "needs one 4-D input"),
        (Resize((2, 3), coordinates="tf_crop_and_resize"), (1, 2, 2, 1), "unknown coordinates"),  # type: ignore[arg-type]
        (Transpose(tuple(range(7))), (1,) * 7, "7 dimensions are too many"),
    ],
)
def test_messages(op: Op, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        op.out_shapes([shape])


def test_concat_messages() -> None:
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(3, 3\) differ in more than axis 1"):
        Concat(1).out_shapes([(2, 3), (3, 3)])
    with pytest.raises(ValueError, match="at least one input"):
        Concat(0).out_shapes([])


@pytest.mark.parametrize(
    "op", [Slice((0,), (4,), (1,)), Transpose((0,)), Reshape((4,)), Pad((0,), (0,)), Split(0, (4,))]
)
def test_movement_does_not_change_scales(op: Op) -> None:
    wrong = site(op, [(4,)], [Q], QParams.per_tensor(0.2, 4), [None])
    with pytest.raises(InternalError, match="a Requantize node is missing"):
        op.run_int(wrong, [np.zeros(4, np.int8)])


def test_a_permutation_that_moves_nothing_is_one_copy() -> None:
    params = Transpose.kernels[0].lower(site(Transpose((0, 2, 1, 3)), [(1, 1, 5, 7)], [Q], Q, [None]))
    assert params["shape"] == (1, 1, 1, 1, 1, 35)


def test_padding_of_pixels_copies_rows() -> None:
    image = [(1, 0, 0), (5, 1, 1), (4, 2, 1), (3, 0, 0)]
    assert simplify(list(image), constant=True) == ([(1, 0, 0)] * 3 + [(1, 0, 0), (5, 1, 1), (4, 2, 1)], 3)


def test_reflection_does_not_merge_dimensions() -> None:
    extents, block = simplify([(4, 1, 1), (3, 0, 0), (2, 1, 0)], constant=False)
    assert (extents[3:], block) == ([(4, 1, 1), (3, 0, 0), (2, 1, 0)], 1)


@pytest.mark.parametrize("value", [-float("inf"), 0.0, 1.23, float("inf")])
def test_padding_with_a_real_value(value: float) -> None:
    op = Pad((0, 1), (0, 0), value=value)
    (y,) = op.run_int(site(op, [(1, 2)], [Q], Q, [None]), [np.array([[5, 6]], np.int8)])
    assert y.tolist() == [[int(Q.quantize(value, DType.INT8)), 5, 6]]


def test_concat_of_other_scales_converts() -> None:
    other = QParams.per_tensor(0.05, -20)
    data = np.arange(-128, 128).astype(np.int8).reshape(1, -1)
    op = Concat(1)
    s = site(op, [(1, 256), (1, 256), (1, 256)], [Q, other, other], Q, [None, None, data])
    (y,) = op.run_int(s, [data, data, data])
    converted = np.clip(np.floor((data.astype(int) + 20) * 0.5 + 0.5) + 4, -128, 127)
    assert np.array_equal(y, np.concatenate([data, converted, converted], axis=1))
    params = op.kernels[0].lower(s)
    assert np.asarray(params["table_of"]).tolist() == [-1, 0, -1]
    assert np.asarray(params["sources"]).tolist() == [0, 1, -1]


def test_flip_is_for_zero_points_128_apart() -> None:
    def pair(x: DType, zx: int, y: DType, zy: int, scale: float = 0.1) -> Site:
        types = TensorType((4,), x, QParams.per_tensor(0.1, zx)), TensorType((4,), y, QParams.per_tensor(scale, zy))
        return Site("node", Requantize(), types[:1], types[1:], (None,))

    assert is_flip(pair(DType.UINT8, 131, DType.INT8, 3))
    assert is_flip(pair(DType.INT8, 3, DType.UINT8, 131))
    assert not is_flip(pair(DType.UINT8, 131, DType.INT8, 4))
    assert not is_flip(pair(DType.UINT8, 131, DType.INT8, 3, 0.2))
    assert not is_flip(pair(DType.INT8, 3, DType.INT8, 131 - 128))


@pytest.mark.parametrize("rounding", Rounding)
def test_a_conversion_flips_where_nothing_else_changes(rounding: Rounding) -> None:
    x = TensorType((1,), DType.UINT8, QParams.per_tensor(0.1, 131))
    y = TensorType((1,), DType.INT8, QParams.per_tensor(0.1, 3))
    assert np.array_equal(byte_table(x, y, rounding).view(np.uint8), np.arange(256).astype(np.uint8) ^ 0x80)
    assert np.array_equal(byte_table(y, x, rounding).view(np.uint8), np.arange(256).astype(np.uint8) ^ 0x80)


def test_nearest_rounds_as_onnx_says() -> None:
    """Positions of 2 → 4 with half pixels: −0.25, 0.25, 0.75, 1.25; of 4 → 2 with asymmetric pixels 0, 2."""
    assert nearest(2, 4, "half_pixel", "round_prefer_floor").tolist() == [0, 0, 1, 1]
    assert nearest(2, 4, "half_pixel", "floor").tolist() == [0, 0, 0, 1]
    assert nearest(2, 4, "half_pixel", "ceil").tolist() == [0, 1, 1, 1]
    assert nearest(4, 2, "asymmetric", "floor").tolist() == [0, 2]
    assert nearest(3, 5, "align_corners", "round_prefer_floor").tolist() == [0, 0, 1, 1, 2]
    assert nearest(3, 5, "align_corners", "round_prefer_ceil").tolist() == [0, 1, 1, 2, 2]
    assert nearest(5, 1, "pytorch_half_pixel", "floor").tolist() == [0]


def test_litert_is_nearest_up_to_float32() -> None:
    for size, out in ((3, 7), (7, 3), (5, 10), (96, 50), (1, 4)):
        for coordinates, rounding in (("half_pixel", "round_prefer_ceil"), ("asymmetric", "floor")):
            found = nearest_litert(size, out, coordinates, rounding)  # type: ignore[arg-type]
            exact = nearest(size, out, coordinates, rounding)  # type: ignore[arg-type]
            assert np.abs(found - exact).max() <= 1


@pytest.mark.parametrize("coordinates", ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"])
@pytest.mark.parametrize(("size", "out"), [(1, 1), (1, 5), (5, 1), (4, 9), (9, 4), (3, 700)])
def test_weights(coordinates: str, size: int, out: int) -> None:
    exact = line(size, out, coordinates)  # type: ignore[arg-type]
    place = exact.lower + exact.weight / exact.unit
    for make, tolerance in ((line_fast, 1 / 4096), (line_litert, out / 2048 + 1 / 1024)):
        if make is line_litert and coordinates == "pytorch_half_pixel":
            continue
        one = make(size, out, coordinates)  # type: ignore[arg-type]
        assert one.lower.min() >= 0 and one.upper.max() < size
        assert one.weight.min() >= 0 and one.weight.max() <= one.unit
        assert np.abs(one.lower + one.weight / one.unit - place).max() <= tolerance + 1e-9


def test_bilinear_halves() -> None:
    """FAST rounds halves up, LiteRT away from zero."""
    x = np.array([-3, -2], np.int8).reshape(1, 1, 2, 1)
    op = Resize((1, 3), "bilinear", "align_corners")
    for numerics, middle in ((Numerics.FAST, -2), (Numerics.TFLITE, -3)):
        types = TensorType((1, 1, 2, 1), DType.INT8, Q), TensorType((1, 1, 3, 1), DType.INT8, Q)
        (y,) = op.run_int(Site("node", op, types[:1], types[1:], (None,), numerics), [x])
        assert y.ravel().tolist() == [-3, middle, -2]
