"""Raw sensor bytes as input: the graph computes (raw · scale − mean) / std first, whatever the way."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.errors import UsageError
from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.reshape import Reshape
from edgeq.ops.tanh import Tanh
from edgeq.ops.transpose import Transpose
from edgeq.passes.pipeline import optimize_float
from edgeq.quantize import quantize
from edgeq.quantize.preprocess import InputSpec, apply_preprocessing, graph_values
from edgeq.report.accuracy import quantize_inputs, real_output, sqnr_db
from edgeq.simulator import run_float, run_int

RNG = np.random.default_rng(8)


def convolution(nchw: bool = False, padding: int = 0, bias: bool = True) -> Graph:
    e = GraphEditor("g")
    x = e.input("x", TensorType((1, 3, 5, 6) if nchw else (1, 5, 6, 3)))
    if nchw:
        (x,) = e.add(Transpose((0, 2, 3, 1)), [x], "nhwc")
    w = e.constant("w", RNG.normal(size=(4, 3, 3, 3)).astype(np.float32))
    b = e.constant("b", RNG.normal(size=4).astype(np.float32)) if bias else None
    e.outputs = list(e.add(Conv2D(padding=(padding,) * 4), [x, w, b], "conv"))
    return e.finish()


def dense() -> Graph:
    e = GraphEditor("g")
    x = e.input("x", TensorType((1, 12)))
    (r,) = e.add(Reshape((1, 12)), [x], "flat")
    w = e.constant("w", RNG.normal(size=(4, 12)).astype(np.float32))
    e.outputs = list(e.add(FullyConnected(), [r, w, None], "dense"))
    return e.finish()


def raw_samples(graph: Graph, count: int = 20) -> list[np.ndarray]:
    return [RNG.integers(0, 256, graph.type("x").shape).astype(np.uint8) for _ in range(count)]


def model_values(spec: InputSpec, raw: np.ndarray, axis: int) -> np.ndarray:
    shape = [1] * raw.ndim
    shape[axis] = -1
    scale, mean, std = (
        np.reshape(v, shape if len(v) > 1 else (1,) * raw.ndim) for v in (spec.scale, spec.mean, spec.std)
    )
    return ((raw * scale - mean) / std).astype(np.float32)


def check(graph: Graph, spec: InputSpec, axis: int = -1, exact: float = 1e-5, least: float = 30.0) -> Graph:
    """The preprocessed graph gives on raw bytes what the original gives on preprocessed values, float and int8."""
    changed = optimize_float(apply_preprocessing(graph, spec))
    name = graph.outputs[0]
    raws = raw_samples(graph)
    expected = [run_float(graph, {"x": model_values(spec, raw, axis)})[name] for raw in raws]
    inputs = [{"x": graph_values(changed, spec, raw)} for raw in raws]
    found = [run_float(changed, s)[changed.outputs[0]] for s in inputs]
    top = float(np.abs(expected).max())
    assert np.abs(np.array(expected) - found).max() <= exact * top
    # The device takes the bytes as they are.
    integer = quantize(changed, inputs)
    assert integer.inputs == ("x",) and integer.type("x").dtype is DType.UINT8
    for raw, sample in zip(raws, inputs, strict=True):
        assert np.array_equal(quantize_inputs(integer, sample)["x"], raw)
    results = [real_output(integer, name, run_int(integer, {"x": raw})[name]) for raw in raws]
    quality = sqnr_db(np.array(expected), np.array(results))
    assert quality is not None and quality > least
    # Values that the model sees and raw bytes are the same data.
    again = graph_values(changed, spec, model_values(spec, raws[0], axis))
    assert np.allclose(again, inputs[0]["x"], atol=1e-4 * np.abs(inputs[0]["x"]).max())
    return integer


@pytest.mark.parametrize("nchw", [False, True])
@pytest.mark.parametrize("padding", [0, 1])
def test_whole_zero_points_cost_nothing(nchw: bool, padding: int) -> None:
    integer = check(convolution(nchw, padding), InputSpec(scale=(1 / 255,)))
    assert [n.op.kind for n in integer.nodes if n.op.kind not in ("Reshape", "Transpose")] == ["Requantize", "Conv2D"]
    assert integer.type("x").qp == QParams.per_tensor(1 / 255, 0)
    check(convolution(nchw, padding), InputSpec(mean=(128.0,), std=(64.0,)))


@pytest.mark.parametrize("bias", [False, True])
def test_fractional_zero_points_go_into_the_bias(bias: bool) -> None:
    integer = check(convolution(bias=bias), InputSpec(mean=(0.5,), std=(0.5,), scale=(1 / 255,)))
    assert [n.op.kind for n in integer.nodes] == ["Requantize", "Conv2D"]
    check(dense(), InputSpec(mean=(0.3,), std=(0.25,), scale=(1 / 255,)))


def test_with_padding_the_border_is_off_by_less_than_half_a_step() -> None:
    spec = InputSpec(mean=(0.5,), std=(0.5,), scale=(1 / 255,))
    check(convolution(padding=1), spec, exact=0.02)


def test_without_a_layer_the_rest_is_added() -> None:
    e = GraphEditor("g")
    x = e.input("x", TensorType((1, 8)))
    e.outputs = list(e.add(Tanh(), [x], "y"))
    check(e.finish(), InputSpec(mean=(0.5,), std=(0.5,), scale=(1 / 255,)), least=35.0)


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("nchw", [False, True])
def test_per_channel(nchw: bool, padding: int) -> None:
    spec = InputSpec(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), scale=(1 / 255,))
    integer = check(convolution(nchw, padding), spec, axis=1 if nchw else 3)
    assert integer.type("x").qp == QParams.per_tensor(1.0, 0)


def test_per_channel_of_a_vector() -> None:
    check(dense(), InputSpec(mean=tuple(np.linspace(0, 50, 12)), std=tuple(np.linspace(50, 100, 12))))


def test_a_mean_outside_the_range_is_computed() -> None:
    check(convolution(), InputSpec(mean=(-300.0,), std=(100.0,)), least=25.0)


def test_a_model_quantized_elsewhere_keeps_its_input() -> None:
    def quantized(q: QParams) -> Graph:
        graph = convolution()
        e = graph.edit()
        e.set_type("x", TensorType(graph.type("x").shape, q=q))
        return e.finish()

    spec = InputSpec(mean=(128.0,), std=(64.0,))
    same = apply_preprocessing(quantized(QParams.per_tensor(1 / 64, 0)), spec)
    assert [n.op.kind for n in same.nodes] == ["Conv2D"]
    other = apply_preprocessing(quantized(QParams.per_tensor(0.02, 5)), spec)
    assert [n.op.kind for n in other.nodes] == ["Requantize", "Conv2D"]
    assert other.type(other.nodes[0].outputs[0]).qp == QParams.per_tensor(0.02, 5)
    assert other.type("x").qp == QParams.per_tensor(1 / 64, 0) and other.ports == {"x": DType.UINT8}
    assert other.inputs == ("x",)


def test_tables() -> None:
    spec = InputSpec.from_dict({"mean": [1, 2, 3], "std": 2.0, "scale": 0.5, "name": "x"})
    assert spec == InputSpec((1.0, 2.0, 3.0), (2.0,), (0.5,), "x")
    assert InputSpec.from_dict(spec.to_dict()) == spec
    assert InputSpec.from_dict({}) == InputSpec() == InputSpec.from_dict(InputSpec().to_dict())


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"means": 1}, "unknown key 'means'"),
        ({"mean": "a"}, "neither a number"),
        ({"mean": [True]}, "neither a number"),
        ({"mean": []}, "neither a number"),
        ({"std": 0.0}, "greater than 0"),
        ({"scale": -1}, "greater than 0"),
        ({"mean": float("nan")}, "finite"),
        ({"mean": [1, 2], "std": [1, 2, 3]}, "different numbers"),
    ],
)
def test_wrong_tables(table: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        InputSpec.from_dict(table)


def test_wrong_inputs() -> None:
    with pytest.raises(UsageError, match="no input 'z'"):
        apply_preprocessing(convolution(), InputSpec(name="z"))
    with pytest.raises(UsageError, match="2 channels"):
        apply_preprocessing(convolution(), InputSpec(mean=(1.0, 2.0)))
