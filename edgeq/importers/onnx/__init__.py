"""ONNX → Graph: float models, and models quantized as QDQ or with QLinear operators; opsets from 7 on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgeq.errors import EdgeqError, ModelError
from edgeq.importers.cut import Cut
from edgeq.importers.onnx import (  # the modules of handlers register themselves
    activation,
    blocks,
    choice,
    classical,
    convolution,
    detection,
    einsum,
    elementwise,
    grams,
    grouped,
    integers,
    linear,
    movement,
    normalization,
    patches,
    pool_places,
    pooling,
    products,
    qdq,
    qlinear,
    recurrent,
    reduction,
    resize,
    sampled,
    sampling,
    spectrum,
    spelled,
    trees,
    truth,
    view,
    whole,
    whole_products,
)
from edgeq.importers.onnx.dynamic import with_real_layers
from edgeq.importers.onnx.finish import finish
from edgeq.importers.onnx.model import brief, read
from edgeq.importers.onnx.node import Builder
from edgeq.importers.onnx.walk import import_nodes
from edgeq.importers.problems import all_in_one
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Shape

__all__ = ["HANDLER_MODULES", "load"]

HANDLER_MODULES = (
    activation,
    blocks,
    choice,
    classical,
    convolution,
    detection,
    einsum,
    elementwise,
    grams,
    grouped,
    integers,
    linear,
    movement,
    normalization,
    patches,
    pool_places,
    pooling,
    products,
    qdq,
    qlinear,
    recurrent,
    reduction,
    resize,
    sampled,
    sampling,
    spectrum,
    spelled,
    trees,
    truth,
    view,
    whole,
    whole_products,
)


def load(path: str | Path, input_shapes: Mapping[str, Shape] | None = None, cut: Cut | None = None) -> Graph:
    """Read an ONNX file, or the part that `cut` names; all else as in `edgeq.importers.load`."""
    file = Path(path)
    try:
        source = read(file, dict(input_shapes or {}), Cut() if cut is None else cut)
        builder = Builder(with_real_layers(source))
        problems = import_nodes(builder)
        if problems:
            raise all_in_one(problems, "nodes", str(path))
        return finish(builder)
    except EdgeqError:
        raise
    except Exception as error:
        raise ModelError(
            f"the file cannot be imported ({brief(error)})",
            hint="it is damaged or unusual; check it with onnx.checker, or export it again",
            where=str(path),
        ) from error
