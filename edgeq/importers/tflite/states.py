"""What a model keeps from one run to the next: variables, and TensorFlow Lite Micro's circular buffers.

Each becomes a pair of ports: an input of the graph that holds what the last run left, and the output that the next run
finds there.
"""

from __future__ import annotations

from collections.abc import Hashable
from math import prod

import numpy as np

from edgeq.importers.tflite.builder import Builder
from edgeq.importers.tflite.raw import AGAIN, Problem, RawModel, RawOp, RawTensor, short_name
from edgeq.importers.tflite.registry import handles
from edgeq.ir.graph import State
from edgeq.ir.tensor import DType, TensorType
from edgeq.ops.concat import Concat
from edgeq.ops.slice import Slice

WITHOUT_OUTPUT = frozenset({"CALL_ONCE", "ASSIGN_VARIABLE"})
"""Operators that compute no tensor."""
WITHOUT_INPUT = frozenset({"CALL_ONCE", "VAR_HANDLE"})
"""Operators that read no tensor."""
EVERY_RUN = (5, 13, 25)
"""Slots of the circular buffers without a period that TensorFlow Lite Micro hands on in every run."""


def _key(op: RawOp) -> tuple[str, str]:
    return (str(op.options["Container"]), str(op.options["SharedName"]))


def _first_values(model: RawModel) -> dict[Hashable, RawTensor]:
    """What the variables hold before the first run.

    Raises:
        Problem: it is computed.
    """
    values: dict[Hashable, RawTensor] = {}
    for graph in model.once.values():
        names = {op.outputs[0]: _key(op) for op in graph.ops if op.kind == "VAR_HANDLE" and op.outputs}
        for op in graph.ops:
            if op.kind == "ASSIGN_VARIABLE" and len(op.inputs) == 2 and op.inputs[0] in names:
                values[names[op.inputs[0]]] = graph.tensors[op.inputs[1]]
            elif op.kind != "VAR_HANDLE":
                raise Problem(f"the graph that it calls has a {op.kind}", "begin variables with constants")
    return values


@handles("CALL_ONCE")
def _call_once(b: Builder, op: RawOp) -> None:
    """The graph that gives variables their first values."""
    number = op.option("InitSubgraphIndex")
    if number not in b.model.once:
        raise Problem(f"it calls graph {number}, which is not there", AGAIN)
    for tensor in _first_values(b.model).values():
        if tensor.data is None:
            raise Problem(f"a variable begins with {tensor.name!r}, which is computed", "begin it with constants")


@handles("VAR_HANDLE")
def _var_handle(b: Builder, op: RawOp) -> None:
    """A resource variable, which becomes a state."""
    if len(op.outputs) != 1 or b.tensor(op.outputs[0]).dtype != "RESOURCE":
        raise Problem("it gives no resource", AGAIN)
    b.references[op.outputs[0]] = _key(op)


def _referred(b: Builder, op: RawOp) -> Hashable:
    if op.inputs[0] not in b.references:
        raise Problem("it refers to no variable", AGAIN)
    return b.references[op.inputs[0]]


@handles("READ_VARIABLE")
def _read_variable(b: Builder, op: RawOp) -> None:
    """What a variable holds."""
    key, tensor = _referred(b, op), b.tensor(op.outputs[0])
    given = _first_values(b.model).get(key)
    first = None if given is None else given.data
    if first is not None and first.size != prod(tensor.shape):
        raise Problem(f"a variable of {tensor.shape} begins with {first.size} elements", AGAIN)
    handles_of = {o.outputs[0] for o in b.model.ops if o.kind == "VAR_HANDLE" and o.outputs and _key(o) == key}
    if not any(o.kind == "ASSIGN_VARIABLE" and o.inputs and o.inputs[0] in handles_of for o in b.model.ops):
        zero = 0 if tensor.quant is None else tensor.quant.zero_point[0]
        b.fold(tensor.index, np.full(tensor.shape, zero) if first is None else first.reshape(tensor.shape))
        return
    name, q = b.model.tensors[op.inputs[0]].name, b.activation_q(tensor)
    begin = () if first is None else State.beginning(first if q is None else q.dequantize(first))
    type = TensorType(tensor.shape, DType.FLOAT32, q)
    b.bind(tensor.index, b.variable(key, short_name(name), type, begin))


@handles("ASSIGN_VARIABLE")
def _assign_variable(b: Builder, op: RawOp) -> None:
    """What a variable is to hold."""
    b.assign(_referred(b, op), b.value(op.inputs[1]))


@handles("CUSTOM CIRCULAR_BUFFER")
def _circular_buffer(b: Builder, op: RawOp) -> None:
    """A window over the last rows: what was there but for the first row, then the new one."""
    new, out = b.operand(op, 0), b.tensor(op.outputs[0])
    row, window = b.shape(new), out.shape
    if len(window) != 4 or len(row) != 4 or row[:2] != (1, 1) or window[0] != 1 or row[2:] != window[2:]:
        raise Problem(f"it makes {window} of {row}", AGAIN)
    slots, period = window[1], op.option("cycles_max")
    if period > 1 or (period <= 0 and slots not in EVERY_RUN):
        raise Problem(
            f"it ends {max(period, 2) - 1} of {max(period, 2)} runs of the model before the layers behind it",
            "cut the model there into two, and run the second one every so many times in the application",
        )
    if slots == 1:
        b.emit(op, Concat(1), [new])
        return
    key = ("circular buffer", out.index)
    held = (1, slots - 1, *window[2:])
    before = b.variable(key, f"{short_name(out.name)}/state", TensorType(held, DType.FLOAT32, b.output_q(op)))
    b.emit(op, Concat(1), [before, b.matched(new, b.output_q(op))])
    joined, ones = b.values[out.index], (1,) * 4
    b.assign(key, b.step(Slice((0, 1, 0, 0), window, ones), [joined], f"{short_name(out.name)}/after", b.output_q(op)))
