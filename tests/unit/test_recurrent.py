"""GRU and plain recurrent layers: their integers, and LSTM, GRU and RNN of ONNX."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_reference import reference

from edgeq.errors import ModelError
from edgeq.importers import load
from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.op import Op
from edgeq.ir.tensor import Array, DType, TensorType
from edgeq.ops.gru import Gru
from edgeq.ops.simple_rnn import SimpleRnn
from edgeq.quantize import QuantConfig, quantize
from edgeq.simulator import FloatExecutor, IntExecutor, run_float


def sqnr(real: Array, found: Array) -> float:
    """Signal to noise in dB."""
    return float(10 * np.log10(np.square(real).sum() / np.square(real - found).sum()))


def network(op: Op, gates: int, steps: int, depth: int, units: int) -> tuple[Graph, list[dict[str, Array]]]:
    """A layer with random weights, scaled to its size, that begins with zeros; and samples for it."""
    rng, editor = np.random.default_rng(units), GraphEditor("net")
    rows = gates * units
    operands: list[str | None] = [editor.input("x", TensorType((1, steps, depth)))]
    operands.append(editor.constant("w", rng.normal(0, 1 / np.sqrt(depth), (rows, depth))))
    operands.append(editor.constant("r", rng.normal(0, 1 / np.sqrt(units), (rows, units))))
    for name in ("b", "rb") if gates == 3 else ("b",):
        operands.append(editor.constant(name, rng.normal(0, 0.3, rows)))
    operands.append(editor.constant("h", np.zeros((1, units))))
    editor.outputs = [editor.add(op, operands, "layer")[0]]
    samples = [{"x": rng.normal(0, 1, (1, steps, depth)).astype(np.float32)} for _ in range(24)]
    return editor.finish(), samples


@pytest.mark.parametrize("op", [Gru(), Gru(reset_after=True), SimpleRnn(), SimpleRnn("relu")], ids=str)
def test_quantized_is_near(op: Op) -> None:
    graph, samples = network(op, 3 if isinstance(op, Gru) else 1, 49, 40, 64)
    integers = quantize(graph, samples[:16])
    exact, ours = FloatExecutor(graph), IntExecutor(integers)
    out = graph.outputs[0]
    real = np.stack([exact.run(s)[out] for s in samples[16:]])
    x, y = integers.type("x").qp, integers.type(out).qp
    found = np.stack([y.dequantize(ours.run({"x": x.quantize(s["x"], DType.INT8)})[out]) for s in samples[16:]])
    assert sqnr(real, found) >= 35.0


@pytest.mark.parametrize("op", [Gru(), SimpleRnn()], ids=str)
def test_fewer_bits_are_for_others(op: Op) -> None:
    """Rows that take such weights with real numbers are none for integers, and the layer keeps 8 bits."""
    graph, samples = network(op, 3 if isinstance(op, Gru) else 1, 5, 8, 6)
    integers = quantize(graph, samples, QuantConfig(weight_bits=4))
    assert [integers.type(str(name)).dtype for name in integers.nodes[-1].inputs[1:3]] == [DType.INT8] * 2
    x = integers.type("x").qp.quantize(samples[0]["x"], DType.INT8)
    assert IntExecutor(integers).run({"x": x}).keys() >= {graph.outputs[0]}


GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def model(
    kind: str,
    direction: str = "forward",
    layout: int = 0,
    computed: tuple[str, ...] = ("x",),
    absent: tuple[str, ...] = (),
    results: tuple[str, ...] = ("y", "yh", "yc"),
    lengths: int = 4,
    **attributes: Any,
) -> tuple[Any, dict[str, Array]]:
    """A model of one node over 4 steps of 2 samples, 3 inputs and 5 units, and its computed inputs."""
    rng, batch, steps, units = np.random.default_rng(7), 2, 4, 5
    count = 2 if direction == "bidirectional" else 1
    rows = GATES[kind] * units
    shapes: dict[str, tuple[int, ...]] = {
        "x": (batch, steps, 3) if layout else (steps, batch, 3),
        "w": (count, rows, 3),
        "r": (count, rows, units),
        "b": (count, 2 * rows),
        "lengths": (batch,),
        "h": (batch, count, units) if layout else (count, batch, units),
    }
    if kind == "LSTM":
        shapes |= {"c": shapes["h"], "p": (count, 3 * units)}
    data: dict[str, Array] = {n: rng.normal(0, 0.6, s).astype(np.float32) for n, s in shapes.items()}
    data["lengths"] = np.full(batch, lengths, np.int32)
    names = ["" if n in absent else n for n in shapes]
    outputs = [n if n in results else "" for n in ("y", "yh", "yc")[: 3 if kind == "LSTM" else 2]]
    node = helper.make_node(
        kind, names, outputs, "layer", hidden_size=units, direction=direction, layout=layout, **attributes
    )
    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shapes[n]) for n in computed]
    made = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs if n]
    constants = [numpy_helper.from_array(data[n], n) for n in names if n and n not in computed]
    graph = helper.make_graph([node], "net", inputs, made, constants)
    found = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    return found, {n: data[n] for n in computed}


def imported(made: Any, folder: Path) -> Graph:
    onnx.save(made, str(folder / "net.onnx"))
    return load(folder / "net.onnx")


EVERY: list[Mapping[str, Any]] = [
    {"kind": kind, "direction": direction, "layout": 0}
    for kind in GATES
    for direction in ("forward", "reverse", "bidirectional")
]
EVERY += [
    {"kind": "GRU", "linear_before_reset": 1, "direction": "bidirectional", "computed": ("x", "h")},
    {"kind": "GRU", "clip": 0.25},
    {"kind": "GRU", "linear_before_reset": 1, "absent": ("b", "lengths", "h"), "results": ("yh",)},
    {"kind": "RNN", "activations": ["Relu"], "computed": ("x", "h"), "results": ("y",)},
    {"kind": "RNN", "activations": ["Tanh", "Sigmoid"], "direction": "bidirectional"},
    {"kind": "LSTM", "computed": ("x", "h", "c"), "absent": ("p",)},
    {"kind": "LSTM", "input_forget": 1, "direction": "bidirectional", "computed": ("x", "h", "c")},
    {"kind": "LSTM", "results": ("yc",)},
]


@pytest.mark.parametrize("case", EVERY, ids=lambda c: "-".join(str(v) for v in c.values()))
def test_onnx(case: Mapping[str, Any], tmp_path: Path) -> None:
    made, feeds = model(**case)
    graph = imported(made, tmp_path)
    found = run_float(graph, feeds)
    assert graph.outputs == tuple(o.name for o in made.graph.output)
    for name, wanted in zip(graph.outputs, reference(made, feeds), strict=True):
        np.testing.assert_allclose(found[name], np.asarray(wanted), atol=2e-6)


@pytest.mark.parametrize("kind", sorted(GATES))
def test_onnx_is_quantized(kind: str, tmp_path: Path) -> None:
    """In both directions, which begin with zeros."""
    made, _ = model(kind, "bidirectional", absent=("h", "c", "lengths", "p"), results=("y",))
    graph = imported(made, tmp_path)
    rng = np.random.default_rng(3)
    samples = [{"x": rng.normal(0, 1, (4, 2, 3)).astype(np.float32)} for _ in range(16)]
    integers = quantize(graph, samples)
    executor, x, y = IntExecutor(integers), integers.type("x").qp, integers.type("y").qp
    real = np.stack([run_float(graph, s)["y"] for s in samples])
    found = np.stack([y.dequantize(executor.run({"x": x.quantize(s["x"], DType.INT8)})["y"]) for s in samples])
    assert sqnr(real, found) >= 30.0


@pytest.mark.parametrize("kind", sorted(GATES))
def test_onnx_with_the_batch_first(kind: str, tmp_path: Path) -> None:
    """The same numbers, transposed."""
    plain, feeds = model(kind, "bidirectional")
    batch_first, _ = model(kind, "bidirectional", 1)
    initial = {t.name: t for t in batch_first.graph.initializer}
    for tensor in plain.graph.initializer:
        data = numpy_helper.to_array(tensor)
        moved = data.swapaxes(0, 1) if tensor.name in ("h", "c") else data
        initial[tensor.name].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(moved), tensor.name))
    wanted = run_float(imported(plain, tmp_path), feeds)
    found = run_float(imported(batch_first, tmp_path), {"x": feeds["x"].swapaxes(0, 1)})
    np.testing.assert_array_equal(found["y"], wanted["y"].transpose(2, 0, 1, 3))
    for state in [name for name in ("yh", "yc") if name in wanted]:
        np.testing.assert_array_equal(found[state], wanted[state].swapaxes(0, 1))


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ({"kind": "GRU", "activations": ["Sigmoid", "Relu"]}, "GRU with the activations sigmoid, relu"),
        ({"kind": "RNN", "activations": ["Affine"]}, "RNN with the activation affine"),
        ({"kind": "LSTM", "clip": 0.5}, "LSTM with clip 0.5"),
        ({"kind": "GRU", "lengths": 3}, "differs from the 4 steps"),
        ({"kind": "GRU", "computed": ("x", "w")}, "W is computed at run time"),
    ],
)
def test_onnx_refused(case: Mapping[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        imported(model(**case)[0], tmp_path)
    assert "layer" in str(caught.value)
