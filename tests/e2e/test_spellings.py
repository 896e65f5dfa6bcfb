"""What exporters spell in ways that look harmless and cost accuracy: from ONNX file to integers and to C.

Every case is a whole model. It must come out as close to onnxruntime's float result as it says, and its program must
equal the simulator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx_models import ints, model_of, weights
from onnx_reference import session

import edgeq
from edgeq.api import QuantizedModel
from edgeq.report.accuracy import quantize_inputs, real_output, sqnr_db
from edgeq.simulator import IntExecutor

node = helper.make_node
LOWEST = float(np.finfo(np.float32).min)


@dataclass(frozen=True)
class Spelling:
    """A model, and what is expected of it.

    Attributes:
        name: of the case.
        model: makes the model; its input is x.
        shape: of x.
        least_db: the worst ratio of signal to noise of any output.
        absent: operators that must not be left in the integer graph.
        low, high: the range of x.
    """

    name: str
    model: Callable[[], onnx.ModelProto]
    shape: tuple[int, ...]
    least_db: float
    absent: frozenset[str] = frozenset()
    low: float = -1.0
    high: float = 1.0


def padded_pool(value: float, by_concat: bool = False, dilation: int = 1) -> onnx.ModelProto:
    """Conv → padding → MaxPool, and a Conv beside it that reads what is padded."""
    border = np.full((1, 8, 1, 8), value, np.float32)
    pad = (
        node("Concat", ["a", "border"], ["p"], axis=2)
        if by_concat
        else node("Pad", ["a", "pads", "value"], ["p"], mode="constant")
    )
    return model_of(
        [
            node("Conv", ["x", "w"], ["a"]),
            pad,
            node("MaxPool", ["p"], ["y"], kernel_shape=[2, 2], dilations=[dilation] * 2),
            node("Conv", ["a", "v"], ["z"]),
        ],
        {"x": (1, 4, 8, 8)},
        ["y", "z"],
        {
            "w": weights(8, 4, 1, 1),
            "v": weights(4, 8, 1, 1),
            **({"border": border} if by_concat else {"pads": ints(0, 0, 0, 0, 0, 0, 1, 1), "value": np.float32(value)}),
        },
    )


def padded_maximum() -> onnx.ModelProto:
    """Conv → padding by a number below all others → maximum over everything."""
    return model_of(
        [
            node("Conv", ["x", "w"], ["a"]),
            node("Pad", ["a", "pads", "value"], ["p"], mode="constant"),
            node("GlobalMaxPool", ["p"], ["g"]),
            node("Flatten", ["g"], ["f"]),
            node("Gemm", ["f", "v"], ["y"], transB=1),
        ],
        {"x": (1, 4, 8, 8)},
        ["y"],
        {
            "w": weights(8, 4, 1, 1),
            "v": weights(3, 8),
            "pads": ints(0, 0, 0, 0, 0, 0, 1, 1),
            "value": np.float32(-1e9),
        },
    )


def activated(functions: Sequence[onnx.NodeProto], constants: Mapping[str, np.ndarray]) -> onnx.ModelProto:
    """Conv → a function spelled in several nodes, `s` of `a` → Conv."""
    return model_of(
        [node("Conv", ["x", "w"], ["a"], pads=[1] * 4), *functions, node("Conv", ["s", "v"], ["y"])],
        {"x": (1, 4, 8, 8)},
        ["y"],
        {"w": weights(8, 4, 3, 3), "v": weights(4, 8, 1, 1), **constants},
    )


def silu() -> onnx.ModelProto:
    """x · sigmoid(x)."""
    return activated([node("Sigmoid", ["a"], ["g"]), node("Mul", ["a", "g"], ["s"])], {})


def mish() -> onnx.ModelProto:
    """x · tanh(log(1 + exp(x)))."""
    nodes = [
        node("Exp", ["a"], ["e"]),
        node("Add", ["e", "one"], ["f"]),
        node("Log", ["f"], ["p"]),
        node("Tanh", ["p"], ["t"]),
        node("Mul", ["a", "t"], ["s"]),
    ]
    return activated(nodes, {"one": np.float32(1)})


def keras_hard_silu() -> onnx.ModelProto:
    """x · clip(0.2 x + 0.5, 0, 1)."""
    return activated(
        [node("HardSigmoid", ["a"], ["g"], alpha=0.2, beta=0.5), node("Mul", ["g", "a"], ["s"])],
        {},
    )


NORM = ("gamma", "beta", "mean", "variance")


def normalization(channels: int) -> dict[str, np.ndarray]:
    """Parameters of a batch normalization whose channels are very unlike."""
    rng = np.random.default_rng(channels)
    return {
        "gamma": rng.uniform(0.5, 2.0, channels).astype(np.float32),
        "beta": rng.normal(0, 1, channels).astype(np.float32),
        "mean": rng.normal(0, 0.3, channels).astype(np.float32),
        "variance": np.geomspace(0.02, 3.0, channels).astype(np.float32) ** 2,
    }


def normalized_concat() -> onnx.ModelProto:
    """Branches of unlike range → Concat → BatchNormalization → Relu → Conv, as in DenseNet and Inception."""
    return model_of(
        [
            node("Conv", ["x", "w"], ["a"]),
            node("Conv", ["x", "u"], ["b"]),
            node("Concat", ["a", "b"], ["c"], axis=1),
            node("BatchNormalization", ["c", *NORM], ["d"]),
            node("Relu", ["d"], ["r"]),
            node("Conv", ["r", "v"], ["y"]),
        ],
        {"x": (1, 4, 8, 8)},
        ["y"],
        {
            "w": weights(8, 4, 1, 1) * np.float32(0.02),
            "u": weights(8, 4, 1, 1) * np.float32(3),
            "v": weights(6, 16, 1, 1),
            **normalization(16),
        },
    )


def normalized_after(rest: Sequence[onnx.NodeProto], constants: Mapping[str, np.ndarray]) -> onnx.ModelProto:
    """Conv → Relu → BatchNormalization → `rest`, which makes `y` of `d`."""
    return model_of(
        [
            node("Conv", ["x", "w"], ["a"], pads=[1] * 4),
            node("Relu", ["a"], ["r"]),
            node("BatchNormalization", ["r", *NORM], ["d"]),
            *rest,
        ],
        {"x": (1, 4, 8, 8)},
        ["y"],
        {"w": weights(16, 4, 3, 3), **normalization(16), **constants},
    )


def normalized_before_valid() -> onnx.ModelProto:
    """The next convolution takes it over."""
    return normalized_after([node("Conv", ["d", "v"], ["y"])], {"v": weights(6, 16, 3, 3)})


def normalized_before_padded() -> onnx.ModelProto:
    """A padded convolution pads what is normalized already."""
    return normalized_after([node("Conv", ["d", "v"], ["y"], pads=[1] * 4)], {"v": weights(6, 16, 3, 3)})


def normalized_before_pool() -> onnx.ModelProto:
    """Behind a pool and a view, the dense layer takes it over."""
    return normalized_after(
        [
            node("MaxPool", ["d"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
            node("Flatten", ["p"], ["f"]),
            node("Gemm", ["f", "v"], ["y"], transB=1),
        ],
        {"v": weights(6, 256)},
    )


def normalized_before_average() -> onnx.ModelProto:
    """Behind the average over everything."""
    return normalized_after(
        [
            node("GlobalAveragePool", ["d"], ["p"]),
            node("Flatten", ["p"], ["f"]),
            node("Gemm", ["f", "v"], ["y"], transB=1),
        ],
        {"v": weights(6, 16)},
    )


TOKENS, WIDTH = 12, 8
CAUSAL = np.triu(np.ones((TOKENS, TOKENS)), 1) == 1
PADDED = np.arange(TOKENS) >= 9


def attention(masking: Sequence[onnx.NodeProto], constants: Mapping[str, np.ndarray]) -> onnx.ModelProto:
    """Attention with one head; `masking` makes `masked` of `scores`. The probabilities are an output, too."""
    return model_of(
        [
            *(node("MatMul", ["x", f"w{n}"], [n]) for n in "qkv"),
            node("Transpose", ["k"], ["kt"], perm=[0, 2, 1]),
            node("MatMul", ["q", "kt"], ["scores"]),
            *masking,
            node("Softmax", ["masked"], ["p"], axis=-1),
            node("MatMul", ["p", "v"], ["y"]),
        ],
        {"x": (1, TOKENS, WIDTH)},
        ["y", "p"],
        {
            "wq": weights(WIDTH, WIDTH + 1)[:, :-1],
            "wk": weights(WIDTH, WIDTH + 2)[:, :-2],
            "wv": weights(WIDTH, WIDTH + 3)[:, :-3],
            **constants,
        },
    )


def added(hidden: np.ndarray, value: float) -> onnx.ModelProto:
    """A constant mask is added."""
    mask = np.where(hidden, np.float32(value), np.float32(0))
    return attention([node("Add", ["scores", "mask"], ["masked"])], {"mask": mask})


def chosen(hidden: np.ndarray, value: float) -> onnx.ModelProto:
    """PyTorch's masked_fill."""
    fill = np.float32(value)
    return attention([node("Where", ["hidden", "fill", "scores"], ["masked"])], {"hidden": hidden, "fill": fill})


def computed_from_a_mask() -> onnx.ModelProto:
    """(1 - m) * -10000, broadcast, as BERT has it."""
    return attention(
        [
            node("Unsqueeze", ["m", "axis"], ["m3"]),
            node("Sub", ["one", "m3"], ["inverse"]),
            node("Mul", ["inverse", "big"], ["addend"]),
            node("Expand", ["addend", "shape"], ["whole"]),
            node("Add", ["whole", "scores"], ["masked"]),
        ],
        {
            "m": (~PADDED)[None].astype(np.float32),
            "axis": ints(1),
            "one": np.float32(1),
            "big": np.float32(-1e4),
            "shape": ints(1, TOKENS, TOKENS),
        },
    )


def multiplied_and_subtracted() -> onnx.ModelProto:
    """scores * m - 10000 * (1 - m), as GPT-2 had it."""
    return attention(
        [node("Mul", ["scores", "m"], ["kept"]), node("Sub", ["kept", "big"], ["masked"])],
        {"m": (~CAUSAL).astype(np.float32), "big": np.where(CAUSAL, np.float32(1e4), np.float32(0))},
    )


def beside_a_bias() -> onnx.ModelProto:
    """A position bias, and a mask behind a view."""
    return attention(
        [
            node("Add", ["scores", "bias"], ["biased"]),
            node("Unsqueeze", ["biased", "axis"], ["four"]),
            node("Add", ["four", "mask"], ["sum"]),
            node("Reshape", ["sum", "shape"], ["masked"]),
        ],
        {
            "bias": weights(TOKENS, TOKENS),
            "axis": ints(1),
            "mask": np.where(CAUSAL, -np.inf, 0)[None, None].astype(np.float32),
            "shape": ints(1, TOKENS, TOKENS),
        },
    )


WHOLE_ROW = CAUSAL | (np.arange(TOKENS) == 5)[:, None]
X = (1, 4, 8, 8)
T = (1, TOKENS, WIDTH)
MASK = frozenset({"Add", "Minimum", "Maximum", "Mul", "Softmax"})
PAD = frozenset({"Pad", "Concat"})
AFFINE = frozenset({"DepthwiseConv2D", "Mul", "Add"})
SPELLINGS = (
    Spelling("pad_minus_infinity", lambda: padded_pool(-np.inf), X, 35.0, PAD),
    Spelling("pad_lowest", lambda: padded_pool(LOWEST), X, 35.0, PAD),
    Spelling("pad_far_below", lambda: padded_pool(-1e4), X, 35.0, PAD),
    Spelling("pad_just_below", lambda: padded_pool(-4.5), X, 35.0, PAD),
    Spelling("pad_within", lambda: padded_pool(-0.5), X, 35.0),
    Spelling("pad_by_concat", lambda: padded_pool(-1e9, by_concat=True), X, 35.0, PAD),
    Spelling("pad_before_dilated", lambda: padded_pool(-1e9, dilation=2), X, 35.0),
    Spelling("pad_before_maximum", padded_maximum, X, 35.0),
    Spelling("mask_1e9", lambda: added(CAUSAL, -1e9), T, 29.0, MASK),
    Spelling("mask_infinity", lambda: added(CAUSAL, -np.inf), T, 29.0, MASK),
    Spelling("mask_lowest", lambda: added(PADDED, LOWEST), T, 29.0, MASK),
    Spelling("mask_100", lambda: added(CAUSAL, -100.0), T, 29.0, MASK),
    Spelling("mask_fill_infinity", lambda: chosen(CAUSAL, -np.inf), T, 29.0, MASK),
    Spelling("mask_fill_lowest", lambda: chosen(PADDED[None], LOWEST), T, 29.0, MASK),
    Spelling("mask_rows_hidden", lambda: added(WHOLE_ROW, -1e9), T, 29.0, MASK),
    Spelling("mask_rows_filled", lambda: chosen(WHOLE_ROW, -1e9), T, 29.0, MASK),
    Spelling("mask_rows_hidden_little", lambda: added(WHOLE_ROW, -1e4), T, 29.0, MASK),
    Spelling("mask_computed", computed_from_a_mask, T, 29.0, MASK),
    Spelling("mask_multiplied", multiplied_and_subtracted, T, 29.0, MASK),
    Spelling("normalized_concat", normalized_concat, X, 29.0, frozenset({"DepthwiseConv2D", "Mul", "Add", "Clip"})),
    Spelling("normalized_before_valid", normalized_before_valid, X, 31.0, AFFINE),
    Spelling("normalized_before_padded", normalized_before_padded, X, 31.0, AFFINE - {"DepthwiseConv2D"}),
    Spelling("normalized_before_pool", normalized_before_pool, X, 31.0, AFFINE),
    Spelling("normalized_before_average", normalized_before_average, X, 31.0, AFFINE),
    Spelling("silu", silu, X, 31.0, frozenset({"Mul", "Sigmoid"})),
    Spelling("mish", mish, X, 31.0, frozenset({"Mul", "Exp", "Log", "Tanh"})),
    Spelling("hard_silu", keras_hard_silu, X, 31.0, frozenset({"Mul", "HardSigmoid"})),
    Spelling("mask_and_bias", beside_a_bias, T, 29.0, MASK - {"Add"}),
)


def quantized(spelling: Spelling, folder: Path) -> tuple[QuantizedModel, Path, np.ndarray]:
    """The model quantized, its file, and the samples."""
    file = folder / "model.onnx"
    onnx.save(spelling.model(), file)
    rng = np.random.default_rng(5)
    x = rng.uniform(spelling.low, spelling.high, (48, *spelling.shape[1:])).astype(np.float32)
    np.savez(folder / "x.npz", x=x)
    return edgeq.quantize(file, folder / "x.npz"), file, x


@pytest.mark.parametrize("spelling", SPELLINGS, ids=lambda s: s.name)
def test_accuracy(spelling: Spelling, tmp_path: Path) -> None:
    model, file, x = quantized(spelling, tmp_path)
    run, executor = session(file), IntExecutor(model.graph)
    expected = [run.run(None, {"x": one[None]}) for one in x[:16]]
    found = [executor.run(quantize_inputs(model.graph, {"x": one[None]})) for one in x[:16]]
    for k, name in enumerate(model.graph.outputs):
        reference = np.stack([e[k] for e in expected])
        actual = np.stack([real_output(model.graph, name, f[name]) for f in found])
        ratio = sqnr_db(reference, actual)
        assert ratio is not None and ratio >= spelling.least_db, name
    assert not spelling.absent & {n.op.kind for n in model.graph.nodes}


BUILT = ("pad_far_below", "pad_before_dilated", "mask_rows_hidden", "mask_and_bias", "normalized_before_padded", "mish")
"""One for each way in which the code differs."""


@pytest.mark.slow
@pytest.mark.parametrize("spelling", [s for s in SPELLINGS if s.name in BUILT], ids=lambda s: s.name)
def test_the_program_equals_the_simulator(spelling: Spelling, tmp_path: Path) -> None:
    model, file, _ = quantized(spelling, tmp_path)
    options = edgeq.BuildOptions(model=file, target="host", output=tmp_path / "out", sanitize=True)
    edgeq.build(options, model=model)
    found = edgeq.verify(tmp_path / "out", tmp_path / "x.npz", samples=8)
    assert (found["mismatches"], found["max_abs_diff"]) == (0, 0)
