"""The LSTM operator: what it means in real numbers, its integers, and how it is quantized."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx_reference import reference

from edgeq.errors import QuantizationError
from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.op import Sample
from edgeq.ir.tensor import Array, DType, QParams, TensorType
from edgeq.numerics import gemmlowp16
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.lstm import FORGET, Lstm
from edgeq.quantize import quantize
from edgeq.simulator import FloatExecutor, IntExecutor

Operands = Sequence[Array | None]


def operands(sample: Sample, seed: int = 0) -> list[Array | None]:
    rng = np.random.default_rng(seed)
    return [None if s is None else rng.uniform(-1, 1, s).astype(np.float32) for s in sample.shapes]


def gate_order(rows: Array, order: Sequence[int]) -> Array:
    """Rows of gates in another order."""
    return np.concatenate([np.split(rows, len(order))[k] for k in order])


def onnx_lstm(op: Lstm, given: Operands) -> list[Array]:
    """What onnxruntime computes: gates in the order i o f c, time first."""
    x, w, r, bias, h, c, hole = [*given, *[None] * 7][:7]
    assert x is not None and w is not None and r is not None and h is not None and c is not None
    batch, units = len(x), len(w) // 4
    order = (0, 3, 1, 2)
    zeros = np.zeros(4 * units, np.float32)
    inputs: dict[str, Array] = {
        "x": x.transpose(1, 0, 2),
        "w": gate_order(w, order)[None],
        "r": gate_order(r, order)[None],
        "b": np.concatenate([zeros if bias is None else gate_order(bias, order), zeros])[None],
        "h": np.broadcast_to(h, (batch, units))[None],
        "c": np.broadcast_to(c, (batch, units))[None],
    }
    names = ["x", "w", "r", "b", "", "h", "c"]
    if hole is not None:
        inputs["p"] = gate_order(hole, (0, 2, 1)).reshape(1, -1)
        names.append("p")
    direction = "reverse" if op.reverse else "forward"
    node = helper.make_node("LSTM", names, ["y", "yh", "yc"], hidden_size=units, direction=direction)
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, a.shape) for n, a in inputs.items()]
    results = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in ("y", "yh", "yc")]
    graph = helper.make_graph([node], "lstm", values, results)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    y, yh, yc = (np.asarray(a) for a in reference(model, {k: np.ascontiguousarray(v) for k, v in inputs.items()}))
    return [y[:, 0].transpose(1, 0, 2), yh[0], yc[0]]


PLAIN = [s for s in Lstm.samples() if not s.op.cell_clip and (len(s.shapes) < 8 or s.shapes[7] is None)]


@pytest.mark.parametrize("sample", PLAIN, ids=lambda s: s.name)
def test_equals_onnxruntime(sample: Sample) -> None:
    assert isinstance(sample.op, Lstm)
    given = operands(sample)
    for ours, theirs in zip(sample.op.run_float(given), onnx_lstm(sample.op, given), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-6)


def test_projection_and_clips() -> None:
    """With a projection that is the identity nothing changes; clips hold."""
    sample = next(s for s in Lstm.samples() if s.name == "batch")
    given = operands(sample)
    units = sample.shapes[2][1] if sample.shapes[2] else 0
    through = [*given[:6], None, np.eye(units, dtype=np.float32), None]
    for plain, projected in zip(Lstm().run_float(given), Lstm().run_float(through), strict=True):
        np.testing.assert_allclose(plain, projected, atol=1e-6)
    sequence, hidden, cell = Lstm(cell_clip=0.125, projection_clip=0.0625).run_float(through)
    assert np.abs(cell).max() == 0.125 and np.abs(sequence).max() == np.float32(0.0625) >= np.abs(hidden).max()


def test_functions_of_16_bits_are_near() -> None:
    """gemmlowp's own errors, at every argument; and what any table would have at its ends."""
    x = np.arange(-32768, 32768)
    exact = 32768 / (1 + np.exp(-x / 4096))
    assert np.abs(gemmlowp16.logistic(x) - exact).max() < 6.5
    for integer_bits in range(7):
        exact = 32768 * np.tanh(np.ldexp(x.astype(float), integer_bits - 15))
        assert np.abs(gemmlowp16.tanh(x, integer_bits) - exact).max() < 12.1
        assert gemmlowp16.tanh(np.array([0]), integer_bits) == 0


def network(
    steps: int, depth: int, units: int, seed: int, op: Lstm | None = None, gain: float = 1.0
) -> tuple[Graph, list[dict[str, Array]]]:
    """A layer with random weights, scaled to its size, that begins with zeros; and samples for it."""
    rng, editor = np.random.default_rng(seed), GraphEditor("net")
    x = editor.input("x", TensorType((1, steps, depth)))
    w = editor.constant("w", rng.normal(0, gain / np.sqrt(depth), (4 * units, depth)))
    r = editor.constant("r", rng.normal(0, gain / np.sqrt(units), (4 * units, units)))
    b = editor.constant("b", rng.normal(0, 0.5, 4 * units))
    h, c = (editor.constant(name, np.zeros((1, units))) for name in ("h", "c"))
    made = editor.add(op or Lstm(), [x, w, r, b, h, c], "lstm")
    editor.outputs = [made[0]]
    samples = [{"x": rng.normal(0, 1, (1, steps, depth)).astype(np.float32)} for _ in range(24)]
    return editor.finish(), samples


def sqnr(real: Array, found: Array) -> float:
    """Signal to noise in dB."""
    return float(10 * np.log10(np.square(real).sum() / np.square(real - found).sum()))


@pytest.mark.parametrize(("steps", "depth", "units"), [(28, 28, 20), (49, 40, 64)])
def test_quantized_is_near(steps: int, depth: int, units: int) -> None:
    """int8 gates and int16 cells, over all steps."""
    graph, samples = network(steps, depth, units, seed=units)
    integers = quantize(graph, samples[:16])
    cell = integers.type(integers.nodes[0].outputs[2])
    assert cell.dtype is DType.INT16 and np.frexp(cell.qp.s)[0] == 0.5
    exact, ours = FloatExecutor(graph), IntExecutor(integers)
    out = graph.outputs[0]
    real = np.stack([exact.run(s)[out] for s in samples[16:]])
    types = integers.type("x"), integers.type(out)
    found = np.stack(
        [types[1].qp.dequantize(ours.run({"x": types[0].qp.quantize(s["x"], DType.INT8)})[out]) for s in samples[16:]]
    )
    assert sqnr(real, found) >= 35.0


def test_scale_of_cells_holds_all_steps() -> None:
    """A cell that grows and comes back is measured on its way, not at its end."""
    big = np.zeros((12, 2), np.float32)
    big[6:9, 0] = 8.0  # the cell's gate follows the first input
    x = np.concatenate([np.ones((1, 12, 2)), -np.ones((1, 12, 2))], axis=1).astype(np.float32)
    keep = np.full(12, 9.0, np.float32) * (np.arange(12) // 3 == FORGET)
    editor = GraphEditor("net")
    names = [editor.input("x", TensorType(x.shape)), editor.constant("w", big)]
    names += [editor.constant(n, a) for n, a in (("r", np.zeros((12, 3))), ("b", keep))]
    names += [editor.constant(n, np.zeros((1, 3))) for n in ("h", "c")]
    editor.outputs = list(editor.add(Lstm(), names, "lstm")[1:])
    graph = editor.finish()
    last = FloatExecutor(graph).run({"x": x})["lstm:2"]
    assert np.abs(last).max() < 0.1
    assert quantize(graph, [{"x": x}]).type("lstm:2").q == QParams.per_tensor(2.0**-12, 0)  # 1.25 · 6 is below 8


def test_a_scale_that_is_no_power_of_two_is_refused() -> None:
    graph, samples = network(2, 3, 4, seed=2)
    integers = quantize(graph, samples)
    editor = integers.edit()
    name = integers.nodes[0].outputs[2]
    editor.set_type(name, editor.values[name].type.quantized(DType.INT16, QParams.per_tensor(0.001, 0)))
    with pytest.raises(QuantizationError, match="not a power of two"):
        IntExecutor(editor.finish()).run({"x": np.zeros((1, 2, 3), np.int8)})


@pytest.mark.parametrize("numerics", list(Numerics))
def test_state_goes_on(numerics: Numerics) -> None:
    """Two halves of a sequence, the second one from the states of the first, are the whole."""
    q, fine = QParams.per_tensor(1 / 128, 0), QParams.per_tensor(2.0**-12, 0)
    scales = QParams.per_channel(np.full(12, 0.01), 0, 0)

    def whole(steps: int) -> IntExecutor:
        editor = GraphEditor("net")
        x = editor.input("x", TensorType((1, steps, 4), DType.INT8, q))
        h = editor.input("h", TensorType((1, 3), DType.INT8, q))
        c = editor.input("c", TensorType((1, 3), DType.INT16, fine))
        rng = np.random.default_rng(5)
        w = editor.constant("w", rng.integers(-127, 128, (12, 4)).astype(np.int8), scales)
        r = editor.constant("r", rng.integers(-127, 128, (12, 3)).astype(np.int8), scales)
        types = [
            TensorType((1, steps, 3), DType.INT8, q),
            TensorType((1, 3), DType.INT8, q),
            TensorType((1, 3), DType.INT16, fine),
        ]
        editor.outputs = list(editor.add(Lstm(), [x, w, r, None, h, c], "lstm", types=types))
        editor.numerics = numerics
        return IntExecutor(editor.finish())

    x = np.random.default_rng(6).integers(-128, 128, (1, 8, 4)).astype(np.int8)
    h, c = np.zeros((1, 3), np.int8), np.zeros((1, 3), np.int16)
    once = whole(8).run({"x": x, "h": h, "c": c})
    first = whole(4).run({"x": x[:, :4], "h": h, "c": c})
    second = whole(4).run({"x": x[:, 4:], "h": first["lstm:1"], "c": first["lstm:2"]})
    np.testing.assert_array_equal(once["lstm"], np.concatenate([first["lstm"], second["lstm"]], axis=1))
    np.testing.assert_array_equal(once["lstm:2"], second["lstm:2"])
    assert len(np.unique(once["lstm"])) > 10


def test_exp_from_a_table() -> None:
    """Kernels begin with it down to −1/4, whatever the bits of the argument."""
    table = gemmlowp16.exp_table()
    for integer_bits in (3, 4, 6):
        x = np.arange(1, (1 << (13 - integer_bits)) + 1)
        found = gemmlowp16.exp_on_negative_values(-x, integer_bits)
        np.testing.assert_array_equal(table[(x << (integer_bits - 3)) - 1][:-1], found[:-1])
