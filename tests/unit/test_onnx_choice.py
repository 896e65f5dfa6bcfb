"""Choices by constant indices, sums by equations, transforms, volumes and loops from ONNX, against onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import Case, check, imported, ints, model_of, single, weights

from edgeq.errors import ModelError
from edgeq.warnings import EdgeqWarning, collecting

X = (2, 3, 4)
INDEX = np.array([[[0, -1, 1, 0]], [[2, 0, -3, 1]]])

CASES = [
    Case("many", "Gather", [(2, 40), ints(*(k * k % 40 for k in range(30)))], {"axis": 1}),
    Case("", "GatherElements", [X, INDEX], {"axis": 1}),
    Case("", "GatherND", [X, np.array([[0, 2], [1, -1]])]),
    Case("batch", "GatherND", [X, np.array([[2], [0]])], {"batch_dims": 1}),
    Case("", "ReverseSequence", [(4, 3, 2), ints(1, 4, 2)], {"time_axis": 0, "batch_axis": 1}),
    Case("", "Compress", [X, np.array([True, False, True])], {"axis": 1}),
    Case("flat", "Compress", [X, np.array([False, True, False, True, True])]),
    Case("", "ScatterElements", [X, INDEX, (2, 1, 4)], {"axis": 1}),
    Case("twice", "ScatterElements", [(3, 2), np.array([[1, 1], [1, 0]]), (2, 2)], {"reduction": "add"}, opset=16),
    Case("", "ScatterND", [X, np.array([[1], [0]]), (2, 3, 4)]),
    Case("multiplied", "ScatterND", [(5,), np.array([[1], [3]]), (2,)], {"reduction": "mul"}, opset=16),
    Case("product", "Einsum", [(2, 3, 4), (2, 4, 5)], {"equation": "bij,bjk->bik"}),
    Case("weights", "Einsum", [(2, 3, 4), weights(4, 5)], {"equation": "...j,jk"}),
    Case("heads", "Einsum", [(1, 5, 2, 3), (1, 6, 2, 3)], {"equation": "bqhd,bkhd->bhqk"}),
    Case("diagonal", "Einsum", [(3, 3)], {"equation": "ii->i"}),
    Case("sum", "Einsum", [(3, 4)], {"equation": "ij->j"}),
    Case("three", "Einsum", [(2, 3), (3, 4), (4, 2)], {"equation": "ij,jk,kl->il"}),
    Case("outer", "Einsum", [(3,), (4,)], {"equation": "i,j->ji"}),
    Case("two_axes", "ReduceProd", [(2, 5, 3)], {"axes": [1, 2], "keepdims": 0}),
    Case("cubic", "Resize", [(1, 2, 5, 6), None, None, ints(1, 2, 8, 9)], {"mode": "cubic"}),
    Case(
        "cubic_smaller",
        "Resize",
        [(1, 1, 8, 6), None, None, ints(1, 1, 3, 4)],
        {"mode": "cubic", "cubic_coeff_a": -0.5},
    ),
    Case("excluded", "Resize", [(1, 1, 5, 6), None, None, ints(1, 1, 7, 9)], {"mode": "cubic", "exclude_outside": 1}),
    Case(
        "antialias",
        "Resize",
        [(1, 1, 9, 8), None, None, ints(1, 1, 4, 3)],
        {"mode": "linear", "antialias": 1},
        opset=18,
    ),
    Case("odd_scale", "Resize", [(1, 1, 5, 5), None, np.array([1, 1, 1.5, 1.5], np.float32)], {"mode": "linear"}),
    Case("channels", "Resize", [(1, 3, 5, 5), None, None, ints(1, 6, 5, 5)], {"mode": "nearest"}),
    Case(
        "volume",
        "MaxPool",
        [(1, 2, 5, 6, 7)],
        {"kernel_shape": [2, 3, 3], "strides": [2, 1, 2], "pads": [1, 1, 0, 0, 1, 1]},
    ),
    Case("volume", "AveragePool", [(1, 2, 5, 6, 7)], {"kernel_shape": [3, 2, 2], "pads": [1, 0, 1, 1, 0, 0]}),
    Case(
        "counted",
        "AveragePool",
        [(1, 2, 4, 4, 4)],
        {"kernel_shape": [2, 2, 2], "pads": [1] * 6, "count_include_pad": 1},
    ),
    Case(
        "volume",
        "Conv",
        [(1, 3, 5, 6, 7), weights(4, 3, 3, 2, 3), weights(4)],
        {"strides": [2, 1, 2], "pads": [1, 0, 1] * 2},
    ),
    Case("dilated", "Conv", [(1, 2, 6, 6, 6), weights(2, 2, 2, 2, 2)], {"dilations": [2, 1, 3]}),
    Case("same", "Conv", [(1, 2, 5, 6, 7), weights(2, 2, 3, 3, 2)], {"auto_pad": "SAME_UPPER", "strides": [2, 2, 1]}),
    Case("", "LpPool", [(1, 2, 5, 6)], {"kernel_shape": [2, 3], "strides": [1, 2]}),
    Case("cubes", "LpPool", [(1, 2, 5, 6)], {"kernel_shape": [2, 2], "p": 3}),
    Case("magnitudes", "LpNormalization", [X], {"p": 1, "axis": 1}),
    Case("", "LRN", [(1, 7, 3, 2)], {"size": 3, "alpha": 0.5, "beta": 0.6, "bias": 1.5}),
    Case("", "DFT", [(1, 12, 1)], {"axis": 1, "onesided": 1}, opset=17),
    Case("inverse", "DFT", [(1, 6, 2)], {"axis": 1, "inverse": 1}, opset=17),
    Case("", "STFT", [(1, 20, 1), np.array(4), np.hanning(8).astype(np.float32), np.array(8)], opset=17),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.op}-{c.name}")
def test_against_onnxruntime(case: Case, tmp_path: Path) -> None:
    check(single(case), tmp_path)


def test_a_product_with_a_matrix_is_told(tmp_path: Path) -> None:
    case = Case("", "Resize", [(1, 1, 64, 64), None, None, ints(1, 1, 96, 96)], {"mode": "cubic"})
    with collecting() as given, pytest.warns(EdgeqWarning):
        imported(single(case), tmp_path)
    assert "times the multiplications needed" in given[0].message and given[0].where == "the_node"


def _info(name: str, shape: list[int], kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def _scan(direction: int) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Mul", ["s", "half"], ["m"]),
        helper.make_node("Add", ["m", "e"], ["n"]),
        helper.make_node("Identity", ["n"], ["o"]),
    ]
    half = numpy_helper.from_array(np.float32(0.5), "half")
    body = helper.make_graph(
        nodes, "body", [_info("s", [3]), _info("e", [3])], [_info("n", [3]), _info("o", [3])], [half]
    )
    scan = helper.make_node(
        "Scan", ["zero", "x"], ["last", "all"], num_scan_inputs=1, body=body, scan_input_directions=[direction]
    )
    return model_of([scan], {"x": [4, 3]}, ["last", "all"], {"zero": np.ones(3, np.float32)}, opset=16)


@pytest.mark.parametrize("direction", [0, 1])
def test_scan(direction: int, tmp_path: Path) -> None:
    check(_scan(direction), tmp_path)


def _loop(again: str) -> onnx.ModelProto:
    nodes = [helper.make_node("Identity", [again], ["go"]), helper.make_node("Add", ["v", "v"], ["w"])]
    body = helper.make_graph(
        nodes,
        "body",
        [_info("i", [], TensorProto.INT64), _info("c", [], TensorProto.BOOL), _info("v", [3])],
        [_info("go", [], TensorProto.BOOL), _info("w", [3])],
    )
    loop = helper.make_node("Loop", ["steps", "", "x"], ["y"], body=body, name="round")
    return model_of([loop], {"x": [3]}, ["y"], {"steps": np.int64(5), "no": np.array(False)}, opset=16)


def test_loop(tmp_path: Path) -> None:
    check(_loop("c"), tmp_path)


def test_a_loop_that_may_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        imported(_loop("no"), tmp_path)
    assert "operator Loop is not supported" in caught.value.message
    assert "export with the loop unrolled" in caught.value.hint


def test_a_loop_of_too_many_steps_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeq.importers.onnx.loops.MOST_STEPS", 4)
    with pytest.raises(ModelError) as caught:
        imported(_loop("c"), tmp_path)
    assert "a loop of 5 steps cannot be unrolled; 1 to 4 can be" in caught.value.message
