"""A small integer network for tests of code generation: a residual block, a branch, two inputs, two outputs."""

from __future__ import annotations

import numpy as np

from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.op import registry
from edgeq.ir.tensor import Array, DType, QParams, TensorType
from edgeq.numerics.fixedpoint import Numerics

Q = QParams.per_tensor(0.05, -3)


def small_net(numerics: Numerics = Numerics.FAST, seed: int = 7) -> Graph:
    """Inputs `image:0` (1, 8, 8, 3) and `gain` (1, 4, 4, 6), which is uint8; outputs (1, 4, 4, 6) and (1, 10).

    Its weights depend on `seed`, and nothing else does.
    """
    rng = np.random.default_rng(seed)
    ops = registry()
    edit = GraphEditor("Small net")
    edit.numerics = numerics

    def weights(name: str, shape: tuple[int, ...]) -> tuple[str, str]:
        w = rng.integers(-127, 128, shape).astype(np.int8)
        b = rng.integers(-2000, 2000, shape[0]).astype(np.int32)
        scales = np.linspace(0.002, 0.004, shape[0])
        return (
            edit.constant(f"{name}.w", w, QParams.per_channel(scales, 0, 0)),
            edit.constant(f"{name}.b", b, QParams.per_channel(scales * Q.s, 0, 0)),
        )

    image = edit.input("image:0", TensorType((1, 8, 8, 3), DType.INT8, Q))
    bytes = TensorType((1, 4, 4, 6), DType.UINT8, QParams.per_tensor(Q.s, Q.zp + 128))
    gain = edit.input("gain", bytes)
    (signed,) = edit.add(ops["Requantize"](), [gain], "gain/int8", types=[bytes.quantized(DType.INT8, Q)])
    (stem,) = edit.add(
        ops["Conv2D"](stride=(2, 2), padding=(0, 0, 1, 1)), [image, *weights("stem", (6, 3, 3, 3))], "stem/conv */"
    )
    (body,) = edit.add(ops["Conv2D"](padding=(1, 1, 1, 1)), [stem, *weights("body", (6, 3, 3, 6))], "body")
    (total,) = edit.add(ops["Add"](), [stem, body], "residual")
    first, second = edit.add(ops["Split"](axis=3, sizes=(2, 4)), [total], "split")
    (swapped,) = edit.add(ops["Concat"](axis=3), [second, first], "swap")
    (mixed,) = edit.add(ops["Add"](), [swapped, signed], "mix")
    (flat,) = edit.add(ops["Reshape"](shape=(1, 96)), [total], "flat")
    (scores,) = edit.add(ops["FullyConnected"](), [flat, *weights("head", (10, 96))], "head")
    edit.outputs = [mixed, scores]
    return edit.finish()


def samples(graph: Graph, count: int = 3) -> list[dict[str, Array]]:
    """Random inputs; the first are all at the ends of their range."""
    rng = np.random.default_rng(11)
    found: list[dict[str, Array]] = []
    for index in range(count):
        sample = {}
        for name in graph.inputs:
            type = graph.type(name)
            low, high = (0, 0) if type.dtype.is_float else type.dtype.range
            real = type.dtype.is_float
            data = rng.normal(size=type.shape) if real else rng.integers(low if index else high, high + 1, type.shape)
            sample[name] = data.astype(type.dtype.numpy)
        found.append(sample)
    return found


def record(graph: Graph, values: dict[str, Array], names: tuple[str, ...]) -> bytes:
    """Tensors as the generated program exchanges them."""
    return b"".join(np.ascontiguousarray(values[name], graph.type(name).dtype.numpy).tobytes() for name in names)
