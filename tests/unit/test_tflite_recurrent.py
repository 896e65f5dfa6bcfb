"""Recurrent layers of .tflite files: their integers against LiteRT's reference kernels, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from tflite_file import Operator, Tensor, build

import edgeq.api
from edgeq.errors import ModelError
from edgeq.importers.tflite import import_bytes
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.lstm import Lstm
from edgeq.passes.pipeline import optimize_float
from edgeq.quantize import QuantConfig, quantize
from edgeq.report.accuracy import sqnr_db
from edgeq.sequence import run_sequences
from edgeq.simulator import FloatExecutor, IntExecutor

STEPS, DEPTH, UNITS = 4, 5, 6
TABLE = {
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTMOptions",
    "BIDIRECTIONAL_SEQUENCE_LSTM": "BidirectionalSequenceLSTMOptions",
    "LSTM": "LSTMOptions",
}


class File:
    """Tensors of a file while it is being made."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.tensors: list[Tensor] = []

    def add(self, *args: Any, **options: Any) -> int:
        self.tensors.append(Tensor(f"t{len(self.tensors)}", *args, **options))
        return len(self.tensors) - 1

    def constant(self, shape: tuple[int, ...], dtype: str, scale: float, most: int) -> int:
        data = self.rng.integers(-most, most + 1, shape)
        if dtype == "FLOAT32":
            return self.add(shape, dtype, data=(data * scale).astype(np.float32))
        return self.add(shape, dtype, data=data, scale=scale)


def lstm_file(
    seed: int,
    quantized: bool = True,
    kind: str = "UNIDIRECTIONAL_SEQUENCE_LSTM",
    outputs: int = 0,
    hole: bool = False,
    zero: int = 3,
    cell: int = -11,
    weights: str = "",
    activations: str = "INT8",
    **options: Any,
) -> bytes:
    """A file with one layer of an LSTM and random weights."""
    f = File(seed)
    out = outputs or UNITS
    small, wide = (weights or "INT8", "INT16") if quantized else (weights or "FLOAT32", "FLOAT32")
    tall = "INT32" if quantized else "FLOAT32"

    def activation(shape: tuple[int, ...], scale: float, zero: int, **more: Any) -> int:
        if not quantized:
            return f.add(shape, "FLOAT32", **more)
        return f.add(shape, activations, scale=scale, zero=zero if activations == "INT8" else 0, **more)

    x_shape = (1, STEPS, DEPTH) if kind != "LSTM" else (1, DEPTH)
    if options.get("TimeMajor"):
        x_shape = (STEPS, 1, DEPTH)
    y_shape = (*x_shape[:-1], out)
    x = activation(x_shape, 0.02, -7)
    layers = 2 if kind.startswith("BI") else 1
    constants, states = [], []
    for _ in range(layers):
        places = [f.constant((UNITS, DEPTH), small, 0.01 + 0.002 * k, 127) for k in range(4)]
        places += [f.constant((UNITS, out), small, 0.009 + 0.003 * k, 127) for k in range(4)]
        places += [f.constant((UNITS,), wide, 3e-5, 32767) if hole else -1 for _ in range(3)]
        places += [f.constant((UNITS,), tall, 2e-4, 4000) for _ in range(4)]
        places += (
            [f.constant((out, UNITS), small, 0.008, 127), f.constant((out,), tall, 8e-5, 3000)] if outputs else [-1] * 2
        )
        constants.append(places)
        hidden = activation((1, out), 0.011, zero, variable=True)
        more = {"scale": 2.0**cell} if quantized else {}
        states.append([hidden, f.add((1, UNITS), wide, variable=True, **more)])
    between = []
    if quantized:
        between = [f.add((0,), "FLOAT32") for _ in range(4)]
        between.append(f.add((0,), "INT8", scale=0.0079 if outputs else 0.011, zero=-4 if outputs else zero))
    y = activation(y_shape, 0.011, zero)
    if layers == 2:
        inputs = [x, *constants[0], *constants[1], *states[0], *states[1]]
        y_shape = (*y_shape[:-1], 2 * out)
        f.tensors[y] = Tensor("y", y_shape)
        inputs += [-1] * 9
    else:
        inputs = [x, *constants[0], *states[0], *([-1] * 4 if kind != "LSTM" else [])]
    table = {"FusedActivationFunction": 4, **options}
    return build(f.tensors, [Operator(kind, inputs, [y], TABLE[kind], table, between)], [x], [y])


def litert(content: bytes, samples: list[Array]) -> list[Array]:
    """What LiteRT's reference kernels compute, one invocation after the other."""
    module = pytest.importorskip("ai_edge_litert.interpreter", reason="needs LiteRT: pip install ai-edge-litert")
    interpreter = module.Interpreter(
        model_content=content, experimental_op_resolver_type=module.OpResolverType.BUILTIN_REF, num_threads=1
    )
    interpreter.allocate_tensors()
    found = []
    for sample in samples:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], sample)
        interpreter.invoke()
        found.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    return found


def integers(graph: Graph) -> IntExecutor:
    return IntExecutor(quantize(optimize_float(graph), None, numerics=Numerics.TFLITE))


def walked(executor: IntExecutor | FloatExecutor, samples: list[Array]) -> list[Array]:
    """The public output of every step of a sequence."""
    graph = executor.graph
    steps: list[Mapping[str, Array]] = [{graph.public_inputs[0]: x} for x in samples]
    return [values[graph.public_outputs[0]] for values in run_sequences(executor, steps)]


INTEGERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "hidden_zero_point": {"zero": -20, "cell": -12},
    "peephole": {"hole": True},
    "projection": {"outputs": 4},
    "wide_projection": {"outputs": 9, "zero": 0},
    "clips": {"CellClip": 0.75, "ProjClip": 0.5, "outputs": 4, "zero": 0},
    "time_major": {"TimeMajor": True},
    "many_integer_bits": {"cell": -9},
    "all": {"hole": True, "outputs": 6, "CellClip": 1.0, "cell": -14},
}


@pytest.mark.parametrize("name", INTEGERS)
def test_integers_of_an_lstm(name: str) -> None:
    """Every bit, over sequences that go on."""
    content = lstm_file(len(name), **INTEGERS[name])
    graph = import_bytes(content, "lstm")
    rng = np.random.default_rng(3)
    shape = graph.type(graph.public_inputs[0]).shape
    samples = [rng.integers(-128, 128, shape).astype(np.int8) for _ in range(6)]
    assert graph.preferred is Numerics.TFLITE and len(graph.states) == 2
    found = walked(integers(graph), samples)
    assert len(np.unique(found)) > 12
    np.testing.assert_array_equal(found, litert(content, samples))


REALS: dict[str, dict[str, Any]] = {
    "plain": {},
    "peephole": {"hole": True},
    "projection": {"outputs": 4, "CellClip": 0.75, "ProjClip": 0.5},
    "time_major": {"TimeMajor": True},
    "one_step": {"kind": "LSTM"},
    "both_directions": {"kind": "BIDIRECTIONAL_SEQUENCE_LSTM", "MergeOutputs": True, "TimeMajor": False},
}


@pytest.mark.parametrize("name", REALS)
def test_real_numbers_of_an_lstm(name: str) -> None:
    content = lstm_file(len(name), quantized=False, **REALS[name])
    graph = import_bytes(content, "lstm")
    rng = np.random.default_rng(4)
    shape = graph.type(graph.public_inputs[0]).shape
    samples = [rng.normal(size=shape).astype(np.float32) for _ in range(4)]
    found = walked(FloatExecutor(optimize_float(graph)), samples)
    np.testing.assert_allclose(found, litert(content, samples), atol=2e-6)


def test_weights_of_8_bits_in_a_float_layer() -> None:
    """A hybrid layer is taken as the real numbers that its weights stand for."""
    content = lstm_file(1, quantized=False, weights="INT8")
    graph = import_bytes(content, "lstm")
    (node,) = [n for n in graph.nodes if isinstance(n.op, Lstm)]
    w = graph.data(node.inputs[1])
    assert w is not None and w.dtype == np.float32 and np.abs(w).max() <= 127 * 0.017


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"FusedActivationFunction": 1}, "its activation is not tanh"),
        ({"kind": "LSTM", "KernelType": 1}, "it is the basic form of an LSTM"),
        ({"cell": -11, "weights": "INT16"}, "is not INT8 with one scale"),
        ({"weights": "INT8", "activations": "INT16"}, "it has 16-bit activations"),
    ],
)
def test_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ModelError, match=text):
        import_bytes(lstm_file(1, quantized="weights" in options, **options), "lstm")


def svdf_file(
    seed: int,
    quantized: bool = True,
    rank: int = 1,
    zero: int = -128,
    kind: str = "INT16",
    weights: str = "FLOAT32",
) -> bytes:
    """A file with one SVDF and random weights: an int16 state, or an int8 one with a zero-point; or, of real numbers,
    weights of a type."""
    f, filters, memory = File(seed), 6, 5
    if not quantized:
        x, y = f.add((1, DEPTH)), f.add((1, filters // rank))
        inputs = [f.constant(shape, weights, 0.01, 127) for shape in ((filters, DEPTH), (filters, memory))]
        inputs.append(f.constant((filters // rank,), "FLOAT32", 0.01, 127))
        inputs.append(f.add((1, filters * memory), variable=True))
    else:
        most = 32767 if kind == "INT16" else 127
        step, own = (0.0004, 2e-5) if kind == "INT16" else (0.15, 0.007)
        x = f.add((1, DEPTH), "INT8", scale=0.03, zero=-7)
        y = f.add((1, filters // rank), "INT8", scale=0.05, zero=zero)
        inputs = [f.constant((filters, DEPTH), "INT8", 0.012, 127), f.constant((filters, memory), kind, own, most)]
        inputs.append(f.constant((filters // rank,), "INT32", step * own, int(0.5 / (step * own))))
        state = 0 if kind == "INT16" else -50
        inputs.append(f.add((1, filters * memory), kind, scale=step, zero=state, variable=True))
    options = {"Rank": rank, "FusedActivationFunction": 1}
    return build(f.tensors, [Operator("SVDF", [x, *inputs], [y], "SVDFOptions", options)], [x], [y])


@pytest.mark.parametrize(("rank", "zero"), [(1, -128), (2, -128), (3, -20)])
def test_integers_of_an_svdf(rank: int, zero: int) -> None:
    content = svdf_file(rank, rank=rank, zero=zero)
    graph = import_bytes(content, "svdf")
    rng = np.random.default_rng(5)
    samples = [rng.integers(-128, 128, (1, DEPTH)).astype(np.int8) for _ in range(12)]
    found = walked(integers(graph), samples)
    assert len(np.unique(found)) > 8
    np.testing.assert_array_equal(found, litert(content, samples))


def test_real_numbers_of_an_svdf() -> None:
    content = svdf_file(4, quantized=False, rank=2)
    graph = import_bytes(content, "svdf")
    rng = np.random.default_rng(6)
    samples = [rng.normal(size=(1, DEPTH)).astype(np.float32) for _ in range(8)]
    found = walked(FloatExecutor(optimize_float(graph)), samples)
    np.testing.assert_allclose(found, litert(content, samples), atol=1e-5)


def test_an_svdf_in_float32_as_litert() -> None:
    """With weights as they are, stored in fewer bits, and of a file of dynamic range; inputs quantized at run time."""
    rng = np.random.default_rng(8)
    samples = [rng.normal(size=(1, DEPTH)).astype(np.float32) for _ in range(12)]
    content, hybrid = (svdf_file(9, quantized=False, rank=2, weights=kind) for kind in ("FLOAT32", "INT8"))
    graph = import_bytes(content, "svdf")

    def decibels(graph: Graph, **options: Any) -> float:
        model = edgeq.api.quantize(graph, numerics="float", config=QuantConfig.from_dict(options))
        found = sqnr_db(np.stack(litert(content, samples)), np.stack(walked(IntExecutor(model.graph), samples)))
        assert found is not None
        return found

    half, eight = (decibels(graph, float_weight_bits=bits) for bits in (16, 8))
    assert decibels(graph) > 120.0 > half > 65.0 > eight > 38.0
    assert eight + 2.0 > decibels(graph, float_weight_bits=8, dynamic=True) > 33.0
    assert eight + 2.0 > decibels(import_bytes(hybrid, "svdf"), float_weight_bits=8, dynamic=True) > 33.0


def test_an_svdf_with_a_state_of_8_bits() -> None:
    """As TensorFlow Lite Micro computes it, near to the real numbers; LiteRT takes such states for int16 ones."""
    graph = import_bytes(svdf_file(7, kind="INT8"), "svdf")
    rng = np.random.default_rng(7)
    samples = [rng.integers(-128, 128, (1, DEPTH)).astype(np.int8) for _ in range(12)]
    ours = integers(graph)
    x, y = ours.graph.type(ours.graph.public_inputs[0]).qp, ours.graph.type(ours.graph.public_outputs[0]).qp
    real = walked(FloatExecutor(optimize_float(graph)), [x.dequantize(s) for s in samples])
    found = y.dequantize(np.stack(walked(ours, samples)))
    limit = np.clip(np.stack(real), 0, 255 * y.s)
    assert np.abs(found - limit).max() < 4 * y.s and len(np.unique(found)) > 8
