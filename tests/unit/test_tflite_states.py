"""Variables and circular buffers of TensorFlow Lite files become states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tflite_file import Operator, Tensor, build

from edgeq import api
from edgeq.errors import ModelError
from edgeq.importers.cut import Cut
from edgeq.importers.tflite import import_bytes
from edgeq.ir.graph import Graph, State
from edgeq.ir.tensor import Array, DType, QParams, TensorType
from edgeq.ir.text import parse_graph, print_graph
from edgeq.sequence import run_sequences
from edgeq.simulator import FloatExecutor, IntExecutor

ONCE = Operator("CALL_ONCE", [], [], "CallOnceOptions", {"InitSubgraphIndex": 1})
Q: dict[str, Any] = {"dtype": "INT8", "scale": 0.5, "zero": 3}


def handle(output: int, name: str = "held") -> Operator:
    return Operator("VAR_HANDLE", [], [output], "VarHandleOptions", {"SharedName": name})


def beginning(data: Array, name: str = "held", **type: Any) -> tuple[list[Tensor], list[Operator]]:
    """The graph that gives a variable its first value."""
    tensors = [Tensor("handle", (), "RESOURCE"), Tensor("first", data.shape, data=data, **type)]
    return tensors, [handle(0, name), Operator("ASSIGN_VARIABLE", [0, 1], [])]


def accumulator(first: float | Array = 0.0, quantized: bool = False) -> bytes:
    """y = x + held; held = y; and z = x + the y before this one, which is read after the assignment."""
    type: dict[str, Any] = Q if quantized else {}
    names = ("x", "held before", "y", "held after", "z")
    tensors = [Tensor("held", (), "RESOURCE"), *(Tensor(n, (1, 4), **type) for n in names)]
    ops = [
        ONCE,
        handle(0),
        Operator("READ_VARIABLE", [0], [2]),
        Operator("ADD", [1, 2], [3], "AddOptions"),
        Operator("ASSIGN_VARIABLE", [0, 3], []),
        Operator("READ_VARIABLE", [0], [4]),
        Operator("ADD", [4, 1], [5], "AddOptions"),
    ]
    zero = np.full((1, 4), first + (3 if quantized else 0))
    return build(tensors, ops, [1], [3, 5], [beginning(zero, **type)])


def outputs_of(graph: Graph, xs: Array, integers: bool = False) -> list[Array]:
    executor = IntExecutor(graph) if integers else FloatExecutor(graph)
    steps = run_sequences(executor, [{graph.public_inputs[0]: x} for x in xs])
    return [np.concatenate([step[name] for name in graph.public_outputs]) for step in steps]


def reference_of(data: bytes, xs: Array) -> list[Array]:
    """What LiteRT's reference kernels give, from the first run on."""
    litert = pytest.importorskip("ai_edge_litert.interpreter", reason="needs LiteRT: pip install ai-edge-litert")
    reference = litert.OpResolverType.BUILTIN_REF
    interpreter = litert.Interpreter(model_content=data, experimental_op_resolver_type=reference)
    interpreter.allocate_tensors()
    results = []
    for x in xs:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
        interpreter.invoke()
        results.append(np.concatenate([interpreter.get_tensor(o["index"]) for o in interpreter.get_output_details()]))
    return results


def test_a_variable_is_a_state_and_what_was_assigned_is_read() -> None:
    graph = import_bytes(accumulator(), "net")
    assert [s.input for s in graph.states] == ["held"] and graph.public_outputs == ("y", "z")
    xs = np.arange(12, dtype=np.float32).reshape(3, 1, 4)
    total = np.cumsum(xs, axis=0)
    for got, y, x in zip(outputs_of(graph, xs), total, xs, strict=True):
        np.testing.assert_array_equal(got, np.concatenate([y, y + x]))


def test_integers_equal_those_of_litert() -> None:
    data = accumulator(quantized=True)
    model = api.quantize(import_bytes(data, "net"))
    xs = np.random.default_rng(1).integers(-20, 20, (40, 1, 4), np.int8)
    np.testing.assert_array_equal(outputs_of(model.graph, xs, True), reference_of(data, xs))


def test_first_values_equal_those_of_litert(tmp_path: Path) -> None:
    """Unlike ones, in float, in integers and in the program that resets its states."""
    first = np.array([[5.0, -7.0, 0.0, 100.0]])
    data, xs = accumulator(first), np.arange(12, dtype=np.float32).reshape(3, 1, 4)
    graph = import_bytes(data, "net")
    assert graph.states == (State("held", graph.states[0].output, (5.0, -7.0, 0.0, 100.0)),)
    np.testing.assert_array_equal(outputs_of(graph, xs), reference_of(data, xs))
    data, xs = accumulator(first, quantized=True), np.random.default_rng(1).integers(-20, 20, (40, 1, 4), np.int8)
    model = api.quantize(import_bytes(data, "net"))
    np.testing.assert_array_equal(outputs_of(model.graph, xs, True), reference_of(data, xs))
    assert parse_graph(print_graph(graph), {}).states == graph.states
    api.build(api.BuildOptions(Path("net"), output=tmp_path / "net"), model=model)
    assert api.verify(tmp_path / "net", samples=12)["mismatches"] == 0
    assert "memcpy(block + 0, net_begin, 4);" in (tmp_path / "net" / "src" / "net.c").read_text()


def test_one_first_value_for_all_elements() -> None:
    (state,) = import_bytes(accumulator(first=1.0), "net").states
    assert state.first == (1.0,)
    np.testing.assert_array_equal(state.begin(TensorType((2, 2), DType.INT8, QParams.per_tensor(0.5, 3))), 5)
    assert State.beginning(np.zeros((2, 3))) == ()


def test_a_variable_that_is_never_assigned_has_its_first_value() -> None:
    tensors = [Tensor("held", (), "RESOURCE"), *(Tensor(n, (1, 4)) for n in ("x", "held before", "y"))]
    ops = [ONCE, handle(0), Operator("READ_VARIABLE", [0], [2]), Operator("ADD", [1, 2], [3], "AddOptions")]
    data = build(tensors, ops, [1], [3], [beginning(np.array([[1.0, 2.0, 3.0, 4.0]], np.float32))])
    graph, xs = import_bytes(data, "net"), np.ones((1, 1, 4), np.float32)
    assert graph.states == ()
    np.testing.assert_array_equal(outputs_of(graph, xs)[0], [[2.0, 3.0, 4.0, 5.0]])


def test_a_variable_that_is_never_assigned_is_constant() -> None:
    tensors = [Tensor("held", (), "RESOURCE"), *(Tensor(n, (1, 4)) for n in ("x", "held before", "y"))]
    ops = [handle(0), Operator("READ_VARIABLE", [0], [2]), Operator("ADD", [1, 2], [3], "AddOptions")]
    graph = import_bytes(build(tensors, ops, [1], [3]), "net")
    assert graph.states == () and graph.inputs == ("x",)


def test_a_part_of_a_model_keeps_what_its_variables_become() -> None:
    graph = import_bytes(accumulator(), "net", cut=Cut(outputs=("y",)))
    assert graph.public_outputs == ("y",) and len(graph.states) == 1


def circular(cycles: int) -> bytes:
    options = b"cycles_max\0\1\14\1\1\1" + bytes([cycles]) + b"\4\2\44\1"
    tensors = [Tensor("x", (1, 1, 1, 2), **Q), Tensor("window", (1, 3, 1, 2), **Q)]
    return build(tensors, [Operator("CUSTOM CIRCULAR_BUFFER", [0], [1], custom=options)], [0], [1])


def test_a_circular_buffer_is_a_window_over_the_last_rows() -> None:
    graph = api.quantize(import_bytes(circular(1), "net")).graph
    xs = np.arange(8, dtype=np.int8).reshape(4, 1, 1, 1, 2)
    rows = np.concatenate([np.full((2, 2), 3), xs.reshape(4, 2)])
    for k, got in enumerate(outputs_of(graph, xs, True)):
        np.testing.assert_array_equal(got.reshape(3, 2), rows[k : k + 3])


def test_a_circular_buffer_that_ends_runs_is_refused() -> None:
    with pytest.raises(ModelError, match="ends 3 of 4 runs of the model"):
        import_bytes(circular(4), "net")


def test_damaged_options_of_a_circular_buffer() -> None:
    tensors = [Tensor("x", (1, 1, 1, 2), **Q), Tensor("window", (1, 3, 1, 2), **Q)]
    data = build(tensors, [Operator("CUSTOM CIRCULAR_BUFFER", [0], [1], custom=b"\1\4\1")], [0], [1])
    with pytest.raises(ModelError, match="damaged"):
        import_bytes(data, "net")
