"""Scales for groups of weights beside integer activations."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from quantized_nets import editor, samples, tensor

import edgeq.api
from edgeq.errors import InternalError, UsageError
from edgeq.ir.graph import Graph
from edgeq.ir.site import Site
from edgeq.ir.tensor import DType, Groups, QParams, TensorType
from edgeq.ir.text import graph_files, parse_graph
from edgeq.ir.verify import verify
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.fully_connected import FullyConnected
from edgeq.quantize import QuantConfig
from edgeq.report.accuracy import sqnr_db
from edgeq.simulator import FloatExecutor, IntExecutor
from edgeq.warnings import EdgeqWarning


def layers() -> Graph:
    """Two fully connected layers of 80 inputs each, whose weights grow along them."""
    rng, e = np.random.default_rng(7), editor()
    x = e.input("x", tensor(1, 80))
    for name in ("first", "second"):
        w = (rng.normal(size=(80, 80)) * np.geomspace(0.02, 1.0, 80)).astype(np.float32)
        (x,) = e.add(FullyConnected(), [x, e.constant(f"{name}_w", w), e.constant(f"{name}_b", w[:, 0])], name)
    e.outputs = [x]
    return e.finish()


def measured(graph: Graph, **options: object) -> tuple[Graph, float]:
    """The integer graph, and its SQNR in dB."""
    model = edgeq.api.quantize(graph, samples(graph, 40), QuantConfig.from_dict({"weight_bits": 4, **options}))
    data = samples(graph, 20)
    real = [FloatExecutor(graph).run(s)[graph.outputs[0]] for s in data]
    found = [
        model.graph.type(model.graph.outputs[0]).qp.dequantize(
            IntExecutor(model.graph).run(
                {n: model.graph.type(n).qp.quantize(v, model.graph.type(n).dtype) for n, v in s.items()}
            )[model.graph.outputs[0]]
        )
        for s in data
    ]
    return model.graph, sqnr_db(np.stack(real), np.stack(found))


def weights(graph: Graph, name: str) -> tuple[DType, QParams]:
    """Type and parameters of the weights of a layer."""
    node = next(n for n in graph.nodes if n.name == name)
    type = graph.type(str(node.inputs[1]))
    return type.dtype, type.qp


@pytest.mark.parametrize("rounding", ["hessian", "adaround", "descent"])
def test_groups_lose_less(rounding: str) -> None:
    graph = layers()
    _, plain = measured(graph, rounding=rounding)
    found, grouped = measured(graph, rounding=rounding, weight_group=32)
    assert grouped > plain + 1.5
    dtype, q = weights(found, "first")
    assert dtype is DType.INT4 and q.groups is not None and q.groups.size == 32
    table = q.groups.table(80)
    assert table.shape == (80, 3) and table.max() > 100 and np.all(np.gcd.reduce(table, axis=1) == 1)


@pytest.mark.parametrize(
    ("bits", "group", "options", "gain"),
    [
        (4, 32, {}, 0.8),
        (3, 32, {"rounding": "nearest", "weight_scale": "hqq"}, 1.0),
        (4, 0, {"rounding": "adaround"}, 0.8),
        (2, 32, {"rounding": "descent", "weight_scale": "max"}, 0.4),
        (4, 0, {"weight_scale": "hqq"}, 1.0),
    ],
)
def test_zero_points_lose_less(bits: int, group: int, options: dict[str, str], gain: float) -> None:
    """Of groups, and of whole channels, which are then filled up to a multiple of 8."""
    graph, options = layers(), {"weight_bits": bits, "weight_group": group, **options}
    _, plain = measured(graph, **options)
    found, better = measured(graph, **options, weight_zero_points=True)
    assert better > plain + gain
    dtype, q = weights(found, "second")
    assert dtype.bits == bits and q.groups is not None and q.groups.size == (group or 80)
    assert len(set(q.groups.zeros)) > 2 and (group or set(q.groups.factors) == {1})


def test_zero_points_of_single_layers() -> None:
    """Also with 16-bit activations; where no layer can have any, or some cannot, it is said."""
    graph = layers()
    found, _ = measured(graph, activation_bits=16, layers={"second": {"weight_zero_points": True}})
    assert weights(found, "first")[1].groups is None and not weights(found, "second")[1].is_symmetric
    with pytest.warns(EdgeqWarning, match=r"1 of 2 layers of integers cannot take zero-points of weights: second"):
        measured(graph, weight_zero_points=True, layers={"second": {"weight_bits": 8}})
    with pytest.raises(UsageError, match="no layer can take zero-points of weights"):
        measured(graph, weight_zero_points=True, weight_bits=8)


def test_of_single_layers_and_16_bits() -> None:
    graph = layers()
    options = {"activation_bits": 16, "layers": {"second": {"weight_group": 64}}}
    found, _ = measured(graph, **options)
    assert weights(found, "first")[1].groups is None
    groups = weights(found, "second")[1].groups
    assert groups is not None and groups.size == 64
    second = next(n for n in found.nodes if n.name == "second")
    bound = second.op.accumulator_bound(found.site(second))
    assert bound is not None and bound < 2**31  # so many factors as sums of 32 bits allow


def test_sums_of_groups_are_exact() -> None:
    """y = clamp(round(m·Σ f·(Σ x·w))): the integers of a layer, computed another way."""
    found, _ = measured(layers(), weight_group=32)
    node = next(n for n in found.nodes if n.name == "first")
    site: Site = found.site(node)
    w, groups = site.const(1).astype(np.int64), site.input(1).qp.groups
    assert groups is not None
    x = np.random.default_rng(1).integers(-128, 128, (1, 80)).astype(np.int8)
    zero, bias = site.input(0).qp.zp, site.const(2).astype(np.int64)
    parts = [(x[:, k : k + 32].astype(np.int64) - zero) @ w[:, k : k + 32].T for k in (0, 32, 64)]
    sums = bias + sum(part * factor for part, factor in zip(parts, groups.table(80).T, strict=True))
    real = sums * site.input(0).qp.s * np.asarray(site.input(1).qp.scale)
    (y,) = node.op.run_int(site, [x, *site.consts[1:]])
    out = site.outputs[0]
    assert np.abs(out.qp.dequantize(y) - np.clip(real, *out.qp.dequantize([-128, 127]))).max() <= 0.51 * out.qp.s


def test_as_text() -> None:
    found, _ = measured(layers(), weight_group=32)
    text = graph_files(found, "g")["g.txt"].decode()
    assert "; groups 32: " in text
    arrays = {name: value.data for name, value in found.values.items() if value.data is not None}
    again = parse_graph(text, arrays)
    assert {n: v.type for n, v in again.values.items()} == {n: v.type for n, v in found.values.items()}


def test_zero_points() -> None:
    """real = s·f·(q − z), in arrays and as text; the verifier knows how many there are, and of which type."""
    groups = Groups(4, (1, 3, 2, 255), (-8, 7, 0, -1))
    q = QParams((0.5, 0.25), (0, 0), 0, groups=groups)
    w = np.array([[-8, 7, 0, 1, 2, -3], [5, -5, 4, -4, 3, -1]], np.int8)
    expected = [[0.0, 7.5, 4.0, 4.5, -7.5, -15.0], [2.5, -2.5, 2.0, -2.0, 255.0, 0.0]]
    assert q.dequantize(w).tolist() == expected and not q.is_symmetric
    assert np.array_equal(q.quantize(q.dequantize(w), DType.INT4), w)
    assert q.of_channels(1, 2).groups == Groups(4, (2, 255), (0, -1))
    e = editor()
    x = e.input("x", TensorType((1, 6), DType.INT8, QParams.per_tensor(0.1, 3)))
    e.constant("w", w, q)
    e.set_type("w", TensorType((2, 6), DType.INT4, q))
    e.numerics = Numerics.FAST
    out = TensorType((1, 2), DType.INT8, QParams.per_tensor(1.0, 0))
    e.outputs = list(e.add(FullyConnected(), [x, "w", None], "y", types=[out]))
    graph = e.finish()
    verify(graph)
    text = graph_files(graph, "g")["g.txt"].decode()
    assert "; groups 4: 1 3 2 255 zeros -8 7 0 -1)" in text
    assert parse_graph(text, {"w": w}).type("w") == graph.type("w")
    for wrong in (replace(groups, zeros=(-9, 0, 0, 0)), Groups(2, (1,) * 6)):
        edited = graph.edit()
        edited.set_type("w", TensorType((2, 6), DType.INT4, replace(q, groups=wrong)))
        good = wrong.size == 2
        with nullcontext() if good else pytest.raises(InternalError, match="do not fit the tensor"):
            verify(edited.finish())
    with pytest.raises(ValueError, match="need one each"):
        Groups(4, (1, 2), (0,))


def test_written_for_other_runtimes(tmp_path: Path) -> None:
    graph = layers()
    config = QuantConfig.from_dict({"weight_group": 32})
    model = edgeq.api.quantize(graph, samples(graph, 40), config)
    model.save_qdq(tmp_path / "groups.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "groups.onnx"))
    type = model.graph.type(model.graph.outputs[0])
    for sample in samples(graph, 5):
        (theirs,) = session.run(None, {session.get_inputs()[0].name: sample["x"]})
        mine = IntExecutor(model.graph).run({"x": model.graph.type("x").qp.quantize(sample["x"], DType.INT8)})
        steps = np.abs(type.qp.quantize(theirs, DType.INT8).astype(int) - mine[model.graph.outputs[0]])
        assert steps.max() <= 1
    again = edgeq.api.quantize(tmp_path / "groups.onnx").graph
    for mine, read in zip(model.graph.nodes, again.nodes, strict=True):  # the same integers, scales and factors
        names = [(str(a), str(b)) for a, b in zip(mine.inputs[1:], read.inputs[1:], strict=True)]
        assert [model.graph.type(a) for a, _ in names] == [again.type(b) for _, b in names]
        assert all(np.array_equal(model.graph.data(a), again.data(b)) for a, b in names)


def test_refused_where_no_layer_has_any() -> None:
    graph = layers()
    with pytest.raises(UsageError, match="no layer can take scales for groups"):
        edgeq.api.quantize(graph, samples(graph, 4), QuantConfig.from_dict({"weight_group": 128}))
    with pytest.raises(ValueError, match="along axis 0"):
        QParams.per_tensor(1.0, 0).__class__((1.0,), (0,), groups=Groups(4, (1,)))
    with pytest.raises(ValueError, match="factors"):
        Groups(4, (0,))
