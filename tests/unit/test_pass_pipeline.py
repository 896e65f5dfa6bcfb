"""All passes together on networks as exporters write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import NodeProto, helper
from onnx_models import Array, check, model_of
from onnx_reference import reference
from pass_graphs import assert_same_float, assert_same_int, kinds

from edgeq.importers import load
from edgeq.ir.graph import Graph
from edgeq.passes.pipeline import optimize_float, optimize_integer
from edgeq.quantize import QuantConfig, quantize


class Export:
    """Writes an ONNX model as PyTorch exports it: NCHW, batch normalization apart, every bias there."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, Array] = {}
        self.rng = np.random.default_rng(4)

    def const(self, *shape: int, low: float = -0.5, high: float = 0.5) -> str:
        name = f"p{len(self.constants)}"
        self.constants[name] = self.rng.uniform(low, high, shape).astype(np.float32)
        return name

    def add(self, kind: str, *inputs: str, **attributes: object) -> str:
        out = f"/{kind}_{len(self.nodes)}_output_0"
        self.nodes.append(helper.make_node(kind, inputs, [out], name=out.removesuffix("_output_0"), **attributes))
        return out

    def block(self, x: str, inner: int, outer: int, kernel: list[int], stride: int = 1, group: int = 1) -> str:
        """Convolution, batch normalization."""
        pads = [k // 2 for k in kernel] * 2
        w, b = self.const(outer, inner // group, *kernel), self.const(outer)
        strides = [stride] * len(kernel)
        y = self.add("Conv", x, w, b, kernel_shape=kernel, pads=pads, strides=strides, group=group)
        statistics = [self.const(outer), self.const(outer), self.const(outer), self.const(outer, low=0.5, high=2.0)]
        return self.add("BatchNormalization", y, *statistics)

    def finish(self, y: str, **inputs: list[int]) -> object:
        return model_of(self.nodes, inputs, [y], self.constants)


def separable(channels: int) -> object:
    """A DS-CNN with Relu6, GlobalAveragePool and Flatten."""
    net = Export()
    y = net.add("Relu", net.block("x", channels, 8, [5, 3], 2))
    for _ in range(2):
        y = net.add("Relu", net.block(y, 8, 8, [3, 3], group=8))
        y = net.add("Relu", net.block(y, 8, 8, [1, 1]))
    y = net.add("Flatten", net.add("GlobalAveragePool", y), axis=1)
    y = net.add("Gemm", y, net.const(5, 8), net.const(5), transB=1)
    return net.finish(net.add("Softmax", y, axis=1), x=[1, channels, 20, 9])


def residual(channels: int) -> object:
    """A ResNet with a projection and a flattened image at the end."""
    net = Export()
    y = net.add("Relu", net.block("x", channels, 4, [3, 3]))
    z = net.block(net.add("Relu", net.block(y, 4, 4, [3, 3])), 4, 4, [3, 3])
    y = net.add("Relu", net.add("Add", z, y))
    z = net.block(net.add("Relu", net.block(y, 4, 6, [3, 3], 2)), 6, 6, [3, 3])
    y = net.add("Relu", net.add("Add", z, net.block(y, 4, 6, [1, 1], 2)))
    y = net.add("Flatten", net.add("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2]), axis=1)
    return net.finish(net.add("Gemm", y, net.const(5, 24), net.const(5), transB=1), x=[1, channels, 8, 8])


def signal(channels: int) -> object:
    """A network of one-dimensional convolutions."""
    net = Export()
    y = net.add("Relu", net.block("x", channels, 4, [5], 2))
    y = net.add("Relu", net.add("Add", net.block(y, 4, 4, [3]), y))
    return net.finish(net.add("ReduceMean", y, axes=[2], keepdims=0), x=[1, channels, 40])


@pytest.mark.parametrize("make", [separable, residual, signal])
@pytest.mark.parametrize(("channels", "transposes"), [(1, 0), (3, 1)])
def test_exports_of_pytorch(make: object, channels: int, transposes: int, tmp_path: Path) -> None:
    model = make(channels)  # type: ignore[operator]
    graph = check(model, tmp_path)
    after = optimize_float(graph)
    assert kinds(after).count("Transpose") == transposes
    assert not {"Mul", "Clip", "Pad", "MatMul"} & set(kinds(after))
    x = np.random.default_rng(0).normal(0, 1, graph.type("x").shape).astype(np.float32)
    assert_same_float(graph, after, 1e-4)
    assert reference(model, {"x": x})[0].shape == after.type(after.outputs[0]).shape  # type: ignore[arg-type]
    samples = [{"x": x}, {"x": -x}]
    integer = quantize(after, samples, QuantConfig(), after.preferred)
    assert_same_int(integer, optimize_integer(integer), samples=3)


EXPECTED = {
    "ad": {"FullyConnected": 10},
    "ic": {"Conv2D": 9, "Add": 3, "Reshape": 1, "FullyConnected": 1, "Softmax": 1},
    "kws": {"Conv2D": 5, "DepthwiseConv2D": 4, "Reshape": 1, "FullyConnected": 1, "Softmax": 1},
    "vww": {"Conv2D": 14, "DepthwiseConv2D": 13, "Reshape": 1, "FullyConnected": 1, "Softmax": 1},
}
FILES = [
    *(f"{name}_{kind}" for name in EXPECTED for kind in ("float.onnx", "float.tflite", "int8.tflite")),
    *("kws_float_dynamic_batch.onnx", "kws_qdq_int8.onnx", "ic_qdq_int8.onnx"),
]


def census(graph: Graph) -> dict[str, int]:
    """How often each operator occurs, global pools left out."""
    found = [k for k in kinds(graph) if k not in ("Mean", "AveragePool2D")]
    return {k: found.count(k) for k in found}


@pytest.mark.shared
@pytest.mark.parametrize("file", FILES)
def test_the_benchmark_comes_down_to_its_layers(file: str, shared_models: Path) -> None:
    graph = load(shared_models / file)
    after = optimize_float(graph)
    assert census(after) == EXPECTED[file.split("_")[0]]
    assert_same_float(graph, after, 1e-4)
    if "int8" in file:
        assert {q for v in after.values.values() if (q := v.type.q)} <= {v.type.q for v in graph.values.values()}
