"""A model behind a front end."""

from __future__ import annotations

import numpy as np

from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.tensor import QParams, TensorType
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.reshape import Reshape


def dense(shape: tuple[int, ...], q: QParams | None = None) -> Graph:
    """A dense layer over all features."""
    editor, rng = GraphEditor("net"), np.random.default_rng(4)
    x = editor.input("x", TensorType(shape, q=q))
    (flat,) = editor.add(Reshape((1, int(np.prod(shape)))), [x], "flat")
    weights = editor.constant("w", rng.normal(size=(3, int(np.prod(shape)))).astype(np.float32))
    editor.outputs = list(editor.add(FullyConnected(), [flat, weights, None], "y"))
    return editor.finish()
