"""WHILE: the loops that converters make of recurrent layers are taken as what they compute.

A loop over the steps of a sequence is recognized by trying: its body gives the weights, and the operator that is made
of them has to equal the loop, all steps of it, on random numbers. So the order of a body's operators does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations, product

import numpy as np

from edgeq.importers.tflite.builder import Builder
from edgeq.importers.tflite.fold import FOLDERS
from edgeq.importers.tflite.hints import hint_for
from edgeq.importers.tflite.options import LOOP_GRAPHS
from edgeq.importers.tflite.raw import DTYPES, Problem, RawModel, RawOp, RawTensor
from edgeq.importers.tflite.registry import handles
from edgeq.ir.op import Op
from edgeq.ir.tensor import Array
from edgeq.ops.gru import Gru
from edgeq.ops.lstm import Lstm
from edgeq.ops.reshape import Reshape
from edgeq.ops.simple_rnn import SimpleRnn
from edgeq.ops.transpose import Transpose

MOST_STEPS = 4096
"""Of a loop that is tried."""
MOST_PARTS = 4
"""Products with the sequence, or with a state, in one step; and biases."""
NEAR = 1e-4
"""How far the operator may be from the loop, in float32."""
FUSED: Mapping[int, Callable[[Array], Array]] = {
    0: lambda x: x,
    1: lambda x: np.maximum(x, 0),
    3: lambda x: np.clip(x, 0, 6),
    4: np.tanh,
}


def _dense(op: RawOp, x: Sequence[Array]) -> Array:
    return x[0].reshape(-1, x[1].shape[1]) @ x[1].T + (x[2] if len(x) > 2 else np.float32(0))


def _split(op: RawOp, x: Sequence[Array]) -> list[Array]:
    return np.split(x[1], len(op.outputs), axis=int(x[0].item()))


STEPS: Mapping[str, Callable[[RawOp, Sequence[Array]], Array | list[Array]]] = {
    **FOLDERS,
    "FULLY_CONNECTED": _dense,
    "LOGISTIC": lambda op, x: 1 / (1 + np.exp(-x[0])),
    "TANH": lambda op, x: np.tanh(x[0]),
    "RELU": lambda op, x: np.maximum(x[0], 0),
    "SPLIT": _split,
}
"""What operators of a body compute."""


def run(graph: RawModel, given: Sequence[Array]) -> list[Array]:
    """The outputs of a graph.

    Raises:
        Problem: an operator that is in no recurrent layer.
    """
    found = dict(zip(graph.inputs, given, strict=True))

    def operand(index: int) -> Array:
        data = found.get(index)
        data = graph.tensors[index].data if data is None else data
        if data is None:
            raise Problem("its body reads what nothing computes")
        return data

    for op in graph.ops:
        if op.kind not in STEPS:
            raise Problem(f"it is a loop with the operator {op.kind}, which no recurrent layer has", hint_for("WHILE"))
        made = STEPS[op.kind](op, [operand(i) for i in op.inputs if i >= 0])
        fused = FUSED[int(op.options.get("FusedActivationFunction", 0))]
        for index, data in zip(op.outputs, made if isinstance(made, list) else [made], strict=True):
            found[index] = np.asarray(fused(data), DTYPES[graph.tensors[index].dtype])
    return [operand(i) for i in graph.outputs]


def _real(tensor: RawTensor) -> RawTensor:
    """A constant of 16-bit floats or of integers with scales as the real numbers that it stands for."""
    data, quant = tensor.data, tensor.quant
    if data is None or tensor.dtype not in ("FLOAT16", "INT8") or (tensor.dtype == "INT8" and quant is None):
        return tensor
    real = data.astype(np.float32)
    if quant is not None and tensor.dtype == "INT8":
        along = [-1 if k == quant.axis and quant.scale.size > 1 else 1 for k in range(data.ndim)]
        real = (real - quant.zero_point.astype(np.float32).reshape(along)) * quant.scale.reshape(along)
    return replace(tensor, dtype="FLOAT32", data=real)


def with_real_constants(graph: RawModel, given: Mapping[int, Array]) -> RawModel:
    """A graph whose constants are real numbers: those that it dequantizes, or multiplies with as they are stored, too.

    Args:
        graph: of a loop.
        given: tensors that are the same in every run.
    """
    tensors = [_real(replace(t, data=given[t.index]) if t.index in given else t) for t in graph.tensors]
    ops = []
    for op in graph.ops:
        data = tensors[op.inputs[0]].data if op.kind == "DEQUANTIZE" and op.inputs else None
        if data is None or not op.outputs:
            ops.append(op)
        else:
            tensors[op.outputs[0]] = replace(tensors[op.outputs[0]], data=data)
    return replace(graph, tensors=tuple(tensors), ops=tuple(ops))


@dataclass
class Loop:
    """A loop as it is in a file: which of its variables are what.

    Attributes:
        op: the operator.
        condition, body: its graphs.
        sequence: the variable that is read and never changed, (steps, batch, inputs).
        states: variables (batch, units).
        collected: the variable that takes results, (steps or 1, batch, units), if there is one.
        fixed: variables that are constants.
    """

    op: RawOp
    condition: RawModel
    body: RawModel
    sequence: int = -1
    states: list[int] = field(default_factory=list)
    collected: int = -1
    fixed: frozenset[int] = frozenset()

    def sort(self) -> None:
        """Find out which variable is what.

        Raises:
            Problem: it is not a recurrent layer.
        """
        for k, index in enumerate(self.body.inputs):
            tensor = self.body.tensors[index]
            if tensor.dtype in ("INT32", "INT64") or k in self.fixed:
                continue
            if tensor.dtype != "FLOAT32":
                raise Problem(
                    f"it is a loop over {tensor.dtype} tensors",
                    "give edgeq the float model: it quantizes recurrent layers itself",
                )
            if len(tensor.shape) == 2:
                self.states.append(k)
            elif len(tensor.shape) == 3 and self.body.outputs[k] == index and self.sequence < 0:
                self.sequence = k
            elif len(tensor.shape) == 3 and self.body.outputs[k] != index and self.collected < 0:
                self.collected = k
            else:
                raise Problem("it is a loop that is no recurrent layer", hint_for("WHILE"))
        if self.sequence < 0 or len(self.states) not in (1, 2):
            raise Problem("it is a loop that is no recurrent layer", hint_for("WHILE"))

    def depends(self, variables: Sequence[int]) -> set[int]:
        """Tensors of the body that are made from variables."""
        found = {self.body.inputs[k] for k in variables}
        for op in self.body.ops:
            if found.intersection(op.inputs):
                found.update(op.outputs)
        return found

    def constants(self) -> tuple[list[Array], list[Array], list[Array]]:
        """Weights that the sequence is multiplied with, those of states, and vectors that may be biases."""
        body = self.body
        remembered = self.depends(self.states)
        inputs: list[Array] = []
        recurrent: list[Array] = []
        biases: list[Array] = []
        for op in body.ops:
            data = {i: body.tensors[i].data for i in op.inputs if i >= 0 and body.tensors[i].dtype == "FLOAT32"}
            if op.kind == "FULLY_CONNECTED":
                weights = data.get(op.inputs[1])
                if weights is None:
                    raise Problem("its body multiplies two computed tensors", hint_for("WHILE"))
                (recurrent if op.inputs[0] in remembered else inputs).append(weights)
            elif op.kind != "ADD":
                continue
            biases += [
                a.reshape(-1) for i, a in data.items() if a is not None and a.size > 1 and a.size == max(a.shape)
            ]
        return inputs, recurrent, biases


def _candidates(loop: Loop, units: int) -> Iterator[tuple[Op, list[Array | None]]]:
    """Operators that the loop may be, with weights and biases."""
    inputs, recurrent, biases = loop.constants()
    if not inputs or not recurrent or max(len(inputs), len(recurrent), len(biases)) > MOST_PARTS:
        return
    rows = sum(len(w) for w in inputs)
    if rows % units or rows != sum(len(r) for r in recurrent):
        return
    gates = rows // units
    biases = [bias for bias in biases if len(bias) == rows]
    for w, r in product(permutations(inputs), permutations(recurrent)):
        if len({a.shape[1] for a in w}) != 1 or any(a.shape[1] != units for a in r):
            continue
        weights: list[Array | None] = [np.concatenate(w), np.concatenate(r)]
        total: Array | None = np.sum(biases, axis=0) if biases else None
        if len(loop.states) == 2 and gates == 4:
            yield Lstm(), [*weights, total]
        elif len(loop.states) == 1 and gates == 1:
            for function in ("tanh", "relu", "sigmoid"):
                yield SimpleRnn(function), [*weights, total]
        elif len(loop.states) == 1 and gates == 3:
            for places in product((0, 1), repeat=len(biases)):
                both = [[bias for bias, p in zip(biases, places, strict=True) if p == k] for k in (0, 1)]
                sums: list[Array | None] = [np.sum(part, axis=0) if part else None for part in both]
                for after in (True, False):
                    yield Gru(after), [*weights, *sums]


def _results(loop: Loop, given: Sequence[Array], steps: int) -> list[Array]:
    """What the variables are after the loop.

    Raises:
        Problem: it has another number of steps.
    """
    variables = list(given)
    for count in range(steps + 1):
        (goes_on,) = run(loop.condition, variables)
        if not goes_on.item():
            if count == steps:
                return variables
            break
        if count < steps:
            variables = run(loop.body, variables)
    raise Problem(f"it is a loop whose steps are not the {steps} of its sequence", hint_for("WHILE"))


def _matches(
    op: Op,
    weights: Sequence[Array | None],
    trial: Sequence[Array],
    loop: Loop,
    wanted: Sequence[Array],
    order: Sequence[int],
) -> bool:
    """Whether an operator gives what the loop does."""
    x, first = trial[loop.sequence], [trial[k] for k in order]
    sequence, *last = op.run_float([x.swapaxes(0, 1), *weights, *first])
    close = [np.allclose(a, wanted[k], atol=NEAR) for a, k in zip(last, order, strict=True)]
    if loop.collected >= 0:
        theirs = wanted[loop.collected]
        close.append(np.allclose(sequence.swapaxes(0, 1)[-len(theirs) :], theirs, atol=NEAR))
    return all(close)


def recognized(loop: Loop, integers: Mapping[int, Array]) -> tuple[Op, list[Array | None], list[int], list[Array]]:
    """The operator that a loop is, its weights and biases, the order of its states, and the variables' last values.

    Args:
        loop: the loop, sorted.
        integers: first values of variables that count.

    Raises:
        Problem: it is none.
    """
    shapes = [loop.body.tensors[i].shape for i in loop.body.inputs]
    steps, units = shapes[loop.sequence][0], shapes[loop.states[0]][1]
    if not 0 < steps <= MOST_STEPS:
        raise Problem(f"it is a loop of {steps:,} steps; the limit is {MOST_STEPS:,}", hint_for("WHILE"))
    rng = np.random.default_rng(0)
    trial = [integers[k] if k in integers else rng.normal(0, 1, s).astype(np.float32) for k, s in enumerate(shapes)]
    wanted = _results(loop, trial, steps)
    for op, weights in _candidates(loop, units):
        for order in permutations(loop.states):
            if _matches(op, weights, trial, loop, wanted, order):
                return op, weights, list(order), wanted
    raise Problem("it is a loop that is no LSTM, GRU or plain recurrent layer edgeq knows", hint_for("WHILE"))


def _first(b: Builder, op: RawOp, k: int) -> str:
    """A state at the begin; a constant one of its own, since states that begin alike differ in their scales."""
    data = b.stored(op.inputs[k])
    if data is None:
        return b.operand(op, k)
    return b.editor.constant(b.editor.unique(f"{b.tensor(op.inputs[k]).name}/first"), data.astype(np.float32))


@handles("WHILE")
def loop(b: Builder, op: RawOp) -> None:
    """A recurrent layer."""
    graphs = [b.model.loops.get(op.option(name)) for name in LOOP_GRAPHS]
    condition, body = graphs
    if condition is None or body is None or not len(op.inputs) == len(op.outputs) == len(body.inputs):
        raise Problem("the operator WHILE is not supported here: its graphs are absent", hint_for("WHILE"))
    if len(body.outputs) != len(body.inputs) or len(condition.inputs) != len(body.inputs):
        raise Problem("its graphs do not fit it", hint_for("WHILE"))
    fixed = {
        k: data
        for k, index in enumerate(op.inputs)
        if (data := b.stored(index)) is not None and data.dtype.kind == "f" and body.outputs[k] == body.inputs[k]
    }
    condition, body = (
        with_real_constants(graph, {graph.inputs[k]: data for k, data in fixed.items()}) for graph in (condition, body)
    )
    found = Loop(op, condition, body, fixed=frozenset(fixed))
    found.sort()
    integers: dict[int, Array] = {k: data.astype(np.float32) for k, data in fixed.items()}
    for k, index in enumerate(op.inputs):
        if body.tensors[body.inputs[k]].dtype in ("INT32", "INT64"):
            first = b.stored(index)
            if first is None:
                raise Problem("it is a loop whose counters begin at computed numbers", hint_for("WHILE"))
            integers[k] = first
    kind, weights, order, last = recognized(found, integers)
    for k in integers:
        b.fold(op.outputs[k], last[k])
    x = b.operand(op, found.sequence)
    b.bind(op.outputs[found.sequence], x)
    rows = b.step(Transpose((1, 0, 2)), [x], f"{x}/batch_first", None)
    stored: list[str | None] = [
        None if a is None else b.editor.constant(b.editor.unique(f"{x}/weights_{k}"), a.astype(np.float32))
        for k, a in enumerate(weights)
    ]
    states = [_first(b, op, k) for k in order]
    made = b.steps(kind, [rows, *stored, *states], f"{x}/{kind.kind.lower()}", [None] * (1 + len(states)))
    for k, value in zip(order, made[1:], strict=True):
        b.bind(op.outputs[k], value)
    if found.collected >= 0:
        shape = body.tensors[body.inputs[found.collected]].shape
        if shape[0] == 1:
            value = b.step(Reshape(shape), [made[1]], f"{made[1]}/last", None)
        else:
            value = b.step(Transpose((1, 0, 2)), [made[0]], f"{made[0]}/steps_first", None)
        b.bind(op.outputs[found.collected], value)
