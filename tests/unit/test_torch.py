"""Training with torch: what is learned, and that edgeq computes with the very integers of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import DIGITS

import edgeq
from edgeq.errors import ModelError, ToolError, UsageError
from edgeq.executor import Executor, IntArithmetic
from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.op import registry
from edgeq.ir.tensor import DType, TensorType
from edgeq.report.accuracy import quantize_inputs
from edgeq.simulator import FloatExecutor, IntExecutor

try:
    import torch
except ImportError:
    torch = None  # type: ignore[assignment]

needs_torch = pytest.mark.skipif(torch is None, reason="optional: torch is not installed (pip install -e .[torch])")
DATA = DIGITS / "calibration.npz"
RELU, RELU6 = (0.0, float("inf")), (0.0, 6.0)


def network() -> Graph:
    """One of every kind of operator that learns or passes gradients on: image (1, 8, 8, 3) → probabilities (1, 5)."""
    rng, ops, edit = np.random.default_rng(3), registry(), GraphEditor("every kind")

    def constant(name: str, *shape: int) -> str:
        return edit.constant(name, rng.normal(0.0, 0.5, shape).astype(np.float32))

    def add(kind: str, inputs: list[str], name: str, **attributes: object) -> str:
        return edit.add(ops[kind](**attributes), inputs, name)[0]

    x = edit.input("image", TensorType((1, 8, 8, 3)))
    stem = add("Conv2D", [x, constant("w0", 6, 3, 3, 3), constant("b0", 6)], "stem", padding=(1, 1, 1, 1), clamp=RELU6)
    deep = add("DepthwiseConv2D", [stem, constant("w1", 3, 3, 6)], "deep", stride=(2, 2), padding=(0, 0, 1, 1))
    swish = add("HardSwish", [deep], "swish")
    point = add("Conv2D", [swish, constant("w2", 6, 1, 1, 6), constant("b2", 6)], "point")
    sum = add("Add", [swish, point], "sum", clamp=RELU)
    less = add("Sub", [sum, constant("c", 6)], "less")
    product = add("Mul", [less, point], "product")
    top = add("MaxPool2D", [product], "top", kernel=(2, 2), stride=(2, 2))
    mean = add("AveragePool2D", [sum], "mean", kernel=(3, 3), stride=(2, 2), padding=(0, 0, 1, 1))
    both = add("Concat", [top, mean], "both", axis=3)
    turned = add("Transpose", [both], "turned", perm=(0, 3, 1, 2))
    flat = add("Reshape", [turned], "flat", shape=(1, 48))
    gate = add("Sigmoid", [add("Mean", [both], "average", axes=(1, 2), keepdims=False)], "gate")
    scores = add("FullyConnected", [flat, constant("w3", 5, 48), constant("b3", 5)], "scores")
    gated = add("FullyConnected", [gate, constant("w4", 5, 12), constant("b4", 5)], "gated", clamp=RELU)
    edit.outputs = [add("Softmax", [add("Add", [scores, gated], "total")], "probabilities", axis=1), gated]
    return edit.finish()


def images(count: int = 24) -> np.ndarray:
    return np.random.default_rng(5).normal(0.0, 1.0, (count, 8, 8, 3)).astype(np.float32)


@needs_torch
def test_float_network_computes_what_the_graph_does() -> None:
    from edgeq.torch import FloatNetwork

    graph, x = network(), images(3)
    module = FloatNetwork(graph)
    values = module.values({"image": torch.from_numpy(x[:, None])})
    for k in range(3):
        for name, wanted in FloatExecutor(graph).run({"image": x[k : k + 1]}).items():
            assert np.allclose(values[name][k : k + 1].detach().numpy(), wanted, rtol=1e-4, atol=1e-5), name
    values["probabilities"].square().sum().backward()
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in module.parameters() if p.requires_grad)


@needs_torch
@pytest.mark.parametrize(("bits", "rank"), [(8, 0), (2, 0), ("ternary", 2), ("binary", 0)])
def test_trained_integers_are_those_of_edgeq(bits: int | str, rank: int) -> None:
    from edgeq.torch import FloatNetwork, prepare
    from edgeq.torch.distillation import Aim, configured, stacked

    x = images()
    module = prepare(network(), x, configured(None, bits, layers={"stem": 4}), rank)
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    optimizer, some = torch.optim.Adam(module.parameters(), 0.05), stacked(module.graph, module.model.samples)
    wanted = FloatNetwork(module.model.float_graph).values(some)
    for _ in range(3):
        optimizer.zero_grad()
        Aim.of(module, 1.0).loss(module, some, {name: y.detach() for name, y in wanted.items()}).backward()
        optimizer.step()
    for name, p in module.named_parameters():
        if p.requires_grad:
            assert not torch.equal(before[name], p.detach()), f"{name} did not learn"
    graph, found = module.trained_graph(), module.double().integers({"image": torch.from_numpy(x[:, None])})
    narrow = {8: DType.INT8, 2: DType.INT2, "ternary": DType.TERNARY, "binary": DType.BINARY}[bits]
    for node in graph.nodes:
        if node.op.kind in ("Conv2D", "DepthwiseConv2D", "FullyConnected"):
            weight, layer = graph.values[node.inputs[1]], module.layer(node.name)
            scale = torch.tensor(weight.type.qp.scale, dtype=torch.float64)
            assert weight.type.dtype is (DType.INT4 if node.name == "stem" else narrow)
            assert np.array_equal(layer.integers(scale).detach().numpy(), weight.data), node.name
    inputs = {"image": np.stack([quantize_inputs(graph, {"image": s[None]})["image"] for s in x])}
    for name, wanted in Executor(graph, IntArithmetic(graph)).walk(inputs):
        assert np.array_equal(found[name], wanted.reshape(found[name].shape)), name
    final = module.export().graph  # the passes are exact
    for k in (0, 1):
        one = IntExecutor(final).run({"image": inputs["image"][k]})
        for name in final.outputs:
            assert np.array_equal(found[name][k : k + 1], one[name]), name


@needs_torch
def test_distillation_lowers_the_error() -> None:
    from edgeq.torch import Rates, distil

    def trained(epochs: int) -> edgeq.QuantizedModel:
        rates = Rates(weights=0.01, scales=0.005, biases=0.1)
        return distil(graph, x, epochs, "ternary", rates=rates, batch=16, hints=0.0, mixtures=1)

    def error(model: edgeq.QuantizedModel) -> float:
        return float(np.square(model.predict(x)["scores"] - wanted).mean())

    x, edit = images(48), network().edit()
    edit.outputs = ["scores"]
    graph = edit.finish()
    wanted = np.concatenate([FloatExecutor(graph).run({"image": s[None]})["scores"] for s in x])
    first = trained(12)
    assert error(first) < 0.95 * error(trained(0))
    second = trained(12).graph  # the same seed gives the same integers
    for name, value in first.graph.values.items():
        assert value.data is None or np.array_equal(value.data, second.data(name)), name


@needs_torch
def test_written_and_read_again(tmp_path: Path) -> None:
    from edgeq.torch import distil

    model = distil(network(), images(), 1, 2, batch=8)
    model.save_qdq(tmp_path / "model.onnx")
    again = edgeq.quantize(tmp_path / "model.onnx")
    mine, other = (sorted(_weights(m.graph)) for m in (model, again))
    assert mine == other and len(mine) == 5


def _weights(graph: Graph) -> list[tuple[list[int], list[float]]]:
    """The integers and the scales of a graph's layers."""
    values = [graph.values[n.inputs[1]] for n in graph.nodes if n.op.linear is not None]
    return [(v.data.ravel().tolist(), list(v.type.qp.scale)) for v in values]


@needs_torch
def test_refused() -> None:
    from edgeq.torch import distil, prepare

    edit = GraphEditor("odd")
    x = edit.input("x", TensorType((1, 4)))
    (y,) = edit.add(registry()["L2Norm"](epsilon=1e-6), [x], "norm")
    edit.outputs = [y]
    with pytest.raises(ModelError, match=r"no derivative of norm \(L2Norm\)"):
        prepare(edit.finish(), np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32))
    with pytest.raises(UsageError, match=r"stem \(weights in groups, by codebook"):
        distil(network(), images(), weight_bits="codebook-16")
    with pytest.raises(UsageError, match="epochs = -1"):
        distil(network(), images(), epochs=-1)


def test_without_torch() -> None:
    hide = "import sys; sys.modules['torch'] = None\n"
    code = hide + "import edgeq, importlib.util as u\nu.find_spec = lambda name: None\nimport edgeq.torch"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ))
    assert ToolError.__name__ in found.stderr and "pip install 'edgeq[torch]'" in found.stderr


def test_nothing_else_imports_torch() -> None:
    code = "import sys, edgeq.cli.main, edgeq.api.flow; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
