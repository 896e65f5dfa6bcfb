"""Rotation: the function stays what it is, channels that stand out do not, and what cannot be rotated is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.tensor import DType, TensorType
from edgeq.ops.add import Add
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.gather import Gather
from edgeq.ops.gelu import Gelu
from edgeq.ops.layer_norm import LayerNorm
from edgeq.ops.reshape import Reshape
from edgeq.ops.rms_norm import RMSNorm
from edgeq.ops.sub import Sub
from edgeq.quantize import QuantConfig, quantize, run
from edgeq.quantize.config import LayerConfig
from edgeq.quantize.distance import Distance
from edgeq.quantize.methods.rotate import Refused, Stream, hadamard, streams, turn
from edgeq.simulator import run_float
from edgeq.warnings import EdgeqWarning

ROTATE = QuantConfig(rotate=True)
TOKENS, WIDTH = 6, 12


def transformer(norm: type[LayerNorm] | type[RMSNorm], after: str = "flat") -> Graph:
    """Two residual blocks behind normalizations, with two great channels; tokens are then read together."""
    rng, e = np.random.default_rng(4), GraphEditor("net")

    def c(name: str, *shape: int, size: np.ndarray | float = 1.0) -> str:
        return e.constant(name, (rng.normal(size=shape) / np.sqrt(shape[-1]) / size).astype(np.float32))

    x = e.input("x", TensorType((1, TOKENS, 5)))
    (s,) = e.add(FullyConnected(), [x, c("w0", WIDTH, 5), None], "embed")
    (s,) = e.add(Add(), [s, c("places", TOKENS, WIDTH)], "placed")
    great = np.ones(WIDTH, np.float32)
    great[[2, 7]] = 40.0
    for k in range(2):
        offset = [c(f"offset{k}", WIDTH)] if k else []
        (n,) = e.add(norm(1e-5, axis=2), [s, e.constant(f"scale{k}", great), *offset], f"norm{k}")
        (h,) = e.add(
            FullyConnected(), [n, c(f"up{k}", 16, WIDTH, size=great), None if k else c(f"b{k}", 16)], f"up_{k}"
        )
        (h,) = e.add(Gelu(), [h], f"gelu{k}")
        (h,) = e.add(FullyConnected(), [h, c(f"down{k}", WIDTH, 16), c(f"c{k}", WIDTH)], f"down_{k}")
        (s,) = e.add(Sub() if k else Add(), [s, h], f"sum{k}")
    (n,) = e.add(norm(1e-5, axis=2), [s], "last")
    tokens = TOKENS if after == "flat" else 1
    if after == "flat":
        (n,) = e.add(Reshape((1, TOKENS * WIDTH)), [n], "flat")
    e.add(FullyConnected(), [n, c("wy", 3, tokens * WIDTH, size=np.tile(great, tokens)), c("by", 3)], "y")
    if after == "gelu":
        e.add(Gelu(), [s], "other")
    e.outputs = ["y", *(["other"] if after == "gelu" else []), *(["sum1"] if after == "taken" else [])]
    return e.finish()


def data(graph: Graph, count: int = 24) -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(1)
    return [{n: rng.normal(size=graph.type(n).shape).astype(np.float32) for n in graph.inputs} for _ in range(count)]


@pytest.mark.parametrize("count", [4, 12, 20, 28, 36, 48, 64, 96, 7, 6])
def test_matrices_are_orthogonal(count: int) -> None:
    matrix = hadamard(count)
    assert np.allclose(matrix @ matrix.T, np.eye(count))
    spread = {28: 4, 36: 4, 6: 2, 7: 1}.get(count, count)  # 27 and 35 are no primes
    assert ((matrix != 0).sum(axis=0) == spread).all()


@pytest.mark.parametrize("norm", [LayerNorm, RMSNorm])
def test_the_function_stays(norm: type[LayerNorm] | type[RMSNorm]) -> None:
    graph = transformer(norm)
    (found,) = streams(graph, ROTATE)
    assert isinstance(found, Stream) and found.constants == ["places"]
    assert found.tensors == {"embed", "placed", "down_0", "sum0", "down_1", "sum1"}
    editor = graph.edit()
    turn(graph, found, editor)
    changed = editor.finish()
    assert [n.op.kind for n in changed.nodes].count("RMSNorm") == 3
    for sample in data(graph, 4):
        expected = run_float(graph, sample)["y"]
        assert np.allclose(run_float(changed, sample)["y"], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("norm", [LayerNorm, RMSNorm])
def test_vectors_that_passes_made_one(norm: type[LayerNorm] | type[RMSNorm]) -> None:
    """Normalizations whose scales are equal, and layers whose biases are, as those that were not trained."""
    graph = transformer(norm)
    editor = graph.edit()
    equal = {"scale1": "scale0", "c0": "scale0", "c1": "scale0", "offset1": "scale0"}
    for node in graph.nodes:
        inputs = tuple(equal.get(str(name), name) for name in node.inputs)
        editor.replace_node(node.name, replace(node, inputs=inputs))
    shared = editor.finish()
    samples = data(shared, 4)
    changed = run(shared, samples, ROTATE).float_graph
    assert [n.op.kind for n in changed.nodes].count("RMSNorm") == 3 and "scale0" in shared.values
    for sample in samples:
        expected = run_float(shared, sample)["y"]
        assert np.allclose(run_float(changed, sample)["y"], expected, rtol=1e-4, atol=1e-3)


def test_great_channels_cost_less() -> None:
    graph = transformer(LayerNorm)
    samples = data(graph)
    distance = Distance(graph, samples)
    plain, rotated = (distance.error(quantize(graph, samples, QuantConfig(rotate=on))) for on in (False, True))
    assert rotated < 0.5 * plain


@pytest.mark.parametrize(("after", "why"), [("gelu", "a Gelu cannot"), ("taken", "output of the model")])
def test_what_else_reads_a_tensor_is_told(after: str, why: str) -> None:
    graph = transformer(LayerNorm, after=after)
    (found,) = streams(graph, ROTATE)
    assert isinstance(found, Refused) and why in str(found)
    with pytest.warns(EdgeqWarning, match=why):
        quantize(graph, data(graph), ROTATE)


def test_a_layer_that_takes_no_part_keeps_its_channels() -> None:
    graph = transformer(LayerNorm)
    (found,) = streams(graph, QuantConfig(rotate=True, layers=(LayerConfig("down_1", rotate=False),)))
    assert isinstance(found, Refused) and "takes no part" in str(found)


def pair(kind: str) -> Graph:
    """What is looked up or convolved, a layer that reads it, and a normalization in its way."""
    rng, e = np.random.default_rng(3), GraphEditor(kind)
    w = [e.constant(f"w{k}", rng.normal(size=(8, 1, 1, 8)).astype(np.float32)) for k in range(3)]
    x = e.input("x", TensorType((1, 4, 4, 8)))
    (a,) = e.add(Conv2D(), [x, w[0], None], "a")
    if kind == "beside":  # one reader sees the mean, which a layer normalization takes away
        e.add(Conv2D(), [a, w[2], None], "z")
    shift = e.constant("shift", np.ones(8, np.float32))
    offset = e.constant("offset", np.ones(8, np.float32))
    reads = [a] if kind == "plain" else list(e.add(LayerNorm(1e-5, axis=3), [a, shift, offset], "n"))
    padded = Conv2D(padding=(1, 1, 1, 1)) if kind == "padded" else Conv2D()
    e.outputs = [*e.add(padded, [*reads, w[1], None], "y"), *(["z"] if kind == "beside" else [])]
    return e.finish()


@pytest.mark.parametrize(("kind", "why"), [("beside", "has not"), ("padded", "pads")])
def test_what_a_rotation_would_change(kind: str, why: str) -> None:
    (found,) = (s for s in streams(pair(kind), ROTATE) if isinstance(s, Refused))
    assert why in str(found)


def test_layers_with_nothing_between_them() -> None:
    graph = pair("plain")
    found = next(s for s in streams(graph, ROTATE) if isinstance(s, Stream))
    assert found.tensors == {"a"} and not found.norms
    editor = graph.edit()
    turn(graph, found, editor)
    (sample,) = data(graph, 1)
    assert np.allclose(run_float(editor.finish(), sample)["y"], run_float(graph, sample)["y"], rtol=1e-4, atol=1e-4)


def test_what_is_looked_up_is_rotated() -> None:
    rng, e = np.random.default_rng(6), GraphEditor("words")
    words = e.input("words", TensorType((1, 5), DType.INT32))
    table = e.constant("table", rng.normal(size=(9, 8)).astype(np.float32))
    (a,) = e.add(Gather(axis=0), [table, words], "a", types=[TensorType((1, 5, 8))])
    (b,) = e.add(FullyConnected(), [a, e.constant("w", rng.normal(size=(8, 8)).astype(np.float32)), None], "b")
    (s,) = e.add(Add(), [a, b], "s")
    (n,) = e.add(RMSNorm(1e-5, axis=2), [s], "n")
    v = e.constant("v", rng.normal(size=(3, 8)).astype(np.float32))
    e.outputs = list(e.add(FullyConnected(), [n, v, None], "y"))
    graph = e.finish()
    (found,) = streams(graph, ROTATE)
    assert isinstance(found, Stream) and found.constants == ["table"] and found.tensors == {"a", "b", "s"}
    editor = graph.edit()
    turn(graph, found, editor)
    sample = {"words": np.array([[0, 3, 8, 1, 1]], np.int32)}
    assert np.allclose(run_float(editor.finish(), sample)["y"], run_float(graph, sample)["y"], rtol=1e-4, atol=1e-4)
