"""Models that onnxruntime quantized, with all its options: the integers of edgeq beside what ONNX defines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import ints, model_of, weights
from onnx_reference import session
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

import edgeq
from edgeq.ir.tensor import DType
from edgeq.report.accuracy import quantize_inputs
from edgeq.simulator import run_int

node = helper.make_node
SHAPE = (1, 3, 8, 8)


def network() -> onnx.ModelProto:
    """Convolutions, a gate, joins, moves, products of matrices; softmax and tanh have scales of their own."""
    nodes = [
        node("Conv", ["x", "w1", "b1"], ["c1"], pads=[1] * 4, name="conv"),
        node("HardSigmoid", ["c1"], ["h"], alpha=1 / 6, beta=0.5, name="gate"),
        node("Mul", ["c1", "h"], ["m"], name="mul"),
        node("Conv", ["m", "w2", "b2"], ["c2"], pads=[1] * 4, group=6, name="depthwise"),
        node("Clip", ["c2", "zero", "six"], ["r"], name="relu6"),
        node("Add", ["m", "r"], ["a"], name="add"),
        node("MaxPool", ["a"], ["p1"], kernel_shape=[2, 2], strides=[2, 2], name="max"),
        node("AveragePool", ["a"], ["p2"], kernel_shape=[2, 2], strides=[2, 2], name="mean"),
        node("Concat", ["p1", "p2"], ["j"], axis=1, name="join"),
        node("LeakyRelu", ["j"], ["l"], alpha=0.25, name="leaky"),
        node("Transpose", ["l"], ["t"], perm=[0, 2, 3, 1], name="transpose"),
        node("Reshape", ["t", "rows"], ["s"], name="reshape"),
        node("MatMul", ["s", "w3"], ["d"], name="matmul"),
        node("Tanh", ["d"], ["th"], name="tanh"),
        node("Softmax", ["th"], ["sm"], axis=-1, name="softmax"),
        node("ReduceMean", ["sm"], ["q"], axes=[1], keepdims=0, name="average"),
        node("Gemm", ["q", "w4", "b4"], ["y"], name="gemm"),
    ]
    constants = {
        "w1": weights(6, 3, 3, 3), "b1": weights(6), "w2": weights(6, 1, 3, 3), "b2": weights(6),
        "zero": np.float32(0), "six": np.float32(6), "rows": ints(1, 16, 12), "w3": weights(12, 7),
        "w4": weights(7, 5), "b4": weights(5),
    }  # fmt: skip
    model = model_of(nodes, {"x": list(SHAPE)}, ["y"], constants)
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 5]))
    return model


class Samples(CalibrationDataReader):  # type: ignore[misc]
    """Calibration data for onnxruntime."""

    def __init__(self) -> None:
        rng = np.random.default_rng(3)
        self.data = [rng.normal(size=SHAPE).astype(np.float32) for _ in range(8)]
        self.rest = iter(self.data)

    def get_next(self) -> dict[str, Any] | None:
        found = next(self.rest, None)
        return None if found is None else {"x": found}


def quantized(folder: Path, form: str, activations: str, weights: str, **options: Any) -> tuple[Path, Samples]:
    source, target, samples = folder / "float.onnx", folder / "quantized.onnx", Samples()
    source.write_bytes(network().SerializeToString())
    quantize_static(
        str(source),
        str(target),
        samples,
        quant_format=QuantFormat[form],
        activation_type=QuantType[activations],
        weight_type=QuantType[weights],
        **options,
    )
    return target, samples


KINDS = (("QInt8", "QInt8"), ("QUInt8", "QInt8"), ("QUInt8", "QUInt8"))
OPTIONS: Mapping[str, dict[str, Any]] = {
    "plain": {},
    "per_channel": {"per_channel": True},
    "reduce_range": {"reduce_range": True},
    "symmetric": {"extra_options": {"ActivationSymmetric": True}},
    "asymmetric_weights": {"extra_options": {"WeightSymmetric": False}},
    "everything": {"extra_options": {"ForceQuantizeNoInputCheck": True}},
    "float_bias": {"extra_options": {"QuantizeBias": False}},
    "pairs": {"extra_options": {"DedicatedQDQPair": True, "AddQDQPairToWeight": True}},
    "contrib": {"extra_options": {"UseQDQContribOps": True}},
}


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("kind", KINDS, ids=["s8s8", "u8s8", "u8u8"])
@pytest.mark.parametrize("form", ["QDQ", "QOperator"])
def test_options_of_onnxruntime(form: str, kind: tuple[str, str], options: str, tmp_path: Path) -> None:
    """Roundings differ by a step here and there, which 40 dB beside the model's own 8 bits allow."""
    path, samples = quantized(tmp_path, form, *kind, **OPTIONS[options])
    graph = edgeq.quantize(path, [{"x": x} for x in samples.data]).graph
    running = session(path)
    expected = np.stack([running.run(None, {"x": x})[0] for x in samples.data]).astype(np.float64)
    q = graph.type("y").qp
    found = np.stack([q.dequantize(run_int(graph, quantize_inputs(graph, {"x": x}))["y"]) for x in samples.data])
    error = float(((found - expected) ** 2).sum())
    assert 10 * np.log10(float((expected**2).sum()) / error) > 40.0 if error else True
    assert np.abs(found - expected).max() <= 4.01 * q.s


@pytest.mark.parametrize("kind", ["QInt16", "QUInt16"])
def test_activations_of_16_bits(kind: str, tmp_path: Path) -> None:
    """As onnxruntime computes them in real numbers; unsigned ones get another, symmetric scale."""
    path, samples = quantized(tmp_path, "QDQ", kind, "QInt8")
    graph = edgeq.quantize(path, [{"x": x} for x in samples.data]).graph
    assert graph.type("y").dtype is DType.INT16
    running = session(path)
    expected = np.stack([running.run(None, {"x": x})[0] for x in samples.data]).astype(np.float64)
    q = graph.type("y").qp
    found = np.stack([q.dequantize(run_int(graph, quantize_inputs(graph, {"x": x}))["y"]) for x in samples.data])
    assert 10 * np.log10((expected**2).sum() / ((found - expected) ** 2).sum()) > 60.0
