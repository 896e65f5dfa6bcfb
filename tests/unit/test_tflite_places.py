"""Whole numbers in float .tflite files: places that may count from the end, casts, comparisons, truths that move."""

from __future__ import annotations

import numpy as np
import pytest
from tflite_file import Operator, Tensor, build

from edgeq.errors import ModelError
from edgeq.importers.tflite import import_bytes
from edgeq.ir.graph import Graph
from edgeq.simulator import run_float

TABLE = np.arange(12, dtype=np.float32).reshape(6, 2)
PLACES = np.array([[0, 5, -1]], np.int32)


def looked_up(size: int) -> Graph:
    """What Keras makes of an embedding: places p below 0 are p + `size`."""
    tensors = [
        Tensor("ids", (1, 3), "INT32"),
        Tensor("zero", (1,), "INT32", np.zeros(1, np.int32)),
        Tensor("size", (1,), "INT32", np.array([size], np.int32)),
        Tensor("negative", (1, 3), "BOOL"),
        Tensor("shifted", (1, 3), "INT32"),
        Tensor("chosen", (1, 3), "INT32"),
        Tensor("table", TABLE.shape, "FLOAT32", TABLE),
        Tensor("y", (1, 3, 2), "FLOAT32"),
    ]
    ops = [
        Operator("LESS", [0, 1], [3]),
        Operator("ADD", [0, 2], [4]),
        Operator("SELECT_V2", [3, 4, 0], [5]),
        Operator("GATHER", [6, 5], [7], "GatherOptions", {"Axis": 0}),
    ]
    return import_bytes(build(tensors, ops, [0], [7]), "net")


def test_places_from_the_end() -> None:
    graph = looked_up(6)
    assert [node.op.kind for node in graph.nodes] == ["Gather"]
    y = run_float(graph, {"ids": PLACES})[graph.outputs[0]]
    assert (y == TABLE[PLACES]).all()


def test_another_size_is_no_end() -> None:
    """p + 4 is another row than the one that counts from the end of six."""
    with pytest.raises(ModelError, match="SELECT_V2"):
        looked_up(4)


def test_casts_comparisons_and_moved_truths() -> None:
    tensors = [
        Tensor("ids", (1, 3), "INT32"),
        Tensor("limit", (1,), "INT32", np.array([4], np.int32)),
        Tensor("truth", (1, 3), "BOOL"),
        Tensor("column", (3, 1), "BOOL"),
        Tensor("shape", (2,), "INT32", np.array([3, 1], np.int32)),
        Tensor("real", (1, 3), "FLOAT32"),
        Tensor("masked", (3, 1), "FLOAT32"),
        Tensor("y", (3, 3), "FLOAT32"),
    ]
    ops = [
        Operator("GREATER_EQUAL", [0, 1], [2]),
        Operator("RESHAPE", [2, 4], [3]),
        Operator("CAST", [3], [6]),
        Operator("CAST", [0], [5]),
        Operator("MUL", [6, 5], [7]),
    ]
    graph = import_bytes(build(tensors, ops, [0], [7]), "net")
    ids = np.array([[7, 1, 4]], np.int32)
    y = run_float(graph, {"ids": ids})[graph.outputs[0]]
    assert (y == (ids.T >= 4) * ids).all()
