"""The models of the vectors: for every operator some small ones, random but always the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tflite_file import Operator, Tensor, build

NONE, RELU, RELU_N1, RELU6 = 0, 1, 2, 3
SAME, VALID = 0, 1
VERSIONS = 12
LOGISTIC_Q, TANH_Q = (1 / 256, -128), (1 / 128, 0)


@dataclass
class Model:
    """A model with one operator under construction."""

    rng: np.random.Generator
    dtype: str = "INT8"
    tensors: list[Tensor] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    ops: list[Operator] = field(default_factory=list)

    def _add(self, tensor: Tensor) -> int:
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def zero(self) -> int:
        """A zero-point: at an end of the range, in the middle, or anywhere; 0 of 16 bits."""
        if self.dtype == "INT16":
            return 0
        low = -128 if self.dtype == "INT8" else 0
        return int(low + self.rng.choice([0, 128, 255, int(self.rng.integers(256))]))

    def scale(self, about: float) -> float:
        """A scale near `about`."""
        return float(np.float32(about * np.exp(self.rng.uniform(-0.7, 0.7))))

    def step(self, about: float) -> float:
        """A scale of activations, near `about` where they have 8 bits."""
        return self.scale(about / 256 if self.dtype == "INT16" else about)

    def ends(self) -> tuple[int, int]:
        """Least and greatest element of an activation."""
        return {"INT8": (-128, 127), "UINT8": (0, 255), "INT16": (-32768, 32767)}[self.dtype]

    def input(self, *shape: int, scale: float = 0.05, q: tuple[float, int] | None = None) -> int:
        """An 8-bit input of the model."""
        s, z = q or (self.step(scale), self.zero())
        self.inputs.append(self._add(Tensor(f"x{len(self.inputs)}", shape, self.dtype, scale=s, zero=z)))
        return self.inputs[-1]

    def output(self, *shape: int, scale: float = 0.05, q: tuple[float, int] | None = None, like: int = -1) -> int:
        """An 8-bit output; `like` gives it the parameters of another tensor."""
        if like >= 0:
            s, z = self.tensors[like].scale, self.tensors[like].zero
        else:
            s, z = q or (self.step(scale), self.zero())
        self.outputs.append(self._add(Tensor(f"y{len(self.outputs)}", shape, self.dtype, scale=s, zero=z)))
        return self.outputs[-1]

    def weights(self, *shape: int, axis: int | None) -> int:
        """Weights: symmetric, per channel along `axis` or per tensor; of a uint8 model with a zero-point."""
        if self.dtype == "UINT8":
            data = self.rng.integers(0, 256, shape)
            return self._add(Tensor("w", shape, "UINT8", data, self.scale(0.01), int(self.rng.integers(100, 160))))
        data = self.rng.integers(-127, 128, shape)
        scale: Any = self.scale(0.01)
        if axis is not None:
            scale = [self.scale(0.01) for _ in range(shape[axis])]
        return self._add(Tensor("w", shape, "INT8", data, scale, 0, axis or 0))

    def bias(self, x: int, w: int, channels: int) -> int:
        """A bias with the scale of the accumulators: int32, or int64 beside 16-bit activations."""
        s = np.asarray(self.tensors[x].scale, np.float32) * np.asarray(self.tensors[w].scale, np.float32)
        data = self.rng.integers(-4000, 4000, channels)
        if self.dtype == "INT16":
            return self._add(Tensor("b", (channels,), "INT64", data * 256, s.tolist(), 0))
        return self._add(Tensor("b", (channels,), "INT32", data, s.tolist(), 0))

    def constant(self, *shape: int, q: tuple[float, int] | None = None, scale: float = 0.05) -> int:
        """An 8-bit constant operand."""
        s, z = q or (self.step(scale), self.zero())
        low, high = self.ends()
        return self._add(Tensor("c", shape, self.dtype, self.rng.integers(low, high + 1, shape), s, z))

    def ints(self, values: Any) -> int:
        """An int32 constant: axes, shapes, paddings."""
        data = np.asarray(values)
        return self._add(Tensor(f"i{len(self.tensors)}", data.shape, "INT32", data))

    def q(self, index: int) -> tuple[float, int]:
        """The parameters of a tensor."""
        t = self.tensors[index]
        return (float(t.scale), int(t.zero))  # type: ignore[arg-type]

    def op(self, kind: str, inputs: list[int], table: str = "", **options: Any) -> Model:
        """The operator, into all outputs."""
        self.ops.append(Operator(kind, inputs, self.outputs, table, options))
        return self

    def file(self) -> bytes:
        """The model's bytes."""
        return build(self.tensors, self.ops, self.inputs, self.outputs)


Maker = Callable[[Model], Model]
CASES: dict[str, list[tuple[str, Maker, str]]] = {}


def case(kind: str, name: str, maker: Maker, dtype: str = "INT8") -> None:
    """Register a model of an operator."""
    CASES.setdefault(kind, []).append((name, maker, dtype))


def out_size(size: int, kernel: int, stride: int, dilation: int, padding: int) -> int:
    """Positions of a window."""
    span = (kernel - 1) * dilation + 1
    return -(-size // stride) if padding == SAME else (size - span) // stride + 1


# (height, width, channels in, channels out, kernel, stride, dilation, padding, activation, per channel)
CONVOLUTIONS = [
    (5, 7, 3, 5, (3, 3), (1, 1), (1, 1), SAME, RELU, True),
    (8, 6, 4, 9, (3, 2), (2, 1), (1, 1), SAME, NONE, True),
    (7, 7, 2, 4, (5, 3), (2, 2), (1, 1), VALID, RELU6, True),
    (6, 5, 9, 7, (1, 1), (1, 1), (1, 1), VALID, RELU_N1, True),
    (9, 9, 2, 3, (3, 3), (1, 1), (2, 3), SAME, NONE, True),
    (4, 4, 17, 2, (4, 4), (1, 1), (1, 1), VALID, RELU, False),
]


def conv(m: Model, h: int, w: int, c: int, oc: int, k: Any, s: Any, d: Any, pad: int, act: int, per: bool) -> Model:
    x = m.input(1, h, w, c)
    weights = m.weights(oc, *k, c, axis=0 if per else None)
    b = m.bias(x, weights, oc)
    oh, ow = (out_size(n, k[i], s[i], d[i], pad) for i, n in enumerate((h, w)))
    m.output(1, oh, ow, oc, scale=0.05 * 0.01 * 60 * np.sqrt(k[0] * k[1] * c))
    return m.op("CONV_2D", [x, weights, b], "Conv2DOptions", Padding=pad, StrideH=s[0], StrideW=s[1],
                DilationHFactor=d[0], DilationWFactor=d[1], FusedActivationFunction=act)  # fmt: skip


def depthwise(
    m: Model, h: int, w: int, c: int, mult: int, k: Any, s: Any, d: Any, pad: int, act: int, per: bool
) -> Model:
    x = m.input(1, h, w, c)
    weights = m.weights(1, *k, c * mult, axis=3 if per else None)
    b = m.bias(x, weights, c * mult)
    oh, ow = (out_size(n, k[i], s[i], d[i], pad) for i, n in enumerate((h, w)))
    m.output(1, oh, ow, c * mult, scale=0.05 * 0.01 * 60 * np.sqrt(k[0] * k[1]))
    return m.op("DEPTHWISE_CONV_2D", [x, weights, b], "DepthwiseConv2DOptions", Padding=pad, StrideH=s[0], StrideW=s[1],
                DepthMultiplier=mult, DilationHFactor=d[0], DilationWFactor=d[1],
                FusedActivationFunction=act)  # fmt: skip


def transpose_conv(m: Model, h: int, w: int, c: int, oc: int, k: int, s: int, pad: int, bias: bool) -> Model:
    oh, ow = (n * s if pad == SAME else (n - 1) * s + max(k, s) for n in (h, w))
    shape = m.ints([1, oh, ow, oc])
    x = m.input(1, h, w, c)
    weights = m.weights(oc, k, k, c, axis=0)
    inputs = [shape, weights, x] + ([m.bias(x, weights, oc)] if bias else [])
    m.output(1, oh, ow, oc, scale=0.05 * 0.01 * 60 * np.sqrt(k * k * c) / s)
    return m.op("TRANSPOSE_CONV", inputs, "TransposeConvOptions", Padding=pad, StrideH=s, StrideW=s)


def fully_connected(m: Model, rows: int, k: int, oc: int, act: int, bias: bool, per: bool, rank: int) -> Model:
    shape = (rows, k) if rank == 2 else (1, rows, k)
    x = m.input(*shape)
    weights = m.weights(oc, k, axis=0 if per else None)
    inputs = [x, weights] + ([m.bias(x, weights, oc)] if bias else [-1])
    out = (rows, oc) if rank == 2 else (1, rows, oc)
    m.output(*out, scale=0.05 * 0.01 * 60 * np.sqrt(k))
    return m.op("FULLY_CONNECTED", inputs, "FullyConnectedOptions", FusedActivationFunction=act, KeepNumDims=rank == 3)


def batch_matmul(m: Model, a: Any, b: Any, out: Any, adj_x: bool, adj_y: bool, constant: bool) -> Model:
    x = m.input(*a)
    y = m.constant(*b) if constant else m.input(*b)
    m.output(*out, scale=0.05 * 0.05 * 60 * np.sqrt(a[-1]))
    return m.op("BATCH_MATMUL", [x, y], "BatchMatMulOptions", AdjX=adj_x, AdjY=adj_y)


for number, config in enumerate(CONVOLUTIONS):
    case("CONV_2D", f"{number}", lambda m, c=config: conv(m, *c))
    case("DEPTHWISE_CONV_2D", f"{number}", lambda m, c=config: depthwise(m, *c[:3], 1 + c[3] % 3, *c[4:]))
    if number in (0, 2, 4):
        case("CONV_2D", f"uint8_{number}", lambda m, c=config: conv(m, *c), "UINT8")
        case("DEPTHWISE_CONV_2D", f"uint8_{number}", lambda m, c=config: depthwise(m, *c[:3], 2, *c[4:]), "UINT8")
for number, t in enumerate([(3, 4, 3, 5, 3, 2, SAME, True), (4, 3, 2, 3, 2, 2, VALID, False),
                            (3, 3, 5, 2, 4, 1, SAME, True), (2, 5, 4, 4, 3, 3, VALID, True),
                            (4, 4, 3, 2, 1, 2, SAME, True)]):  # fmt: skip
    case("TRANSPOSE_CONV", f"{number}", lambda m, t=t: transpose_conv(m, *t))
for number, f in enumerate([(1, 17, 5, NONE, True, False, 2), (3, 40, 9, RELU, True, False, 2),
                            (2, 8, 12, RELU6, False, False, 3), (1, 300, 4, RELU, True, False, 2),
                            (1, 64, 33, NONE, True, True, 2)]):  # fmt: skip
    case("FULLY_CONNECTED", f"{number}", lambda m, f=f: fully_connected(m, *f))
    if number < 2:
        case("FULLY_CONNECTED", f"uint8_{number}", lambda m, f=f: fully_connected(m, *f), "UINT8")
for number, g in enumerate([((2, 3, 5), (2, 5, 4), (2, 3, 4), False, False, False),
                            ((1, 2, 4, 9), (1, 2, 3, 9), (1, 2, 4, 3), False, True, False),
                            ((5, 7), (7, 3), (5, 3), False, False, True),
                            ((2, 6, 4), (1, 6, 5), (2, 4, 5), True, False, False)]):  # fmt: skip
    case("BATCH_MATMUL", f"{number}", lambda m, g=g: batch_matmul(m, *g))


# Elementwise

BROADCASTS = [
    ((1, 3, 4, 5), (1, 3, 4, 5)),
    ((1, 3, 4, 5), (5,)),
    ((1, 3, 4, 5), (1, 1, 1, 1)),
    ((2, 1, 4, 3), (1, 5, 1, 3)),
    ((7,), (7,)),
]


def binary(m: Model, kind: str, a: Any, b: Any, constant: bool, act: int, same: bool) -> Model:
    x = m.input(*a)
    q = m.q(x) if same else None
    y = m.constant(*b, q=q) if constant else m.input(*b, q=q)
    out = np.broadcast_shapes(a, b)
    about = {"MUL": 0.05 * 0.05 * 80, "SQUARED_DIFFERENCE": 0.05 * 0.05 * 160}.get(kind, 0.07)
    m.output(*out, scale=about, like=x if same else -1)
    table = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions"}.get(kind, "MaximumMinimumOptions")
    if kind == "SQUARED_DIFFERENCE":
        return m.op(kind, [x, y], "SquaredDifferenceOptions")
    options = {} if same else {"FusedActivationFunction": act}
    return m.op(kind, [x, y], table, **options)


for kind in ("ADD", "SUB", "MUL", "MINIMUM", "MAXIMUM", "SQUARED_DIFFERENCE"):
    same = kind.startswith("M") and kind != "MUL"
    for number, (a, b) in enumerate(BROADCASTS):
        for constant in (False, True):
            act = (NONE, RELU, RELU6, RELU_N1)[(number + constant) % 4]
            args = (kind, a, b, constant, act, same)
            case(kind, f"{number}{'_const' if constant else ''}", lambda m, args=args: binary(m, *args))
    if not same and kind != "SQUARED_DIFFERENCE":
        case(
            kind, "uint8", lambda m, kind=kind: binary(m, kind, (1, 3, 4, 5), (1, 3, 4, 5), False, RELU, False), "UINT8"
        )

# kind → (scale of the input, parameters of the output or None for random ones, its scale, table, options)
UNARY: dict[str, Any] = {
    "LOGISTIC": (0.06, LOGISTIC_Q, 0, "", {}),
    "TANH": (0.03, TANH_Q, 0, "", {}),
    "HARD_SWISH": (0.06, None, 0.05, "HardSwishOptions", {}),
    "GELU": (0.05, None, 0.04, "GeluOptions", {"Approximate": False}),
    "EXP": (0.02, None, 0.06, "ExpOptions", {}),
    "ABS": (0.05, None, 0.05, "AbsOptions", {}),
    "RELU": (0.05, None, 0.04, "", {}),
    "RELU6": (0.08, None, 0.05, "", {}),
    "RELU_N1_TO_1": (0.02, None, 0.02, "", {}),
    "RELU_0_TO_1": (0.02, None, 0.01, "", {}),
    "LEAKY_RELU": (0.05, None, 0.05, "LeakyReluOptions", {"Alpha": 0.17}),
    "QUANTIZE": (0.05, None, 0.05, "QuantizeOptions", {}),
    "NEG": (0.05, None, 0.05, "NegOptions", {}),
}
POSITIVE = {"LOG": (0.05, None, 0.03), "RSQRT": (0.05, None, 0.05), "SQRT": (0.05, None, 0.02)}


def unary(m: Model, kind: str, shape: Any, options: Any, same: bool = False) -> Model:
    scale, q, out, table, base = UNARY[kind]
    x = m.input(*shape, scale=scale)
    if same:
        m.output(*shape, like=x)
    else:
        m.output(*shape, scale=out, q=q)
    return m.op(kind, [x], table, **{**base, **options})


def positive(m: Model, kind: str) -> Model:
    scale, q, out = POSITIVE[kind]
    x = m.input(256, q=(m.scale(scale), -128))
    m.output(256, scale=out, q=q)
    return m.op(kind, [x])


for kind in UNARY:
    # All 256 values at once, several parameters.
    for number in range(4):
        options = {"Approximate": bool(number % 2)} if kind == "GELU" else {}
        if kind == "LEAKY_RELU":
            options = {"Alpha": (0.17, 0.01, 1.5, -0.3)[number]}
        case(kind, f"all_{number}", lambda m, k=kind, o=options: unary(m, k, (256,), o))
    case(kind, "shape", lambda m, k=kind: unary(m, k, (1, 3, 5, 2), {}))
    if kind in ("RELU", "RELU6", "LEAKY_RELU", "QUANTIZE", "ABS", "NEG"):
        case(kind, "same_scale", lambda m, k=kind: unary(m, k, (256,), {}, True))
for kind in ("LOGISTIC", "TANH", "RELU", "RELU6", "LEAKY_RELU", "HARD_SWISH", "QUANTIZE"):
    uint8_q = {"LOGISTIC": (1 / 256, 0), "TANH": (1 / 128, 128)}.get(kind)
    case(kind, "uint8", lambda m, k=kind, q=uint8_q: unary_uint8(m, k, q), "UINT8")
for kind in POSITIVE:
    for number in range(4):
        case(kind, f"all_{number}", lambda m, k=kind: positive(m, k))


def unary_uint8(m: Model, kind: str, q: Any) -> Model:
    scale, _, out, table, base = UNARY[kind]
    x = m.input(256, scale=scale)
    m.output(256, scale=out, q=q)
    return m.op(kind, [x], table, **base)


def prelu(m: Model, shape: Any, alpha: Any) -> Model:
    x = m.input(*shape)
    a = m.constant(*alpha, scale=0.01)
    m.output(*shape)
    return m.op("PRELU", [x, a])


for number, (shape, alpha) in enumerate([((1, 4, 3, 5), (1, 1, 5)), ((1, 4, 3, 5), (4, 3, 5)), ((3, 7), (7,))]):
    case("PRELU", f"{number}", lambda m, s=shape, a=alpha: prelu(m, s, a))


def softmax(m: Model, shape: Any, scale: float, beta: float, kind: str) -> Model:
    x = m.input(*shape, scale=scale)
    unsigned = m.dtype == "UINT8"
    q = (1 / 256, 0 if unsigned else -128) if kind == "SOFTMAX" else (16 / 256, 255 if unsigned else 127)
    m.output(*shape, q=q)
    if kind == "SOFTMAX":
        return m.op(kind, [x], "SoftmaxOptions", Beta=beta)
    return m.op(kind, [x], "LogSoftmaxOptions")


for kind in ("SOFTMAX", "LOG_SOFTMAX"):
    for number, (shape, scale, beta) in enumerate(
        [((1, 10), 0.1, 1.0), ((3, 7), 0.02, 1.0), ((1, 2), 0.5, 1.0), ((1, 2, 3, 33), 0.05, 1.0), ((1, 12), 0.3, 0.5)]
    ):
        case(kind, f"{number}", lambda m, s=shape, c=scale, b=beta, k=kind: softmax(m, s, c, b, k))
for number, beta in enumerate((0.1, 0.7, 1.9)):
    for dtype in ("INT8", "UINT8"):
        name = f"beta_{number}_{dtype.lower()}"
        case("SOFTMAX", name, lambda m, b=beta: softmax(m, (40, 30), 0.16, b, "SOFTMAX"), dtype)
case("SOFTMAX", "uint8", lambda m: softmax(m, (2, 11), 0.1, 1.0, "SOFTMAX"), "UINT8")


# Pools and reductions


def pool(m: Model, kind: str, h: int, w: int, c: int, k: Any, s: Any, pad: int, act: int) -> Model:
    x = m.input(1, h, w, c)
    oh, ow = out_size(h, k[0], s[0], 1, pad), out_size(w, k[1], s[1], 1, pad)
    m.output(1, oh, ow, c, like=x)
    return m.op(kind, [x], "Pool2DOptions", Padding=pad, StrideH=s[0], StrideW=s[1], FilterHeight=k[0],
                FilterWidth=k[1], FusedActivationFunction=act)  # fmt: skip


POOLS = [
    (5, 6, 3, (2, 2), (2, 2), SAME, NONE),
    (7, 5, 4, (3, 2), (1, 2), VALID, RELU),
    (8, 8, 2, (8, 8), (1, 1), VALID, NONE),
    (5, 5, 9, (3, 3), (2, 2), SAME, RELU6),
    (4, 7, 1, (3, 5), (1, 1), SAME, NONE),
]
for number, p in enumerate(POOLS):
    for kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        case(kind, f"{number}", lambda m, k=kind, p=p: pool(m, k, *p))
        if number == 0:
            case(kind, "uint8", lambda m, k=kind, p=p: pool(m, k, *p), "UINT8")
        elif kind == "AVERAGE_POOL_2D":  # the mean of uint8 rounds halves up, that of int8 away from zero
            case(kind, f"uint8_{number}", lambda m, k=kind, p=p: pool(m, k, *p), "UINT8")


def reduce(m: Model, kind: str, shape: Any, axes: Any, keep: bool, same: bool) -> Model:
    x = m.input(*shape)
    a = m.ints(axes)
    dims = [1 if i in [b % len(shape) for b in axes] else d for i, d in enumerate(shape)]
    out = dims if keep else [d for i, d in enumerate(shape) if i not in [b % len(shape) for b in axes]]
    if same:
        m.output(*out, like=x)
    else:
        m.output(*out, scale=0.03 if kind == "MEAN" else 0.3)
    return m.op(kind, [x, a], "ReducerOptions", KeepDims=keep)


REDUCTIONS = [
    ((1, 4, 5, 6), (1, 2), True, True),
    ((1, 4, 5, 6), (1, 2), True, False),
    ((1, 7, 3, 5), (1, 2), False, False),
    ((2, 3, 11), (-1,), False, False),
    ((1, 6, 5), (1,), True, False),
    ((3, 4, 2, 5), (0, 3), False, False),
    ((1, 5, 7, 3), (3,), True, True),
]
for kind in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"):
    # LiteRT sums the bytes of int8 tensors as if they were uint8, so its sums mean something for uint8 only.
    dtype = "UINT8" if kind == "SUM" else "INT8"
    for number, r in enumerate(REDUCTIONS):
        case(kind, f"{number}", lambda m, k=kind, r=r: reduce(m, k, *r[:3], same=r[3] or k.startswith("REDUCE")), dtype)


def models(kind: str) -> Iterator[tuple[str, list[Model]]]:
    """The models of an operator, several versions of each case.

    Each has its own seed, so that a new case changes no other.
    """
    for name, maker, dtype in CASES[kind]:
        seed = [ord(c) for c in f"{kind}/{name}"]
        yield name, [maker(Model(np.random.default_rng([*seed, k]), dtype)) for k in range(VERSIONS)]
