"""What convolutions, pools, products and reductions refuse, and in which words."""

from __future__ import annotations

import pytest

from edgeq.errors import ModelError
from edgeq.ir.graph import GraphEditor
from edgeq.ir.op import Op, Shapes
from edgeq.ir.tensor import TensorType
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.conv_transpose2d import ConvTranspose2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.mat_mul import MatMul
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.mean import Mean
from edgeq.ops.reduce_max import ReduceMax
from edgeq.ops.sum import Sum

X = (1, 8, 8, 4)

REFUSED: list[tuple[Op, Shapes, str]] = [
    (Conv2D(), [(8, 8, 4), (4, 3, 3, 4)], "needs a 4-D input and 4-D weights, not (8, 8, 4)"),
    (Conv2D(), [X, (4, 3, 3, 5)], "4 input channels do not fit weights (4, 3, 3, 5) in 1 group(s)"),
    (Conv2D(groups=2), [X, (3, 3, 3, 2)], "4 input channels do not fit weights (3, 3, 3, 2) in 2 group(s)"),
    (Conv2D(groups=0), [X, (4, 3, 3, 4)], "in 0 group(s)"),
    (Conv2D(stride=(0, 1)), [X, (4, 3, 3, 4)], "stride (0, 1) and dilation (1, 1) must all be at least 1"),
    (Conv2D(padding=(0, -1, 0, 0)), [X, (4, 3, 3, 4)], "padding (0, -1, 0, 0) (top, left, bottom, right)"),
    (Conv2D(), [X, (4, 9, 3, 4)], "a window of 9 does not fit into 8 elements"),
    (Conv2D(dilation=(1, 4)), [X, (4, 3, 3, 4)], "a window of 9 does not fit into 8 elements"),
    (Conv2D(), [X, (4, 3, 3, 4), (3,)], "a bias of shape (3,) does not fit 4 output channel(s)"),
    (DepthwiseConv2D(), [X, (3, 3, 4, 1)], "needs a 4-D input and 3-D weights"),
    (DepthwiseConv2D(), [X, (3, 3, 6)], "6 filters are not a multiple of 4 input channels"),
    (DepthwiseConv2D(), [X, (3, 3, 8), (4,)], "a bias of shape (4,) does not fit 8 output channel(s)"),
    (ConvTranspose2D(), [X, (4, 3, 3, 5)], "4 input channels do not fit weights"),
    (ConvTranspose2D(padding=(5, 0, 5, 0)), [X, (4, 3, 3, 4)], "leaves nothing of an output of 10 × 10"),
    (ConvTranspose2D(output_padding=(-1, 0)), [X, (4, 3, 3, 4)], "output padding (-1, 0) must not be negative"),
    (FullyConnected(), [(1, 5), (3, 4)], "5 input features do not fit weights (3, 4)"),
    (FullyConnected(), [(), (3, 4)], "needs an input (…, K) and weights (OC, K)"),
    (FullyConnected(), [(1, 4), (3, 4), (1, 3)], "a bias of shape (1, 3) does not fit"),
    (MatMul(), [(5,), (5, 3)], "two inputs of at least 2 dimensions, not (5,) and (5, 3)"),
    (MatMul(), [(2, 5), (4, 3)], "the columns of (2, 5) do not match the rows of (4, 3)"),
    (MatMul(), [(2, 3, 5), (3, 5, 4)], "the batch dimensions of (2, 3, 5) and (3, 5, 4) do not fit each other"),
    (MatMul(), [(1, 40000), (40000, 1)], "sums of 40000 products can exceed 32 bits"),
    (MatMul(), [(1, 1, 1, 1, 1, 2, 2), (2, 2)], "more than 4 batch dimensions"),
    (MaxPool2D((2, 2)), [(8, 8)], "max pooling needs a 4-D input, not (8, 8)"),
    (MaxPool2D((0, 2)), [X], "window (0, 2), stride (1, 1) and dilation (1, 1) must all be at least 1"),
    (MaxPool2D((2, 2), padding=(2, 0, 0, 0)), [X], "lies wholly above or below the image"),
    (MaxPool2D((2, 2), dilation=(1, 9), padding=(0, 9, 0, 9)), [(1, 8, 2, 4)], "lies wholly left or right of"),
    (AveragePool2D((2, 2)), [None], "average pooling needs a 4-D input, not None"),
    (AveragePool2D((2, 2), padding=(0, 0, 2, 0)), [X], "lies wholly above or below the image"),
    (AveragePool2D((4096, 4096)), [(1, 4096, 4096, 1)], "a window of 4096 × 4096 is larger than"),
    (Mean((4,)), [X], "axes (4,) must be distinct, ascending and within the 4 dimensions"),
    (Mean((2, 1)), [X], "axes (2, 1) must be distinct, ascending"),
    (Sum((-1,)), [X], "axes (-1,) must be distinct"),
    (Sum((0,)), [None], "a reduction needs an input"),
    (Mean((0, 1)), [(4096, 4096)], "hold 16777216 elements"),
    (ReduceMax((0, 2, 4, 6, 8)), [(2,) * 10], "more than 4 separate groups of dimensions"),
]


@pytest.mark.parametrize(
    ("op", "shapes", "text"), REFUSED, ids=[f"{o.kind}-{k}" for k, (o, _, _) in enumerate(REFUSED)]
)
def test_refused(op: Op, shapes: Shapes, text: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        op.out_shapes(shapes)
    assert text in str(caught.value)


def test_the_user_sees_the_node() -> None:
    editor = GraphEditor("model")
    x, w = editor.input("x", TensorType((1, 5))), editor.input("w", TensorType((3, 4)))
    with pytest.raises(ModelError) as caught:
        editor.add(FullyConnected(), [x, w], "dense_1")
    assert str(caught.value) == "dense_1 (FullyConnected): 5 input features do not fit weights (3, 4)"


@pytest.mark.parametrize(
    ("op", "shapes", "expected"),
    [
        (Conv2D((2, 1), (1, 2), (1, 0, 0, 2)), [X, (6, 3, 3, 4)], (1, 4, 6, 6)),
        (ConvTranspose2D((2, 3), (1, 1), (1, 0, 0, 1), (1, 0)), [X, (6, 3, 2, 4)], (1, 17, 22, 6)),
        (MatMul(), [(2, 1, 3, 5), (4, 5, 7)], (2, 4, 3, 7)),
        (Mean((0, 3), True), [X], (1, 8, 8, 1)),
        (Sum((0, 3)), [X], (8, 8)),
        (ReduceMax(()), [X], X),
    ],
)
def test_shapes(op: Op, shapes: Shapes, expected: tuple[int, ...]) -> None:
    assert op.out_shapes(shapes) == (expected,)
