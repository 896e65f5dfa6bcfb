"""The textual graph: what it looks like, what it refuses, and its files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq.errors import ModelError, UsageError
from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.ir.text import load_graph, parse_graph, print_graph, save_graph
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.conv2d import Conv2D

TEXT = """\
graph net numerics=tflite preferred=tflite
input %x: uint8[1,4,4,1] q(0.5, -128) port uint8
const %w: int8[2,3,3,1] q(axis 0: 0.25 0.10000000149011612; 0)
const %"b 1": int32[2] q(axis 0: 0.125 0.05000000074505806; 0)
%y: int8[1,4,4,2] q(0.75, -1) = Conv2D(%x, %w, %"b 1") {padding=(1, 1, 1, 1), clamp=(0.0, inf)}
%z: int8[1,2,2,2] q(0.75, 3) = Conv2D(%y, %v, none) {stride=(2, 2), groups=2}  # last
const %v: int8[2,1,1,1] q(1.0, 0)
output %z
"""


def small() -> Graph:
    edit = GraphEditor("net")
    edit.numerics = edit.preferred = Numerics.TFLITE
    edit.ports["x"] = DType.UINT8
    edit.input("x", TensorType((1, 4, 4, 1), DType.UINT8, QParams.per_tensor(0.5, -128)))
    edit.constant("w", np.arange(18, dtype=np.int8).reshape(2, 3, 3, 1), QParams.per_channel([0.25, 0.1], 0, 0))
    edit.constant("b 1", np.array([5, -6], np.int32), QParams.per_channel([0.125, 0.05], 0, 0))
    edit.constant("v", np.ones((2, 1, 1, 1), np.int8), QParams.per_tensor(1.0, 0))
    relu = Conv2D(padding=(1, 1, 1, 1), clamp=(0.0, float("inf")))
    y = TensorType((1, 4, 4, 2), DType.INT8, QParams.per_tensor(0.75, -1))
    edit.add(relu, ["x", "w", "b 1"], "y", types=[y])
    z = TensorType((1, 2, 2, 2), DType.INT8, QParams.per_tensor(0.75, 3))
    edit.add(Conv2D(stride=(2, 2), groups=2), ["y", "v", None], "last", ["z"], [z])
    edit.outputs = ["z"]
    return edit.finish()


def constants(graph: Graph) -> dict[str, np.ndarray]:
    return {n: v.data for n, v in graph.values.items() if v.data is not None}


def test_text_is_readable_and_complete() -> None:
    lines = TEXT.splitlines()
    assert print_graph(small()).splitlines() == [*lines[:4], lines[6], *lines[4:6], lines[7]]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("numerics=tflite", "numerics=other", "line 1: 'other' is not the name of numerics"),
        ("preferred=tflite", "preferred=none", "line 1: 'preferred' names numerics"),
        ("uint8[1,4", "uint9[1,4", "line 2: 'uint9' is not an element type"),
        ("q(0.5, -128)", "q(half, -128)", "line 2: the quantization parameters cannot be read"),
        ("int8[2,3,3,1]", "int8[2,3,3,2]", "line 3: the elements of %w are int8[2, 3, 3, 1]"),
        ("const %v", "const %u", "line 5: the elements of %u are not given"),
        ("Conv2D(%x", "Conv9D(%x", "line 6: 'Conv9D' is not an operator"),
        ("(%x, %w", "(%a, %w", "line 6: %a is not defined above"),
        ("{padding=", "{cushion=", "line 6: Conv2D does not take these attributes"),
        ("padding=(1, 1, 1, 1)", "padding=open('f')", "line 6: the attributes cannot be read"),
        ("inf)}", "inf)", "line 6: a closing brace is expected at column 57"),
        ("%z: int8", "%y: int8", "line 7: %y is defined twice"),
        ("# last", "# y", "line 7: two nodes have the name 'y'"),
        ("output %z", "output %z again", "line 8: nothing more is expected at column 10"),
        ("output %z", 'output %"\\x"', 'line 8: "\\x" is not a name'),
        ("output %z", "output %z\nstate %a <- %z", "line 9: %a is not defined above"),
        ("output %z", "output %z\nstate %x = %z", "line 9: ' <- ' is expected at column 9"),
    ],
)
def test_damaged_text_names_the_line(old: str, new: str, message: str) -> None:
    text = print_graph(small())
    assert old in text
    with pytest.raises(ModelError) as caught:
        parse_graph(text.replace(old, new, 1), constants(small()))
    assert str(caught.value).startswith(message)


def test_empty_text() -> None:
    with pytest.raises(ModelError, match="empty"):
        parse_graph("\n", {})


def test_files_hold_the_graph_and_are_reproducible(tmp_path: Path) -> None:
    graph = small()
    save_graph(graph, tmp_path / "a")
    save_graph(graph, tmp_path / "b")
    for suffix in (".txt", ".npz"):
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
    again = load_graph(tmp_path / "a")
    assert print_graph(again) == print_graph(graph)
    for name, data in constants(graph).items():
        np.testing.assert_array_equal(again.values[name].data, data)


def test_missing_and_damaged_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_graph(tmp_path / "a")
    save_graph(small(), tmp_path / "a")
    (tmp_path / "a.npz").write_bytes(b"PK")
    with pytest.raises(ModelError, match="damaged"):
        load_graph(tmp_path / "a")
    with pytest.raises(UsageError, match="cannot be written"):
        save_graph(small(), tmp_path / "absent" / "a")
