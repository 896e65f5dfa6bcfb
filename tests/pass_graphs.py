"""Small graphs for the tests of the passes, and what "the same function" means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.op import Op
from edgeq.ir.tensor import Array, DType, QParams, Shape, TensorType
from edgeq.ir.verify import verify
from edgeq.numerics.fixedpoint import Numerics
from edgeq.simulator import run_float, run_int


class Net:
    """A float graph written down node by node; constants get random elements."""

    def __init__(self, seed: int = 0) -> None:
        self.edit = GraphEditor("net")
        self.rng = np.random.default_rng(seed)

    def input(self, name: str, *shape: int, q: QParams | None = None) -> str:
        """A graph input."""
        return self.edit.input(name, TensorType(shape, q=q))

    def const(self, *shape: int) -> str:
        """A float constant, away from zero."""
        data = self.rng.uniform(0.5, 1.5, shape) * self.rng.choice([-1, 1], shape)
        return self.edit.constant("c", data.astype(np.float32))

    def data(self, data: Array | float | Sequence[float], q: QParams | None = None) -> str:
        """A constant with given elements."""
        array = np.asarray(data)
        return self.edit.constant("c", array.astype(np.float32) if array.dtype.kind == "f" else array, q)

    def add(self, op: Op, *inputs: str | None, name: str = "n", q: QParams | None = None) -> str:
        """A node with one output, prescribed to be held in q."""
        (out,) = self.edit.add(op, inputs, name)
        self.edit.set_type(out, TensorType(self.edit.values[out].type.shape, q=q))
        return out

    def split(self, op: Op, source: str) -> tuple[str, ...]:
        """A node with several outputs."""
        return self.edit.add(op, [source], "split")

    def finish(self, *outputs: str) -> Graph:
        """The verified graph."""
        self.edit.outputs = list(outputs)
        return verify(self.edit.finish())


def kinds(graph: Graph) -> list[str]:
    """Operators in the order of execution."""
    return [node.op.kind for node in graph.nodes]


def assert_same_float(before: Graph, after: Graph, tolerance: float = 1e-5) -> None:
    """Both graphs are well formed, have the same interface, and compute the same up to float32 rounding."""
    verify(after)
    assert (before.inputs, before.outputs) == (after.inputs, after.outputs)
    rng = np.random.default_rng(1)
    for _ in range(3):
        x = {n: rng.normal(0, 2, before.type(n).shape).astype(np.float32) for n in before.inputs}
        a, b = run_float(before, x), run_float(after, x)
        for name in before.outputs:
            assert np.isfinite(a[name]).all()
            assert before.type(name).shape == after.type(name).shape
            np.testing.assert_allclose(
                b[name], a[name], rtol=tolerance, atol=tolerance * max(1.0, np.abs(a[name]).max())
            )


class IntNet:
    """An integer graph; every activation has the scale and zero-point given for it."""

    def __init__(self, numerics: Numerics = Numerics.FAST, seed: int = 0) -> None:
        self.edit = GraphEditor("net")
        self.edit.numerics = numerics
        self.rng = np.random.default_rng(seed)

    def input(self, name: str, *shape: int, scale: float = 0.05, zero: int = 0) -> str:
        """A graph input."""
        return self.edit.input(name, TensorType(shape, DType.INT8, QParams.per_tensor(scale, zero)))

    def weights(self, shape: Shape, axis: int = 0, dead: Sequence[int] = ()) -> str:
        """Random weights with parameters along the output channels; those of `dead` channels are zero."""
        data = self.rng.integers(-127, 128, shape).astype(np.int8)
        np.moveaxis(data, axis, 0)[list(dead)] = 0
        return self.edit.constant("w", data, QParams.per_channel(self.rng.uniform(0.001, 0.003, shape[axis]), 0, axis))

    def bias(self, source: str, weights: str, data: Sequence[int]) -> str:
        """A bias in the scale of input times weights."""
        s = self.edit.values[source].type.qp.s
        scale = s * np.asarray(self.edit.values[weights].type.qp.scale)
        return self.edit.constant("b", np.asarray(data, np.int32), QParams.per_channel(scale, 0, 0))

    def add(self, op: Op, *inputs: str | None, name: str = "n", scale: float = 0.05, zero: int = 0) -> str:
        """A node with one output."""
        shapes = op.out_shapes([None if i is None else self.edit.values[i].type.shape for i in inputs])
        type = TensorType(shapes[0], DType.INT8, QParams.per_tensor(scale, zero))
        return self.edit.add(op, inputs, self.edit.unique(name), types=[type])[0]

    def finish(self, *outputs: str) -> Graph:
        """The verified graph."""
        self.edit.outputs = list(outputs)
        return verify(self.edit.finish())


def assert_same_int(before: Graph, after: Graph, samples: int = 8) -> None:
    """Both graphs are well formed and give exactly the same outputs."""
    verify(after)
    assert (before.inputs, before.outputs) == (after.inputs, after.outputs)
    rng = np.random.default_rng(1)
    for k in range(samples):
        x = {}
        for name in before.inputs:
            type = before.type(name)
            low, high = type.dtype.range
            drawn = rng.integers(low, high + 1, type.shape)
            x[name] = (drawn if k else np.where(drawn < 0, low, high)).astype(type.dtype.numpy)
        a, b = run_int(before, x), run_int(after, x)
        for name in before.outputs:
            assert before.type(name) == after.type(name)
            np.testing.assert_array_equal(b[name], a[name])
