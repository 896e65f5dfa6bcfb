"""Convolutions and pools from ONNX, against onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx_models import Case, check, kinds, single, weights

X2, X1 = (1, 4, 7, 9), (1, 4, 11)

CONVOLUTIONS = [
    Case("plain", "Conv", [X2, weights(5, 4, 3, 3)]),
    Case("bias", "Conv", [X2, weights(5, 4, 3, 3), weights(5)], opset=7),
    Case("1x1", "Conv", [X2, weights(5, 4, 1, 1), weights(5)], {"kernel_shape": [1, 1]}, opset=11),
    Case("asymmetric_pads", "Conv", [X2, weights(5, 4, 3, 2), weights(5)], {"pads": [0, 1, 2, 1], "strides": [2, 1]}),
    Case("dilated", "Conv", [X2, weights(3, 4, 3, 3)], {"dilations": [2, 3], "pads": [2, 3, 2, 3]}),
    Case("groups", "Conv", [X2, weights(6, 2, 3, 3), weights(6)], {"group": 2}),
    Case("depthwise", "Conv", [X2, weights(4, 1, 3, 3), weights(4)], {"group": 4, "pads": [1, 1, 1, 1]}),
    Case("depthwise_x3", "Conv", [X2, weights(12, 1, 3, 2), weights(12)], {"group": 4}, opset=22),
    Case("same_upper", "Conv", [X2, weights(5, 4, 4, 3)], {"auto_pad": "SAME_UPPER", "strides": [2, 3]}),
    Case("same_lower", "Conv", [X2, weights(5, 4, 4, 2)], {"auto_pad": "SAME_LOWER", "strides": [2, 3]}),
    Case("valid", "Conv", [X2, weights(5, 4, 4, 2)], {"auto_pad": "VALID", "strides": [2, 2]}),
    Case("batch_3", "Conv", [(3, 2, 4, 5), weights(3, 2, 2, 2)]),
    Case("one_channel", "Conv", [(1, 1, 6, 5), weights(3, 1, 3, 3)]),
    Case("1d", "Conv", [X1, weights(5, 4, 3), weights(5)], {"pads": [2, 1], "strides": [2]}),
    Case("1d_dilated_groups", "Conv", [X1, weights(6, 2, 3)], {"dilations": [2], "group": 2}),
    Case("1d_depthwise", "Conv", [X1, weights(4, 1, 3), weights(4)], {"group": 4, "auto_pad": "SAME_UPPER"}),
    Case("constant_input", "Conv", [weights(1, 4, 5, 5), weights(2, 4, 3, 3)]),
]
TRANSPOSED = [
    Case("plain", "ConvTranspose", [X2, weights(4, 5, 3, 3), weights(5)]),
    Case("stride", "ConvTranspose", [X2, weights(4, 5, 3, 2)], {"strides": [2, 3], "pads": [1, 0, 0, 1]}),
    Case("extra", "ConvTranspose", [X2, weights(4, 5, 3, 3)], {"strides": [2, 2], "output_padding": [1, 1]}),
    Case("groups", "ConvTranspose", [X2, weights(4, 3, 3, 3), weights(6)], {"strides": [2, 2], "group": 2}),
    Case("dilated", "ConvTranspose", [X2, weights(4, 2, 2, 3)], {"dilations": [2, 3]}, opset=11),
    Case("shape", "ConvTranspose", [X2, weights(4, 2, 3, 3)], {"strides": [2, 2], "output_shape": [14, 18]}),
    Case("shape_wide", "ConvTranspose", [X2, weights(4, 2, 2, 2)], {"strides": [3, 3], "output_shape": [21, 27]}),
    Case("same_upper", "ConvTranspose", [X2, weights(4, 2, 3, 3)], {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    Case("same_lower", "ConvTranspose", [X2, weights(4, 2, 3, 3)], {"strides": [2, 2], "auto_pad": "SAME_LOWER"}),
    Case("1d", "ConvTranspose", [X1, weights(4, 3, 4), weights(3)], {"strides": [2], "pads": [1, 1]}, opset=7),
    Case("1d_extra", "ConvTranspose", [X1, weights(4, 3, 4)], {"strides": [3], "output_padding": [2]}, opset=22),
]
POOLS = [
    Case("max", "MaxPool", [X2], {"kernel_shape": [2, 3]}, opset=7),
    Case("max_stride", "MaxPool", [X2], {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 0]}),
    Case("max_ceil", "MaxPool", [X2], {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}),
    Case(
        "max_ceil_pads",
        "MaxPool",
        [X2],
        {"kernel_shape": [3, 3], "strides": [2, 3], "pads": [1, 1, 1, 1], "ceil_mode": 1},
    ),
    Case("max_dilated", "MaxPool", [X2], {"kernel_shape": [2, 3], "dilations": [3, 2]}, opset=12),
    Case("max_same", "MaxPool", [X2], {"kernel_shape": [3, 2], "strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    Case("max_same_low", "MaxPool", [X2], {"kernel_shape": [3, 2], "strides": [2, 2], "auto_pad": "SAME_LOWER"}),
    Case("max_1d", "MaxPool", [X1], {"kernel_shape": [3], "strides": [2], "pads": [1, 0]}),
    Case("average", "AveragePool", [X2], {"kernel_shape": [2, 3]}, opset=7),
    Case("average_pads", "AveragePool", [X2], {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 0, 1]}),
    Case(
        "average_counted",
        "AveragePool",
        [X2],
        {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 0, 1], "count_include_pad": 1},
    ),
    Case("average_ceil", "AveragePool", [X2], {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}, opset=19),
    Case(
        "average_ceil_counted",
        "AveragePool",
        [X2],
        {"kernel_shape": [3, 2], "strides": [3, 2], "pads": [1, 1, 1, 1], "ceil_mode": 1, "count_include_pad": 1},
        opset=19,
    ),
    Case("average_same", "AveragePool", [X2], {"kernel_shape": [3, 2], "strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    Case(
        "average_dilated",
        "AveragePool",
        [X2],
        {"kernel_shape": [2, 3], "dilations": [2, 2], "pads": [1, 1, 1, 1]},
        opset=19,
    ),
    Case("average_1d", "AveragePool", [X1], {"kernel_shape": [4], "strides": [3], "pads": [1, 2]}, opset=11),
    Case("global_average", "GlobalAveragePool", [X2]),
    Case("global_average_1d", "GlobalAveragePool", [X1]),
    Case("global_max", "GlobalMaxPool", [X2]),
    Case("global_max_1d", "GlobalMaxPool", [X1]),
]


@pytest.mark.parametrize("case", [*CONVOLUTIONS, *TRANSPOSED, *POOLS], ids=lambda c: f"{c.op}-{c.name}")
def test_equals_onnxruntime(case: Case, tmp_path: Path) -> None:
    check(single(case), tmp_path, case.low, case.high)


def test_weights_are_stored_in_the_graphs_layout(tmp_path: Path) -> None:
    graph = check(single(CONVOLUTIONS[0]), tmp_path)
    (node,) = [n for n in graph.nodes if n.op.kind == "Conv2D"]
    assert node.name == "the_node"
    assert node.inputs[1] == "x1"
    np.testing.assert_array_equal(graph.values["x1"].data, weights(5, 4, 3, 3).transpose(0, 2, 3, 1))


def test_depthwise_is_recognized(tmp_path: Path) -> None:
    for case in CONVOLUTIONS:
        expected = ["DepthwiseConv2D"] if "depthwise" in case.name else ["Conv2D"]
        assert kinds(check(single(case), tmp_path)) == expected


def test_one_graph_value_has_the_models_name_for_it(tmp_path: Path) -> None:
    graph = check(single(CONVOLUTIONS[0]), tmp_path)
    assert graph.producers["y0"].op.kind == "Transpose"
    assert graph.type("y0").shape == (1, 5, 5, 7)
