"""Broken and unsupported .tflite files: one clear ModelError."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tflite_file import Operator, Tensor, build

from edgeq.errors import EdgeqError, ModelError, ToolError, UsageError
from edgeq.importers import load
from edgeq.importers.tflite import import_bytes

DENSE = {"FusedActivationFunction": 0}


def small_net(weights: Any = None) -> bytes:
    """x → fully connected → reshape → softmax."""
    w = np.ones((3, 4)) if weights is None else weights
    tensors = [
        Tensor("x", (1, 4)),
        Tensor("w", (3, 4), data=w),
        Tensor("h", (1, 3)),
        Tensor("target", (2,), "INT32", [1, 3]),
        Tensor("r", (1, 3)),
        Tensor("y", (1, 3)),
    ]
    ops = [
        Operator("FULLY_CONNECTED", [0, 1, -1], [2], "FullyConnectedOptions", DENSE),
        Operator("RESHAPE", [2, 3], [4], "ReshapeOptions", {"NewShape": [1, 3]}),
        Operator("SOFTMAX", [4], [5], "SoftmaxOptions", {"Beta": 1.0}),
    ]
    return build(tensors, ops, [0], [5])


def refused(content: bytes) -> ModelError:
    """The error a file gives."""
    with pytest.raises(ModelError) as caught:
        import_bytes(content, "net.tflite")
    assert caught.value.hint and caught.value.where
    return caught.value


def test_not_a_tflite_file() -> None:
    for content in (b"", b"TFL3", b"\x08\x00\x00\x00ONNX" + bytes(64), b"PK\x03\x04" * 10):
        assert str(refused(content)) == (
            "net.tflite: this is not a TensorFlow Lite file: its identifier is missing\n"
            "  export the model again, or check that the right file was given"
        )


def test_every_truncation() -> None:
    content = small_net()
    import_bytes(content, "net")
    for size in range(8, len(content), 7):
        try:
            import_bytes(content[:size], "net")
        except ModelError as error:
            assert error.hint


def test_every_flipped_bit() -> None:
    content = small_net()
    for place in range(8, len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << (place % 8)
        try:
            import_bytes(bytes(damaged), "net")
        except EdgeqError as error:
            assert isinstance(error, ModelError | UsageError) and error.hint


def test_absurd_counts() -> None:
    content = small_net()
    for place in range(8, len(content) - 4, 4):
        for value in (0xFFFFFFFF, 0x7FFFFFFF, 0x10000000):
            damaged = content[:place] + value.to_bytes(4, "little") + content[place + 4 :]
            try:
                import_bytes(damaged, "net")
            except EdgeqError as error:
                assert isinstance(error, ModelError | UsageError)


def test_all_unsupported_operators_at_once() -> None:
    tensors = [Tensor(f"t{k}", (1, 4)) for k in range(5)] + [Tensor("t5", (1,))]
    ops = [
        Operator("CUSTOM Whisper", [0], [1]),
        Operator("NEG", [1], [2], "NegOptions"),
        Operator("DILATE", [2], [3]),
        Operator("ABS", [0], [4]),
        Operator("UNIQUE", [4], [5]),
    ]
    assert str(refused(build(tensors, ops, [0], [3, 5]))) == (
        "net.tflite: 3 operators cannot be imported:\n"
        "  #0 t1 (CUSTOM Whisper): the operator CUSTOM Whisper is not supported\n"
        "  #2 t3 (DILATE): the operator DILATE is not supported\n"
        "  #4 t5 (UNIQUE): the operator UNIQUE is not supported\n"
        "  CUSTOM Whisper: "
        "replace it by supported operators (`edgeq ops` lists them), or cut the model before it\n"
        "DILATE: use TRANSPOSE_CONV with a constant kernel\n"
        "UNIQUE: its result is no real number or has no fixed shape: "
        "cut the model before it and do in the application what it does"
    )


@pytest.mark.parametrize(
    ("kind", "advice"),
    [
        ("WHILE", "unroll=True"),
        ("UNIDIRECTIONAL_SEQUENCE_RNN", "unroll=True"),
        ("IF", "without a training switch"),
        ("CUSTOM FlexErf", "TFLITE_BUILTINS alone"),
        ("STABLEHLO_ADD", "not to StableHLO"),
        ("UNIQUE", "in the application"),
        ("RANDOM_UNIFORM", "without dropout"),
        ("CONV_3D_TRANSPOSE", "two-dimensional"),
        ("HASHTABLE_FIND", "give the model the vectors"),
        ("FAKE_QUANT", "tf.lite.Optimize.DEFAULT"),
        ("CUSTOM ethos-u", "from which it was made"),
    ],
)
def test_what_to_do_instead(kind: str, advice: str) -> None:
    assert advice in str(refused(one_op(Tensor("x", (4,)), Tensor("y", (4,)), kind)).hint)


def sparse(levels: list[Any], data: list[float]) -> bytes:
    """A model that adds a sparse matrix (2, 3)."""
    matrix = Tensor("s", (2, 3), data=data, sparse=((0, 1), (), levels))
    options = {"FusedActivationFunction": 0}
    ops = [Operator("DENSIFY", [1], [2]), Operator("ADD", [0, 2], [3], "AddOptions", options)]
    return build([Tensor("x", (2, 3)), matrix, Tensor("d", (2, 3)), Tensor("y", (2, 3))], ops, [0], [3])


@pytest.mark.parametrize(
    ("levels", "data", "message"),
    [
        ([2], [1.0], "order of traversal"),
        ([2, ([0, 1], [0])], [1.0], "too few segments"),
        ([2, ([0, 2, 1], [0, 1])], [1.0, 2.0], "a segment has no indices"),
        ([2, ([0, 1, 2], [0, 3])], [1.0, 2.0], "outside of it"),
        ([2, ([0, 1, 2], [0, 2])], [1.0], "outside of it"),
        ([0, 3], [1.0], "0 indices"),
        ([2**20, 2**20], [1.0], "1048576 indices"),
    ],
)
def test_sparse_constants_that_contradict_themselves(levels: list[Any], data: list[float], message: str) -> None:
    assert message in refused(sparse(levels, data)).message


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_weights_are_named(value: float) -> None:
    w = np.ones((3, 4))
    w[1, 2] = value
    error = refused(small_net(w))
    assert error.message == "the constant 'w' holds NaN or infinite values" and error.where == "#0 h (FULLY_CONNECTED)"


def one_op(x: Tensor, y: Tensor, kind: str = "RELU") -> bytes:
    """A model with one operator."""
    return build([x, y], [Operator(kind, [0], [1])], [0], [1])


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (Tensor("x", (4,), "INT16"), "tensor 'x' is INT16 without a scale"),
        (Tensor("x", (4,), "INT32"), "tensor 'x' is INT32"),
        (Tensor("x", (4,), "FLOAT16"), "tensor 'x' is FLOAT16"),
        (Tensor("x", (4,), "INT8"), "tensor 'x' is INT8 without a scale"),
        (Tensor("x", (4,), "INT8", scale=[0.1] * 4), "activation 'x' is quantized per channel"),
        (Tensor("x", (4,), "INT8", scale=0.0), "tensor 'x' has scale 0.0 and zero-point 0"),
        (Tensor("x", (4,), "INT8", scale=0.1, zero=300), "tensor 'x' has scale"),
        (Tensor("x", (4,), "INT8", scale=float("nan")), "tensor 'x' has scale nan"),
        (Tensor("x", (4,), "INT8", scale=[0.1, 0.2]), "tensor 'x' of shape (4,) has 2 scales along axis 0"),
        (Tensor("x", (2**20, 2**20)), "more than 2^28 elements"),
    ],
)
def test_tensors_edgeq_does_not_take(x: Tensor, message: str) -> None:
    assert message in refused(one_op(x, Tensor("y", (4,)))).message


def test_unreadable_structure() -> None:
    x, y = Tensor("x", (1, 4)), Tensor("y", (1, 4))
    relu = Operator("RELU", [0], [1])
    assert "refers to tensor 9 of 2" in refused(build([x, y], [Operator("RELU", [9], [1])], [0], [1])).message
    assert "no input or no output" in refused(build([x, y], [relu], [], [1])).message
    assert "read before anything computes it" in refused(build([x, y], [Operator("RELU", [1], [0])], [0], [1])).message
    assert "computed twice" in refused(build([x, y], [relu, relu], [0], [1])).message
    assert "is a variable" in refused(one_op(x, Tensor("y", (1, 4), variable=True))).message
    shaped = refused(one_op(x, Tensor("y", (2, 2))))
    assert shaped.message == "the file says (2, 2) where the operator gives (1, 4)" and shaped.where == "#0 y (RELU)"
    constant = [x, Tensor("c", (4,), "INT32", data=np.zeros(4))]
    assert "the constant 'c' is INT32 without a scale" in refused(build(constant, [], [0], [1])).message


@pytest.mark.parametrize(
    ("kind", "table", "options", "message"),
    [
        (
            "MAX_POOL_2D",
            "Pool2DOptions",
            {"FilterHeight": 2, "FilterWidth": 2, "StrideH": 0, "StrideW": 1},
            "stride is 0",
        ),
        (
            "MAX_POOL_2D",
            "Pool2DOptions",
            {"FilterHeight": -1, "FilterWidth": 2, "StrideH": 1, "StrideW": 1},
            "kernel is -1",
        ),
        ("CONV_2D", "Conv2DOptions", {"StrideH": 1, "StrideW": 1}, "its weights are computed at run time"),
        ("DEPTH_TO_SPACE", "DepthToSpaceOptions", {"BlockSize": 3}, "does not fit block size 3"),
        ("LEAKY_RELU", "LeakyReluOptions", {"Alpha": float("nan")}, "its option Alpha is nan"),
        ("SOFTMAX", "SoftmaxOptions", {"Beta": -1.0}, "its beta is -1.0"),
        ("UNPACK", "UnpackOptions", {"Num": 1, "Axis": 7}, "axis 7 does not exist in 4 dimensions"),
        ("RESHAPE", "ReshapeOptions", {"NewShape": [7, 7]}, "16 elements cannot take the shape (7, 7)"),
        ("ADD", "AddOptions", {"FusedActivationFunction": 4}, "fused activation TANH"),
        ("MEAN", "ReducerOptions", {}, "its operand 1 is absent"),
        ("MAX_POOL_2D", "SoftmaxOptions", {}, "options of another operator"),
    ],
)
def test_operators_that_do_not_fit(kind: str, table: str, options: dict[str, Any], message: str) -> None:
    content = build([Tensor("x", (1, 2, 2, 4)), Tensor("y", ())], [Operator(kind, [0], [1], table, options)], [0], [1])
    assert message in refused(content).message


def test_through_the_front_door(tmp_path: Path) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(small_net()[:-40])
    with pytest.raises(ModelError) as caught:
        load(path)
    assert caught.value.where.endswith("broken.tflite")
    with pytest.raises(UsageError, match="there is no such model"):
        load(tmp_path / "absent.tflite")


def test_tensorflow_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.h5"
    path.write_bytes(b"nothing")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ToolError) as caught:
        load(path)
    assert 'pip install "edgeq[tensorflow]"' in caught.value.hint
