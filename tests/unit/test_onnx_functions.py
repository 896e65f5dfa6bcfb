"""Operators that ONNX defines by others, branches whose condition is known, casts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import Case, check, imported, kinds, model_of, single, weights

from edgeq.errors import ModelError
from edgeq.importers.onnx.handlers import HANDLERS
from edgeq.simulator import run_float

node = helper.make_node
DEFINED = {
    "nested": Case("", "MeanVarianceNormalization", [(1, 3, 4, 5)]),
    "attribute": Case("", "Celu", [(2, 3)], {"alpha": 0.7}, opset=12),
    "optional_input": Case("", "ReduceSumSquare", [(2, 3, 4)], {"keepdims": 0}, opset=18),
}


@pytest.mark.parametrize("name", DEFINED)
def test_an_operator_becomes_what_defines_it(name: str, tmp_path: Path) -> None:
    check(single(DEFINED[name]), tmp_path)


def attention(**attributes: Any) -> onnx.ModelProto:
    """Attention with two heads of four channels."""
    shapes = dict.fromkeys(("q", "k", "v"), (1, 2, 5, 4))
    return model_of([node("Attention", ["q", "k", "v"], ["y"], **attributes)], shapes, ["y"], opset=23)


@pytest.mark.parametrize("causal", [0, 1])
def test_attention(causal: int, tmp_path: Path) -> None:
    graph = imported(attention(is_causal=causal), tmp_path)
    rng = np.random.default_rng(2)
    q, k, v = (rng.normal(size=(1, 2, 5, 4)).astype(np.float32) for _ in range(3))
    scores = q @ k.transpose(0, 1, 3, 2) / 2.0
    if causal:
        scores = np.where(np.tril(np.ones((5, 5), bool)), scores, -np.inf)
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    expected = shares / shares.sum(-1, keepdims=True) @ v
    np.testing.assert_allclose(run_float(graph, {"q": q, "k": k, "v": v})["y"], expected, rtol=1e-4, atol=1e-5)


def test_names_inside_are_unique(tmp_path: Path) -> None:
    nodes = [node("Celu", [a], [b], name="same") for a, b in (("x", "t"), ("t", "y"))]
    graph = imported(model_of(nodes, {"x": (1, 2, 3, 4)}, ["y"]), tmp_path)
    assert len({n.name for n in graph.nodes}) == len(graph.nodes)


def test_what_cannot_be_taken_inside_is_told_of_the_operator(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        imported(single(Case("", "NegativeLogLikelihoodLoss", [(2, 3), (2,)], opset=13)), tmp_path)
    assert caught.value.where == "the_node (NegativeLogLikelihoodLoss)"
    reason = "NegativeLogLikelihoodLoss is not supported here; in ONNX's definition of it, GatherElements: "
    assert reason in caught.value.message


def test_definitions_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeq.ir.limits.NODES", 5)
    with pytest.raises(ModelError) as caught:
        imported(attention(), tmp_path)
    assert "nodes or more; the limit is 5" in caught.value.message


def branch(*nodes: onnx.NodeProto, output: str, **constants: Any) -> onnx.GraphProto:
    tensors = [onnx.numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()]
    return helper.make_graph(
        list(nodes), "branch", [], [helper.make_tensor_value_info(output, 1, None)], initializer=tensors
    )


def chosen(condition: list[onnx.NodeProto], **constants: Any) -> onnx.ModelProto:
    """x + 1 or −x, as PyTorch leaves what it could not decide, with a branch inside that reads from around it."""
    inner = branch(node("Neg", ["around"], ["n"]), output="n")
    then = branch(node("Add", ["t", "one"], ["a"]), output="a", one=np.float32(1))
    other = branch(
        node("Identity", ["t"], ["around"]),
        node(
            "If", ["c"], ["i"], then_branch=branch(node("Identity", ["t"], ["same"]), output="same"), else_branch=inner
        ),
        output="i",
    )
    nodes = [node("Tanh", ["x"], ["t"]), *condition, node("If", ["c"], ["r"], then_branch=then, else_branch=other),
             node("Mul", ["r", "r"], ["y"])]  # fmt: skip
    return model_of(nodes, {"x": (2, 3)}, ["y"], constants)


@pytest.mark.parametrize("taken", [True, False])
def test_a_branch_that_is_known(taken: bool, tmp_path: Path) -> None:
    rank = [node("Shape", ["x"], ["s"]), node("Size", ["s"], ["k"]), node("Equal", ["k", "two"], ["c"])]
    for condition, constants in (([], {"c": np.array(taken)}), (rank, {"two": np.int64(2 if taken else 3)})):
        graph = check(chosen(condition, **constants), tmp_path)
        assert kinds(graph) == ["Tanh", "Add" if taken else "Neg", "Mul"]


def test_a_branch_that_is_not_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="operator If is not supported"):
        imported(chosen([node("ReduceMax", ["x"], ["c"])]), tmp_path)


def cast_like(target: int, computed: bool) -> onnx.ModelProto:
    nodes = [node("CastLike", ["x" if computed else "k", "like"], ["c"]), node("Add", ["x", "c"], ["y"])]
    model = model_of(nodes, {"x": (3,)}, ["y"], {} if computed else {"k": np.array([0.3, -1.7, 500.0], np.float32)}, 19)
    model.graph.initializer.append(helper.make_tensor("like", target, [1], [1.0]))
    return model


@pytest.mark.parametrize("target", [TensorProto.FLOAT8E4M3FN, TensorProto.FLOAT8E5M2])
def test_a_cast_like_another_tensor(target: int, tmp_path: Path) -> None:
    """At run time, an error; of a constant, what it gives, as a real number."""
    with pytest.raises(ModelError) as caught:
        imported(cast_like(target, computed=True), tmp_path)
    name = TensorProto.DataType.Name(target).lower()
    assert caught.value.message == f"a cast to {name} at run time is not supported"
    found = imported(cast_like(target, computed=False), tmp_path).values["c"].data
    rounded = {TensorProto.FLOAT8E4M3FN: [0.3125, -1.75, 448.0], TensorProto.FLOAT8E5M2: [0.3125, -1.75, 512.0]}
    np.testing.assert_array_equal(found, np.array(rounded[target], np.float32))


def test_casts_among_real_types_do_nothing(tmp_path: Path) -> None:
    for target in (TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16):
        nodes = [node("Cast", ["x"], ["c"], to=target), node("CastLike", ["c", "w"], ["d"]), node("Abs", ["d"], ["y"])]
        model = model_of(nodes, {"x": (3,)}, ["y"], {"w": weights(2)}, 19)
        assert kinds(imported(model, tmp_path)) == ["Abs"]


def test_operators_that_are_handled_are_not_expanded() -> None:
    """A definition by simple operators costs accuracy: every intermediate result is quantized."""
    for kind in ("Relu", "Clip", "Elu", "Gelu", "HardSwish", "HardSigmoid", "Softmax", "LogSoftmax", "PRelu"):
        assert ("", kind) in HANDLERS
