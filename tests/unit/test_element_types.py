"""Element types: what tensors of them take, which rows take them, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from pass_graphs import IntNet

from edgeq.codegen.lower import lower
from edgeq.errors import ModelError
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.ir.text import parse_graph, print_graph
from edgeq.ir.verify import verify
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.conv_transpose2d import ConvTranspose2D
from edgeq.ops.floor import Floor
from edgeq.ops.pow import Pow
from edgeq.ops.sign import Sign
from edgeq.simulator import run_int
from edgeq.target import load_target

NARROW = {
    DType.INT4: (4, (-8, 7)),
    DType.INT3: (3, (-4, 3)),
    DType.INT2: (2, (-2, 1)),
    DType.TERNARY: (2, (-1, 1)),
    DType.BINARY: (1, (-1, 1)),
    DType.CODE4: (4, (-127, 127)),
    DType.CODE2: (2, (-127, 127)),
    DType.TRELLIS: (2, (-127, 127)),
}


@pytest.mark.parametrize(("dtype", "bits", "limits"), [(d, b, r) for d, (b, r) in NARROW.items()])
def test_narrow_types_are_held_in_bytes_and_counted_in_bits(dtype: DType, bits: int, limits: tuple[int, int]) -> None:
    type = TensorType((3, 5), dtype)
    assert (dtype.bits, dtype.range, dtype.numpy) == (bits, limits, np.dtype(np.int8))
    assert type.nbytes == (3 if dtype is DType.TERNARY else -(-15 * bits // 8))
    with pytest.raises(ValueError, match=f"{bits} bits"):
        _ = type.itemsize


def test_wide_types_are_counted_in_bytes() -> None:
    assert [TensorType((3,), d).nbytes for d in (DType.INT8, DType.INT16, DType.FLOAT32)] == [3, 6, 12]
    assert [d.is_float for d in (DType.FLOAT32, DType.INT16, DType.INT4)] == [True, False, False]


def test_blocks_have_a_scale_each() -> None:
    """Along the axis the last block may be short; every index of the other axes has blocks of its own."""
    scales = np.array([[1.0, 2.0], [4.0, 8.0]])
    q = QParams.per_block(scales, 0, axis=1, block=3)
    assert q.entries((2, 5)) == (2, 2)
    integers = np.array([[1, 2, 3, 4, 5], [1, 1, 1, 1, -1]], np.int8)
    real = q.dequantize(integers)
    assert real.tolist() == [[1, 2, 3, 8, 10], [4, 4, 4, 8, -8]]
    assert q.quantize(real, DType.INT4).tolist() == integers.tolist()
    assert q.quantize(100.0 * real, DType.INT4).max() == 7


def test_blocks_need_an_axis() -> None:
    with pytest.raises(ValueError, match="blocks need an axis"):
        QParams((1.0,), (0,), None, 4)


def test_types_and_blocks_survive_as_text() -> None:
    net = IntNet()
    x = net.input("x", 1, 2, 2, 4)
    q = QParams.per_block(np.full((3, 1, 1, 2), 0.25), 0, 3, 2)
    w = net.edit.constant("w", np.full((3, 1, 1, 4), 3, np.int8), q)
    net.edit.set_type(w, TensorType((3, 1, 1, 4), DType.INT4, q))
    graph = net.finish(net.add(Conv2D(), x, w, name="conv"))
    text = print_graph(graph)
    assert "const %w: int4[3,1,1,4] q(axis 3 block 2: 0.25 0.25 0.25 0.25 0.25 0.25; 0)" in text
    again = parse_graph(text, {"w": np.asarray(graph.data("w"))})
    assert again.type("w") == graph.type("w") and print_graph(again) == text


def wide(graph: Graph, names: tuple[str, ...]) -> Graph:
    """The graph with int16 activations in place of the int8 ones."""
    editor = graph.edit()
    for name in names:
        editor.set_type(name, graph.type(name).quantized(DType.INT16, QParams.per_tensor(0.001, 0)))
    return verify(editor.finish())


def floor_and_sign() -> Graph:
    """Operators that have no arithmetic for int16."""
    net = IntNet()
    x = net.input("x", 1, 4, scale=0.001)
    floor = net.add(Floor(), x, name="floor", scale=0.001)
    return wide(net.finish(net.add(Sign(), floor, name="sign", scale=0.001)), ("x", "floor", "sign"))


@pytest.mark.parametrize("target", ["host", "cortex-m4", "cortex-m55", "cortex-m0plus"])
def test_types_without_a_kernel_are_refused(target: str) -> None:
    with pytest.raises(ModelError, match=r"no kernel for floor \(Floor: int16 activations, ") as caught:
        lower(floor_and_sign(), load_target(target))
    assert "sign (Sign: int16 activations, " in caught.value.message


def test_types_without_arithmetic_are_refused_by_the_simulator() -> None:
    graph = floor_and_sign()
    with pytest.raises(ModelError, match="no arithmetic for Floor with int16 activations") as caught:
        run_int(graph, {"x": np.zeros((1, 4), np.int16)})
    assert (caught.value.where, caught.value.hint) == ("floor", "it has one for float32, int8")


def test_narrow_weights_without_a_kernel_are_refused() -> None:
    net = IntNet()
    x = net.input("x", 1, 2, 2, 4)
    w = net.edit.constant("w", np.ones((3, 1, 1, 4), np.int8), QParams.per_channel(np.full(3, 0.01), 0, 0))
    net.edit.set_type(w, net.edit.values[w].type.quantized(DType.BINARY, net.edit.values[w].type.qp))
    graph = net.finish(net.add(ConvTranspose2D(), x, w, name="conv"))
    with pytest.raises(ModelError, match=r"no kernel for conv \(ConvTranspose2D: int8 activations and binary weights"):
        lower(graph, load_target("cortex-m4"), optimize="size")  # else they would become bytes


def test_real_numbers_are_for_operators_that_say_so() -> None:
    net = IntNet()
    x = net.edit.input("x", TensorType((4,)))
    (y,) = net.edit.add(Pow(1.5), [x], "pow", types=[TensorType((4,))])
    with pytest.raises(ModelError, match=r"no kernel for pow \(Pow: float32 activations"):
        lower(net.finish(y), load_target("host"))
