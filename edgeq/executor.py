"""The one walk over a graph, which simulator, calibration and bias correction share.

A walk executes many samples at once. Values have the samples along a dimension of their own in front of the tensor's.
An operator that treats the indices of dimension 0 independently (`Op.batched`) gets its operands with the samples
concatenated along it; any other sees one sample after the other. The result is the same to the last bit: no reference
adds up numbers of several samples, nor rounds one in a way that depends on the others. States are inputs like all
others: the caller that runs a sequence hands each step the states that the step before left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from math import prod
from typing import Protocol

import numpy as np

from edgeq.errors import InternalError
from edgeq.ir.graph import Graph, Node
from edgeq.ir.op import Op, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, Shape

Operands = Sequence[Array | None]
Values = dict[str, Array]
Prepare = Callable[[Node, Operands], Node]
ELEMENTS = 1 << 19
"""Elements of a node's largest operand or output to work on at once, so that they stay in a CPU's cache."""
HELD = 1 << 22
"""Elements of the largest tensor to hold at once."""


class Arithmetic(Protocol):
    """The arithmetic in which a graph is executed."""

    def constant(self, name: str) -> Array:
        """The elements of a constant."""

    def compute(self, op: Op, node: Node, operands: Operands) -> tuple[Array, ...]:
        """The outputs of `op`, the node's own operator or its form for a batch; operands include constants."""


class FloatArithmetic:
    """float32; constants that are quantized count as the real numbers they stand for."""

    def __init__(self, graph: Graph) -> None:
        self._constants: Values = {}
        for name, value in graph.values.items():
            if value.data is not None:
                self._constants[name] = value.data if value.type.q is None else value.type.q.dequantize(value.data)
                self._constants[name].flags.writeable = False

    def constant(self, name: str) -> Array:
        return self._constants[name]

    def compute(self, op: Op, node: Node, operands: Operands) -> tuple[Array, ...]:
        return op.run_float(operands)


class IntArithmetic:
    """The integers that the generated code computes.

    Raises:
        InternalError: the graph is not quantized.
    """

    def __init__(self, graph: Graph) -> None:
        if graph.numerics is None:
            raise InternalError("a graph that is not quantized cannot run in integers", where=graph.name)
        self._constants = {name: value.data for name, value in graph.values.items() if value.data is not None}
        self._sites: dict[str, Site] = {node.name: graph.site(node) for node in graph.nodes}

    def constant(self, name: str) -> Array:
        return self._constants[name]

    def compute(self, op: Op, node: Node, operands: Operands) -> tuple[Array, ...]:
        return op.run(self._sites[node.name], operands)


class Executor:
    """Executes a graph in one arithmetic."""

    def __init__(self, graph: Graph, arithmetic: Arithmetic) -> None:
        self.graph = graph
        self._arithmetic = arithmetic
        self._batched: dict[tuple[str, int], Op | None] = {}
        self._uses = {name: len(nodes) for name, nodes in graph.consumers.items()}

    def _run(self, node: Node, operands: Operands, computed: Sequence[bool], samples: int) -> tuple[Array, ...]:
        """Outputs (samples, …) of a node; computed operands have that first dimension too."""
        if not any(computed):
            results = self._arithmetic.compute(node.op, node, operands)
            return tuple(np.broadcast_to(r, (samples, *r.shape)) for r in results)
        out_shapes = [self.graph.type(name).shape for name in node.outputs]
        shapes = [
            None if x is None else x.shape[1:] if is_computed else x.shape
            for x, is_computed in zip(operands, computed, strict=True)
        ]
        moving = [
            shape for shape, is_computed in zip(shapes, computed, strict=True) if shape is not None and is_computed
        ]
        at_once = max(1, min(samples, ELEMENTS // max(1, *(prod(s) for s in (*moving, *out_shapes)))))
        whole: tuple[Array, ...] = ()
        start = 0
        while start < samples:
            count = min(at_once, samples - start)
            op = self._for_batch(node, shapes, computed, count)
            count = count if op is not None else 1
            chosen = [
                x if x is None or not is_computed else _folded(x[start : start + count])
                for x, is_computed in zip(operands, computed, strict=True)
            ]
            results = self._arithmetic.compute(op or node.op, node, chosen)
            if count == samples:
                return tuple(r.reshape(samples, *s) for r, s in zip(results, out_shapes, strict=True))
            whole = whole or tuple(np.empty((samples, *s), r.dtype) for r, s in zip(results, out_shapes, strict=True))
            for target, r, s in zip(whole, results, out_shapes, strict=True):
                target[start : start + count] = r.reshape(count, *s)
            start += count
        return whole

    def _for_batch(self, node: Node, shapes: Shapes, computed: Sequence[bool], count: int) -> Op | None:
        """The operator that takes `count` concatenated samples; None if there is none."""
        if count == 1:
            return node.op
        key = node.name, count
        if key not in self._batched:
            results = tuple(self.graph.type(name).shape for name in node.outputs)
            self._batched[key] = batched_op(node.op, shapes, computed, results, count)
        return self._batched[key]

    def walk(self, inputs: Mapping[str, Array], prepare: Prepare | None = None) -> Iterator[tuple[str, Array]]:
        """Every computed value (samples, …) in the order of execution, each dropped after its last use.

        Args:
            inputs: of each graph input, samples along the first dimension, in the arithmetic's numbers.
            prepare: called with each node and its operands before it is executed; returns the node to execute in its
                place, with the same operator and outputs but possibly other constants.
        """
        left = dict(self._uses)
        held: Values = {name: inputs[name] for name in self.graph.inputs}
        samples = len(next(iter(held.values()))) if held else 1
        yield from held.items()
        for node in self.graph.nodes:
            operands = self._operands(node, held)
            if prepare is not None:
                node = prepare(node, operands)
                operands = self._operands(node, held)
            with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # the caller sees infinities and NaN
                results = self._run(node, operands, [name in held for name in node.inputs], samples)
            del operands
            for name in dict.fromkeys(i for i in node.inputs if i in held):
                left[str(name)] -= 1
                if not left[str(name)]:
                    del held[str(name)]
            for name, array in zip(node.outputs, results, strict=True):
                if left[name]:
                    held[name] = array
                yield name, array

    def _operands(self, node: Node, held: Mapping[str, Array]) -> list[Array | None]:
        return [None if n is None else held[n] if n in held else self._arithmetic.constant(n) for n in node.inputs]

    def run(self, inputs: Mapping[str, Array]) -> Values:
        """Every computed value of one sample, in its tensor's shape; the graph's inputs and outputs are among them."""
        return self._fixed() | {name: x[0] for name, x in self.walk({n: inputs[n][None] for n in self.graph.inputs})}

    def outputs(self, inputs: Mapping[str, Array], samples: int) -> Values:
        """The graph's outputs (samples, …) for inputs as `walk` takes them."""
        fixed = {name: np.broadcast_to(x, (samples, *x.shape)) for name, x in self._fixed().items()}
        return fixed | {name: x for name, x in self.walk(inputs) if name in self.graph.outputs}

    def _fixed(self) -> Values:
        """The outputs that are constants."""
        return {n: self._arithmetic.constant(n) for n in self.graph.outputs if self.graph.data(n) is not None}


def _folded(x: Array) -> Array:
    """Samples (count, n, …) concatenated: (count · n, …)."""
    return x.reshape(len(x) * x.shape[1], *x.shape[2:]) if x.ndim > 1 else x.reshape(())


def batched_op(op: Op, shapes: Shapes, computed: Sequence[bool], results: tuple[Shape, ...], count: int) -> Op | None:
    """The operator for `count` samples concatenated along dimension 0 of its computed operands; None if there is none.

    Args:
        op: the operator for one sample.
        shapes: of its operands, for one sample.
        computed: which of them depend on the sample.
        results: shapes of its outputs, for one sample.
        count: samples.
    """
    moving = [s for s, is_computed in zip(shapes, computed, strict=True) if s is not None and is_computed]
    if not all((*moving, *results)) or len({(len(s), s[0]) for s in moving}) > 1:
        return None
    whole = op.batched(shapes, count)
    if whole is None:
        return None
    try:
        out_shapes = whole.out_shapes(
            [_times(s, count) if is_computed else s for s, is_computed in zip(shapes, computed, strict=True)]
        )
    except ValueError:  # a constant for every index of dimension 0
        return None
    return whole if out_shapes == tuple(_times(s, count) for s in results) else None


def mixes_samples(graph: Graph) -> Node | None:
    """The first node that mixes or counts the samples, so that the graph is not also one for several at once."""
    moving = set(graph.inputs)
    for node in graph.nodes:
        computed = [n in moving for n in node.inputs]
        if not any(computed):
            continue
        shapes = [None if n is None else graph.type(n).shape for n in node.inputs]
        if batched_op(node.op, shapes, computed, tuple(graph.type(o).shape for o in node.outputs), 2) is None:
            return node
        moving.update(node.outputs)
    return None


def _times(shape: Shape | None, count: int) -> Shape | None:
    return None if shape is None else (shape[0] * count, *shape[1:])


def in_batches(samples: Iterable[Mapping[str, Array]], size: int) -> Iterator[dict[str, Array]]:
    """Samples, `size` at a time, as arrays with the samples along their first dimension."""
    rest = iter(samples)
    while batch := list(islice(rest, size)):
        yield {name: np.stack([sample[name] for sample in batch]) for name in batch[0]}


def batch_size(graph: Graph) -> int:
    """How many samples a walk should take at once: enough to prepare weights rarely, few enough to fit in memory."""
    return max(1, HELD // max((graph.type(o).size for n in graph.nodes for o in n.outputs), default=HELD))
