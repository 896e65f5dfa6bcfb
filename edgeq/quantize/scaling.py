"""Weights multiplied channel by channel, as methods do that move scale from one layer to another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.ir.graph import GraphEditor
from edgeq.quantize.statistics import Floats


def multiply_along(editor: GraphEditor, name: str, factors: Floats, axis: int) -> None:
    """Multiply a float32 constant along one axis, in float64.

    Args:
        editor: the graph.
        name: the constant.
        factors: as many as the axis is long.
        axis: which dimension of it; from the end where it is negative.
    """
    value = editor.values[name]
    data = np.asarray(value.data, np.float64)
    shape = [1] * data.ndim
    shape[axis] = -1
    scaled = (data * factors.reshape(shape)).astype(np.float32)
    scaled.flags.writeable = False
    editor.values[name] = replace(value, data=scaled)
