"""Masks that a model is given at run time: which tokens of a sentence there are, as whole numbers 0 and 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import imported, ints, model_of
from onnx_reference import reference

from edgeq.ir.graph import Graph
from edgeq.ops.masked_softmax import MaskedSoftmax
from edgeq.passes.pipeline import optimize_float
from edgeq.quantize.config import QuantConfig
from edgeq.quantize.pipeline import quantize
from edgeq.report.accuracy import quantize_inputs
from edgeq.simulator import run_float, run_int

TOKENS, WIDTH = 6, 8
LOWEST = np.array(np.finfo(np.float32).min)
RNG = np.random.default_rng(11)
SAMPLES = [
    {"x": RNG.normal(size=(1, TOKENS, WIDTH)).astype(np.float32), "mask": (np.arange(TOKENS) < kept)[None].astype(int)}
    for kept in (6, 4, 1, 3, 5, 2, 6, 6)
]


def node(kind: str, inputs: str, output: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(), [output], **attributes)


def cast(source: str, output: str, to: int = TensorProto.FLOAT) -> onnx.NodeProto:
    return node("Cast", source, output, to=to)


SPELLINGS = {
    "addend": [
        node("Unsqueeze", "mask axes", "wide"),
        cast("wide", "real"),
        node("Sub", "one real", "absent"),
        node("Mul", "absent lowest", "addend"),
        node("Add", "scores addend", "masked"),
    ],
    "addend_first": [
        cast("mask", "real"),
        node("Unsqueeze", "real axes", "wide"),
        node("Sub", "one wide", "absent"),
        node("Mul", "absent thousands", "addend"),
        node("Add", "addend scores", "masked"),
    ],
    "filled": [
        node("Unsqueeze", "mask axes", "wide"),
        cast("wide", "real"),
        node("Sub", "one real", "absent"),
        cast("absent", "truth", TensorProto.BOOL),
        node("Where", "truth lowest absent", "addend"),
        node("Add", "scores addend", "masked"),
    ],
    "equal": [
        node("Unsqueeze", "mask axes", "wide"),
        node("Equal", "wide zero", "hidden"),
        node("Where", "hidden infinite scores", "masked"),
    ],
    "truth": [
        cast("mask", "truth", TensorProto.BOOL),
        node("Unsqueeze", "truth axes", "wide"),
        node("Where", "wide scores infinite", "masked"),
    ],
}
CONSTANTS = {
    "axes": ints(1),
    "one": np.array(1.0, np.float32),
    "zero": np.array(0, np.int64),
    "lowest": LOWEST,
    "thousands": np.array(-10000.0, np.float32),
    "infinite": np.array(-np.inf, np.float32),
    "half": np.array(0.5, np.float32),
}


def attention(spelling: str) -> onnx.ModelProto:
    """Attention of tokens to each other, and the mean of those that there are."""
    nodes = [
        node("Transpose", "x", "keys", perm=[0, 2, 1]),
        node("MatMul", "x keys", "products"),
        node("Mul", "products half", "scores"),
        *SPELLINGS[spelling],
        node("Softmax", "masked", "shares", axis=-1),
        node("MatMul", "shares x", "y"),
    ]
    shapes, read = {"x": [1, TOKENS, WIDTH], "mask": [1, TOKENS]}, {i for n in nodes for i in n.input}
    constants = {name: data for name, data in CONSTANTS.items() if name in read}
    return model_of(nodes, shapes, ["y"], constants, dtypes={"mask": TensorProto.INT64})


def is_masked(graph: Graph) -> bool:
    """There is a masked softmax, and no trace of how the mask was spelled."""
    return {n.op.kind for n in graph.nodes} <= {"Transpose", "MatMul", "Mul", "Reshape", "MaskedSoftmax"} and any(
        isinstance(n.op, MaskedSoftmax) for n in graph.nodes
    )


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_mask_of_tokens(spelling: str, bits: int, tmp_path: Path) -> None:
    model = attention(spelling)
    graph = optimize_float(imported(model, tmp_path))
    assert is_masked(graph)
    integers = quantize(graph, SAMPLES, QuantConfig(activation_bits=bits))
    assert integers.type("mask").is_whole
    for sample in SAMPLES:
        (expected,) = reference(model, sample)
        np.testing.assert_allclose(run_float(graph, sample)["y"], expected, rtol=1e-5, atol=1e-5)
        found = integers.type("y").qp.dequantize(run_int(integers, quantize_inputs(integers, sample))["y"])
        np.testing.assert_allclose(found, expected, atol=0.1 if bits == 8 else 0.001)


def test_another_use_of_a_mask_stays_as_it_is(tmp_path: Path) -> None:
    """An addend that hides nothing, and one in which 1 hides."""
    for factor in (np.array(-1.0, np.float32), np.array(10000.0, np.float32)):
        model = attention("addend_first")
        model.graph.initializer.remove(next(i for i in model.graph.initializer if i.name == "thousands"))
        model.graph.initializer.append(onnx.numpy_helper.from_array(factor, "thousands"))
        graph = optimize_float(imported(model, tmp_path))
        assert not any(isinstance(n.op, MaskedSoftmax) for n in graph.nodes)
        for sample in SAMPLES[:3]:
            (expected,) = reference(model, sample)
            np.testing.assert_allclose(run_float(graph, sample)["y"], expected, rtol=1e-5, atol=1e-5)


def test_the_mean_of_tokens_that_there_are(tmp_path: Path) -> None:
    """What exporters expand for a product is broadcast."""
    nodes = [
        node("Unsqueeze", "mask axes", "column"),
        node("Expand", "column shape", "every"),
        cast("every", "real"),
        node("Mul", "x real", "there"),
        node("ReduceSum", "there rows", "sums", keepdims=0),
        node("ReduceSum", "real rows", "counts", keepdims=0),
        node("Div", "sums counts", "y"),
    ]
    constants = {"axes": ints(2), "shape": ints(1, TOKENS, WIDTH), "rows": ints(1)}
    shapes = {"x": [1, TOKENS, WIDTH], "mask": [1, TOKENS]}
    model = model_of(nodes, shapes, ["y"], constants, dtypes={"mask": TensorProto.INT64})
    graph = optimize_float(imported(model, tmp_path))
    integers = quantize(graph, SAMPLES)
    for sample in SAMPLES:
        (expected,) = reference(model, sample)
        np.testing.assert_allclose(run_float(graph, sample)["y"], expected, rtol=1e-5, atol=1e-5)
        found = integers.type("y").qp.dequantize(run_int(integers, quantize_inputs(integers, sample))["y"])
        np.testing.assert_allclose(found, expected, atol=0.1)
