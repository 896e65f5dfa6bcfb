"""Random small ONNX models of many operators, with odd shapes, strides, pads and broadcasts; each seed has its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper, shape_inference

MOST, RANK = 2000, 5
"""Elements and dimensions of a tensor."""
INPUTS = {1: 30, 2: 16, 3: 9, 4: 8}
"""By rank, the greatest size of a dimension of an input."""
FUNCTIONS = [
    "Relu",
    "Sigmoid",
    "Tanh",
    "Elu",
    "LeakyRelu",
    "HardSigmoid",
    "HardSwish",
    "Abs",
    "Neg",
    "Erf",
    "Gelu",
    "Round",
    "Floor",
]
REDUCTIONS = ["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2", "ReduceSumSquare"]


class RandomModel:
    """A model that grows by operators on its latest tensors.

    Attributes:
        inputs, shapes: shapes of its inputs, and of all tensors.
        outputs: what nothing reads.
    """

    def __init__(self, seed: int, layers: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}
        rank = self.pick(2, 3, 4, 4, 4, 1)
        self.inputs = {"x": (1, *(self.whole(1, INPUTS[rank]) for _ in range(rank - 1)))}
        if rank == 1:
            self.inputs = {"x": (self.whole(2, INPUTS[1]),)}
        self.shapes: dict[str, tuple[int, ...]] = dict(self.inputs)
        self.values = list(self.inputs)
        for _ in range(4 * layers):
            if len(self.values) <= layers:
                self._grow()
        used = {name for node in self.nodes for name in node.input}
        self.outputs = [name for name in self.values if name not in used] or [self.values[-1]]

    def _grow(self) -> None:
        """Try to add an operator; what does not fit a tensor, or makes a large one, is left out again."""
        count = len(self.nodes)
        try:
            made = self.pick(*OPERATORS)(self, self.pick(*self.values[-3:]))
        except onnx.shape_inference.InferenceError:
            made = None
        if made is None or np.prod(self.shapes[made]) > MOST or len(self.shapes[made]) > RANK:
            del self.nodes[count:]
        else:
            self.values.append(made)

    def pick(self, *items: Any) -> Any:
        return items[int(self.rng.integers(len(items)))]

    def whole(self, least: int, most: int) -> int:
        return int(self.rng.integers(least, most + 1))

    def coin(self) -> bool:
        return bool(self.rng.random() < 0.5)

    def constant(self, data: Any, dtype: Any = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(data, dtype)
        return name

    def weights(self, *shape: int, size: float = 1.0) -> str:
        """Normal ones, sometimes few of them, or of unlike channels."""
        data = self.rng.normal(0, size, shape)
        how = self.whole(0, 9)
        if how == 0:
            data *= self.rng.random(shape) < 0.2
        if how == 1 and shape:
            data *= np.exp(self.rng.normal(0, 2, (shape[0], *(1 for _ in shape[1:]))))
        return self.constant(data)

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator; returns its first output.

        Raises:
            InferenceError: it does not fit.
        """
        node = helper.make_node(
            kind, inputs, [f"v{len(self.nodes)}"], f"{kind.lower()}_{len(self.nodes)}", **attributes
        )
        known = {n: self.shapes[n] for n in dict.fromkeys(inputs) if n in self.shapes}
        alone = self._model([node], known, [node.output[0]])
        (info,) = shape_inference.infer_shapes(alone, strict_mode=True, data_prop=True).graph.output
        self.shapes[node.output[0]] = tuple(d.dim_value for d in info.type.tensor_type.shape.dim)
        self.nodes.append(node)
        return str(node.output[0])

    def _model(self, nodes: list[onnx.NodeProto], inputs: dict[str, Any], outputs: list[str]) -> onnx.ModelProto:
        used = {name for node in nodes for name in node.input}
        ports = [
            [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, s) for n, s in side.items()]
            for side in (inputs, dict.fromkeys(outputs))
        ]
        stored = [numpy_helper.from_array(data, name) for name, data in self.constants.items() if name in used]
        graph = helper.make_graph(nodes, "random", *ports, stored)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)

    def model(self) -> onnx.ModelProto:
        """The whole."""
        return self._model(self.nodes, self.inputs, self.outputs)


Grow = Callable[[RandomModel, str], "str | None"]
"""Adds an operator on a tensor; None: there is none that fits."""


def convolution(m: RandomModel, x: str) -> str | None:
    shape, kernel = m.shapes[x], [m.whole(1, min(4, n + 1)) for n in m.shapes[x][2:]]
    if len(shape) not in (3, 4):
        return None
    groups = m.pick(1, 1, shape[1], *(g for g in range(1, shape[1] + 1) if shape[1] % g == 0))
    units = groups * m.whole(1, 3)
    pads = [m.whole(0, 2) for _ in range(2 * len(kernel))]
    dilations = [m.pick(1, 1, 2, 3) for _ in kernel]
    for k, size in enumerate(shape[2:]):
        if size + pads[k] + pads[k + len(kernel)] < (kernel[k] - 1) * dilations[k] + 1:
            kernel[k] = 1
    w = m.weights(units, shape[1] // groups, *kernel, size=float((shape[1] // groups * np.prod(kernel)) ** -0.5))
    bias = [m.weights(units, size=0.3)] if m.coin() else []
    strides = [m.pick(1, 1, 2, 3) for _ in kernel]
    return m.add("Conv", x, w, *bias, group=groups, strides=strides, dilations=dilations, pads=pads)


def transposed_convolution(m: RandomModel, x: str) -> str | None:
    shape, kernel = m.shapes[x], [m.whole(1, 4) for _ in m.shapes[x][2:]]
    if len(shape) not in (3, 4):
        return None
    groups = m.pick(1, 1, shape[1])
    strides, pads = [m.pick(1, 2, 3) for _ in kernel], [m.whole(0, (n - 1) // 2) for n in 2 * kernel]
    w = m.weights(shape[1], m.whole(1, 3), *kernel, size=float(shape[1] ** -0.5))
    return m.add("ConvTranspose", x, w, group=groups, strides=strides, pads=pads)


def pool(m: RandomModel, x: str) -> str | None:
    shape = m.shapes[x]
    if len(shape) not in (3, 4):
        return None
    kernel = [m.whole(1, min(4, n)) for n in shape[2:]]
    pads = [m.whole(0, n - 1) for n in 2 * kernel]
    attributes = {"kernel_shape": kernel, "strides": [m.pick(1, 2, 3) for _ in kernel], "pads": pads}
    counted = {"count_include_pad": m.whole(0, 1)} if m.coin() else {}
    return m.add("AveragePool" if counted else "MaxPool", x, **attributes, **counted)


def pair(m: RandomModel, x: str) -> str:
    """With a constant that is broadcast along some dimensions, or with another tensor of the same shape."""
    shape = m.shapes[x]
    kind = m.pick("Add", "Mul", "Sub", "Max", "Min", "PRelu")
    others = [name for name in m.values if m.shapes[name] == shape and name != x]
    other = m.pick(*others) if others and m.coin() and kind != "PRelu" else None
    cut = m.whole(0, len(shape))
    one = [tuple(n if m.coin() else 1 for n in shape), shape[cut:], shape, (1,)]
    other = other or m.weights(*m.pick(*one))
    return m.add(kind, *((x, other) if m.coin() or kind == "PRelu" else (other, x)))


def function(m: RandomModel, x: str) -> str:
    return m.add(m.pick(*FUNCTIONS), x)


def softmax(m: RandomModel, x: str) -> str:
    return m.add("Softmax", x, axis=m.whole(0, len(m.shapes[x]) - 1))


def reduction(m: RandomModel, x: str) -> str:
    rank = len(m.shapes[x])
    axes = sorted(m.rng.permutation(rank)[: m.whole(1, rank)].tolist())
    keep = m.whole(0, 1) if len(axes) < rank else 1
    return m.add(m.pick(*REDUCTIONS), x, m.constant(axes, np.int64), keepdims=keep)


def join(m: RandomModel, x: str) -> str:
    axis = m.whole(0, len(m.shapes[x]) - 1)
    fits = [
        n
        for n in m.values
        if m.shapes[n][:axis] + m.shapes[n][axis + 1 :] == m.shapes[x][:axis] + m.shapes[x][axis + 1 :]
    ]
    same = [n for n in fits if len(m.shapes[n]) == len(m.shapes[x])]
    return m.add("Concat", x, *(m.pick(*same) for _ in range(m.whole(1, 2))), axis=axis)


def part(m: RandomModel, x: str) -> str:
    begins, ends, steps = [], [], []
    for size in m.shapes[x]:
        begin, step = m.whole(0, size - 1), m.pick(1, 1, 2, 3, -1, -2)
        begins.append(begin)
        ends.append(m.whole(begin + 1, size) if step > 0 else -(2**31))
        steps.append(step)
    lists = (begins, ends, range(len(steps)), steps)
    return m.add("Slice", x, *(m.constant(list(numbers), np.int64) for numbers in lists))


def padding(m: RandomModel, x: str) -> str:
    mode = m.pick("constant", "reflect", "edge")
    pads = [m.whole(0, min(2, n - 1)) if m.coin() else 0 for n in 2 * m.shapes[x]]
    value = [m.constant(m.rng.normal())] if mode == "constant" and m.coin() else []
    return m.add("Pad", x, m.constant(pads, np.int64), *value, mode=mode)


def transposition(m: RandomModel, x: str) -> str:
    return m.add("Transpose", x, perm=m.rng.permutation(len(m.shapes[x])).tolist())


def reshaping(m: RandomModel, x: str) -> str:
    sizes, left = [], int(np.prod(m.shapes[x]))
    for _ in range(m.whole(0, 3)):
        sizes.append(m.pick(*(n for n in range(1, left + 1) if left % n == 0)))
        left //= sizes[-1]
    return m.add("Reshape", x, m.constant([*sizes, left], np.int64))


def product(m: RandomModel, x: str) -> str | None:
    shape, units = m.shapes[x], m.whole(1, 12)
    if len(shape) < 2:
        return None
    if m.coin():
        y = m.add("MatMul", x, m.weights(shape[-1], units, size=shape[-1] ** -0.5))
        return m.add("Add", y, m.weights(units, size=0.3))
    turned = [*range(len(shape) - 2), len(shape) - 1, len(shape) - 2]
    return m.add("MatMul", x, m.add("Transpose", x, perm=turned))


def dense(m: RandomModel, x: str) -> str:
    flat = x if len(m.shapes[x]) == 2 else m.add("Flatten", x, axis=m.whole(0, len(m.shapes[x])))
    (rows, depth), units, turned = m.shapes[flat], m.whole(1, 12), m.whole(0, 1)
    w = m.weights(*((units, depth) if turned else (depth, units)), size=depth**-0.5)
    return m.add("Gemm", flat, w, m.weights(*m.pick((units,), (1, units), (rows, 1))), transB=turned, alpha=0.5)


def normalization(m: RandomModel, x: str) -> str | None:
    shape = m.shapes[x]
    if m.coin():
        axis = m.whole(max(0, len(shape) - 2), len(shape) - 1)
        return m.add("LayerNormalization", x, m.weights(*shape[axis:]), m.weights(*shape[axis:]), axis=axis)
    if len(shape) < 3:
        return None
    return m.add("InstanceNormalization", x, m.weights(shape[1]), m.weights(shape[1]), epsilon=1e-3)


def recurrent(m: RandomModel, x: str) -> str | None:
    count = int(np.prod(m.shapes[x]))
    if count > 120:
        return None
    depth = m.pick(*(n for n in range(1, 13) if count % n == 0))
    steps = m.add("Reshape", x, m.constant([count // depth, 1, depth], np.int64))
    kind, gates = m.pick(("LSTM", 4), ("GRU", 3), ("RNN", 1))
    units, direction = m.whole(1, 7), m.pick("forward", "reverse", "bidirectional")
    ways = 2 if direction == "bidirectional" else 1
    matrices = [m.weights(ways, gates * units, n, size=0.4) for n in (depth, units)]
    return m.add(kind, steps, *matrices, hidden_size=units, direction=direction)


OPERATORS: tuple[Grow, ...] = (
    *(convolution, convolution, convolution, transposed_convolution, pool, pool, pair, pair, pair, function, function),
    *(softmax, softmax, reduction, reduction, join, join, part, padding, transposition, transposition, reshaping),
    *(reshaping, product, product, dense, normalization, recurrent),
)
